/** Care that only an embedded store needs: its parts are compared, and written again. */

import { copyBytes, equalBytes } from '../../core/bytes.ts'
import { groupBy } from '../../core/group-by.ts'
import type { CareStore } from '../port/care.ts'
import type { NewRecord } from '../port/log.ts'
import type { Lookups } from '../port/lookups.ts'
import type { LevelDatabase } from './database.ts'
import { DOCUMENTS, documentName, isSoundDocument } from './documents.ts'
import { eraseRows } from './erase.ts'
import type { LevelLog } from './log.ts'
import { putParts, putRecords, putRuns } from './rows.ts'

/** The care of a database, besides its log and look-ups. */
export function createCare(
  database: LevelDatabase,
  { putHead }: Pick<LevelLog, 'putHead'>,
  { listByAgency }: Pick<Lookups, 'listByAgency'>,
): CareStore {
  const { db, get, write } = database

  /** The records that are missing from their agencies' lists, in ascending order. */
  async function findUnlisted(records: readonly NewRecord[]): Promise<NewRecord[]> {
    const unlisted = new Set<NewRecord>()
    for (const [agency, own] of groupBy(records, ({ subject }) => subject?.agency)) {
      if (agency === undefined) continue
      const [first, last] = [own[0]!.index, own.at(-1)!.index]
      const listed = new Set(await listByAgency(agency, last + 1, last - first + 1))
      for (const record of own) if (!listed.has(record.index)) unlisted.add(record)
    }
    return records.filter(record => unlisted.has(record))
  }

  return {
    async findIncomplete(records) {
      const incomplete = new Set<number>()
      for (const record of records) {
        const rows: [Uint8Array, Uint8Array][] = []
        putRecords([record], (rowKey, value) => rows.push([copyBytes(rowKey), copyBytes(value)]))
        for (const [rowKey, value] of rows) {
          const found = await get(rowKey)
          if (found === undefined || !equalBytes(found, value)) incomplete.add(record.index)
        }
      }
      for (const { index } of await findUnlisted(records)) incomplete.add(index)
      return [...incomplete].sort((a, b) => a - b)
    },
    putBack: parts =>
      write(async () => {
        const unlisted = await findUnlisted(parts.records)
        const batch = db.batch()
        putParts(parts, (rowKey, value) => batch.put(rowKey, value))
        putRuns(unlisted, (rowKey, value) => batch.put(rowKey, value))
        await batch.write({ sync: true })
      }),
    eraseAgain: records =>
      write(async () => {
        await db.batch(await eraseRows(database, records), { sync: true })
      }),
    putHead,
    async *damagedDocuments() {
      for await (const [rowKey, row] of db.iterator(DOCUMENTS)) if (!isSoundDocument(rowKey, row)) yield documentName(rowKey)
    },
  }
}
