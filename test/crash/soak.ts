/**
 * `npm run soak`: the service at half of what it can take, killed every 30 seconds, on a chain that
 * stalls, refuses, falls back and forks. At the end the chain has caught up, and all of the ledger
 * is audited. `--minutes N`, and `--rate N` records a second instead of half of what is measured
 * first. `--write` writes docs/results/soak.md.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { numberOption, readOptions } from '../../scripts/options.ts'
import { writeResults } from '../../scripts/results.ts'
import { EMBEDDED_KEY } from '../../src/chain/embedded.ts'
import { CHAINS } from '../chain/chains.ts'
import { ANSWERED, frozenAt, openEndpoint } from '../chain/endpoint.ts'
import { createChecker } from './check.ts'
import { createLoad } from './load.ts'
import { type Place, type Running, startService } from './service.ts'

const { values } = readOptions('soak', { options: { minutes: { type: 'string' }, rate: { type: 'string' }, write: { type: 'boolean' } } })
const MINUTES = numberOption('soak', 'minutes', values.minutes, 20)
const KILL_EVERY_MS = 30_000
const MEASURE_MS = 10_000
const CATCH_UP_MS = 300_000
const CONFIRMATIONS = 8
/** The chain's phases in order: the setting, and for how long. */
const TROUBLES = ['stalls', 'forks', 'refuses', 'is behind', 'forks'] as const
const TROUBLE_MS = 20_000
const CALM_MS = 20_000

const chain = await CHAINS[0]![1]()
const endpoint = await openEndpoint(chain.url)
const folder = mkdtempSync(join(tmpdir(), 'openseal-soak-'))
const place: Place = {
  folder,
  data: join(folder, 'data'),
  faults: false,
  env: {
    OPENSEAL_RPC: endpoint.url,
    OPENSEAL_ANCHOR_KEY: EMBEDDED_KEY,
    OPENSEAL_CONTRACT: chain.contract,
    OPENSEAL_FINALITY: String(CONFIRMATIONS),
    OPENSEAL_ANCHOR_INTERVAL: '2s',
  },
}
const load = createLoad()
const check = createChecker(join(folder, 'audit'), load, 2000)
const tally = { kills: 0, slowestStartMs: 0, forks: 0, stalls: 0, refusals: 0, behind: 0 }
let service: Running | undefined

try {
  const mining = every(1000, () => chain.mine())
  service = await begin()
  if (!(await load.register(service.url))) throw new Error('the agency could not be registered')
  const rate = values.rate === undefined ? (await measure()) / 2 : Number(values.rate)
  say(`${Math.round(rate)} records a second for ${MINUTES} minutes, a kill every ${KILL_EVERY_MS / 1000} s.`)

  const over = sleep(MINUTES * 60_000)
  let isOver = false
  over.then(() => {
    isOver = true
  })
  await Promise.all([load.runPaced(() => service?.url, rate, over), killAgainAndAgain(() => isOver), troubleTheChain(() => isOver)])
  endpoint.behave(undefined)
  await finish()
  mining.stop()
  rmSync(folder, { recursive: true, force: true })
} catch (error) {
  say(`A promise was broken (see ${folder}): ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
} finally {
  await service?.kill()
  await endpoint.close()
  await chain.close()
}

async function begin(): Promise<Running> {
  const startMs = performance.now()
  const running = await startService(place)
  if (running === undefined) throw new Error('the service does not start')
  tally.slowestStartMs = Math.max(tally.slowestStartMs, performance.now() - startMs)
  return running
}

/**
 * How many records a second the service takes from these submitters when they send all that they
 * can.
 */
async function measure(): Promise<number> {
  const before = load.acknowledgements()
  await load.runPaced(() => service?.url, 100_000, sleep(MEASURE_MS))
  return ((load.acknowledgements() - before) / MEASURE_MS) * 1000
}

async function killAgainAndAgain(isOver: () => boolean): Promise<void> {
  for (;;) {
    // Not always at the same moment within a second.
    await sleep(KILL_EVERY_MS - 500 + Math.random() * 1000)
    if (isOver()) return
    const dying = service
    service = undefined
    await dying?.kill()
    tally.kills++
    service = await begin()
  }
}

async function troubleTheChain(isOver: () => boolean): Promise<void> {
  for (let turn = 0; !isOver(); turn++) {
    await sleep(CALM_MS)
    const trouble = TROUBLES[turn % TROUBLES.length]!
    if (trouble === 'forks') {
      await chain.rpc('anvil_reorg', [1 + (turn % 5), []])
      tally.forks++
      continue
    }
    if (trouble === 'stalls') endpoint.behave(() => ANSWERED)
    if (trouble === 'refuses') {
      endpoint.behave((_call, response) => {
        response.destroy()
        return ANSWERED
      })
    }
    if (trouble === 'is behind') endpoint.behave(frozenAt(chain.url, Number(await chain.rpc('eth_blockNumber'))))
    tally[({ stalls: 'stalls', refuses: 'refusals', 'is behind': 'behind' } as const)[trouble]]++
    await sleep(TROUBLE_MS)
    endpoint.behave(undefined)
  }
}

/** Everything is answered, everything is anchored, and everything is there. */
async function finish(): Promise<void> {
  service ??= await begin()
  await load.sendAgain(service.url)
  for (let number = 1; number <= load.sent(); number++)
    if (load.indexOf(number) === undefined) throw new Error(`record ${number} of ${load.sent()} was never answered`)
  for (const until = performance.now() + CATCH_UP_MS; ; await sleep(500)) {
    const { size, anchored } = await (await fetch(`${service.url}/v1/status`)).json()
    if (anchored?.size === size) break
    if (performance.now() > until) throw new Error(`the anchor stands at ${anchored?.size} of ${size}`)
  }
  const { entries, receipts, anchors } = await check(service.url, chain.url)
  const { kills, slowestStartMs, stalls, refusals, behind, forks } = tally
  const table = [
    '| minutes | kills | chain: stalls, refusals, behind, forks | acknowledged | entries | anchors | receipts verified | slowest start | lost | twice |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    `| ${MINUTES} | ${kills} | ${stalls}, ${refusals}, ${behind}, ${forks} | ${load.acknowledgements()} | ${entries} | ${anchors} | ${receipts} | ${(slowestStartMs / 1000).toFixed(1)} s | 0 | 0 |`,
  ]
  say(...table)
  if (values.write)
    writeResults('soak', {
      title: 'Soak',
      command: `npm run soak -- --minutes ${MINUTES} --write`,
      about:
        'Submitters send half of what the service was measured to take just before. The service is killed every 30 seconds, and the chain stalls, refuses, falls behind and forks in turn. At the end everything is audited. The genesis is one entry that nobody submitted.',
      body: table.join('\n'),
    })
}

function every(ms: number, act: () => Promise<unknown>): { stop(): void } {
  let isStopped = false
  const run = async () => {
    while (!isStopped) {
      await act().catch(() => {})
      await sleep(ms)
    }
  }
  run()
  return {
    stop() {
      isStopped = true
    },
  }
}

function say(...lines: readonly string[]): void {
  process.stdout.write(lines.map(line => `${line}\n`).join(''))
}
