/** The bounds of how much runs at once. */
import { deepEqual, ok, rejects } from 'node:assert/strict'
import { createRow, inTurns } from '../src/at-once.ts'

describe('at-once', () => {
  it('runs a limited number at once and the others in their order, whatever fails', async () => {
    const inRow = createRow(2)
    const order: number[] = []
    let running = 0
    const outcomes = await Promise.allSettled(
      [1, 2, 3, 4, 5].map(n =>
        inRow(async () => {
          ok(++running <= 2)
          await new Promise(resolve => setTimeout(resolve, 5))
          running--
          order.push(n)
          if (n === 2) throw new Error('no')
        }),
      ),
    )
    deepEqual(order, [1, 2, 3, 4, 5])
    deepEqual(
      outcomes.map(({ status }) => status === 'fulfilled'),
      [true, false, true, true, true],
    )
  })

  it('runs a limited number of tasks at once, and gives their results in the order of the items', async () => {
    let running = 0
    const results = await inTurns([30, 20, 10, 1], 2, async ms => {
      ok(++running <= 2)
      await new Promise(resolve => setTimeout(resolve, ms))
      running--
      return ms
    })
    deepEqual(results, [30, 20, 10, 1])
  })

  it('begins no task after one that failed', async () => {
    const begun: number[] = []
    const task = async (n: number) => {
      begun.push(n)
      if (n === 2) throw new Error('no')
    }
    await rejects(inTurns([1, 2, 3, 4, 5, 6], 2, task), /no/)
    deepEqual(begun, [1, 2])
  })
})
