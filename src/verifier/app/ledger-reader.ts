/**
 * Reads from a ledger or a mirror what a check needs: receipts by a file's hash, and the other
 * statements of a record. It sends only the first digits of a hash and compares the answers here,
 * so that no log on the way shows which file a reader has.
 */

import { inTurns } from '../../at-once.ts'
import { attempt, attemptAsync } from '../../core/attempt.ts'
import { OpenSealError } from '../../core/errors.ts'
import { isJsonObject, type Json, parseJson } from '../../core/json.ts'
import { MAX_RECEIPT_BYTES, parseReceipt } from '../../core/receipt.ts'
import { EFFECT_KINDS } from '../../core/statements/effects.ts'
import { createLedgerHttp, LedgerFailure, type LedgerHttpOptions } from '../../ledger-client/http.ts'
import { createRetries, waitUntil } from '../../ledger-client/retries.ts'
import type { CurrencyReader } from '../currency.ts'
import { type ListedEntry, readRecordVersions } from './record-versions.ts'

/**
 * A ledger as a check sees it. Its functions reject with an OpenSealError if there is no usable
 * answer.
 */
export type LedgerReader = {
  /** Its origin, or its address where the origin is not known before. */
  readonly name: string
  /**
   * Receipts for a file by each of its hashes, for each record that lists it. Records that list the
   * first hash come first. Empty if there are none.
   */
  findReceipts(hashes: readonly string[]): Promise<readonly FoundReceipts[]>
  /** An entry's current receipt. One that was only sealed may be anchored by now. */
  readReceipt(index: number): Promise<string>
  readonly currency: CurrencyReader
}

/**
 * The receipts of a record that lists a file: the newest, and the earliest if that is another one.
 */
export type FoundReceipts = { readonly newest: string; readonly earliest?: string }

/** Where to ask, and the origin that the ledger must have. */
export type LedgerReaderOptions = LedgerHttpOptions & { readonly origin: string }

type Read = (path: string, maxBytes?: number) => Promise<string>

/** If more records list a file, only the earliest ones are checked. */
const MAX_RECORDS = 8
/** If more entries list a file, only the oldest and the newest are read, in the ledger's order. */
const MAX_ENTRIES = 32
/** How many listed digests and indexes are kept for later look-ups. */
const MAX_REMEMBERED = 200_000
/** The fewest and the most digits that a ledger accepts. */
const PREFIX = { min: 3, max: 8 } as const
/** Bounds an endless list: how many pages of entries of one file or record are read. */
const MAX_PAGES = 10_000
/** For comparison: the history of a record with a thousand versions takes about 200 KB. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024
/** A ledger lists at most 4096 digests, each with 32 entries. */
const MAX_LISTED_BYTES = 2 * 1024 * 1024
const PAGE = 100
const AT_ONCE = 8
const ATTEMPTS = 4
const DEFAULT_WAIT_MS = 1000
const MAX_WAIT_MS = 15_000

/** Creates a reader that asks a ledger over HTTP. */
export function createLedgerReader(options: LedgerReaderOptions): LedgerReader {
  const read = createRead(options)
  const receiptOf = (index: number) => read(`/v1/records/${index}/receipt`, MAX_RECEIPT_BYTES)
  const asked = rememberPrefixes(prefix => read(`/v1/digests/${prefix}`, MAX_LISTED_BYTES))
  let status: Promise<void> | undefined
  const requireOrigin = () => {
    status ??= checkOrigin(read, options.origin)
    return status
  }
  return {
    name: options.origin === '' ? options.url.replace(/\/+$/, '') : options.origin,
    async findReceipts(hashes) {
      if (options.signal?.aborted) throw new LedgerReadError('LEDGER_NOT_ASKED', 'the time for the whole check ended first')
      const found = await findByEach(hashes, hash => findIndexes(hash, asked), receiptOf)
      // A receipt names its own ledger. But only the right ledger can say that there is no receipt.
      if (found.length === 0 && options.origin !== '') await requireOrigin()
      return found
    },
    readReceipt: receiptOf,
    async currency(statement, index) {
      await requireOrigin()
      const { agency, record } = statement
      // Read first, so that a failure here loses nothing that was listed.
      const checkpoint = await read('/checkpoint')
      const pages = listPages(read, new URLSearchParams({ agency, record }))
      return { source: 'ledger', checkpoint, ...(await readRecordVersions(pages, index, receiptOf, each => readErased(read, each))) }
    },
  }
}

