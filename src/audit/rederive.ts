/**
 * Reads a tree and takes every hash again. Reads go out in parallel, one window of bundles ahead of the hashing; memory is bounded by two
 * windows, whatever the size of the tree.
 */
import { equalBytes } from '../core/bytes.ts'
import type { Checkpoint } from '../core/checkpoint.ts'
import { OpenSealError } from '../core/errors.ts'
import { extendTree } from '../core/extension.ts'
import { type Hash, hashLeaf } from '../core/hash.ts'
import { decodeTile, TILE_WIDTH, tileWidthAt } from '../core/tile.ts'
import { rootFromRange } from '../core/tree.ts'
import { compareLeaves, finding, type Moved, movedFinding, movedLeaves } from './finding.ts'
import { type Base, createRoots, type Roots } from './roots.ts'
import { addFinding, inParallel, MAX_FINDINGS, type Run } from './run.ts'
import { MAX_STATEMENTS, type ServedStatement } from './source.ts'
import { checkStatements } from './statements.ts'

/** How many bundles are read at once, before progress is kept. Four calls for statements. */
const WINDOW_BUNDLES = 16

type Window = {
  /** The first entry. */
  readonly start: number
  readonly bundles: readonly Uint8Array[]
  readonly tiles: readonly Uint8Array[]
  readonly statements: readonly ServedStatement[]
}

/** Re-derives [start.size, checkpoint.size) and remembers the roots at `sizes`. Stops early at MAX_FINDINGS, or where neither entries nor leaves are served. */
export async function rederive(run: Run, checkpoint: Checkpoint, start: Base, sizes: Iterable<number>): Promise<Roots> {
  const { input } = run
  const { size } = checkpoint
  const before = run.findings.length
  const moved: Moved[] = []
  const roots = createRoots([...sizes, size], start)
  const step = WINDOW_BUNDLES * TILE_WIDTH
  const read = (from: number) => {
    const reading = readWindow(run, from, Math.min(from + step, size))
    // It is awaited below, after the window before it; until then its failure is nobody's.
    reading.catch(() => {})
    return reading
  }
  let next = start.size < size ? read(start.size) : undefined
  for (let from = start.size; next !== undefined; from += step) {
    const window: Window = await next
    next = from + step < size ? read(from + step) : undefined
    const isTaken = await takeWindow(run, window, checkpoint, roots, moved)
    if (!isTaken || run.findings.length >= MAX_FINDINGS) break
    if (next !== undefined && run.findings.length === before) await input.state.saveTentative(roots.base())
    input.onProgress?.({ done: roots.tree().size, total: size })
  }
  joinSwaps(run, moved)
  return roots
}

async function readWindow({ input: { source, parallel } }: Run, start: number, end: number): Promise<Window> {
  const startsOf = (width: number) => Array.from({ length: Math.ceil((end - start) / width) }, (_, i) => start + i * width)
  const bundleStarts = startsOf(TILE_WIDTH)
  const ids = bundleStarts.map(from => ({ index: from / TILE_WIDTH, width: Math.min(TILE_WIDTH, end - from) }))
  const [statements, bundles, tiles] = await Promise.all([
    inParallel(startsOf(MAX_STATEMENTS), parallel, from => source.statements(from, Math.min(from + MAX_STATEMENTS, end))),
    inParallel(ids, parallel, ({ index, width }) => source.bundle(index, width)),
    inParallel(ids, parallel, ({ index, width }) => source.tile(0, index, width)),
  ])
  return { start, bundles, tiles, statements: statements.flat() }
}

