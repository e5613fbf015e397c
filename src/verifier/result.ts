/**
 * The result of `verify`: the outcome of every check, the verdict of design §8, and what the
 * statement claims.
 */

import { isRecordStatement } from '../core/statements/registry.ts'
import type { FileDigest } from '../documents/digest.ts'
import { documentsOf, type Match, matchOf, notRun, type Outcome, type ReceiptParts } from './checks.ts'
import type { ListFacts } from './judge.ts'
import { fillIn, formatRemarks, type Remark, remark } from './remarks.ts'
import { ENGLISH, formatLimits, formatVerdict, type SentenceFacts, TRUSTS_LEDGER, TRUSTS_LIST } from './sentence.ts'
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
  /** The same for other languages; empty if `detail` is the words of an error. */
  readonly remarks: readonly Remark[]
}

/** Where the policy is from: the reader's own copy, the ledger, or somebody else's list. */
export type Trust = 'policy' | 'ledger' | 'list'

/** The result. The statement's claims are given as stated, whichever verdict applies. */
export type Result = {
  readonly verdict: VerdictCode
  /**
   * The verdict that would apply on a production chain. It differs from `verdict` only under
   * `test-network`.
   */
  readonly finding: VerdictCode
  readonly exit: number
  readonly sentence: string
  /** Decided in one place, `isGreenFor`. */
  readonly isGreen: boolean
  /** The limits of what the result shows; missing if it shows nothing. */
  readonly limits?: string
  readonly trust: Trust
  readonly subject: Subject
  readonly asked: Asked
  /**
   * The changes to this version, in the order of the entries that made them. Empty if nobody was
   * asked.
   */
  readonly changes: readonly Change[]
  readonly checks: readonly CheckResult[]
  /** The check that failed, if the verdict is `invalid`. */
  readonly failed?: CheckName
  /** False if the receipt lists no documents. */
  readonly listsDocuments?: boolean
  /** Why not everything could be checked, if the verdict is `unchecked`. */
  readonly unchecked?: UncheckedReason
  readonly matched?: Match
  /** The list that picked the policy, if `trust` is `list`. */
  readonly list?: ListFacts
  /** Set if the verdict is `sealed` and the policy counts other vouchers than one chain. */
  readonly byOthers?: true
  /** The time by which the required number of final anchors agree. */
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

/** The question: how the subject was given, and whose policy applies. */
export type Asking = {
  readonly file?: FileDigest | undefined
  readonly subject?: Exclude<Subject, 'entry'> | undefined
  readonly trust: Trust
  /** The list that picked the policy. */
  readonly list?: ListFacts | undefined
  readonly requireCurrent?: boolean | undefined
  /** Set if the policy counts other vouchers than one chain for the receipt's tree. */
  readonly byOthers?: true | undefined
}

/** The result of the checks that were run. The others are listed after them, as not run. */
export function conclude(asking: Asking, evidence: ReceiptParts, checked: readonly Checked[]): Result {
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
    ...(asking.list && { list: asking.list }),
    ...(asking.byOthers && finding === 'sealed' && { byOthers: true as const }),
  } as const
  const checks = CHECKS.map(name => resultOf(name, checked))
  return { ...answer(asking, facts, checks), ...claimsOf(evidence) }
}

/** The result for a file without a receipt. */
export function concludeUnknown(asking: Asking): Result {
  const facts = { verdict: 'unknown', finding: 'unknown', subject: subjectOf(asking), asked: 'nobody', changes: [] } as const
  return answer(
    asking,
    facts,
    CHECKS.map(name => resultOf(name, [{ name, ...notRun(remark('receiptNone')) }])),
  )
}

/** The result of one check. A check that was not reached is not run. */
export function resultOf(name: CheckName, checked: readonly Checked[]): CheckResult {
  const check = checked.find(candidate => candidate.name === name) ?? { name, ...notRun(remark('earlier')) }
  const { status, code, remarks, reason } = check
  return { name, status, ...(code === undefined ? {} : { code }), detail: reason ?? formatRemarks(remarks), remarks }
}

function answer({ trust, requireCurrent }: Asking, facts: SentenceFacts, checks: readonly CheckResult[]): Result {
  const limits = formatLimits(facts, ENGLISH)
  const sentence = formatVerdict(facts, ENGLISH)
  return {
    ...facts,
    exit: exitOf(facts, requireCurrent),
    sentence: [sentence, ...formatTrust(facts, trust)].join(' '),
    isGreen: isGreenFor(facts),
    ...(limits === undefined ? {} : { limits }),
    trust: facts.list ? 'list' : trust,
    checks,
  }
}

/** Whose word the policy is, in English, unless it is the reader's own. */
function formatTrust({ list }: SentenceFacts, trust: Trust): string[] {
  if (list === undefined) return trust === 'ledger' ? [TRUSTS_LEDGER] : []
  return list.entry === undefined ? [] : [fillIn(TRUSTS_LIST, { entry: list.entry, list: list.name })]
}

function subjectOf({ file, subject }: Asking): Subject {
  return file === undefined ? 'entry' : (subject ?? 'file')
}

/** The receipt's claims: where the record is in the log, and what its statement says. */
function claimsOf({ statement, proof, checkpoint }: ReceiptParts): Partial<Result> {
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
