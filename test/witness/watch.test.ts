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
import { openEndpoint } from '../chain/endpoint.ts'
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

  it('answers 403 if the contract held another root at a size that it signed or is asked to sign, and has gone on from there', async () => {
    const { log, fork, policy, anchor } = await openLog()
    const { watch, events } = watchBy(chain.url)
    const witness = await start({ policies: [policy], watch })
    assert.equal((await witness.add(log.request(0, 7))).status, 200)
    await anchor(fork, 0, 7)
    await anchor(fork, 7, 12)
    await anchor(fork, 12, 14)
    passTime()
    assert.equal((await witness.add(log.request(7, 8))).status, 403)
    const other = await start({ policies: [policy], watch })
    assert.equal((await other.add(log.request(0, 12))).status, 403)
    assert.equal((await other.add(log.request(0, 13))).status, 200)
    assert.deepEqual(
      events.map(([event, { size }]) => [event, size]),
      [
        ['chain holds another root', 7],
        ['chain holds another root', 12],
      ],
    )
  })

  it('takes no anchor for held that the chain has taken back', async () => {
    const { log, fork, policy, anchor } = await openLog()
    const { watch } = watchBy(chain.url)
    const witness = await start({ policies: [policy], watch })
    const before = await chain.rpc('evm_snapshot')
    await anchor(fork, 0, 7)
    await anchor(fork, 7, 9)
    assert.equal((await witness.add(log.request(0, 7))).status, 403)
    await chain.rpc('evm_revert', [before])
    await anchor(log, 0, 7)
    passTime()
    assert.equal((await witness.add(log.request(0, 7))).status, 200)
  })

  it('asks for the events of fewer blocks where an endpoint returns no more, keeps what it has seen, and says what it missed', async () => {
    const { log, fork, policy, anchor } = await openLog()
    const limited = await openEndpoint(chain.url)
    try {
      await anchor(fork, 0, 6)
      await chain.rpc('anvil_mine', ['0x400'])
      await anchor(fork, 6, 7)
      await anchor(fork, 7, 9)
      let most = 1_000
      limited.behave(({ method, params: [filter] }) => {
        if (method !== 'eth_getLogs') return undefined
        const { fromBlock, toBlock } = filter as { fromBlock: string; toBlock: string }
        if (Number(toBlock) - Number(fromBlock) >= most) throw new Error('block range is too large')
        return undefined
      })
      const { watch, events } = watchBy(limited.url)
      const ask = async (size: number) => (await (await start({ policies: [policy], watch })).add(log.request(0, size))).status
      // In the newest blocks, the newest of all, and one that no endpoint returns.
      assert.deepEqual([await ask(7), await ask(9), await ask(6)], [403, 403, 200])
      most = 0
      passTime()
      assert.deepEqual([await ask(7), await ask(9)], [403, 403])
      assert.deepEqual(
        events.map(([event]) => event),
        [
          'older anchors not compared',
          ...['chain holds another root', 'chain holds another root'],
          'older anchors not compared',
          ...['chain holds another root', 'chain holds another root'],
        ],
      )
    } finally {
      await limited.close()
    }
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

  it('answers 503 while 64 requests wait for an endpoint, and goes on when it answers', async () => {
    const { log, policy } = await openLog()
    const slow = await openEndpoint(chain.url)
    try {
      let release = () => {}
      const held = new Promise<void>(done => {
        release = done
      })
      slow.behave(() => held)
      const witness = await start({ policies: [policy], watch: watchBy(slow.url).watch })
      const requests = Array.from({ length: 70 }, () => witness.add(log.request(0, 6)))
      const first = await Promise.race(requests)
      assert.deepEqual([first.status, JSON.parse(first.text).code], [503, 'WITNESS_BUSY'])
      release()
      const statuses = (await Promise.all(requests)).map(({ status }) => status)
      // The first has signed, and the others ask from an older size.
      assert.deepEqual(
        [200, 409, 503].map(status => statuses.filter(each => each === status).length),
        [1, 63, 6],
      )
      assert.equal((await witness.add(log.request(6, 6))).status, 200)
    } finally {
      await slow.close()
    }
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
