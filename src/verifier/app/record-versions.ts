/**
 * The statements of a record as a ledger lists them, with their receipts. Number and size are
 * bounded, and every statement that was listed is reported.
 */
import { inTurns } from '../../at-once.ts'
import { attemptAsync } from '../../core/attempt.ts'
import type { EffectKind } from '../../core/statements/effects.ts'
import type { Listed } from '../currency.ts'

/**
 * An entry as a ledger lists it, unverified. An entry that was or is being erased has no receipt;
 * `erased` is the index of its tombstone. `changes` holds what erased statements did to it.
 */
export type ListedEntry = {
  readonly index: number
  readonly erased?: unknown
  readonly erasing?: unknown
  readonly changes?: readonly { readonly index: number; readonly what: EffectKind; readonly erased: number }[]
}

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
 * Reads a record's statements from the pages that list them. `complete` is false if there are more
 * than are read, or if the list breaks off; everything listed before that still counts. An entry
 * whose receipt cannot be read is listed without it. A ledger does not list erased statements, so
 * `readErased` asks for the own statement if it is not listed. Rejects if the first page fails.
 */
export async function readRecordVersions(
  pages: AsyncIterable<readonly ListedEntry[]>,
  own: number,
  readReceipt: (index: number) => Promise<string>,
  readErased: (index: number) => Promise<ListedEntry | undefined>,
): Promise<RecordVersions> {
  const { entries: named, isWhole } = await listEntries(pages)
  const missing = named.some(({ index }) => index === own) ? undefined : (await attemptAsync(() => readErased(own))).value
  const entries = missing === undefined ? named : [...named, missing]
  let length = 0
  const read = async (index: number) => {
    if (length > MAX_LENGTH) return {}
    const { value: receiptText } = await attemptAsync(() => readReceipt(index))
    length += receiptText?.length ?? 0
    return receiptText === undefined ? {} : { receiptText }
  }
  const listed = await inTurns(entries, AT_ONCE, async ({ index, erased, erasing }): Promise<Listed> => {
    if (erased !== undefined && erased !== false)
      return { index, erased: isIndex(erased) ? { index: erased, ...(await read(erased)) } : {} }
    if (index === own) return { index }
    return erasing === undefined ? { index, ...(await read(index)) } : { index, erased: {} }
  })
  const lost = await inTurns(effectsIn(entries), AT_ONCE, async ({ index, tombstone, effects }): Promise<Listed> => {
    return { index, erased: { index: tombstone, ...(await read(tombstone)), effects } }
  })
  return { listed: [...listed, ...lost], complete: isWhole && length <= MAX_LENGTH }
}

type Lost = { readonly index: number; readonly tombstone: number; readonly effects: { on: number; what: EffectKind }[] }

/** The erased statements whose effects are listed beside the versions that they changed. */
function effectsIn(entries: readonly ListedEntry[]): Lost[] {
  const lost = new Map<string, Lost>()
  for (const { index: on, changes = [] } of entries)
    for (const { index, what, erased: tombstone } of changes) {
      const key = `${index} ${tombstone}`
      const found = lost.get(key) ?? { index, tombstone, effects: [] }
      lost.set(key, found)
      found.effects.push({ on, what })
    }
  return [...lost.values()]
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value)
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
