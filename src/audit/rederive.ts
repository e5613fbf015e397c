/**
 * Reads a tree and computes every hash again. Reads run in parallel, a few spans ahead of the
 * hashing. Memory is bounded by those spans, whatever the size of the tree.
 */

import { HASH_BYTES, type Hash } from '../core/hash.ts'
import type { Checkpoint } from '../core/tlog/checkpoint.ts'
import { TILE_WIDTH, tileWidthAt } from '../core/tlog/tile.ts'
import { checkUpperTiles, chooseLeaves, readEntries, readTile, tileLength } from './bundles.ts'
import {
  AuditError,
  type AuditFinding,
  entriesFinding,
  type FindingCode,
  finding,
  type Moved,
  statementsFinding,
  swappedOf,
  unfinished,
} from './finding.ts'
import { type Base, createRoots, type Roots, type Tree } from './roots.ts'
import { type AuditInput, type AuditPart, createCollector, MAX_FINDINGS } from './run.ts'
import type { ServedStatements } from './served-statements.ts'
import { type LedgerSource, MAX_STATEMENTS } from './source.ts'
import {
  checkGenesis,
  checkKeyChanges,
  compareStatements,
  createLoggedStamps,
  createTombstones,
  type LoggedStamps,
  noticeAnchorsChanges,
} from './statements.ts'

/**
 * The entries that are read at once: one call for their statements, and their bundles and tiles.
 */
const SPAN = MAX_STATEMENTS
/** How many spans are read ahead. */
const AHEAD = 8
/** After this many spans, the progress is saved. */
const SAVE_EVERY = 16

type Span = {
  /** The first entry, and the one after the last. */
  readonly start: number
  readonly end: number
  readonly bundles: readonly Uint8Array[]
  readonly tiles: readonly Uint8Array[]
  /** Why not, if they are not served. */
  readonly statements: ServedStatements | AuditError
}

/** The re-derived tree, and the time stamps that its entries name. */
export type ReadTree = { readonly roots: Roots; readonly stamps: LoggedStamps }

/** Entries and statements that were served in other places than the tree's. */
type Displaced = { readonly entries: readonly Moved[]; readonly statements: readonly Moved[] }

/**
 * Re-derives [start.size, checkpoint.size) and keeps the roots at `sizes`. Stops early at
 * MAX_FINDINGS, or if neither entries nor leaves are served.
 */
export async function* rederive(input: AuditInput, checkpoint: Checkpoint, start: Base, sizes: Iterable<number>): AuditPart<ReadTree> {
  const { source, state, onProgress } = input
  const { size } = checkpoint
  const roots = createRoots([...sizes, size], start)
  const collector = createCollector()
  const tombstones = createTombstones()
  const stamps = createLoggedStamps()
  const keepWay = async () => {
    const { findings, counts } = collector.found()
    // A later run that begins here would not see again what waits for its tombstone.
    if (findings.length + counts.withheld === 0 && !tombstones.isOpen() && roots.base().size > start.size)
      await state.saveTentative(roots.base())
  }
  const displaced: Displaced[] = []
  let spans = 0
  try {
    for await (const span of readAhead(source, start.size, size)) {
      const { findings, counts } = collector.found()
      const before = { last: findings.at(-1), withheld: counts.withheld }
      const taken = await collector.run(takeSpan(input, span, checkpoint, roots, before))
      displaced.push(...(taken ?? []))
      if (!(span.statements instanceof AuditError)) {
        collector.add({ findings: tombstones.take(span.statements) })
        stamps.take(span.statements)
      }
      const isTooMuch = collector.found().findings.length >= MAX_FINDINGS
      if (isTooMuch) yield { unfinished: [unfinished('AUDIT_TOO_MANY', 'findings', { count: MAX_FINDINGS })] }
      if (taken === undefined || isTooMuch) break
      if (++spans % SAVE_EVERY === 0 && roots.tree().size < size) await keepWay()
      onProgress?.({ done: roots.tree().size, total: size })
    }
  } catch (error) {
    yield collector.found()
    if (error instanceof AuditError) await keepWay()
    throw error
  }
  collector.add(tombstones.end(roots.tree().size))
  const found = collector.found()
  yield { ...found, findings: joinSwaps(found.findings, displaced) }
  return { roots, stamps }
}

/** The spans of [from, size) in order. Their reads begin long before they are needed. */
async function* readAhead(source: LedgerSource, from: number, size: number): AsyncGenerator<Span> {
  const ahead: Promise<Span>[] = []
  for (let start = from; start < size || ahead.length > 0; ) {
    while (start < size && ahead.length < AHEAD) {
      const reading = readSpan(source, start, Math.min(start + SPAN, size))
      // Awaited later, in order. Until then, an early failure must not count as unhandled.
      reading.catch(() => {})
      ahead.push(reading)
      start += SPAN
    }
    yield await ahead.shift()!
  }
}

async function readSpan(source: LedgerSource, start: number, end: number): Promise<Span> {
  const ids = Array.from({ length: Math.ceil((end - start) / TILE_WIDTH) }, (_, i) => {
    const first = start + i * TILE_WIDTH
    return { index: first / TILE_WIDTH, width: Math.min(TILE_WIDTH, end - first) }
  })
  const [statements, bundles, tiles] = await Promise.all([
    readStatements(source, start, end),
    Promise.all(ids.map(({ index, width }) => source.bundle(index, width))),
    Promise.all(ids.map(({ index, width }) => source.tile(0, index, width))),
  ])
  return { start, end, bundles, tiles, statements }
}

