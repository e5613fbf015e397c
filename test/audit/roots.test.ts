/** The tree while it is re-derived: two implementations, any place to go on from. */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { compareLeaves } from '../../src/audit/finding.ts'
import { createRoots, EMPTY_BASE, type Roots } from '../../src/audit/roots.ts'
import { toHex, toUtf8 } from '../../src/core/bytes.ts'
import { EMPTY_ROOT, type Hash, hashLeaf } from '../../src/core/hash.ts'
import { mth } from '../core/tlog/naive.ts'

const leavesOf = (size: number) => Array.from({ length: size }, (_, i) => hashLeaf(toUtf8(String(i))))

function appendAll(roots: Roots, leaves: readonly Hash[]): Roots {
  for (let start = roots.tree().size; start < leaves.length; start += 256) roots.append(leaves.slice(start, start + 256))
  return roots
}

describe('audit/roots', () => {
  it('has the root of the RFC by both implementations, at the sizes around every edge of a bundle', () => {
    const leaves = leavesOf(768)
    for (let size = 0; size <= 768; size += size % 256 < 3 || size % 256 > 252 ? 1 : 50) {
      const roots = appendAll(createRoots([], EMPTY_BASE), leaves.slice(0, size))
      const root = size === 0 ? EMPTY_ROOT : mth(leaves.slice(0, size))
      deepEqual([toHex(roots.independentRoot()), roots.tree().size], [toHex(root), size])
    }
  })

  it('knows the roots that were asked for, wherever they lie', () => {
    const leaves = leavesOf(700)
    const sizes = [700, 1, 2, 255, 256, 257, 300, 512, 699, 699, 9999]
    const roots = appendAll(createRoots(sizes, EMPTY_BASE), leaves)
    for (const size of sizes.filter(size => size <= 700)) equal(toHex(roots.at(size)!), toHex(mth(leaves.slice(0, size))), String(size))
    deepEqual([roots.at(9999), roots.at(3)], [undefined, undefined])
  })

  it('goes on from any full bundle, through the third level of tiles, to the same root and the same tiles', () => {
    const size = 65_536 + 256 * 3 + 7
    const leaves = leavesOf(size)
    const whole = appendAll(createRoots([], EMPTY_BASE), leaves)
    const tiles = whole.finishedTiles(size)
    deepEqual(
      tiles.map(({ level, index, hashes }) => [level, index, hashes.length]),
      [
        [1, 0, 256],
        [2, 0, 1],
        [1, 1, 3],
      ],
    )
    for (const from of [256, 65_280, 65_536, 65_792]) {
      const base = appendAll(createRoots([], EMPTY_BASE), leaves.slice(0, from + 5)).base()
      equal(base.size, from)
      const rest = appendAll(createRoots([], JSON.parse(JSON.stringify(base), readBytes)), leaves)
      deepEqual([rest.independentRoot(), rest.tree(), rest.base()], [whole.independentRoot(), whole.tree(), whole.base()])
      for (const tile of rest.finishedTiles(size))
        deepEqual(
          tile,
          tiles.find(({ level, index }) => level === tile.level && index === tile.index),
        )
    }
  })

  it('takes no bundle after a partial one', () => {
    const roots = appendAll(createRoots([], EMPTY_BASE), leavesOf(3))
    throws(() => roots.append(leavesOf(1)), /bug/)
  })
})

describe('audit/finding', () => {
  const leaves = leavesOf(6)
  const codeOf = (served: readonly Hash[]) => compareLeaves(100, served, leaves)

  it('distinguishes a change, a swap, a gap and an addition', () => {
    const other = hashLeaf(toUtf8('other'))
    const at = (code: string, index: number) => ({ code, index })
    const told = (served: readonly Hash[]) => {
      const found = codeOf(served)
      return found && { code: found.code, index: found.index }
    }
    equal(told(leaves), undefined)
    deepEqual(told(leaves.with(2, other)), at('AUDIT_ENTRY_CHANGED', 102))
    deepEqual(told(leaves.with(5, other)), at('AUDIT_ENTRY_CHANGED', 105))
    deepEqual(told(leaves.with(1, leaves[4]!).with(4, leaves[1]!)), at('AUDIT_ENTRIES_SWAPPED', 101))
    deepEqual(told(leaves.toReversed()), at('AUDIT_ENTRIES_SWAPPED', 100))
    deepEqual(told(leaves.toSpliced(3, 1)), at('AUDIT_ENTRY_DROPPED', 103))
    deepEqual(told([...leaves.toSpliced(0, 1), other]), at('AUDIT_ENTRY_DROPPED', 100))
    deepEqual(told(leaves.slice(0, 5)), at('AUDIT_ENTRY_DROPPED', 105))
    deepEqual(told([]), at('AUDIT_ENTRY_DROPPED', 100))
    deepEqual(told([...leaves, other]), at('AUDIT_ENTRY_CHANGED', 106))
  })
})

/** JSON.stringify writes a Uint8Array as an object of its members. */
function readBytes(_key: string, value: unknown): unknown {
  const isBytes = typeof value === 'object' && value !== null && !Array.isArray(value) && '31' in value
  return isBytes ? Uint8Array.from(Object.values(value) as number[]) : value
}
