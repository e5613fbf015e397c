/** Where a log is anchored, by its first entry and the changes after it. */
import { deepEqual } from 'node:assert/strict'
import type { AnchorsChange } from '../../src/core/statements/anchors-change.ts'
import { placesOf } from '../../src/server/places.ts'

const place = (chainId: number) => ({ type: 'evm', chainId, contract: `0x${'c'.repeat(40)}`, logId: `0x${'1'.repeat(64)}` }) as const
const codeSha256 = 'e'.repeat(64)
const changeAt = (index: number, ...chainIds: number[]) => {
  const anchors = chainIds.map(chainId => ({ ...place(chainId), codeSha256 }))
  const change: AnchorsChange = { type: 'openseal/anchors@v1', origin: 'log.example', anchors, created: '2026-01-01T00:00:00Z', salt: '' }
  return { index, change }
}

describe('places of a log', () => {
  it('are those of the first entry, from the first size on', () => {
    deepEqual(placesOf([place(1), place(2)], []), [
      { ...place(1), fromSize: 0 },
      { ...place(2), fromSize: 0 },
    ])
  })

  it('begin with size index + 2 where a change adds one, and end with index + 1 where it lists one no longer', () => {
    deepEqual(placesOf([place(1)], [changeAt(9, 1, 2), changeAt(20, 2), changeAt(30, 1, 2)]), [
      { ...place(1), fromSize: 0, toSize: 21 },
      { ...place(2), codeSha256, fromSize: 11 },
      { ...place(1), codeSha256, fromSize: 32 },
    ])
  })
})
