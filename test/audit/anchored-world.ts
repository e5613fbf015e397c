/**
 * A ledger that is anchored on a real chain at 100, 300 and 700 entries, and ways to look at both.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AnchorChain } from '../../src/anchor/chain.ts'
import { audit } from '../../src/audit/audit.ts'
import type { AuditInput } from '../../src/audit/run.ts'
import { createHttpSource } from '../../src/audit/source.ts'
import { createMemoryState } from '../../src/audit/state.ts'
import { checkpointAnchor } from '../../src/chain/artifact.ts'
import { openAuditReader } from '../../src/chain/audit-reader.ts'
import { deployContract, ensureLog } from '../../src/chain/deploy.ts'
import { EMBEDDED_CHAIN_ID, EMBEDDED_KEY, startEmbeddedChain } from '../../src/chain/embedded.ts'
import { DEFAULT_LIMITS, openAnchorChain } from '../../src/chain/ethereum.ts'
import { createKeySigner } from '../../src/chain/signer.ts'
import { toHex } from '../../src/core/bytes.ts'
import type { PolicyChain } from '../../src/core/policy-anchors.ts'
import { silentLog } from '../../src/logger.ts'
import { ORIGIN } from '../ledger/fixtures.ts'
import { listen, stop } from '../listen.ts'
import { grow, openProxy, policyOf, serveLedger } from './world.ts'

/** JSON as it comes: its shape is the test's to know. */
export type Loose = ReturnType<typeof JSON.parse>
/** One JSON-RPC call as an endpoint is asked it, and its answer. */
export type Call = { readonly id: number; readonly method: string; readonly params: Loose[] }
export type CallAnswer = { result?: Loose; error?: { code: number; message: string } }

export type AnchoredWorld = Awaited<ReturnType<typeof openAnchoredWorld>>

const signer = createKeySigner(EMBEDDED_KEY)

/**
 * Opens it before the tests of a `describe`, and closes it after them; none begins with an answer
 * that another changed.
 */
export function useAnchoredWorld(): { readonly world: AnchoredWorld } {
  const state = {} as { world: AnchoredWorld }
  before(async () => {
    state.world = await openAnchoredWorld()
  })
  beforeEach(() => {
    state.world.proxy.tamper = () => undefined
  })
  after(() => state.world.close())
  return state
}

/** Opens an anchored world. */
export async function openAnchoredWorld() {
  const folder = await mkdtemp(join(tmpdir(), 'openseal-audit-'))
  // A page that is opened from disk has the origin "null".
  const chain = await startEmbeddedChain({ dataDir: folder, port: 0, log: silentLog, pages: 'null' })
  const access = { rpcUrls: [chain.url], signer, log: silentLog }
  const contract = (await deployContract(access)).address
  /** Opens a log of another name in the same contract; its id. */
  const openLog = (origin: string) => ensureLog({ ...access, contract, origin })
  const log = { chainId: EMBEDDED_CHAIN_ID, contract, logId: await openLog(ORIGIN) }
  const pinned: PolicyChain = {
    type: 'evm',
    ...log,
    codeSha256: checkpointAnchor.codeSha256,
    production: false,
    finality: { confirmations: 0 },
    fromSize: 0,
  }
  const openChain = (logId: string) => openAnchorChain({ urls: [chain.url], ...pinned, logId, signer, limits: DEFAULT_LIMITS })
  const anchorChain = openChain(log.logId)
  const served = await serveLedger(300, { anchors: [{ type: 'evm', ...log }] })
  const proxy = await openProxy(served.url)

  const send = async (to: AnchorChain, size: number, root: Uint8Array, proof: readonly Uint8Array[]) => {
    const { raw, hash } = await to.prepare({ size, root, proof, nonce: await to.nextNonce() })
    await to.broadcast(raw)
    while ((await to.txReceipt(hash)) === null) await new Promise(resolve => setTimeout(resolve, 20))
    return hash
  }
  /** Anchors as the anchorer does, and tells the ledger. */
  const anchorHead = async (size: number) => {
    const { ledger } = served
    const root = await ledger.rootAt(size)
    const latest = await anchorChain.latest()
    const proof = latest === null ? [] : (await ledger.consistency(latest.size, size)).proof
    const transaction = await send(anchorChain, size, root, proof)
    const { block } = (await anchorChain.txReceipt(transaction))!
    const at = { number: block.number, hash: block.hash, time: new Date(block.time * 1000).toISOString().replace('.000', '') }
    await ledger.setFinal({ type: 'evm', ...log, size, root: toHex(root), transaction, block: at })
  }
  await anchorHead(100)
  await anchorHead(300)
  await grow(served.ledger, 700)
  await anchorHead(700)

  const readerAt = (url: string, logId = pinned.logId) =>
    openAuditReader({ url, ...pinned, logId, firstBlock: 0, timeoutMs: 60_000, retries: 0 })
  const run = async (changes: Partial<AuditInput> = {}, ...readers: readonly ReturnType<typeof readerAt>[]) => {
    const source = createHttpSource({ url: proxy.url, fetch, timeoutMs: 60_000, retries: 0, parallel: 8 })
    const chains = readers.length === 0 ? [readerAt(chain.url)] : readers
    const input = { source, policy: policyOf(served.ledger, [pinned]), chains, state: createMemoryState(), parallel: 4, ...changes }
    return audit(input).finally(() => input.state.close())
  }
  /** Asks the chain itself. */
  const rpc = async (method: string, ...params: readonly unknown[]) => askRpc(chain.url, { id: 1, method, params: [...params] })
  const close = async () => {
    anchorChain.close()
    proxy.close()
    await served.close()
    await chain.stop()
    await rm(folder, { recursive: true })
  }
  return { folder, chain, contract, pinned, served, proxy, openLog, openChain, anchorChain, anchorHead, send, readerAt, run, rpc, close }
}

async function askRpc(url: string, call: Call): Promise<CallAnswer> {
  const body = JSON.stringify({ jsonrpc: '2.0', ...call })
  return (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json() as Promise<CallAnswer>
}

/**
 * An endpoint of a chain that may change what the chain answers; `change` may answer itself, or
 * change the answer it is given.
 */
export async function openRpcProxy(upstream: string) {
  const state = {
    calls: [] as Call[],
    change: (async (_call, pass) => pass()) as (call: Call, pass: () => Promise<CallAnswer>) => Promise<CallAnswer | number>,
  }
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const call: Call = JSON.parse(Buffer.concat(chunks).toString())
    state.calls.push(call)
    const answer = await state.change(call, () => askRpc(upstream, call))
    // A number is an HTTP status, and nothing else.
    if (typeof answer === 'number') response.writeHead(answer).end('busy')
    else response.end(JSON.stringify({ jsonrpc: '2.0', id: call.id, ...answer }))
  })
  const url = await listen(server)
  return Object.assign(state, { url, close: () => stop(server) })
}
