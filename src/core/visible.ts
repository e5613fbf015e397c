/**
 * Makes text from others safe to show. Control characters steer a terminal, and bidi controls can
 * reorder words so that a title reads as another one. A visible mark replaces each of them.
 */

/**
 * Control characters except tab and line ends, all bidi controls, and the two Unicode line
 * separators.
 */
const UNSAFE = /[^\P{Cc}\t\n\r]|\p{Bidi_Control}|[\u2028\u2029]/u
/**
 * Keeps a first-strong isolate without other controls inside: our own sentences quote names this
 * way.
 */
const ISOLATE_OR_UNSAFE = /\u2068((?:\P{Bidi_Control})*?)\u2069|[^\P{Cc}\t\n\r]|\p{Bidi_Control}|[\u2028\u2029]/gu

/**
 * Replaces each bidi control, and each control character except tab and line ends, by a mark such
 * as `[U+202E]`.
 */
export function visible(text: string): string {
  if (!UNSAFE.test(text)) return text
  return text.replace(ISOLATE_OR_UNSAFE, (found, isolated?: string) =>
    isolated === undefined ? markOf(found) : `\u2068${visible(isolated)}\u2069`,
  )
}

/**
 * Escapes the same characters in JSON text. The value stays the same, and the text is safe to show.
 */
export function visibleJson(json: string): string {
  if (!UNSAFE.test(json)) return json
  return json.replace(UNSAFE_EACH, found => `\\u${codeOf(found).toLowerCase()}`)
}

const UNSAFE_EACH = new RegExp(UNSAFE, 'gu')

function markOf(character: string): string {
  return `[U+${codeOf(character)}]`
}

function codeOf(character: string): string {
  return character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')
}
