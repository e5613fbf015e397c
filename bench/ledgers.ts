/** Measurements of ledgers that hold many records already. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { formatTilePath, TILE_WIDTH } from '../src/core/tlog/tile.ts'
import type { Load } from './load.ts'
import { ask, type Helper, memoryOf, type Rate, startHelper } from './processes.ts'
import { figureRow, median, type Row, rateRow } from './rows.ts'

/** The tools of a measurement. `folder` is where the ledgers are kept. */
export type Tools = { readonly load: Helper; readonly koa: Helper; readonly folder: string; say(what: string): void }

type Read = Omit<Extract<Load, { kind: 'read' }>, 'kind' | 'port' | 'size'>

const ROUNDS = 5
const CONNECTIONS = 64
const ROUND_MS = 1000
const BULK = 30_000
const SMALL = 100_000
const LARGE = 10_000_000
/** The most memory of a ledger up to a million records, and of a larger one. */
const MOST_MIB = { many: 450, more: 500 }

/** Start-up, memory and random receipts, on a ledger with the given number of records. */
export async function measureLedgerOf(records: number, { load, koa, folder, say }: Tools): Promise<Row[]> {
  const name = nameOf(records)
  const path = await build(records, { folder, say })
  const start = await startUp(path, name)
  say(`reading a ledger of ${name}`)
  const server = await startHelper('ledger-server.ts', [path])
  const port = Number(server.hello.port)
  const { text } = await ask<{ text: string }>(load, { kind: 'answer', port, key: '', path: `/v1/records/${records / 2}/receipt` })
  await koa.ask({ answer: text })
  const [reads, bare] = await alternate(load, receipts, [port, Number(koa.hello.port)], records)
  await ask(load, { kind: 'bulk', ports: [port], key: String(server.hello.key), run: `memory ${Date.now()}`, count: BULK })
  const memory = memoryRow(server, records)
  await server.stop()
  return [rateRow(`receipts at random over ${name} : bare Koa, same JSON`, reads, bare, 0.4), start, ...memory]
}

/** A large ledger beside a small one, and a ledger that catches up after a bulk submission. */
export async function measureGrowth(tools: Tools): Promise<Row[]> {
  const { load, say } = tools
  const [small, large] = [await build(SMALL, tools), await build(LARGE, tools)]
  const start = await startUp(large, nameOf(LARGE))
  say('a large ledger beside a small one')
  const [few, many] = [await startHelper('ledger-server.ts', [small, 'site']), await startHelper('ledger-server.ts', [large, 'site'])]
  const ports = [Number(many.hello.port), Number(few.hello.port)] as const
  const rows = [start]
  const against = `${nameOf(LARGE)} : ${nameOf(SMALL)}`
  const [receiptsMany, receiptsFew] = await alternate(load, receipts, ports, LARGE, SMALL)
  rows.push(rateRow(`receipts at random, ${against}`, receiptsMany, receiptsFew, 0.7))
  const [pagesMany, pagesFew] = await alternate(load, pages, ports, LARGE, SMALL)
  rows.push(rateRow(`record pages at random, ${against}`, pagesMany, pagesFew, 0.7))
  const page = await ask<Rate>(load, { kind: 'read', port: ports[0], size: LARGE, ...pages, connections: 1 })
  rows.push(figureRow(`a record page of ${nameOf(LARGE)}, p50`, Number(page.p50Ms.toFixed(1)), 'ms', 20))
  const [submitsMany, submitsFew] = await alternateSubmits(load, [many, few])
  rows.push(rateRow(`single submits, ${CONNECTIONS} connections, ${against}`, submitsMany, submitsFew, 0.7))
  rows.push(await measureTiles(tools, few))
  await ask(load, { kind: 'bulk', ports: [ports[0]], key: String(many.hello.key), run: `memory ${Date.now()}`, count: BULK })
  rows.push(...memoryRow(many, LARGE))
  await many.stop()
  await few.stop()
  return [...rows, await measureCatchingUp(tools, small)]
}

const receipts: Read = { what: 'receipt', connections: CONNECTIONS, durationMs: ROUND_MS }
const pages: Read = { what: 'page', connections: CONNECTIONS, durationMs: ROUND_MS }
const tiles: Read = { what: 'tile', connections: CONNECTIONS, durationMs: ROUND_MS }

