/**
 * Checks what a reader gave: from files and receipts to findings, in the order given. Pages and the
 * command line share it.
 */

import { inTurns } from '../../at-once.ts'
import { attempt, attemptAsync } from '../../core/attempt.ts'
import type { Policy } from '../../core/policy.ts'
import { isSameRecord, parseReceipt } from '../../core/receipt.ts'
import { isTrustList, type TrustEntry, type TrustList } from '../../core/trust.ts'
import type { FileDigest } from '../../documents/digest.ts'
import type { FileKind } from '../../documents/file-kind.ts'
import type { PdfFacts } from '../../documents/pdf.ts'
import type { ChainReader } from '../chain-reader.ts'
import { claimsKeyOf, type ReceiptParts, readReceiptParts } from '../checks.ts'
import { entryOf } from '../judge.ts'
import type { CheckResult, Result, Trust } from '../result.ts'
import { VERDICTS, type VerdictCode } from '../verdict.ts'
import { verify } from '../verify.ts'
import { rememberAnswers } from './chain-memory.ts'
import type { Release } from './file-reader.ts'
import { byEach, type GivenFile, type GivenReceipt, hashesOf, matchReceipts, type NamedDocument, naming } from './given.ts'
import { type FoundReceipts, giveUpWhenGone, isErased, type LedgerReader } from './ledger-reader.ts'
import type { PolicySource } from './policy-source.ts'

/**
 * The part of a file that a finding is about: a release of an OCDS package, or an earlier state of
 * a PDF.
 */
export type Part =
  | { readonly kind: 'release'; readonly position: number; readonly name?: string | undefined }
  | { readonly kind: 'state'; readonly bytes: number }

/** A checked subject, and the result. */
export type Finding = {
  readonly fileName?: string | undefined
  /** Missing if the ledger gave the receipt. */
  readonly receiptName?: string | undefined
  /** The text of the receipt that was checked. */
  readonly receipt?: string | undefined
  readonly digest?: FileDigest | undefined
  /** True if only the SHA-256 was given, so that nobody has read the file. */
  readonly isFingerprint?: boolean | undefined
  /** True for an archive whose files were checked, too. */
  readonly isArchive?: boolean | undefined
  readonly fileKind?: FileKind | undefined
  readonly pdf?: PdfFacts | undefined
  readonly part?: Part | undefined
  readonly result: Result
  readonly policySource?: PolicySource | undefined
  /** The documents that the receipt lists, if this file is not one of them. */
  readonly expected?: readonly NamedDocument[]
  /**
   * The first earlier entry of the record that lists the same file, with its date if the chain
   * vouches for it.
   */
  readonly earlier?: { readonly index: number; readonly date?: string } | undefined
  /** The given receipt was only sealed, so the ledger's newer one was checked instead. */
  readonly isFresher: boolean
}

/**
 * Why there is no verdict. `erasing`: every entry of the file was or is being erased, so the ledger
 * shows no receipt. `release-refused`: the strict reader refused the release; `code` and the
 * English `reason` say why. `receipt-encoding`: the receipt is not text in a known encoding.
 */
export type Problem = 'ledger-gone' | 'erasing' | 'need-receipt' | 'release-refused' | 'receipt-encoding'

/** A finding, or the reason why there is none. */
export type Answer =
  | { readonly finding: Finding; readonly problem?: undefined; readonly code?: undefined; readonly reason?: undefined }
  | {
      readonly finding?: undefined
      readonly name: string
      readonly part?: Part | undefined
      readonly problem: Problem
      readonly code?: string
      readonly reason?: string
    }

/**
 * The answers for one file or receipt: its own (one for each record that lists it), then those for
 * its parts.
 */
export type Answers = { readonly own: readonly Answer[]; readonly parts: readonly Answer[]; readonly partsLeftOut: number }

/** The part of a file that an answer is about; undefined for the whole file. */
export function partOf(answer: Answer): Part | undefined {
  return answer.finding ? answer.finding.part : answer.part
}

