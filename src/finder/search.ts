/** Looking for records: by a number typed whole, else by the beginnings of words. */
import { breathe } from '../turns.ts'
import { intersect } from './postings.ts'
import type { Rows } from './rows.ts'
import { matches, nameOf, nameToken, searchableOf, tokenOfWord, wordsOf } from './words.ts'

/** What was found, newest first. `older` is where a further search goes on, where there may be more. */
export type Found = { readonly indexes: readonly number[]; readonly older?: number }

type ReadStatement = (index: number) => Promise<string | undefined>

/** So many entries are read for one answer; the rest is for the next page of it. */
const MAX_READ = 1000
/** So many words are looked up; the others are only compared. */
const MAX_WANTED = 12

/** Entries below `before`; each hit of a word is held against the statement itself. */
export async function search(rows: Rows, readStatement: ReadStatement, query: string, before: number, limit: number): Promise<Found> {
  const named = await collect(intersect(rows, [nameToken(nameOf(query))], before), limit, async () => true)
  const words = wordsOf(query)
  if (named.indexes.length > 0 || words.length === 0) return named
  const tokens = [...new Set(words.slice(0, MAX_WANTED).map(tokenOfWord))]
  return collect(intersect(rows, tokens, before), limit, async index => {
    const text = await readStatement(index)
    return text !== undefined && matches(words, searchableOf(JSON.parse(text)))
  })
}

/** Reads candidates until there are enough, or too many were read. */
async function collect(
  candidates: ReturnType<typeof intersect>,
  limit: number,
  accept: (index: number) => Promise<boolean>,
): Promise<Found> {
  const indexes: number[] = []
  let read = 0
  for await (const candidate of candidates) {
    if ('pausedAt' in candidate) return { indexes, older: candidate.pausedAt }
    if (indexes.length >= limit || read++ >= MAX_READ) return { indexes, older: candidate.index + 1 }
    await breathe()
    if (await accept(candidate.index)) indexes.push(candidate.index)
  }
  return { indexes }
}
