/**
 * Entry bundles and tiles as they are served, compared with each other and with the tree that grows
 * from them.
 */
import { equalBytes } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { type Hash, hashLeaf } from '../core/hash.ts'
import type { Checkpoint } from '../core/tlog/checkpoint.ts'
import { extendTree } from '../core/tlog/extension.ts'
import { decodeTile, TILE_WIDTH, tileWidthAt } from '../core/tlog/tile.ts'
import { rootFromRange } from '../core/tlog/tree.ts'
import { type AuditFinding, compareLeaves, finding, type Moved, movedLeaves } from './finding.ts'
import type { Roots, Tree } from './roots.ts'
import type { AuditPart } from './run.ts'
import type { LedgerSource } from './source.ts'

/**
 * The served part of 256 entries, or fewer at the end of the tree. Undefined members could not be
 * read.
 */
export type Bundle = {
  readonly start: number
  readonly width: number
  readonly entries: readonly Uint8Array[] | undefined
  readonly tile: readonly Hash[] | undefined
}

/**
 * The leaves with which the tree continues, if there are any; where entries and tile differ, how;
 * and the leaves that were served in other places.
 */
export type Choice = { readonly leaves: readonly Hash[] | undefined; readonly difference?: AuditFinding; readonly moved?: readonly Moved[] }

/**
 * Chooses the leaves of a bundle. If entries and tile differ, the hash above them tells which is
 * right. If it cannot, the tile is believed, so that one changed entry does not make every later
 * one wrong.
 */
export async function chooseLeaves(source: LedgerSource, checkpoint: Checkpoint, tree: Tree, bundle: Bundle): Promise<Choice> {
  const { start, width, entries, tile } = bundle
  if (entries === undefined) return { leaves: tile }
  const leaves = entries.map(hashLeaf)
  const isFull = leaves.length === width
  if (tile === undefined) return { leaves: isFull ? leaves : undefined }
  if (isFull && leaves.every((leaf, i) => equalBytes(leaf, tile[i]!))) return { leaves: tile }
  if (isFull && (await fitsAbove(source, checkpoint, tree, start, leaves))) {
    const at = leaves.findIndex((leaf, i) => !equalBytes(leaf, tile[i]!))
    return { leaves, difference: finding('AUDIT_TILE_MISMATCH', 'tile', { tile: `0/${start / TILE_WIDTH}`, at }, start + at) }
  }
  const difference = compareLeaves(start, leaves, tile)!
  return { leaves: tile, difference, moved: isFull && difference.code === 'AUDIT_ENTRY_CHANGED' ? movedLeaves(start, leaves, tile) : [] }
}

async function fitsAbove(
  source: LedgerSource,
  checkpoint: Checkpoint,
  { size, range }: Tree,
  start: number,
  leaves: readonly Hash[],
): Promise<boolean> {
  if (start + leaves.length === checkpoint.size) return equalBytes(rootFromRange(extendTree(size, range, leaves).range), checkpoint.root)
  const index = start / TILE_WIDTH
  const width = tileWidthAt(1, Math.floor(index / TILE_WIDTH), checkpoint.size)
  const above = await source.tile(1, Math.floor(index / TILE_WIDTH), width)
  const at = (index % TILE_WIDTH) * 32
  return equalBytes(rootFromRange(extendTree(0, [], leaves).range), above.subarray(at, at + 32))
}

/** Checks the tiles above level 0, as far as everything below them was re-derived. */
export async function* checkUpperTiles(source: LedgerSource, roots: Roots, size: number): AuditPart<void> {
  for (const { level, index, hashes } of roots.finishedTiles(size)) {
    const served = readTile(await source.tile(level, index, hashes.length), hashes.length)
    const at = served === undefined ? -1 : hashes.findIndex((hash, i) => !equalBytes(hash, served[i]!))
    const findings = served === undefined ? [tileLength(level, index, hashes.length)] : []
    yield {
      counts: { tiles: 1 },
      findings: at === -1 ? findings : [finding('AUDIT_TILE_MISMATCH', 'tile', { tile: `${level}/${index}`, at })],
    }
  }
}

/** The hashes of a tile; undefined if it has another number of them. */
export function readTile(bytes: Uint8Array, width: number): Hash[] | undefined {
  try {
    return decodeTile(bytes, width)
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    return undefined
  }
}

/** The finding for a tile that has another number of hashes. */
export function tileLength(level: number, index: number, width: number): AuditFinding {
  return finding('AUDIT_TILE_MISMATCH', 'tile.length', { tile: `${level}/${index}`, width })
}

/** All entries of a bundle, however many; undefined if the last one is cut off. */
export function readEntries(bytes: Uint8Array): Uint8Array[] | undefined {
  const entries: Uint8Array[] = []
  for (let start = 0; start < bytes.length; ) {
    if (start + 2 > bytes.length) return undefined
    const end = start + 2 + bytes[start]! * 256 + bytes[start + 1]!
    if (end > bytes.length) return undefined
    entries.push(bytes.subarray(start + 2, end))
    start = end
  }
  return entries
}