/** The inputs of the checks. Without a ledger, no receipts are looked up. */
export type Means = {
  readonly policy: Policy | TrustList
  /**
   * With a single policy: the list that judges receipts of other ledgers, the word of whoever runs
   * the page.
   */
  readonly others?: TrustList | undefined
  /** The ledger of an entry of a list, where it can be asked. */
  readonly ledgerOf?: ((entry: TrustEntry) => LedgerReader | undefined) | undefined
  readonly trust: Trust
  readonly chain: readonly ChainReader[]
  readonly ledger?: LedgerReader | undefined
  readonly policySource?: PolicySource | undefined
  /** Asks for exit code 6 if nobody could be asked about changes to a version. */
  readonly requireCurrent?: boolean | undefined
  /**
   * Once it is aborted, no further release is begun. Pass it to the readers too: they do not see it
   * here.
   */
  readonly signal?: AbortSignal | undefined
}

/** Callbacks and limits of a run. */
export type Watch = {
  readonly onCheck?: (check: CheckResult) => void
  /** May return a promise, so that a page can redraw. */
  readonly onPart?: (done: number, total: number) => void | Promise<void>
  /** Once it returns true, no further release is begun, and the rest counts as left out. */
  readonly isStopped?: () => boolean
  /**
   * How many releases of each verdict keep their checks. Later ones keep only the verdict, so that
   * thousands fit in memory. If missing, all keep them.
   */
  readonly maxWhole?: number
}

/** One thing to check. */
export type Task = { readonly name: string; run(watch?: Watch): Promise<Answers> }

type Subject = Pick<Finding, 'fileName' | 'digest' | 'isFingerprint' | 'isArchive' | 'fileKind' | 'pdf' | 'part'>
/**
 * Receipts for releases: by digest and, for receipts beside a file, by the release that they name.
 */
type ReleaseReceipts = { readonly byDigest: ReadonlyMap<string, GivenReceipt>; readonly byName: ReadonlyMap<string, GivenReceipt> }

const RELEASES_AT_ONCE = 4
/** How many of the newest earlier states are looked up. */
const MAX_STATES_ASKED = 48

/**
 * Plans one task for each file, and one for each receipt without a file. The task of an archive that
 * is not itself on the record has no answers; nor has that of a file which only its archive covers.
 */
export function planChecks(files: readonly GivenFile[], receipts: readonly GivenReceipt[], means: Means): Task[] {
  const asked = {
    ...means,
    chain: means.chain.map(rememberAnswers),
    ledger: means.ledger && giveUpWhenGone(means.ledger),
    ledgerOf: rememberLedgers(means),
  }
  const releaseHashes = new Set(files.flatMap(({ read }) => read.releases.flatMap(({ digest }) => digest?.sha256 ?? [])))
  const own = receipts.filter(({ digests }) => !digests.some(digest => releaseHashes.has(digest)))
  const byDigest = new Map(receipts.flatMap(receipt => receipt.digests.map(digest => [digest, receipt] as const)))
  const { pairs, alone } = matchReceipts(files, own)
  const byOf = byEach(receipts, ({ of, release }) => (of === undefined || release === undefined ? [] : [of.toLowerCase()]))
  const archives = new Map<GivenFile, Promise<Answers>>()
  const runs = files.map((file, at) => (watch?: Watch) => {
    const beside = byOf.get(file.name.toLowerCase()) ?? []
    const byName = new Map(beside.flatMap(receipt => (receipt.release === undefined ? [] : [[receipt.release, receipt] as const])))
    return checkFile(file, pairs[at] ?? [], { byDigest, byName }, asked, watch)
  })
  const runArchive = (at: number, watch?: Watch): Promise<Answers> => {
    const archive = files[at]!
    const run = archives.get(archive) ?? runs[at]!(watch).then(answers => (isOnRecord(answers) || pairs[at]?.length ? answers : NOTHING))
    archives.set(archive, run)
    return run
  }
  return [
    ...files.map((file, at) => ({
      name: file.name,
      run: async (watch?: Watch) => {
        if (file.isArchive) return runArchive(at, watch)
        const answers = await runs[at]!(watch)
        if (file.archive === undefined || !isUnknown(answers)) return answers
        // The answer for the archive covers a file that has no record of its own.
        return isOnRecord(await runArchive(files.indexOf(file.archive))) ? NOTHING : answers
      },
    })),
    ...alone.map(receipt => ({
      name: receipt.name,
      run: async (watch?: Watch) => ({ own: [await checkWith({}, receipt, asked, watch)], parts: [], partsLeftOut: 0 }),
    })),
  ]
}

