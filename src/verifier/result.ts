/** What `verify` answers: the outcome of every check, the verdict of design §8, and what the statement claims. */

import { isRecordStatement } from '../core/statements/registry.ts'
import type { FileDigest } from '../documents/digest.ts'
import { documentsOf, type Evidence, type Match, matchOf, notRun, type Outcome } from './checks.ts'
import { formatNotes, type Note, note } from './notes.ts'
import { ENGLISH, formatLimits, formatVerdict, type SentenceFacts, TRUSTS_LEDGER } from './sentence.ts'
import {
  type Asked,
  CHECKS,
  type Change,
  type CheckName,
  exitOf,
  firstVerdict,
  isGreenFor,
  type Subject,
  type UncheckedReason,
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

/** Whose word the policy is: the reader's own copy, the ledger's, or that of a list which somebody else keeps. */
export type Trust = 'policy' | 'ledger' | 'list'

/** The answer. What the statement says is given as stated, whatever the verdict. */
export type Result = {
  readonly verdict: VerdictCode
  /** What the verdict would be on a production chain: under `test-network` that, under any other the verdict itself. */
  readonly finding: VerdictCode
  readonly exit: number
  readonly sentence: string
  /** The one place that decides the colour. */
  readonly isGreen: boolean
  /** What the answer does not show; absent where it shows nothing. */
  readonly limits?: string
  readonly trust: Trust
  readonly subject: Subject
  readonly asked: Asked
  /** What became of this version, by the order of the entries that did it. Empty where nobody was asked. */
  readonly changes: readonly Change[]
  readonly checks: readonly CheckResult[]
  /** The check that the proof does not fit at, of an `invalid` verdict. */
  readonly failed?: CheckName
  /** False where the receipt lists no documents that a file could be one of. */
  readonly listsDocuments?: boolean
  /** Why not everything could be checked, of an `unchecked` verdict. */
  readonly unchecked?: UncheckedReason
  readonly matched?: Match
  /** The time by which as many of the final anchors as are required agree. */
  readonly date?: string
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

/** What was asked for: how the subject was given, and by whose word it is judged. */
export type Asking = {
  readonly file?: FileDigest | undefined
  readonly subject?: Exclude<Subject, 'entry'> | undefined
  readonly trust: Trust
  readonly requireCurrent?: boolean | undefined
}

/** The answer that follows from the checks that were run; those that were not come after them. */
export function conclude(asking: Asking, evidence: Evidence, checked: readonly Checked[]): Result {
  const brought = checked.map(check => check.verdict)
  const finding = firstVerdict(brought)
  const verdict = checked.some(({ isTest }) => isTest) ? firstVerdict([...brought, 'test-network']) : finding
  const documents = evidence.statement.error ? [] : documentsOf(evidence.statement.value)
  const matched = asking.file && matchOf(documents, asking.file)
  const broken = checked.find(check => check.verdict === 'invalid')
  const [unchecked] = checked.flatMap(check => (check.verdict === 'unchecked' ? (check.unchecked ?? []) : []))
  const [date] = checked.flatMap(check => check.date ?? [])
  const currency = checked.find(({ name }) => name === 'currency')
  const facts = {
    verdict,
    finding,
    subject: subjectOf(asking),
    asked: currency?.asked ?? 'nobody',
    changes: currency?.changes ?? [],
    ...(broken ? { failed: broken.name } : {}),
    ...(broken?.code === 'DOCUMENT_NONE' ? { listsDocuments: false } : {}),
    ...(unchecked && verdict === 'unchecked' ? { unchecked } : {}),
    ...(matched ? { matched } : {}),
    ...(date === undefined ? {} : { date }),
  } as const
  const checks = CHECKS.map(name => resultOf(name, checked))
  return { ...answer(asking, facts, checks), ...claimsOf(evidence) }
}

/** The answer where there is a file but no receipt for it. */
export function concludeUnknown(asking: Asking): Result {
  const facts = { verdict: 'unknown', finding: 'unknown', subject: subjectOf(asking), asked: 'nobody', changes: [] } as const
  return answer(
    asking,
    facts,
    CHECKS.map(name => resultOf(name, [{ name, ...notRun(note('receiptNone')) }])),
  )
}

/** A check as it is told: one that was not reached is not run. */
export function resultOf(name: CheckName, checked: readonly Checked[]): CheckResult {
  const check = checked.find(candidate => candidate.name === name) ?? { name, ...notRun(note('earlier')) }
  const { status, code, notes, reason } = check
  return { name, status, ...(code === undefined ? {} : { code }), detail: reason ?? formatNotes(notes), notes }
}

function answer({ trust, requireCurrent }: Asking, facts: SentenceFacts, checks: readonly CheckResult[]): Result {
  const limits = formatLimits(facts, ENGLISH)
  const sentence = formatVerdict(facts, ENGLISH)
  return {
    ...facts,
    exit: exitOf(facts, requireCurrent),
    sentence: trust === 'ledger' ? `${sentence} ${TRUSTS_LEDGER}` : sentence,
    isGreen: isGreenFor(facts),
    ...(limits === undefined ? {} : { limits }),
    trust,
    checks,
  }
}

function subjectOf({ file, subject }: Asking): Subject {
  return file === undefined ? 'entry' : (subject ?? 'file')
}

/** Where the receipt says that the record stands, and what the statement says of it. */
function claimsOf({ statement, proof, checkpoint }: Evidence): Partial<Result> {
  const place = {
    ...(proof.error ? {} : { index: proof.value.index }),
    ...(checkpoint.error ? {} : { origin: checkpoint.value.origin, size: checkpoint.value.size }),
  }
  if (statement.error || !isRecordStatement(statement.value)) return place
  const { agency, kind, action, record, revision, title, language, published } = statement.value
  const optional = { revision, title, language, published }
  const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined))
  return { ...place, agency, kind, action, record, ...given }
}
