/** The last check of design §7, `currency`: what other statements of the record, earlier and later, made of the version that the receipt shows. */

import { attempt, attemptAsync, unwrap } from '../core/attempt.ts'
import type { Policy } from '../core/policy.ts'
import { type AnyStatement, isRecordStatement } from '../core/statements/registry.ts'
import type { Statement } from '../core/statements/statement.ts'
import { changesOf, type Version } from '../core/statements/versions.ts'
import type { FileDigest } from '../documents/digest.ts'
import { checkAnchor, checkFinality } from './anchors.ts'
import type { ChainReader } from './chain-reader.ts'
import {
  checkInclusion,
  checkStatement,
  type Evidence,
  failed,
  notRun,
  type Outcome,
  passed,
  readEvidence,
  unchecked,
  verifyCheckpoint,
} from './checks.ts'
import { type Note, note } from './notes.ts'
import { type Change, type ChangeCode, decidingChange, type VerdictCode } from './verdict.ts'

/**
 * Asks a ledger or a copy of it for all statements of a record, earlier and later ones. What it answers is believed only as far as each receipt verifies; what
 * does not verify is not passed over. Rejects with an OpenSealError when it gives no usable answer.
 */
export type CurrencyReader = (statement: Statement, index: number) => Promise<Listing>

/** What a source reports of a record. */
export type Listing = {
  readonly source: 'ledger' | 'copy'
  /** The signed checkpoint that the source serves now: it tells how far the list can be believed to go. */
  readonly checkpoint: string
  /** In any order, with the index of the statement that was asked about: a source that does not list it does not know the record. */
  readonly listed: readonly Listed[]
  /** False where there are more than were read. */
  readonly complete: boolean
}

/** One statement of a record. Without `receiptText` its receipt could not be had; `erased` where it can never be had again. */
export type Listed = { readonly index: number; readonly receiptText?: string; readonly erased?: boolean }

/** By what is checked. `isVouchedFor`: the chain vouches for the receipt itself, so that its sentence may speak of a change and its date. */
export type CurrencyMeans = {
  readonly file?: FileDigest | undefined
  readonly policy: Policy
  readonly chain: readonly ChainReader[]
  readonly currency?: CurrencyReader | undefined
  readonly isVouchedFor: boolean
  readonly isTest: boolean
}

/** A statement of the record as its receipt shows it. */
type Told = Version & { readonly evidence: Evidence }

/** What was reported of a record, sorted by how far it can be believed. */
type Reported = {
  readonly verified: readonly Told[]
  readonly claimed: readonly Told[]
  readonly changes: Change[]
  readonly doubts: Doubts
}

/** What stands in the way of an answer: statements that do not verify, that were erased, or that were not read. */
type Doubts = { readonly unverified: readonly number[]; readonly erased: readonly number[]; readonly isCut: boolean }

const MAX_NOTES = 10

/** Check 8. News that lowers a verdict needs no more than the log's signature; what does not verify makes the verdict `unchecked`. */
export async function checkCurrency(evidence: Evidence, means: CurrencyMeans): Promise<Outcome> {
  const { currency, policy, file } = means
  const statement = unwrap(evidence.statement)
  if (!isRecordStatement(statement)) return { ...notRun(note('versionsNone')), asked: 'nobody', changes: [] }
  const own = { index: unwrap(evidence.proof).index, statement, evidence }
  const { value: listing, error } = await attemptAsync(async () => currency?.(statement, own.index))
  const reported = sortReported(own, listing?.listed ?? [], listing?.complete ?? true, policy, file)
  const changes = await dateDeciding(reported, [own, ...reported.verified], means)
  const notAnswered = error
    ? note('versionsUnanswered', { reason: error.message, code: error.code })
    : listing === undefined
      ? note('versionsUnasked')
      : checkSource(listing, evidence, policy)
  const asked = listing === undefined || notAnswered !== undefined ? 'nobody' : listing.source
  const blocked = judgeDoubts(reported.doubts)
  if (blocked !== undefined) return { ...blocked, changes, asked: listing?.source ?? 'nobody' }
  return { ...(judgeChanges(changes, reported.verified, own) ?? judgeAnswer(notAnswered, changes)), changes, asked }
}

function judgeDoubts({ unverified, erased, isCut }: Doubts): Outcome | undefined {
  const notes = [
    ...unverified.map(index => note('versionUnverified', { index })),
    ...erased.map(index => note('versionErased', { index })),
  ].slice(0, MAX_NOTES)
  if (unverified.length > 0) return unchecked(notes, 'unverified')
  if (erased.length > 0) return unchecked(notes, 'erased')
  return isCut ? unchecked(note('versionsMany'), 'many') : undefined
}

/** The gravest of what became of the version, where that is a verdict. */
function judgeChanges(changes: readonly Change[], verified: readonly Told[], own: Told): Outcome | undefined {
  for (const [verdict, code] of LOWERING) {
    const change = decidingChange(verdict, changes)
    if (change === undefined) continue
    const by = [own, ...verified].find(({ index }) => index === change.index)
    const why = note(NOTE_OF[change.what], { index: change.index, reason: by?.statement.reason?.code ?? '' })
    return failed(code, why, verdict)
  }
  return undefined
}

const LOWERING: readonly (readonly [VerdictCode, string])[] = [
  ['withdrawn', 'CURRENCY_WITHDRAWN'],
  ['edited', 'CURRENCY_EDITED'],
  ['superseded', 'CURRENCY_SUPERSEDED'],
]

