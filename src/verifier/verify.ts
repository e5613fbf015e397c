/** Verification: the checks of design §7 in their order, and the verdict of §8. */

import { attemptAsync } from '../core/attempt.ts'
import type { Policy } from '../core/policy.ts'
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
  readEvidence,
} from './checks.ts'
import { type CurrencyReader, checkCurrency } from './currency.ts'
import { type Checked, type CheckResult, conclude, concludeUnknown, type Result, resultOf, type Trust } from './result.ts'
import type { CheckName } from './verdict.ts'

/** What to verify, and by what. */
export type VerifyInput = {
  /** Left out where only a receipt is there: the result then says that no file was compared. */
  readonly file?: FileDigest | undefined
  /** `fingerprint` where nobody has read the file: then no sentence speaks as if somebody had. Without `file` it counts for nothing. */
  readonly subject?: 'file' | 'fingerprint' | undefined
  /** Left out where none was found: the verdict is `unknown`. */
  readonly receipt?: string | Uint8Array | undefined
  readonly policy: Policy
  /** One reader an endpoint; those of one chain must agree. */
  readonly chain: readonly ChainReader[]
  readonly currency?: CurrencyReader | undefined
  /** Told of every check as soon as its outcome stands, in their order. */
  readonly onCheck?: ((check: CheckResult) => void) | undefined
  /** `ledger` where the policy is the ledger's own word and not a copy that the reader keeps; `list` where it is from somebody else's list. */
  readonly trust: Trust
  /** Asks for exit code 6 where nobody said what became of the version. */
  readonly requireCurrent?: boolean | undefined
}

/** Checks a file and its receipt. Never rejects for what is wrong with them, only for a bug. */
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

/** Design §7, in this order, by these names. */
async function runChecks(input: VerifyInput, tell: (check: CheckResult) => void): Promise<Result> {
  const { file, policy, chain } = input
  if (input.receipt === undefined) return concludeUnknown(input)
  const evidence = readEvidence(input.receipt)
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
  await run('checkpoint', () => checkCheckpoint(evidence, policy))
  await run('cosignatures', () => checkCosignatures(evidence, policy))
  // Nobody is asked about what does not fit by itself.
  if (checks.some(({ status, verdict }) => status === 'failed' || verdict !== undefined)) return conclude(input, evidence, checks)
  const anchor = await run('anchor', () => checkAnchor(evidence, policy, chain))
  const { status } = await run('finality', () => checkFinality(evidence, policy, anchor))
  const { currency } = input
  const means = { file, policy, chain, currency, isVouchedFor: status === 'passed', isTest: anchor.isTest ?? false }
  await run('currency', () => checkCurrency(evidence, means))
  return conclude(input, evidence, checks)
}

/** What one check came to: what it throws is its failure, and a kind that is not known is never `invalid`. */
async function outcomeOf<T extends Outcome>(check: () => T | Promise<T>): Promise<T | Outcome> {
  const { value, error } = await attemptAsync(check)
  if (!error) return value
  return { ...failed(error.code, [], error.code.endsWith('_UNSUPPORTED') ? 'unsupported' : 'invalid'), reason: error.message }
}
