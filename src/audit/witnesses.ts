/**
 * Whether enough of the policy's witnesses have cosigned the newest checkpoint, or the newest one
 * that they can have been asked about.
 */
import { OpenSealError } from '../core/errors.ts'
import type { Policy } from '../core/policy.ts'
import { parseReceipt } from '../core/receipt.ts'
import { parseTlogProof } from '../core/tlog/tlog-proof.ts'
import { unfinished, unreadable } from './finding.ts'
import { checkSigned, parseSeen, reportMisfits, type SeenCheckpoint } from './history.ts'
import { createRootCheck } from './root-check.ts'
import type { Roots } from './roots.ts'
import { type AuditInput, type AuditPart, createCollector } from './run.ts'
import type { ClaimedAnchor } from './source.ts'

/**
 * Witnesses cosign the checkpoints that are anchored, so if the newest checkpoint lacks them the
 * newest anchored one is checked. Too few cosignatures do not count against the ledger. They are
 * reported as something that could not be checked: nobody can know whether everyone sees the same
 * tree.
 */
export async function* checkWitnesses(
  input: AuditInput,
  checkpoint: SeenCheckpoint,
  claimed: readonly ClaimedAnchor[],
  roots: Roots,
): AuditPart<void> {
  const { quorum } = input.policy
  if (quorum === 0 || checkSigned(checkpoint, input.policy) >= quorum) return
  const newest = claimed.filter(({ size }) => size <= checkpoint.size).reduce((most, { size }) => Math.max(most, size), 0)
  const collector = createCollector()
  const count = newest === 0 ? 0 : await collector.tryPart(countWitnesses(input, newest, checkpoint, roots))
  yield collector.found()
  if (count !== undefined && count < quorum) yield { unfinished: [unfinished('AUDIT_COSIGNATURES_FEW', 'quorum', { count, quorum })] }
}

/**
 * How many witnesses have cosigned the checkpoint of this size, from the receipt of its last entry.
 */
async function* countWitnesses(input: AuditInput, size: number, now: SeenCheckpoint, roots: Roots): AuditPart<number> {
  const { source, policy } = input
  const path = `/v1/records/${size - 1}/receipt`
  const { round, count } = readRound(path, await source.receipt(size - 1), policy)
  if (round.origin !== now.origin || round.size > now.size) return 0
  if (!(await createRootCheck(input, roots)(round.size, round.root)))
    yield* reportMisfits(input, now, { wrongRoots: [], rewritten: [round] }, roots)
  return count
}

function readRound(path: string, receipt: string, policy: Policy): { readonly round: SeenCheckpoint; readonly count: number } {
  try {
    const round = parseSeen(parseTlogProof(parseReceipt(receipt).proof).note)
    return { round, count: checkSigned(round, policy) }
  } catch (cause) {
    if (!(cause instanceof OpenSealError)) throw cause
    throw unreadable(path, cause.message, cause)
  }
}
