/** Which anchors are final: listed from below and from above, and taken back. */
import assert from 'node:assert/strict'
import { type FinalAnchor, openFinalAnchors } from '../../src/anchor/final-anchors.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'

const anchorOf = (size: number): FinalAnchor => ({
  type: 'evm',
  chainId: 1,
  contract: '0xc0',
  logId: '0x1d',
  size,
  root: '',
  transaction: '0x1',
  block: { number: size, hash: '0x2', time: '2026-11-20T10:00:00Z' },
})
const sizesOf = (anchors: readonly FinalAnchor[]) => anchors.map(({ size }) => size)

describe('anchor/final-anchors', () => {
  it('lists the newest first, below a size, however many there are and however far apart', async () => {
    const anchors = await openFinalAnchors(createMemoryStore())
    for (let size = 1; size <= 10; size++) await anchors.add(anchorOf(size))
    await anchors.add(anchorOf(200_000))
    assert.deepEqual(sizesOf(await anchors.newest(Number.MAX_SAFE_INTEGER, 3)), [200_000, 10, 9])
    assert.deepEqual(sizesOf(await anchors.newest(200_000, 3)), [10, 9, 8])
    assert.deepEqual(sizesOf(await anchors.newest(3, 9)), [2, 1])
    assert.deepEqual(await anchors.newest(1, 9), [])
  })

  it('falls back to the newest that stays when the chain has lost some', async () => {
    const store = createMemoryStore()
    const anchors = await openFinalAnchors(store)
    for (const size of [5, 9, 12, 20]) await anchors.add(anchorOf(size))
    await anchors.remove([20, 12, 5])
    assert.equal(anchors.latest()?.size, 9)
    assert.equal((await openFinalAnchors(store)).latest()?.size, 9)
    assert.equal((await anchors.covering(3))?.size, 9)
    await anchors.remove([9])
    assert.equal(anchors.latest(), undefined)
  })
})
