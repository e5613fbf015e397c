/** Verification: the checks of design §7 in their order, and the verdict of §8. */

import { attemptAsync } from '../core/attempt.ts'
import type { Policy } from '../core/policy.ts'
import { countsOneChain } from '../core/policy-anchors.ts'
import { isTrustList, type TrustList } from '../core/trust.ts'
import type { FileDigest } from '../documents/digest.ts'
import { checkAnchor, checkFinality } from './anchors.ts'
import type { ChainReader } from './chain-reader.ts'
import {
  checkCheckpoint,
  checkCosignatures,
  checkDocument,
  checkInclusion,
  checkStatement,
  failed,
  type Outcome,
  readReceiptParts,
} from './checks.ts'
import { type CurrencyReader, checkCurrency } from './currency.ts'
import { judgeOf } from './judge.ts'
import { type Checked, type CheckResult, conclude, concludeUnknown, type Result, resultOf, type Trust } from './result.ts'
import type { CheckName } from './verdict.ts'

/** The inputs of a verification. */
export type VerifyInput = {
  /** Missing if there is only a receipt. The result then says that no file was compared. */
  readonly file?: FileDigest | undefined
  /**
   * `fingerprint` if nobody has read the file, so that no sentence says that somebody did. Ignored
   * without `file`.
   */
  readonly subject?: 'file' | 'fingerprint' | undefined
  /** Missing if none was found: the verdict is `unknown`. */
  readonly receipt?: string | Uint8Array | undefined
  /** A policy, or a list from which the origin of the receipt picks one. */
  readonly policy: Policy | TrustList
  /** One reader for each endpoint. Readers of one chain must agree. */
  readonly chain: readonly ChainReader[]
  readonly currency?: CurrencyReader | undefined
  /** Called with every check as soon as its outcome is known, in order. */
  readonly onCheck?: ((check: CheckResult) => void) | undefined
  /**
   * `ledger` if the policy is from the ledger and not the reader's own copy. By a list, the result
   * says `list`, whatever is given here.
   */
  readonly trust: Trust
  /** Asks for exit code 6 if nobody could be asked about changes to the version. */
  readonly requireCurrent?: boolean | undefined
}

/** Checks a file and its receipt. Rejects only for a bug, never for a fault in the input. */
export async function verify(input: VerifyInput): Promise<Result> {
  let told = 0
  const tell = (check: CheckResult) => {
    told++
    input.onCheck?.(check)
  }
  const result = await runChecks(input, tell)
  for (const notReached of result.checks.slice(told)) tell(notReached)
  return result
}

/** Runs the checks of design §7, in this order and with these names. */
async function runChecks(input: VerifyInput, tell: (check: CheckResult) => void): Promise<Result> {
  const { file, chain } = input
  if (input.receipt === undefined) return concludeUnknown(isTrustList(input.policy) ? { ...input, trust: 'list' } : input)
  const evidence = readReceiptParts(input.receipt)
  const judge = judgeOf(input.policy, evidence)
  const asking = { ...input, list: judge.list }
  const checks: Checked[] = []
  const run = async <T extends Outcome>(name: CheckName, check: () => T | Promise<T>) => {
    const outcome = await outcomeOf(check)
    checks.push({ name, ...outcome })
    tell(resultOf(name, checks))
    return outcome
  }

  await run('document', () => checkDocument(evidence, file))
  await run('statement', () => checkStatement(evidence))
  await run('inclusion', () => checkInclusion(evidence))
  const { policy } = judge
  if (policy === undefined) {
    await run('checkpoint', judge.unjudged)
    return conclude(asking, evidence, checks)
  }
  const signed = await run('checkpoint', () => checkCheckpoint(evidence, policy))
  // The witnesses of one ledger are no measure for another one.
  if (signed.verdict === 'unsupported') return conclude(asking, evidence, checks)
  await run('cosignatures', () => checkCosignatures(evidence, policy))
  // If the proof is invalid by itself, no source is asked.
  if (checks.some(({ status, verdict }) => status === 'failed' || verdict !== undefined)) return conclude(asking, evidence, checks)
  const anchor = await run('anchor', () => checkAnchor(evidence, policy, chain))
  const { status } = await run('finality', () => checkFinality(policy, anchor))
  const { currency } = input
  const means = { file, policy, chain, currency, isVouchedFor: status === 'passed', isTest: anchor.isTest ?? false }
  await run('currency', () => checkCurrency(evidence, means))
  const size = evidence.checkpoint.value?.size ?? 0
  return conclude({ ...asking, byOthers: countsOneChain(policy, size) ? undefined : true }, evidence, checks)
}

/** The outcome of one check. An error is a failure, and an unknown type is never `invalid`. */
async function outcomeOf<T extends Outcome>(check: () => T | Promise<T>): Promise<T | Outcome> {
  const { value, error } = await attemptAsync(check)
  if (!error) return value
  return { ...failed(error.code, [], error.code.endsWith('_UNSUPPORTED') ? 'unsupported' : 'invalid'), reason: error.message }
}
