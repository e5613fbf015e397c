/**
 * Erasing in the embedded store. A commit deletes an erased record's rows. LevelDB keeps deleted
 * bytes in older tables, in its journal, and in its list of tables, which names their first and
 * last keys. So a purge rewrites every table that may hold them.
 */
import { equalBytes, fromUtf8, toUtf8 } from '../../core/bytes.ts'
import type { ErasedRecord, LogStore } from '../port/log.ts'
import type { LevelDatabase } from './database.ts'
import { hexKey, key, NOTHING, readIndex, textKey, withIndex } from './rows.ts'

type Change =
  | { readonly type: 'del'; readonly key: Uint8Array }
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }

/** The range of the rows of erased records. Their values are gone once the record's own rows are. */
const REMAINS = { gte: key('e'), lt: key('f') }

/** Whether a row is that of an erased record. */
export function isRemains(rowKey: Uint8Array): boolean {
  return rowKey[0] === REMAINS.gte[0]
}

/** The changes that erase records. Only within `write`, because they depend on rows of agencies. */
export async function eraseRows(database: LevelDatabase, records: readonly ErasedRecord[]): Promise<Change[]> {
  const changes: Change[] = []
  for (const record of records) {
    for (const rowKey of keysOf(record)) changes.push({ type: 'del', key: rowKey })
    changes.push(...(await splitRun(database, record, changes)))
    changes.push({ type: 'put', key: withIndex(key('e'), record.index), value: toUtf8(JSON.stringify(record)) })
  }
  return changes
}

/** The purge of a database. */
export function createPurge(database: LevelDatabase): Pick<LogStore, 'hasRemains' | 'purge'> {
  const { db, get, reading, write, reopen } = database
  const remains = () => reading(() => db.iterator(REMAINS).all())

  /**
   * Writes rows once more as they are, deleted ones too, and compacts them. The new rows lie above
   * all tables that hold the keys, so LevelDB merges them with every one of those, and drops what
   * they replace. A table without anything above it would not be touched. Reopening first ends the
   * iterators, for which LevelDB keeps old values.
   */
  async function rewrite(keys: readonly Uint8Array[]): Promise<void> {
    await reopen()
    const values = await Promise.all(keys.map(get))
    const batch = db.batch()
    for (const [at, rowKey] of keys.entries())
      if (values[at] === undefined) batch.del(rowKey)
      else batch.put(rowKey, values[at])
    await batch.write({ sync: true })
    for (const each of keys) await db.compactRange(each, each)
  }

  return {
    hasRemains: async () => (await reading(() => db.keys({ ...REMAINS, limit: 1 }).all())).length > 0,
    purge: () =>
      write(async () => {
        const rows = await remains()
        if (rows.length === 0) return
        // A crash before the next step leaves the rows with all keys, and the purge begins again.
        const records = rows.flatMap(([, value]): ErasedRecord[] => (value.length === 0 ? [] : [JSON.parse(fromUtf8(value))]))
        await rewrite(records.flatMap(keysOf))
        // The rows hold the same keys, so they are overwritten, and what they held is purged too.
        const keys = rows.map(([rowKey]) => rowKey)
        await db.batch(
          keys.map(each => ({ type: 'put', key: each, value: NOTHING })),
          { sync: true },
        )
        await rewrite(keys)
        await reopen()
        await db.batch(
          keys.map(each => ({ type: 'del', key: each })),
          { sync: true },
        )
      }),
  }
}

/** The keys of an erased record's rows, except that of its agency. */
function keysOf({ index, identity, subject, digests }: ErasedRecord): Uint8Array[] {
  const rows = [withIndex(key('s'), index), hexKey('i', identity), ...digests.map(digest => withIndex(hexKey('d', digest), index))]
  return subject === undefined ? rows : [...rows, withIndex(textKey('r', `${subject.agency}\0${subject.record}\0`), index)]
}

/**
 * Takes an index out of the run of its agency's statements: what is before it and after it are runs
 * of their own. `changes` are those of the same batch.
 */
async function splitRun({ db, reading }: LevelDatabase, { index, subject }: ErasedRecord, changes: readonly Change[]): Promise<Change[]> {
  if (subject === undefined) return []
  const prefix = textKey('a', `${subject.agency}\0`)
  const range = { gte: withIndex(prefix, 0), lte: withIndex(prefix, index), reverse: true, limit: 1 }
  const stored = await reading(() => db.iterator(range).all())
  const own = changes.flatMap(change =>
    change.type === 'put' && isRun(prefix, change.key, index) ? [[change.key, change.value] as const] : [],
  )
  const [rowKey, value] = [...own, ...stored].sort(([a], [b]) => readIndex(b, prefix.length) - readIndex(a, prefix.length))[0] ?? []
  if (rowKey === undefined || value === undefined) return []
  const first = readIndex(rowKey, prefix.length)
  const end = first + readIndex(value, 0)
  if (index >= end) return []
  const before: Change =
    index === first ? { type: 'del', key: rowKey } : { type: 'put', key: rowKey, value: withIndex(NOTHING, index - first) }
  const after: Change = { type: 'put', key: withIndex(prefix, index + 1), value: withIndex(NOTHING, end - index - 1) }
  return end === index + 1 ? [before] : [before, after]
}

function isRun(prefix: Uint8Array, rowKey: Uint8Array, index: number): boolean {
  return (
    rowKey.length === prefix.length + 8 &&
    equalBytes(rowKey.subarray(0, prefix.length), prefix) &&
    readIndex(rowKey, prefix.length) <= index
  )
}
