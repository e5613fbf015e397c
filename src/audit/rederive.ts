/**
 * Reads a tree and computes every hash again. Reads run in parallel, a few spans ahead of the
 * hashing. Memory is bounded by those spans, whatever the size of the tree.
 */

import type { Hash } from '../core/hash.ts'
import type { Checkpoint } from '../core/tlog/checkpoint.ts'
import { TILE_WIDTH, tileWidthAt } from '../core/tlog/tile.ts'
import { checkUpperTiles, chooseLeaves, readEntries, readTile } from './bundles.ts'
import { AuditError, entriesFinding, type Finding, finding, type Moved, statementsFinding, swappedOf } from './finding.ts'
import { type Base, createRoots, type Roots } from './roots.ts'
import { addFinding, addUnfinished, MAX_FINDINGS, type Run } from './run.ts'
import type { ServedStatements } from './served-statements.ts'
import { MAX_STATEMENTS } from './source.ts'
import { checkKeyChanges, checkStatements } from './statements.ts'

/**
 * The entries that are read at once: one call for their statements, and their bundles and tiles.
 */
const SPAN = MAX_STATEMENTS
/** How many spans are read ahead. */
const AHEAD = 8
/** After this many spans, the progress is saved. */
const SAVE_EVERY = 16

type Span = {
  /** The first entry. */
  readonly start: number
  readonly bundles: readonly Uint8Array[]
  readonly tiles: readonly Uint8Array[]
  /** Undefined if they are not served. */
  readonly statements: ServedStatements | undefined
}

/** Entries and statements that were served in other places than the tree's. */
type Displaced = { readonly entries: Moved[]; readonly statements: Moved[] }

/**
 * Re-derives [start.size, checkpoint.size) and keeps the roots at `sizes`. Stops early at
 * MAX_FINDINGS, or if neither entries nor leaves are served.
 */
export async function rederive(run: Run, checkpoint: Checkpoint, start: Base, sizes: Iterable<number>): Promise<Roots> {
  const { state, onProgress } = run.input
  const { size } = checkpoint
  const before = run.findings.length
  const displaced: Displaced = { entries: [], statements: [] }
  const roots = createRoots([...sizes, size], start)
  const keepWay = async () => {
    if (run.findings.length === before && run.counts.withheld === 0 && roots.base().size > start.size)
      await state.saveTentative(roots.base())
  }
  let taken = 0
  try {
    for await (const span of readAhead(run, start.size, size)) {
      const isTaken = await takeSpan(run, span, checkpoint, roots, displaced)
      if (run.findings.length >= MAX_FINDINGS) addUnfinished(run, new AuditError('AUDIT_TOO_MANY', 'findings', { count: MAX_FINDINGS }))
      if (!isTaken || run.findings.length >= MAX_FINDINGS) break
      if (++taken % SAVE_EVERY === 0 && roots.tree().size < size) await keepWay()
      onProgress?.({ done: roots.tree().size, total: size })
    }
  } catch (error) {
    if (error instanceof AuditError) await keepWay()
    throw error
  }
  joinSwaps(run, displaced)
  return roots
}

/** The spans of [from, size) in order. Their reads begin long before they are needed. */
async function* readAhead(run: Run, from: number, size: number): AsyncGenerator<Span> {
  const ahead: Promise<Span>[] = []
  for (let start = from; start < size || ahead.length > 0; ) {
    while (start < size && ahead.length < AHEAD) {
      const reading = readSpan(run, start, Math.min(start + SPAN, size))
      // Awaited later, in order. Until then, an early failure must not count as unhandled.
      reading.catch(() => {})
      ahead.push(reading)
      start += SPAN
    }
    yield await ahead.shift()!
  }
}

async function readSpan(run: Run, start: number, end: number): Promise<Span> {
  const { source } = run.input
  const ids = Array.from({ length: Math.ceil((end - start) / TILE_WIDTH) }, (_, i) => {
    const first = start + i * TILE_WIDTH
    return { index: first / TILE_WIDTH, width: Math.min(TILE_WIDTH, end - first) }
  })
  const [statements, bundles, tiles] = await Promise.all([
    readStatements(run, start, end),
    Promise.all(ids.map(({ index, width }) => source.bundle(index, width))),
    Promise.all(ids.map(({ index, width }) => source.tile(0, index, width))),
  ])
  return { start, bundles, tiles, statements }
}

/**
 * A mirror may have the tree without statements. That is reported once, and the tree is still
 * checked.
 */
async function readStatements(run: Run, start: number, end: number): Promise<ServedStatements | undefined> {
  try {
    return await run.input.source.statements(start, end)
  } catch (error) {
    if (!(error instanceof AuditError) || error.code !== 'AUDIT_LEDGER_MISSING') throw error
    if (run.counts.withheld === 0) addUnfinished(run, error)
    run.counts.withheld += end - start
    return undefined
  }
}

/**
 * Compares statement and entry, entry and leaf, adds the leaf to the tree, and compares the tiles
 * above. False if this cannot continue.
 */
async function takeSpan(run: Run, span: Span, checkpoint: Checkpoint, roots: Roots, displaced: Displaced): Promise<boolean> {
  for (const [i, bytes] of span.bundles.entries()) {
    const start = span.start + i * TILE_WIDTH
    const width = tileWidthAt(0, start / TILE_WIDTH, checkpoint.size)
    const entries = readEntries(bytes)
    if (entries === undefined) addFinding(run, finding('AUDIT_ENTRY_CHANGED', 'bundle', { index: start }, start))
    const tile = readTile(run, span.tiles[i]!, 0, start / TILE_WIDTH, width)
    const leaves = await chooseLeaves(run, checkpoint, roots, displaced.entries, { start, width, entries, tile })
    checkSpanStatements(run, leaves, span, start, width, displaced.statements)
    run.counts.tiles++
    // Without entries and tile, nothing after them can be re-derived.
    if (leaves === undefined) return false
    roots.append(leaves)
  }
  if (span.statements !== undefined) checkKeyChanges(run, span.statements)
  await checkUpperTiles(run, roots, checkpoint.size)
  return true
}

function checkSpanStatements(
  run: Run,
  leaves: readonly Hash[] | undefined,
  span: Span,
  start: number,
  width: number,
  displaced: Moved[],
): void {
  if (span.statements === undefined) return
  const at = (start - span.start) * 32
  const served = { ...span.statements, leaves: span.statements.leaves.subarray(at, at + width * 32) }
  displaced.push(...checkStatements(run, leaves, served, start))
}

/**
 * Reports entries, and statements, that were exchanged for one another as swapped, however far
 * apart they are.
 */
function joinSwaps(run: Run, { entries, statements }: Displaced): void {
  const swappedEntries = swappedOf(entries)
  if (swappedEntries.length > 1) {
    const changed = entries.filter(entry => !swappedEntries.includes(entry))
    const joined = [entriesFinding(swappedEntries), ...(changed.length > 0 ? [entriesFinding(changed)] : [])]
    replace(run, found => found.code === 'AUDIT_ENTRY_CHANGED' && entries.some(({ index }) => index === found.index), joined)
  }
  const swapped = swappedOf(statements)
  if (swapped.length > 1) {
    const isOfThem = (found: Finding) => found.code === 'AUDIT_STATEMENT_CHANGED' && swapped.some(({ index }) => index === found.index)
    replace(run, isOfThem, [statementsFinding(swapped)])
  }
}

function replace({ findings }: Run, isOld: (found: Finding) => boolean, joined: readonly Finding[]): void {
  findings.splice(0, findings.length, ...findings.filter(found => !isOld(found)), ...joined)
}
