/**
 * The figures of OpenSeal, each compared with the same machine without it, in alternating rounds of
 * one run. About a minute.
 *
 *   npm run bench                 prints the table
 *   npm run bench -- --full       also a million records (two minutes more, 4 GB of disk)
 *   npm run bench -- --write      writes docs/results/bench.md
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeResults } from '../scripts/results.ts'
import { buildTrees, levelBulk, levelLone } from './alone.ts'
import type { Load } from './load.ts'
import { type Helper, memoryOf, startHelper } from './processes.ts'
import { statementLine } from './statements.ts'

/** One line of the table. `holds` is undefined if there is no floor. */
type Row = {
  readonly what: string
  readonly ours: string
  readonly other: string
  readonly ratio: string
  readonly wanted: string
  readonly holds?: boolean
}

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

const options = process.argv.slice(2)
const unknown = options.find(option => option !== '--full' && option !== '--write')
if (unknown !== undefined) {
  console.error(`bench: there is no option ${unknown}; there are --full and --write`)
  process.exit(2)
}

const startMs = performance.now()
const folder = mkdtempSync(join(tmpdir(), 'openseal-bench-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const load = await startHelper('load.ts')
const koa = await startHelper('koa-server.ts')
const koaPort = Number(koa.hello.port)
const rows = [...(await measureWrites()), ...(await measureLedgerOf(RECORDS, true)), measureTrees()]
if (options.includes('--full')) rows.push(...(await measureLedgerOf(MANY, false)))
await load.stop()
await koa.stop()

const table = formatTable(rows)
console.log(`\n${table}`)
if (!options.includes('--full')) console.log('\nA ledger of a million records is measured with: npm run bench -- --full')
if (options.includes('--write')) writeTable(table)
process.exit(rows.some(row => row.holds === false) ? 1 : 0)

/** Bulk, crowd and lone submissions on a fresh ledger. */
async function measureWrites(): Promise<Row[]> {
  const server = await startHelper('ledger-server.ts', [join(folder, 'writes')])
  const port = Number(server.hello.port)
  const key = String(server.hello.key)
  await ask(load, { kind: 'bulk', port, key, run: 'warm', count: BULK })
  const { text } = await ask<{ text: string }>(load, { kind: 'answer', port, key, path: '', body: statementLine('sample', 0) })
  await koa.ask({ answer: text })

  // A service runs for months: what is measured is compiled code, on both sides.
  const crowd = { kind: 'submit', key, connections: CONNECTIONS, durationMs: CROWD_MS } as const
  for (const warmed of [port, koaPort, port]) await ask(load, { ...crowd, port: warmed, run: `warm crowd ${performance.now()}` })
  const bulk: number[] = []
  const level: number[] = []
  const submits: number[] = []
  const bare: number[] = []
  const lone: number[] = []
  const put: number[] = []
  for (let round = 0; round < CROWD_ROUNDS; round++) {
    say(`single submissions, round ${round + 1} of ${CROWD_ROUNDS}`)
    submits.push((await ask<Rate>(load, { ...crowd, port, run: `crowd${round}` })).perSecond)
    bare.push((await ask<Rate>(load, { ...crowd, port: koaPort, run: `crowd${round}` })).perSecond)
    lone.push((await ask<{ p50Ms: number }>(load, { kind: 'lone', port, key, run: `lone${round}`, count: LONE })).p50Ms)
    put.push(await levelLone(folder, LONE))
  }
  // Apart from the single ones, because Level's merging after a bulk submission would be measured
  // with them.
  for (let round = 0; round < ROUNDS; round++) {
    say(`bulk, round ${round + 1} of ${ROUNDS}`)
    bulk.push((await ask<Rate>(load, { kind: 'bulk', port, key, run: `bulk${round}`, count: BULK })).perSecond)
    level.push(await levelBulk(folder, BULK))
  }
  await server.stop()
  return [
    rateRow('bulk NDJSON over HTTP : Level alone, synced batches', bulk, level, 0.15),
    rateRow(`single submits, ${CONNECTIONS} connections : bare Koa, same JSON`, submits, bare, 0.35),
    timeRow('a lone submit, p50 : one synced Level put', lone, put, 6),
  ]
}

/** Start-up, memory and, where asked for, receipts at random, on a ledger of so many records. */
async function measureLedgerOf(records: number, withReads: boolean): Promise<Row[]> {
  const name = `${records.toLocaleString('en')} records`
  say(`building a ledger of ${name}`)
  const path = join(folder, `ledger-${records}`)
  await startHelper('build.ts', [path, String(records)])
  const starts: number[] = []
  for (let round = 0; round < ROUNDS; round++) starts.push(await timeStart(path))
  say(`reading a ledger of ${name}`)
  const server = await startHelper('ledger-server.ts', [path])
  const port = Number(server.hello.port)
  const rows: Row[] = []
  const { text } = await ask<{ text: string }>(load, { kind: 'answer', port, key: '', path: `/v1/records/${records / 2}/receipt` })
  await koa.ask({ answer: text })
  const reads: number[] = []
  const bare: number[] = []
  const read = { kind: 'read', size: records, connections: CONNECTIONS, durationMs: CROWD_MS } as const
  for (const warmed of [port, port, koaPort]) await ask(load, { ...read, port: warmed })
  for (let round = 0; round < ROUNDS; round++) {
    reads.push((await ask<Rate>(load, { ...read, port })).perSecond)
    bare.push((await ask<Rate>(load, { ...read, port: koaPort })).perSecond)
  }
  if (withReads) rows.push(rateRow(`receipts at random over ${name} : bare Koa, same JSON`, reads, bare, 0.4))
  await ask(load, { kind: 'bulk', port, key: String(server.hello.key), run: 'memory', count: BULK })
  const memory = memoryOf(server.pid)
  await server.stop()
  const start = median(starts)
  rows.push({ what: `start-up with ${name}`, ours: `${start.toFixed(2)} s`, other: '', ratio: '', wanted: '≤ 2 s', holds: start <= 2 })
  if (memory) {
    const ours = `${memory.peakMiB} MB at its peak; after: ${memory.nowMiB} MB, ${memory.fileMiB} MB of it mapped files`
    rows.push({
      what: `memory with ${name}, under reads and a bulk`,
      ours,
      other: '',
      ratio: '',
      wanted: '≤ 400 MB',
      holds: memory.peakMiB <= 400,
    })
  }
  return rows
}

/** Seconds from the start of the process, Node's own included, to the moment when it listens. */
async function timeStart(path: string): Promise<number> {
  const startMs = performance.now()
  const server = await startHelper('ledger-server.ts', [path])
  const seconds = (performance.now() - startMs) / 1000
  await server.stop()
  return seconds
}

function measureTrees(): Row {
  say('trees')
  const rounds = Array.from({ length: ROUNDS }, () => buildTrees(TREE))
  const ours = rounds.map(round => round.openseal)
  const other = rounds.map(round => round.merkletreejs)
  return rateRow(`building a tree of ${TREE.toLocaleString('en')} entries : merkletreejs`, ours, other, undefined)
}

type Rate = { readonly perSecond: number }

async function ask<T = object>(helper: Helper, message: Load): Promise<T> {
  return helper.ask(message)
}

function rateRow(what: string, ours: readonly number[], other: readonly number[], wanted: number | undefined): Row {
  const ratio = median(ours) / median(other)
  const row = { what, ours: formatRate(ours), other: formatRate(other), ratio: ratio.toFixed(2) }
  return wanted === undefined ? { ...row, wanted: '' } : { ...row, wanted: `≥ ${wanted}`, holds: ratio >= wanted }
}

function timeRow(what: string, ours: readonly number[], other: readonly number[], most: number): Row {
  const ratio = median(ours) / median(other)
  const ms = (values: readonly number[]) => `${median(values).toFixed(2)} ms`
  return { what, ours: ms(ours), other: ms(other), ratio: ratio.toFixed(1), wanted: `≤ ${most}`, holds: ratio <= most }
}

function formatRate(values: readonly number[]): string {
  return `${Math.round(median(values)).toLocaleString('en')}/s`
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

function formatTable(rows: readonly Row[]): string {
  const lines = rows.map(r => `| ${r.what} | ${r.ours} | ${r.other} | ${r.ratio} | ${r.wanted}${r.holds === false ? ' **missed**' : ''} |`)
  return ['| what | OpenSeal | the other | ratio | wanted |', '| --- | ---: | ---: | ---: | --- |', ...lines].join('\n')
}

function writeTable(table: string): void {
  writeResults('bench', {
    title: 'Speed',
    command: `npm run bench -- ${options.join(' ')}`,
    about:
      'OpenSeal against what the same machine does without it: medians of alternating rounds in one run. Look at the ratios, because machines differ. Server, bare Koa and load generator are processes of their own. Statements have about 800 bytes, and all differ.',
    body: table,
  })
}

function say(line: string): void {
  console.log(`${((performance.now() - startMs) / 1000).toFixed(0).padStart(4)} s  ${line}`)
}
