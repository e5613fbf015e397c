/**
 * Anchoring on a machine whose clock somebody sets: forward or back by ten years, with a restart in
 * between or without.
 */
import assert from 'node:assert/strict'
import { CHAINS, type TestChain } from '../chain/chains.ts'
import { attemptsOf, openAnchors, submit, untilIncluded, useWorlds } from './world.ts'

const TEN_YEARS_MS = 10 * 365 * 86_400_000
const LATE = 'Records are accepted but not anchored.'

for (const [name, start] of CHAINS) {
  describe(`anchoring with a clock that is set, on ${name}`, () => {
    let at: TestChain
    const world = useWorlds(start, chain => {
      at = chain
    })
    const finality = { confirmations: 0 } as const

    for (const [direction, byMs] of [
      ['forward', TEN_YEARS_MS],
      ['back', -TEN_YEARS_MS],
    ] as const) {
      it(`anchors on its interval after its clock was set ${direction}, and no earlier`, async () => {
        const { ledger, anchorerOn, passMs, setClock } = await world({ finality })
        const anchorer = anchorerOn()
        await submit(ledger, 1)
        await untilIncluded(anchorer, 2)
        setClock(byMs)
        await submit(ledger, 1)
        passMs(4_999)
        await anchorer.tick()
        assert.deepEqual([ledger.latestAnchor()?.size, anchorer.lag().alarm], [2, undefined])
        passMs(1)
        await untilIncluded(anchorer, 3)
        setClock(-byMs)
        await submit(ledger, 1)
        passMs(5_000)
        await untilIncluded(anchorer, 4)
      })

      it(`anchors at once when it starts after its clock was ${direction} and was set right`, async () => {
        const { ledger, anchorerOn, setClock } = await world({ finality })
        setClock(byMs)
        await submit(ledger, 1)
        await untilIncluded(anchorerOn(), 2)
        setClock(-byMs)
        await submit(ledger, 1)
        const restarted = anchorerOn()
        await untilIncluded(restarted, 3)
        await restarted.tick()
        assert.deepEqual([ledger.latestAnchor()?.size, restarted.lag().alarm], [3, undefined])
      })

      it(`raises the fees of a transaction that was sent before its clock was set ${direction}, a minute later as usual`, async () => {
        const { ledger, anchorerOn, passMs, setClock } = await world({ finality })
        await at.mining(false)
        const anchorer = anchorerOn()
        await submit(ledger, 1)
        await anchorer.tick()
        setClock(byMs)
        passMs(59_000)
        await anchorer.tick()
        assert.equal(attemptsOf(anchorer).length, 1)
        passMs(1_000)
        await anchorer.tick()
        assert.equal(attemptsOf(anchorer).length, 2)
      })
    }

    it('raises the fees at once, after a restart, of a transaction that was sent while the clock was ahead', async () => {
      const { ledger, anchorerOn, setClock } = await world({ finality })
      await at.mining(false)
      setClock(TEN_YEARS_MS)
      await submit(ledger, 1)
      await anchorerOn().tick()
      setClock(-TEN_YEARS_MS)
      const restarted = anchorerOn()
      await restarted.tick()
      assert.equal(attemptsOf(restarted).length, 2)
    })

    it('still reports after a restart that records are not anchored, and for how long the oldest has waited', async () => {
      const { ledger, anchorerOn, passMs } = await world({ finality })
      await at.mining(false)
      await submit(ledger, 1)
      const anchorer = anchorerOn()
      await anchorer.tick()
      passMs(180_000)
      await anchorer.tick()
      const before = anchorer.lag()
      const restarted = anchorerOn()
      await restarted.tick()
      assert.deepEqual([before.alarm, before.oldestUnanchoredMs], [LATE, 180_000])
      const { alarm, alarmCode, oldestUnanchoredMs } = restarted.lag()
      assert.deepEqual([alarm, alarmCode, oldestUnanchoredMs], [LATE, 'ANCHOR_LATE', 180_000])
    })

    it('calls records late that were accepted by a clock that was ahead, until they are anchored', async () => {
      const { ledger, anchorerOn, setClock, passMs } = await world({ finality })
      await untilIncluded(anchorerOn(), 1)
      await at.mining(false)
      setClock(TEN_YEARS_MS)
      await submit(ledger, 1)
      setClock(-TEN_YEARS_MS)
      passMs(5_000)
      const anchorer = anchorerOn()
      await anchorer.tick()
      assert.equal(anchorer.lag().alarm, LATE)
      assert.ok(Number.isSafeInteger(anchorer.lag().oldestUnanchoredMs))
      await at.mine()
      await untilIncluded(anchorer, 2)
      await anchorer.tick()
      assert.deepEqual([anchorer.lag().alarm, anchorer.lag().oldestUnanchoredMs], [undefined, 0])
    })

    it('asks all endpoints for finality although our clock is ahead', async () => {
      const { ledger, anchorerOn, setClock } = await world({ finality: { confirmations: 3 } })
      const anchorer = anchorerOn()
      await submit(ledger, 1)
      setClock(TEN_YEARS_MS)
      await untilIncluded(anchorer, 2)
      await anchorer.tick()
      assert.equal(ledger.latestAnchor(), undefined)
      assert.equal(openAnchors(anchorer)[0]?.state, 'included')
      await at.mine(3)
      await anchorer.tick()
      assert.equal(ledger.latestAnchor()?.size, 2)
    })
  })
}
