/**
 * Time and memory of an audit: of a whole ledger, again after it grew, and after it was killed
 * half-way.
 *
 *   npm run bench:audit                     200,000 records; about a minute
 *   npm run bench:audit -- --million        a million
 *   npm run bench:audit -- --keep FOLDER    builds the ledger there, or uses the one that is there
 *   npm run bench:audit -- --write          writes docs/results/audit.md
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readOptions } from '../scripts/options.ts'
import { writeResults } from '../scripts/results.ts'
import { startHelper } from './processes.ts'

type Costs = { readonly cpuSeconds: number; readonly peakMiB: number }
type Row = Costs & { readonly what: string; readonly seconds: number; readonly read: number }
type Told = Partial<Costs> & { readonly done?: number; readonly verdict?: string; readonly from?: number; readonly size?: number }

const GROWTH = 1000

const { values: options } = readOptions('bench:audit', {
  options: { million: { type: 'boolean' }, keep: { type: 'string' }, write: { type: 'boolean' } },
})
const records = options.million ? 1_000_000 : 200_000
const scratch = mkdtempSync(join(tmpdir(), 'openseal-bench-audit-'))
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const folder = options.keep ?? scratch
mkdirSync(folder, { recursive: true })
const ledger = join(folder, `ledger-${records}`)
const size = await build(records)
const rows: Row[] = []
let server = await startHelper('ledger-server.ts', [ledger])
rows.push(await measure('a whole ledger', 'state'))
await measure('', 'killed', size / 2)
rows.push(await measure('the same, killed half-way, the rest', 'killed'))
await server.stop()
await build(size + GROWTH)
server = await startHelper('ledger-server.ts', [ledger])
rows.push(await measure(`again, with ${GROWTH.toLocaleString('en')} new records`, 'state'))
await server.stop()

const table = formatTable(rows)
console.log(`\n${table}`)
if (options.write) writeTable(table)
process.exit()

/** Extends the ledger to this many entries, unless it has more already. Returns how many it has. */
async function build(wanted: number): Promise<number> {
  say(`building a ledger of ${wanted.toLocaleString('en')} entries`)
  const builder = await startHelper('build.ts', [ledger, String(wanted)])
  return Number(builder.hello.size)
}

/** Runs an audit to its end, or kills it once it is `killAt` entries far. */
async function measure(what: string, state: string, killAt = Number.POSITIVE_INFINITY): Promise<Row> {
  say(what === '' ? 'an audit that is killed' : `audit: ${what}`)
  const startMs = performance.now()
  const url = `http://127.0.0.1:${server.hello.port}`
  const child = fork(join(import.meta.dirname, 'audit-run.ts'), [url, join(scratch, state)])
  stopWith(child)
  let told: Told = {}
  child.on('message', (message: Told) => {
    told = message
    if ((told.done ?? 0) >= killAt) child.kill('SIGKILL')
  })
  await once(child, 'exit')
  const { verdict, from = 0, size = 0, cpuSeconds = 0, peakMiB = 0 } = told
  if (killAt === Number.POSITIVE_INFINITY && verdict !== 'clean') throw new Error(`the audit was not clean: ${JSON.stringify(told)}`)
  return { what, seconds: (performance.now() - startMs) / 1000, cpuSeconds, peakMiB, read: size - from }
}

function stopWith(child: ChildProcess): void {
  process.once('exit', () => child.kill('SIGKILL'))
}

function formatTable(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ what, seconds, cpuSeconds, peakMiB, read }) =>
      `| ${what} | ${read.toLocaleString('en')} | ${seconds.toFixed(1)} s | ${cpuSeconds.toFixed(1)} s | ${peakMiB} MiB | ${Math.round(read / seconds).toLocaleString('en')} |`,
  )
  return [
    '| audit of | entries read | time | its processor time | peak memory | entries a second |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    ...lines,
  ].join('\n')
}

function writeTable(table: string): void {
  writeResults('audit', {
    title: 'Time and memory of an audit',
    command: `npm run bench:audit -- ${options.million ? '--million ' : ''}--write`,
    about: `An audit of a ledger of ${size.toLocaleString('en')} entries, without chain. Ledger and auditor share one machine; processor time and memory are those of the auditor’s process.`,
    body: table,
  })
}

function say(what: string): void {
  console.error(`… ${what}`)
}
