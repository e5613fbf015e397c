/**
 * The searchable words: those of titles and of the agencies' own numbers, in any script, and how
 * they are cut into tokens.
 */
import { foldText } from '../core/fold.ts'
import type { Statement } from '../core/statements/statement.ts'

/**
 * The searchable part of a statement: its words, and the numbers that find it when they are typed
 * whole.
 */
export type Searchable = { readonly words: readonly string[]; readonly names: readonly string[] }

/**
 * The most distinct words of a statement. Words after them, in a title of up to 128 KiB, are not
 * found.
 */
export const MAX_WORDS = 512
const MAX_WORD = 32
/** The most words of a title that are kept for near spellings. */
const MAX_SPELLED = 64
const MAX_NAME = 200
/** A word is found by its beginning: it is listed under its first 3, 5 and 8 letters. */
const CUTS = [3, 5, 8] as const

/** The searchable part of a statement. */
export function searchableOf({ title = '', record, revision = '', identifiers = [] }: Statement): Searchable {
  const numbers = [record, revision, ...identifiers.map(({ value }) => value)]
  return {
    words: wordsOf([title, ...numbers].join(' ')),
    names: [...new Set([record, ...identifiers.map(({ value }) => value)].map(nameOf))],
  }
}

/**
 * The distinct words of a text: small letters without accents, so that `ΟΔΟΎ` finds `οδού`. In
 * scripts without spaces, each character is a word.
 */
export function wordsOf(text: string): string[] {
  const words = new Set<string>()
  for (const [word] of fold(text).matchAll(WORD)) {
    words.add(word.slice(0, MAX_WORD))
    if (words.size >= MAX_WORDS) break
  }
  return [...words]
}

/**
 * The words of a text as they are written, each with its form in which it is compared. Only words
 * of letters that people spell: no numbers, and no scripts without spaces.
 */
export function spelledWords(text: string): Map<string, string> {
  const words = new Map<string, string>()
  for (const [written] of text.normalize('NFC').matchAll(WRITTEN)) {
    const word = fold(written)
    if (SPELLED.test(word)) words.set(word, words.get(word) ?? written)
    if (words.size >= MAX_SPELLED) break
  }
  return words
}

/** A number in the form in which it is compared. */
export function nameOf(text: string): string {
  return text.normalize('NFKC').trim().toLowerCase().slice(0, MAX_NAME)
}

/** All tokens of a statement's words and numbers. */
export function tokensOf({ words, names }: Searchable): Set<string> {
  const tokens = new Set(names.map(nameToken))
  for (const word of words) {
    if (word.length < CUTS[0]) tokens.add(wordToken(word))
    for (const cut of CUTS) if (word.length >= cut) tokens.add(wordToken(word.slice(0, cut)))
  }
  return tokens
}

/** The longest token of a searched word. */
export function tokenOfWord(word: string): string {
  const cut = CUTS.findLast(length => word.length >= length)
  return wordToken(cut === undefined ? word : word.slice(0, cut))
}

/** The token of a whole number. */
export function nameToken(name: string): string {
  return `=${name}`
}

/** Whether each searched word begins one of the statement's words. */
export function matches(wanted: readonly string[], { words }: Searchable): boolean {
  return wanted.every(start => words.some(word => (start.length < CUTS[0] ? word === start : word.startsWith(start))))
}

function wordToken(word: string): string {
  return `~${word}`
}

/** A text in the form in which words are compared. In scripts without spaces, characters stand alone. */
export function fold(text: string): string {
  return foldText(text).replace(UNSPACED, ' $& ')
}

/** A word with its accents, and the same word as it is compared. */
const WRITTEN = /[\p{L}\p{M}]+/gu
const SPELLED = /^(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}])\p{L}){4,32}$/u
const WORD = /[\p{L}\p{N}]+/gu
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/gu
