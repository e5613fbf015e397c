/**
 * The last check of design §7, `currency`: how other statements of the record affect the version
 * that the receipt shows.
 */

import { attempt, attemptAsync, unwrap } from '../core/attempt.ts'
import type { Policy } from '../core/policy.ts'
import { withoutSeparated } from '../core/statements/effects.ts'
import { type AnyStatement, isRecordStatement } from '../core/statements/registry.ts'
import type { Statement } from '../core/statements/statement.ts'
import { changesOf, type Version } from '../core/statements/versions.ts'
import type { FileDigest } from '../documents/digest.ts'
import { checkAnchor, checkFinality } from './anchors.ts'
import type { ChainReader } from './chain-reader.ts'
import {
  checkInclusion,
  checkStatement,
  failed,
  notRun,
  type Outcome,
  passed,
  type ReceiptParts,
  readReceiptParts,
  unchecked,
  verifyCheckpoint,
} from './checks.ts'
import { type Erased, judgeErased, type ListedErasure } from './erased.ts'
import { type Remark, remark } from './remarks.ts'
import { type Change, type ChangeCode, decidingChange, type VerdictCode } from './verdict.ts'

/**
 * Asks a ledger or a copy for all statements of a record, earlier and later. An answer is believed
 * only as far as its receipts verify, but what does not verify is still reported. Rejects with an
 * OpenSealError if there is no usable answer.
 */
export type CurrencyReader = (statement: Statement, index: number) => Promise<Listing>

/** A source's answer about a record. */
export type Listing = {
  readonly source: 'ledger' | 'copy'
  /** The source's current signed checkpoint, which bounds how far the list can be believed. */
  readonly checkpoint: string
  /**
   * In any order, with the index of the statement that was asked about: a source that does not list
   * it does not know the record.
   */
  readonly listed: readonly Listed[]
  /** False if there are more statements than were read. */
  readonly complete: boolean
}

/**
 * One statement of a record. `receiptText` is missing if its receipt was not available; `erased` is
 * set if it never will be.
 */
export type Listed = { readonly index: number; readonly receiptText?: string; readonly erased?: ListedErasure }

/**
 * The inputs of the check. `isVouchedFor`: the chain vouches for the receipt itself, so the
 * sentence may name a change and its date.
 */
export type CurrencyMeans = {
  readonly file?: FileDigest | undefined
  readonly policy: Policy
  readonly chain: readonly ChainReader[]
  readonly currency?: CurrencyReader | undefined
  readonly isVouchedFor: boolean
  readonly isTest: boolean
}

/** A statement of the record, as its receipt shows it. */
type Told = Version & { readonly evidence: ReceiptParts }

/** The reported statements, sorted by how far they can be believed. */
type Reported = {
  readonly verified: readonly Told[]
  readonly claimed: readonly Told[]
  readonly changes: Change[]
  readonly doubts: Doubts
}

/** Statements that prevent an answer: unverifiable, erased or unread ones. */
type Doubts = { readonly unverified: readonly number[]; readonly erased: Erased['doubts']; readonly isCut: boolean }

const MAX_REMARKS = 10

/**
 * Check 8. The log's signature alone is enough for news that lowers a verdict. A statement that
 * does not verify makes the verdict `unchecked`.
 */
export async function checkCurrency(evidence: ReceiptParts, means: CurrencyMeans): Promise<Outcome> {
  const { currency, policy, file } = means
  const statement = unwrap(evidence.statement)
  if (!isRecordStatement(statement)) return { ...notRun(remark('versionsNone')), asked: 'nobody', changes: [] }
  const own = { index: unwrap(evidence.proof).index, statement, evidence }
  const { value: listing, error } = await attemptAsync(async () => currency?.(statement, own.index))
  const reported = sortReported(own, listing?.listed ?? [], listing?.complete ?? true, policy, file)
  const changes = await dateDeciding(reported, [own, ...reported.verified], means)
  const notAnswered = error
    ? remark('versionsUnanswered', { reason: error.message, code: error.code })
    : listing === undefined
      ? remark('versionsUnasked')
      : checkSource(listing, evidence, policy)
  const asked = listing === undefined || notAnswered !== undefined ? 'nobody' : listing.source
  const blocked = judgeDoubts(reported.doubts)
  if (blocked !== undefined) return { ...blocked, changes, asked: listing?.source ?? 'nobody' }
  return { ...(judgeChanges(changes, reported.verified, own) ?? judgeAnswer(notAnswered, changes)), changes, asked }
}

