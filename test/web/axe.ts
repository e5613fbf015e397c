/** The violations that axe finds on a page, and whether the page keeps its width. */
import assert from 'node:assert/strict'
import axe from 'axe-core'
import type { BrowserContext, Page } from 'playwright-core'

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
  await context.addInitScript({ content: axe.source })
}

/** Nothing that axe knows of WCAG 2.2 AA is wrong on this page. */
export async function assertAccessible(page: Page): Promise<void> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe.source)
  const violations = await page.evaluate(async rules => {
    const { axe } = globalThis as unknown as {
      axe: { run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
    }
    const found = await axe.run(rules)
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html.slice(0, 120)).join(' ')}`)
  }, RULES)
  assert.deepEqual(violations, [], page.url())
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
