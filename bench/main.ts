/**
 * The figures of OpenSeal, each compared with the same machine without it, in alternating rounds of
 * one run. About a minute.
 *
 *   npm run bench                 prints the table
 *   npm run bench -- --full       also a million records, and ten million beside a hundred thousand
 *                                 (a quarter of an hour or more, 8 GB of disk)
 *   npm run bench -- --keep DIR   keeps the ledgers there, or uses those that are there
 *   npm run bench -- --store postgres
 *                                 three nodes on PostgreSQL instead, beside Level and the database
 *                                 alone (about three minutes); --records N in each bulk submission
 *   npm run bench -- --write      writes docs/results/bench.md, or postgres.md
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { numberOption, readOptions } from '../scripts/options.ts'
import { writeResults } from '../scripts/results.ts'
import { buildTrees, levelBulk, levelLone } from './alone.ts'
import { measureGrowth, measureLedgerOf } from './ledgers.ts'
import { measurePostgres } from './postgres.ts'
import { ask, type Rate, startHelper } from './processes.ts'
import { formatTable, type Row, rateRow, timeRow } from './rows.ts'
import { statementLine } from './statements.ts'

const ROUNDS = 5
/** More rounds where LevelDB's merging changes the result. */
const CROWD_ROUNDS = 9
const BULK = 30_000
const LONE = 200
const CROWD_MS = 1000
const CONNECTIONS = 64
const TREE = 50_000
const RECORDS = 200_000
const MANY = 1_000_000

const { values: options } = readOptions('bench', {
  options: {
    ...{ full: { type: 'boolean' }, write: { type: 'boolean' }, keep: { type: 'string' }, store: { type: 'string' } },
    records: { type: 'string' },
  },
})
const ofPostgres = Math.floor(numberOption('bench', 'records', options.records, BULK))
if ((options.store ?? 'postgres') !== 'postgres' || (options.records !== undefined && options.store === undefined)) {
  console.error('bench: --store must be postgres, and --records needs it.')
  process.exit(2)
}

const startMs = performance.now()
const folder = mkdtempSync(join(tmpdir(), 'openseal-bench-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const load = await startHelper('load.ts')
if (options.store === 'postgres') {
  const rows = await measurePostgres(ofPostgres, { load, folder, say })
  await load.stop()
  end('postgres', rows, {
    title: 'PostgreSQL',
    about: `A ledger on PostgreSQL 18 with \`fsync\` on, against the same database without it, and against a ledger on Level: medians of alternating rounds in one run. Nodes, load generator and database are processes of one machine. Each bulk submission has ${ofPostgres.toLocaleString('en')} records.`,
  })
}
const koa = await startHelper('koa-server.ts')
const koaPort = Number(koa.hello.port)
const tools = { load, koa, folder: options.keep ?? folder, say }
mkdirSync(tools.folder, { recursive: true })
const rows = [...(await measureWrites()), ...(await measureLedgerOf(RECORDS, tools)), measureTrees()]
if (options.full) rows.push(...(await measureLedgerOf(MANY, tools)), ...(await measureGrowth(tools)))
await load.stop()
await koa.stop()

if (!options.full) console.log('\nLedgers of a million records and more are measured with: npm run bench -- --full')
end('bench', rows, {
  title: 'Speed',
  about:
    'OpenSeal against what the same machine does without it: medians of alternating rounds in one run. Look at the ratios, because machines differ. Server, bare Koa and load generator are processes of their own. Statements have about 800 bytes, and all differ.',
})

/** Bulk, crowd and lone submissions on a fresh ledger. */
async function measureWrites(): Promise<Row[]> {
  const server = await startHelper('ledger-server.ts', [join(folder, 'writes')])
  const port = Number(server.hello.port)
  const key = String(server.hello.key)
  await ask(load, { kind: 'bulk', ports: [port], key, run: 'warm', count: BULK })
  const { text } = await ask<{ text: string }>(load, { kind: 'answer', port, key, path: '', body: statementLine('sample', 0) })
  await koa.ask({ answer: text })

  // A service runs for months: what is measured is compiled code, on both sides.
  const crowd = { kind: 'submit', key, connections: CONNECTIONS, durationMs: CROWD_MS } as const
  for (const warmed of [port, koaPort, port]) await ask(load, { ...crowd, ports: [warmed], run: `warm crowd ${performance.now()}` })
  const bulk: number[] = []
  const level: number[] = []
  const submits: number[] = []
  const bare: number[] = []
  const lone: number[] = []
  const put: number[] = []
  for (let round = 0; round < CROWD_ROUNDS; round++) {
    say(`single submissions, round ${round + 1} of ${CROWD_ROUNDS}`)
    submits.push((await ask<Rate>(load, { ...crowd, ports: [port], run: `crowd${round}` })).perSecond)
    bare.push((await ask<Rate>(load, { ...crowd, ports: [koaPort], run: `crowd${round}` })).perSecond)
    lone.push((await ask<{ p50Ms: number }>(load, { kind: 'lone', port, key, run: `lone${round}`, count: LONE })).p50Ms)
    put.push(await levelLone(folder, LONE))
  }
  // Apart from the single ones, because Level's merging after a bulk submission would be measured
  // with them.
  for (let round = 0; round < ROUNDS; round++) {
    say(`bulk, round ${round + 1} of ${ROUNDS}`)
    bulk.push((await ask<Rate>(load, { kind: 'bulk', ports: [port], key, run: `bulk${round}`, count: BULK })).perSecond)
    level.push(await levelBulk(folder, BULK))
  }
  await server.stop()
  return [
    rateRow('bulk NDJSON over HTTP : Level alone, synced batches', bulk, level, 0.13),
    rateRow(`single submits, ${CONNECTIONS} connections : bare Koa, same JSON`, submits, bare, 0.33),
    timeRow('a lone submit, p50 : one synced Level put', lone, put, 6),
  ]
}

function measureTrees(): Row {
  say('trees')
  const rounds = Array.from({ length: ROUNDS }, () => buildTrees(TREE))
  const ours = rounds.map(round => round.openseal)
  const other = rounds.map(round => round.merkletreejs)
  return rateRow(`building a tree of ${TREE.toLocaleString('en')} entries : merkletreejs`, ours, other, undefined)
}

/** Prints the table, writes it if that was asked for, and ends with 1 if something was missed. */
function end(name: string, rows: readonly Row[], page: { readonly title: string; readonly about: string }): never {
  const body = formatTable(rows)
  console.log(`\n${body}`)
  const given = process.argv.slice(2).join(' ')
  if (options.write) writeResults(name, { ...page, command: `npm run bench -- ${given}`, body })
  process.exit(rows.some(row => row.holds === false) ? 1 : 0)
}

function say(line: string): void {
  console.log(`${((performance.now() - startMs) / 1000).toFixed(0).padStart(4)} s  ${line}`)
}