function judgeDoubts({ unverified, erased, isCut }: Doubts): Outcome | undefined {
  const remarks = [...unverified.map(index => remark('versionUnverified', { index })), ...erased.map(doubt => doubt.remark)].slice(
    0,
    MAX_REMARKS,
  )
  if (unverified.length > 0) return unchecked(remarks, 'unverified')
  if (erased[0] !== undefined) return unchecked(remarks, erased[0].why)
  return isCut ? unchecked(remark('versionsMany'), 'many') : undefined
}

/** The gravest change to the version, if it is a verdict. */
function judgeChanges(changes: readonly Change[], verified: readonly Told[], own: Told): Outcome | undefined {
  for (const [verdict, code] of LOWERING) {
    const change = decidingChange(verdict, changes)
    if (change === undefined) continue
    const by = [own, ...verified].find(({ index }) => index === change.index)
    const why = remark(REMARK_OF[change.what], { index: change.index, reason: by?.statement.reason?.code ?? '' })
    return failed(code, why, verdict)
  }
  return undefined
}

const LOWERING: readonly (readonly [VerdictCode, string])[] = [
  ['withdrawn', 'CURRENCY_WITHDRAWN'],
  ['edited', 'CURRENCY_EDITED'],
  ['superseded', 'CURRENCY_SUPERSEDED'],
]

function judgeAnswer(notAnswered: Remark | undefined, changes: readonly Change[]): Outcome {
  const remarks = changes.slice(0, MAX_REMARKS).map(({ what, index }) => remark(REMARK_OF[what], { index, reason: '' }))
  if (notAnswered !== undefined) return notRun([notAnswered, ...remarks])
  return passed(remarks.length > 0 ? remarks : [remark('newest')])
}

const REMARK_OF = {
  withdrawn: 'withdrawn',
  edited: 'edited',
  'edited-elsewhere': 'editedElsewhere',
  superseded: 'amended',
  published: 'publishedLater',
  erased: 'versionErased',
  added: 'documentAdded',
  reformatted: 'reformattedLater',
} as const satisfies Record<ChangeCode, Remark['key']>

/**
 * Why the source did not answer: its newest checkpoint does not verify, it is behind the receipt,
 * or it does not even list the statement of the receipt.
 */
function checkSource({ checkpoint, listed }: Listing, evidence: ReceiptParts, policy: Policy): Remark | undefined {
  const { value, error } = attempt(() => verifyCheckpoint(checkpoint, policy))
  if (error) return remark('versionsUnsigned')
  const { size } = unwrap(evidence.checkpoint)
  if (value.size < size) return remark('versionsBehind', { size: value.size, needed: size })
  const { index } = unwrap(evidence.proof)
  return listed.some(each => each.index === index) ? undefined : remark('versionsUnlisted', { index })
}

