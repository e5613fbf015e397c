/**
 * The audit: re-derives a whole ledger from what it serves and compares it with the chain. The
 * result is remembered, so that the next run reads only what is new, and notices a history that was
 * rewritten since.
 */
import { toHex } from '../core/bytes.ts'
import { EMPTY_ROOT } from '../core/hash.ts'
import { isChain } from '../core/policy-anchors.ts'
import { formatTime } from '../core/time.ts'
import { rootFromRange } from '../core/tlog/tree.ts'
import { type AuditedLog, checkAnchors, readLogs } from './anchors.ts'
import { type AuditError, finding } from './finding.ts'
import { continuesHistory, findMisfits, type Misfits, readCheckpoint, reportMisfits, type SeenCheckpoint, seenBefore } from './history.ts'
import { type ReadTree, rederive } from './rederive.ts'
import { createRootCheck } from './root-check.ts'
import { type Base, EMPTY_BASE, type Roots } from './roots.ts'
import { type CheckedRounds, checkRounds, needsRounds } from './rounds.ts'
import { type AuditedRounds, type AuditInput, type AuditPart, type AuditReport, type Counts, createCollector, type Found } from './run.ts'
import type { ClaimedAnchor } from './source.ts'
import { checkWitnesses } from './witnesses.ts'

/** How far a run got, and whether all up to there is as the ledger signed it. */
type Reached = ReadTree & { readonly from: number; readonly isSound: boolean; readonly rounds?: AuditedRounds }

/**
 * Audits once. Never rejects for a fault of a ledger or an endpoint: that is `inconsistent` or
 * `unfinished`.
 */
export async function audit(input: AuditInput): Promise<AuditReport> {
  const collector = createCollector()
  collector.add({ notices: input.noticed ?? [] })
  // This order tolerates a ledger that grows meanwhile: each answer may only be ahead of the
  // previous ones.
  const claimed = (await collector.tryPart(readClaimed(input))) ?? []
  const logs = (await collector.tryPart(readLogs(input))) ?? []
  const reached = await collector.tryPart(auditTree(input, logs, claimed))
  if (reached !== undefined) await collector.tryPart(lookAgain(input))
  return reportOf(input, collector.found(), logs, reached)
}

/** The report of an audit that could not begin. */
export function unbegun(origin: string, { unfinished }: AuditError): AuditReport {
  const nothing = {
    findings: [],
    notices: [],
    testNetwork: false,
    anchors: [],
    evidence: [],
    from: 0,
    size: 0,
    root: toHex(EMPTY_ROOT),
    statements: 0,
    erased: 0,
    withheld: 0,
    tiles: 0,
  }
  return { verdict: 'unfinished', exit: 6, unfinished: [unfinished], origin, ...nothing }
}

/**
 * Reads the checkpoint again, to catch a ledger that alternates between two trees and to give the
 * next run one more checkpoint.
 */
async function* lookAgain(input: AuditInput): AuditPart<void> {
  const checkpoint = yield* readCheckpoint(input)
  if (checkpoint !== undefined) yield* continuesHistory(input, checkpoint, seenBefore(input))
}

async function* readClaimed({ source }: AuditInput): AuditPart<readonly ClaimedAnchor[]> {
  const claimed = await source.anchors()
  yield {}
  return claimed
}

async function* auditTree(
  input: AuditInput,
  logs: readonly AuditedLog[],
  claimed: readonly ClaimedAnchor[],
): AuditPart<Reached | undefined> {
  const { state } = input
  const checkpoint = yield* readCheckpoint(input)
  const seen = seenBefore(input)
  // Remembered before the first entry is read, so that an interrupted run has seen it too.
  if (checkpoint === undefined || !(yield* continuesHistory(input, checkpoint, seen))) return undefined
  const anchored = [...claimed, ...logs.flatMap(({ view }) => view.events)].map(({ size }) => size)
  if (checkpoint.size === 0) yield { findings: [finding('AUDIT_GENESIS_MISMATCH', 'genesis.none', {})] }
  const reached = yield* rederiveFromBest(input, checkpoint, seen, anchored)
  if (reached === undefined) return undefined
  const { roots, isSound } = reached
  const isRoot = createRootCheck(input, roots)
  yield* checkAnchors(input, logs, claimed, isRoot, checkpoint.size)
  yield* checkWitnesses(input, checkpoint, claimed, roots)
  const checked = needsRounds(input.policy) ? yield* tryRounds(checkRounds(input, { ...reached, checkpoint, isRoot, logs })) : undefined
  if (isSound && checkpoint.size > 0) await state.confirm(roots.base(), rootsToKeep(input, roots, anchored, checked))
  return { ...reached, ...(checked && { rounds: checked.rounds }) }
}

