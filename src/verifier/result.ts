/** What `verify` answers: the outcome of every check, the verdict of design §8, and what the statement claims. */

import { documentsOf, type Evidence, type Match, matchOf, notRun, type Outcome } from './checks.ts'
import type { FileDigest } from './digest.ts'
import { formatNotes, type Note, note } from './notes.ts'
import {
  CHECKS,
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

/** A check that was run. */
export type Checked = Outcome & { readonly name: CheckName }

type Asked = { readonly file?: FileDigest | undefined; readonly trust: 'policy' | 'ledger' }

/** The answer that follows from the checks that were run; those that were not come after them. */
export function conclude({ file, trust }: Asked, evidence: Evidence, checked: readonly Checked[]): Result {
  const verdict = firstVerdict(checked.map(check => check.verdict))
  const documents = evidence.statement.error ? [] : documentsOf(evidence.statement.value)
  const matched = file && matchOf(documents, file)
  const broken = checked.find(check => check.verdict === 'invalid')
  const found = foundBy(checked)
  const facts = { compared: matched !== undefined, ...found, ...(broken ? { failed: broken.name } : {}) }
  return {
    verdict,
    exit: exitOf(verdict),
    sentence: sentenceOf(verdict, trust, facts),
    ...(showsSomething(verdict) ? { limits: LIMITS } : {}),
    trust,
    checks: CHECKS.map(name => resultOf(name, checked)),
    ...(broken ? { failed: broken.name } : {}),
    ...(matched ? { matched } : {}),
    ...found,
    ...claimsOf(evidence),
  }
}

/** The answer where there is a file but no receipt for it. */
export function concludeUnknown({ trust }: Asked): Result {
  return {
    verdict: 'unknown',
    exit: exitOf('unknown'),
    sentence: sentenceOf('unknown', trust, { compared: true }),
    trust,
    checks: CHECKS.map(name => resultOf(name, [{ name, ...notRun(note('receiptNone')) }])),
  }
}

/** A check as it is told: one that was not reached is not run. */
export function resultOf(name: CheckName, checked: readonly Checked[]): CheckResult {
  const check = checked.find(candidate => candidate.name === name) ?? { name, ...notRun(note('earlier')) }
  const { status, code, notes, reason } = check
  return { name, status, ...(code === undefined ? {} : { code }), detail: reason ?? formatNotes(notes), notes }
}

/** The dates that checks found out. */
function foundBy(checked: readonly Checked[]): Pick<Outcome, 'date' | 'withdrawn'> {
  const [date] = checked.flatMap(check => check.date ?? [])
  const [withdrawn] = checked.flatMap(check => check.withdrawn ?? [])
  return { ...(date === undefined ? {} : { date }), ...(withdrawn === undefined ? {} : { withdrawn }) }
}

function sentenceOf(verdict: VerdictCode, trust: Result['trust'], facts: SentenceFacts): string {
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
  const optional = { revision, title, language, published }
  const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined))
  return { ...place, agency, kind, action, record, ...given }
}
