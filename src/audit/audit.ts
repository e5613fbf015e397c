/**
 * The audit: re-derives a whole ledger from what it serves and compares it with the chain. The
 * result is remembered, so that the next run reads only what is new, and notices a history that was
 * rewritten since.
 */
import { toHex } from '../core/bytes.ts'
import { EMPTY_ROOT } from '../core/hash.ts'
import { formatTime } from '../core/time.ts'
import { rootFromRange } from '../core/tlog/tree.ts'
import { type AuditedLog, checkAnchors, readLogs } from './anchors.ts'
import { type AuditError, finding } from './finding.ts'
import { continuesHistory, findMisfits, readCheckpoint, reportMisfits, type SeenCheckpoint, seenBefore } from './history.ts'
import { rederive } from './rederive.ts'
import { createRootCheck } from './root-check.ts'
import { type Base, EMPTY_BASE, type Roots } from './roots.ts'
import { type AuditInput, type AuditReport, addFinding, addUnfinished, type Run } from './run.ts'
import type { ClaimedAnchor } from './source.ts'
import { checkWitnesses } from './witnesses.ts'

/** How far a run got. */
type Reached = { readonly from: number; readonly roots: Roots }

/**
 * Audits once. Never rejects for a fault of a ledger or an endpoint: that is `inconsistent` or
 * `unfinished`.
 */
export async function audit(input: AuditInput): Promise<AuditReport> {
  const counts = { statements: 0, erased: 0, withheld: 0, tiles: 0 }
  const run: Run = { input, findings: [], notices: [...(input.noticed ?? [])], unfinished: [], evidence: [], counts }
  let logs: AuditedLog[] = []
  let reached: Reached | undefined
  try {
    // This order tolerates a ledger that grows meanwhile: each answer may only be ahead of the
    // previous ones.
    const claimed = await readClaimed(run)
    logs = await readLogs(run)
    const checkpoint = readCheckpoint(run, await input.source.checkpoint())
    if (checkpoint !== undefined) reached = await auditTree(run, checkpoint, logs, claimed)
    if (reached !== undefined) await lookAgain(run)
  } catch (error) {
    addUnfinished(run, error)
  }
  return reportOf(run, logs, reached)
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
async function lookAgain(run: Run): Promise<void> {
  const checkpoint = readCheckpoint(run, await run.input.source.checkpoint())
  if (checkpoint !== undefined) await continuesHistory(run, checkpoint, seenBefore(run))
}

async function readClaimed(run: Run): Promise<ClaimedAnchor[]> {
  try {
    return await run.input.source.anchors()
  } catch (error) {
    addUnfinished(run, error)
    return []
  }
}

async function auditTree(
  run: Run,
  checkpoint: SeenCheckpoint,
  logs: readonly AuditedLog[],
  claimed: readonly ClaimedAnchor[],
): Promise<Reached | undefined> {
  const { state } = run.input
  const seen = seenBefore(run)
  // Remembered before the first entry is read, so that an interrupted run has seen it too.
  if (!(await continuesHistory(run, checkpoint, seen))) return undefined
  const anchored = [...claimed, ...logs.flatMap(({ view }) => view.events)].map(({ size }) => size)
  const before = run.findings.length
  if (checkpoint.size === 0) addFinding(run, finding('AUDIT_GENESIS_MISMATCH', 'genesis.none', {}))
  const reached = await rederiveFromBest(run, checkpoint, seen, anchored)
  const isTreeGood = run.findings.length === before
  await checkAnchors(run, logs, claimed, createRootCheck(run, reached.roots), checkpoint.size)
  await checkWitnesses(run, checkpoint, claimed, reached.roots)
  // Statements that were not seen are not remembered as checked.
  if (isTreeGood && run.counts.withheld === 0 && reached.roots.at(checkpoint.size) !== undefined) {
    const roots = new Map(state.roots)
    for (const size of anchored) {
      const root = reached.roots.at(size)
      if (root !== undefined) roots.set(size, toHex(root))
    }
    await state.confirm(reached.roots.base(), roots)
  }
  return reached
}

/**
 * Continues from where an earlier run stopped. If that does not lead to the signed root, the
 * remembered state may be wrong (from an interrupted run), or the history before it may have been
 * rewritten. Then the tree is read again from further back, finally from its beginning, until it
 * matches or all of it was read.
 */
async function rederiveFromBest(
  run: Run,
  checkpoint: SeenCheckpoint,
  seen: readonly SeenCheckpoint[],
  anchored: readonly number[],
): Promise<Reached> {
  const { tentative, confirmed } = run.input.state
  const starts = [tentative, confirmed].filter(base => base !== undefined && base.size > 0 && base.size <= checkpoint.size) as Base[]
  const sizes = [...anchored, ...seen.map(({ size }) => size)]
  const before = { findings: run.findings.length, unfinished: run.unfinished.length }
  for (const start of [...starts, EMPTY_BASE]) {
    run.findings.length = before.findings
    run.unfinished.length = before.unfinished
    Object.assign(run.counts, { statements: 0, erased: 0, withheld: 0, tiles: 0 })
    const roots = await rederive(run, checkpoint, start, sizes)
    const misfits = await findMisfits(run, checkpoint, seen, roots, createRootCheck(run, roots))
    if (misfits !== undefined && start !== EMPTY_BASE) continue
    if (misfits !== undefined) await reportMisfits(run, checkpoint, misfits, roots)
    return { from: start.size, roots }
  }
  throw new Error('bug: the last start is the empty tree')
}

function reportOf(
  { input, findings, notices, unfinished, evidence, counts }: Run,
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
    testNetwork: !input.policy.anchors.some(({ production }) => production),
    from: reached?.from ?? 0,
    size: tree.size,
    root: toHex(rootFromRange(tree.range)),
    ...counts,
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
