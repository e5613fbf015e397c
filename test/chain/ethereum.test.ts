import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AbiCoder, keccak256, Wallet } from 'ethers'
import type { AnchorChain } from '../../src/anchor/chain.ts'
import { checkpointAnchor } from '../../src/chain/artifact.ts'
import { type Deployment, deployContract, ensureDeployment, ensureLog, readDeployment } from '../../src/chain/deploy.ts'
import { EMBEDDED_CHAIN_ID, EMBEDDED_KEY, type EmbeddedChain, startEmbeddedChain } from '../../src/chain/embedded.ts'
import { readChainId } from '../../src/chain/endpoints.ts'
import { DEFAULT_LIMITS, openAnchorChain } from '../../src/chain/ethereum.ts'
import { createKeySigner, type TxSigner } from '../../src/chain/signer.ts'
import { silentLog } from '../../src/logger.ts'

const signer = createKeySigner(EMBEDDED_KEY)

/** An address that owns nothing. */
const POOR_KEY = `0x${'11'.repeat(32)}`

describe('chain/ethereum and chain/deploy', () => {
  let dataDir: string
  let embedded: EmbeddedChain
  let deployment: Deployment
  let logs = 0
  const chains: AnchorChain[] = []
  const access = () => ({ rpcUrls: [embedded.url], signer, log: silentLog })
  const openLog = () => ensureLog({ ...access(), contract: deployment.address, origin: `log.example/${logs++}` })

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'openseal-ethereum-'))
    embedded = await startEmbeddedChain({ dataDir, port: 0, log: silentLog })
    deployment = await deployContract(access())
  })
  afterEach(() => {
    for (const chain of chains.splice(0)) chain.close()
  })
  after(async () => {
    await embedded.stop()
    await rm(dataDir, { recursive: true, force: true })
  })

  function open(
    logId: string,
    options: { urls?: string[]; chainId?: number; key?: string; contract?: string; timeoutMs?: number } = {},
  ): AnchorChain {
    const { urls = [embedded.url], chainId = EMBEDDED_CHAIN_ID, key = EMBEDDED_KEY, contract = deployment.address } = options
    const limits = { ...DEFAULT_LIMITS, timeoutMs: options.timeoutMs ?? 20_000 }
    const chain = openAnchorChain({ urls, chainId, contract, logId, signer: createKeySigner(key), finality: { confirmations: 0 }, limits })
    chains.push(chain)
    return chain
  }
  const root = (fill: number) => new Uint8Array(32).fill(fill)
  const included = async (chain: AnchorChain, hash: string) => {
    for (const end = Date.now() + 5_000; Date.now() < end; await new Promise(done => setTimeout(done, 20))) {
      const receipt = await chain.txReceipt(hash)
      if (receipt !== null) return receipt
    }
    return assert.fail('in no block')
  }

  it('deploys once, and finds the deployment by its file and its code', async () => {
    const file = join(dataDir, 'deployment.json')
    const first = await ensureDeployment(file, access())
    assert.equal(first.codeSha256, checkpointAnchor.codeSha256)
    assert.deepEqual(await readDeployment(file), first)
    assert.deepEqual(await ensureDeployment(file, access()), first)
    assert.equal(await readDeployment(join(dataDir, 'none.json')), undefined)
  })

  it('opens a log once where several nodes of one ledger start at the same time', async () => {
    const options = { ...access(), contract: deployment.address, origin: 'log.example/together' }
    const ids: string[] = []
    // Signs with a lower fee, so that its transaction is another one, once the others have opened it.
    const late: TxSigner = {
      ...signer,
      async sign(transaction) {
        ids.push(...(await Promise.all([ensureLog(options), ensureLog(options)])))
        transaction.maxPriorityFeePerGas = 0n
        return signer.sign(transaction)
      },
    }
    ids.push(await ensureLog({ ...options, signer: late }))
    assert.deepEqual([ids.length, new Set(ids).size], [3, 1])
  })

  it('opens a log once, under the id of sender and origin', async () => {
    const options = { ...access(), contract: deployment.address, origin: 'log.example/once' }
    const logId = await ensureLog(options)
    const { address } = new Wallet(EMBEDDED_KEY)
    assert.equal(logId, keccak256(AbiCoder.defaultAbiCoder().encode(['address', 'string'], [address, 'log.example/once'])))
    const nonce = await open(logId).nextNonce()
    assert.equal(await ensureLog(options), logId)
    assert.equal(await open(logId).nextNonce(), nonce)
    await assert.rejects(ensureLog({ ...options, contract: `0x${'22'.repeat(20)}` }), { code: 'CHAIN_NO_CONTRACT' })
  })

  it('signs without sending, and reads what was anchored', async () => {
    const chain = open(await openLog())
    const nonce = await chain.nextNonce()
    const signed = await chain.prepare({ size: 5, root: root(1), proof: [], nonce })
    assert.equal(await chain.nextNonce(), nonce)
    assert.equal(await chain.latest(), null)
    assert.equal(await chain.txReceipt(signed.hash), null)
    await chain.broadcast(signed.raw)
    const { block, succeeded } = await included(chain, signed.hash)
    assert.equal(succeeded, true)
    assert.deepEqual(await chain.latest(), { size: 5, root: root(1), time: block.time })
    assert.equal(await chain.anchoredAt(5, root(1), block.number), block.time)
    assert.equal(await chain.anchoredAt(5, root(2), 'latest'), 0)
    assert.deepEqual(await chain.findAnchored(5, root(1)), { transaction: signed.hash, block })
    assert.equal(await chain.findAnchored(5, root(2)), null)
    assert.equal(await chain.blockHash(block.number + 1000), null)
  })

  it('names the contract error that would refuse the call, before anything is sent', async () => {
    const chain = open(await openLog())
    const signed = await chain.prepare({ size: 5, root: root(1), proof: [], nonce: await chain.nextNonce() })
    await chain.broadcast(signed.raw)
    await included(chain, signed.hash)
    const again = chain.prepare({ size: 5, root: root(2), proof: [], nonce: await chain.nextNonce() })
    await assert.rejects(again, { code: 'CHAIN_REJECTED', message: /CheckpointAnchorSizeNotLarger\(5, 5\)/ })
    const stranger = open(chain.logId, { key: POOR_KEY }).prepare({ size: 6, root: root(2), proof: [], nonce: 0 })
    await assert.rejects(stranger, { code: 'CHAIN_REJECTED', message: /CheckpointAnchorNotPublisher/ })
  })

  it('takes "already known" for a success, and names a used nonce, low fees and an empty account', async () => {
    const chain = open(await openLog())
    const send = (method: string, params: unknown[]) =>
      fetch(embedded.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      })
    await send('evm_setAutomine', [false])
    const nonce = await chain.nextNonce()
    const first = await chain.prepare({ size: 5, root: root(1), proof: [], nonce })
    const other = await chain.prepare({ size: 6, root: root(2), proof: [], nonce })
    await chain.broadcast(first.raw)
    await chain.broadcast(first.raw)
    await assert.rejects(chain.broadcast(other.raw), { code: 'CHAIN_UNDERPRICED' })
    const bumped = await chain.bump(first.raw)
    assert.equal(bumped?.nonce, nonce)
    await chain.broadcast(bumped?.raw ?? '')
    await send('evm_setAutomine', [true])
    await send('evm_mine', [])
    await included(chain, bumped?.hash ?? '')
    await assert.rejects(chain.broadcast(first.raw), { code: 'CHAIN_NONCE_TOO_LOW' })
    const poor = new Wallet(POOR_KEY)
    const raw = await poor.signTransaction({
      type: 2,
      chainId: EMBEDDED_CHAIN_ID,
      to: poor.address,
      gasLimit: 21_000,
      maxFeePerGas: 10n ** 12n,
    })
    await assert.rejects(chain.broadcast(raw), { code: 'CHAIN_FUNDS' })
  })

  it('asks the next endpoint when one is dead, silent, or of another chain, and says when none is left', async () => {
    const mute = createServer(() => {})
    const port = await new Promise<number>(done => mute.listen(0, '127.0.0.1', () => done((mute.address() as { port: number }).port)))
    const silent = `http://127.0.0.1:${port}`
    const logId = await openLog()
    assert.equal(await open(logId, { urls: ['http://127.0.0.1:9', silent, embedded.url], timeoutMs: 2_000 }).latest(), null)
    await assert.rejects(open(logId, { urls: ['http://127.0.0.1:9', silent], timeoutMs: 200 }).latest(), { code: 'CHAIN_UNREACHABLE' })
    await assert.rejects(open(logId, { chainId: 1 }).latest(), { code: 'CHAIN_WRONG' })
    await assert.rejects(open(logId, { contract: `0x${'22'.repeat(20)}` }).latest(), { code: 'CHAIN_NO_CONTRACT' })
    assert.equal(await readChainId(['http://127.0.0.1:9', embedded.url], 20_000), EMBEDDED_CHAIN_ID)
    await assert.rejects(readChainId([silent], 300), { code: 'CHAIN_UNREACHABLE' })
    mute.close()
  })
})
