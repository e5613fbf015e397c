/** Texts in the form in which searches compare them. */

/**
 * Small letters without accents, so that `ΟΔΟΎ` and `οδού`, `STRASSE` and `Straße` are the same; no
 * white space at the ends.
 */
export function foldText(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase().trim()
  return text.normalize('NFKD').toLowerCase().replace(MARKS, '').replaceAll('ς', 'σ').replaceAll('ß', 'ss').trim()
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
const ASCII = /^[\x00-\x7f]*$/
/** Accents, vowel points, and the stroke that only stretches Arabic words. */
const MARKS = /[\p{M}\u0640]/gu
