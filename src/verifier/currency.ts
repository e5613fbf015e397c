/** The last check of design §7, `currency`: whether a later statement amends or withdraws what the receipt shows. */

import type { Policy } from '../core/policy.ts'
import type { Statement } from '../core/statement.ts'
import { attempt, attemptAsync, unwrap } from './attempt.ts'
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
import { speaksOf } from './later.ts'
import { type Note, note } from './notes.ts'

/**
 * Asks a ledger or a mirror for the later statements of the same record: of each action the newest ones that speak of this statement, at least. What it answers is believed only as far as each receipt verifies;
 * rejects with an OpenSealError when it cannot answer.
 */
export type CurrencyReader = (statement: Statement, index: number) => Promise<readonly LaterStatement[]>

/** A later statement as a ledger gives it: its index and the text of its receipt. */
export type LaterStatement = { readonly index: number; readonly receiptText: string }

type Version = { readonly index: number; readonly statement: Statement }

/** Check 8: no later verified statement amends or withdraws it. */
export async function checkCurrency(
  evidence: Evidence,
  { currency, file, policy }: { file?: FileDigest | undefined; policy: Policy; currency?: CurrencyReader | undefined },
): Promise<Outcome> {
  const statement = unwrap(evidence.statement)
  const { index } = unwrap(evidence.proof)
  if (statement.type !== 'openseal/statement@v1') return notRun(note('versionsNone'))
  const asked = await attemptAsync(async () => (currency ? await currency(statement, index) : undefined))
  const answered = currency ? undefined : note('versionsUnasked')
  const unasked = asked.error ? note('versionsUnanswered', { reason: asked.error.message, code: asked.error.code }) : answered
  const later = (asked.value ?? []).flatMap(answer => verifyLater(answer, { index, statement }, policy))
  later.sort((a, b) => a.index - b.index)
  return judge({ index, statement }, later, file, unasked)
}

function judge(own: Version, later: readonly Version[], file: FileDigest | undefined, unasked: Note | undefined): Outcome {
  // In the order of their indexes; the receipt's own statement may be a withdrawal itself.
  const speaking = [own, ...later.filter(({ statement }) => speaksOf(statement, own.statement))]
  const newest = speaking.at(-1) ?? own
  if (newest.statement.action !== 'withdraw' && (newest === own || stillLists(newest.statement, own.statement, file))) {
    if (unasked !== undefined) return notRun(unasked)
    return passed([newest === own ? note('newest') : note('stillListed', { index: newest.index })])
  }
  const withdrawal = speaking.findLast(({ statement }) => statement.action === 'withdraw')
  if (withdrawal) {
    const why = note('withdrawn', { index: withdrawal.index, reason: withdrawal.statement.reason?.code ?? '' })
    const { published } = withdrawal.statement
    return { ...failed('CURRENCY_WITHDRAWN', why, 'withdrawn'), ...(published !== undefined && { withdrawn: published }) }
  }
  const amendment = speaking.findLast(version => version !== own && version.statement.action === 'amend')
  if (amendment) return failed('CURRENCY_SUPERSEDED', note('amended', { index: amendment.index }), 'superseded')
  return passed([note('silentlyEdited', { index: newest.index })])
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

function stillLists(newest: Statement, own: Statement, file: FileDigest | undefined): boolean {
  if (file !== undefined) return matchOf(newest.documents, file) !== undefined
  return own.documents.length > 0 && own.documents.every(document => matchOf(newest.documents, document) !== undefined)
}