/**
 * Stops asking once the ledger could not be reached, so that a package with thousands of releases
 * does not wait thousands of times.
 */
export function giveUpWhenGone(ledger: LedgerReader): LedgerReader {
  let gone: OpenSealError | undefined
  const ask = async <T>(question: () => Promise<T>): Promise<T> => {
    if (gone) throw gone
    const { value, error } = await attemptAsync(question)
    if (!error) return value
    if (error.code === 'LEDGER_UNREACHABLE') gone = error
    throw error
  }
  return {
    name: ledger.name,
    findReceipts: hashes => ask(() => ledger.findReceipts(hashes)),
    readReceipt: index => ask(() => ledger.readReceipt(index)),
    currency: (statement, index) => ask(async () => ledger.currency(statement, index)),
  }
}

/**
 * The digests under a prefix and their entries. Complete up to the last digest, and beyond it if
 * nothing was left out.
 */
type Listed = {
  readonly indexesOf: ReadonlyMap<string, readonly number[]>
  readonly last: string
  readonly isTruncated: boolean
  /** How many digests and indexes these are. */
  readonly count: number
}

/**
 * Finds the entries of a hash, sending as few of its digits as the ledger accepts. Throws
 * LedgerReadError.
 */
async function findIndexes(hash: string, ask: (prefix: string) => Promise<Listed>): Promise<readonly number[]> {
  for (let digits: number = PREFIX.min; digits <= PREFIX.max; digits++) {
    const { indexesOf, last, isTruncated } = await ask(hash.slice(0, digits))
    const found = indexesOf.get(hash)
    if (found !== undefined) return found
    if (!isTruncated || hash < last) return []
  }
  throw new LedgerReadError('LEDGER_TOO_MANY', 'the ledger lists too many digests to look through')
}

/**
 * Asks for each prefix once, within a bound of memory. The releases of a package share most
 * prefixes.
 */
function rememberPrefixes(read: Read): (prefix: string) => Promise<Listed> {
  const known = new Map<string, Promise<Listed>>()
  let held = 0
  const ask = async (prefix: string): Promise<Listed> => {
    const listed = readListed(await read(prefix), prefix)
    held += listed.count
    for (const [oldest, answer] of known) {
      if (held <= MAX_REMEMBERED || oldest === prefix) break
      known.delete(oldest)
      held -= (await answer).count
    }
    return listed
  }
  return prefix => {
    const before = known.get(prefix)
    if (before !== undefined) return before
    const asked = ask(prefix)
    known.set(prefix, asked)
    asked.catch(() => known.delete(prefix))
    return asked
  }
}

function readListed(text: string, prefix: string): Listed {
  const { digests, truncated } = readObject(text)
  const rows = Array.isArray(digests) ? (digests as readonly Json[]) : []
  const indexesOf = new Map<string, readonly number[]>()
  for (const row of rows) {
    const { digest, indexes } = isJsonObject(row) ? row : {}
    const isRow = typeof digest === 'string' && /^[0-9a-f]{64}$/.test(digest) && digest.startsWith(prefix) && Array.isArray(indexes)
    if (!isRow || !indexes.every(index => Number.isSafeInteger(index)))
      throw new LedgerReadError('LEDGER_ANSWER', 'the answer is not that of a ledger')
    indexesOf.set(digest, indexes as readonly number[])
  }
  if (!Array.isArray(digests)) throw new LedgerReadError('LEDGER_ANSWER', 'the answer is not that of a ledger')
  const count = [...indexesOf.values()].reduce((sum, { length }) => sum + 1 + length, 0)
  return { indexesOf, count, last: [...indexesOf.keys()].reduce((a, b) => (a > b ? a : b), ''), isTruncated: truncated === true }
}

/**
 * Asks by every hash, because one record can list a file by its bytes and another by its content. A
 * record that lists the bytes is not asked about the content. Rejects only if nothing was found and
 * something could not be read.
 */
