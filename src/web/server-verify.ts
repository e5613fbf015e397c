/**
 * The check on our server for readers without JavaScript. It does what the page does, but asks the
 * ledger directly.
 */

import { ZipError } from '../documents/zip.ts'
import { isolate, type Say } from '../messages/say.ts'
import { sayBadPolicy, sayNotPasted, sayReport } from '../messages/verdict.ts'
import { type ArchiveLimits, readArchive } from '../verifier/app/archive.ts'
import { findByEach, LedgerReadError } from '../verifier/app/ledger-reader.ts'
import { type ListedEntry, readRecordVersions } from '../verifier/app/record-versions.ts'
import {
  type Answers,
  type ChainReader,
  createLedgerReader,
  type GivenFile,
  type GivenPolicy,
  type GivenReceipt,
  type GivenText,
  isTrustList,
  type LedgerReader,
  type Means,
  OpenSealError,
  type OpenZip,
  openReport,
  type Policy,
  planChecks,
  type ReadFile,
  readGivenText,
  readPasted,
  readPolicy,
  recognizeZipped,
  type Statement,
  type TrustList,
  type Unread,
  withoutRepeats,
} from '../verifier/index.ts'
import type { CheckLedger } from './questions.ts'
import { WHOLE_CARDS } from './result.ts'
import { type Upload, UploadError } from './upload.ts'

/**
 * The answer to a form: the results, or a sentence that says what is missing, with the code of the
 * failure.
 */
export type FormAnswer =
  | {
      readonly answers: readonly Answers[]
      readonly unread: readonly Unread[]
      readonly notices: readonly string[]
      readonly judge: Policy | TrustList
      readonly others?: TrustList | undefined
      readonly policy?: GivenPolicy
      readonly fileSent: boolean
    }
  | { readonly message: string; readonly code?: string }

/** If more entries list a file, only this many of the oldest and of the newest are read. */
const MAX_FOUND = 16
const NEWEST = Number.MAX_SAFE_INTEGER
/** Enough for each release of a package, and as many again. */
const MAX_RECEIPTS = 2000
/** How many files of reports are checked again. A report is short beside the page that answers it. */
const MAX_REPORTED = 2000
/** Bounds of one archive: as many files as a package has releases, each with its receipt. */
const ARCHIVE_LIMITS: ArchiveLimits = {
  maxEntries: 2000,
  maxUnpackedBytes: 256 * 1024 * 1024,
  maxReleases: 1000,
  maxJsonBytes: 8 * 1024 * 1024,
}
const MAX_PASTED_HASHES = 100
/** How many statements of a record are read in one turn. */
const PAGE = 1000

/**
 * The inputs of a form's check. It runs in its own process and asks the service for its reads of
 * the ledger and of the chain.
 */
export type CheckMeans = {
  readonly policy: Policy
  /** The operator's list, for receipts of other ledgers. */
  readonly others?: TrustList | undefined
  readonly chain: readonly ChainReader[]
  readonly ledger: CheckLedger
}

/** Checks an upload. Without a receipt, the ledger's own is used. */
export async function checkUpload(say: Say, upload: Upload, means: CheckMeans): Promise<FormAnswer> {
  const sorted = await sort(say, upload)
  const pasted = readPasted(say('result.receipt'), upload.pasted ?? '')
  if (pasted.kind === 'given') {
    sorted.files.push(...pasted.files.slice(0, MAX_PASTED_HASHES))
    sorted.receipts.push(...pasted.receipts)
  } else if (upload.pasted?.trim() || (sorted.files.length === 0 && sorted.receipts.length === 0)) {
    return { message: sayNotPasted(say, pasted) }
  }

  const { receipts, notices, unread } = sorted
  const files = withoutRepeats(sorted.files)
  const given = sorted.policy
  const judge = given
    ? { policy: given.policy, policySource: given.source, trust: 'policy' as const }
    : { policy: means.policy, trust: 'ledger' as const, others: means.others }
  if (receipts.length > MAX_RECEIPTS) throw new UploadError('UPLOAD_TOO_MANY', 'There are too many receipts.')
  const reported = files.filter(({ reportedAs }) => reportedAs !== undefined)
  if (reported.length > MAX_REPORTED) throw new UploadError('UPLOAD_TOO_MANY', 'The reports name too many files.')
  const plan = planChecks(files, receipts, { ...judge, ...sourcesOf(means, given?.policy) })
  const answers: Answers[] = []
  for (const { run } of plan) answers.push(await run({ maxWhole: WHOLE_CARDS }))
  return {
    answers: answers.filter(({ own }) => own.length > 0),
    unread,
    notices,
    judge: judge.policy,
    ...(given === undefined && { others: means.others }),
    ...(given && { policy: given }),
    fileSent: upload.files.length > 0 || receipts.length > 0,
  }
}

/**
 * Checks a fingerprint, a receipt, or both, for a program. Returns undefined if the text is not
 * that of receipts.
 */
export async function checkGivenText(asked: GivenText, means: CheckMeans): Promise<readonly Answers[] | undefined> {
  const given = readGivenText(asked)
  if (given === undefined) return undefined
  const { policy, others } = means
  const answers: Answers[] = []
  const judge = { policy, others, trust: 'ledger', ...sourcesOf(means, undefined) } as const
  for (const { run } of planChecks(given.files, given.receipts.slice(0, MAX_RECEIPTS), judge))
    answers.push(await run({ maxWhole: WHOLE_CARDS }))
  return answers
}

