/** PostgreSQL by itself: the rows of records by COPY, and one row that is updated. */
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from } from 'pg-copy-streams'
import { systemHost } from '../src/host.ts'
import { createSalts, prepare } from '../src/log/prepare.ts'
import { silentLog } from '../src/logger.ts'
import type { NewRecord } from '../src/store/port/log.ts'
import { lookupKeys } from '../src/store/postgres/packed.ts'
import { statementOf } from './statements.ts'

/** The mean of the batches in which the ledger seals a bulk submission, rounded. */
const COPY_BATCH = 1000
const TABLES = `CREATE SCHEMA alone CREATE TABLE statement (idx bigint PRIMARY KEY, body bytea NOT NULL)
  CREATE TABLE identity (key bytea PRIMARY KEY, idx bigint NOT NULL) CREATE TABLE lookup (kind smallint, key bytea, idx bigint, PRIMARY KEY (kind, key, idx))
  CREATE TABLE one (id smallint PRIMARY KEY, n bigint) WITH (fillfactor = 10)`

export type PostgresAlone = {
  /** Rows of records a second, by binary COPY, in transactions as large as the ledger's. */
  copy(run: string, count: number): Promise<number>
  /** The times of this many UPDATEs of one row, each its own transaction, in milliseconds. */
  updates(count: number): Promise<readonly number[]>
  close(): Promise<void>
}

/** Makes tables of its own in a schema of the same database. */
export async function openPostgresAlone(address: string): Promise<PostgresAlone> {
  const client = new pg.Client(address)
  await client.connect()
  await client.query(TABLES)
  await client.query('INSERT INTO alone.one VALUES (1, 0)')
  const salts = createSalts(systemHost(silentLog).randomBytes)
  let copied = 0
  return {
    async copy(run, count) {
      const records = Array.from({ length: count }, (_, n) => ({ ...prepare(statementOf(run, n), salts).prepared, index: copied++ }))
      const batches: Buffer[][] = []
      for (let n = 0; n < count; n += COPY_BATCH) batches.push(encodeBatch(records.slice(n, n + COPY_BATCH)))
      const began = performance.now()
      for (const tables of batches) {
        await client.query('BEGIN')
        for (const [i, name] of ['statement', 'identity', 'lookup'].entries())
          await pipeline([tables[i]!], client.query(from(`COPY alone.${name} FROM STDIN (FORMAT binary)`)))
        await client.query('COMMIT')
      }
      return (count * 1000) / (performance.now() - began)
    },
    async updates(count) {
      const times: number[] = []
      for (let n = 0; n < count; n++) {
        const began = performance.now()
        await client.query({ name: 'one', text: 'UPDATE alone.one SET n = n + 1 WHERE id = 1' })
        times.push(performance.now() - began)
      }
      return times
    },
    close: () => client.end(),
  }
}

function encodeBatch(records: readonly NewRecord[]): Buffer[] {
  const index = (n: number) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64BE(BigInt(n))
    return bytes
  }
  return [
    encodeRows(records.map(record => [index(record.index), record.statement])),
    encodeRows(records.map(record => [Buffer.from(record.identity, 'hex'), index(record.index)])),
    encodeRows(records.flatMap(record => lookupKeys(record).map(({ kind, key }) => [Buffer.of(0, kind), key, index(record.index)]))),
  ]
}

/** PostgreSQL's binary format of COPY. */
function encodeRows(rows: readonly (readonly Uint8Array[])[]): Buffer {
  const header = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)])
  const number = (value: number, bytes: number) => {
    const encoded = Buffer.alloc(bytes)
    encoded.writeIntBE(value, 0, bytes)
    return encoded
  }
  const parts = rows.flatMap(row => [number(row.length, 2), ...row.flatMap(value => [number(value.length, 4), value])])
  return Buffer.concat([header, ...parts, number(-1, 2)])
}
