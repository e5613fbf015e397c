/**
 * Extends a pinned policy by the log's next keys, and by its next chains if the reader accepts them,
 * where a logged change says so and the policy's own anchors vouch for it. Design §3.4.
 */

import { unwrap } from '../core/attempt.ts'
import { OpenSealError } from '../core/errors.ts'
import { type Policy, type PolicyKey, parsePolicy } from '../core/policy.ts'
import { coversSize, isChain, type PolicyAnchor, type PolicyChain } from '../core/policy-anchors.ts'
import { ANCHORS_CHANGE, nameOfPlace } from '../core/statements/anchors-change.ts'
import { KEY_CHANGE } from '../core/statements/key-change.ts'
import type { ChainReader } from './chain-reader.ts'
import { checkCheckpoint, checkInclusion, checkStatement, readReceiptParts } from './checks.ts'
import type { Result } from './result.ts'
import type { CheckName } from './verdict.ts'
import { verify } from './verify.ts'

/**
 * The checks that a change must pass. `cosignatures` is not run if the policy asks for
 * none.
 */
const PROOF: readonly CheckName[] = ['statement', 'inclusion', 'checkpoint', 'anchor', 'finality']

/**
 * The pinned policy with the keys that the receipts introduce, oldest receipt first. Each change
 * must verify to `anchored` under the policy as extended so far, with the old key alone. A thief of
 * that key has no publisher key, and so cannot anchor a tree of their own on the policy's chain.
 * Known changes are skipped. A change of anchors must verify in the same way. It is told, and taken
 * over only by the reader's own terms.
 * @throws ExtendError EXTEND_UNPROVEN, EXTEND_NOT_ANCHORED, EXTEND_UNCHECKED, EXTEND_OTHER_LEDGER,
 * EXTEND_OTHER_KEY; or the receipt's own error
 */
export async function extendPolicy(
  pinned: Policy,
  receipts: readonly string[],
  chain: readonly ChainReader[],
  { terms, onAnchors }: { readonly terms?: AnchorTerms | undefined; readonly onAnchors?: (change: FollowedAnchors) => void } = {},
): Promise<Policy> {
  let policy = pinned
  for (const receipt of receipts) {
    if (readReceiptParts(receipt).statement.value?.type === ANCHORS_CHANGE) {
      const changed = followAnchorsChange(policy, receipt, terms)
      if (changed === undefined) continue
      await assertAnchored(receipt, policy, chain)
      onAnchors?.(changed)
      if (terms !== undefined) policy = changed.policy
      continue
    }
    const followed = followKeyChange(policy, receipt)
    if (followed === undefined) continue
    await assertAnchored(receipt, { ...policy, logKeys: [followed.old] }, chain)
    policy = followed.policy
  }
  return parsePolicy(JSON.parse(JSON.stringify(policy)))
}

/**
 * The policy with the key that a receipt introduces, and the key that ends; undefined if the policy
 * has the new key already. Checks only the old key's signature, which is enough for a ledger that
 * follows its own keys.
 * @throws ExtendError, or the receipt's own error
 */
export function followKeyChange(policy: Policy, receipt: string): { readonly policy: Policy; readonly old: PolicyKey } | undefined {
  const evidence = readReceiptParts(receipt)
  const change = unwrap(evidence.statement)
  if (change.type !== KEY_CHANGE) throw new ExtendError('EXTEND_UNPROVEN', `a statement of type ${change.type} introduces no key`)
  if (change.origin !== policy.origin)
    throw new ExtendError('EXTEND_OTHER_LEDGER', `the key is for ${change.origin}, but the policy is for ${policy.origin}`)
  if (policy.logKeys.some(({ vkey }) => vkey === change.newKey)) return undefined
  const old = policy.logKeys.find(({ vkey, toSize }) => vkey === change.oldKey && toSize === undefined)
  if (old === undefined) throw new ExtendError('EXTEND_OTHER_KEY', 'the key that ends is not one that the policy trusts without an end')
  // The change is the last entry but one under the old key. Any other end would make good receipts
  // invalid, or bad ones good.
  if (unwrap(evidence.proof).index + 2 !== change.fromSize)
    throw new ExtendError(
      'EXTEND_UNPROVEN',
      `the change is at index ${unwrap(evidence.proof).index}, so it cannot end a key at size ${change.fromSize}`,
    )
  const alone = { ...policy, logKeys: [old] }
  for (const check of [checkStatement, checkInclusion, checkCheckpoint]) {
    const { status, code, reason } = check(evidence, alone)
    if (status !== 'passed') throw new ExtendError('EXTEND_UNPROVEN', `the change of keys is not proven: ${code ?? reason ?? status}`)
  }
  const ended: PolicyKey = { ...old, toSize: change.fromSize - 1 }
  const logKeys = policy.logKeys.flatMap(key => (key === old ? [ended, { vkey: change.newKey, fromSize: 0 }] : [key]))
  return { policy: { ...policy, logKeys }, old }
}