/** Sorts the reported statements and derives the changes to the version. */
function sortReported(own: Told, listed: readonly Listed[], complete: boolean, policy: Policy, file: FileDigest | undefined): Reported {
  const items = [...new Map(listed.map(each => [each.index, each])).values()]
  const isVerified = createVerifier(policy)
  const erased = judgeErased(own.index, items, isVerified)
  const others = items.filter(each => each.index !== own.index && each.erased === undefined)
  const read = others.map(each => ({ index: each.index, told: readTold(each, isVerified) }))
  const ofRecord = (told: { statement: AnyStatement } | undefined): told is Told =>
    isRecordStatement(told?.statement) && isSameRecord(told.statement, own.statement)
  const verified = read.filter(({ told }) => told?.isVerified).flatMap(({ told }) => (ofRecord(told) ? [told] : []))
  const claimed = read.filter(({ told }) => !told?.isVerified).flatMap(({ told }) => (ofRecord(told) ? [told] : []))
  const found = [
    ...changesOf(own, verified, file).map(change => describe(change, true, [own, ...verified])),
    ...changesOf(own, [...verified, ...claimed], file)
      .filter(({ index }) => claimed.some(each => each.index === index))
      .map(change => describe(change, false, claimed)),
  ]
  const counted = withoutSeparated(own.index, found, erased.effects)
  const changes = [...counted, ...erased.changes].sort((a, b) => a.index - b.index)
  const unverified = read.filter(({ told }) => !told?.isVerified).map(({ index }) => index)
  // By the source's word, an erased statement came between two versions, so that neither is an edit
  // of the other. Nobody is accused, and nobody can check it.
  const separated = found.length === counted.length ? [] : [{ why: 'erased', remark: remark('versionsSeparated') } as const]
  return { verified, claimed, changes, doubts: { unverified, erased: [...erased.doubts, ...separated], isCut: !complete } }
}

function describe({ index, what }: { index: number; what: ChangeCode }, verified: boolean, versions: readonly Version[]): Change {
  const published = versions.find(version => version.index === index)?.statement.published
  return { index, what, verified, ...(published === undefined ? {} : { published }) }
}

/**
 * The statement that a receipt shows. `isVerified`: checks 2 to 4 pass and the index is right. If
 * it then belongs to another record, it is ignored.
 */
function readTold({ index, receiptText }: Listed, isVerified: (evidence: ReceiptParts) => boolean) {
  if (receiptText === undefined) return undefined
  const evidence = readReceiptParts(receiptText)
  const { value: statement } = evidence.statement
  if (statement === undefined) return undefined
  return { index, statement, evidence, isVerified: evidence.proof.value?.index === index && isVerified(evidence) }
}

function isSameRecord(a: Statement, b: Statement): boolean {
  return a.agency === b.agency && a.record === b.record
}

/**
 * Runs checks 2 to 4. Remembers bad signatures of checkpoints too, because all receipts of a record
 * may share one.
 */
function createVerifier(policy: Policy): (evidence: ReceiptParts) => boolean {
  const signed = new Map<string, boolean>()
  return evidence => {
    const { value: proof } = evidence.proof
    if (proof === undefined) return false
    const isSigned = signed.get(proof.note) ?? attempt(() => verifyCheckpoint(proof.note, policy)).error === undefined
    signed.set(proof.note, isSigned)
    return isSigned && [checkStatement, checkInclusion].every(check => attempt(() => check(evidence)).value?.status === 'passed')
  }
}

/**
 * Finds the date of the one change that the sentence names: the date of the round in that change's
 * receipt.
 */
async function dateDeciding({ changes }: Reported, versions: readonly Told[], means: CurrencyMeans): Promise<Change[]> {
  const { isVouchedFor, isTest, policy, chain } = means
  const deciding = LOWERING.flatMap(([verdict]) => decidingChange(verdict, changes) ?? [])[0]
  const by = versions.find(({ index }) => index === deciding?.index)
  if (!isVouchedFor || deciding === undefined || by === undefined) return changes
  const anchor = await checkAnchor(by.evidence, policy, chain)
  const { date } = await checkFinality(policy, anchor)
  // Anyone can set a test network's clock, so it dates nothing beside a production chain.
  if (date === undefined || (anchor.isTest && !isTest)) return changes
  return changes.map(change => (change === deciding ? { ...change, when: date } : change))
}
