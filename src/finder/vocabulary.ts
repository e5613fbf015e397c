/**
 * The words of titles, for near spellings: a reader who mistypes a word is offered one that is
 * there.
 *
 *   d word      → the word as the first title writes it
 *   D reversed  → nothing; the word read backwards
 *
 * A word with one mistake has its first or its last half unharmed, and one with two mistakes mostly
 * its first or its last third. So all words with one mistake are found in two short ranges, without
 * a list of every possible mistake.
 */
import { breathe } from '../turns.ts'
import { type FinderRow, type Rows, rowKey } from './rows.ts'
import { fold, spelledWords } from './words.ts'

/** A word that was searched for, a near one, and how that one is written. */
export type Near = { readonly word: string; readonly written: string; readonly distance: number }

/** Words that need no look into the rows, because they were seen a moment ago. */
const REMEMBERED = 20_000
/** The most words that are compared in one range; a longer one is cut off. */
const MAX_COMPARED = 2000
const COMPARED_AT_ONCE = 50
/** The shortest word with a near spelling, and with two mistakes. */
const SHORTEST = { one: 4, two: 6 } as const
const LONGEST = 32

/** Gathers the words that are new; `forget` after a run that was not written. */
export function createVocabulary() {
  let seen = new Set<string>()
  return {
    /** The rows of the words in a title that have none yet. */
    *rows(stored: Pick<Rows, 'get'>, title: string): Generator<FinderRow> {
      for (const [word, written] of spelledWords(title)) {
        if (seen.has(word)) continue
        if (seen.size >= REMEMBERED) seen = new Set()
        seen.add(word)
        if (stored.get(wordKey(word)) !== undefined) continue
        yield { key: wordKey(word), value: Buffer.from(written, 'utf8') }
        yield { key: backKey(reverse(word)), value: new Uint8Array(0) }
      }
    },
    forget(): void {
      seen = new Set()
    },
  }
}

/** Words of titles that differ from this one in a letter or two, the nearest first. */
export async function nearWords(rows: Rows, typed: string, limit: number): Promise<Near[]> {
  const word = fold(typed)
  const length = [...word].length
  if (length < SHORTEST.one || length > LONGEST) return []
  const found = new Map<string, number>()
  const note = (other: string, most: number) => {
    const distance = found.get(other) ?? distanceOf(word, other, most)
    if (distance > 0 && distance <= most) found.set(other, distance)
  }
  for (const swapped of swapsOf(word)) if (rows.get(wordKey(swapped)) !== undefined) note(swapped, 1)
  await compareParts(rows, word, Math.floor(length / 2), other => note(other, 1))
  if (found.size === 0 && length >= SHORTEST.two) await compareParts(rows, word, Math.floor(length / 3), other => note(other, 2))
  const first = [...word][0]
  return [...found]
    .map(([other, distance]) => ({ other, distance, rank: distance * 2 + (other.startsWith(first ?? '') ? 0 : 1) }))
    .sort((a, b) => a.rank - b.rank || (a.other < b.other ? -1 : 1))
    .slice(0, limit)
    .map(({ other, distance }) => ({ word: typed, written: writtenOf(rows, other), distance }))
}

/** Hands over the words that begin or end as this one does. */
async function compareParts(rows: Rows, word: string, length: number, note: (other: string) => void): Promise<void> {
  const letters = [...word]
  const ranges = [
    [letters.slice(0, length).join(''), wordKey, (other: string) => other],
    [letters.slice(-length).reverse().join(''), backKey, reverse],
  ] as const
  for (const [start, keyOf, read] of ranges) {
    let compared = 0
    for await (const [key] of rows.range(keyOf(start), keyOf(`${start}\u{10ffff}`), { limit: MAX_COMPARED })) {
      if (++compared % COMPARED_AT_ONCE === 0) await breathe()
      note(read(Buffer.from(key).toString('utf8', 1)))
    }
  }
}

/** How many letters differ: changed, added, left out, or two swapped; more than `most` is `most + 1`. */
export function distanceOf(one: string, other: string, most: number): number {
  const [a, b] = [[...one], [...other]]
  if (Math.abs(a.length - b.length) > most) return most + 1
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, at) => at)]
  for (const [row, letter] of a.entries()) {
    const next = [row + 1]
    for (const [column, own] of b.entries()) {
      const isSwap = row > 0 && column > 0 && letter === b[column - 1] && own === a[row - 1]
      const changed = last[column]! + (letter === own ? 0 : 1)
      next.push(Math.min(changed, last[column + 1]! + 1, next[column]! + 1, isSwap ? before[column - 1]! + 1 : Number.MAX_SAFE_INTEGER))
    }
    if (Math.min(...next) > most) return most + 1
    before = last
    last = next
  }
  return Math.min(last[b.length]!, most + 1)
}

/** Words with two neighbouring letters swapped: such a mistake can harm both halves. */
function swapsOf(word: string): string[] {
  const letters = [...word]
  return letters.slice(1).map((letter, at) => [...letters.slice(0, at), letter, letters[at], ...letters.slice(at + 2)].join(''))
}

function writtenOf(rows: Rows, word: string): string {
  const row = rows.get(wordKey(word))
  return row === undefined ? word : Buffer.from(row).toString('utf8')
}

function reverse(word: string): string {
  return [...word].reverse().join('')
}

function wordKey(word: string): Uint8Array {
  return rowKey('d', word)
}

function backKey(word: string): Uint8Array {
  return rowKey('D', word)
}
