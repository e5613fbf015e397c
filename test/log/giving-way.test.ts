/** Turns at the head among nodes that share a store. */
import { deepEqual } from 'node:assert/strict'
import { createGivingWay } from '../../src/log/giving-way.ts'

describe('giving way', () => {
  it('waits once after a seal that followed another node’s, as long as this node needed then, and within bounds', async () => {
    let nowMs = 0
    const slept: number[] = []
    const turns = createGivingWay({ steadyMs: () => nowMs, sleep: async ms => void slept.push(ms) })
    const seal = async (...overtaken: number[]) => {
      await turns.before()
      for (const ms of overtaken) {
        turns.overtaken()
        nowMs += ms
      }
      turns.sealed()
    }
    // Alone, it never waits.
    for (let i = 0; i < 3; i++) await seal()
    deepEqual(slept, [])
    // From the first time that it was overtaken, over several.
    await seal(60, 40)
    deepEqual(slept, [])
    await seal()
    await seal()
    deepEqual(slept, [60])
    await seal(1_000_000)
    await seal()
    await seal()
    deepEqual(slept, [60, 280])
  })
})
