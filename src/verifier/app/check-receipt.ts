/** Checks one file, or a part of one, by a receipt: the given one, or those that the ledger has. */
import { inTurns } from '../../at-once.ts'
import { attempt, attemptAsync } from '../../core/attempt.ts'
import type { OpenSealError } from '../../core/errors.ts'
import type { Policy } from '../../core/policy.ts'
import { isSameRecord, parseReceipt } from '../../core/receipt.ts'
import { isTrustList, type TrustList } from '../../core/trust.ts'
import { claimsKeyOf, type ReceiptParts, readReceiptParts } from '../checks.ts'
import { entryOf } from '../judge.ts'
import { verify } from '../verify.ts'
import { type AskedLedger, findIn, unusable } from './asked-ledgers.ts'
import type { Answer, Finding, LookedUp, Means, Problem, Watch } from './finding.ts'
import { type GivenReceipt, hashesOf } from './given.ts'
import { type FoundReceipts, isErased } from './ledger-reader.ts'

/** The file or the part of it that is checked. */
export type CheckedPart = Pick<Finding, 'fileName' | 'digest' | 'isFingerprint' | 'isArchive' | 'fileKind' | 'pdf' | 'part'>
/** How many ledgers are asked at once. */
const LEDGERS_AT_ONCE = 8

/**
 * Looks up receipts by hash: one answer for each record that lists the file, or one that says that
 * no record does. If a ledger that has an address does not answer, or its turn did not come in
 * time, and no other has the file, nobody knows whether there is a record.
 */
export async function lookUp(subject: CheckedPart, means: Means, ledgers: readonly AskedLedger[], watch: Watch = {}): Promise<Answer[]> {
  const { digest, part } = subject
  const name = subject.fileName ?? ''
  if (digest === undefined || ledgers.every(({ ledger }) => ledger === undefined)) return [{ name, part, problem: 'need-receipt' }]
  const hashes = hashesOf(digest)
  const asked = await inTurns(ledgers, LEDGERS_AT_ONCE, each => attemptAsync(() => findIn(each, hashes)))
  // Two addresses may lead to one ledger.
  const isTold = (newest: string, before: number) =>
    asked.slice(0, before).some(({ value = [] }) => value.some(each => each.newest === newest))
  const found = asked.flatMap(({ value = [] }, at) => value.filter(({ newest }) => !isTold(newest, at)).map(receipts => ({ at, receipts })))
  const judged = await inTurns(found, 1, async ({ at, receipts }) => ({ at, finding: await findingAmong(subject, receipts, means, watch) }))
  // A neighbour could make something up, so that a file that another ledger knows looks forged.
  const isRefused = ({ at, finding }: (typeof judged)[number]) => ledgers[at]!.origin !== undefined && finding.result.verdict === 'invalid'
  const counting = judged.filter(each => !isRefused(each))
  const errors = ledgers.map(
    (ledger, at) => asked[at]!.error ?? (judged.some(each => each.at === at && isRefused(each)) ? unusable(ledger) : undefined),
  )
  const lookedUp = ledgers.length > 1 ? { lookedUp: tellLookedUp(ledgers, errors) } : {}
  if (counting.length > 0) return counting.map(({ finding }) => ({ finding: { ...finding, ...lookedUp } }))
  const open = errors.flatMap((error, at) => (error === undefined || ledgers[at]!.isUnlisted ? [] : [error]))
  if (open.length > 0) return [{ name, part, problem: problemOf(open, ledgers.length), ...lookedUp }]
  return [{ finding: { ...(await findingOf(subject, undefined, means, watch)), ...lookedUp } }]
}

/** Sorts the ledgers by what became of the question. A part that was not asked is never left out. */
function tellLookedUp(ledgers: readonly AskedLedger[], errors: readonly (OpenSealError | undefined)[]): LookedUp {
  const namesOf = (isSo: (error: OpenSealError | undefined) => boolean) =>
    ledgers.filter((_, at) => isSo(errors[at])).map(({ name }) => name)
  return {
    answered: namesOf(error => error === undefined),
    silent: namesOf(error => error !== undefined && error.code !== 'LEDGER_NOT_ASKED'),
    notAsked: namesOf(error => error?.code === 'LEDGER_NOT_ASKED'),
  }
}