/** What the reader states of chains that a change adds: nobody else can say it for them. */
export type AnchorTerms = Pick<PolicyChain, 'production' | 'finality'>

/** A change of anchors: what it adds to the policy and retires from it. */
export type FollowedAnchors = {
  readonly policy: Policy
  readonly index: number
  readonly added: readonly PolicyChain[]
  readonly retired: readonly PolicyChain[]
}

/** Without a word of the reader, a chain that was added is a test one, final by its own tag. */
const CAUTIOUS: AnchorTerms = { production: false, finality: 'finalized' }

/**
 * The policy after a change of anchors; undefined if it changes nothing here. An added anchor counts
 * from tree size index + 2, and a retired one ends at index + 1. Nothing is verified.
 * @throws ExtendError, or the receipt's own error
 */
function followAnchorsChange(policy: Policy, receipt: string, terms: AnchorTerms = CAUTIOUS): FollowedAnchors | undefined {
  const evidence = readReceiptParts(receipt)
  const change = unwrap(evidence.statement)
  if (change.type !== ANCHORS_CHANGE) throw new ExtendError('EXTEND_UNPROVEN', `a statement of type ${change.type} changes no anchors`)
  if (change.origin !== policy.origin)
    throw new ExtendError('EXTEND_OTHER_LEDGER', `the anchors are for ${change.origin}, but the policy is for ${policy.origin}`)
  const { index } = unwrap(evidence.proof)
  const counting = policy.anchors.filter(isChain).filter(anchor => coversSize(anchor, index + 2))
  const listed = new Map(change.anchors.map(anchor => [nameOfPlace(anchor), anchor]))
  const known = new Set(counting.map(nameOfPlace))
  const retired = counting.filter(anchor => !listed.has(nameOfPlace(anchor)))
  const added = [...listed].flatMap(([name, anchor]): PolicyChain[] =>
    known.has(name) ? [] : [{ ...anchor, ...terms, fromSize: index + 2 }],
  )
  if (added.length + retired.length === 0) return undefined
  const end = (anchor: PolicyAnchor): PolicyAnchor[] => {
    if (!retired.some(each => each === anchor)) return [anchor]
    // One that was to begin here never counts.
    return anchor.fromSize > index + 1 ? [] : [{ ...anchor, toSize: index + 1 }]
  }
  return { policy: { ...policy, anchors: [...policy.anchors.flatMap(end), ...added] }, index, added, retired }
}

async function assertAnchored(receipt: string, alone: Policy, chain: readonly ChainReader[]): Promise<void> {
  const result = await verify({ receipt, policy: alone, chain, trust: 'policy' })
  if (isProven(result, alone)) return
  const failed = result.checks.find(({ status, name }) => status === 'failed' || (status === 'not-run' && PROOF.includes(name)))
  const why = failed === undefined ? result.verdict : `${failed.name}${failed.code === undefined ? '' : ` ${failed.code}`}`
  if (result.verdict === 'unchecked')
    throw new ExtendError('EXTEND_UNCHECKED', `the change could not be checked, because too few endpoints gave a usable answer (${why})`)
  if (['sealed', 'test-network'].includes(result.verdict))
    throw new ExtendError('EXTEND_NOT_ANCHORED', `the ledger signed the change, but the chain does not vouch for it (${why})`)
  throw new ExtendError('EXTEND_UNPROVEN', `the change is not proven (${why})`)
}

/**
 * A test network is accepted only if the policy names no other chain. Then nothing is evidence,
 * before the change or after it.
 */
function isProven({ verdict, checks }: Result, { anchors }: Policy): boolean {
  const passed = PROOF.every(name => checks.some(check => check.name === name && check.status === 'passed'))
  const isTrial = verdict === 'test-network' && anchors.every(({ production }) => !production)
  return passed && !checks.some(({ status, name }) => status === 'failed' && name !== 'currency') && (verdict === 'anchored' || isTrial)
}

/**
 * EXTEND_UNPROVEN, EXTEND_NOT_ANCHORED (the chain does not know the change), EXTEND_UNCHECKED (the
 * chain could not be asked), EXTEND_OTHER_LEDGER, EXTEND_OTHER_KEY.
 */
export class ExtendError extends OpenSealError {}
