/**
 * The drill of a cluster: records are submitted in bulk while nodes are killed and paused and the
 * database fails over twice. Then all of it is checked, moved to Level, and checked again there.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../listen.ts'
import { addAgency, audit, command, createPhases, keepReceipt, read, type Told, untilAnchored, verifyReceipts } from './checks.ts'
import { startCluster } from './cluster.ts'
import { startNode } from './nodes.ts'
import { createSeen, type Seen, submitAll } from './submitters.ts'

type Cluster = Awaited<ReturnType<typeof startCluster>>
/** What happens when a phase has begun. Returns what ends it, once its records are in. */
type Trouble = (cluster: Cluster) => Promise<() => Promise<void>>

const NODES = 3
const PAUSE_MS = 30_000
const LOOK_MS = 200
/** The genesis. */
const OWN_ENTRIES = 1

const nothing = async () => {}
const kill = ({ nodes }: Cluster, i: number) => process.kill(nodes[i]!.pid(), 'SIGKILL')
const pause = ({ nodes }: Cluster, i: number) => {
  const pid = nodes[i]!.pid()
  process.kill(pid, 'SIGSTOP')
  const pausedUntilMs = performance.now() + PAUSE_MS
  return async () => {
    await sleep(Math.max(0, pausedUntilMs - performance.now()))
    process.kill(pid, 'SIGCONT')
  }
}
const failOver: Trouble = async ({ database }) => {
  const promotions = database.promotionsMs().length
  while (database.standby() === undefined) await sleep(LOOK_MS)
  await database.primary().kill()
  return async () => {
    while (database.promotionsMs().length === promotions) await sleep(LOOK_MS)
  }
}

/** The phases, each with an equal part of the records. */
const PHASES: readonly { readonly name: string; readonly begin: Trouble }[] = [
  { name: 'three nodes', begin: async () => nothing },
  {
    name: 'node 1 is killed',
    begin: async cluster => {
      kill(cluster, 0)
      return nothing
    },
  },
  { name: 'node 2 is paused', begin: async cluster => pause(cluster, 1) },
  { name: 'the database fails over', begin: failOver },
  {
    name: 'node 3 is killed, node 1 is paused',
    begin: async cluster => {
      kill(cluster, 2)
      return pause(cluster, 0)
    },
  },
  { name: 'the database fails over again', begin: failOver },
  { name: 'three nodes again', begin: async () => nothing },
]

/** Runs the drill. `done` hears of each phase. Rejects at the first thing that is not as promised. */
export async function runDrill(records: number, { told, done, started }: Told) {
  const cluster = await startCluster({ nodes: NODES, port: 0, told, env: { OPENSEAL_RATE_ADDRESS: '0', OPENSEAL_RATE_KEY: '0' } })
  started(cluster.stop)
  try {
    const place = { ledger: cluster.proxy, rpc: cluster.chain.url }
    const key = await addAgency(cluster.nodes[0]!.url, join(cluster.data, 'keys'))
    const seen = createSeen(records)
    const roots = new Set<string | number>()
    const phase = createPhases(result => {
      if (result.root !== undefined) roots.add(result.root)
      done(result)
    })
    const kept: number[] = []
    for (const [i, { name, begin }] of PHASES.entries()) {
      const [from, to] = [share(records, i), share(records, i + 1)]
      await phase(name, async () => {
        kept.push(to - 1)
        return submitIn(cluster, { seen, key, from, to, begin })
      })
    }
    await phase('each record is sent once more', () => sendAgain(cluster, seen, key))
    await phase('audit', () => audit(place))
    await phase('move to Level', () => move(cluster))
    await phase('audit on Level, and a receipt of each phase', () => checkOnLevel(cluster, kept, told))
    if (roots.size !== 1) throw new Error(`the roots differ: ${[...roots].join(', ')}`)
  } finally {
    await cluster.stop()
  }
}

const share = (records: number, part: number) => Math.floor((records * part) / PHASES.length)

type Part = { readonly seen: Seen; readonly key: string; readonly from: number; readonly to: number; readonly begin: Trouble }

async function submitIn(cluster: Cluster, { seen, key, from, to, begin }: Part) {
  const resent = seen.resent
  const began = performance.now()
  // A tenth first, so that the trouble meets nodes at work.
  const early = from + Math.ceil((to - from) / 10)
  const urls = [...cluster.nodes.map(({ url }) => url), cluster.proxy]
  await submitAll(seen, urls, key, from, early)
  const submitting = submitAll(seen, urls, key, early, to)
  const end = await begin(cluster)
  await submitting
  const seconds = (performance.now() - began) / 1000
  await end()
  await keepReceipt(cluster.data, cluster.proxy, to - 1, seen.indexes[to - 1]!)
  return {
    records: to - from,
    perSecond: Math.round((to - from) / seconds),
    resent: seen.resent - resent,
    receiptOf: seen.indexes[to - 1]!,
  }
}

/** Everything is known by its first index, and the log holds each record once and nothing else. */
async function sendAgain({ nodes, proxy }: Cluster, seen: Seen, key: string) {
  for (const { url } of nodes) await read(`${url}/readyz`)
  const records = seen.indexes.length
  await submitAll(
    seen,
    nodes.map(({ url }) => url),
    key,
    0,
    records,
  )
  if (seen.contradictions.length > 0) throw new Error(`logged twice: ${seen.contradictions.slice(0, 5).join('; ')}`)
  if (new Set(seen.indexes).size !== records) throw new Error('two records have one index')
  const sizes = await Promise.all(nodes.map(async ({ url }) => Number((await (await read(`${url}/checkpoint`)).text()).split('\n')[1])))
  const wanted = records + OWN_ENTRIES
  if (sizes.some(size => size !== wanted)) throw new Error(`the nodes have ${sizes.join(', ')} entries, and not ${wanted}`)
  // A call cannot take a million arguments.
  const last = seen.indexes.reduce((most, index) => Math.max(most, index), 0)
  await untilAnchored(proxy, last)
  return { records, entries: wanted }
}

async function move(cluster: Cluster) {
  for (const node of cluster.nodes) await node.stop()
  const asked = ['move', '--json', '--from', 'database', '--to', join(cluster.data, 'level', 'data')]
  const { size, root } = await command<{ size: number; root: string }>(asked, { OPENSEAL_STORE: cluster.database.address })
  return { entries: size, root }
}

async function checkOnLevel(cluster: Cluster, kept: readonly number[], told: (what: string) => void) {
  const { OPENSEAL_STORE: _database, ...env } = cluster.env
  const node = await startNode({ folder: join(cluster.data, 'level'), port: await freePort(), env }, told)
  try {
    const place = { ledger: node.url, rpc: cluster.chain.url }
    const audited = await audit(place)
    await verifyReceipts(cluster.data, place, kept)
    return { ...audited, receipts: kept.length }
  } finally {
    await node.stop()
  }
}
