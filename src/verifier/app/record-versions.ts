/**
 * The statements of a record as a ledger lists them, with their receipts. Number and size are
 * bounded, and every statement that was listed is reported.
 */
import { inTurns } from '../../at-once.ts'
import { attemptAsync } from '../../core/attempt.ts'
import type { Listed } from '../currency.ts'

/** An entry as a ledger lists it, unverified. An `erased` entry has no receipt. */
export type ListedEntry = { readonly index: number; readonly erased?: unknown }

/** If a record has more statements, the result says that not all were read. */
const MAX_VERSIONS = 1000
/**
 * How many statements of an incomplete list are read. They can still report changes, but cannot
 * rule them out.
 */
const READ_OF_CUT = 64
/** Bounds the characters of all receipts of one record together. */
const MAX_LENGTH = 32 * 1024 * 1024
const AT_ONCE = 8

/**
 * The statements of a record, that which was asked about without its receipt, and whether these are
 * all.
 */
export type RecordVersions = { readonly listed: readonly Listed[]; readonly complete: boolean }

/**
 * Reads a record's statements from the pages that list them. `complete` is false where there are
 * more than are read, and where the list breaks off: what it named before stays named. A receipt
 * that cannot be had is listed all the same. Rejects where nothing was listed because the first
 * page failed.
 */
export async function readRecordVersions(
  pages: AsyncIterable<readonly ListedEntry[]>,
  own: number,
  readReceipt: (index: number) => Promise<string>,
): Promise<RecordVersions> {
  const { entries, isWhole } = await listEntries(pages)
  let length = 0
  const listed = await inTurns(entries, AT_ONCE, async ({ index, erased }): Promise<Listed[]> => {
    if (erased !== undefined && erased !== false) return [{ index, erased: true }]
    if (index === own) return [{ index }]
    if (length > MAX_LENGTH) return []
    const { value: receiptText } = await attemptAsync(() => readReceipt(index))
    length += receiptText?.length ?? 0
    return [receiptText === undefined ? { index } : { index, receiptText }]
  })
  return { listed: listed.flat(), complete: isWhole && length <= MAX_LENGTH }
}

async function listEntries(pages: AsyncIterable<readonly ListedEntry[]>) {
  const entries: ListedEntry[] = []
  const { value: isWhole = false, error } = await attemptAsync(async () => {
    for await (const page of pages) {
      entries.push(...page)
      if (entries.length > MAX_VERSIONS) return false
    }
    return true
  })
  if (error && entries.length === 0) throw error
  return { entries: entries.slice(0, isWhole ? MAX_VERSIONS : READ_OF_CUT), isWhole }
}
