/** A witness that compares with the contract of a policy, on a real chain. */
import assert from 'node:assert/strict'
import { checkpointAnchor } from '../../src/chain/artifact.ts'
import { ensureLog } from '../../src/chain/deploy.ts'
import { EMBEDDED_KEY } from '../../src/chain/embedded.ts'
import { DEFAULT_LIMITS, openAnchorChain } from '../../src/chain/ethereum.ts'
import { createKeySigner } from '../../src/chain/signer.ts'
import type { Policy } from '../../src/core/policy.ts'
import { type Log, type LogFields, silentLog } from '../../src/logger.ts'
import { createChainWatch } from '../../src/witness/watch.ts'
import { CHAIN_ID, CHAINS, type TestChain } from '../chain/chains.ts'
import { createTestLog, type TestLog, useWitnesses } from './world.ts'

const signer = createKeySigner(EMBEDDED_KEY)
/** A port of this machine at which nobody listens. */
const NOBODY = 'http://127.0.0.1:9'

describe('witness: watching the chain', function () {
  this.timeout(120_000)
  const { start } = useWitnesses()
  let chain: TestChain
  let logs = 0
  let nowMs = 0

  before(async () => {
    chain = await CHAINS[0]![1]()
  })
  after(() => chain.close())

  /** A log in the contract, as a policy names it, and its fork from entry 5 on. */
  async function openLog(
    change: object = {},
  ): Promise<{ log: TestLog; fork: TestLog; policy: Policy; anchor(from: TestLog, old: number, size: number): Promise<void> }> {
    const origin = `log.example/${logs++}`
    const [log, fork] = [createTestLog(origin), createTestLog(origin, 5)]
    const { contract } = chain
    const logId = await ensureLog({ rpcUrls: [chain.url], signer, log: silentLog, contract, origin })
    const place = { chainId: CHAIN_ID, contract: contract.toLowerCase(), logId, finality: { confirmations: 0 } }
    const anchors = [{ type: 'evm', ...place, codeSha256: checkpointAnchor.codeSha256, ...change }]
    return {
      log,
      fork,
      policy: log.policy({ anchors }),
      async anchor(from, old, size) {
        const to = openAnchorChain({ urls: [chain.url], ...place, signer, limits: DEFAULT_LIMITS })
        const { raw, hash } = await to.prepare({ size, root: from.root(size), proof: from.proof(old, size), nonce: await to.nextNonce() })
        await to.broadcast(raw)
        while ((await to.txReceipt(hash)) === null) await new Promise(resolve => setTimeout(resolve, 20))
        to.close()
      },
    }
  }

  function watchBy(...urls: readonly string[]) {
    const events: [string, LogFields][] = []
    const note = (event: string, fields: LogFields = {}) => void events.push([event, fields])
    const log: Log = { info: () => {}, warn: note, error: note }
    let asked = 0
    const counted: typeof fetch = (...call) => {
      asked++
      return fetch(...call)
    }
    return { events, asked: () => asked, watch: createChainWatch({ urls, fetch: counted, steadyMs: () => nowMs, log }) }
  }
  /** Lets the last answers of the endpoints grow old. */
  const passTime = () => {
    nowMs += 10_000
  }

  it('cosigns what the contract holds, and what is larger', async () => {
    const { log, policy, anchor } = await openLog()
    const { watch, events } = watchBy(chain.url)
    const witness = await start({ policies: [policy], watch })
    assert.equal((await witness.add(log.request(0, 6))).status, 200)
    await anchor(log, 0, 6)
    passTime()
    assert.equal((await witness.add(log.request(6, 6))).status, 200)
    assert.equal((await witness.add(log.request(6, 9))).status, 200)
    assert.deepEqual(events, [])
  })

  it('answers 403 if the contract holds another root at the size that it is asked to sign', async () => {
    const { log, fork, policy, anchor } = await openLog()
    await anchor(fork, 0, 6)
    const { watch, events } = watchBy(chain.url)
    const witness = await start({ policies: [policy], watch })
    const { status, text } = await witness.add(log.request(0, 6))
    assert.deepEqual([status, JSON.parse(text).code], [403, 'WITNESS_CHAIN'])
    assert.deepEqual(
      events.map(([event, { size }]) => [event, size]),
      [['chain holds another root', 6]],
    )
    await assert.rejects(
      witness.client.cosign({ note: log.note(6), size: 6 }, 0, async () => []),
      { code: 'WITNESS_REFUSED' },
    )
    // The history that the contract holds is the one that it signs.
    assert.equal((await witness.add(fork.request(0, 6))).status, 200)
  })

  it('answers 403 once the contract holds another root at a size that it signed before', async () => {
    const { log, fork, policy, anchor } = await openLog()
    const { watch } = watchBy(chain.url)
    const witness = await start({ policies: [policy], watch })
    for (const [from, to] of [
      [0, 6],
      [6, 7],
      [7, 9],
    ] as const)
      assert.equal((await witness.add(log.request(from, to))).status, 200)
    await anchor(fork, 0, 7)
    passTime()
    assert.equal((await witness.add(log.request(9, 10))).status, 403)
    assert.equal((await witness.add(log.request(9, 9))).status, 403)
  })

  it('signs and says so in its log if no endpoint answers, or serves something else', async () => {
    const cases = [
      { urls: [NOBODY], change: {} },
      { urls: [chain.url], change: { chainId: CHAIN_ID + 1 } },
      { urls: [chain.url], change: { codeSha256: 'ab'.repeat(32) } },
      { urls: [chain.url, NOBODY], change: { contract: `0x${'ab'.repeat(20)}` } },
    ]
    for (const { urls, change } of cases) {
      const { log, fork, policy, anchor } = await openLog(change)
      await anchor(fork, 0, 6)
      const { watch, events } = watchBy(...urls)
      const witness = await start({ policies: [policy], watch })
      assert.equal((await witness.add(log.request(0, 6))).status, 200)
      assert.deepEqual(
        events.map(([event, { origin, reasons }]) => [event, origin, (reasons as unknown[]).length]),
        [['chain not compared', log.origin, urls.length]],
      )
      await witness.stop()
    }
  })

  it('believes one endpoint of several that shows another root', async () => {
    const { log, fork, policy, anchor } = await openLog()
    await anchor(fork, 0, 6)
    const { watch, events } = watchBy(NOBODY, chain.url)
    const witness = await start({ policies: [policy], watch })
    assert.equal((await witness.add(log.request(0, 6))).status, 403)
    assert.deepEqual(
      events.map(([event]) => event),
      ['chain holds another root'],
    )
  })

  it('asks an endpoint again only after ten seconds, whoever sends requests', async () => {
    const { log, fork, policy, anchor } = await openLog()
    const { watch, asked } = watchBy(chain.url)
    const witness = await start({ policies: [policy], watch })
    await witness.add(log.request(0, 6))
    const first = asked()
    for (let at = 0; at < 5; at++) assert.equal((await witness.add(log.request(6, 6))).status, 200)
    assert.equal(asked(), first)
    await anchor(fork, 0, 6)
    passTime()
    assert.equal((await witness.add(log.request(6, 6))).status, 403)
    assert.ok(asked() > first)
  })

  it('leaves out a checkpoint that the owner of the log has disowned', async () => {
    const { log, fork, policy, anchor } = await openLog()
    await anchor(log, 0, 4)
    await anchor(fork, 4, 6)
    const { watch } = watchBy(chain.url)
    const witness = await start({ policies: [policy], watch })
    assert.equal((await witness.add(log.request(0, 6))).status, 403)
    const { JsonRpcProvider, Wallet, Contract } = await import('ethers')
    const provider = new JsonRpcProvider(chain.url)
    const owner = new Wallet(EMBEDDED_KEY, provider)
    const { contract, logId } = policy.anchors[0] as { contract: string; logId: string }
    const at = new Contract(contract, ['function closeLog(bytes32,uint64,bytes32)'], owner)
    await (await at.getFunction('closeLog')(logId, 4, `0x${'0'.repeat(64)}`)).wait()
    provider.destroy()
    passTime()
    assert.equal((await witness.add(log.request(0, 6))).status, 200)
  })
})
