/**
 * The rounds of a ledger: whether each is of the audited tree, whether its time stamps are what the
 * ledger says, and how many have all that the policy requires. Rounds are read page by page, and no
 * page is kept.
 */
import { toHex } from '../core/bytes.ts'
import type { Hash } from '../core/hash.ts'
import type { Policy } from '../core/policy.ts'
import { countingAnchors, isAuthority, type PolicyAnchor, voucherOf } from '../core/policy-anchors.ts'
import type { AuditedLog } from './anchors.ts'
import { type FindingValues, unfinished, unreadable } from './finding.ts'
import { reportMisfits, type SeenCheckpoint } from './history.ts'
import type { IsRoot } from './root-check.ts'
import type { Roots } from './roots.ts'
import { type ExaminedRound, examineRound, tokenHashes } from './round.ts'
import type { AuditedRounds, AuditInput, AuditPart } from './run.ts'
import type { RoundPage, ServedRound } from './source.ts'
import type { LoggedStamps } from './statements.ts'

/** What the tree, its entries and the chains say. */
type Known = {
  readonly checkpoint: SeenCheckpoint
  readonly roots: Roots
  readonly isRoot: IsRoot
  readonly stamps: LoggedStamps
  readonly logs: readonly AuditedLog[]
}

/** The counts, and the roots (hex) at the sizes of rounds that are the tree's. */
export type CheckedRounds = { readonly rounds: AuditedRounds; readonly roots: ReadonlyMap<number, string> }

/** The most rounds that are read: one every ten minutes for ten years. */
const MAX_ROUNDS = 525_600

/** Whether the policy asks for anything that only rounds show: a time stamp, or several anchors. */
export function needsRounds({ anchors, requireAnchors }: Policy): boolean {
  return requireAnchors > 1 || anchors.some(isAuthority)
}

/**
 * Checks every round up to the audited size by the policy, as a verifier checks a receipt. Call
 * it once the tree has been read: by then the ledger has stored each time stamp that the tree names.
 */
export async function* checkRounds(input: AuditInput, known: Known): AuditPart<CheckedRounds> {
  const { policy } = input
  const anchoredBy = finalAnchors(known.logs)
  const counts = { read: 0, final: 0, newest: 0, stamps: 0 }
  const roots = new Map<number, string>()
  let strange = 0
  let stranger: FindingValues = {}
  for await (const page of readPages(input, known.checkpoint.size)) {
    for (const served of page) known.stamps.see(served.size, tokenHashes(served))
    // Signatures are checked in other threads, those of several rounds at once.
    for (const round of await Promise.all(page.map(served => examineRound(policy, served)))) {
      counts.read++
      yield { findings: round.findings }
      if (round.checkpoint === undefined || !(yield* isOfTree(input, known, round.checkpoint))) continue
      const { size, root } = round.checkpoint
      roots.set(size, toHex(root))
      for (const { state, name } of round.stamps) {
        if (state === 'held') counts.stamps++
        if (state === 'strange' && strange++ === 0) stranger = { size, name }
      }
      if (!isFinal(policy, size, round, anchoredBy(size, root))) continue
      counts.final++
      counts.newest = size
    }
  }
  yield { unfinished: known.stamps.left() }
  if (strange > 0) yield { unfinished: [unfinished('AUDIT_STAMPS_UNKNOWN', 'stamps', { count: strange, ...stranger })] }
  if (counts.final === 0) yield { unfinished: [unfinished('AUDIT_ROUNDS_FEW', 'rounds', { count: counts.read })] }
  const testAuthorities = !policy.anchors.filter(isAuthority).some(({ production }) => production)
  return { rounds: { ...counts, testAuthorities }, roots }
}

/** The pages of rounds up to a size. */
async function* readPages({ source }: AuditInput, size: number): AsyncGenerator<readonly ServedRound[]> {
  let read = 0
  for (let after: number | undefined = 0; after !== undefined && after < size; ) {
    const page: RoundPage = await source.rounds(after)
    read += page.rounds.length
    if (read > MAX_ROUNDS) throw unreadable('/v1/rounds', `more than ${MAX_ROUNDS} rounds`)
    yield page.rounds.filter(round => round.size <= size)
    after = page.after
  }
}

/** Whether the tree has this checkpoint. If not, the ledger has signed another history. */
async function* isOfTree(input: AuditInput, { checkpoint, roots, isRoot }: Known, round: SeenCheckpoint): AuditPart<boolean> {
  if (await isRoot(round.size, round.root)) return true
  yield* reportMisfits(input, checkpoint, { wrongRoots: [], rewritten: [round] }, roots)
  return false
}

/** The places of the policy where a root is anchored and final, by what the endpoints showed. */
function finalAnchors(logs: readonly AuditedLog[]): (size: number, root: Hash) => readonly PolicyAnchor[] {
  const places = new Map<string, PolicyAnchor[]>()
  for (const { view, pinned } of logs)
    for (const { size, root, block } of view.events) {
      if (block > view.final || size > (view.closedAt ?? size)) continue
      const name = `${size} ${toHex(root)}`
      places.set(name, [...(places.get(name) ?? []), ...pinned])
    }
  return (size, root) => places.get(`${size} ${toHex(root)}`) ?? []
}

/** Whether the round has all that the policy requires. Each voucher counts once. */
function isFinal(policy: Policy, size: number, { cosigned, stampedBy }: ExaminedRound, anchoredBy: readonly PolicyAnchor[]): boolean {
  const held = [...stampedBy, ...anchoredBy]
  const counting = countingAnchors(policy, size).anchors.filter(anchor => held.includes(anchor))
  return cosigned >= policy.quorum && new Set(counting.map(voucherOf)).size >= policy.requireAnchors
}