function judgeAnswer(notAnswered: Note | undefined, changes: readonly Change[]): Outcome {
  const notes = changes.slice(0, MAX_NOTES).map(({ what, index }) => note(NOTE_OF[what], { index, reason: '' }))
  if (notAnswered !== undefined) return notRun([notAnswered, ...notes])
  return passed(notes.length > 0 ? notes : [note('newest')])
}

const NOTE_OF = {
  withdrawn: 'withdrawn',
  edited: 'edited',
  'edited-elsewhere': 'editedElsewhere',
  superseded: 'amended',
  published: 'publishedLater',
  erased: 'versionErased',
  added: 'documentAdded',
  reformatted: 'reformattedLater',
} as const satisfies Record<ChangeCode, Note['key']>

/** Why the source did not answer: its newest checkpoint does not verify, it is behind the receipt, or it does not even list the statement of the receipt. */
function checkSource({ checkpoint, listed }: Listing, evidence: Evidence, policy: Policy): Note | undefined {
  const { value, error } = attempt(() => verifyCheckpoint(checkpoint, policy))
  if (error) return note('versionsUnsigned')
  const { size } = unwrap(evidence.checkpoint)
  if (value.size < size) return note('versionsBehind', { size: value.size, needed: size })
  const { index } = unwrap(evidence.proof)
  return listed.some(each => each.index === index) ? undefined : note('versionsUnlisted', { index })
}

/** Sorts what was reported, and says what it made of the version. */
function sortReported(own: Told, listed: readonly Listed[], complete: boolean, policy: Policy, file: FileDigest | undefined): Reported {
  const others = [...new Map(listed.map(each => [each.index, each])).values()].filter(({ index }) => index !== own.index)
  const erased = listed.filter(each => each.erased)
  const isVerified = createVerifier(policy)
  const read = others.filter(each => !each.erased).map(each => ({ index: each.index, told: readTold(each, isVerified) }))
  const ofRecord = (told: { statement: AnyStatement } | undefined): told is Told =>
    isRecordStatement(told?.statement) && isSameRecord(told.statement, own.statement)
  const verified = read.filter(({ told }) => told?.isVerified).flatMap(({ told }) => (ofRecord(told) ? [told] : []))
  const claimed = read.filter(({ told }) => !told?.isVerified).flatMap(({ told }) => (ofRecord(told) ? [told] : []))
  const changes = [
    ...changesOf(own, verified, file).map(change => describe(change, true, [own, ...verified])),
    ...changesOf(own, [...verified, ...claimed], file)
      .filter(({ index }) => claimed.some(each => each.index === index))
      .map(change => describe(change, false, claimed)),
    ...erased.map(({ index }) => ({ index, what: 'erased' as const, verified: false })),
  ]
  const unverified = read.filter(({ told }) => !told?.isVerified).map(({ index }) => index)
  const doubts = { unverified, erased: erased.map(({ index }) => index).filter(index => index !== own.index), isCut: !complete }
  return { verified, claimed, changes: changes.sort((a, b) => a.index - b.index), doubts }
}

function describe({ index, what }: { index: number; what: ChangeCode }, verified: boolean, versions: readonly Version[]): Change {
  const published = versions.find(version => version.index === index)?.statement.published
  return { index, what, verified, ...(published === undefined ? {} : { published }) }
}

/** The statement that a receipt shows; `isVerified` where checks 2 to 4 pass and its index fits. One of another record is then none of ours. */
function readTold({ index, receiptText }: Listed, isVerified: (evidence: Evidence) => boolean) {
  if (receiptText === undefined) return undefined
  const evidence = readEvidence(receiptText)
  const { value: statement } = evidence.statement
  if (statement === undefined) return undefined
  return { index, statement, evidence, isVerified: evidence.proof.value?.index === index && isVerified(evidence) }
}

function isSameRecord(a: Statement, b: Statement): boolean {
  return a.agency === b.agency && a.record === b.record
}

/** Checks 2 to 4. The signature of a checkpoint is verified once, for the receipts of one record mostly lead to the same. */
function createVerifier(policy: Policy): (evidence: Evidence) => boolean {
  const signed = new Map<string, boolean>()
  return evidence => {
    const { value: proof } = evidence.proof
    if (proof === undefined) return false
    const isSigned = signed.get(proof.note) ?? attempt(() => verifyCheckpoint(proof.note, policy)).error === undefined
    signed.set(proof.note, isSigned)
    return isSigned && [checkStatement, checkInclusion].every(check => attempt(() => check(evidence)).value?.status === 'passed')
  }
}

/** Asks for the date of the one change that the sentence speaks of: that of the round in its own receipt. */
async function dateDeciding({ changes }: Reported, versions: readonly Told[], means: CurrencyMeans): Promise<Change[]> {
  const { isVouchedFor, isTest, policy, chain } = means
  const deciding = LOWERING.flatMap(([verdict]) => decidingChange(verdict, changes) ?? [])[0]
  const by = versions.find(({ index }) => index === deciding?.index)
  if (!isVouchedFor || deciding === undefined || by === undefined) return changes
  const anchor = await checkAnchor(by.evidence, policy, chain)
  const { date } = await checkFinality(by.evidence, policy, anchor)
  // A test network's clock, which anyone may set, dates nothing beside a production chain.
  if (date === undefined || (anchor.isTest && !isTest)) return changes
  return changes.map(change => (change === deciding ? { ...change, when: date } : change))
}
