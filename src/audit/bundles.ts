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
import { compareLeaves, finding, type Moved, movedLeaves } from './finding.ts'
import type { Roots } from './roots.ts'
import { addFinding, type Run } from './run.ts'

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
 * The leaves with which the tree continues. If entries and tile differ, the hash above them tells
 * which is right. If it cannot, the tile is believed, so that one changed entry does not make every
 * later one wrong.
 */
export async function chooseLeaves(
  run: Run,
  checkpoint: Checkpoint,
  roots: Roots,
  moved: Moved[],
  bundle: Bundle,
): Promise<readonly Hash[] | undefined> {
  const { start, width, entries, tile } = bundle
  if (entries === undefined) return tile
  const leaves = entries.map(hashLeaf)
  if (tile === undefined) return leaves.length === width ? leaves : undefined
  if (leaves.length === width && leaves.every((leaf, i) => equalBytes(leaf, tile[i]!))) return tile
  const difference = compareLeaves(start, leaves, tile)!
  if (leaves.length === width && (await fitsAbove(run, checkpoint, roots, start, leaves))) {
    const at = leaves.findIndex((leaf, i) => !equalBytes(leaf, tile[i]!))
    addFinding(run, finding('AUDIT_TILE_MISMATCH', 'tile', { tile: `0/${start / TILE_WIDTH}`, at }, start + at))
    return leaves
  }
  // A dropped entry moves every later one up by one. That is one finding, not one for each bundle.
  const goesOn = difference.code === 'AUDIT_ENTRY_DROPPED' && difference.index === start && run.findings.at(-1)?.code === difference.code
  const changed = leaves.length === width && difference.code !== 'AUDIT_ENTRY_DROPPED' ? movedLeaves(start, leaves, tile) : []
  if (!goesOn) addFinding(run, difference)
  if (difference.code === 'AUDIT_ENTRY_CHANGED') moved.push(...changed)
  return tile
}

async function fitsAbove(run: Run, checkpoint: Checkpoint, roots: Roots, start: number, leaves: readonly Hash[]): Promise<boolean> {
  const { size, range } = roots.tree()
  if (start + leaves.length === checkpoint.size) return equalBytes(rootFromRange(extendTree(size, range, leaves).range), checkpoint.root)
  const index = start / TILE_WIDTH
  const width = tileWidthAt(1, Math.floor(index / TILE_WIDTH), checkpoint.size)
  const above = await run.input.source.tile(1, Math.floor(index / TILE_WIDTH), width)
  const at = (index % TILE_WIDTH) * 32
  return equalBytes(rootFromRange(extendTree(0, [], leaves).range), above.subarray(at, at + 32))
}

/** Checks the tiles above level 0, as far as everything below them was re-derived. */
export async function checkUpperTiles(run: Run, roots: Roots, size: number): Promise<void> {
  for (const { level, index, hashes } of roots.finishedTiles(size)) {
    run.counts.tiles++
    const served = readTile(run, await run.input.source.tile(level, index, hashes.length), level, index, hashes.length)
    const at = served === undefined ? -1 : hashes.findIndex((hash, i) => !equalBytes(hash, served[i]!))
    if (at !== -1) addFinding(run, finding('AUDIT_TILE_MISMATCH', 'tile', { tile: `${level}/${index}`, at }))
  }
}

/** The hashes of a tile; undefined, with a finding, if it has the wrong number. */
export function readTile(run: Run, bytes: Uint8Array, level: number, index: number, width: number): Hash[] | undefined {
  try {
    return decodeTile(bytes, width)
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    addFinding(run, finding('AUDIT_TILE_MISMATCH', 'tile.length', { tile: `${level}/${index}`, width }))
    return undefined
  }
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
