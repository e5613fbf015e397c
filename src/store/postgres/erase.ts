/**
 * Erasing, and the removal of what is left of erased rows. A deleted row stays in its table until
 * VACUUM removes it, and VACUUM cannot while an older transaction, a replication slot or a standby
 * may still read it. So a commit that erases notes each record in `remains`, and the note goes when
 * the database says that no dead row is left.
 *
 * PostgreSQL overwrites freed space only when it uses the space again. Pages, the write-ahead log
 * and backups can hold the bytes for longer: `docs/erase.md` says what an operator does about it.
 */
import { StoreError } from '../port/errors.ts'
import type { ErasedRecord, LogStore } from '../port/log.ts'
import type { DatabaseStatement } from './connection.ts'
import type { PostgresDatabase, WriteStep } from './database.ts'
import { lookupKeys, packHashes } from './packed.ts'

const ERASE_STATEMENT: DatabaseStatement = { name: 'erase-statement', text: 'DELETE FROM openseal.statement WHERE idx = $1' }
const ERASE_IDENTITY: DatabaseStatement = { name: 'erase-identity', text: 'DELETE FROM openseal.identity WHERE key = $1 AND idx = $2' }
const ERASE_LOOKUP: DatabaseStatement = {
  name: 'erase-lookup',
  text: 'DELETE FROM openseal.lookup WHERE kind = $1 AND key = $2 AND idx = $3',
}
const NOTE: DatabaseStatement = { name: 'note-remains', text: 'INSERT INTO openseal.remains VALUES ($1) ON CONFLICT DO NOTHING' }
const REMAINS: DatabaseStatement = { name: 'remains', text: 'SELECT idx FROM openseal.remains ORDER BY idx' }
const FORGET: DatabaseStatement = { name: 'forget-remains', text: 'DELETE FROM openseal.remains WHERE idx = ANY($1::bigint[])' }

const TABLES = 'openseal.statement, openseal.identity, openseal.lookup'
/** How often each table was swept, and its rows that are dead and still there by that and the deletions since. */
const SWEPT = `SELECT vacuum_count, n_dead_tup FROM pg_stat_all_tables
  WHERE schemaname = 'openseal' AND relname IN ('statement', 'identity', 'lookup') ORDER BY relname`

/** The steps of a commit that erase records. */
export function eraseSteps(records: readonly ErasedRecord[]): WriteStep[] {
  return records.flatMap((record): WriteStep[] => [
    [ERASE_STATEMENT, record.index],
    [ERASE_IDENTITY, packHashes([record.identity]), record.index],
    ...lookupKeys(record).map(({ kind, key }): WriteStep => [ERASE_LOOKUP, kind, key, record.index]),
    [NOTE, record.index],
  ])
}

/** Whether rows of erased records may be left, and their removal. */
export function createPurge(database: PostgresDatabase): Pick<LogStore, 'hasRemains' | 'purge'> {
  const remains = async () => (await database.read(REMAINS)).map(([index]) => index as number)
  return {
    hasRemains: async () => (await remains()).length > 0,
    async purge() {
      // Noted before the VACUUM begins: rows that are erased meanwhile are for the next one.
      const erased = await remains()
      if (erased.length === 0) return
      const [before, after] = await database.apart(async ({ run }) => {
        const swept = async () => (await run({ text: SWEPT })).rows as [number, number][]
        await run({ text: 'SET statement_timeout = 0' })
        const before = await swept()
        await run({ text: `VACUUM (INDEX_CLEANUP ON) ${TABLES}` })
        return [before, await swept()]
      })
      // VACUUM leaves out what its user may not sweep, and its counts say nothing if they are off.
      if (after.some(([count], i) => count <= before[i]![0]))
        throw new StoreError(
          'STORE_REMAINS',
          'The database has not swept the rows of erased records: its user must own the tables, and track_counts must be on.',
        )
      if (after.some(([, dead]) => dead > 0))
        throw new StoreError(
          'STORE_REMAINS',
          'The database keeps rows of erased records, because an open transaction, a replication slot or a standby may still read them.',
        )
      await database.write(async () => [[FORGET, `{${erased.join(',')}}`]])
    },
  }
}
