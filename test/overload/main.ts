/**
 * `npm run overload`: what the ledger does past its capacity. It measures the capacity of single
 * submissions, then submits twice and ten times as many, and looks at what was acknowledged. `--
 * --seconds N` for each of the two (30), `--write` writes docs/results/overload.md.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { numberOption, readOptions } from '../../scripts/options.ts'
import { writeResults } from '../../scripts/results.ts'
import { endChain, type Running, startService } from '../crash/service.ts'
import type { Order, Report } from './load.ts'
import { anchoredSize, ask, check, openClient, registerAgency } from './world.ts'

const { values } = readOptions('overload', { options: { seconds: { type: 'string' }, write: { type: 'boolean', default: false } } })
const seconds = numberOption('overload', 'seconds', values.seconds, 30)
const WARM_UP_MS = 3_000
const MEASURE_MS = 8_000
const CONNECTIONS = 64
const CROWD = 1_000

type Row = Report & {
  readonly what: string
  readonly run: string
  readonly offered: number
  readonly seconds: number
  readonly anchors: number
}

const folder = mkdtempSync(join(tmpdir(), 'openseal-overload-'))
const place = { folder, data: join(folder, 'data'), faults: false, env: { OPENSEAL_RATE_KEY: '0', OPENSEAL_ANCHOR_INTERVAL: '1s' } }
let service: Running | undefined
let load: ChildProcess | undefined
try {
  service = await startService(place)
  if (service === undefined) throw new Error(`the service did not start: see ${folder}/service.log`)
  load = await openClient()
  await run(service, load)
} finally {
  load?.kill('SIGTERM')
  await service?.stop()
  endChain(place)
  rmSync(folder, { recursive: true, force: true })
}

async function run(ledger: Running, client: ChildProcess): Promise<void> {
  const key = await registerAgency(ledger.url)
  const order = { port: Number(new URL(ledger.url).port), key, connections: CONNECTIONS }
  await ask(client, { ...order, run: 'warm', durationMs: WARM_UP_MS })
  const rows: Row[] = []
  const measured = await step(ledger, client, 'as fast as 64 connections are answered', {
    ...order,
    run: 'capacity',
    durationMs: MEASURE_MS,
  })
  rows.push(measured)
  const capacity = Math.round((measured.sent / MEASURE_MS) * 1000)
  say(`capacity: ${capacity} single submissions a second`)
  for (const times of [2, 10]) {
    const what = `${times === 2 ? 'twice' : 'ten times'} as many`
    rows.push(
      await step(ledger, client, what, {
        ...order,
        run: `x${times}`,
        perSecond: capacity * times,
        connections: CROWD,
        durationMs: seconds * 1000,
      }),
    )
  }
  const again = await step(ledger, client, 'half as many, right after', {
    ...order,
    run: 'after',
    perSecond: Math.round(capacity / 2),
    durationMs: 5_000,
  })
  rows.push(again)
  const checked = await check(ledger.url, rows)
  const table = [
    ...render(rows),
    '',
    `${checked} acknowledged records looked up afterwards: each there once, at the index that was answered. Lost: nothing.`,
  ]
  say('', ...table)
  if (values.write) writeTable(table)
}

async function step(ledger: Running, client: ChildProcess, what: string, order: Order): Promise<Row> {
  const before = await anchoredSize(ledger.url)
  const seen = new Set<number>()
  const watch = setInterval(() => {
    anchoredSize(ledger.url).then(
      size => size > before && seen.add(size),
      () => {},
    )
  }, 1_000)
  const report = await ask(client, order)
  clearInterval(watch)
  if (report.withoutRetry > 0)
    throw new Error(`${report.withoutRetry} refusals said nothing of when to come again: ${JSON.stringify(report.answers)}`)
  say(`${what}: ${JSON.stringify(report.answers)}`)
  return {
    ...report,
    what,
    run: order.run,
    offered: order.perSecond ?? Math.round((report.sent / order.durationMs) * 1000),
    seconds: order.durationMs / 1000,
    anchors: seen.size,
  }
}

function render(rows: readonly Row[]): string[] {
  const ms = ([median, most, longest]: readonly number[]) => `${median} / ${most} / ${longest}`
  return [
    '| submitted | a second | for | accepted a second | ms until accepted: p50 / p99 / longest | refused with 503 and `Retry-After` | ms until refused: p50 / p99 / longest | not sent | new anchors |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map(row => {
      const taken = row.acknowledged.length
      const cells = [
        row.what,
        row.offered,
        `${row.seconds} s`,
        Math.round(taken / row.seconds),
        ms(row.accepted),
        row.sent - taken,
        ms(row.refused),
        row.unsent,
        row.anchors,
      ]
      return `| ${cells.join(' | ')} |`
    }),
  ]
}

function writeTable(lines: readonly string[]): void {
  writeResults('overload', {
    title: 'Overload',
    command: `npm run overload -- --seconds ${seconds} --write`,
    about:
      'Single submissions at the capacity that was measured first, then twice and ten times as many over 1,000 connections, from a process on the same machine that ignores `Retry-After`. “Not sent” counts what the client could not send, because its connections waited for held refusals.',
    body: lines.join('\n'),
  })
}

function say(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}
