/**
 * Which entries are listed under a token: a row for each token and block of 1,024 entries, so that
 * a block's rows are written once or grow a little.
 */
import { breathe } from '../turns.ts'
import { type FinderRow, lastNumber, type Rows, rowKey } from './rows.ts'

/** Entries in a block. */
export const BLOCK = 1024
const LETTER = 'w'
/** The most blocks that are looked at for one answer; the rest is for its next page. */
const MAX_BLOCKS = 1000

/** Entries of [from, to), listed under all of `tokens` and under none of `without`. */
export type ListedUnder = {
  readonly tokens: readonly string[]
  readonly without: readonly string[]
  readonly from: number
  readonly to: number
}

/** An entry, or the end of what one answer may look at: the block with this entry is not read. */
export type ListedStep = { readonly index: number } | { readonly pausedAt: number }

/**
 * The rows that list new entries of one block, by token: the existing entries and the new ones
 * after them. Yielded one by one.
 */
export function* postingRows(rows: Pick<Rows, 'get'>, block: number, added: ReadonlyMap<string, readonly number[]>): Generator<FinderRow> {
  for (const [token, indexes] of added) {
    const key = postingKey(token, block)
    const before = rows.get(key)
    const places = Buffer.alloc(indexes.length * 2)
    for (const [at, index] of indexes.entries()) places.writeUInt16BE(index % BLOCK, at * 2)
    yield { key, value: before === undefined ? places : Buffer.concat([before, places]) }
  }
}

/** The row of one token and block with further places in it. */
export function mergedRow(rows: Pick<Rows, 'get'>, token: string, block: number, added: Iterable<number>): FinderRow {
  const key = postingKey(token, block)
  const row = rows.get(key)
  const places = [...new Set([...(row === undefined ? [] : placesIn(row)), ...added])].sort((a, b) => a - b)
  const value = Buffer.alloc(places.length * 2)
  for (const [at, place] of places.entries()) value.writeUInt16BE(place, at * 2)
  return { key, value }
}

/**
 * The listed entries, newest first or oldest first. Ends early, with the last value `{ pausedAt }`,
 * after many blocks: a request never looks at the whole of a large log. Blocks in which one of the
 * tokens is not are passed over, however many they are.
 */
export async function* walk(rows: Rows, listed: ListedUnder, isOldestFirst: boolean): AsyncGenerator<ListedStep> {
  const { from, to } = listed
  let looked = 0
  for await (const { block, places } of blocksOf(rows, listed, isOldestFirst)) {
    const end = isOldestFirst ? block * BLOCK : (block + 1) * BLOCK - 1
    if (looked++ >= MAX_BLOCKS) return void (yield { pausedAt: end })
    for (const place of isOldestFirst ? places : places.reverse()) {
      const index = block * BLOCK + place
      if (index >= from && index < to) yield { index }
    }
  }
}

/** How many entries are listed; at least that many if `isExact` is false. Reads no statement. */
export async function countListed(rows: Rows, listed: ListedUnder): Promise<{ readonly count: number; readonly isExact: boolean }> {
  const { from, to } = listed
  let [count, looked] = [0, 0]
  for await (const { block, places } of blocksOf(rows, listed, false)) {
    if (looked++ >= MAX_BLOCKS) return { count, isExact: false }
    const start = block * BLOCK
    count += start >= from && start + BLOCK <= to ? places.length : places.filter(at => start + at >= from && start + at < to).length
  }
  return { count, isExact: true }
}

/** How many entries of [from, to) a token lists, by the lengths of its rows alone. */
export async function countInRows(rows: Rows, token: string, from: number, to: number): Promise<number> {
  if (from >= to) return 0
  let count = 0
  const [first, last] = [Math.floor(from / BLOCK), Math.floor((to - 1) / BLOCK)]
  for await (const [key, value] of rows.range(postingKey(token, first), postingKey(token, last + 1))) {
    const block = lastNumber(key)
    await breathe()
    if (block > first && block < last) count += value.length / 2
    else count += placesIn(value).filter(place => block * BLOCK + place >= from && block * BLOCK + place < to).length
  }
  return count
}

/** The blocks of a range in which every token is, with the places that are listed, ascending. */
async function* blocksOf(rows: Rows, { tokens, without, from, to }: ListedUnder, isOldestFirst: boolean) {
  if (from >= to) return
  const bounds = { first: Math.floor(from / BLOCK), last: Math.floor((to - 1) / BLOCK) }
  const step = isOldestFirst ? 1 : -1
  let block = isOldestFirst ? bounds.first : bounds.last
  while (block >= bounds.first && block <= bounds.last) {
    await breathe()
    let places: number[] | undefined
    let missing: string | undefined
    for (const token of tokens) {
      const row = rows.get(postingKey(token, block))
      if (row === undefined) missing = token
      else places = places === undefined ? placesIn(row) : common(places, row)
      if (missing !== undefined || places?.length === 0) break
    }
    if (missing !== undefined) {
      const next = await nearestBlock(rows, missing, block, bounds, isOldestFirst)
      if (next === undefined) return
      block = next
      // A long way past other blocks is work too.
      yield { block, places: [] }
      continue
    }
    places ??= Array.from({ length: BLOCK }, (_, place) => place)
    for (const token of without) {
      const row = places.length === 0 ? undefined : rows.get(postingKey(token, block))
      if (row !== undefined) places = common(places, row, false)
    }
    yield { block, places }
    block += step
  }
}

/** The next block in which a token is, without reading those between. */
async function nearestBlock(
  rows: Rows,
  token: string,
  block: number,
  { first, last }: { readonly first: number; readonly last: number },
  isOldestFirst: boolean,
): Promise<number | undefined> {
  const [low, high] = isOldestFirst ? [block + 1, last] : [first, block - 1]
  if (low > high) return undefined
  const reverse = !isOldestFirst
  for await (const [key] of rows.range(postingKey(token, low), postingKey(token, high + 1), { reverse, limit: 1 })) return lastNumber(key)
  return undefined
}

/** The places that are in a row, or those that are not. */
function common(places: readonly number[], row: Uint8Array, isIn = true): number[] {
  const listed = new Set(placesIn(row))
  return places.filter(place => listed.has(place) === isIn)
}

function placesIn(value: Uint8Array): number[] {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
  return Array.from({ length: value.length / 2 }, (_, at) => view.getUint16(at * 2))
}

function postingKey(token: string, block: number): Uint8Array {
  return rowKey(LETTER, `${token}\0`, [{ value: block, bytes: 8 }])
}
