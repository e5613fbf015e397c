/** One round as a ledger serves it: whether the policy's keys signed it, and its stamps hold. */
import { attempt } from '../core/attempt.ts'
import { readBase64, toHex, toUtf8 } from '../core/bytes.ts'
import { sha256 } from '../core/hash.ts'
import type { Policy } from '../core/policy.ts'
import { countingAnchors, coversSize, isAuthority, type PolicyAnchor, type PolicyAuthority } from '../core/policy-anchors.ts'
import { CheckpointError, formatCheckpoint } from '../core/tlog/checkpoint.ts'
import { answerStamps, checkTokens, type TokenCheck } from '../verifier/stamps.ts'
import { type AuditFinding, finding } from './finding.ts'
import { checkSigned, parseSeen, type SeenCheckpoint } from './history.ts'
import type { ServedRound } from './source.ts'

/** A round whose root has not been compared with the tree's yet. */
export type ExaminedRound = {
  /** Missing, with a finding, if the policy's keys did not sign the checkpoint. */
  readonly checkpoint?: SeenCheckpoint
  /** How many of the policy's witnesses cosigned it. */
  readonly cosigned: number
  /** How the policy judges each token, in the order in which they were served. */
  readonly stamps: readonly ExaminedStamp[]
  /** The authorities that count at this size, and whose time stamp holds. */
  readonly stampedBy: readonly PolicyAnchor[]
  readonly findings: readonly AuditFinding[]
}

type ExaminedStamp = {
  /** The authority, as the ledger calls it. */
  readonly name: string
  /** From an authority of the policy; from one that the policy does not name; or false. */
  readonly state: 'held' | 'strange' | 'false'
}

/** Faults that no other authority and no other policy could explain. */
const FALSE: readonly string[] = ['TIMESTAMP_MALFORMED', 'TIMESTAMP_OTHER_DATA', 'TIMESTAMP_CERTIFICATE', 'TIMESTAMP_SIGNATURE']

/** Examines a round. Its time stamps are read as the verifier reads those of a receipt. */
export async function examineRound(policy: Policy, served: ServedRound): Promise<ExaminedRound> {
  const { size, timestamps } = served
  const { value, error } = attempt(() => readSigned(policy, served))
  if (error) {
    const findings = [finding('AUDIT_CHECKPOINT_FORGED', 'round', { size, reason: error.message })]
    return { cosigned: 0, stamps: [], stampedBy: [], findings }
  }
  const authorities = policy.anchors.filter(isAuthority).filter(anchor => coversSize(anchor, size))
  // A policy without authorities says nothing about time stamps. One that is served twice counts once.
  const isFirst = ({ token }: { token: string }, at: number) => timestamps.findIndex(each => each.token === token) === at
  const named = authorities.length === 0 ? [] : timestamps.filter(isFirst)
  const texts = named.map(({ token }) => token)
  const checks = await checkTokens(texts, toUtf8(formatCheckpoint(value.checkpoint)), authorities)
  const stamps = named.map(({ name }, at) => ({ name, ...stateOf(checks[at]!) }))
  return {
    ...value,
    stamps,
    stampedBy: countingStamps(policy, size, authorities, checks),
    findings: stamps.flatMap(({ name, reason }) =>
      reason === undefined ? [] : finding('AUDIT_STAMP_INVALID', 'stamp', { size, name, reason }),
    ),
  }
}

/** SHA-256 of each token that a round has, lower-case hex. */
export function tokenHashes({ timestamps }: ServedRound): string[] {
  return timestamps.flatMap(({ token }) => {
    const bytes = readBase64(token)
    return bytes === undefined ? [] : [toHex(sha256(bytes))]
  })
}

/** Throws NoteError or CheckpointError. */
function readSigned(policy: Policy, { size, note }: ServedRound): { readonly checkpoint: SeenCheckpoint; readonly cosigned: number } {
  const checkpoint = parseSeen(note)
  if (checkpoint.origin !== policy.origin || checkpoint.size !== size)
    throw new CheckpointError('CHECKPOINT_MALFORMED', `its checkpoint has ${checkpoint.size} entries, and the origin ${checkpoint.origin}`)
  return { checkpoint, cosigned: checkSigned(checkpoint, policy) }
}

/**
 * A token that does not lead to an authority of the policy can be right: the ledger may have asked
 * another authority, or the same one after it changed its certificates.
 */
function stateOf(checks: readonly TokenCheck[]): { readonly state: ExaminedStamp['state']; readonly reason?: string } {
  if (checks.some(check => check?.value)) return { state: 'held' }
  const fault = checks.flatMap(check => check?.error ?? []).find(({ code }) => FALSE.includes(code))
  return fault === undefined ? { state: 'strange' } : { state: 'false', reason: fault.message }
}

function countingStamps(
  policy: Policy,
  size: number,
  authorities: readonly PolicyAuthority[],
  checks: readonly (readonly TokenCheck[])[],
): PolicyAnchor[] {
  const { anchors } = countingAnchors(policy, size)
  const counts = authorities.map(authority => anchors.includes(authority))
  const ofCounting = checks.map(ofToken => ofToken.filter((_, at) => counts[at]))
  const answers = answerStamps(
    ofCounting,
    authorities.filter((_, at) => counts[at]),
  )
  return answers.filter(({ state }) => state === 'holds').map(({ anchor }) => anchor)
}
