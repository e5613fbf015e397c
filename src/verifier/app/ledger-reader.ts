/**
 * What a check asks of a ledger or a mirror: receipts by a file's hash, and the other statements of a record. Of a hash the first digits are sent and the answers compared
 * here, so that no log on the way learns which file a reader holds.
 */

import { attempt, attemptAsync, unwrap } from '../../core/attempt.ts'
import { OpenSealError } from '../../core/errors.ts'
import { isJsonObject, type Json, parseJson } from '../../core/json.ts'
import { parseReceipt } from '../../core/receipt.ts'
import { readBounded } from '../../rpc/bounded.ts'
import type { CurrencyReader } from '../currency.ts'
import { fetchUntil, waitUntil } from './deadline.ts'
import { type ListedEntry, readRecordVersions } from './record-versions.ts'
import { inTurns } from './turns.ts'

/** The ledger as a check sees it. Its functions reject with an OpenSealError when it gives no usable answer. */
export type LedgerReader = {
  /** Receipts for a file, by its hashes: those of each record that names it, the record that did so first before the others. Empty when there is none. */
  findReceipts(hashes: readonly string[]): Promise<readonly FoundReceipts[]>
  /** The receipt of an entry as it is given out now: one that was only sealed may be anchored by then. */
  readReceipt(index: number): Promise<string>
  readonly currency: CurrencyReader
}

/** The receipts of a record that names a file: the newest, and the earliest where that is another. */
export type FoundReceipts = { readonly newest: string; readonly earliest?: string }

/** Where to ask, and whose ledger it must be. `url` has no slash at the end; empty for a page's own. */
export type LedgerReaderOptions = {
  readonly url: string
  readonly origin: string
  readonly fetch: typeof fetch
  /** For one question. */
  readonly timeoutMs: number
  /** For all questions together. */
  readonly signal?: AbortSignal | undefined
}

/** A file that stands in more records is checked in the earliest of them. */
const MAX_RECORDS = 8
/** Of a file that stands in more entries the oldest and the newest are read, as a ledger lists them. */
const MAX_ENTRIES = 32
/** So many digests that a ledger listed are kept for the next question. */
const MAX_REMEMBERED = 200_000
/** The fewest digits of a hash that a ledger answers for, and the most. */
const PREFIX = { min: 3, max: 8 } as const
/** A list without end is none: so many entries of one file, or of one record, are looked through. */
const MAX_PAGES = 10_000
/** The history of a record with a thousand versions has about 200 KB. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024
const PAGE = 100
const AT_ONCE = 8
const ATTEMPTS = 4
const MAX_WAIT_SECONDS = 15

/** Asks a ledger over HTTP. */
export function createLedgerReader(options: LedgerReaderOptions): LedgerReader {
  const receiptOf = (index: number) => read(options, `/v1/records/${index}/receipt`)
  const asked = rememberPrefixes(prefix => read(options, `/v1/digests/${prefix}`))
  let status: Promise<void> | undefined
  return {
    async findReceipts(hashes) {
      for (const hash of hashes) {
        const indexes = await findIndexes(hash, asked)
        if (indexes.length > 0) return readFound(indexes, receiptOf)
      }
      return []
    },
    readReceipt: receiptOf,
    async currency(statement, index) {
      status ??= checkOrigin(options)
      await status
      const { agency, record } = statement
      // First, so that nothing that was listed is forgotten because this fails.
      const checkpoint = await read(options, '/checkpoint')
      const pages = listPages(options, new URLSearchParams({ agency, record }))
      return { source: 'ledger', checkpoint, ...(await readRecordVersions(pages, index, receiptOf)) }
    },
  }
}

/** A reader that asks no more once the ledger was not reached: a package of thousands of releases must not wait for it thousands of times. */
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
    findReceipts: hashes => ask(() => ledger.findReceipts(hashes)),
    readReceipt: index => ask(() => ledger.readReceipt(index)),
    currency: (statement, index) => ask(async () => ledger.currency(statement, index)),
  }
}

/** The digests under a prefix, with their entries; complete up to the last of them, and beyond it where nothing was left out. */
type Listed = { readonly indexesOf: ReadonlyMap<string, readonly number[]>; readonly last: string; readonly isTruncated: boolean }

/** Where a hash stands, by as few of its digits as the ledger's answer allows. Throws LedgerReadError. */
async function findIndexes(hash: string, ask: (prefix: string) => Promise<Listed>): Promise<readonly number[]> {
  for (let digits: number = PREFIX.min; digits <= PREFIX.max; digits++) {
    const { indexesOf, last, isTruncated } = await ask(hash.slice(0, digits))
    const found = indexesOf.get(hash)
    if (found !== undefined) return found
    if (!isTruncated || hash < last) return []
  }
  throw new LedgerReadError('LEDGER_TOO_MANY', 'the ledger lists more digests than can be looked through')
}

