/** What a check asks of a ledger or a mirror: receipts by a file's hash, and later statements of a record. Hashes are sent, files never. */
import { readBounded } from '../core/bounded.ts'
import { OpenSealError } from '../core/errors.ts'
import { isJsonObject, type Json, parseJson } from '../core/json.ts'
import { attempt, attemptAsync, unwrap } from './attempt.ts'
import type { CurrencyReader } from './currency.ts'
import { chooseLater, type ListedEntry } from './later.ts'

/** The ledger as a check sees it. Its functions reject with an OpenSealError when it gives no usable answer. */
export type LedgerReader = {
  /** Receipts for a file, by its hashes: of each record that names it the earliest, the oldest first. Empty when there is none. */
  findReceipts(hashes: readonly string[]): Promise<readonly string[]>
  /** The receipt of an entry as it is given out now: one that was only sealed may be anchored by then. */
  readReceipt(index: number): Promise<string>
  readonly currency: CurrencyReader
}

/** Where to ask, and whose ledger it must be. `url` has no slash at the end; empty for a page's own. */
export type LedgerReaderOptions = {
  readonly url: string
  readonly origin: string
  readonly fetch: typeof fetch
  readonly timeoutMs: number
}

/** A file that stands in more records is checked in the earliest of them. */
const MAX_RECORDS = 8
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
  let status: Promise<void> | undefined
  return {
    async findReceipts(hashes) {
      for (const hash of hashes) {
        let found: readonly ListedEntry[] = []
        for await (const page of listPages(options, new URLSearchParams({ sha256: hash }))) found = earliestOfEach([...found, ...page])
        if (found.length > 0) return readReceipts(indexesOf(found), receiptOf)
      }
      return []
    },
    readReceipt: receiptOf,
    async currency(statement, index) {
      status ??= checkOrigin(options)
      await status
      const { agency, record } = statement
      const pages = pagesAbove(index, listPages(options, new URLSearchParams({ agency, record })))
      const later = await chooseLater(statement, index, pages)
      return inTurns(later, AT_ONCE, async at => ({ index: at, receiptText: await receiptOf(at) }))
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

/** The earliest entry of each record, the oldest first; of the earliest records only. What was erased has no receipt any more. */
export function earliestOfEach(listed: readonly ListedEntry[]): ListedEntry[] {
  const byRecord = new Map<string, ListedEntry>()
  const oldestFirst = listed.filter(({ erased }) => erased !== true).sort((a, b) => a.index - b.index)
  for (const entry of oldestFirst) {
    const key = JSON.stringify([entry.agency, entry.record])
    if (!byRecord.has(key)) byRecord.set(key, entry)
  }
  return [...byRecord.values()].slice(0, MAX_RECORDS)
}

/** Where entries stand. */
export function indexesOf(entries: readonly ListedEntry[]): number[] {
  return entries.map(({ index }) => index)
}

/** Of pages that come newest first those that still hold something above an index. */
async function* pagesAbove(index: number, pages: AsyncIterable<readonly ListedEntry[]>): AsyncGenerator<readonly ListedEntry[]> {
  for await (const page of pages) {
    yield page
    if (page.length > 0 && page.every(entry => entry.index <= index)) return
  }
}

/** The receipts of these entries as far as they can be read: one that is damaged or erased hides no other. Rejects when none can. */
export async function readReceipts(indexes: readonly number[], read: (index: number) => Promise<string>): Promise<string[]> {
  const attempts = await inTurns(indexes, AT_ONCE, index => attemptAsync(() => read(index)))
  const texts = attempts.flatMap(({ value }) => value ?? [])
  return texts.length > 0 ? texts : attempts.slice(0, 1).map(unwrap)
}

/** Runs a task for each item, a few at a time, results in order. */
export async function inTurns<T, R>(items: readonly T[], width: number, task: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const work = async () => {
    for (let at = next++; at < items.length; at = next++) results[at] = await task(items[at] as T)
  }
  await Promise.all(Array.from({ length: width }, work))
  return results
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
    const entries = (Array.isArray(records) ? (records as readonly Json[]) : []).filter(isListed)
    yield entries
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
  const { url, fetch, timeoutMs } = options
  const unreachable = (cause: unknown): never => {
    throw new LedgerReadError('LEDGER_UNREACHABLE', 'the ledger did not answer', { cause })
  }
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(url + path, { signal: AbortSignal.timeout(timeoutMs) }).catch(unreachable)
    if (response.ok) {
      const bytes = await readBounded(response.body, MAX_ANSWER_BYTES).catch(unreachable)
      if (bytes === undefined) throw new LedgerReadError('LEDGER_ANSWER', 'the answer is larger than that of a ledger')
      return new TextDecoder().decode(bytes)
    }
    // Busy, or asked too often by one reader of a large package: it says when to come again.
    const isBusy = response.status === 429 || response.status === 503
    const waitSeconds = Number(response.headers.get('retry-after') ?? 1)
    if (!isBusy || attempt === ATTEMPTS || !(waitSeconds <= MAX_WAIT_SECONDS))
      throw new LedgerReadError('LEDGER_REFUSED', `the ledger answered with status ${response.status}`)
    await new Promise(resolve => setTimeout(resolve, waitSeconds * 1000))
  }
}

/** LEDGER_UNREACHABLE, LEDGER_REFUSED, LEDGER_ANSWER, LEDGER_OTHER or LEDGER_TOO_MANY. */
export class LedgerReadError extends OpenSealError {}
