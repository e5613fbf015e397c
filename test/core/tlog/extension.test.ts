/**
 * Growing a tree by its compact range: every tree up to 70 leaves, grown by every number of leaves,
 * against the RFC's recursion.
 */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { extendTree } from '../../../src/core/tlog/extension.ts'
import { type Node, rootFromRange, rootNodes } from '../../../src/core/tlog/tree.ts'
import { mth, readerOf, someLeaves } from './naive.ts'

const LEAVES = someLeaves(70)
const { read } = readerOf(LEAVES)

/**
 * The perfect subtrees that are whole with `to` leaves and were not with `from`: by counting, level
 * after level.
 */
function completed(from: number, to: number): Node[] {
  const nodes: Node[] = []
  for (let level = 0; 2 ** level <= to; level++)
    for (let index = Math.floor(from / 2 ** level); (index + 1) * 2 ** level <= to; index++) nodes.push({ level, index })
  return nodes
}

const byLevel = (a: Node, b: Node) => a.level - b.level || a.index - b.index

describe('extension', () => {
  it('has the range, the root and the completed subtrees of the grown tree', async () => {
    for (let from = 0; from <= 70; from++) {
      const range = await read(rootNodes(from))
      for (let to = from; to <= 70; to++) {
        const grown = extendTree(from, range, LEAVES.slice(from, to))
        equal(grown.size, to)
        deepEqual(grown.range, await read(rootNodes(to)))
        deepEqual(rootFromRange(grown.range), mth(LEAVES.slice(0, to)))
        const nodes = completed(from, to)
        deepEqual(
          [...grown.nodes].sort(byLevel).map(({ level, index }) => ({ level, index })),
          nodes,
        )
      }
    }
  })

  it('gives each subtree its hash, a level’s in ascending order, and leaves the range alone', async () => {
    const range = await read(rootNodes(37))
    const before = [...range]
    const { nodes } = extendTree(37, range, LEAVES.slice(37))
    deepEqual(range, before)
    deepEqual(
      nodes.map(({ hash }) => hash),
      await read(nodes),
    )
    for (const level of [0, 1, 2, 3, 4, 5]) {
      const indexes = nodes.filter(node => node.level === level).map(({ index }) => index)
      deepEqual(
        indexes,
        [...indexes].sort((a, b) => a - b),
      )
    }
  })

  it('refuses a range that is not that of the size', () => {
    throws(() => extendTree(3, [], LEAVES.slice(3, 4)), /bug: the compact range does not fit size 3/)
  })
})