/** The rest of an audit counts even if rounds cannot be read: a mirror may have only the tree. */
async function* tryRounds(part: AuditPart<CheckedRounds>): AuditPart<CheckedRounds | undefined> {
  const collector = createCollector()
  const checked = await collector.tryPart(part)
  yield collector.found()
  return checked
}

function rootsToKeep(
  { state }: AuditInput,
  roots: Roots,
  sizes: readonly number[],
  checked: CheckedRounds | undefined,
): ReadonlyMap<number, string> {
  const kept = new Map([...state.roots, ...(checked?.roots ?? [])])
  for (const size of sizes) {
    const root = roots.at(size)
    if (root !== undefined) kept.set(size, toHex(root))
  }
  return kept
}

/**
 * Continues from where an earlier run stopped. If that does not lead to the signed root, the
 * remembered state may be wrong (from an interrupted run), or the history before it may have been
 * rewritten. Then the tree is read again from further back, finally from its beginning, until it
 * matches or all of it was read. Only what the last attempt found counts. Undefined if the audit
 * cannot go on.
 */
async function* rederiveFromBest(
  input: AuditInput,
  checkpoint: SeenCheckpoint,
  seen: readonly SeenCheckpoint[],
  anchored: readonly number[],
): AuditPart<Reached | undefined> {
  const { tentative, confirmed } = input.state
  const starts = [tentative, confirmed].filter(base => base !== undefined && base.size > 0 && base.size <= checkpoint.size) as Base[]
  const sizes = [...anchored, ...seen.map(({ size }) => size)]
  for (const start of [...starts, EMPTY_BASE]) {
    const collector = createCollector()
    const { derived, misfits } = (await collector.tryPart(rederiveAndCompare(input, checkpoint, seen, start, sizes))) ?? {}
    if (misfits !== undefined && start !== EMPTY_BASE) continue
    const found = collector.found()
    yield found
    if (derived === undefined) return undefined
    const { roots } = derived
    if (misfits !== undefined) yield* reportMisfits(input, checkpoint, misfits, roots)
    // Statements that were not seen are not remembered as checked.
    const isWhole = found.findings.length + found.counts.withheld === 0 && roots.at(checkpoint.size) !== undefined
    return { ...derived, from: start.size, isSound: isWhole && misfits === undefined }
  }
  throw new Error('bug: the last start is the empty tree')
}

async function* rederiveAndCompare(
  input: AuditInput,
  checkpoint: SeenCheckpoint,
  seen: readonly SeenCheckpoint[],
  start: Base,
  sizes: readonly number[],
): AuditPart<{ readonly derived: ReadTree; readonly misfits: Misfits | undefined }> {
  const derived = yield* rederive(input, checkpoint, start, sizes)
  const { roots } = derived
  return { derived, misfits: await findMisfits(input, checkpoint, seen, roots, createRootCheck(input, roots)) }
}

function reportOf(
  input: AuditInput,
  { findings, notices, unfinished, evidence, counts }: Found & { readonly counts: Counts },
  logs: readonly AuditedLog[],
  reached?: Reached,
): AuditReport {
  const [verdict, exit] =
    findings.length > 0 ? (['inconsistent', 5] as const) : unfinished.length > 0 ? (['unfinished', 6] as const) : CLEAN
  const tree = reached?.roots.tree() ?? EMPTY_BASE
  return {
    verdict,
    exit,
    findings,
    notices,
    unfinished,
    origin: input.policy.origin,
    testNetwork: !input.policy.anchors.filter(isChain).some(({ production }) => production),
    from: reached?.from ?? 0,
    size: tree.size,
    root: toHex(rootFromRange(tree.range)),
    ...counts,
    ...(reached?.rounds && { rounds: reached.rounds }),
    anchors: logs.flatMap(({ chain, view }) =>
      view.events.map(event => ({
        ...event,
        root: toHex(event.root),
        time: formatTime(event.time * 1000),
        chainId: chain.chainId,
        endpoint: chain.name,
        final: event.block <= view.final,
      })),
    ),
    evidence,
  }
}

const CLEAN = ['clean', 0] as const
