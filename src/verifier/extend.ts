/** Extends a pinned policy by the keys that its own keys introduce: each change is an entry under a checkpoint that the key before it signed. */
import { OpenSealError } from '../core/errors.ts'
import { type Policy, type PolicyKey, parsePolicy } from '../core/policy.ts'
import { unwrap } from './attempt.ts'
import { checkCheckpoint, checkCosignatures, checkInclusion, checkStatement, readEvidence } from './checks.ts'

/**
 * The pinned policy with the keys that the receipts, oldest first, introduce. What it trusts already is left as it is: a change that it knows is passed over.
 * @throws ExtendError EXTEND_UNPROVEN, EXTEND_OTHER_LEDGER, EXTEND_OTHER_KEY; or what is wrong with a receipt, by its own code
 */
export function extendPolicy(pinned: Policy, receipts: readonly string[]): Policy {
  const policy = receipts.reduce(extendOnce, pinned)
  return parsePolicy(JSON.parse(JSON.stringify(policy)))
}

function extendOnce(policy: Policy, receipt: string): Policy {
  const evidence = readEvidence(receipt)
  const change = unwrap(evidence.statement)
  const { size } = unwrap(evidence.checkpoint)
  if (change.type !== 'openseal/key@v1') throw new ExtendError('EXTEND_UNPROVEN', `a statement of type ${change.type} introduces no key`)
  if (change.origin !== policy.origin)
    throw new ExtendError('EXTEND_OTHER_LEDGER', `the key is one of ${change.origin}, and the policy one of ${policy.origin}`)
  if (policy.logKeys.some(({ vkey }) => vkey === change.newKey)) return policy
  const old = policy.logKeys.find(({ vkey, toSize }) => vkey === change.oldKey && toSize === undefined)
  if (old === undefined) throw new ExtendError('EXTEND_OTHER_KEY', 'the key that ends is none that the policy trusts without an end')
  if (size >= change.fromSize) throw new ExtendError('EXTEND_UNPROVEN', 'the old key had ended when it signed this')
  // By the policy with the old key alone: another of its keys does not speak for this one.
  const alone = { ...policy, logKeys: [old] }
  for (const check of [checkStatement, checkInclusion, checkCheckpoint, checkCosignatures]) {
    const { status, code, reason } = check(evidence, alone)
    if (status !== 'passed') throw new ExtendError('EXTEND_UNPROVEN', `the change of keys is not proven: ${code ?? reason ?? status}`)
  }
  const ended: PolicyKey = { ...old, toSize: change.fromSize - 1 }
  const logKeys = policy.logKeys.flatMap(key => (key === old ? [ended, { vkey: change.newKey, fromSize: 0 }] : [key]))
  return { ...policy, logKeys }
}

/** EXTEND_UNPROVEN, EXTEND_OTHER_LEDGER, EXTEND_OTHER_KEY. */
export class ExtendError extends OpenSealError {}