export async function findByEach(
  hashes: readonly string[],
  indexesOf: (hash: string) => Promise<readonly number[]>,
  read: (index: number) => Promise<string>,
): Promise<FoundReceipts[]> {
  const records = new Map<string, FoundReceipts>()
  const seen = new Set<number>()
  const failures: OpenSealError[] = []
  for (const hash of hashes) {
    const indexes = (await indexesOf(hash)).filter(index => !seen.has(index))
    for (const index of indexes) seen.add(index)
    if (indexes.length === 0) continue
    const { value = [], error } = await attemptAsync(() => readFound(indexes, read))
    if (error) failures.push(error)
    for (const found of value) {
      const record = recordOf(found.newest)
      if (!records.has(record)) records.set(record, found)
    }
  }
  if (records.size === 0 && failures[0] !== undefined) throw firstDoubt(failures) ?? failures[0]
  return [...records.values()]
}

/**
 * The receipts of the entries that list a file, by record. A damaged or erased receipt does not
 * hide the others. Rejects if none can be read.
 */
async function readFound(indexes: readonly number[], read: (index: number) => Promise<string>): Promise<FoundReceipts[]> {
  const half = MAX_ENTRIES / 2
  const oldestFirst = [...new Set(indexes)].sort((a, b) => a - b)
  const some = oldestFirst.length > MAX_ENTRIES ? [...oldestFirst.slice(0, half), ...oldestFirst.slice(-half)] : oldestFirst
  const attempts = await inTurns(some, AT_ONCE, index => attemptAsync(() => read(index)))
  const texts = attempts.flatMap(({ value }) => value ?? [])
  const failures = attempts.flatMap(({ error }) => error ?? [])
  if (texts.length === 0 && failures[0] !== undefined) throw firstDoubt(failures) ?? failures[0]
  const records = new Map<string, FoundReceipts>()
  for (const text of texts) {
    const record = recordOf(text)
    const before = records.get(record)
    records.set(record, before === undefined ? { newest: text } : { newest: text, earliest: before.earliest ?? before.newest })
  }
  return [...records.values()].slice(0, MAX_RECORDS)
}

/** Whether a ledger shows no receipt because the statement was erased or is being erased. */
export function isErased({ code }: OpenSealError): boolean {
  return code === 'RECORD_ERASED' || code === 'RECORD_ERASING'
}

/**
 * The first failure that leaves open what the ledger has. One that was erased leaves nothing open.
 */
function firstDoubt(failures: readonly OpenSealError[]): OpenSealError | undefined {
  return failures.find(failure => !isErased(failure))
}

/** The record that a receipt claims. An unreadable receipt claims no record. */
function recordOf(text: string): string {
  const { statement } = attempt(() => parseReceipt(text)).value ?? {}
  return isJsonObject(statement) ? JSON.stringify([statement.agency, statement.record]) : text
}

/** A different ledger would know no file and no newer version, and its silence would look like an answer. */
async function checkOrigin(read: Read, expected: string): Promise<void> {
  const { origin } = readObject(await read('/v1/status'))
  if (origin !== expected) throw new LedgerReadError('LEDGER_OTHER', `the ledger asked is ${String(origin)}, not ${expected}`)
}

/**
 * The ledger's list for a query, page by page, newest first. Refuses cursors that do not advance
 * and empty pages, which could keep a reader here forever.
 */
async function* listPages(read: Read, query: URLSearchParams): AsyncGenerator<readonly ListedEntry[]> {
  query.set('limit', String(PAGE))
  let before = Number.POSITIVE_INFINITY
  for (let page = 0; page < MAX_PAGES; page++) {
    const { records, cursor } = readObject(await read(`/v1/records?${query}`))
    const entries = Array.isArray(records) ? (records as readonly Json[]) : []
    yield entries.filter(isListed)
    // An unreadable entry might be the withdrawal that a reader asks for.
    if (!Array.isArray(records) || !entries.every(isListed))
      throw new LedgerReadError('LEDGER_ANSWER', 'the answer is not that of a ledger')
    if (cursor === undefined || cursor === null) return
    if (entries.length === 0 || typeof cursor !== 'string' || !(Number(cursor) < before))
      throw new LedgerReadError('LEDGER_ANSWER', 'the list of the ledger does not advance')
    before = Number(cursor)
    query.set('cursor', cursor)
  }
  throw new LedgerReadError('LEDGER_TOO_MANY', `the list has more than ${MAX_PAGES * PAGE} entries`)
}

