/** Whether rounds that everyone vouches for hold up submissions. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ClusterNode, startNode } from '../test/cluster/nodes.ts'
import { freePort } from '../test/listen.ts'
import { openVouchedWorld, type VouchedWorld } from '../test/vouched-world.ts'
import { ask, type Helper, type Rate, startHelper } from './processes.ts'
import { type Row, timeRow } from './rows.ts'
import { AGENCY } from './statements.ts'

const PIECES = 7
const PIECE = { count: 500, everyMs: 20 }
const WITNESSES = 3
const INTERVAL = '10s'
const ROUND_LATE_MS = 20_000
const MOST = 1.1

/** What is measured, for the page of results. */
export const ABOUT_ROUNDS = `For one of them, ${WITNESSES} witnesses, two authorities and two chains (anvil) vouch for a round every ${INTERVAL}, all on this machine. In each of the ${PIECES} pieces, all of them vouched for at least one round, or the run fails. The other one opens no round meanwhile. Medians of the pieces.`

type Ledger = { readonly node: ClusterNode; readonly key: string }
type Round = { readonly size: number; readonly cosignatures: object[]; readonly timestamps: object[]; readonly anchors: object[] }

/**
 * Single submissions to a ledger whose rounds three witnesses, two authorities and two chains vouch
 * for, and to one that opens no round. Throws if a piece had no round with all of them.
 */
export async function measureRounds(say: (what: string) => void): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), 'openseal-rounds-'))
  const ends: (() => Promise<void>)[] = [async () => rmSync(folder, { recursive: true, force: true })]
  try {
    say('starting two chains, two authorities, three witnesses and two ledgers')
    const world = await openVouchedWorld(folder)
    ends.push(world.stop)
    const alone = await openLedger(join(folder, 'alone'), { OPENSEAL_CHAIN_PORT: '0', OPENSEAL_ANCHOR_INTERVAL: '1h' }, ends)
    const vouched = await openVouched(world, folder, ends)
    const load = await startHelper('load.ts')
    ends.push(load.stop)
    const times: [number[], number[]] = [[], []]
    for (let piece = 0; piece <= PIECES; piece++) {
      say(`submissions with rounds and without, ${piece} of ${PIECES}`)
      const quiet = await submitTo(alone, load, piece)
      const from = await sizeOf(vouched)
      const busy = await submitTo(vouched, load, piece)
      await requireRound(vouched, from, await sizeOf(vouched))
      // The first piece warms both up.
      if (piece === 0) continue
      times[0].push(busy.p99Ms)
      times[1].push(quiet.p99Ms)
    }
    return timeRow(`p99 of single submissions, ${1000 / PIECE.everyMs} a second, during rounds : without a round`, times[0], times[1], MOST)
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

/** As an operator does it: the ledger first, then witnesses by its policy, then the ledger with them. */
async function openVouched(world: VouchedWorld, folder: string, ends: (() => Promise<void>)[]): Promise<Ledger> {
  const place = join(folder, 'vouched')
  const base = { interval: INTERVAL, requireAnchors: 4, ...world.members }
  const env = { OPENSEAL_VOUCHERS: world.write('vouchers.json', base) }
  const first = await startLedger(place, env)
  const witnesses = await world.addWitnesses(WITNESSES, first.url)
  await first.stop()
  world.write('vouchers.json', { ...base, ...witnesses, quorum: WITNESSES })
  return openLedger(place, env, ends)
}

async function openLedger(place: string, env: { [name: string]: string }, ends: (() => Promise<void>)[]): Promise<Ledger> {
  const node = await startLedger(place, env)
  ends.push(node.stop)
  const operator = readFileSync(join(place, 'data', 'keys', 'operator.key'), 'utf8').trim()
  await send(`${node.url}/v1/agencies`, operator, { id: AGENCY, name: 'Bench' })
  const { key } = (await send(`${node.url}/v1/agencies/${AGENCY}/keys`, operator, {})) as { key: string }
  return { node, key }
}

async function startLedger(folder: string, env: { [name: string]: string }): Promise<ClusterNode> {
  mkdirSync(folder, { recursive: true })
  const noLimits = { OPENSEAL_RATE_ADDRESS: '0', OPENSEAL_RATE_KEY: '0' }
  return startNode({ folder, port: await freePort(), env: { ...noLimits, ...env } }, console.error)
}

function submitTo({ node, key }: Ledger, load: Helper, piece: number): Promise<Rate> {
  return ask<Rate>(load, { kind: 'steady', port: Number(new URL(node.url).port), key, run: `piece${piece}`, ...PIECE })
}

async function sizeOf({ node: { url } }: Ledger): Promise<number> {
  return (await read<{ size: number }>(`${url}/v1/status`)).size
}

/** Waits until a round of the sizes in between has everyone's word. */
async function requireRound({ node: { url } }: Ledger, from: number, to: number): Promise<void> {
  const isWhole = ({ cosignatures, timestamps, anchors }: Round) =>
    cosignatures.length === WITNESSES && timestamps.length === 2 && anchors.length === 2
  const untilMs = performance.now() + ROUND_LATE_MS
  let rounds: readonly Round[] = []
  while (performance.now() < untilMs) {
    rounds = (await read<{ rounds: Round[] }>(`${url}/v1/rounds?cursor=${from}`)).rounds.filter(({ size }) => size <= to)
    if (rounds.some(isWhole)) return
    await sleep(200)
  }
  const { alarms } = await read<{ alarms: string[] }>(`${url}/readyz`)
  throw new Error(`no round of this piece has everyone's word (${rounds.length} rounds; alarms: ${alarms.join(' ')})`)
}

async function read<T>(url: string): Promise<T> {
  return (await fetch(url)).json() as Promise<T>
}

async function send(url: string, key: string, body: object): Promise<unknown> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).json()
}
