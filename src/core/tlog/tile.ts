/** Tiles and entry bundles, C2SP tlog-tiles: paths, shapes and bytes. */
import { joinBytes } from '../bytes.ts'
import { OpenSealError } from '../errors.ts'
import { HASH_BYTES, type Hash } from '../hash.ts'

/** The number of tree levels in a tile: tile level l starts at tree level 8 · l. */
export const TILE_HEIGHT = 8

/** The number of hashes in a full tile, and of entries in a full bundle. */
export const TILE_WIDTH = 256

/** The n-th tile of a tile level; `width` is 1 to 256, 256 when full. */
export type TileId = { readonly level: number; readonly index: number; readonly width: number }

/** The n-th entry bundle, which holds the entries under the n-th tile of level 0. */
export type BundleId = { readonly index: number; readonly width: number }

/** The tile or bundle that a path names. */
export type TilePath = ({ readonly kind: 'tile' } & TileId) | ({ readonly kind: 'entries' } & BundleId)

const MAX_LEVEL = 63
/** The length prefix of each entry in a bundle. */
const LENGTH_BYTES = 2
const MAX_ENTRY_BYTES = 65_535
const PATH = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d{1,3}))?$/

/**
 * The path of a tile without a leading slash: `tile/0/x001/234/067`, with `.p/<width>` for a
 * partial tile.
 */
export function formatTilePath(tile: TileId): string {
  return formatPath(String(tile.level), tile.index, tile.width)
}

/**
 * The path of an entry bundle without a leading slash: `tile/entries/x001/234/067`, with
 * `.p/<width>` for a partial one.
 */
export function formatBundlePath(bundle: BundleId): string {
  return formatPath('entries', bundle.index, bundle.width)
}

/**
 * Parses what formatTilePath or formatBundlePath writes, and no other spelling. Throws TileError
 * TILE_PATH.
 */
export function parseTilePath(path: string): TilePath {
  const [, level = '', groups = '', partial] = PATH.exec(path) ?? []
  const index = Number(groups.replaceAll(/[x/]/g, ''))
  const width = partial === undefined ? TILE_WIDTH : Number(partial)
  const parsed: TilePath = level === 'entries' ? { kind: 'entries', index, width } : { kind: 'tile', level: Number(level), index, width }

  const inRange =
    Number.isSafeInteger(index) && width >= 1 && width <= TILE_WIDTH && (parsed.kind === 'entries' || parsed.level <= MAX_LEVEL)
  const formatted = parsed.kind === 'entries' ? formatBundlePath(parsed) : formatTilePath(parsed)
  if (!inRange || formatted !== path) throw new TileError('TILE_PATH', `no tile has the path ${JSON.stringify(path.slice(0, 200))}`)
  return parsed
}

/**
 * The number of hashes of this tile in a tree of `size`: 0 to 256. For level 0, also the number of
 * entries in the bundle.
 */
export function tileWidthAt(level: number, index: number, size: number): number {
  // A hash on tile level l covers 256^l leaves, and exists once all of them do.
  const hashes = Math.floor(size / TILE_WIDTH ** level)
  return Math.max(0, Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH))
}

/** Encodes a tile: its hashes, concatenated. */
export function encodeTile(hashes: readonly Hash[]): Uint8Array {
  return joinBytes(hashes)
}

/**
 * Decodes a tile of exactly this width. The hashes are views of its bytes. Throws TileError
 * TILE_MALFORMED.
 */
export function decodeTile(bytes: Uint8Array, width: number): Hash[] {
  if (bytes.length !== width * HASH_BYTES)
    throw new TileError('TILE_MALFORMED', `a tile of width ${width} cannot have ${bytes.length} bytes`)
  return Array.from({ length: width }, (_, i) => bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES))
}

/**
 * Encodes a bundle: each entry after its length as a big-endian uint16. Throws TileError
 * BUNDLE_MALFORMED for an entry above 65,535 bytes.
 */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  const tooLong = entries.find(entry => entry.length > MAX_ENTRY_BYTES)
  if (tooLong) throw new TileError('BUNDLE_MALFORMED', `an entry has at most ${MAX_ENTRY_BYTES} bytes, not ${tooLong.length}`)
  const bytes = new Uint8Array(entries.reduce((length, entry) => length + LENGTH_BYTES + entry.length, 0))
  let at = 0
  for (const entry of entries) {
    bytes[at] = Math.floor(entry.length / 256)
    bytes[at + 1] = entry.length % 256
    bytes.set(entry, at + LENGTH_BYTES)
    at += LENGTH_BYTES + entry.length
  }
  return bytes
}

/**
 * Decodes a bundle of exactly this width. The entries are views of its bytes. Throws TileError
 * BUNDLE_MALFORMED.
 */
export function decodeBundle(bytes: Uint8Array, width: number): Uint8Array[] {
  const entries: Uint8Array[] = []
  let start = 0
  while (start < bytes.length) {
    const high = bytes[start]
    const low = bytes[start + 1]
    const end = high === undefined || low === undefined ? Number.POSITIVE_INFINITY : start + LENGTH_BYTES + high * 256 + low
    if (end > bytes.length) throw new TileError('BUNDLE_MALFORMED', `entry ${entries.length} of the bundle is cut off`)
    entries.push(bytes.subarray(start + LENGTH_BYTES, end))
    start = end
  }
  if (entries.length !== width) throw new TileError('BUNDLE_MALFORMED', `a bundle of width ${width} cannot have ${entries.length} entries`)
  return entries
}

function formatPath(level: string, index: number, width: number): string {
  // 1234067 -> x001/234/067
  const digits = String(index)
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0')
  const groups = padded.replaceAll(/\d{3}(?=\d)/g, 'x$&/')
  return `tile/${level}/${groups}${width === TILE_WIDTH ? '' : `.p/${width}`}`
}

/** Codes: TILE_PATH, TILE_MALFORMED, BUNDLE_MALFORMED. */
export class TileError extends OpenSealError {}
