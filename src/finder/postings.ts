/**
 * Which entries are listed under a token: a row for each token and block of 1,024 entries, so that
 * a block's rows are written once or grow a little.
 */
import { breathe } from '../turns.ts'
import { type FinderRow, lastNumber, type Rows, rowKey } from './rows.ts'

/** Entries in a block. */
export const BLOCK = 1024
const LETTER = 'w'
/** The most rows read for one answer; the rest is for its next page. */
const MAX_BLOCKS = 1000

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

/**
 * Entries below `before` that are listed under all tokens, newest first. Ends early, with the last
 * value `{ pausedAt }`, after many blocks without a hit: entries from there down were not read.
 */
export async function* intersect(
  rows: Rows,
  tokens: readonly string[],
  before: number,
): AsyncGenerator<{ readonly index: number } | { readonly pausedAt: number }> {
  const [lead, ...others] = [...tokens].sort((a, b) => b.length - a.length)
  if (lead === undefined) return
  let looked = 0
  const top = Math.ceil(before / BLOCK)
  for await (const [key, value] of rows.range(postingKey(lead, 0), postingKey(lead, top), { reverse: true })) {
    const block = blockOf(key)
    if (looked++ >= MAX_BLOCKS) return void (yield { pausedAt: (block + 1) * BLOCK })
    await breathe()
    for (const place of common(rows, block, value, others)) {
      const index = block * BLOCK + place
      if (index < before) yield { index }
    }
  }
}

/** The places in a block that are in the leading row and in all others, highest first. */
function common(rows: Rows, block: number, lead: Uint8Array, others: readonly string[]): number[] {
  let places = placesIn(lead)
  for (const token of others) {
    if (places.length === 0) break
    const row = rows.get(postingKey(token, block))
    const listed = new Set(row === undefined ? [] : placesIn(row))
    places = places.filter(place => listed.has(place))
  }
  return places.reverse()
}

function placesIn(value: Uint8Array): number[] {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
  return Array.from({ length: value.length / 2 }, (_, at) => view.getUint16(at * 2))
}

function postingKey(token: string, block: number): Uint8Array {
  return rowKey(LETTER, `${token}\0`, [{ value: block, bytes: 8 }])
}

function blockOf(key: Uint8Array): number {
  return lastNumber(key)
}
