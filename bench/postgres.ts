/**
 * A ledger on PostgreSQL, compared with the same database without it, and with a ledger on Level.
 * Nodes, load generator and database are processes of their own. It starts the database itself.
 */
import { join } from 'node:path'
import { startPostgres, type TestServer } from '../test/store/postgres/server.ts'
import { measureFailOver } from './fail-over.ts'
import type { Tools } from './ledgers.ts'
import { openPostgresAlone, type PostgresAlone } from './postgres-alone.ts'
import { ask, type Helper, type Rate, startHelper } from './processes.ts'
import { median, type Row, rateRow, timeRow } from './rows.ts'

const ROUNDS = 5
const NODES = 3
const CONNECTIONS = 64
const CROWD_MS = 2000
const READ_MS = 2000
/** Submissions and UPDATEs take turns in pieces, so that both meet the same neighbours. */
const LONE = { pieces: 10, each: 20 }
const SETTINGS = ["shared_buffers = '512MB'", "max_wal_size = '4GB'"]

const SPACE = `SELECT (SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c WHERE relnamespace = 'openseal'::regnamespace AND relkind = 'r')
  / count(*) AS whole, (pg_relation_size('openseal.lookup_pkey') + pg_relation_size('openseal.identity_pkey')) / count(*) AS hashed FROM openseal.statement`

type Taken = Record<'one' | 'three' | 'copy' | 'level' | 'lone' | 'update' | 'p50' | 'p99' | 'receipts' | 'levelReceipts', number[]>

/** All figures of a ledger on PostgreSQL. `bulk`: the records of each bulk submission. */
export async function measurePostgres(bulk: number, { load, folder, say }: Pick<Tools, 'load' | 'folder' | 'say'>): Promise<Row[]> {
  const server = await startPostgres({ settings: SETTINGS })
  const address = await server.newDatabase()
  const nodes: Helper[] = []
  // One after the other: the first begins the ledger.
  for (let i = 0; i < NODES; i++) nodes.push(await startHelper('ledger-server.ts', [address]))
  const level = await startHelper('ledger-server.ts', [join(folder, 'beside')])
  const alone = await openPostgresAlone(address)
  try {
    const taken = await takeRounds(bulk, { load, nodes, level, alone, say })
    return [...rowsOf(taken), ...(await measureSpace(server)), await measureFailOver(say)]
  } finally {
    await alone.close()
    await Promise.all([...nodes, level].map(node => node.stop()))
    await server.stop()
  }
}

type Parts = Pick<Tools, 'load' | 'say'> & { readonly nodes: readonly Helper[]; readonly level: Helper; readonly alone: PostgresAlone }

async function takeRounds(bulk: number, { load, nodes, level, alone, say }: Parts): Promise<Taken> {
  const taken: Taken = { one: [], three: [], copy: [], level: [], lone: [], update: [], p50: [], p99: [], receipts: [], levelReceipts: [] }
  const ports = nodes.map(({ hello }) => Number(hello.port))
  const [port, levelPort] = [ports[0]!, Number(level.hello.port)]
  const key = String(nodes[0]!.hello.key)
  const submitBulk = async (to: readonly number[], run: string) => {
    const own = to[0] === levelPort ? String(level.hello.key) : key
    return (await ask<Rate>(load, { kind: 'bulk', ports: to, key: own, run, count: bulk })).perSecond
  }
  let size = 0
  // The first round warms all sides up.
  for (let round = -1; round < ROUNDS; round++) {
    say(round < 0 ? 'warming up' : `round ${round + 1} of ${ROUNDS}`)
    const run = `${round}`
    const copy = await alone.copy(`copy${run}`, bulk)
    // What the first one wrote is still on its way to the disk, so they take turns to go first.
    const bulks = { one: 0, three: 0 }
    for (const name of round % 2 === 0 ? (['one', 'three'] as const) : (['three', 'one'] as const))
      bulks[name] = await submitBulk(name === 'one' ? [port] : ports, `${name}${run}`)
    const beside = await submitBulk([levelPort], `level${run}`)
    size += bulk
    const lone = await takeLone(load, alone, { ports: [port], key, run: `lone${run}` })
    const crowd = { kind: 'submit', ports, key, run: `crowd${run}`, connections: CONNECTIONS, durationMs: CROWD_MS } as const
    const { p50Ms, p99Ms } = await ask<Rate>(load, crowd)
    const read = { kind: 'read', what: 'receipt', size, connections: CONNECTIONS, durationMs: READ_MS } as const
    const receipts = (await ask<Rate>(load, { ...read, port })).perSecond
    const levelReceipts = (await ask<Rate>(load, { ...read, port: levelPort })).perSecond
    if (round < 0) continue
    const figures = { ...bulks, copy, level: beside, ...lone, p50: p50Ms, p99: p99Ms, receipts, levelReceipts }
    for (const [name, figure] of Object.entries(figures)) taken[name as keyof Taken].push(figure)
  }
  return taken
}

async function takeLone(
  load: Helper,
  alone: PostgresAlone,
  { ports: [port], key, run }: { readonly ports: readonly [number]; readonly key: string; readonly run: string },
): Promise<{ lone: number; update: number }> {
  const [lone, updates]: [number[], number[]] = [[], []]
  for (let piece = 0; piece < LONE.pieces; piece++) {
    lone.push((await ask<Rate>(load, { kind: 'lone', port, key, run: `${run}.${piece}`, count: LONE.each })).p50Ms)
    updates.push(...(await alone.updates(LONE.each)))
  }
  return { lone: median(lone), update: median(updates) }
}

function rowsOf(taken: Taken): Row[] {
  return [
    rateRow('bulk NDJSON over HTTP, one node : COPY of the same rows alone', taken.one, taken.copy, 0.35),
    rateRow('bulk NDJSON, three nodes at once : one node', taken.three, taken.one, 0.95),
    rateRow('bulk NDJSON, one node : one ledger on Level', taken.one, taken.level, undefined),
    timeRow('a lone submission over HTTP, p50 : an UPDATE of one row, synced', taken.lone, taken.update, 5),
    timeRow(`single submissions, ${CONNECTIONS} connections over three nodes, p99 : p50`, taken.p99, taken.p50, 8),
    rateRow('receipts at random over HTTP : a ledger on Level', taken.receipts, taken.levelReceipts, 0.5),
  ]
}

/** The space of a record on the disk of the database, without WAL. */
async function measureSpace(server: TestServer): Promise<Row[]> {
  const [{ whole, hashed }] = await server.sql(SPACE, 'ledger_1')
  const row = (what: string, bytes: number): Row => ({
    what,
    ours: `${Math.round(bytes).toLocaleString('en')} B`,
    other: '',
    ratio: '',
    wanted: '',
  })
  return [row('a record in the database', Number(whole)), row('of it in indexes by hash', Number(hashed))]
}
