/**
 * The verdicts about a log that its owner closed, and about a missing contract: on a real chain, by
 * the JSON-RPC reader.
 */

import { deepEqual, equal } from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { anchorInterface, checkpointAnchor } from '../../src/chain/artifact.ts'
import { deployContract, ensureLog } from '../../src/chain/deploy.ts'
import { EMBEDDED_CHAIN_ID, EMBEDDED_KEY, type EmbeddedChain, startEmbeddedChain } from '../../src/chain/embedded.ts'
import { DEFAULT_LIMITS, openAnchorChain } from '../../src/chain/ethereum.ts'
import { createKeySigner } from '../../src/chain/signer.ts'
import { digestsOf } from '../../src/documents/digest.ts'
import { silentLog } from '../../src/logger.ts'
import { createJsonRpcReader } from '../../src/verifier/json-rpc.ts'
import { verify } from '../../src/verifier/verify.ts'
import { createWorld, FILE, GENESIS, policyWith, STATEMENT } from './world.ts'

describe('verifier: a log that its owner closed, on a real chain', () => {
  const signer = createKeySigner(EMBEDDED_KEY)
  const world = createWorld([GENESIS, STATEMENT, { ...STATEMENT, record: 'x' }])
  let folder: string
  let chain: EmbeddedChain
  let contract: string

  before(async function () {
    this.timeout(60_000)
    folder = await mkdtemp(join(tmpdir(), 'openseal-closed-'))
    chain = await startEmbeddedChain({ dataDir: folder, port: 0, log: silentLog })
    contract = (await deployContract({ rpcUrls: [chain.url], signer, log: silentLog })).address
  })
  after(async () => {
    await chain?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  /** Opens a log, anchors the world in it, and closes it if told. */
  async function anchoredLog(origin: string, lastGoodSize?: number) {
    const logId = await ensureLog({ rpcUrls: [chain.url], signer, log: silentLog, contract, origin })
    const anchor = { type: 'evm', chainId: EMBEDDED_CHAIN_ID, contract, logId, finality: { confirmations: 0 } } as const
    const place = { ...anchor, codeSha256: checkpointAnchor.codeSha256, production: false, fromSize: 0 } as const
    const writer = await openAnchorChain({ urls: [chain.url], ...place, signer, limits: DEFAULT_LIMITS })
    const { raw, hash } = await writer.prepare({ size: world.size, root: world.root, proof: [], nonce: await writer.nextNonce() })
    await writer.broadcast(raw)
    while ((await writer.txReceipt(hash)) === null) await new Promise(resolve => setTimeout(resolve, 20))
    if (lastGoodSize !== undefined) {
      const data = anchorInterface.encodeFunctionData('closeLog', [logId, lastGoodSize, `0x${'0'.repeat(64)}`])
      const call = {
        jsonrpc: '2.0',
        id: 1,
        method: 'eth_sendTransaction',
        params: [{ from: await writer.publisher(), to: contract, data }],
      }
      await fetch(chain.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(call) })
      const reader = createJsonRpcReader({ url: chain.url, fetch, timeoutMs: 60_000 })
      while ((await reader.lastGoodSize({ contract, logId, block: 'latest' })) === undefined) await new Promise(r => setTimeout(r, 20))
    }
    return place
  }

  async function ask(anchor: object) {
    const chains = [createJsonRpcReader({ url: chain.url, fetch, timeoutMs: 60_000 })]
    const policy = policyWith(anchor)
    const result = await verify({ file: digestsOf(FILE), receipt: await world.receipt(1), policy, chain: chains, trust: 'policy' })
    return [result.verdict, result.finding, result.exit, result.checks.find(({ name }) => name === 'anchor')?.code]
  }

  it('is disowned above the last good size, and holds at it and while the log is open', async function () {
    this.timeout(60_000)
    deepEqual(await ask(await anchoredLog('open.example')), ['test-network', 'anchored', 3, undefined])
    deepEqual(await ask(await anchoredLog('same.example', world.size)), ['test-network', 'anchored', 3, undefined])
    deepEqual(await ask(await anchoredLog('below.example', world.size - 1)), ['disowned', 'disowned', 7, 'ANCHOR_DISOWNED'])
    deepEqual(await ask(await anchoredLog('none.example', 0)), ['disowned', 'disowned', 7, 'ANCHOR_DISOWNED'])
  })

  it('is unsupported, in its own words, if the contract is not there', async () => {
    const gone = { chainId: EMBEDDED_CHAIN_ID, contract: `0x${'99'.repeat(20)}`, finality: { confirmations: 0 } }
    const [verdict, , exit, code] = await ask(gone)
    deepEqual([verdict, exit, code], ['unsupported', 7, 'ANCHOR_NO_CODE'])
  })

  it('knows nothing of a log that was never opened', async () => {
    const reader = createJsonRpcReader({ url: chain.url, fetch, timeoutMs: 60_000 })
    equal(await reader.lastGoodSize({ contract, logId: `0x${'12'.repeat(32)}`, block: 'latest' }), undefined)
  })
})
