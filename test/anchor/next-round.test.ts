/** Which round a voucher takes: the newest, but so that chains meet. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { nextRound, type Taking } from '../../src/anchor/next-round.ts'
import { createRounds, type Rounds } from '../../src/anchor/rounds.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'

/** The n-th round has size 10 n. */
async function roundsUpTo(last: number): Promise<Rounds> {
  const rounds = createRounds(createMemoryStore())
  for (let ordinal = 1; ordinal <= last; ordinal++) await rounds.open({ size: 10 * ordinal, root: '', checkpoint: '', openedMs: 0 }, [])
  return rounds
}
const alone: Taking = { everyRounds: 1, fromSize: 0 }

describe('anchor/next-round', () => {
  it('is the newest round for a single chain, and none where there is none', async () => {
    const rounds = await roundsUpTo(9)
    equal((await nextRound(rounds, 30, [], alone))?.size, 90)
    equal(await nextRound(rounds, 90, [], alone), undefined)
    equal(await nextRound(await roundsUpTo(0), 0, [], alone), undefined)
    equal((await nextRound(rounds, 45, [], alone))?.size, 90)
  })

  it('is every n-th one for a chain that takes part in every n-th', async () => {
    const rounds = await roundsUpTo(9)
    equal((await nextRound(rounds, 0, [], { everyRounds: 4, fromSize: 0 }))?.size, 80)
    equal(await nextRound(rounds, 80, [], { everyRounds: 4, fromSize: 0 }), undefined)
    equal(await nextRound(rounds, 80, [], { everyRounds: 4, fromSize: 0, common: 4 }), undefined)
  })

  it('is the last checkpoint of a key before any larger one, whichever n-th round that is', async () => {
    const rounds = await roundsUpTo(9)
    equal((await nextRound(rounds, 20, [30, 50], { everyRounds: 4, fromSize: 0 }))?.size, 30)
    equal((await nextRound(rounds, 30, [30, 50], alone))?.size, 50)
    equal((await nextRound(rounds, 50, [30, 50], alone))?.size, 90)
    // A chain that was added later has nothing to say about a key that ended before.
    equal((await nextRound(rounds, 0, [30, 50], { everyRounds: 1, fromSize: 40 }))?.size, 50)
    equal((await nextRound(rounds, 0, [30, 50], { everyRounds: 1, fromSize: 60 }))?.size, 90)
  })

  it('is none above the last size of a voucher that has ended, and no end that no round has reached', async () => {
    const rounds = await roundsUpTo(9)
    const ended = (toSize: number): Taking => ({ everyRounds: 1, fromSize: 0, toSize })
    equal((await nextRound(rounds, 30, [50], ended(50)))?.size, 50)
    // The later end is not its concern.
    equal(await nextRound(rounds, 50, [50, 70], ended(50)), undefined)
    equal(await nextRound(rounds, 30, [], ended(50)), undefined)
    // Another node has logged the end, and its round is not the newest that this one sees.
    const seen: Rounds = { ...rounds, newest: () => rounds.at(60) }
    equal((await nextRound(seen, 50, [70], alone))?.size, 60)
  })

  it('lets two chains meet, however slow each is, at least once in twice as many rounds as the slower is late', async () => {
    const rounds = await roundsUpTo(64)
    const takenBy = async (late: number, phase: number, everyRounds: number, common: number) => {
      const taken: number[] = []
      for (let now = phase + 1; now <= 64; now += late) {
        const seen: Rounds = { ...rounds, newest: () => rounds.byOrdinal(now) }
        const round = await nextRound(seen, (taken.at(-1) ?? 0) * 10, [], { everyRounds, common, fromSize: 0 })
        if (round !== undefined) taken.push(round.ordinal)
      }
      return taken
    }
    for (const [a, b] of [
      [1, 1],
      [2, 3],
      [5, 7],
    ] as const)
      for (const [every, common] of [
        [1, 1],
        [3, 3],
      ] as const) {
        const [one, two] = [await takenBy(a, 0, 1, common), await takenBy(b, 1, every, common)]
        const met = one.filter(ordinal => two.includes(ordinal))
        const gaps = met.map((ordinal, at) => ordinal - (met[at - 1] ?? 0))
        ok(met.length > 0 && Math.max(...gaps) <= 2 * Math.max(a, b) * common, `${a} ${b} ${every}: ${met}`)
        deepEqual(
          one,
          one.toSorted((x, y) => x - y),
        )
      }
  })
})
