/**
 * Agencies' texts as pages show them: marked with their language and direction, and cut if they are
 * very long.
 */
import { type Html, html } from '../html.ts'

/**
 * How many letters of a title, name or reason are shown at once. The rest is behind "Whole text".
 */
export const SHOWN = { heading: 160, listed: 160, detail: 240 } as const

/** A text in the language that its statement names. */
export function renderContent(text: string, language: string | undefined, shown = Number.MAX_SAFE_INTEGER): Html {
  const tag = language !== undefined && isKnown(language) ? language : undefined
  return html`<bdi${tag !== undefined && html` lang="${tag}"`} dir="auto">${clip(text, shown)}</bdi>`
}

/** The beginning of a text, with dots if something was left out. Never cuts a letter in two. */
export function clip(text: string, shown: number): string {
  if (text.length <= shown) return text
  const start = [...letters.segment(text.slice(0, shown + MARGIN))].findLast(({ index }) => index <= shown)
  // A letter with more marks than are shown at all is cut between two of them.
  return `${text.slice(0, start?.index || shown).replace(/[\ud800-\udbff]$/, '')}…`
}

const MARGIN = 32
const letters = new Intl.Segmenter()
const names = new Intl.DisplayNames('en', { type: 'language', fallback: 'none' })

/** A tag that no software knows would only mislead screen readers. */
function isKnown(tag: string): boolean {
  try {
    return names.of(tag.split('-')[0] ?? '') !== undefined
  } catch {
    return false
  }
}
