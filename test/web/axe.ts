/** The violations that axe finds on a page, and whether the page keeps its width. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { BrowserContext, Page } from 'playwright-core'
import { LANGUAGE_TAGS, type Language } from '../../src/messages/language.ts'

/** Minified: less than half to send to each page. */
const SOURCE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')

/** What other words can break on a page: names, languages, and room. */
const OF_WORDS = [
  ...['document-title', 'empty-heading', 'empty-table-header', 'landmark-unique', 'html-has-lang', 'html-lang-valid', 'valid-lang'],
  ...[
    'link-name',
    'button-name',
    'input-button-name',
    'label',
    'select-name',
    'summary-name',
    'aria-command-name',
    'aria-input-field-name',
  ],
  ...['image-alt', 'image-redundant-alt', 'svg-img-alt', 'role-img-alt', 'target-size', 'scrollable-region-focusable'],
]
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
const contrasts = (enabled: boolean) => ({ 'color-contrast': { enabled }, 'target-size': { enabled: true } })
const LOOKS = {
  whole: { runOnly: TAGS, rules: contrasts(true) },
  /** Contrasts take axe as long as all else. */
  colourless: { runOnly: TAGS, rules: { ...contrasts(false), 'link-in-text-block': { enabled: false } } },
  words: { runOnly: { type: 'rule', values: OF_WORDS } },
}

/** How closely axe looks at a page. */
type Look = keyof typeof LOOKS

/**
 * How to look at pages of this language. All languages have the same elements and colours. So whole
 * looks are at English, in light colours, and at Arabic, in dark ones and from right to left.
 * German has the longest words.
 */
export function lookIn(tag: Language): { readonly axe: Look; readonly colorScheme: 'light' | 'dark' } {
  const axe = tag === 'en' || tag === 'ar' ? 'whole' : tag === 'de' ? 'colourless' : 'words'
  return { axe, colorScheme: LANGUAGE_TAGS.indexOf(tag) % 2 === 0 ? 'light' : 'dark' }
}

/**
 * Gives every page of a context axe before its own scripts: faster than for each page anew, and no
 * security policy forbids it.
 */
export async function addAxe(context: BrowserContext): Promise<void> {
  await context.addInitScript({ content: SOURCE })
}

/** Nothing that axe knows of WCAG 2.2 AA is wrong on this page. */
export async function assertAccessible(page: Page, look: Look = 'whole'): Promise<void> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(SOURCE)
  const violations = await page.evaluate(
    async options => {
      const { axe } = globalThis as unknown as {
        axe: { run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
      }
      const found = await axe.run(options)
      return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html.slice(0, 120)).join(' ')}`)
    },
    { ...LOOKS[look], resultTypes: ['violations'] },
  )
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
