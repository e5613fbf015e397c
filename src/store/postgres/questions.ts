/** What a batch asks of the log, as SQL, and the answers. */
import { HASH_BYTES } from '../../core/hash.ts'
import type { RecordSubject } from '../port/log.ts'
import type { DatabaseStatement } from './connection.ts'
import type { ResultRows, WriteStep } from './database.ts'
import { packHashes, RECORD, recordKey } from './packed.ts'

/**
 * One search of an index for each value. As a join, the plan could be to read the whole table.
 */
const IDENTITIES: DatabaseStatement = {
  name: 'identities',
  text: `SELECT (SELECT idx FROM openseal.identity WHERE key = substr($1::bytea, ${HASH_BYTES} * n + 1, ${HASH_BYTES}))
    FROM generate_series(0, $2::integer - 1) AS n ORDER BY n`,
}
const RECORDS: DatabaseStatement = {
  name: 'records',
  text: `SELECT (SELECT idx FROM openseal.lookup WHERE kind = ${RECORD} AND key = substr($1::bytea, ${HASH_BYTES} * n + 1, ${HASH_BYTES})
      ORDER BY idx LIMIT 1) FROM generate_series(0, $2::integer - 1) AS n ORDER BY n`,
}

export function askIdentities(identities: readonly string[]): WriteStep {
  return [IDENTITIES, packHashes(identities), identities.length]
}

export function indexesIn(rows: ResultRows): (number | undefined)[] {
  return rows.map(([index]) => (index as number | null) ?? undefined)
}

export function askRecords(records: readonly RecordSubject[]): WriteStep {
  return [RECORDS, Buffer.concat(records.map(recordKey)), records.length]
}

export function presenceIn(rows: ResultRows): boolean[] {
  return rows.map(([index]) => index !== null)
}
