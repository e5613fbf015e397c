/** The violations that axe finds on a page, and whether the page keeps its width. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { BrowserContext, Page } from 'playwright-core'

/** Minified: less than half to send to each page. */
const SOURCE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')

const RULES = {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  rules: { 'target-size': { enabled: true } },
  resultTypes: ['violations'],
}

/**
 * Gives every page of a context axe before its own scripts: faster than for each page anew, and no
 * security policy forbids it.
 */
export async function addAxe(context: BrowserContext): Promise<void> {
  await context.addInitScript({ content: SOURCE })
}

/**
 * Nothing that axe knows of WCAG 2.2 AA is wrong on this page. A page of another language has the
 * same colours, so it can be looked at without the contrasts, which take axe as long as all else.
 */
export async function assertAccessible(page: Page, { contrasts = true } = {}): Promise<void> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(SOURCE)
  const violations = await page.evaluate(async rules => {
    const { axe } = globalThis as unknown as {
      axe: { run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
    }
    const found = await axe.run(rules)
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html.slice(0, 120)).join(' ')}`)
  }, rulesOf(contrasts))
  assert.deepEqual(violations, [], page.url())
}

function rulesOf(contrasts: boolean): object {
  return { ...RULES, rules: { ...RULES.rules, 'color-contrast': { enabled: contrasts } } }
}

/** The page needs no scrolling sideways, and no choice in it is cut off. */
export async function assertFits(page: Page, what = ''): Promise<void> {
  const wide = await page.evaluate(() => {
    if (document.documentElement.scrollWidth <= window.innerWidth) return []
    const over = [...document.querySelectorAll('main *')].filter(node => node.getBoundingClientRect().right > window.innerWidth + 1)
    return over.slice(0, 3).map(node => node.outerHTML.slice(0, 120))
  })
  assert.deepEqual(wide, [], `${page.url()} is too wide ${what}`)
  const cut = await page.$$eval('select', selects =>
    selects.flatMap(select => {
      const shown = select.offsetWidth
      select.style.maxInlineSize = 'none'
      const needed = select.offsetWidth
      select.style.maxInlineSize = ''
      return needed > shown ? [[...select.options].map(({ text }) => text)] : []
    }),
  )
  assert.deepEqual(cut, [], `${page.url()} cuts off choices ${what}`)
}
