/** The last check of design §7, `currency`: whether a later statement amends or withdraws what the receipt shows. */

import type { Policy } from '../core/policy.ts'
import type { AnyStatement, Statement } from '../core/statement.ts'
import { attempt, attemptAsync } from './attempt.ts'
import {
  checkCheckpoint,
  checkCosignatures,
  checkInclusion,
  checkStatement,
  type Evidence,
  failed,
  matchOf,
  notRun,
  type Outcome,
  passed,
  readEvidence,
} from './checks.ts'
import type { FileDigest } from './digest.ts'
import { type Note, note } from './notes.ts'

/**
 * Asks a ledger or a mirror for the later statements of the same record. What it answers is believed only as far as each receipt verifies;
 * rejects with an OpenSealError when it cannot answer.
 */
export type CurrencyReader = (statement: Statement, index: number) => Promise<readonly LaterStatement[]>

/** A later statement as a ledger gives it: its index and the text of its receipt. */
export type LaterStatement = { readonly index: number; readonly receiptText: string }

/** What `currency` found; `withdrawn` is the time at which the agency says that it withdrew the record. */
export type CurrencyFindings = { readonly outcome: Outcome; readonly withdrawn?: string }

type Version = { readonly index: number; readonly statement: Statement }

/** Check 8: no later verified statement amends or withdraws it. */
export async function checkCurrency(
  statement: AnyStatement,
  index: number,
  input: { readonly file?: FileDigest | undefined; readonly policy: Policy; readonly currency?: CurrencyReader | undefined },
): Promise<CurrencyFindings> {
  if (statement.type !== 'openseal/statement@v1') return { outcome: notRun(note('versionsNone')) }
  const { currency, file, policy } = input
  const asked = await attemptAsync(async () => (currency ? await currency(statement, index) : undefined))
  const answered = currency ? undefined : note('versionsUnasked')
  const unasked = asked.error ? note('versionsUnanswered', { reason: asked.error.message, code: asked.error.code }) : answered
  const later = (asked.value ?? []).flatMap(answer => verifyLater(answer, { index, statement }, policy))
  later.sort((a, b) => a.index - b.index)
  return judge({ index, statement }, later, file, unasked)
}

function judge(own: Version, later: readonly Version[], file: FileDigest | undefined, unasked: Note | undefined): CurrencyFindings {
  // In the order of their indexes; the receipt's own statement may be a withdrawal itself.
  const speaking = [own, ...later.filter(({ statement }) => speaksOf(statement, own.statement))]
  const newest = speaking.at(-1) ?? own
  if (newest.statement.action !== 'withdraw' && (newest === own || stillLists(newest.statement, own.statement, file))) {
    if (unasked !== undefined) return { outcome: notRun(unasked) }
    return {
      outcome: passed([newest === own ? note('newest') : note('stillListed', { index: newest.index })]),
    }
  }
  const withdrawal = speaking.findLast(({ statement }) => statement.action === 'withdraw')
  if (withdrawal) {
    const why = note('withdrawn', { index: withdrawal.index, reason: withdrawal.statement.reason?.code ?? '' })
    return { outcome: failed('CURRENCY_WITHDRAWN', why, 'withdrawn'), withdrawn: withdrawal.statement.published }
  }
  const amendment = speaking.findLast(version => version !== own && version.statement.action === 'amend')
  if (amendment) return { outcome: failed('CURRENCY_SUPERSEDED', note('amended', { index: amendment.index }), 'superseded') }
  return { outcome: passed([note('silentlyEdited', { index: newest.index })]) }
}

/** A later statement counts when everything about it verifies that the policy can tell without the chain. */
function verifyLater({ index, receiptText }: LaterStatement, own: Version, policy: Policy): Version[] {
  const evidence = readEvidence(receiptText)
  const { statement, proof } = evidence
  if (statement.error || proof.error || !verifies(evidence, policy)) return []
  const later = statement.value
  const ofThisRecord =
    later.type === 'openseal/statement@v1' && later.agency === own.statement.agency && later.record === own.statement.record
  if (!ofThisRecord || proof.value.index !== index || index <= own.index) return []
  return [{ index, statement: later }]
}

function verifies(evidence: Evidence, policy: Policy): boolean {
  const checks = [
    () => checkStatement(evidence),
    () => checkInclusion(evidence),
    () => checkCheckpoint(evidence, policy),
    () => checkCosignatures(evidence, policy),
  ]
  return checks.every(check => attempt(check).value?.status === 'passed')
}

/** An amendment or withdrawal speaks of the revision that it names, or of the whole record; a publication of its own version only. */
function speaksOf(later: Statement, own: Statement): boolean {
  return later.revision === own.revision || (later.action !== 'publish' && later.revision === undefined)
}

function stillLists(newest: Statement, own: Statement, file: FileDigest | undefined): boolean {
  if (file !== undefined) return matchOf(newest.documents, file) !== undefined
  return own.documents.length > 0 && own.documents.every(document => matchOf(newest.documents, document) !== undefined)
}