/** Why nobody knows whether a file has a receipt, when this many ledgers were to be asked. */
function problemOf(errors: readonly OpenSealError[], asked: number): Problem {
  if (errors.every(isErased)) return 'erasing'
  return asked === 1 && errors.every(({ code }) => code === 'LEDGER_OTHER') ? 'ledger-other' : 'ledger-gone'
}

/**
 * If several entries of a record list the file, checks the newest and reports the date of the
 * earliest.
 */
async function findingAmong(subject: CheckedPart, { newest, earliest }: FoundReceipts, means: Means, watch: Watch): Promise<Finding> {
  const finding = await findingOf(subject, newest, means, watch)
  if (earliest === undefined) return finding
  const { result } = await findingOf(subject, earliest, { ...means, ledger: undefined })
  const isEarlier = result.matched !== undefined && (result.date !== undefined || result.verdict === 'sealed')
  if (!isEarlier || result.index === undefined) return finding
  // A test network's clock, which anyone may set, dates nothing beside a production chain.
  const isDated = result.date !== undefined && (result.verdict !== 'test-network' || finding.result.verdict === 'test-network')
  return { ...finding, earlier: { index: result.index, ...(isDated && { date: result.date }) } }
}

/**
 * Checks with a given receipt. If it is only sealed, the ledger may have the anchored one by now,
 * which is then checked the same way.
 */
export async function checkWith(subject: CheckedPart, receipt: GivenReceipt, means: Means, watch: Watch = {}): Promise<Answer> {
  const { name, text, documents } = receipt
  if (text === undefined) return { name, part: subject.part, problem: 'receipt-encoding' }
  const { ledger } = meansFor(text, means)
  const told = (finding: Finding) => ({
    finding: { ...finding, receiptName: name, ...(finding.result.failed === 'document' && { expected: documents }) },
  })
  const finding = await findingOf(subject, text, means, watch)
  const { finding: found, index } = finding.result
  if (found !== 'sealed' || ledger === undefined || index === undefined) return told(finding)
  const { value: fresh } = await attemptAsync(() => ledger.readReceipt(index))
  if (fresh === undefined || !continues(fresh, text)) return told(finding)
  const again = await findingOf(subject, fresh, means, watch)
  const isBetter = again.result.verdict !== 'invalid' && again.result.verdict !== 'unsupported'
  return told(isBetter ? { ...again, isFresher: true } : finding)
}

function continues(fresh: string, text: string): boolean {
  const isMore = attempt(() => {
    const [after, before] = [parseReceipt(fresh), parseReceipt(text)]
    return after.anchors.length > before.anchors.length && isSameRecord(after, before)
  })
  return isMore.value === true
}

export async function findingOf(
  subject: CheckedPart,
  receipt: string | Uint8Array | undefined,
  means: Means,
  { onCheck }: Watch = {},
): Promise<Finding> {
  const { policy, policySource, trust, chain, ledger, requireCurrent } = meansFor(receipt, means)
  const asked = { receipt, policy, chain, trust, currency: ledger?.currency, requireCurrent, onCheck }
  const result = await verify({ ...asked, file: subject.digest, subject: subject.isFingerprint ? 'fingerprint' : 'file' })
  return { ...subject, ...(typeof receipt === 'string' && { receipt }), ...(policySource && { policySource }), result, isFresher: false }
}

/**
 * The policy that judges a receipt, and the ledger that is asked about it. The list of the page
 * judges what its own policy is not for.
 */
function meansFor(receipt: string | Uint8Array | undefined, means: Means): Means {
  const { policy, others } = means
  if (receipt === undefined || (others === undefined && !isTrustList(policy))) return means
  const evidence = readReceiptParts(receipt)
  const list = isTrustList(policy) ? policy : isOfOthers(evidence, policy, others) ? others : undefined
  if (list === undefined) return means
  const entry = entryOf(list, evidence)
  return {
    ...means,
    policy: list,
    policySource: isTrustList(policy) ? means.policySource : undefined,
    ledger: entry && means.ledgerOf?.(entry),
  }
}

/** Whether a receipt is from another ledger than that of a policy, and no key of it claims otherwise. */
function isOfOthers(evidence: ReceiptParts, policy: Policy, others: TrustList | undefined): boolean {
  const { value: checkpoint } = evidence.checkpoint
  const { value: proof } = evidence.proof
  if (others === undefined || checkpoint === undefined || proof === undefined || checkpoint.origin === policy.origin) return false
  return others.entries.some(({ origin }) => origin === checkpoint.origin) || !claimsKeyOf(policy, proof.note)
}