/** Opens the ledger of an entry once, so that one that is gone is waited for once. */
function rememberLedgers({ ledgerOf }: Means): Means['ledgerOf'] {
  const opened = new Map<TrustEntry, LedgerReader | undefined>()
  return entry => {
    if (!opened.has(entry)) {
      const ledger = ledgerOf?.(entry)
      opened.set(entry, ledger && giveUpWhenGone(ledger))
    }
    return opened.get(entry)
  }
}

const NOTHING: Answers = { own: [], parts: [], partsLeftOut: 0 }

/** Whether a file fits a record, even one that was changed since. */
function isOnRecord({ own }: Answers): boolean {
  return own.some(({ finding }) => finding?.result.matched !== undefined && finding.result.limits !== undefined)
}

/** Whether nothing is known of a file or of anything in it. */
function isUnknown({ own, parts }: Answers): boolean {
  const isNone = ({ finding, problem }: Answer) => finding?.result.verdict === 'unknown' || problem === 'need-receipt'
  return own.every(isNone) && parts.every(isNone)
}

async function checkFile(
  file: GivenFile,
  receipts: readonly GivenReceipt[],
  ofReleases: ReleaseReceipts,
  means: Means,
  watch: Watch = {},
): Promise<Answers> {
  const { digest, kind, pdf, releases, releasesLeftOut } = file.read
  const { name: fileName, isFingerprint, isArchive, reportedAs } = file
  const subject = { fileName, digest, isFingerprint, isArchive, fileKind: kind, pdf }
  const own = gravestFirst(
    receipts.length > 0
      ? await inOrder(receipts, receipt => checkWith(subject, receipt, means, watch))
      : await lookUp(subject, means, watch),
  )
  const isMatched = own.some(({ finding }) => finding === undefined || finding.result.matched !== undefined)
  const state = isMatched ? undefined : await findState(file, receipts, means)
  let done = 0
  const keep = keepSome(watch.maxWhole ?? Number.POSITIVE_INFINITY)
  const answered = await inTurns(releases, RELEASES_AT_ONCE, async release => {
    if (watch.isStopped?.() || means.signal?.aborted) return undefined
    const answer = keep(await checkRelease(file.name, release, ofReleases, means))
    await watch.onPart?.(++done, releases.length)
    return answer
  })
  const parts = answered.filter(answer => answer !== undefined)
  const partsLeftOut = releasesLeftOut + releases.length - parts.length
  const exit = reportedAs !== undefined ? EXIT_UNCOMPARED : parts.some(isGone) ? EXIT_CHANGED : undefined
  const told = exit === undefined ? own : own.map(answer => withoutGreen(answer, exit))
  return { own: told, parts: state ? [state, ...parts] : parts, partsLeftOut }
}

/** Whether a release was withdrawn, replaced or changed, or does not fit its receipt. */
function isGone({ finding }: Answer): boolean {
  return finding !== undefined && GONE.includes(finding.result.finding)
}

const GONE: readonly VerdictCode[] = ['invalid', 'withdrawn', 'edited', 'superseded']
/** The exit code of a file in which something was changed. */
const EXIT_CHANGED = 8
/** The exit code if no file of the reader was compared, as for an entry. */
const EXIT_UNCOMPARED = 3

/**
 * For a package whose bytes are on the record while a part of it is no longer current; and for a
 * fingerprint that only a report names, because anybody can write one.
 */
function withoutGreen(answer: Answer, exit: number): Answer {
  const { finding } = answer
  if (finding === undefined) return answer
  const { result } = finding
  return { finding: { ...finding, result: { ...result, isGreen: false, exit: result.exit === 0 ? exit : result.exit } } }
}

/**
 * The gravest answer first, where several records or receipts name a file. A later change must not
 * be below a green card.
 */
function gravestFirst(answers: readonly Answer[]): Answer[] {
  const placeOf = (code: VerdictCode) => VERDICTS.findIndex(verdict => verdict.code === code)
  const rank = ({ finding }: Answer) =>
    finding ? [placeOf(finding.result.verdict), placeOf(finding.result.finding), Number(finding.result.isGreen)] : [placeOf('unchecked')]
  const compare = (a: readonly number[], b: readonly number[]) => a.map((place, at) => place - (b[at] ?? 0)).find(by => by !== 0) ?? 0
  return answers.toSorted((a, b) => compare(rank(a), rank(b)))
}

