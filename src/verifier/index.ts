/**
 * The published library `openseal/verifier`: checks a file, its receipt and a policy against the
 * chain, in Node and in browsers.
 */

export { decodeText } from '../core/encoding.ts'
export { OpenSealError } from '../core/errors.ts'
export { type Policy, parsePolicy } from '../core/policy.ts'
export type { PolicyAnchor, PolicyAuthority, PolicyChain } from '../core/policy-anchors.ts'
export { parseReceipt, type Receipt } from '../core/receipt.ts'
export type { Statement } from '../core/statements/statement.ts'
export { fingerprintOf, isTrustList, parseTrust, parseTrustList, type TrustEntry, type TrustList } from '../core/trust.ts'
export { digestsOf, type FileDigest } from '../documents/digest.ts'
export type { FileKind } from '../documents/file-kind.ts'
export type { PdfFacts } from '../documents/pdf.ts'
export { planChecks } from './app/check-given.ts'
export { createFileReader, type FileReader, type ReadFile, type Release } from './app/file-reader.ts'
export {
  type Answer,
  type Answers,
  type Finding,
  type LookedUp,
  type Means,
  type Part,
  type Problem,
  partOf,
  type Task,
  type Watch,
} from './app/finding.ts'
export {
  type Given,
  type GivenFile,
  type GivenOrUnpacked,
  type GivenReceipt,
  type NamedDocument,
  type OpenZip,
  readReceipt,
  readReceiptLine,
  recognize,
  recognizeZipped,
  type Unpacked,
  type Unread,
} from './app/given.ts'
export { createLedgerReader, type LedgerReader } from './app/ledger-reader.ts'
export { type OpenedReport, openReport, withoutRepeats } from './app/opened-report.ts'
export { fingerprint, type GivenText, type Pasted, readGivenText, readPasted } from './app/pasted.ts'
export { type GivenPolicy, type PolicySource, readPolicy } from './app/policy-source.ts'
export { REPORT_ID, REPORT_TYPE, type ReportData, readReport } from './app/report-data.ts'
export type { BlockTag, ChainReader, LogPlace } from './chain-reader.ts'
export type { CurrencyReader, Listed, Listing } from './currency.ts'
export { type AnchorTerms, ExtendError, extendPolicy, type FollowedAnchors } from './extend.ts'
export { createJsonRpcReader, fetchUntil, type JsonRpcOptions, type NamedEndpoint, readEndpoint } from './json-rpc.ts'
export { chainsKnown, type ListFacts } from './judge.ts'
export type { Remark, RemarkKey } from './remarks.ts'
export type { CheckResult, Result, Trust } from './result.ts'
export {
  formatLimits,
  formatVerdict,
  SENTENCES,
  type SentenceFacts,
  type SentenceKey,
  TRUSTS_LEDGER,
  TRUSTS_LIST,
  type Voice,
} from './sentence.ts'
export {
  type Asked,
  CHECKS,
  type Change,
  type ChangeCode,
  type CheckName,
  decidingChange,
  type Subject,
  type UncheckedReason,
  VERDICTS,
  type VerdictCode,
} from './verdict.ts'
export { type VerifyInput, verify } from './verify.ts'