function isListed(entry: Json): entry is Json & ListedEntry {
  if (!isJsonObject(entry) || !Number.isSafeInteger(entry.index)) return false
  const { changes = [] } = entry
  return Array.isArray(changes) && changes.every(isLost)
}

/** Whether this is what an erased statement did: two indexes and a word. */
function isLost(change: Json): boolean {
  if (!isJsonObject(change) || !Number.isSafeInteger(change.index) || !Number.isSafeInteger(change.erased)) return false
  return EFFECT_KINDS.some(what => what === change.what)
}

/**
 * An entry that was erased, with what other erased statements did to it; undefined if it was not.
 */
async function readErased(read: Read, index: number): Promise<ListedEntry | undefined> {
  const { error } = await attemptAsync(() => read(`/v1/records/${index}`))
  const { refusal } = error?.cause instanceof LedgerFailure ? error.cause : {}
  if (refusal?.status !== 410) return undefined
  const { erased, changes = [] } = readObject(refusal.text)
  const entry = { index, changes, erased: isJsonObject(erased) ? erased.tombstone : undefined } as Json
  return isListed(entry) && Number.isSafeInteger(entry.erased) ? entry : undefined
}

function readObject(text: string): { readonly [member: string]: Json } {
  const { value } = attempt(() => parseJson(text, { allowNull: true }))
  if (!isJsonObject(value)) throw new LedgerReadError('LEDGER_ANSWER', 'the answer is not that of a ledger')
  return value
}

/** How a ledger is asked: again if it is busy, and only if it does not ask for a long wait. */
function createRead(options: LedgerReaderOptions): Read {
  const { signal } = options
  const http = createLedgerHttp(options)
  const retried = createRetries({
    waitMs({ isBusy, refusal }, attempts) {
      const askedMs = refusal?.waitMs ?? DEFAULT_WAIT_MS
      return isBusy && attempts < ATTEMPTS && askedMs <= MAX_WAIT_MS ? askedMs : undefined
    },
    sleep: ms => waitUntil(ms, signal),
  })
  return async (path, maxBytes = MAX_ANSWER_BYTES) => {
    const bytes = await retried(() => http.read({ path, maxBytes })).catch(cause => {
      throw readError(options, cause)
    })
    return new TextDecoder().decode(bytes)
  }
}

function readError({ url, signal }: LedgerReaderOptions, cause: unknown): unknown {
  const ledger = `the ledger${url && ` at ${url}`}`
  if (signal?.aborted)
    return new LedgerReadError('LEDGER_UNREACHABLE', 'the time for the whole check ended before the ledger answered', { cause })
  if (!(cause instanceof LedgerFailure)) return cause
  if (cause.cause instanceof LedgerReadError) return cause.cause
  if (cause.code === 'LEDGER_TOO_LARGE')
    return new LedgerReadError('LEDGER_ANSWER', 'the answer is larger than that of a ledger', { cause })
  if (cause.code === 'LEDGER_REDIRECTS')
    return new LedgerReadError('LEDGER_REFUSED', `${ledger} leads to another address: ${cause.refusal?.location ?? 'unknown'}`, { cause })
  if (cause.refusal?.status === 410) return new LedgerReadError('RECORD_ERASED', `${ledger} no longer shows this entry`, { cause })
  if (cause.refusal !== undefined)
    return new LedgerReadError('LEDGER_REFUSED', `${ledger} answered with status ${cause.refusal.status}`, { cause })
  return new LedgerReadError('LEDGER_UNREACHABLE', `${ledger} did not answer`, { cause })
}

/**
 * LEDGER_UNREACHABLE, LEDGER_REFUSED, LEDGER_ANSWER, LEDGER_OTHER, LEDGER_TOO_MANY,
 * LEDGER_NOT_ASKED or RECORD_ERASED.
 */
export class LedgerReadError extends OpenSealError {}
