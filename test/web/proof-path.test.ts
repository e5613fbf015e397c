/** The steps of a proof as people follow them. */
import assert from 'node:assert/strict'
import { proofPath } from '../../src/web/proof-path.ts'
import { mth, naiveSha256, path, someLeaves } from '../core/tlog/naive.ts'

describe('web/proof path', () => {
  it('leads every entry of every tree up to 40 entries to its root, by the sides that it names', () => {
    for (let size = 1; size <= 40; size++) {
      const leaves = someLeaves(size)
      for (const [index, leaf] of leaves.entries()) {
        let result = leaf
        for (const line of proofPath(index, size, leaf, path(index, leaves))) {
          const [left, right] = line.side === 'left' ? [line.given, result] : [result, line.given]
          result = naiveSha256(Uint8Array.of(1), left, right)
          assert.deepEqual(line.result, result)
        }
        assert.deepEqual(result, mth(leaves), `${index} of ${size}`)
      }
    }
  })

  it('keeps its sides in trees beyond 32 bits', () => {
    const given = new Uint8Array(32)
    const sides = proofPath(2 ** 40, 2 ** 40 + 1, given, [given]).map(({ side }) => side)
    assert.deepEqual(sides, ['left'])
    assert.equal(
      proofPath(
        2 ** 40,
        2 ** 41,
        given,
        Array.from({ length: 41 }, () => given),
      ).filter(({ side }) => side === 'left').length,
      1,
    )
  })
})
