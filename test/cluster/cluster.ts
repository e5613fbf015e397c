/**
 * A ledger of several nodes on this machine: a PostgreSQL with a synchronous standby, a local
 * chain, the nodes, and a proxy before them.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ensureDeployment } from '../../src/chain/deploy.ts'
import { EMBEDDED_KEY, startEmbeddedChain } from '../../src/chain/embedded.ts'
import { createKeySigner } from '../../src/chain/signer.ts'
import { silentLog } from '../../src/logger.ts'
import { freePort } from '../listen.ts'
import { type LossyProxy, startProxy } from '../store/postgres/proxy.ts'
import { type OnPromoted, startClusterDatabase } from './database.ts'
import { type ClusterNode, startNode } from './nodes.ts'
import { startClusterProxy } from './proxy.ts'

/** The ports count from `port`: the nodes, and the proxy at `port` + 9. 0: any free ports. */
type Options = {
  readonly nodes: number
  readonly port: number
  readonly told: (what: string) => void
  readonly env?: { readonly [name: string]: string }
  readonly onPromoted?: OnPromoted
}

const MINE_MS = 500

/** Starts a cluster in a new folder, which is removed when it stops. */
export async function startCluster({ nodes: count, port, told, env = {}, onPromoted }: Options) {
  const data = mkdtempSync(join(tmpdir(), 'openseal-cluster-'))
  const started: (() => Promise<void>)[] = [async () => rmSync(data, { recursive: true, force: true })]
  const stop = async () => {
    for (const end of started.splice(0).reverse()) await end()
  }
  try {
    const database = await startClusterDatabase(told, onPromoted)
    started.push(() => database.stop())
    const chain = await startChain(data)
    started.push(chain.stop)

    const shared = {
      OPENSEAL_STORE: database.address,
      OPENSEAL_KEYS: join(data, 'keys'),
      ...chain.env,
      OPENSEAL_TRUST_PROXY: '1',
      ...(port !== 0 && { OPENSEAL_URL: `http://127.0.0.1:${port + 9}` }),
      ...env,
    }
    const nodes: ClusterNode[] = []
    /** What each node's connections to the servers go through, with `onPromoted`. */
    const lines: LossyProxy[][] = []
    // All of them, so that none is left if another one does not start.
    const outcomes = await Promise.allSettled(
      Array.from({ length: count }, async (_, i) => {
        const own = onPromoted && (await linesTo(database.address))
        if (own) {
          lines[i] = own.lines
          started.push(own.stop)
        }
        const env = { ...shared, ...(own && { OPENSEAL_STORE: own.address }) }
        const node = await startNode({ folder: join(data, `node-${i + 1}`), port: port === 0 ? await freePort() : port + i, env }, told)
        nodes[i] = node
        started.push(node.stop)
      }),
    )
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    const proxy = await startClusterProxy(
      port === 0 ? 0 : port + 9,
      nodes.map(({ url }) => url),
    )
    started.push(proxy.stop)
    return { data, env: shared, database, chain, nodes, lines, proxy: proxy.url, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Starts a local chain with the contract, in a folder. `env`: the settings of its nodes. */
export async function startChain(data: string) {
  const chain = await startEmbeddedChain({ dataDir: data, port: 0, log: silentLog })
  try {
    const access = { rpcUrls: [chain.url], signer: createKeySigner(EMBEDDED_KEY), log: silentLog }
    const { address } = await ensureDeployment(join(data, 'chain', 'deployment.json'), access)
    const mining = mineAfterEach(chain.url)
    const env = {
      OPENSEAL_RPC: chain.url,
      OPENSEAL_CONTRACT: address,
      OPENSEAL_ANCHOR_KEY: EMBEDDED_KEY,
      OPENSEAL_ANCHOR_INTERVAL: '5s',
      OPENSEAL_FINALITY: '1',
    }
    const stop = async () => {
      await mining.stop()
      await chain.stop()
    }
    return { url: chain.url, env, stop }
  } catch (error) {
    await chain.stop()
    throw error
  }
}

/** A line to each server of an address, and the address of the lines. */
async function linesTo(address: string) {
  const ports = [...address.matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port))
  const lines = await Promise.all(ports.map(startProxy))
  return {
    lines,
    address: ports.reduce((of, port, i) => of.replace(`127.0.0.1:${port}`, `127.0.0.1:${lines[i]!.port}`), address),
    async stop() {
      for (const line of lines) line.stop()
    },
  }
}

/** The chain mines on demand only, so one block more makes each anchor final. */
function mineAfterEach(url: string) {
  let isOver = false
  const call = async (method: string) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: [] })
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    return ((await answer.json()) as { result: string }).result
  }
  const running = (async () => {
    for (let mined = Number(await call('eth_blockNumber')); !isOver; await sleep(MINE_MS)) {
      const number = Number(await call('eth_blockNumber').catch(() => mined))
      if (number <= mined) continue
      // An anchor may come before this block. Then `mined` is too small, and the next look finds it.
      await call('evm_mine').then(
        () => (mined = number + 1),
        () => {},
      )
    }
  })()
  return {
    async stop() {
      isOver = true
      await running
    },
  }
}
