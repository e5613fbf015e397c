import { deepEqual, equal } from 'node:assert/strict'
import { MerkleTree } from 'merkletreejs'
import { fromHex, toHex } from '../../../src/core/bytes.ts'
import { EMPTY_ROOT, hashLeaf } from '../../../src/core/hash.ts'
import { rangeNodes, rootFromRange, rootNodes, splitPoint } from '../../../src/core/tlog/tree.ts'
import { mth, naiveSha256, readerOf, someLeaves } from './naive.ts'

const LEAVES = someLeaves(70)
const PUBLISHED_ENTRIES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
const PUBLISHED_ROOTS = ['6e340b9c', 'fac54203', 'aeb6bcfe', 'd37ee418', '4e3bbb1f', '76e67dad', 'ddb89be4']

describe('tree', () => {
  it('has the published roots of the eight test entries', async () => {
    const leaves = PUBLISHED_ENTRIES.map(hex => hashLeaf(fromHex(hex)))
    const roots = await Promise.all(
      leaves.map((_, i) =>
        readerOf(leaves)
          .read(rootNodes(i + 1))
          .then(rootFromRange),
      ),
    )
    deepEqual(
      roots.slice(0, 7).map(root => toHex(root).slice(0, 8)),
      PUBLISHED_ROOTS,
    )
    equal(toHex(roots[7]!), '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328')
  })

  it('has the root of the RFC and of merkletreejs at every size up to 70', async () => {
    for (let size = 1; size <= 70; size++) {
      const leaves = LEAVES.slice(0, size)
      const root = rootFromRange(await readerOf(leaves).read(rootNodes(size)))
      deepEqual(root, mth(leaves))
      const hashFn = (pair: Uint8Array) => Buffer.from(naiveSha256(Uint8Array.of(1), pair))
      const theirs = new MerkleTree(leaves.map(Buffer.from), hashFn, { sortPairs: false, duplicateOdd: false, hashLeaves: false })
      equal(theirs.getRoot().toString('hex'), toHex(root))
    }
  })

  it('has no nodes and the empty root without entries', () => {
    deepEqual(rootNodes(0), [])
    deepEqual(rootFromRange([]), EMPTY_ROOT)
  })

  it('covers every leaf once, in order, with ever smaller subtrees', () => {
    for (const size of [1, 2, 3, 70, 255, 256, 70_000, 2 ** 32 + 1, 2 ** 40 - 1, 2 ** 52, 2 ** 53 - 1]) {
      const nodes = rootNodes(size)
      let end = 0
      for (const { level, index } of nodes) {
        equal(index * 2 ** level, end)
        end += 2 ** level
      }
      equal(end, size)
      deepEqual(
        nodes,
        nodes.toSorted((a, b) => b.level - a.level),
      )
      equal(new Set(nodes.map(({ level }) => level)).size, nodes.length)
    }
    equal(rootNodes(2 ** 53 - 1).length, 53)
    deepEqual(rootNodes(2 ** 52), [{ level: 52, index: 0 }])
  })

  it('splits a range off the start as the recursion does', () => {
    deepEqual(rangeNodes(64, 70), [
      { level: 2, index: 16 },
      { level: 1, index: 34 },
    ])
    deepEqual(rangeNodes(2 ** 52, 2 ** 52 + 3), [
      { level: 1, index: 2 ** 51 },
      { level: 0, index: 2 ** 52 + 2 },
    ])
  })

  it('splits below n, even when n is a power of two', () => {
    deepEqual([2, 3, 4, 5, 8, 9, 2 ** 53 - 1, 2 ** 52, 2 ** 52 + 1].map(splitPoint), [1, 2, 2, 4, 4, 8, 2 ** 52, 2 ** 51, 2 ** 52])
  })
})
