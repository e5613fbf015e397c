/**
 * Whether enough of the policy's witnesses have cosigned the newest checkpoint, or the newest one
 * that they can have been asked about.
 */
import { OpenSealError } from '../core/errors.ts'
import { parseReceipt } from '../core/receipt.ts'
import { parseTlogProof } from '../core/tlog/tlog-proof.ts'
import { AuditError, unreadable } from './finding.ts'
import { checkSigned, parseSeen, reportMisfits, type SeenCheckpoint } from './history.ts'
import { createRootCheck } from './root-check.ts'
import type { Roots } from './roots.ts'
import { addUnfinished, type Run } from './run.ts'
import type { ClaimedAnchor } from './source.ts'

/**
 * Witnesses cosign the checkpoints that are anchored, so if the newest checkpoint lacks them the
 * newest anchored one is checked. Too few cosignatures do not count against the ledger. They are
 * reported as something that could not be checked: nobody can know whether everyone sees the same
 * tree.
 */
export async function checkWitnesses(run: Run, checkpoint: SeenCheckpoint, claimed: readonly ClaimedAnchor[], roots: Roots): Promise<void> {
  const { policy } = run.input
  if (policy.quorum === 0 || checkSigned(checkpoint, policy) >= policy.quorum) return
  const newest = claimed.filter(({ size }) => size <= checkpoint.size).reduce((most, { size }) => Math.max(most, size), 0)
  try {
    const count = newest === 0 ? 0 : await countOf(run, newest, checkpoint, roots)
    if (count < policy.quorum) throw new AuditError('AUDIT_COSIGNATURES_FEW', 'quorum', { count, quorum: policy.quorum })
  } catch (error) {
    addUnfinished(run, error)
  }
}

/**
 * How many witnesses have cosigned the checkpoint of this size, from the receipt of its last entry.
 */
async function countOf(run: Run, size: number, now: SeenCheckpoint, roots: Roots): Promise<number> {
  const path = `/v1/records/${size - 1}/receipt`
  const text = await run.input.source.receipt(size - 1)
  try {
    const round = parseSeen(parseTlogProof(parseReceipt(text).proof).note)
    const count = checkSigned(round, run.input.policy)
    if (round.origin !== now.origin || round.size > now.size) return 0
    if (!(await createRootCheck(run, roots)(round.size, round.root)))
      await reportMisfits(run, now, { wrongRoots: [], rewritten: [round] }, roots)
    return count
  } catch (cause) {
    if (!(cause instanceof OpenSealError) || cause instanceof AuditError) throw cause
    throw unreadable(path, cause.message, cause)
  }
}
