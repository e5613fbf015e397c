/** Searches for records: by a whole number, otherwise by the beginnings of words. */
import { breathe } from '../turns.ts'
import { intersect } from './postings.ts'
import type { Rows } from './rows.ts'
import { matches, nameOf, nameToken, searchableOf, tokenOfWord, wordsOf } from './words.ts'

/**
 * Found entries, newest first. `older` is where a further search continues, if there may be more.
 */
export type FoundEntries = { readonly indexes: readonly number[]; readonly older?: number }

type ReadStatement = (index: number) => Promise<string | undefined>

/** The most entries read for one answer; the rest is for its next page. */
const MAX_READ = 1000
/** The most words that are looked up; others are only compared. */
const MAX_WANTED = 12

/** Entries below `before`. Each hit is compared with the statement itself. */
export async function search(
  rows: Rows,
  readStatement: ReadStatement,
  query: string,
  before: number,
  limit: number,
): Promise<FoundEntries> {
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
): Promise<FoundEntries> {
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
