/**
 * The embedded store, on Level: one atomic, synced batch per commit. `rows.ts` describes its rows.
 */

import { StoreError } from '../port/errors.ts'
import type { EmbeddedStore } from '../port/port.ts'
import type { StoredRow } from './backup.ts'
import { createCare } from './care.ts'
import { type LevelDatabase, openLevelDatabase } from './database.ts'
import { createDocuments, isLocal } from './documents.ts'
import { isRemains } from './erase.ts'
import { findDamagedJournal } from './journal.ts'
import { createLog } from './log.ts'
import { createLookups } from './lookups.ts'

/** A store that can export its rows. */
export type LevelStore = EmbeddedStore & {
  /**
   * Every row, as of the moment when the first is asked for. Fails if the store has to be reopened
   * meanwhile.
   */
  rows(): AsyncIterable<StoredRow>
}

const ROWS_AT_ONCE = 1000

/**
 * Opens or creates the store in a folder.
 * @throws StoreError STORE_LOCKED if another process has it open, STORE_UNREADABLE if it cannot be
 * opened, STORE_JOURNAL if opening it would drop acknowledged records
 */
export async function openLevelStore(folder: string): Promise<LevelStore> {
  const journal = await findDamagedJournal(folder)
  if (journal === undefined) return salvageLevelStore(folder)
  throw new StoreError(
    'STORE_JOURNAL',
    `The journal ${journal} of the store in ${folder} is damaged, and starting now would drop acknowledged records. Run "openseal doctor".`,
  )
}

/**
 * Opens the store despite a damaged journal. Records that LevelDB cannot read are lost.
 * @throws StoreError STORE_LOCKED, STORE_UNREADABLE
 */
export async function salvageLevelStore(folder: string): Promise<LevelStore> {
  return levelStore(await openLevelDatabase(folder))
}

/**
 * Creates a store from exported rows.
 * @throws what reading the rows throws; the folder then holds an incomplete store
 */
export async function fillLevelStore(folder: string, rows: AsyncIterable<StoredRow>): Promise<void> {
  const { db, write, close } = await openLevelDatabase(folder)
  const writeAll = async () => {
    let batch = db.batch()
    for await (const [rowKey, value] of rows) {
      batch.put(rowKey, value)
      if (batch.length < ROWS_AT_ONCE) continue
      await write(() => batch.write({ sync: true }))
      batch = db.batch()
    }
    await write(() => batch.write({ sync: true }))
  }
  await writeAll().finally(close)
}

function levelStore(database: LevelDatabase): LevelStore {
  const log = createLog(database)
  const lookups = createLookups(database)
  return {
    ...log,
    ...lookups,
    ...createDocuments(database),
    ...createCare(database, log, lookups),
    rows: () => rowsToKeep(database),
    close: database.close,
  }
}

/**
 * Every row that a copy may have: no local document, and nothing that is left of erased records.
 */
async function* rowsToKeep({ db }: LevelDatabase): AsyncGenerator<StoredRow> {
  for await (const row of db.iterator()) if (!isRemains(row[0]) && !isLocal(row[0])) yield row
}