/** Full tiles over HTTP, against the same files from a bare Koa that streams them from the disk. */
async function measureTiles({ load, folder, say }: Tools, server: Helper): Promise<Row> {
  say('full tiles')
  const port = Number(server.hello.port)
  const files = join(folder, 'tiles')
  const count = Math.floor(SMALL / TILE_WIDTH)
  for (let index = 0; index < count; index++) {
    const path = formatTilePath({ level: 0, index, width: TILE_WIDTH })
    const answer = await fetch(`http://127.0.0.1:${port}/${path}`)
    mkdirSync(join(files, dirname(path)), { recursive: true })
    writeFileSync(join(files, path), await answer.bytes())
  }
  const bare = await startHelper('koa-server.ts', [files])
  const [ours, other] = await alternate(load, tiles, [port, Number(bare.hello.port)], count)
  await bare.stop()
  return rateRow('full tiles at random : bare Koa, files', ours, other, 0.6)
}

/** Reads that follow a bulk submission, while finder, scrub and compaction catch up. */
async function measureCatchingUp({ load, say }: Tools, path: string): Promise<Row> {
  const server = await startHelper('ledger-server.ts', [path, 'whole'])
  const port = Number(server.hello.port)
  const behind = async () => {
    const { reached, size }: { reached: number; size: number } = await server.ask({})
    return size - reached
  }
  say('waiting for the finder')
  while ((await behind()) > 0) await new Promise(resolve => setTimeout(resolve, 500))
  const read = async () => (await ask<Rate>(load, { kind: 'read', port, size: SMALL, ...receipts })).perSecond
  await read()
  const quiet: number[] = []
  const busy: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    say(`reads after a bulk submission, round ${round + 1} of ${ROUNDS}`)
    quiet.push(await read())
    await ask(load, { kind: 'bulk', ports: [port], key: String(server.hello.key), run: `busy ${Date.now()}`, count: BULK })
    busy.push(await read())
    if ((await behind()) === 0) throw new Error('bug: the finder had caught up before the reads ended')
    while ((await behind()) > 0) await new Promise(resolve => setTimeout(resolve, 500))
  }
  await server.stop()
  return rateRow('receipts after a bulk submission : when all is quiet', busy, quiet, 0.5)
}

/** The rates of reading from two ports in turn. */
async function alternate(
  load: Helper,
  read: Read,
  [one, other]: readonly [number, number],
  size: number,
  otherSize = size,
): Promise<[number[], number[]]> {
  const rates: [number[], number[]] = [[], []]
  for (let round = -2; round < ROUNDS; round++) {
    const [a, b] = [
      await ask<Rate>(load, { kind: 'read', port: one, size, ...read }),
      await ask<Rate>(load, { kind: 'read', port: other, size: otherSize, ...read }),
    ]
    // The first rounds warm both sides up.
    if (round < 0) continue
    rates[0].push(a.perSecond)
    rates[1].push(b.perSecond)
  }
  return rates
}

async function alternateSubmits(load: Helper, servers: readonly [Helper, Helper]): Promise<[number[], number[]]> {
  const rates: [number[], number[]] = [[], []]
  for (let round = -2; round < ROUNDS; round++)
    for (const [at, { hello }] of servers.entries()) {
      const submit = { kind: 'submit', connections: CONNECTIONS, durationMs: ROUND_MS, run: `single ${Date.now()}` } as const
      const { perSecond } = await ask<Rate>(load, { ...submit, ports: [Number(hello.port)], key: String(hello.key) })
      if (round >= 0) rates[at]!.push(perSecond)
    }
  return rates
}

async function build(records: number, { folder, say }: Pick<Tools, 'folder' | 'say'>): Promise<string> {
  say(`building a ledger of ${nameOf(records)}`)
  const path = join(folder, `ledger-${records}`)
  await startHelper('build.ts', [path, String(records)])
  return path
}

/** Seconds from the start of the process, Node's own included, to the moment when it listens. */
async function startUp(path: string, name: string): Promise<Row> {
  const starts: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const startMs = performance.now()
    const server = await startHelper('ledger-server.ts', [path])
    starts.push((performance.now() - startMs) / 1000)
    await server.stop()
  }
  return figureRow(`start-up with ${name}`, Number(median(starts).toFixed(2)), 's', 2)
}

function memoryRow({ pid }: Helper, records: number): Row[] {
  const memory = memoryOf(pid)
  if (memory === undefined) return []
  const { peakMiB, nowMiB, fileMiB } = memory
  const ours = `${peakMiB} MB at its peak; after: ${nowMiB} MB, ${fileMiB} MB of it mapped files`
  return [
    figureRow(
      `memory with ${nameOf(records)}, under reads and a bulk`,
      peakMiB,
      'MB',
      records > 1_000_000 ? MOST_MIB.more : MOST_MIB.many,
      ours,
    ),
  ]
}

function nameOf(records: number): string {
  return `${records.toLocaleString('en')} records`
}
