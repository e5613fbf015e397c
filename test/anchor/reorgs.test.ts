/**
 * Anchors whose blocks leave the chain, on two real chains: nothing is final too early, nothing is
 * lost, nothing is sent twice.
 */
import assert from 'node:assert/strict'
import type { Finality } from '../../src/anchor/chain.ts'
import { CHAINS, type TestChain } from '../chain/chains.ts'
import { attemptsOf, openAnchors, sendFrom, submit, untilIncluded, useWorlds } from './world.ts'

for (const [name, start] of CHAINS) {
  describe(`anchors in reorgs on ${name}`, () => {
    let at: TestChain
    const world = useWorlds(start, chain => {
      at = chain
    })

    const finality: Finality = { confirmations: 3 }

    it('is final when this many blocks are on top, and not one fewer', async () => {
      const { ledger, anchorerOn } = await world({ finality })
      const anchorer = anchorerOn()
      await submit(ledger, 1)
      await untilIncluded(anchorer, 2)
      for (let blocks = 0; blocks < 3; blocks++) {
        await anchorer.tick()
        assert.equal(ledger.latestAnchor(), undefined)
        await at.mine()
      }
      await anchorer.tick()
      assert.equal(ledger.latestAnchor()?.size, 2)
    })

    it('reports that records are accepted and not anchored, while no block takes the transaction', async () => {
      const { ledger, anchorerOn, passMs } = await world({ finality })
      await at.mining(false)
      const anchorer = anchorerOn()
      await submit(ledger, 1)
      await anchorer.tick()
      assert.equal(anchorer.lag().alarm, undefined)
      for (let minutes = 0; minutes < 3; minutes++) {
        passMs(60_000)
        await anchorer.tick()
      }
      const { alarm, oldestUnanchoredMs, unanchoredRecords } = anchorer.lag()
      assert.deepEqual([alarm, oldestUnanchoredMs, unanchoredRecords], ['Records are accepted but not anchored.', 180_000, 2])
      await at.mine()
      await untilIncluded(anchorer, 2)
      assert.equal(anchorer.lag().alarm, undefined)
    })

    it('reports that the chain calls no block final if its finality has stopped', async () => {
      const { ledger, anchorerOn, passMs } = await world({ finality })
      const anchorer = anchorerOn()
      await submit(ledger, 1)
      await untilIncluded(anchorer, 2)
      assert.equal(anchorer.lag().alarm, undefined)
      passMs(2 * 3_600_000 + 1)
      await anchorer.tick()
      assert.match(anchorer.lag().alarm ?? '', /the chain does not call that block final/)
      await at.mine(3)
      await anchorer.tick()
      assert.deepEqual([anchorer.lag().alarm, ledger.latestAnchor()?.size], [undefined, 2])
    })

    it('follows its transaction into another block, at every depth before it is final', async () => {
      const { anchorerOn, ledger, chain } = await world({ finality })
      const anchorer = anchorerOn()
      await submit(ledger, 1)
      await at.mining(false)
      await anchorer.tick()
      const { hash, raw } = attemptsOf(anchorer)[0]!
      for (let depth = 0; depth <= 2; depth++) {
        const before = await at.rpc('evm_snapshot')
        await at.mine(1 + depth)
        await untilIncluded(anchorer, 2)
        const block = openAnchors(anchorer)[0]?.block
        await at.rpc('evm_revert', [before])
        await at.mining(false)
        if (await at.knows(hash)) await at.drop(hash)
        const between = await at.rpc('evm_snapshot')
        await at.mine()
        await chain.broadcast(raw)
        await at.mine()
        await anchorer.tick()
        const moved = openAnchors(anchorer)[0]
        assert.deepEqual([moved?.state, moved?.transaction], ['included', hash])
        assert.notEqual(moved?.block?.hash, block?.hash)
        if (depth === 2) break
        await at.rpc('evm_revert', [between])
        await at.mining(false)
        await chain.broadcast(raw)
      }
      await at.mine(3)
      await anchorer.tick()
      assert.equal(ledger.latestAnchor()?.transaction, hash)
    })

    it('puts anchors back in their order when a reorg takes several of them', async () => {
      const { ledger, anchorerOn, passMs, chain } = await world({ finality: { confirmations: 8 } })
      const anchorer = anchorerOn()
      const before = await at.rpc('evm_snapshot')
      for (const size of [2, 3, 4]) {
        await submit(ledger, 1)
        passMs(5_000)
        await untilIncluded(anchorer, size)
      }
      const sent = openAnchors(anchorer).map(({ attempts }) => attempts[0]?.hash)
      await at.rpc('evm_revert', [before])
      await at.mine()
      assert.equal(await chain.latest(), null)
      await untilIncluded(anchorer, 4)
      await at.mine(8)
      await anchorer.tick()
      assert.deepEqual(
        (await ledger.listAnchors(0, 10)).map(({ size, transaction }) => [size, transaction]),
        [2, 3, 4].map((size, index) => [size, sent[index]]),
      )
    })

    it('survives a reorg in which its nonce goes to a stranger', async () => {
      const { ledger, anchorerOn, key, passMs, chain } = await world({ finality })
      const anchorer = anchorerOn()
      await submit(ledger, 1)
      const before = await at.rpc('evm_snapshot')
      await untilIncluded(anchorer, 2)
      const [lost] = attemptsOf(anchorer)
      await at.rpc('evm_revert', [before])
      await sendFrom(at, key, { nonce: lost!.nonce })
      await at.mine()
      for (let round = 0; round < 4; round++) {
        passMs(5_000)
        await anchorer.tick()
      }
      await untilIncluded(anchorer, 2)
      assert.notEqual(openAnchors(anchorer)[0]?.transaction, lost?.hash)
      assert.equal((await chain.latest())?.size, 2)
    })
  })
}
