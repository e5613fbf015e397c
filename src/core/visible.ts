/**
 * Text that somebody else wrote, made safe to show. Control characters steer a terminal, and bidi controls can reorder the words around a text, so that a title
 * reads as another one. Both are shown as a mark in place of the character.
 */

/** Controls but tab and line ends, all bidi controls of Unicode, and its two line separators. */
const UNSAFE = /[^\P{Cc}\t\n\r]|\p{Bidi_Control}|[\u2028\u2029]/u
/** A first-strong isolate that holds no other control is kept: it keeps the text inside apart, and is how sentences of ours quote a name. */
const ISOLATE_OR_UNSAFE = /\u2068((?:\P{Bidi_Control})*?)\u2069|[^\P{Cc}\t\n\r]|\p{Bidi_Control}|[\u2028\u2029]/gu

/** The text with a mark such as `[U+202E]` in place of each control character but tab and line ends, and of each bidi control. */
export function visible(text: string): string {
  if (!UNSAFE.test(text)) return text
  return text.replace(ISOLATE_OR_UNSAFE, (found, isolated?: string) =>
    isolated === undefined ? markOf(found) : `\u2068${visible(isolated)}\u2069`,
  )
}

/** The text of a JSON value with the same characters escaped: the same value to all who read JSON, and harmless where the text itself is shown. */
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
