/**
 * Finds records: by a whole number, otherwise by the beginnings of words, and by what readers filter
 * by. One answer reads a bounded part of the log, and says where the next one goes on.
 */
import type { Statement } from '../core/statements/statement.ts'
import { breathe } from '../turns.ts'
import { stateOf } from './changes.ts'
import { countFacet, facetToken, packageToken } from './facets.ts'
import { markToken } from './marks.ts'
import { countListed, type ListedStep, type ListedUnder, walk } from './postings.ts'
import type { Rows } from './rows.ts'
import type { EntryState } from './threads.ts'
import { matches, nameOf, nameToken, searchableOf, tokenOfWord, wordsOf } from './words.ts'

/** The states that readers choose from. `current` entries are on the record, and nothing became of them. */
export type WantedState = 'current' | 'waiting' | 'withdrawn' | 'superseded' | 'edited'

/** A search: everything of the log if no member is given. */
export type WantedEntries = {
  readonly text?: string | undefined
  readonly agency?: string | undefined
  readonly kind?: Statement['kind'] | undefined
  readonly state?: WantedState | undefined
  /** Files of packages: only these, or all but these; missing: they count like others. */
  readonly packages?: 'hidden' | 'only' | undefined
  /** Only entries from this index on, and below this one. */
  readonly from?: number | undefined
  readonly before?: number | undefined
  readonly isOldestFirst?: boolean | undefined
  /** The size that the chain vouches for; needed for `current` and `waiting`. */
  readonly anchored?: number | undefined
}

/**
 * Found entries. `next` is where a further search goes on, if there may be more: below it, or from
 * it on if the oldest come first.
 */
export type FoundEntries = { readonly indexes: readonly number[]; readonly next?: number }

/** How many entries there are; `isExact` is false if there may be more. */
export type EntryCount = { readonly count: number; readonly isExact: boolean }

type ReadStatement = (index: number) => Promise<string | undefined>

/** The most entries read for one answer; the rest is for its next page. */
const MAX_READ = 1000
/** The most words that are looked up; others are only compared. */
const MAX_WANTED = 12

/** Entries of the first `size` that are wanted. Hits of words and states are compared with the statement itself. */
export async function search(
  rows: Rows,
  size: number,
  readStatement: ReadStatement,
  wanted: WantedEntries,
  limit: number,
): Promise<FoundEntries> {
  const { text, state, isOldestFirst = false } = wanted
  const words = wordsOf(text ?? '')
  const accept = async (index: number): Promise<boolean> => {
    const json = await readStatement(index)
    if (json === undefined) return false
    const statement: Statement = JSON.parse(json)
    return matches(words, searchableOf(statement)) && (state === undefined || isIn(state, stateOf(rows, index, statement)))
  }
  const ask = (tokens: readonly string[], test: (index: number) => Promise<boolean>) =>
    collect(walk(rows, listedOf(wanted, tokens, size), isOldestFirst), { limit, isOldestFirst }, test)
  if (text === undefined) return ask([], state === undefined || state === 'waiting' ? async () => true : accept)
  const isNamed = async (index: number) => {
    const json = state === undefined ? '' : await readStatement(index)
    return json === '' || (json !== undefined && isIn(state!, stateOf(rows, index, JSON.parse(json))))
  }
  const named = await ask([nameToken(nameOf(text))], isNamed)
  if (named.indexes.length > 0 || words.length === 0) return named
  return ask([...new Set(words.slice(0, MAX_WANTED).map(tokenOfWord))], accept)
}

/** How many entries are wanted, if that can be told without reading statements. */
export async function countWanted(rows: Rows, size: number, wanted: WantedEntries): Promise<EntryCount | undefined> {
  const { text, state, packages } = wanted
  if (text !== undefined || (state !== undefined && state !== 'waiting' && state !== 'withdrawn')) return undefined
  const listed = listedOf(wanted, [], size)
  const { from, to, tokens } = listed
  if (state === 'withdrawn') return countListed(rows, listed)
  const packed = packages === undefined ? 0 : await countFacet(rows, packageToken(wanted), from, to)
  if (packages === 'only') return { count: packed, isExact: true }
  const all = tokens.length === 0 ? Math.max(0, to - from) : await countFacet(rows, facetToken(wanted), from, to)
  return { count: all - packed, isExact: true }
}

/** Whether an entry that the chain vouches for is in a state. */
function isIn(state: WantedState, { withdrawn, superseded, edited, isSilentEdit }: EntryState): boolean {
  const isEdited = edited === true || isSilentEdit === true
  if (state === 'withdrawn') return withdrawn !== undefined
  if (state === 'superseded') return superseded !== undefined
  if (state === 'edited') return isEdited
  return state === 'waiting' || (withdrawn === undefined && superseded === undefined && !isEdited)
}

/**
 * The tokens that list what is wanted. Without any filter, all entries are wanted: the log's own
 * too, and those that were erased.
 */
function listedOf(wanted: WantedEntries, words: readonly string[], size: number): ListedUnder {
  const { agency, kind, state, packages, from = 0, before = size, anchored = 0 } = wanted
  const ofMark = state === 'withdrawn' || state === 'superseded' || state === 'edited' ? [markToken(state)] : []
  const facet = packages === 'only' ? packageToken(wanted) : facetToken(wanted)
  const isFiltered = words.length > 0 || agency !== undefined || kind !== undefined || state !== undefined || packages === 'only'
  return {
    // Rare ones first, because a block without one of them is passed over.
    tokens: isFiltered ? [...ofMark, ...words.toSorted((a, b) => b.length - a.length), facet] : [],
    without: [...(packages === 'hidden' ? [packageToken(wanted)] : []), ...(state === 'current' ? [markToken('withdrawn')] : [])],
    from: Math.max(from, state === 'waiting' ? anchored : 0),
    to: Math.min(before, size, state === 'current' ? anchored : size),
  }
}

/** Reads candidates until there are enough, or too many were read. */
async function collect(
  candidates: AsyncGenerator<ListedStep>,
  { limit, isOldestFirst }: { readonly limit: number; readonly isOldestFirst: boolean },
  accept: (index: number) => Promise<boolean>,
): Promise<FoundEntries> {
  const indexes: number[] = []
  /** Where a search goes on that has not looked at this entry. */
  const goingOn = (index: number) => ({ indexes, next: isOldestFirst ? index : index + 1 })
  let read = 0
  for await (const candidate of candidates) {
    if ('pausedAt' in candidate) return goingOn(candidate.pausedAt)
    if (indexes.length >= limit || read++ >= MAX_READ) return goingOn(candidate.index)
    await breathe()
    if (await accept(candidate.index)) indexes.push(candidate.index)
  }
  return { indexes }
}