type Sorted = {
  readonly files: GivenFile[]
  readonly receipts: GivenReceipt[]
  readonly unread: Unread[]
  readonly notices: string[]
  policy?: GivenPolicy
}

/**
 * A policy among the files is not used: the sender of the files may have sent it too. The reader
 * has to choose it in its own field.
 */
async function sort(say: Say, { files }: Upload): Promise<Sorted> {
  const sorted: Sorted = { files: [], receipts: [], unread: [], notices: [] }
  for (const { name, read, isPolicy } of files) {
    if (isPolicy) {
      usePolicy(say, sorted, name, read)
      continue
    }
    const given = await recognizeZipped(name, read, openUploaded(read))
    if (given.kind === 'file') sorted.files.push(given.file)
    else if (given.kind === 'archive') {
      sorted.files.push(...given.files)
      sorted.receipts.push(...given.receipts)
      sorted.unread.push(...given.unread)
    } else if (given.kind === 'report') {
      const opened = openReport(name, given.data)
      sorted.files.push(...opened.files)
      sorted.receipts.push(...opened.receipts)
      sorted.notices.push(sayReport(say, name, given.data))
    } else if (given.kind === 'receipts') sorted.receipts.push(...given.receipts)
    else sorted.notices.push(say('verify.policyNotUsed', { name: isolate(name) }))
  }
  return sorted
}

/** Looks into an archive that was uploaded, if it was small enough to be kept. */
function openUploaded({ zip }: ReadFile): OpenZip {
  return async name => {
    if (zip === undefined) throw new ZipError('ZIP_TOO_LARGE', 'the archive was too large to be kept')
    return readArchive(name, new Blob([zip as BlobPart]), ARCHIVE_LIMITS)
  }
}

function usePolicy(say: Say, sorted: Sorted, name: string, { json }: ReadFile): void {
  try {
    sorted.policy = readPolicy(name, json ?? '')
    sorted.notices.push(say('verify.policyUsed', { name: isolate(name) }))
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    sorted.notices.push(sayBadPolicy(say, name, error.code))
  }
}

/**
 * The chain, our own ledger, and the ledgers of the operator's list. The ledgers of a list that a
 * reader uploaded are not asked: the service calls no address of a reader's choosing.
 */
function sourcesOf(means: CheckMeans, given: Policy | TrustList | undefined): Pick<Means, 'chain' | 'ledger' | 'ledgerOf'> {
  const { policy, chain } = means
  const own = (origin: string) => createSiteReader(means, origin)
  const signal = AbortSignal.timeout(NEIGHBOURS_MS)
  return {
    chain,
    ledger: own(given === undefined || isTrustList(given) ? policy.origin : given.origin),
    ledgerOf({ ledger, origin }) {
      if (origin === policy.origin) return own(origin)
      if (given !== undefined || ledger === undefined) return undefined
      return createLedgerReader({ url: ledger, origin, fetch: createBoundedFetch(), timeoutMs: NEIGHBOUR_MS, signal })
    },
  }
}

/** How long the ledger of a neighbour may take for one answer, and how often one form may ask it. */
const NEIGHBOUR_MS = 5_000
/** How long a form asks neighbours in all: slow ones must leave it time to answer without them. */
const NEIGHBOURS_MS = 10_000
const ASKED_OF_NEIGHBOUR = 200

/** Keeps one form from asking a neighbour's ledger without end. */
function createBoundedFetch(): typeof fetch {
  let asked = 0
  return async (...request) => {
    if (++asked > ASKED_OF_NEIGHBOUR) throw new LedgerReadError('LEDGER_NOT_ASKED', 'this form has asked too many questions')
    return fetch(...request)
  }
}

/**
 * Our own ledger, read without HTTP. The verifier still checks each receipt. If the policy is for
 * another ledger, this one is not asked about changes.
 */
function createSiteReader({ ledger, policy }: CheckMeans, origin: string): LedgerReader {
  const entriesOf = async (indexes: readonly number[]): Promise<ListedEntry[]> => {
    const states = await ledger.erasureStates(indexes)
    return indexes.map((index, at) => ({ index, ...states[at] }))
  }
  /** A statement that was erased: it is listed no longer. */
  const erasedEntry = async (index: number) => {
    const [entry] = await entriesOf([index])
    return entry?.erased === undefined ? undefined : entry
  }
  /** The statements of a record, newest first. */
  async function* versionPages({ agency, record }: Statement): AsyncGenerator<readonly ListedEntry[]> {
    for (let before = Number.MAX_SAFE_INTEGER; ; ) {
      const indexes = await ledger.listByRecord(agency, record, before, PAGE)
      yield await entriesOf(indexes)
      if (indexes.length < PAGE) return
      before = indexes.at(-1)!
    }
  }
  return {
    name: policy.origin,
    findReceipts: hashes =>
      findByEach(
        hashes,
        async hash => [...(await ledger.findByDigest(hash, MAX_FOUND)), ...(await ledger.listByDigest(hash, NEWEST, MAX_FOUND))],
        index => ledger.receipt(index),
      ),
    readReceipt: index => ledger.receipt(index),
    async currency(statement, index) {
      if (origin !== policy.origin) throw new LedgerReadError('LEDGER_OTHER', `the ledger asked is ${policy.origin}, not ${origin}`)
      const versions = await readRecordVersions(versionPages(statement), index, at => ledger.receipt(at), erasedEntry)
      return { source: 'ledger', checkpoint: (await ledger.head()).note, ...versions }
    },
  }
}
