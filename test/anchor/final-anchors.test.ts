/** Final anchors: listed from below and from above, and taken back. */
import assert from 'node:assert/strict'
import type { FinalAnchor } from '../../src/anchor/final-anchors.ts'
import { openVouched } from '../../src/anchor/vouched.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import type { Documents } from '../../src/store/port/documents.ts'

const anchorOf = (size: number, chainId = 1): FinalAnchor => ({
  type: 'evm',
  chainId,
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
    const anchors = await openVouched(createMemoryStore(), { steadyMs: () => 0 })
    for (let size = 1; size <= 10; size++) await anchors.setFinal(anchorOf(size))
    await anchors.setFinal(anchorOf(200_000))
    assert.deepEqual(sizesOf(await anchors.newestAnchors(Number.MAX_SAFE_INTEGER, 3)), [200_000, 10, 9])
    assert.deepEqual(sizesOf(await anchors.newestAnchors(200_000, 3)), [10, 9, 8])
    assert.deepEqual(sizesOf(await anchors.newestAnchors(3, 9)), [2, 1])
    assert.deepEqual(await anchors.newestAnchors(1, 9), [])
  })

  it('falls back to the newest remaining one when the chain has lost some', async () => {
    const store = createMemoryStore()
    const anchors = await openVouched(store, { steadyMs: () => 0 })
    for (const size of [5, 9, 12, 20]) await anchors.setFinal(anchorOf(size))
    await anchors.dropFinal(1, [20, 12, 5])
    assert.equal(anchors.latestAnchor()?.size, 9)
    assert.equal((await openVouched(store, { steadyMs: () => 0 })).latestAnchor()?.size, 9)
    assert.equal((await anchors.covering(3))?.size, 9)
    await anchors.dropFinal(1, [9])
    assert.equal(anchors.latestAnchor(), undefined)
  })

  it('keeps those of several chains apart, even at one size, and covers an index by the smallest of any', async () => {
    const anchors = await openVouched(createMemoryStore(), { steadyMs: () => 0 })
    for (const [size, chainId] of [
      [5, 1],
      [5, 10],
      [8, 10],
      [12, 1],
    ] as const)
      await anchors.setFinal(anchorOf(size, chainId))
    const named = (list: readonly FinalAnchor[]) => list.map(({ size, chainId }) => `${size} on ${chainId}`)
    assert.deepEqual(named(await anchors.listAnchors(-1, 9)), ['5 on 1', '5 on 10', '8 on 10', '12 on 1'])
    assert.deepEqual(named(await anchors.listAnchors(5, 9)), ['8 on 10', '12 on 1'])
    assert.deepEqual(named(await anchors.newestAnchors(12, 9)), ['8 on 10', '5 on 10', '5 on 1'])
    assert.equal((await anchors.covering(5))?.size, 8)
    assert.deepEqual(named((await anchors.covering(4))?.anchors ?? []), ['5 on 1', '5 on 10'])
    assert.equal((await anchors.anchorAt(10, 8))?.chainId, 10)
    assert.equal(await anchors.anchorAt(1, 8), undefined)
    await anchors.dropFinal(1, [5])
    assert.deepEqual(named(await anchors.listAnchors(0, 2)), ['5 on 10', '8 on 10'])
  })

  it('ends a page only where a round ends, so that a page that goes on from its last size leaves none out', async () => {
    const anchors = await openVouched(createMemoryStore(), { steadyMs: () => 0 })
    for (const size of [5, 8]) for (const chainId of [1, 10, 137]) await anchors.setFinal(anchorOf(size, chainId))
    for (let limit = 1; limit <= 3; limit++) {
      assert.deepEqual(sizesOf(await anchors.listAnchors(-1, limit)), [5, 5, 5])
      assert.deepEqual(sizesOf(await anchors.newestAnchors(9, limit)), [8, 8, 8])
    }
    assert.deepEqual(sizesOf(await anchors.listAnchors(-1, 4)), [5, 5, 5, 8, 8, 8])
    assert.deepEqual(sizesOf(await anchors.listAnchors(5, 4)), [8, 8, 8])
  })

  it('names the earliest anchor of a round first, whichever chain it is of', async () => {
    const anchors = await openVouched(createMemoryStore(), { steadyMs: () => 0 })
    const later = anchorOf(5, 1)
    await anchors.setFinal({ ...later, block: { ...later.block, time: '2026-11-20T10:30:00Z' } })
    await anchors.setFinal(anchorOf(5, 10))
    assert.deepEqual(
      (await anchors.at(5)).anchors.map(({ chainId }) => chainId),
      [10, 1],
    )
    assert.deepEqual((await anchors.at(4)).anchors, [])
  })

  it('shows what another node has added or taken off within a second', async () => {
    let clockMs = 0
    const store = createMemoryStore()
    const ours = await openVouched(store, { steadyMs: () => clockMs })
    const theirs = await openVouched(store, { steadyMs: () => clockMs })
    await theirs.setFinal(anchorOf(9))
    clockMs += 1000
    assert.equal((await ours.covering(3))?.size, 9)
    await theirs.setFinal(anchorOf(5))
    clockMs += 1000
    assert.equal((await ours.covering(3))?.size, 5)
    await theirs.dropFinal(1, [5, 9])
    clockMs += 1000
    assert.equal(await ours.covering(3), undefined)
    assert.equal(ours.latestAnchor(), undefined)
  })

  /** A store whose next answer to a list is held until it is let go. */
  const held = (call: 'listDocuments' | 'listNewestDocuments') => {
    const store = createMemoryStore()
    let holds = false
    const waiting: (() => void)[] = []
    const list: Documents[typeof call] = async (...args: [never, never, never]) => {
      const rows = await store[call](...args)
      if (!holds) return rows
      holds = false
      await new Promise<void>(resolve => waiting.push(resolve))
      return rows
    }
    const hold = () => {
      holds = true
    }
    const release = () => {
      for (const go of waiting.splice(0)) go()
    }
    return { store: { ...store, [call]: list }, hold, release }
  }

  it('shows what this node has added, although a reading that began before ends after it', async () => {
    let clockMs = 0
    const { store, hold, release } = held('listNewestDocuments')
    const anchors = await openVouched(store, { steadyMs: () => clockMs })
    await anchors.setFinal(anchorOf(5))
    clockMs += 1000
    hold()
    const reading = anchors.covering(7)
    await anchors.setFinal(anchorOf(9))
    release()
    await reading
    assert.equal(anchors.latestAnchor()?.size, 9)
  })

  it('remembers no round that was taken off while it was read', async () => {
    const { store, hold, release } = held('listDocuments')
    const anchors = await openVouched(store, { steadyMs: () => 0 })
    for (const size of [5, 9]) await anchors.setFinal(anchorOf(size))
    hold()
    const reading = anchors.covering(3)
    await anchors.dropFinal(1, [5])
    release()
    await reading
    assert.equal((await anchors.covering(3))?.size, 9)
  })
})