/**
 * Keeps the first answers of each verdict whole, and of later ones only the release and its
 * verdict.
 */
function keepSome(maxWhole: number): (answer: Answer) => Answer {
  const counts = new Map<string, number>()
  return answer => {
    const { finding } = answer
    if (finding === undefined) return answer
    const count = (counts.get(finding.result.verdict) ?? 0) + 1
    counts.set(finding.result.verdict, count)
    if (count <= maxWhole) return answer
    // Picks members one by one: any other part of the receipt would keep its whole text in memory.
    const { verdict, finding: found, exit, sentence, isGreen, trust, list, subject, asked, changes } = finding.result
    const result = { verdict, finding: found, exit, sentence, isGreen, trust, ...(list && { list }), subject, asked, changes, checks: [] }
    return { finding: { part: finding.part, digest: finding.digest, isFresher: finding.isFresher, result } }
  }
}

async function checkRelease(fileName: string, release: Release, { byDigest, byName }: ReleaseReceipts, means: Means): Promise<Answer> {
  const part = { kind: 'release', position: release.position, name: release.name } as const
  if (release.digest === undefined) return { name: fileName, part, problem: 'release-refused', code: release.code, reason: release.refused }
  const subject = { fileName, digest: release.digest, part }
  // A receipt beside the package that names the release with another digest contradicts it. The
  // ledger may have this release too.
  const given = byDigest.get(release.digest.sha256) ?? (release.name === undefined ? undefined : byName.get(release.name))
  if (given !== undefined) return checkWith(subject, given, means)
  const [first] = gravestFirst(await lookUp(subject, means))
  if (first === undefined) throw new Error('bug: a release without an answer')
  return first
}

/**
 * The newest earlier state of a PDF that is on the record, by the given receipts or by the ledger.
 */
async function findState({ name, read }: GivenFile, receipts: readonly GivenReceipt[], means: Means): Promise<Answer | undefined> {
  const { ledger } = means
  for (const { bytes, sha256 } of (read.pdf?.states ?? []).slice(-MAX_STATES_ASKED).reverse()) {
    const subject = { fileName: name, digest: { bytes, sha256 }, part: { kind: 'state', bytes } } as const
    const [given] = naming([sha256], receipts)
    if (given !== undefined) return checkWith(subject, given, means)
    if (receipts.length > 0 || ledger === undefined) continue
    const { value: found = [], error } = await attemptAsync(() => ledger.findReceipts([sha256]))
    if (error) return undefined
    if (found[0] !== undefined) return { finding: await findingOf(subject, found[0].newest, means) }
  }
  return undefined
}

/**
 * Looks up receipts by hash: one answer for each record that lists the file, or that there is none.
 */
async function lookUp(subject: Subject, means: Means, watch: Watch = {}): Promise<Answer[]> {
  const { ledger } = means
  const name = subject.fileName ?? ''
  const { digest, part } = subject
  if (ledger === undefined || digest === undefined) return [{ name, part, problem: 'need-receipt' }]
  const { value: found, error } = await attemptAsync(() => ledger.findReceipts(hashesOf(digest)))
  if (error) return [{ name, part, problem: isErased(error) ? 'erasing' : 'ledger-gone' }]
  if (found.length === 0) return [{ finding: await findingOf(subject, undefined, means, watch) }]
  return inOrder(found, async receipts => ({ finding: await findingAmong(subject, receipts, means, watch) }))
}

/**
 * If several entries of a record list the file, checks the newest and reports the date of the
 * earliest.
 */
async function findingAmong(subject: Subject, { newest, earliest }: FoundReceipts, means: Means, watch: Watch): Promise<Finding> {
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
async function checkWith(subject: Subject, receipt: GivenReceipt, means: Means, watch: Watch = {}): Promise<Answer> {
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

async function findingOf(
  subject: Subject,
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

async function inOrder<T, R>(items: readonly T[], task: (item: T) => Promise<R>): Promise<R[]> {
  return inTurns(items, 1, task)
}
