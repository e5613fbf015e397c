/** Groups in the order in which their items came. */
import { deepEqual } from 'node:assert/strict'
import { groupBy } from '../../src/core/group-by.ts'

describe('groupBy', () => {
  it('keeps the order of keys and of items, and takes any key', () => {
    const groups = groupBy([3, 1, 4, 1, 5], n => (n % 2 === 0 ? undefined : 'odd'))
    deepEqual(
      [...groups],
      [
        ['odd', [3, 1, 1, 5]],
        [undefined, [4]],
      ],
    )
    deepEqual([...groupBy([], String)], [])
  })
})