/** Statement against entry, entry against leaf, leaf into the tree, and the tiles above against what is served. False when that cannot go on. */
async function takeWindow(run: Run, window: Window, checkpoint: Checkpoint, roots: Roots, moved: Moved[]): Promise<boolean> {
  for (const [i, bundle] of window.bundles.entries()) {
    const start = window.start + i * TILE_WIDTH
    const width = tileWidthAt(0, start / TILE_WIDTH, checkpoint.size)
    const entries = splitBundle(bundle)
    if (entries === undefined) addFinding(run, finding('AUDIT_ENTRY_CHANGED', `the bundle of entries from ${start} on is no bundle`, start))
    const tile = readTile(run, window.tiles[i]!, 0, start / TILE_WIDTH, width)
    const leaves = await chooseLeaves(run, checkpoint, roots, moved, { start, width, entries, tile })
    checkStatements(run, leaves, window.statements.slice(i * TILE_WIDTH, (i + 1) * TILE_WIDTH), start)
    run.counts.tiles++
    // Neither entries nor tile can be read: nothing after them can be re-derived.
    if (leaves === undefined) return false
    roots.append(leaves)
  }
  await checkUpperTiles(run, roots, checkpoint.size)
  return true
}

type Bundle = {
  readonly start: number
  readonly width: number
  readonly entries: readonly Uint8Array[] | undefined
  readonly tile: readonly Hash[] | undefined
}

/**
 * The leaves that the tree goes on with. Where entries and tile differ, one of them is not the tree's: the hash above them tells which, and
 * where that cannot be told the tile is believed, so that one changed entry is not every later one's too.
 */
async function chooseLeaves(
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
  const difference = compareLeaves(start, leaves, tile)
  if (difference === undefined) return tile
  if (leaves.length === width && (await fitsAbove(run, checkpoint, roots, start, leaves))) {
    const at = leaves.findIndex((leaf, i) => !equalBytes(leaf, tile[i]!))
    addFinding(
      run,
      finding('AUDIT_TILE_MISMATCH', `hash ${at} of tile 0/${start / TILE_WIDTH} is not that of entry ${start + at}`, start + at),
    )
    return leaves
  }
  // A gap that was closed moves every later entry up by one: that is one finding, not one a bundle.
  const goesOn = difference.code === 'AUDIT_ENTRY_DROPPED' && difference.index === start && run.findings.at(-1)?.code === difference.code
  if (!goesOn) addFinding(run, difference)
  if (difference.code === 'AUDIT_ENTRY_CHANGED' && leaves.length === width) moved.push(...movedLeaves(start, leaves, tile))
  return tile
}

/** Entries of different bundles that were changed for one another are swapped. */
function joinSwaps(run: Run, moved: readonly Moved[]): void {
  if (moved.length === 0) return
  const joined = movedFinding(moved)
  if (joined.code !== 'AUDIT_ENTRIES_SWAPPED') return
  const indexes = new Set(moved.map(({ index }) => index))
  const others = run.findings.filter(({ code, index }) => code !== 'AUDIT_ENTRY_CHANGED' || index === undefined || !indexes.has(index))
  run.findings.splice(0, run.findings.length, ...others, joined)
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

/** Tiles above level 0, as far as all below them was re-derived. */
async function checkUpperTiles(run: Run, roots: Roots, size: number): Promise<void> {
  for (const { level, index, hashes } of roots.finishedTiles(size)) {
    run.counts.tiles++
    const served = readTile(run, await run.input.source.tile(level, index, hashes.length), level, index, hashes.length)
    const at = served === undefined ? -1 : hashes.findIndex((hash, i) => !equalBytes(hash, served[i]!))
    if (at !== -1)
      addFinding(
        run,
        finding('AUDIT_TILE_MISMATCH', `hash ${at} of tile ${level}/${index} is not that of tile ${level - 1}/${index * TILE_WIDTH + at}`),
      )
  }
}

function readTile(run: Run, bytes: Uint8Array, level: number, index: number, width: number): Hash[] | undefined {
  try {
    return decodeTile(bytes, width)
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    addFinding(run, finding('AUDIT_TILE_MISMATCH', `tile ${level}/${index}: ${error.message}`))
    return undefined
  }
}

/** All entries of a bundle, however many there are; undefined when the last one is cut off. */
function splitBundle(bytes: Uint8Array): Uint8Array[] | undefined {
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
