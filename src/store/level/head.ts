/**
 * The head and the growing edge in the embedded store. Whole they take some 12 KB, of which a commit changes little: so most commits add a row with what is new,
 * and every so often one writes the whole again and drops those.
 */
import { concatBytes } from '../../core/bytes.ts'
import { HASH_BYTES } from '../../core/hash.ts'
import { type Edge, type Head, StoreError } from '../port/port.ts'
import { key, NOTHING, readIndex, withIndex } from './rows.ts'

/** The head as its rows give it. `additions`: the keys of those behind the whole one; undefined where there must be none. */
export type StoredHead = { readonly head: Head; readonly edge: Edge; readonly additions: readonly Uint8Array[] | undefined }

/** What a commit writes of its head: one row, and the keys of those that it makes superfluous. */
export type HeadChange = { readonly row: readonly [key: Uint8Array, value: Uint8Array]; readonly dropped: readonly Uint8Array[] }

/** Key of the whole row. */
export const HEAD_KEY = key('h')
/** Reading the head, and so starting, reads at most so many rows and one. */
const MAX_ADDITIONS = 32
const COUNT_BYTES = 4
/** In a whole row beside the number of levels: there may be additions. What wrote rows without it knew of none, and refuses a row with it. */
const MAY_BE_ADDED_TO = 0x80

/** The additions to a head of this size: their keys are in this range. */
export function additionsTo(size: number): { gt: Uint8Array; lte: Uint8Array } {
  return { gt: withIndex(key('g'), size), lte: withIndex(key('g'), Number.MAX_SAFE_INTEGER) }
}

/** The step from what is stored to the next head. */
export function changeHead(stored: StoredHead | undefined, head: Head, edge: Edge): HeadChange {
  if (stored?.additions === undefined || stored.additions.length === MAX_ADDITIONS)
    return { row: [HEAD_KEY, encodeHead(head, edge)], dropped: stored?.additions ?? [] }
  return { row: [withIndex(key('g'), head.size), encodeAddition(stored, head, edge)], dropped: [] }
}

/** The whole row: size (8), root (32), number of tile levels and 0x80 (1), then each level's tile and the bundle, each with its length (4). */
export function encodeHead(head: Head, edge: Edge): Uint8Array {
  const parts = partsOf(edge).flatMap(part => [count(part.length), part])
  return concatBytes(withIndex(NOTHING, head.size), head.root, Uint8Array.of(edge.tiles.length | MAY_BE_ADDED_TO), ...parts)
}

/** Reads the whole row; what it returns are views of the row. @throws StoreError STORE_CORRUPT */
export function decodeHead(row: Uint8Array): StoredHead {
  return reading(row, reader => {
    const head = { size: reader.index(), root: reader.bytes(HASH_BYTES) }
    const flagged = reader.byte()
    const levels = flagged & ~MAY_BE_ADDED_TO
    const parts = Array.from({ length: levels + 1 }, () => reader.bytes(reader.count()))
    if (!reader.isAtEnd()) throw new RangeError('bytes are left over')
    return { head, edge: edgeOf(parts), additions: flagged === levels ? undefined : [] }
  })
}

/** An addition: the size that it adds to (8), then as the whole row, but each part with how much of the former one it keeps (4) before its length. */
function encodeAddition(stored: StoredHead, head: Head, edge: Edge): Uint8Array {
  const parts = partsOf(edge).flatMap((part, at) => {
    const former = formerPart(stored.edge, at, edge.tiles.length)
    const kept = Buffer.compare(part.subarray(0, former.length), former) === 0 ? former.length : 0
    return [count(kept), count(part.length - kept), part.subarray(kept)]
  })
  const sizes = [withIndex(NOTHING, stored.head.size), withIndex(NOTHING, head.size)]
  return concatBytes(...sizes, head.root, Uint8Array.of(edge.tiles.length), ...parts)
}

/** The head after an addition. @throws StoreError STORE_CORRUPT where it is none to what was read before */
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
    if (!reader.isAtEnd()) throw new RangeError('bytes are left over')
    return { head, edge: edgeOf(parts), additions: [...(stored.additions ?? []), rowKey] }
  })
}

/** The error of a head that is no use. */
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

/** What stood where the part at this place of an edge with so many levels stands. */
function formerPart({ tiles, bundle }: Edge, at: number, levels: number): Uint8Array {
  return at === levels ? bundle : (tiles[at] ?? NOTHING)
}

function count(bytes: number): Uint8Array {
  const encoded = Buffer.allocUnsafe(COUNT_BYTES)
  encoded.writeUInt32BE(bytes)
  return encoded
}

/** Reads a row from its beginning; whatever is cut short, or said of it while reading, makes the head unreadable. */
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
