/**
 * A tagged template that escapes values in HTML. All pages of this project are made with it, on the
 * server and in the browser.
 */
import { visible } from './core/visible.ts'

/** HTML that is safe to send. Only `html` makes it. */
export type Html = { readonly safe: string }

/** A value in a template. Text is escaped; `false`, `null` and `undefined` become nothing. */
export type Piece = Html | string | number | false | null | undefined | readonly Piece[]

/**
 * Joins trusted literal parts and escaped values. Values belong in element content or in quoted
 * attributes.
 */
export function html(parts: TemplateStringsArray, ...values: readonly Piece[]): Html {
  return { safe: parts.reduce((text, part, at) => text + render(values[at - 1]) + part) }
}

/**
 * Marks text as HTML without escaping it. Only for what this project made itself: styles, drawings,
 * scripts.
 */
export function trusted(text: string): Html {
  return { safe: text }
}

/** A sentence with values in its `{placeholders}`, which may be HTML. */
export function fill(sentence: string, values: { readonly [name: string]: Piece }): Html {
  return {
    safe: sentence
      .split(/\{(\w+)\}/)
      .map((part, at) => render(at % 2 === 0 ? part : values[part]))
      .join(''),
  }
}

/**
 * Escapes text for element content, quoted attributes and XML. Controls and bidi controls become
 * visible marks; other characters that XML forbids become U+FFFD.
 */
export function escapeText(text: string): string {
  return visible(text)
    .replace(FORBIDDEN, '\uFFFD')
    .replace(/[&<>"']/g, character => ESCAPES[character] ?? character)
}

/** JSON for a script element of type application/json. */
export function scriptJson(value: unknown): Html {
  return {
    safe: JSON.stringify(value)
      .replace(/</g, '\\u003c')
      .replace(/\u2028|\u2029/g, c => `\\u${c.charCodeAt(0).toString(16)}`),
  }
}

function render(value: Piece): string {
  if (value === undefined || value === null || value === false) return ''
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return escapeText(value)
  return 'safe' in value ? value.safe : value.map(render).join('')
}

const ESCAPES: { readonly [character: string]: string } = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
// The other characters that XML forbids: lone surrogates and two non-characters.
const FORBIDDEN = /\p{Cs}|[\ufffe\uffff]/gu