/** A mirror may have the tree without statements. The tree is still checked then. */
async function readStatements(source: LedgerSource, start: number, end: number): Promise<ServedStatements | AuditError> {
  try {
    return await source.statements(start, end)
  } catch (error) {
    if (!(error instanceof AuditError) || error.code !== 'AUDIT_LEDGER_MISSING') throw error
    return error
  }
}

/** The last finding before a span, and how many statements were not served. */
type Before = { readonly last: AuditFinding | undefined; readonly withheld: number }

/**
 * Compares statement and entry, entry and leaf, adds the leaf to the tree, and compares the tiles
 * above. Returns what was displaced, or undefined if this cannot continue.
 */
async function* takeSpan(
  input: AuditInput,
  span: Span,
  checkpoint: Checkpoint,
  roots: Roots,
  before: Before,
): AuditPart<readonly Displaced[] | undefined> {
  const { start, end, statements } = span
  if (statements instanceof AuditError)
    yield { counts: { withheld: end - start }, unfinished: before.withheld === 0 ? [statements.unfinished] : [] }
  const displaced: Displaced[] = []
  let { last } = before
  for (let at = 0; at < span.bundles.length; at++) {
    const taken = yield* takeBundle(input, span, at, checkpoint, roots.tree(), last)
    // Without entries and tile, nothing after them can be re-derived.
    if (taken.leaves === undefined) return undefined
    last = taken.last
    const { entries, statements: moved } = taken
    // Kept until the audit ends, so the leaves are left out.
    if (entries.length + moved.length > 0) displaced.push({ entries, statements: moved })
    roots.append(taken.leaves)
  }
  if (!(statements instanceof AuditError))
    yield { findings: checkKeyChanges(input.policy, statements), notices: noticeAnchorsChanges(input.policy, statements) }
  yield* checkUpperTiles(input.source, roots, checkpoint.size)
  return displaced
}

/** The leaves of a bundle, if they are known, and the last finding. */
type Taken = Displaced & { readonly leaves: readonly Hash[] | undefined; readonly last: AuditFinding | undefined }

/** Compares one bundle of a span. */
async function* takeBundle(
  { source, policy }: AuditInput,
  span: Span,
  at: number,
  checkpoint: Checkpoint,
  tree: Tree,
  last: AuditFinding | undefined,
): AuditPart<Taken> {
  const start = span.start + at * TILE_WIDTH
  const width = tileWidthAt(0, start / TILE_WIDTH, checkpoint.size)
  const [entries, tile] = [readEntries(span.bundles[at]!), readTile(span.tiles[at]!, width)]
  const findings = [
    ...(entries === undefined ? [finding('AUDIT_ENTRY_CHANGED', 'bundle', { index: start }, start)] : []),
    ...(tile === undefined ? [tileLength(0, start / TILE_WIDTH, width)] : []),
  ]
  yield { counts: { tiles: 1 }, findings }
  const { leaves, difference, moved = [] } = await chooseLeaves(source, checkpoint, tree, { start, width, entries, tile })
  // A dropped entry moves every later one up by one. That is one finding, not one for each bundle.
  const goesOn = difference?.code === 'AUDIT_ENTRY_DROPPED' && difference.index === start && last?.code === difference.code
  if (difference !== undefined && !goesOn) findings.push(difference)
  let statements: readonly Moved[] = []
  if (!(span.statements instanceof AuditError)) {
    const compared = compareStatements(leaves, statementsOf(span.statements, start - span.start, width), start)
    findings.push(...compared.findings)
    statements = compared.moved
    const isWrong = findings.some(({ index }) => index === 0)
    if (start === 0) findings.push(...checkGenesis(policy, span.statements, isWrong))
    yield { counts: { statements: width - compared.erasing, erased: compared.erased, withheld: compared.erasing } }
    if (compared.erasing > 0) yield { unfinished: [unfinished('AUDIT_STATEMENT_ERASING', 'statement', { index: start })] }
  }
  yield { findings }
  return { leaves, entries: moved, statements, last: findings.at(-1) ?? last }
}

/** The statements of one bundle of a span. */
function statementsOf(statements: ServedStatements, from: number, count: number): ServedStatements {
  return { ...statements, leaves: statements.leaves.subarray(from * HASH_BYTES, (from + count) * HASH_BYTES) }
}

/**
 * Reports entries, and statements, that were exchanged for one another as swapped, however far
 * apart they are.
 */
function joinSwaps(findings: readonly AuditFinding[], displaced: readonly Displaced[]): readonly AuditFinding[] {
  const entries = displaced.flatMap(each => each.entries)
  const swappedEntries = swappedOf(entries)
  const changed = entries.filter(entry => !swappedEntries.includes(entry))
  const swapped = swappedOf(displaced.flatMap(each => each.statements))
  const isOf = (found: AuditFinding, code: FindingCode, moved: readonly Moved[]) =>
    found.code === code && moved.some(({ index }) => index === found.index)
  let joined = findings
  if (swappedEntries.length > 1) {
    const both = [swappedEntries, changed].filter(moved => moved.length > 0)
    joined = [...joined.filter(found => !isOf(found, 'AUDIT_ENTRY_CHANGED', entries)), ...both.map(entriesFinding)]
  }
  if (swapped.length > 1) joined = [...joined.filter(found => !isOf(found, 'AUDIT_STATEMENT_CHANGED', swapped)), statementsFinding(swapped)]
  return joined
}
