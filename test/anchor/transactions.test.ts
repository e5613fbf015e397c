/**
 * The transactions of an anchor on two real chains: bids, drops, nonces, funds.
 * docs/how-it-works/reliability.md says which test covers which failure.
 */
import assert from 'node:assert/strict'
import { Transaction, Wallet } from 'ethers'
import { anchorInterface } from '../../src/chain/artifact.ts'
import { createKeySigner } from '../../src/chain/signer.ts'
import { CHAINS, type TestChain } from '../chain/chains.ts'
import { attemptsOf, type Options, openAnchors, sendFrom, submit, untilIncluded, useWorlds } from './world.ts'

const GWEI = 1_000_000_000n
const MINUTE = 60_000

for (const [name, start] of CHAINS) {
  describe(`anchor transactions on ${name}`, () => {
    let at: TestChain
    const world = useWorlds(start, chain => {
      at = chain
    })

    /** A world with a record, and mining by hand from now on. */
    async function waitingWorld(options: Options = {}) {
      const opened = await world(options)
      await submit(opened.ledger, 1)
      await at.mining(false)
      return { ...opened, anchorer: opened.anchorerOn() }
    }

    describe('bids', () => {
      it('raises tip and cap by 10 % or more with each bid, under one nonce, and takes the one that is executed', async () => {
        const { anchorer, passMs, chain, ledger } = await waitingWorld()
        for (let bids = 0; bids < 4; bids++) {
          await anchorer.tick()
          passMs(MINUTE)
        }
        const attempts = attemptsOf(anchorer)
        assert.equal(attempts.length, 4)
        for (const [index, { nonce, maxFeePerGas, maxPriorityFeePerGas }] of attempts.entries()) {
          const before = attempts[index - 1]
          if (before === undefined) continue
          assert.equal(nonce, before.nonce)
          assert.ok(BigInt(maxFeePerGas) * 100n >= BigInt(before.maxFeePerGas) * 110n)
          assert.ok(BigInt(maxPriorityFeePerGas) * 100n >= BigInt(before.maxPriorityFeePerGas) * 110n)
        }
        assert.deepEqual([await at.knows(attempts[0]!.hash), await at.knows(attempts[3]!.hash)], [false, true])
        await at.mine()
        await untilIncluded(anchorer, ledger.head().size)
        assert.equal(openAnchors(anchorer)[0]?.transaction, attempts[3]?.hash)
        assert.equal(await chain.nextNonce(), attempts[3]!.nonce + 1)
      })

      it('confirms at what the chain asks now, where 10 % more is not enough', async () => {
        const { anchorer, passMs, ledger } = await waitingWorld()
        await anchorer.tick()
        const [first] = attemptsOf(anchorer)
        // A block that the anchor pays too little for, and the next ones cost about as much.
        await at.baseFee(BigInt(first!.maxFeePerGas) * 2n)
        await at.mine()
        passMs(MINUTE)
        await anchorer.tick()
        assert.equal(openAnchors(anchorer)[0]?.state, 'submitted')
        await at.mine()
        await untilIncluded(anchorer, ledger.head().size)
        const [, second] = attemptsOf(anchorer)
        assert.equal(openAnchors(anchorer)[0]?.transaction, second?.hash)
        assert.ok(BigInt(second!.maxFeePerGas) > BigInt(first!.maxFeePerGas) * 2n)
        await at.baseFee(GWEI)
      })

      it('takes an earlier bid when that one is executed after all', async () => {
        const { anchorer, passMs, ledger } = await waitingWorld()
        await anchorer.tick()
        passMs(MINUTE)
        await anchorer.tick()
        const [first, second] = attemptsOf(anchorer)
        await at.drop(second!.hash)
        await at.rpc('eth_sendRawTransaction', [first!.raw])
        await at.mine()
        await untilIncluded(anchorer, ledger.head().size)
        assert.equal(openAnchors(anchorer)[0]?.transaction, first?.hash)
      })

      it('pays the ceiling at most: there it sends the same transaction again, and raises the alarm until it is in a block', async () => {
        const head = await at.rpc<{ baseFeePerGas: string }>('eth_getBlockByNumber', ['latest', false])
        const ceiling = { maxFeePerGas: BigInt(head.baseFeePerGas) + GWEI, maxPriorityFeePerGas: GWEI / 2n }
        const { anchorer, passMs, ledger } = await waitingWorld({ limits: { ceiling } })
        await anchorer.tick()
        const [only] = attemptsOf(anchorer)
        assert.ok(BigInt(only!.maxFeePerGas) <= ceiling.maxFeePerGas && BigInt(only!.maxPriorityFeePerGas) <= ceiling.maxPriorityFeePerGas)
        await at.drop(only!.hash)
        passMs(MINUTE)
        await anchorer.tick()
        assert.deepEqual(attemptsOf(anchorer), [only])
        assert.equal(await at.knows(only!.hash), true)
        assert.match(anchorer.lag().alarm ?? '', /fees are at the ceiling: raise OPENSEAL_ANCHOR_MAX_FEE/)
        await at.mine()
        await untilIncluded(anchorer, ledger.head().size)
        assert.equal(anchorer.lag().alarm, undefined)
      })

      it('keeps trying with the newest checkpoint while blocks cost more than the ceiling, and anchors when they cost less', async () => {
        const { anchorer, passMs, ledger } = await waitingWorld({ limits: { ceiling: { maxFeePerGas: 1n, maxPriorityFeePerGas: 1n } } })
        for (let rounds = 0; rounds < 3; rounds++) {
          await anchorer.tick()
          await at.mine()
          passMs(MINUTE)
        }
        assert.match(anchorer.lag().alarm ?? '', /fees are at the ceiling/)
        assert.equal(ledger.stopped(), undefined)
        for (let blocks = 0; openAnchors(anchorer)[0]?.state !== 'included'; blocks++) {
          assert.ok(blocks < 10)
          await at.baseFee(0n)
          await at.mine()
          await at.baseFee(0n)
          await anchorer.tick()
        }
        await at.baseFee(GWEI)
      })

      it('bids above another transaction that waits with its nonce', async () => {
        const { anchorer, chain, key, ledger } = await waitingWorld()
        const nonce = await chain.nextNonce()
        await sendFrom(at, key, { nonce })
        for (let round = 0; (await anchorer.tick().catch(error => error.code)) === 'CHAIN_UNDERPRICED'; round++) assert.ok(round < 40)
        await at.mine()
        await untilIncluded(anchorer, ledger.head().size)
        assert.equal(await chain.nextNonce(), nonce + 1)
      })
    })

    describe('pool', () => {
      it('sends again, the same bytes, what the chain has dropped', async () => {
        const { anchorer, ledger } = await waitingWorld()
        await anchorer.tick()
        const [only] = attemptsOf(anchorer)
        for (let drops = 0; drops < 3; drops++) {
          await at.drop(only!.hash)
          assert.equal(await at.knows(only!.hash), false)
          await anchorer.tick()
          assert.equal(await at.knows(only!.hash), true)
        }
        await at.mine()
        await untilIncluded(anchorer, ledger.head().size)
        assert.equal(openAnchors(anchorer)[0]?.transaction, only?.hash)
      })

      it('takes "already known" for a success, however often it is said', async () => {
        const { anchorer, chain } = await waitingWorld()
        await anchorer.tick()
        const [only] = attemptsOf(anchorer)
        for (let times = 0; times < 3; times++) await chain.broadcast(only!.raw)
        await anchorer.tick()
        assert.equal(anchorer.lag().alarm, undefined)
        assert.equal(attemptsOf(anchorer).length, 1)
      })

      it('lets a newer round take the place of one that was never sent, and of none that was', async () => {
        const { anchorer, ledger, address, passMs } = await waitingWorld()
        await at.setBalance(address, 1n)
        await assert.rejects(anchorer.tick(), { code: 'CHAIN_FUNDS' })
        await submit(ledger, 3)
        await at.setBalance(address, 10n ** 18n)
        passMs(5_000)
        await anchorer.tick()
        assert.deepEqual(
          openAnchors(anchorer).map(({ size }) => size),
          [5],
        )
        await submit(ledger, 2)
        passMs(5_000)
        await anchorer.tick()
        assert.deepEqual(
          openAnchors(anchorer).map(({ size }) => size),
          [5],
        )
      })
    })

    describe('nonces', () => {
      it('gives up an anchor whose nonce went to a stranger, after looking for it three times, and anchors anew', async () => {
        const { anchorer, chain, key, ledger, passMs } = await waitingWorld()
        await anchorer.tick()
        const [lost] = attemptsOf(anchorer)
        await at.drop(lost!.hash)
        await sendFrom(at, key, { nonce: lost!.nonce })
        await at.mine()
        for (let misses = 1; misses <= 3; misses++) {
          assert.equal(attemptsOf(anchorer)[0]?.hash, lost?.hash)
          passMs(5_000)
          await anchorer.tick()
        }
        await at.mine()
        await untilIncluded(anchorer, ledger.head().size)
        assert.equal(openAnchors(anchorer)[0]?.attempts[0]?.nonce, lost!.nonce + 1)
        assert.equal((await chain.latest())?.size, 2)
      })

      it('does not wait behind a nonce that has come free: the newest checkpoint takes it', async () => {
        const { anchorer, chain, key, ledger, passMs } = await waitingWorld()
        const before = await at.rpc('evm_snapshot')
        const free = await chain.nextNonce()
        const stranger = await sendFrom(at, key, { nonce: free })
        await at.mine()
        await anchorer.tick()
        assert.equal(attemptsOf(anchorer)[0]?.nonce, free + 1)
        const waiting = attemptsOf(anchorer)[0]!
        // A reorg takes the stranger's transaction with it, and nobody sends it again.
        await at.rpc('evm_revert', [before])
        if (await at.knows(stranger)) await at.drop(stranger)
        await at.mining(false)
        await at.mine()
        await submit(ledger, 2)
        await anchorer.tick()
        assert.equal(attemptsOf(anchorer)[0]?.hash, waiting.hash)
        passMs(MINUTE)
        await anchorer.tick()
        assert.deepEqual([attemptsOf(anchorer)[0]?.nonce, openAnchors(anchorer)[0]?.size], [free, 4])
        await at.mine()
        await untilIncluded(anchorer, 4)
      })

      it('gives nonce 0 to the first anchor of a key that did not open the log', async () => {
        const { ledger, open, anchorerOn, chain, key } = await world()
        const fresh = createKeySigner(Wallet.createRandom().privateKey)
        const address = await fresh.address()
        await at.setBalance(address, 10n ** 18n)
        const data = anchorInterface.encodeFunctionData('setPublisher', [chain.logId, address])
        await sendFrom(at, key, { nonce: await chain.nextNonce(), to: chain.contract, data, gasLimit: 200_000 })
        await submit(ledger, 1)
        const anchorer = anchorerOn(open({ signer: fresh }))
        await untilIncluded(anchorer, 2)
        assert.equal(attemptsOf(anchorer)[0]?.nonce, 0)
      })
    })

    describe('funds', () => {
      it('says that it cannot pay, loses nothing, and anchors the newest round when it can', async () => {
        const { ledger, anchorerOn, address, passMs } = await world()
        await at.setBalance(address, 1000n)
        const anchorer = anchorerOn()
        await submit(ledger, 1)
        await assert.rejects(anchorer.tick(), { code: 'CHAIN_FUNDS' })
        assert.equal(anchorer.lag().alarm, 'The signing address cannot pay for the transaction.')
        assert.deepEqual([anchorer.lag().balanceWei, anchorer.lag().affordableAnchors], ['1000', 0])
        await submit(ledger, 2)
        await at.setBalance(address, 10n ** 18n)
        passMs(5_000)
        await untilIncluded(anchorer, 4)
      })

      it('warns while it can still pay for a few', async () => {
        const { ledger, anchorerOn, address, chain } = await world()
        const { balanceWei, anchors } = await chain.funds()
        await at.setBalance(address, (BigInt(balanceWei) / BigInt(anchors)) * 10n)
        const anchorer = anchorerOn()
        await submit(ledger, 1)
        await untilIncluded(anchorer, 2)
        const { alarm, affordableAnchors = 0 } = anchorer.lag()
        assert.ok(affordableAnchors > 0 && affordableAnchors < 20, `${affordableAnchors}`)
        assert.equal(alarm, `The signing address can pay for ${affordableAnchors} more anchors at most: send it funds.`)
      })

      it('sends the bid before again when it cannot pay the higher one', async () => {
        const { anchorer, passMs, address, ledger } = await waitingWorld()
        await anchorer.tick()
        const [first] = attemptsOf(anchorer)
        // As much as the first bid may cost, and not a wei for the second.
        const { gasLimit, maxFeePerGas } = Transaction.from(first!.raw)
        await at.setBalance(address, gasLimit * (maxFeePerGas ?? 0n))
        await at.drop(first!.hash)
        passMs(MINUTE)
        await anchorer.tick()
        assert.equal(attemptsOf(anchorer).length, 2)
        assert.deepEqual([await at.knows(first!.hash), await at.knows(attemptsOf(anchorer)[1]!.hash)], [true, false])
        assert.equal(anchorer.lag().alarm, 'The signing address cannot pay for the transaction.')
        await at.mine()
        await untilIncluded(anchorer, ledger.head().size)
        assert.equal(openAnchors(anchorer)[0]?.transaction, first?.hash)
      })
    })
  })
}
