/**
 * The head and the growing edge in the embedded store. Together they take about 12 KB, and a commit
 * changes little of them. So most commits add a row with the difference, and every MAX_ADDITIONS
 * commits one writes the whole again and removes the additions.
 */
import { concatBytes } from '../../core/bytes.ts'
import { HASH_BYTES } from '../../core/hash.ts'
import { StoreError } from '../port/errors.ts'
import type { Edge, Head } from '../port/log.ts'
import { key, NOTHING, readIndex, withIndex } from './rows.ts'

/**
 * The stored head. `additions` holds the keys of the rows after the whole one; undefined if there
 * must not be any.
 */
export type StoredHead = { readonly head: Head; readonly edge: Edge; readonly additions: readonly Uint8Array[] | undefined }

/** A commit's change to the head: one row, and the keys of the rows that it replaces. */
export type HeadChange = { readonly row: readonly [key: Uint8Array, value: Uint8Array]; readonly dropped: readonly Uint8Array[] }

/** The key of the whole row. */
export const HEAD_KEY = key('h')
/** Starting reads the whole row and at most this many additions. */
const MAX_ADDITIONS = 32
const COUNT_BYTES = 4
/** Flag in the whole row, beside the number of levels: additions may follow. */
const MAY_BE_ADDED_TO = 0x80

/** The key range of the additions to a head of this size. */
export function additionsTo(size: number): { gt: Uint8Array; lte: Uint8Array } {
  return { gt: withIndex(key('g'), size), lte: withIndex(key('g'), Number.MAX_SAFE_INTEGER) }
}

/** The change from the stored head to the next one. */
export function changeHead(stored: StoredHead | undefined, head: Head, edge: Edge): HeadChange {
  if (stored?.additions === undefined || stored.additions.length === MAX_ADDITIONS)
    return { row: [HEAD_KEY, encodeHead(head, edge)], dropped: stored?.additions ?? [] }
  return { row: [withIndex(key('g'), head.size), encodeAddition(stored, head, edge)], dropped: [] }
}

/**
 * The whole row: size (8), root (32), number of tile levels and 0x80 (1), then each level's tile
 * and the bundle, each with its length (4).
 */
export function encodeHead(head: Head, edge: Edge): Uint8Array {
  const parts = partsOf(edge).flatMap(part => [count(part.length), part])
  return concatBytes(withIndex(NOTHING, head.size), head.root, Uint8Array.of(edge.tiles.length | MAY_BE_ADDED_TO), ...parts)
}

/**
 * Decodes the whole row. The result is views of the row.
 * @throws StoreError STORE_CORRUPT
 */
export function decodeHead(row: Uint8Array): StoredHead {
  return reading(row, reader => {
    const head = { size: reader.index(), root: reader.bytes(HASH_BYTES) }
    const flagged = reader.byte()
    const levels = flagged & ~MAY_BE_ADDED_TO
    const parts = Array.from({ length: levels + 1 }, () => reader.bytes(reader.count()))
    if (!reader.isAtEnd()) throw new RangeError('has trailing bytes')
    return { head, edge: edgeOf(parts), additions: flagged === levels ? undefined : [] }
  })
}

/**
 * An addition: the size that it adds to (8), then as the whole row, but before each part's length
 * the number of bytes (4) that it keeps of the previous one.
 */
function encodeAddition(stored: StoredHead, head: Head, edge: Edge): Uint8Array {
  const parts = partsOf(edge).flatMap((part, at) => {
    const former = formerPart(stored.edge, at, edge.tiles.length)
    const kept = Buffer.compare(part.subarray(0, former.length), former) === 0 ? former.length : 0
    return [count(kept), count(part.length - kept), part.subarray(kept)]
  })
  const sizes = [withIndex(NOTHING, stored.head.size), withIndex(NOTHING, head.size)]
  return concatBytes(...sizes, head.root, Uint8Array.of(edge.tiles.length), ...parts)
}

/**
 * The head after an addition.
 * @throws StoreError STORE_CORRUPT if it does not add to `stored`
 */
export function addTo(stored: StoredHead, rowKey: Uint8Array, row: Uint8Array): StoredHead {
  return reading(row, reader => {
    if (reader.index() !== stored.head.size) throw new RangeError('an addition is missing before this one')
    const head = { size: reader.index(), root: reader.bytes(HASH_BYTES) }
    const levels = reader.byte()
    const parts = Array.from({ length: levels + 1 }, (_, at) => {
      const kept = reader.count()
      const former = formerPart(stored.edge, at, levels)
      if (kept > former.length) throw new RangeError('more is kept than there was')
      return concatBytes(former.subarray(0, kept), reader.bytes(reader.count()))
    })
    if (!reader.isAtEnd()) throw new RangeError('has trailing bytes')
    return { head, edge: edgeOf(parts), additions: [...(stored.additions ?? []), rowKey] }
  })
}

/** The error for a head that cannot be used. */
export function headUnreadable(what: string, cause?: unknown): StoreError {
  const advice = 'Stop the service, copy the data folder, and run "openseal doctor".'
  return new StoreError('STORE_CORRUPT', `The head row of the store ${what}. ${advice}`, { cause })
}

function partsOf({ tiles, bundle }: Edge): Uint8Array[] {
  return [...tiles, bundle]
}

function edgeOf(parts: readonly Uint8Array[]): Edge {
  return { tiles: parts.slice(0, -1), bundle: parts.at(-1) ?? NOTHING }
}

/** The previous part of the edge at this place, given the new number of levels. */
function formerPart({ tiles, bundle }: Edge, at: number, levels: number): Uint8Array {
  return at === levels ? bundle : (tiles[at] ?? NOTHING)
}

function count(bytes: number): Uint8Array {
  const encoded = Buffer.allocUnsafe(COUNT_BYTES)
  encoded.writeUInt32BE(bytes)
  return encoded
}

/**
 * Reads a row from its beginning. A row that is cut short or refused while reading makes the head
 * unreadable.
 */
function reading<T>(row: Uint8Array, read: (reader: Reader) => T): T {
  try {
    return read(createReader(row))
  } catch (cause) {
    throw headUnreadable('cannot be read', cause)
  }
}

type Reader = ReturnType<typeof createReader>

function createReader(row: Uint8Array) {
  let at = 0
  const bytes = (length: number): Uint8Array => {
    if (at + length > row.length) throw new RangeError('a part is longer than the row')
    at += length
    return new Uint8Array(row.buffer, row.byteOffset + at - length, length)
  }
  return {
    bytes,
    byte: () => bytes(1)[0]!,
    index: () => readIndex(bytes(8), 0),
    count: () => {
      const encoded = bytes(COUNT_BYTES)
      return new DataView(encoded.buffer, encoded.byteOffset).getUint32(0)
    },
    isAtEnd: () => at === row.length,
  }
}
