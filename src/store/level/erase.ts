/**
 * Erasing in the embedded store. A commit deletes an erased record's rows. LevelDB keeps deleted
 * bytes in older tables, in its journal, and in its list of tables, which names their first and
 * last keys. So a purge rewrites every table that may hold them.
 */

import { compareBytes, fromUtf8, toUtf8 } from '../../core/bytes.ts'
import { groupBy } from '../../core/group-by.ts'
import { StoreError } from '../port/errors.ts'
import type { ErasedRecord, LogStore, NewRecord } from '../port/log.ts'
import type { LevelDatabase } from './database.ts'
import { createLookups } from './lookups.ts'
import { hexKey, key, NOTHING, namedKey, readIndex, textKey, withIndex } from './rows.ts'

type Change =
  | { readonly type: 'del'; readonly key: Uint8Array }
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }

/**
 * Compacting a range of one key rewrites a few tables on each level of the database, about this
 * much.
 */
const BYTES_OF_KEY = 16 * 1024 * 1024

/**
 * The range of the rows of erased records. Their values are gone once the record's own rows are.
 */
const REMAINS = { gte: key('e'), lt: key('f') }

/** Whether a row is that of an erased record. */
export function isRemains(rowKey: Uint8Array): boolean {
  return rowKey[0] === REMAINS.gte[0]
}

/**
 * The changes that erase records, besides those that the same commit adds. Only within `write`,
 * because they depend on other rows.
 */
export async function eraseRows(
  database: LevelDatabase,
  records: readonly ErasedRecord[],
  added: readonly NewRecord[] = [],
): Promise<Change[]> {
  const changes = records.flatMap(record => [
    ...keysOf(record).map(rowKey => put(rowKey, undefined)),
    put(withIndex(key('e'), record.index), toUtf8(JSON.stringify(record))),
  ])
  for (const [agency, own] of groupBy(records, ({ subject }) => subject?.agency)) {
    const indexes = own.map(({ index }) => index)
    if (agency !== undefined) changes.push(...(await splitRuns(database, agency, indexes)))
  }
  const { listByRecord } = createLookups(database)
  const gone = new Set(records.map(({ index }) => index))
  for (const { subject } of records) {
    if (subject === undefined) continue
    const stored = await listByRecord(subject.agency, subject.record, Number.MAX_SAFE_INTEGER, records.length + 1)
    const of = added.filter(each => each.subject?.agency === subject.agency && each.subject.record === subject.record)
    const hasOthers = [...stored, ...of.map(({ index }) => index)].some(index => !gone.has(index))
    if (!hasOthers) changes.push(put(namedKey(subject), undefined))
  }
  return changes
}

