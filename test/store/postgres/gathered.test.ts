/** Single reads that are sent together: each gets its own answer, and none waits without need. */
import { deepEqual } from 'node:assert/strict'
import { createGathered } from '../../../src/store/postgres/gathered.ts'

describe('gathered reads', () => {
  it('start at once, and go together while four are on their way', async () => {
    const asked: (readonly number[])[] = []
    const answers: (() => void)[] = []
    const read = createGathered<number, string>(keys => {
      asked.push(keys)
      return new Promise(resolve => answers.push(() => resolve(keys.map(key => `value ${key}`))))
    })
    const first = [1, 2, 3, 4].map(read)
    const others = [5, 6, 5].map(read)
    deepEqual(asked, [[1], [2], [3], [4]])
    answers.shift()!()
    deepEqual(await first[0], 'value 1')
    deepEqual(asked.slice(4), [[5, 6, 5]])
    const late = read(7)
    for (const answer of answers.splice(0)) answer()
    deepEqual(
      await Promise.all([...first, ...others]),
      [1, 2, 3, 4, 5, 6, 5].map(key => `value ${key}`),
    )
    for (const answer of answers.splice(0)) answer()
    deepEqual(await late, 'value 7')
  })

  it('fail together, and the next ones are asked again', async () => {
    let calls = 0
    const read = createGathered<number, number>(async keys => {
      if (++calls === 5) throw new Error('broken')
      return keys
    })
    const outcomes = await Promise.allSettled([1, 2, 3, 4, 5, 6].map(read))
    deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'],
    )
    deepEqual(await read(7), 7)
  })

  it('go in pieces if very many wait', async () => {
    const sizes: number[] = []
    const read = createGathered<number, number>(async keys => {
      sizes.push(keys.length)
      return keys
    })
    const all = Array.from({ length: 600 }, (_, i) => i)
    deepEqual(await Promise.all(all.map(read)), all)
    deepEqual(sizes, [1, 1, 1, 1, 256, 256, 84])
  })
})
