/** What the sentences of all languages must have in common. */

/** A plural of a sentence: the name of its number, and its forms. */
export const PLURAL = /\{(\w+), plural,((?:\s*\w+\s*\{[^{}]*\})+)\s*\}/g

/** The placeholders of a sentence, sorted. A plural counts as its number. */
export function placeholders(sentence: string): string[] {
  return (sentence.replace(PLURAL, '{$1}').match(/\{\w+\}/g) ?? []).sort()
}
