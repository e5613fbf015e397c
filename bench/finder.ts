/**
 * How long the finder takes to catch up with a large ledger, how much it stores, and how fast it
 * answers: `node bench/finder.ts [records]`.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFinder } from '../src/finder/finder.ts'
import { silentLog } from '../src/logger.ts'
import { openBenchLedger } from './open.ts'
import { statementLine } from './statements.ts'

const RECORDS = Number(process.argv[2] ?? 200_000)
const AT_ONCE = 2000
const TRIES = 200

// Titles of eight words from twenty thousand, a few of them in every other title and most of them
// rare, as in real ones.
const words = Array.from({ length: 20_000 }, (_, at) =>
  createHash('md5')
    .update(`${at}`)
    .digest('base64')
    .replace(/[^a-z]/gi, '')
    .slice(0, 4 + (at % 9)),
)
const draw = () => words[Math.floor(Math.random() ** 3 * words.length)]!

const folder = await mkdtemp(join(tmpdir(), 'openseal-bench-'))
const { ledger } = await openBenchLedger(join(folder, 'store'))
const open = () => openFinder({ ledger, folder: join(folder, 'finder'), steadyMs: () => performance.now(), log: silentLog })
try {
  for (let from = 0; from < RECORDS; from += AT_ONCE) {
    const run = Array.from({ length: Math.min(AT_ONCE, RECORDS - from) }, (_, at) => statementLine('finder', from + at))
    await Promise.all(run.map(line => ledger.submit({ ...JSON.parse(line), title: Array.from({ length: 8 }, draw).join(' ') })))
  }
  const finder = await open()
  console.log(`takes in ${RECORDS} records, resting half of the time: ${(await timed(() => finder.tick())).toFixed(0)} ms`)
  await finder.stop()
  console.log(
    `keeps ${Math.round((await sizeOf(join(folder, 'finder'))) / 2 ** 20)} MiB; the store ${Math.round((await sizeOf(join(folder, 'store'))) / 2 ** 20)} MiB`,
  )
  await answers()
} finally {
  await ledger.close()
  await rm(folder, { recursive: true })
}

async function answers(): Promise<void> {
  const finder = await open()
  const queries: readonly (readonly [string, () => string])[] = [
    ['a record number', () => `ocds-bench-finder-${Math.floor(Math.random() * RECORDS)}`],
    ['a common word', () => words[0]!],
    ['a rare word', () => words.at(-1 - Math.floor(Math.random() * 1000))!],
    ['two drawn words', () => `${draw()} ${draw()}`],
    ['three letters', () => draw().slice(0, 3)],
    ['nothing', () => 'nosuchword'],
  ]
  for (const [name, query] of queries) {
    const times: number[] = []
    for (let at = 0; at < TRIES; at++) times.push(await timed(() => finder.search({ text: query() }, 50)))
    times.sort((a, b) => a - b)
    console.log(`finds ${name}: median ${times[TRIES / 2]!.toFixed(2)} ms, longest ${times.at(-1)!.toFixed(1)} ms`)
  }
  await finder.stop()
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}

async function sizeOf(path: string): Promise<number> {
  const sizes = (await readdir(path)).map(async name => (await stat(join(path, name))).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}
