/** Roots at the right edge: the same as without them, and joined once. */
import { deepEqual, equal } from 'node:assert/strict'
import { extendTree, type HashedNode } from '../../src/core/tlog/extension.ts'
import { inclusionPlan, proveInclusion } from '../../src/core/tlog/proof.ts'
import type { Node } from '../../src/core/tlog/tree.ts'
import { createEdgeRoots } from '../../src/log/edge-roots.ts'
import { someLeaves } from '../core/tlog/naive.ts'

const SIZE = 130
const nodes = new Map<string, HashedNode>()
for (const node of extendTree(0, [], someLeaves(SIZE)).nodes) nodes.set(`${node.level}/${node.index}`, node)

/** Reads nodes of the tree, and counts them. */
function createReader() {
  const reader = {
    count: 0,
    read: async (wanted: readonly Node[]) => {
      reader.count += wanted.length
      return wanted.map(({ level, index }) => nodes.get(`${level}/${index}`)!.hash)
    },
  }
  return reader
}

describe('log/edge-roots', () => {
  it('gives the same proofs as without kept roots, in any order of trees and entries', async () => {
    const { read } = createReader()
    const readRoots = createEdgeRoots(read)
    for (const step of [1, 37]) {
      for (let i = 0; i < SIZE; i++) {
        const size = ((i * step) % SIZE) + 1
        const plain = await Promise.all(Array.from({ length: size }, (_, index) => proveInclusion(index, size, read)))
        const roots = await Promise.all(plain.map((_, index) => readRoots(size, inclusionPlan(index, size))))
        deepEqual(roots, plain)
        deepEqual(await readRoots(size, inclusionPlan(size - 1, size)), plain[size - 1])
      }
    }
  })

  it('reads the nodes under a kept root once for each tree', async () => {
    const reader = createReader()
    const readRoots = createEdgeRoots(reader.read)
    const asked = async (index: number, size: number) => {
      reader.count = 0
      await readRoots(size, inclusionPlan(index, size))
      return reader.count
    }
    // 127 = 64 + 32 + 16 + 8 + 4 + 2 + 1: the first entry has 6 siblings in the first 64 and one
    // root over the six other subtrees.
    equal(await asked(0, 127), 12)
    equal(await asked(0, 127), 6)
    equal(await asked(63, 127), 6)
    equal(await asked(0, 126), 11)
    equal(await asked(1, 127), 6)
  })

  it('forgets the tree that was not asked for longest', async () => {
    const reader = createReader()
    const readRoots = createEdgeRoots(reader.read)
    for (let size = 60; size < 60 + 65; size++) await readRoots(size, inclusionPlan(0, size))
    const asked = async (size: number) => {
      reader.count = 0
      await readRoots(size, inclusionPlan(0, size))
      return reader.count
    }
    equal(await asked(62), 5)
    equal(await asked(60), 5 + 3)
  })
})