/** The purge of a database. */
export function createPurge(database: LevelDatabase): Pick<LogStore, 'hasRemains' | 'purge'> {
  const { db, get, reading, write, reopen, openings } = database
  const remains = () => reading(() => db.iterator(REMAINS).all())
  let lastPurge: Promise<void> = Promise.resolve()

  /**
   * Writes rows once more as they are, deleted ones too, and compacts them. The new rows lie above
   * all tables that hold the keys, so LevelDB merges them with every one of those, and drops what
   * they replace. A table without anything above it would not be touched. Reopening first ends the
   * iterators, for which LevelDB keeps old values. Commits go on during the compaction, which may
   * take minutes. `after` is written once it has worked.
   */
  async function rewrite(keys: readonly Uint8Array[], after: readonly Change[]): Promise<void> {
    let opening = 0
    await write(async () => {
      await reopen()
      opening = openings()
      const values = await Promise.all(keys.map(get))
      await db.batch(
        keys.map((rowKey, at) => put(rowKey, values[at])),
        { sync: true },
      )
    })
    for (const [first, last] of await rangesOf(database, keys)) await db.compactRange(first, last)
    await write(async () => {
      // LevelDB does not say that a compaction has failed, but refuses all writes until it is
      // opened again.
      if (openings() !== opening)
        throw new StoreError('STORE_UNSETTLED', 'The disk failed while erased data was removed from it. The ledger tries again.')
      await db.batch([...after], { sync: true })
    })
  }

  async function purge(): Promise<void> {
    const rows = await remains()
    if (rows.length === 0) return
    // A crash before the end leaves rows, and the purge begins again.
    const records = rows.flatMap(([, value]): ErasedRecord[] => (value.length === 0 ? [] : [JSON.parse(fromUtf8(value))]))
    const keys = rows.map(([rowKey]) => rowKey)
    // The rows hold the same keys, so they are overwritten, and what they held is purged too.
    const emptied = keys.map(rowKey => put(rowKey, NOTHING))
    await rewrite(
      records.flatMap(record => [...keysOf(record), ...(record.subject ? [namedKey(record.subject)] : [])]),
      emptied,
    )
    await rewrite(keys, emptied)
    await write(async () => {
      // LevelDB's own log names the keys of a compaction, and the log before it is kept.
      await reopen()
      await db.batch(
        keys.map(rowKey => put(rowKey, undefined)),
        { sync: true },
      )
    })
  }

  return {
    hasRemains: async () => (await reading(() => db.keys({ ...REMAINS, limit: 1 }).all())).length > 0,
    purge() {
      const purging = lastPurge.then(purge)
      lastPurge = purging.catch(() => {})
      return purging
    },
  }
}

function put(rowKey: Uint8Array, value: Uint8Array | undefined): Change {
  return value === undefined ? { type: 'del', key: rowKey } : { type: 'put', key: rowKey, value }
}

/** The ranges to compact: for each kind of key, all of its rows if that takes less than one by one. */
async function rangesOf({ db }: LevelDatabase, keys: readonly Uint8Array[]) {
  const ranges: [first: Uint8Array, last: Uint8Array][] = []
  for (const kind of groupBy(keys, rowKey => rowKey[0]).values()) {
    const sorted = kind.toSorted(compareBytes)
    const [first, last] = [sorted[0]!, sorted.at(-1)!]
    if ((await db.approximateSize(first, last)) < sorted.length * BYTES_OF_KEY) ranges.push([first, last])
    else for (const rowKey of sorted) ranges.push([rowKey, rowKey])
  }
  return ranges
}

/** The keys of an erased record's rows, except those that it shares with others. */
function keysOf({ index, identity, subject, digests }: ErasedRecord): Uint8Array[] {
  const rows = [withIndex(key('s'), index), hexKey('i', identity), ...digests.map(digest => withIndex(hexKey('d', digest), index))]
  return subject === undefined ? rows : [...rows, withIndex(textKey('r', `${subject.agency}\0${subject.record}\0`), index)]
}

/** Takes indexes out of an agency's runs: what is between two of them becomes a run of its own. */
async function splitRuns({ db, reading }: LevelDatabase, agency: string, indexes: readonly number[]): Promise<Change[]> {
  const prefix = textKey('a', `${agency}\0`)
  const changes: Change[] = []
  /** The rest of the run that is being split. */
  let [first, end] = [0, 0]
  const keep = (to: number) => {
    if (to > first) changes.push(put(withIndex(prefix, first), withIndex(NOTHING, to - first)))
  }
  for (const index of indexes.toSorted((a, b) => a - b)) {
    if (index >= end) {
      keep(end)
      const range = { gte: withIndex(prefix, 0), lte: withIndex(prefix, index), reverse: true, limit: 1 }
      const [[rowKey, count] = []] = await reading(() => db.iterator(range).all())
      first = rowKey === undefined ? 0 : readIndex(rowKey, prefix.length)
      end = count === undefined ? 0 : first + readIndex(count, 0)
      if (rowKey === undefined || index >= end) {
        first = end
        continue
      }
      changes.push(put(rowKey, undefined))
    }
    keep(index)
    first = index + 1
  }
  keep(end)
  return changes
}
