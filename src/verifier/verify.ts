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
import { askHints, checkHints } from './hints.ts'
import { formatNotes, type Note, note } from './notes.ts'
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
  /** Told of every check as soon as its outcome stands, in their order. */
  readonly onCheck?: ((check: CheckResult) => void) | undefined
  /** `ledger` where the policy is the ledger's own word, not a pinned copy. */
  readonly trust: 'policy' | 'ledger'
}

/** One check of design §7. */
export type CheckResult = {
  readonly name: CheckName
  readonly status: 'passed' | 'failed' | 'not-run'
  readonly code?: string
  /** In English. */
  readonly detail: string
  /** The same for other languages; empty where `detail` is in the words of what failed. */
  readonly notes: readonly Note[]
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
  const { file, policy, chain, onCheck } = input
  if (input.receipt === undefined) return verifyUnknown(input)
  const evidence = readEvidence(input.receipt)
  const checks: Checked[] = []
  const run = async (name: CheckName, check: () => Outcome | Promise<Outcome>) => {
    const outcome = await outcomeOf(check)
    checks.push({ name, ...outcome })
    onCheck?.(resultOf(name, checks))
    return outcome
  }

  await run('document', () => checkDocument(evidence, file))
  await run('statement', () => checkStatement(evidence))
  await run('inclusion', () => checkInclusion(evidence))
  await run('checkpoint', () => checkCheckpoint(evidence, policy))
  await run('cosignatures', () => checkCosignatures(evidence, policy))
  const { receipt, statement, proof, checkpoint } = evidence
  const sound = checks.every(check => check.verdict === undefined)
  // Each of these that could not be read has failed its check above; said again for the types.
  if (!sound || receipt.error || statement.error || proof.error || checkpoint.error) return conclude(input, evidence, checks, {})

  let final: readonly AnchorAnswer[] = []
  const { anchors: hints } = receipt.value
  let latest: readonly AnchorAnswer[] = []
  const anchor = await run('anchor', async () => {
    const [answers, contradictions] = await Promise.all([
      askAnchors(checkpoint.value, policy, chain),
      askHints(hints, checkpoint.value, chain),
    ])
    latest = answers
    return checkHints(hints, answers, contradictions) ?? checkAnchor(answers, policy)
  })
  await run('finality', async () => {
    if (anchor.status !== 'passed') return notRun(note('anchorNone'))
    final = await askFinality(latest, checkpoint.value)
    return checkFinality(final, policy)
  })
  const date = dateOf(final, policy)
  let withdrawn: string | undefined
  await run('currency', async () => {
    const current = await checkCurrency(statement.value, proof.value.index, input)
    withdrawn = current.withdrawn
    return current.outcome
  })
  return conclude(input, evidence, checks, {
    ...(date === undefined ? {} : { date: formatTime(date * 1000) }),
    ...(withdrawn === undefined ? {} : { withdrawn }),
  })
}

/** The answer where there is a file but no receipt for it. */
function verifyUnknown({ trust, onCheck }: VerifyInput): Result {
  const checks = NAMES.map(name => resultOf(name, [{ name, ...notRun(note('receiptNone')) }]))
  for (const check of checks) onCheck?.(check)
  return {
    verdict: 'unknown',
    exit: exitOf('unknown'),
    sentence: sentenceOf('unknown', trust, { compared: true }),
    trust,
    checks,
  }
}

/** What one check came to: what it throws is its failure, and a kind that is not known is never `invalid`. */
async function outcomeOf(check: () => Outcome | Promise<Outcome>): Promise<Outcome> {
  const { value, error } = await attemptAsync(check)
  if (!error) return value
  return { ...failed(error.code, [], error.code.endsWith('_UNSUPPORTED') ? 'unsupported' : 'invalid'), reason: error.message }
}

function conclude(input: VerifyInput, evidence: Evidence, checked: readonly Checked[], found: Found): Result {
  const { file, trust } = input
  const verdict = firstVerdict(checked.map(check => check.verdict))
  const documents = evidence.statement.error ? [] : documentsOf(evidence.statement.value)
  const matched = file && matchOf(documents, file)
  const broken = checked.find(check => check.verdict === 'invalid')
  const checks = NAMES.map(name => resultOf(name, checked))
  for (const check of checks.slice(checked.length)) input.onCheck?.(check)
  const facts = { compared: matched !== undefined, ...found, ...(broken ? { failed: broken.name } : {}) }
  return {
    verdict,
    exit: exitOf(verdict),
    sentence: sentenceOf(verdict, trust, facts),
    ...(showsSomething(verdict) ? { limits: LIMITS } : {}),
    trust,
    checks,
    ...(broken ? { failed: broken.name } : {}),
    ...(matched ? { matched } : {}),
    ...found,
    ...claimsOf(evidence),
  }
}

function resultOf(name: CheckName, checked: readonly Checked[]): CheckResult {
  const check = checked.find(candidate => candidate.name === name) ?? { name, ...notRun(note('earlier')) }
  const { status, code, notes, reason } = check
  return { name, status, ...(code === undefined ? {} : { code }), detail: reason ?? formatNotes(notes), notes }
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
