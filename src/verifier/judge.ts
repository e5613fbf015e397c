/** Which policy judges a receipt: the given one, or the entry of a trust list that its origin picks. */

import type { Policy } from '../core/policy.ts'
import { isChain } from '../core/policy-anchors.ts'
import { parseNote } from '../core/tlog/note.ts'
import { isTrustList, type TrustEntry, type TrustList } from '../core/trust.ts'
import { checkCheckpoint, claimsKeyOf, type Outcome, type ReceiptParts } from './checks.ts'
import { remark } from './remarks.ts'

/** The list that judged a result, and its ledger. */
export type ListFacts = {
  readonly name: string
  /** SHA-256, lower-case hex, of the list's RFC 8785 form. */
  readonly sha256: string
  /** The list's name for the ledger of the receipt; missing if it is not known whose it is. */
  readonly entry?: string
  /** Where the list says that this ledger is. */
  readonly ledger?: string
  /** If the list does not know the ledger: the names of those that it knows, the first of many. */
  readonly known?: readonly string[]
}

/** The policy that judges a receipt. Without one, `unjudged` is the outcome of `checkpoint`. */
export type Judge =
  | { readonly policy: Policy; readonly list?: ListFacts }
  | { readonly policy?: undefined; readonly list: ListFacts; readonly unjudged: () => Outcome }

/** A policy that no receipt can be from: it judges what can be said without one. */
const NOBODY: Policy = { type: 'openseal/policy@v1', origin: '', logKeys: [], witnesses: [], quorum: 0, anchors: [], requireAnchors: 1 }
const MAX_KNOWN = 10

/** The judge of a receipt. */
export function judgeOf(given: Policy | TrustList, evidence: ReceiptParts): Judge {
  if (!isTrustList(given)) return { policy: given }
  const { name, sha256 } = given
  // Without a checkpoint nothing says whose it is, and no policy is needed to call it broken.
  if (evidence.checkpoint.error || evidence.proof.error) return { policy: NOBODY, list: { name, sha256 } }
  const entry = entryOf(given, evidence)
  const list: ListFacts = {
    ...{ name, sha256 },
    ...(entry ? { entry: entry.name, ...(entry.ledger !== undefined && { ledger: entry.ledger }) } : { known: knownOf(given) }),
  }
  if (entry?.policy) return { policy: entry.policy, list }
  return { list, unjudged: () => judgeNobody(given, entry, evidence) }
}

/**
 * The entry of a list for a receipt: by the origin of its checkpoint, otherwise by a key that claims
 * to have signed it. A damaged origin line is a bad signature, not another ledger.
 */
export function entryOf({ entries }: TrustList, { checkpoint, proof }: ReceiptParts): TrustEntry | undefined {
  if (checkpoint.error || proof.error) return undefined
  const { origin } = checkpoint.value
  const named = entries.find(entry => entry.origin === origin)
  if (named) return named
  // A log's keys are named after it. The names come first: reading all keys of a long list takes seconds.
  const { note } = proof.value
  const names = new Set(parseNote(note).signatures.map(({ name }) => name))
  return entries.find(({ policy }) => policy !== undefined && names.has(policy.origin) && claimsKeyOf(policy, note))
}

/** The chains of everything that was given to judge by. */
export function chainsKnown(given: Policy | TrustList): number[] {
  const policies = isTrustList(given) ? given.entries.flatMap(({ policy }) => policy ?? []) : [given]
  return [...new Set(policies.flatMap(({ anchors }) => anchors.filter(isChain).map(({ chainId }) => chainId)))]
}

/**
 * Check 4 without a policy: what cannot be read fails as it always does, and anything else is from a
 * ledger, or by a policy, that is not known.
 */
function judgeNobody(list: TrustList, entry: TrustEntry | undefined, evidence: ReceiptParts): Outcome {
  const outcome = checkCheckpoint(evidence, NOBODY)
  if (outcome.status !== 'failed') return outcome
  const { origin } = evidence.checkpoint.value ?? {}
  const values = { origin: origin ?? '', list: list.name }
  if (entry) return { ...outcome, code: 'POLICY_UNSUPPORTED', remarks: [remark('policyNewer', { ...values, entry: entry.name })] }
  return { ...outcome, remarks: [remark('originUnlisted', values)] }
}

function knownOf({ entries }: TrustList): string[] {
  const names = entries.slice(0, MAX_KNOWN).map(({ name }) => name)
  return entries.length > MAX_KNOWN ? [...names, '…'] : names
}
