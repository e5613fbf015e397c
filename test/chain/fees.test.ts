import assert from 'node:assert/strict'
import fc from 'fast-check'
import { bumpFees, type Fees, underCeiling } from '../../src/chain/fees.ts'

const fees = (maxFeePerGas: bigint, maxPriorityFeePerGas: bigint): Fees => ({ maxFeePerGas, maxPriorityFeePerGas })
const wei = fc.bigInt({ min: 0n, max: 10n ** 15n })
const anyFees = fc.tuple(wei, wei).map(([rest, tip]) => fees(rest + tip, tip))

describe('chain/fees', () => {
  it('raises both fields by 10 %, rounded up, when the chain asks less', () => {
    assert.deepEqual(bumpFees(fees(101n, 11n), fees(1n, 1n), fees(1000n, 1000n)), fees(112n, 13n))
  })
  it('takes what the chain asks when that is more', () => {
    assert.deepEqual(bumpFees(fees(100n, 10n), fees(500n, 50n), fees(1000n, 1000n)), fees(500n, 50n))
  })
  it('pays the ceiling at most, and says when 10 % more is above it', () => {
    assert.deepEqual(bumpFees(fees(100n, 10n), fees(500n, 50n), fees(200n, 20n)), fees(200n, 20n))
    assert.equal(bumpFees(fees(100n, 10n), fees(1n, 1n), fees(109n, 1000n)), undefined)
    assert.equal(bumpFees(fees(100n, 10n), fees(1n, 1n), fees(1000n, 10n)), undefined)
  })
  it('ends: bumped repeatedly, it stays under the ceiling and becomes undefined', () => {
    fc.assert(
      fc.property(anyFees, anyFees, anyFees, (first, suggested, ceiling) => {
        let last: Fees | undefined = underCeiling(first, ceiling)
        for (let bumps = 0; last !== undefined; bumps++) {
          assert.ok(bumps < 2000)
          assert.ok(last.maxFeePerGas <= ceiling.maxFeePerGas && last.maxPriorityFeePerGas <= last.maxFeePerGas)
          const next = bumpFees(last, suggested, ceiling)
          if (next !== undefined) {
            assert.ok(next.maxFeePerGas * 100n >= last.maxFeePerGas * 110n)
            assert.ok(next.maxPriorityFeePerGas * 100n >= last.maxPriorityFeePerGas * 110n)
          }
          last = next
        }
      }),
      { numRuns: 50 },
    )
  })
})
