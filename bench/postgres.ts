/**
 * A ledger on PostgreSQL, compared with the same database without it, and with a ledger on Level, in
 * alternating rounds of one run. It starts a PostgreSQL of its own. About two minutes.
 *
 *   npm run bench:postgres                prints the table
 *   npm run bench:postgres -- --write     writes docs/results/postgres.md
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from } from 'pg-copy-streams'
import { readOptions } from '../scripts/options.ts'
import { writeResults } from '../scripts/results.ts'
import { systemHost } from '../src/host.ts'
import { type Ledger, openLedger } from '../src/ledger/ledger.ts'
import { createSalts, prepare } from '../src/log/prepare.ts'
import { createLogSigner } from '../src/log/signer.ts'
import { silentLog } from '../src/logger.ts'
import { withDeadlines } from '../src/store/deadlines.ts'
import { openLevelStore } from '../src/store/level/level.ts'
import type { NewRecord } from '../src/store/port/log.ts'
import type { Store } from '../src/store/port/port.ts'
import { lookupKeys } from '../src/store/postgres/packed.ts'
import { openPostgresStore } from '../src/store/postgres/postgres.ts'
import { startPostgres } from '../test/store/postgres/server.ts'
import { formatTable, rateRow, timeRow } from './rows.ts'
import { statementOf } from './statements.ts'

const ROUNDS = 5
const BULK = 10_000
const LONE = 200
const READS = 4000
const READERS = 64
/** The mean of the batches in which the ledger seals a bulk submission, rounded. */
const COPY_BATCH = 1000
const ORIGIN = 'openseal.local/bench'
const STORE_MS = 30_000

const { values: options } = readOptions('bench:postgres', { options: { write: { type: 'boolean' } } })
const folder = mkdtempSync(join(tmpdir(), 'openseal-bench-'))
const server = await startPostgres({ settings: ["shared_buffers = '512MB'", "max_wal_size = '4GB'"] })
const address = await server.newDatabase()
const host = systemHost(silentLog)
const salts = createSalts(host.randomBytes)
const open = (store: Store) =>
  openLedger({
    store: withDeadlines(store, host, STORE_MS),
    signer: createLogSigner(ORIGIN, new Uint8Array(32).fill(7)),
    origin: ORIGIN,
    anchors: [],
    host,
  })
/** How long each commit took, in milliseconds, without the look-ups before it and the reading back. */
let commitMs: number[] = []
const shared = await openPostgresStore(address, host)
const ours = await open({
  ...shared,
  async commit(commit) {
    const began = performance.now()
    await shared.commit(commit)
    commitMs.push(performance.now() - began)
  },
})
const level = await open(await openLevelStore(join(folder, 'level')))
const client = new pg.Client(address)
await client.connect()
await client.query(`CREATE SCHEMA alone CREATE TABLE statement (idx bigint PRIMARY KEY, body bytea NOT NULL)
  CREATE TABLE identity (key bytea PRIMARY KEY, idx bigint NOT NULL) CREATE TABLE lookup (kind smallint, key bytea, idx bigint, PRIMARY KEY (kind, key, idx))
  CREATE TABLE one (id smallint PRIMARY KEY, n bigint) WITH (fillfactor = 10)`)
await client.query('INSERT INTO alone.one VALUES (1, 0)')

const taken: Record<'bulk' | 'copy' | 'lone' | 'commit' | 'update' | 'receipts' | 'levelReceipts', number[]> = {
  ...{ bulk: [], copy: [], lone: [], commit: [], update: [], receipts: [], levelReceipts: [] },
}
let copied = 0
for (let round = 0; round < ROUNDS; round++) {
  process.stderr.write(`round ${round + 1} of ${ROUNDS}\n`)
  taken.bulk.push(await submitBulk(ours, round))
  taken.copy.push(await copyBulk(round))
  await submitBulk(level, round)
  commitMs = []
  // In turns, so that both meet the same neighbours on this machine.
  const [lone, update]: [number[], number[]] = [[], []]
  for (let n = 0; n < LONE; n++) {
    lone.push(await timed(() => ours.submit(statementOf(`lone ${round}`, n))))
    update.push(await timed(() => client.query({ name: 'one', text: 'UPDATE alone.one SET n = n + 1 WHERE id = 1' })))
  }
  taken.lone.push(middle(lone))
  taken.commit.push(middle(commitMs))
  taken.update.push(middle(update))
  taken.receipts.push(await readReceipts(ours))
  taken.levelReceipts.push(await readReceipts(level))
}

const table = formatTable([
  rateRow('bulk submission, against COPY of the same rows alone', taken.bulk, taken.copy, 0.35),
  timeRow('a lone commit, against an UPDATE of one row (p50)', taken.commit, taken.update, 5),
  timeRow('a lone submission, signed and read back, against an UPDATE of one row (p50)', taken.lone, taken.update, 10),
  rateRow(`receipts at random, against a ledger on Level`, taken.receipts, taken.levelReceipts, 0.5),
])
console.log(`\n${table}`)
if (options.write)
  writeResults('postgres', {
    title: 'PostgreSQL',
    command: 'npm run bench:postgres -- --write',
    about: `A ledger on PostgreSQL 18 with \`fsync\` on, in one database beside what it is compared with. Medians of ${ROUNDS} alternating rounds.`,
    body: table,
  })
await ours.close()
await level.close()
await client.end()
await server.stop()
rmSync(folder, { recursive: true, force: true })

/** Records a second. */
async function submitBulk(ledger: Ledger, round: number): Promise<number> {
  const statements = Array.from({ length: BULK }, (_, n) => statementOf(`bulk ${round}`, n))
  const began = performance.now()
  await Promise.all(statements.map(statement => ledger.submit(statement)))
  return (BULK * 1000) / (performance.now() - began)
}

/** Rows of records a second, by binary COPY, in transactions as large as the ledger's. */
async function copyBulk(round: number): Promise<number> {
  const records = Array.from({ length: BULK }, (_, n) => ({ ...prepare(statementOf(`copy ${round}`, n), salts).prepared, index: copied++ }))
  const batches: Buffer[][] = []
  for (let n = 0; n < BULK; n += COPY_BATCH) batches.push(encodeBatch(records.slice(n, n + COPY_BATCH)))
  const began = performance.now()
  for (const tables of batches) {
    await client.query('BEGIN')
    for (const [i, name] of ['statement', 'identity', 'lookup'].entries())
      await pipeline([tables[i]!], client.query(from(`COPY alone.${name} FROM STDIN (FORMAT binary)`)))
    await client.query('COMMIT')
  }
  return (BULK * 1000) / (performance.now() - began)
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

/** Runs something, and returns its time in milliseconds. */
async function timed(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await act()
  return performance.now() - began
}

function middle(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!
}

/** Receipts a second, of records at random, by readers at the same time. */
async function readReceipts(ledger: Ledger): Promise<number> {
  const { size } = ledger.head()
  let next = 0
  const read = async () => {
    while (next < READS) {
      const drawn = createHash('sha256').update(String(next++)).digest().readUIntBE(0, 6)
      await ledger.receipt(1 + (drawn % (size - 1)))
    }
  }
  const began = performance.now()
  await Promise.all(Array.from({ length: READERS }, read))
  return (READS * 1000) / (performance.now() - began)
}
