/**
 * Endpoints that hang, answer late, lie, lag behind or serve another chain, in front of two real
 * chains. Anchors may be late, but sealing never waits.
 */
import assert from 'node:assert/strict'
import { AbiCoder } from 'ethers'
import { CHAINS, type TestChain } from '../chain/chains.ts'
import { ANSWERED, type Endpoint, frozenAt, openEndpoint, silent } from '../chain/endpoint.ts'
import { attemptsOf, CLOCK_MS, type Options, openAnchors, pause, submit, untilIncluded, useWorlds } from './world.ts'

/**
 * Long enough for a true answer under any load, and short, where nothing but silence is waited for.
 */
const limits = { timeoutMs: 20_000 }
const hasty = { timeoutMs: 200 }

for (const [name, start] of CHAINS) {
  describe(`anchors over endpoints of ${name}`, () => {
    let at: TestChain
    let one: Endpoint
    let two: Endpoint
    const openOn = useWorlds(start, async chain => {
      at = chain
      one = await openEndpoint(at.url)
      two = await openEndpoint(at.url)
    })
    afterEach(() => {
      for (const endpoint of [one, two]) endpoint.behave(undefined)
    })
    after(async () => {
      for (const endpoint of [one, two]) await endpoint.close()
    })

    /** A world of a record, over the first endpoint, or over both. */
    async function world(endpoints: readonly Endpoint[], options: Options = {}) {
      const opened = await openOn({ urls: endpoints.map(({ url }) => url), limits, ...options })
      await submit(opened.ledger, 1)
      return { ...opened, anchorer: opened.anchorerOn() }
    }
    const headNumber = async () => Number(await at.rpc('eth_blockNumber'))

    describe('that do not answer', () => {
      it('seals while an endpoint hangs, and anchors when it answers again', async () => {
        const { anchorer, anchorerOn, open, ledger } = await world([one])
        one.behave(silent)
        const waiting = anchorerOn(open({ urls: [one.url], limits: hasty }))
        const round = waiting.tick().catch(error => error)
        await submit(ledger, 3)
        assert.equal(ledger.head().size, 5)
        const alarm = `The chain's endpoint ${new URL(one.url).host} does not answer.`
        assert.deepEqual([(await round).code, waiting.lag().alarm], ['CHAIN_UNREACHABLE', alarm])
        one.behave(undefined)
        await untilIncluded(anchorer, 5)
      })

      it('asks the other one, and does not ask the one that hangs for a while', async () => {
        const { anchorer, ledger } = await world([one, two], { limits: { timeoutMs: 2_000 } })
        one.behave(silent)
        await anchorer.tick()
        const asked = one.seen.length
        assert.ok(asked <= 1, one.seen.join())
        await untilIncluded(anchorer, ledger.head().size)
        assert.equal(one.seen.length, asked)
      })

      it('treats an answer that is late, or that trickles in forever, as no answer', async () => {
        const { anchorer } = await world([one], { limits: hasty })
        one.behave(async () => {
          await new Promise(done => setTimeout(done, 1_000))
        })
        await assert.rejects(anchorer.tick(), { code: 'CHAIN_UNREACHABLE' })
        one.behave((_call, response) => {
          const drip = setInterval(() => response.write(' '), 20)
          response.once('close', () => clearInterval(drip))
          return ANSWERED
        })
        await assert.rejects(anchorer.tick(), { code: 'CHAIN_UNREACHABLE' })
      })

      it('ends its open requests when it is closed', async () => {
        const { anchorer, chain } = await world([one], { limits: { timeoutMs: 60_000 } })
        one.behave(silent)
        const round = anchorer.tick().catch(error => error.code)
        while (one.seen.length === 0) await pause()
        const ended = anchorer.stop()
        chain.close()
        await ended
        assert.equal(await round, 'CHAIN_UNREACHABLE')
      })

      for (const [what, write] of [
        ['a page of HTML', '<html><body>502 Bad Gateway</body></html>'],
        ['half an answer', '{"jsonrpc":"2.0","id":1,"res'],
        ['an answer without a result', '{"jsonrpc":"2.0","id":1}'],
        ['a number', '7'],
        ['nothing', ''],
        ['a result of another kind', '{"jsonrpc":"2.0","id":1,"result":{"size":"many"}}'],
      ] as const)
        it(`takes ${what} for no answer, and asks the next`, async () => {
          const { anchorer, open, anchorerOn, ledger } = await world([one, two])
          one.behave((_call, response) => {
            response.end(write)
            return ANSWERED
          })
          await assert.rejects(anchorerOn(open({ urls: [one.url], limits })).tick(), { code: 'CHAIN_UNREACHABLE' })
          await untilIncluded(anchorer, ledger.head().size)
        })

      it('does not read an answer without end into memory', async () => {
        const { anchorer } = await world([one], { limits: { timeoutMs: 20_000 } })
        const mebibyte = Buffer.alloc(1024 * 1024, 0x20)
        let sent = 0
        one.behave((_call, response) => {
          const more = () => {
            if (response.destroyed) return
            sent++
            response.write(mebibyte, () => setImmediate(more))
          }
          more()
          return ANSWERED
        })
        await assert.rejects(anchorer.tick(), { code: 'CHAIN_UNREACHABLE', message: /an answer that is too large/ })
        assert.ok(sent < 40, `${sent} MiB`)
      })

      it('follows no redirection', async () => {
        const { anchorer } = await world([one])
        one.behave((_call, response) => {
          response.writeHead(307, { location: at.url }).end()
          return ANSWERED
        })
        await assert.rejects(anchorer.tick(), { code: 'CHAIN_UNREACHABLE' })
      })
    })

    describe('of another chain', () => {
      it('believes nothing of an endpoint whose chain id has changed, and goes on when it is back', async () => {
        const { anchorer, ledger } = await world([one])
        await untilIncluded(anchorer, 2)
        one.behave(({ method }) => (method === 'eth_chainId' ? '0x1' : method === 'eth_call' ? '0x' : undefined))
        await assert.rejects(anchorer.tick(), { code: 'CHAIN_WRONG', message: /serves chain 1, not 31337/ })
        assert.match(anchorer.lag().alarm ?? '', /serves chain 1/)
        assert.equal(ledger.stopped(), undefined)
        assert.equal(openAnchors(anchorer)[0]?.state, 'included')
        one.behave(undefined)
        await at.mine(2)
        await anchorer.tick()
        assert.equal(ledger.latestAnchor()?.size, 2)
      })

      it('goes on with the others', async () => {
        const { anchorer } = await world([one, two])
        one.behave(({ method }) => (method === 'eth_chainId' ? '0x1' : undefined))
        await untilIncluded(anchorer, 2)
      })
    })

    describe('that lie about the head', () => {
      it('calls no anchor final on the word of one endpoint alone', async () => {
        const { anchorer, ledger } = await world([one, two], { finality: { confirmations: 5 } })
        await untilIncluded(anchorer, 2)
        const ahead = (tag: unknown) => tag === 'latest' || tag === 'finalized'
        one.behave(async ({ method, params }) => {
          if (method === 'eth_blockNumber') return '0xffffff'
          if (method !== 'eth_getBlockByNumber' || !ahead(params[0])) return undefined
          return { ...(await at.rpc<object>(method, [...params])), number: '0xffffff' }
        })
        await anchorer.tick()
        await anchorer.tick()
        assert.deepEqual([openAnchors(anchorer)[0]?.state, ledger.latestAnchor()], ['included', undefined])
        await at.mine(5)
        await anchorer.tick()
        assert.equal(ledger.latestAnchor()?.size, 2)
      })

      it('calls no anchor final in a block that another endpoint does not have', async () => {
        const { anchorer, ledger } = await world([one, two])
        await untilIncluded(anchorer, 2)
        await at.mine(2)
        two.behave(async ({ method, params }) =>
          method === 'eth_getBlockByNumber' && /^0x/.test(String(params[0]))
            ? { ...(await at.rpc<object>(method, [...params])), hash: `0x${'77'.repeat(32)}` }
            : undefined,
        )
        await anchorer.tick()
        assert.equal(ledger.latestAnchor(), undefined)
        two.behave(undefined)
        await anchorer.tick()
        assert.equal(ledger.latestAnchor()?.size, 2)
      })

      it('does not stop the ledger because one of them claims an anchor that nobody else has: it waits until they agree', async () => {
        const { anchorer, ledger } = await world([one, two])
        await untilIncluded(anchorer, 2)
        const head = AbiCoder.defaultAbiCoder().encode(['uint64', 'bytes32', 'uint64'], [999, `0x${'11'.repeat(32)}`, 1])
        one.behave(({ method }) => (method === 'eth_call' ? head : undefined))
        await assert.rejects(anchorer.tick(), { code: 'CHAIN_CONTRADICTED', message: /contract holds a checkpoint of 999 entries/ })
        assert.equal(ledger.stopped(), undefined)
        await submit(ledger, 1)
        two.behave(({ method }) => (method === 'eth_call' ? head : undefined))
        await assert.rejects(
          anchorer.tick().then(() => assert.fail(ledger.stopped())),
          /999 entries/,
        )
        await assert.rejects(submit(ledger, 1), { code: 'LEDGER_STOPPED' })
      })
    })

    describe('that are behind', () => {
      it('anchors each checkpoint once, and burns no gas, while the first endpoint shows an old block', async () => {
        const { anchorer, chain, passMs, ledger } = await world([one, two])
        await untilIncluded(anchorer, 2)
        one.behave(frozenAt(at.url, (await headNumber()) - 1))
        const nonce = await chain.nextNonce()
        for (const size of [3, 4]) {
          await submit(ledger, 1)
          passMs(5_000)
          await untilIncluded(anchorer, size)
        }
        assert.equal(await chain.nextNonce(), nonce + 2)
        for (const { transaction } of openAnchors(anchorer)) assert.equal((await chain.txReceipt(transaction!))?.succeeded, true)
      })

      it('gives up no anchor because the only endpoint says "nonce too low" and shows a block from before', async () => {
        const { anchorer, passMs, ledger } = await world([one])
        const before = await headNumber()
        await anchorer.tick()
        const [only] = attemptsOf(anchorer)
        while ((await at.rpc('eth_getTransactionReceipt', [only!.hash])) === null) await pause()
        one.behave(frozenAt(at.url, before))
        for (let rounds = 0; rounds < 6; rounds++) {
          passMs(5_000)
          await anchorer.tick()
          assert.equal(attemptsOf(anchorer)[0]?.hash, only?.hash)
        }
        one.behave(undefined)
        await untilIncluded(anchorer, ledger.head().size)
        assert.equal(openAnchors(anchorer)[0]?.transaction, only?.hash)
      })

      it('waits for one that is a little behind before it calls an anchor final, and not for one that is stuck', async () => {
        const { anchorer, ledger, passMs } = await world([one, two])
        one.behave(frozenAt(at.url, await headNumber()))
        await untilIncluded(anchorer, 2)
        await at.mine(2)
        await anchorer.tick()
        assert.equal(ledger.latestAnchor(), undefined)
        // Our clock alone does not make it one that is stuck: it may have been set.
        const { timestamp } = await at.rpc<{ timestamp: string }>('eth_getBlockByNumber', ['latest', false])
        passMs(Number(timestamp) * 1000 - CLOCK_MS + 4 * 3_600_000)
        await anchorer.tick()
        assert.equal(ledger.latestAnchor(), undefined)
        // The chain has gone on for two hours, and it has not.
        await at.rpc('evm_setNextBlockTimestamp', [Number(timestamp) + (2 * 3_600_000) / 1000])
        await at.mine()
        await anchorer.tick()
        assert.equal(ledger.latestAnchor()?.size, 2)
      })

      it('does not take back a final anchor because the only endpoint fell behind it', async () => {
        const { anchorer, ledger, passMs } = await world([one])
        const before = await headNumber()
        await untilIncluded(anchorer, 2)
        await at.mine(2)
        await anchorer.tick()
        assert.equal(ledger.latestAnchor()?.size, 2)
        await submit(ledger, 1)
        passMs(5_000)
        one.behave(frozenAt(at.url, before))
        await assert.rejects(anchorer.tick(), { code: 'CHAIN_BEHIND' })
        assert.deepEqual(openAnchors(anchorer), [])
        one.behave(undefined)
        await untilIncluded(anchorer, 3)
      })
    })

    describe('that keep transactions to themselves', () => {
      it('sends to all of them, so that one that swallows transactions delays nothing', async () => {
        const { anchorer, ledger } = await world([one, two])
        one.behave(({ method }) => (method === 'eth_sendRawTransaction' ? `0x${'00'.repeat(32)}` : undefined))
        await untilIncluded(anchorer, ledger.head().size)
        assert.ok(two.seen.includes('eth_sendRawTransaction'))
      })

      it('sends again until the transaction is in a block, where the only one swallowed it', async () => {
        const { anchorer, ledger } = await world([one])
        one.behave(({ method }) => (method === 'eth_sendRawTransaction' ? `0x${'00'.repeat(32)}` : undefined))
        for (let rounds = 0; rounds < 3; rounds++) await anchorer.tick()
        assert.deepEqual([openAnchors(anchorer)[0]?.state, attemptsOf(anchorer).length], ['submitted', 1])
        one.behave(undefined)
        await untilIncluded(anchorer, ledger.head().size)
      })

      it('finds the bid that was executed between looking for it and sending a higher one', async () => {
        const { anchorer, passMs } = await world([one])
        await at.mining(false)
        try {
          await anchorer.tick()
          const [first] = attemptsOf(anchorer)
          passMs(60_000)
          one.behave(async ({ method }) => {
            if (method === 'eth_sendRawTransaction') await at.mine()
          })
          await anchorer.tick()
          assert.equal(attemptsOf(anchorer).length, 2)
          await untilIncluded(anchorer, 2)
          assert.equal(openAnchors(anchorer)[0]?.transaction, first?.hash)
          assert.equal(anchorer.lag().alarm, undefined)
        } finally {
          await at.mining(true)
        }
      })

      it('finds a transaction that was executed although the endpoint said that it failed to send it', async () => {
        const { anchorer, ledger, chain } = await world([one])
        const nonce = await chain.nextNonce()
        one.behave(async ({ method, params }, response) => {
          if (method !== 'eth_sendRawTransaction') return undefined
          await at.rpc(method, params).catch(() => {})
          response.destroy()
          return ANSWERED
        })
        await assert.rejects(anchorer.tick(), { code: 'CHAIN_UNREACHABLE' })
        await untilIncluded(anchorer, ledger.head().size)
        assert.equal(await chain.nextNonce(), nonce + 1)
      })
    })
  })
}
