/** Verification: the checks of design §7 in their order, and the verdict of §8. */

import type { Policy } from '../core/policy.ts'
import { formatTime } from '../core/time.ts'
import { type AnchorAnswer, askAnchors, askFinality, type ChainReader, checkAnchor, checkFinality, dateOf } from './anchors.ts'
import { attemptAsync } from './attempt.ts'
import {
  checkCheckpoint,
  checkCosignatures,
  checkDocument,
  checkInclusion,
  checkStatement,
  documentsOf,
  type Evidence,
  failed,
  type Match,
  matchOf,
  notRun,
  type Outcome,
  readEvidence,
} from './checks.ts'
import { type CurrencyReader, checkCurrency } from './currency.ts'
import type { FileDigest } from './digest.ts'
import {
  type CheckName,
  exitOf,
  firstVerdict,
  LIMITS,
  SENTENCES,
  type SentenceFacts,
  showsSomething,
  TRUSTS_LEDGER,
  type VerdictCode,
} from './verdict.ts'

/** What to verify, and by what. */
export type VerifyInput = {
  /** Left out where only a receipt is there: the result then says that no file was compared. */
  readonly file?: FileDigest | undefined
  /** Left out where none was found: the verdict is `unknown`. */
  readonly receipt?: string | Uint8Array | undefined
  readonly policy: Policy
  /** One reader an endpoint; those of one chain must agree. */
  readonly chain: readonly ChainReader[]
  readonly currency?: CurrencyReader | undefined
  /** `ledger` where the policy is the ledger's own word, not a pinned copy. */
  readonly trust: 'policy' | 'ledger'
}

/** One check of design §7. */
export type CheckResult = {
  readonly name: CheckName
  readonly status: 'passed' | 'failed' | 'not-run'
  readonly code?: string
  readonly detail: string
}

/** The answer. What the statement says is given as stated, whatever the verdict. */
export type Result = {
  readonly verdict: VerdictCode
  readonly exit: number
  readonly sentence: string
  /** What the answer does not show; absent where it shows nothing. */
  readonly limits?: string
  readonly trust: 'policy' | 'ledger'
  readonly checks: readonly CheckResult[]
  /** The check that the proof does not fit at, of an `invalid` verdict. */
  readonly failed?: CheckName
  readonly matched?: Match
  /** The earliest time of the final anchors. */
  readonly date?: string
  /** When the agency says that it withdrew the record. */
  readonly withdrawn?: string
  readonly origin?: string
  readonly index?: number
  readonly size?: number
  readonly agency?: string
  readonly kind?: string
  readonly action?: string
  readonly record?: string
  readonly revision?: string
  readonly title?: string
  readonly language?: string
  readonly published?: string
}

type Checked = Outcome & { readonly name: CheckName }
type Found = { readonly date?: string; readonly withdrawn?: string }

const NAMES: readonly CheckName[] = ['document', 'statement', 'inclusion', 'checkpoint', 'cosignatures', 'anchor', 'finality', 'currency']

/** Checks a file and its receipt. Never rejects for what is wrong with them, only for a bug. */
export async function verify(input: VerifyInput): Promise<Result> {
  const { file, policy } = input
  if (input.receipt === undefined) return verifyUnknown(input)
  const evidence = readEvidence(input.receipt)

  const checks = [
    await run('document', () => checkDocument(evidence, file)),
    await run('statement', () => checkStatement(evidence)),
    await run('inclusion', () => checkInclusion(evidence)),
    await run('checkpoint', () => checkCheckpoint(evidence, policy)),
    await run('cosignatures', () => checkCosignatures(evidence, policy)),
  ]
  const { statement, proof, checkpoint } = evidence
  const sound = checks.every(check => check.verdict === undefined)
  // Each of these that could not be read has failed its check above; said again for the types.
  if (!sound || statement.error || proof.error || checkpoint.error) return conclude(input, evidence, checks, {})

  const latest = await askAnchors(checkpoint.value, policy, input.chain)
  const anchor = await run('anchor', () => checkAnchor(latest, policy))
  const final: readonly AnchorAnswer[] = anchor.status === 'passed' ? await askFinality(latest, checkpoint.value) : []
  const finality = await run('finality', () =>
    anchor.status === 'passed' ? checkFinality(final, policy) : notRun('there is no anchor to be final'),
  )
  const current = await checkCurrency(statement.value, proof.value.index, input)
  const currency = await run('currency', () => current.outcome)

  const date = dateOf(final, policy)
  return conclude(input, evidence, [...checks, anchor, finality, currency], {
    ...(date === undefined ? {} : { date: formatTime(date * 1000) }),
    ...(current.withdrawn === undefined ? {} : { withdrawn: current.withdrawn }),
  })
}

/** The answer where there is a file but no receipt for it. */
function verifyUnknown({ trust }: VerifyInput): Result {
  const checks = NAMES.map(name => ({ name, ...notRun('there is no receipt') }))
  return {
    verdict: 'unknown',
    exit: exitOf('unknown'),
    sentence: sentenceOf('unknown', trust, { compared: true }),
    trust,
    checks,
  }
}

/** Runs one check: what it throws is its failure, and a kind that is not known is never `invalid`. */
async function run(name: CheckName, check: () => Outcome): Promise<Checked> {
  const { value, error } = await attemptAsync(check)
  if (!error) return { name, ...value }
  return { name, ...failed(error.code, error.message, error.code.endsWith('_UNSUPPORTED') ? 'unsupported' : 'invalid') }
}

function conclude(input: VerifyInput, evidence: Evidence, checked: readonly Checked[], found: Found): Result {
  const { file, trust } = input
  const verdict = firstVerdict(checked.map(check => check.verdict))
  const documents = evidence.statement.error ? [] : documentsOf(evidence.statement.value)
  const matched = file && matchOf(documents, file)
  const broken = checked.find(check => check.verdict === 'invalid')
  const facts = { compared: matched !== undefined, ...found, ...(broken ? { failed: broken.name } : {}) }
  return {
    verdict,
    exit: exitOf(verdict),
    sentence: sentenceOf(verdict, trust, facts),
    ...(showsSomething(verdict) ? { limits: LIMITS } : {}),
    trust,
    checks: NAMES.map(name => resultOf(name, checked)),
    ...(broken ? { failed: broken.name } : {}),
    ...(matched ? { matched } : {}),
    ...found,
    ...claimsOf(evidence),
  }
}

function resultOf(name: CheckName, checked: readonly Checked[]): CheckResult {
  const check = checked.find(candidate => candidate.name === name) ?? { name, ...notRun('an earlier check did not pass') }
  const { status, code, detail } = check
  return code === undefined ? { name, status, detail } : { name, status, code, detail }
}

function sentenceOf(verdict: VerdictCode, trust: VerifyInput['trust'], facts: SentenceFacts): string {
  const sentence = SENTENCES[verdict](facts)
  return trust === 'ledger' ? `${sentence} ${TRUSTS_LEDGER}` : sentence
}

/** Where the receipt says that the record stands, and what the statement says of it. */
function claimsOf({ statement, proof, checkpoint }: Evidence): Partial<Result> {
  const place = {
    ...(proof.error ? {} : { index: proof.value.index }),
    ...(checkpoint.error ? {} : { origin: checkpoint.value.origin, size: checkpoint.value.size }),
  }
  if (statement.error || statement.value.type !== 'openseal/statement@v1') return place
  const { agency, kind, action, record, revision, title, language, published } = statement.value
  const optional = { revision, title, language }
  const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined))
  return { ...place, agency, kind, action, record, published, ...given }
}