/** Each prefix is asked for once, as far as memory is worth it: the releases of a package share most of them. */
function rememberPrefixes(read: (prefix: string) => Promise<string>): (prefix: string) => Promise<Listed> {
  const known = new Map<string, Promise<Listed>>()
  let held = 0
  const ask = async (prefix: string): Promise<Listed> => {
    const listed = readListed(await read(prefix), prefix)
    held += listed.indexesOf.size
    for (const [oldest, answer] of known) {
      if (held <= MAX_REMEMBERED || oldest === prefix) break
      known.delete(oldest)
      held -= (await answer).indexesOf.size
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
  return { indexesOf, last: [...indexesOf.keys()].reduce((a, b) => (a > b ? a : b), ''), isTruncated: truncated === true }
}

/** The receipts of the entries that name a file, by record. One that is damaged or erased hides no other. Rejects when none can be read. */
export async function readFound(indexes: readonly number[], read: (index: number) => Promise<string>): Promise<FoundReceipts[]> {
  const half = MAX_ENTRIES / 2
  const oldestFirst = [...new Set(indexes)].sort((a, b) => a - b)
  const some = oldestFirst.length > MAX_ENTRIES ? [...oldestFirst.slice(0, half), ...oldestFirst.slice(-half)] : oldestFirst
  const attempts = await inTurns(some, AT_ONCE, index => attemptAsync(() => read(index)))
  const texts = attempts.flatMap(({ value }) => value ?? [])
  if (texts.length === 0) attempts.slice(0, 1).map(unwrap)
  const records = new Map<string, FoundReceipts>()
  for (const text of texts) {
    const record = recordOf(text)
    const before = records.get(record)
    records.set(record, before === undefined ? { newest: text } : { newest: text, earliest: before.earliest ?? before.newest })
  }
  return [...records.values()].slice(0, MAX_RECORDS)
}

/** Which record a receipt says that it is of. One that cannot be read is of none. */
function recordOf(text: string): string {
  const { statement } = attempt(() => parseReceipt(text)).value ?? {}
  return isJsonObject(statement) ? JSON.stringify([statement.agency, statement.record]) : text
}

/** Another ledger would know of no newer version, and its silence would look like an answer. */
async function checkOrigin(options: LedgerReaderOptions): Promise<void> {
  const { origin } = readObject(await read(options, '/v1/status'))
  if (origin !== options.origin) throw new LedgerReadError('LEDGER_OTHER', `the ledger asked is ${String(origin)}, not ${options.origin}`)
}

/** What the ledger lists for a query, page by page, the newest first. A cursor that does not lead on would keep a reader for ever, and so would pages that hold nothing. */
async function* listPages(options: LedgerReaderOptions, query: URLSearchParams): AsyncGenerator<readonly ListedEntry[]> {
  query.set('limit', String(PAGE))
  let before = Number.POSITIVE_INFINITY
  for (let page = 0; page < MAX_PAGES; page++) {
    const { records, cursor } = readObject(await read(options, `/v1/records?${query}`))
    const entries = Array.isArray(records) ? (records as readonly Json[]) : []
    yield entries.filter(isListed)
    // What cannot be read might be the withdrawal that a reader asks for.
    if (!Array.isArray(records) || !entries.every(isListed))
      throw new LedgerReadError('LEDGER_ANSWER', 'the answer is not that of a ledger')
    if (cursor === undefined || cursor === null) return
    if (entries.length === 0 || typeof cursor !== 'string' || !(Number(cursor) < before))
      throw new LedgerReadError('LEDGER_ANSWER', 'the list of the ledger does not lead on')
    before = Number(cursor)
    query.set('cursor', cursor)
  }
  throw new LedgerReadError('LEDGER_TOO_MANY', `more than ${MAX_PAGES * PAGE} entries are concerned`)
}

function isListed(entry: Json): entry is Json & ListedEntry {
  return isJsonObject(entry) && Number.isSafeInteger(entry.index)
}

function readObject(text: string): { readonly [member: string]: Json } {
  const { value } = attempt(() => parseJson(text, { allowNull: true }))
  if (!isJsonObject(value)) throw new LedgerReadError('LEDGER_ANSWER', 'the answer is not that of a ledger')
  return value
}

async function read(options: LedgerReaderOptions, path: string): Promise<string> {
  const { url, timeoutMs, signal } = options
  const ask = signal ? fetchUntil(signal, options.fetch) : options.fetch
  const unreachable = (cause: unknown): never => {
    const why = signal?.aborted
      ? 'the time for the whole check was over before the ledger had answered'
      : `the ledger${url && ` at ${url}`} did not answer`
    throw new LedgerReadError('LEDGER_UNREACHABLE', why, { cause })
  }
  for (let attempt = 1; ; attempt++) {
    const response = await ask(url + path, { signal: AbortSignal.timeout(timeoutMs) }).catch(unreachable)
    if (response.ok) {
      const bytes = await readBounded(response.body, MAX_ANSWER_BYTES).catch(unreachable)
      if (bytes === undefined) throw new LedgerReadError('LEDGER_ANSWER', 'the answer is larger than that of a ledger')
      return new TextDecoder().decode(bytes)
    }
    // Busy, or asked too often by one reader of a large package: it says when to come again.
    const isBusy = response.status === 429 || response.status === 503
    const waitSeconds = Number(response.headers.get('retry-after') ?? 1)
    if (!isBusy || attempt === ATTEMPTS || !(waitSeconds <= MAX_WAIT_SECONDS))
      throw new LedgerReadError('LEDGER_REFUSED', `the ledger${url && ` at ${url}`} answered with status ${response.status}`)
    await waitUntil(waitSeconds * 1000, signal).catch(unreachable)
  }
}

/** LEDGER_UNREACHABLE, LEDGER_REFUSED, LEDGER_ANSWER, LEDGER_OTHER or LEDGER_TOO_MANY. */
export class LedgerReadError extends OpenSealError {}
