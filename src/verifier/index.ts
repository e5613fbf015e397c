/** The published library `openseal/verifier`: checks a file, its receipt and a policy against the chain. Node and browsers alike. */

export { OpenSealError } from '../core/errors.ts'
export { type Policy, type PolicyAnchor, parsePolicy } from '../core/policy.ts'
export { parseReceipt, type Receipt } from '../core/receipt.ts'
export type { Statement } from '../core/statement.ts'
export type { BlockTag, ChainReader } from './anchors.ts'
export type { CurrencyReader, LaterStatement } from './currency.ts'
export { digestsOf, type FileDigest } from './digest.ts'
export { createJsonRpcReader, type JsonRpcOptions } from './json-rpc.ts'
export {
  type CheckName,
  LIMITS,
  SENTENCES,
  type SentenceFacts,
  type Sentences,
  TRUSTS_LEDGER,
  VERDICTS,
  type VerdictCode,
} from './verdict.ts'
export { type CheckResult, type Result, type VerifyInput, verify } from './verify.ts'
