/** Turns on the event loop: by time, requests before long work, and nobody starves. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { breathe, createTurns, enter } from '../src/turns.ts'

describe('turns', () => {
  /** Turns by a clock and rounds that the test moves. */
  const open = () => {
    const rounds: (() => void)[] = []
    const clock = { ms: 0 }
    const turns = createTurns({ roundMs: 8, nowMs: () => clock.ms, nextRound: then => rounds.push(then) })
    const nextRound = async () => {
      for (const then of rounds.splice(0)) then()
      await new Promise(resolve => setImmediate(resolve))
    }
    return { ...turns, clock, nextRound }
  }

  it('lets work go on at once until the time of a round is spent, and then in the next round', async () => {
    const { breathe, clock, nextRound } = open()
    equal(breathe(), undefined)
    clock.ms = 7
    equal(breathe(), undefined)
    clock.ms = 8
    const later = breathe()
    ok(later)
    let isOn = false
    later.then(() => {
      isOn = true
    })
    await Promise.resolve()
    equal(isOn, false)
    await nextRound()
    equal(isOn, true)
  })

  it('lets waiting requests go before long work, and still one piece of long work in each round', async () => {
    const { enter, breathe, clock, nextRound } = open()
    enter()
    clock.ms = 8
    const order: string[] = []
    const wait = (name: string, turn: Promise<void> | undefined) =>
      turn?.then(() => {
        order.push(name)
        clock.ms += 5
      })
    for (const name of ['long 1', 'long 2', 'long 3']) wait(name, breathe())
    for (const name of ['request 1', 'request 2', 'request 3']) wait(name, enter())
    await nextRound()
    deepEqual(order.splice(0), ['long 1', 'request 1'])
    await nextRound()
    deepEqual(order.splice(0), ['long 2', 'request 2'])
    await nextRound()
    deepEqual(order.splice(0), ['long 3', 'request 3'])
  })

  it('keeps the loop free for a timer while any amount of long work is under way', async () => {
    let isOver = false
    const long = Promise.all(
      Array.from({ length: 40 }, async () => {
        for (let piece = 0; piece < 20; piece++) {
          await breathe()
          for (const endMs = performance.now() + 1; performance.now() < endMs; );
        }
      }),
    ).then(() => {
      isOver = true
    })
    let rounds = 0
    while (!isOver) {
      await new Promise(resolve => setTimeout(resolve, 1))
      await enter()
      rounds++
    }
    await long
    // 800 ms of work in rounds of 8 ms, each a little longer.
    ok(rounds > 40, `${rounds} rounds`)
  })
})
