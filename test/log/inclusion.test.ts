/** The upper part of a proof is kept for the other leaves of its tile. */
import assert from 'node:assert/strict'
import { equalBytes } from '../../src/core/bytes.ts'
import { OpenSealError } from '../../src/core/errors.ts'
import { type Hash, hashLeaf } from '../../src/core/hash.ts'
import { ProofError, proveInclusion, verifyInclusion } from '../../src/core/tlog/proof.ts'
import { type Node, rootFromRange } from '../../src/core/tlog/tree.ts'
import { createInclusion } from '../../src/log/inclusion.ts'

const SIZE = 1000
const leaves = Array.from({ length: SIZE }, (_, i) => hashLeaf(Uint8Array.of(i >> 8, i & 255)))

/** The root over `count` leaves, a power of two. */
function subtree(from: number, count: number): Hash {
  return count === 1 ? leaves[from]! : rootFromRange([subtree(from, count / 2), subtree(from + count / 2, count / 2)])
}
const sound = ({ level, index }: Node): Hash => subtree(index * 2 ** level, 2 ** level)
const readSound = async (nodes: readonly Node[]) => nodes.map(sound)
const root = rootFromRange([subtree(0, 512), subtree(512, 256), subtree(768, 128), subtree(896, 64), subtree(960, 32), subtree(992, 8)])

/** Reads the tree, and remembers which levels were asked for. */
function readers(change: (node: Node) => Hash = sound) {
  const levels = new Set<number>()
  const read = async (nodes: readonly Node[]) => {
    for (const { level } of nodes) levels.add(level)
    return nodes.map(change)
  }
  return { levels, read, readChecked: readSound, forget: () => {} }
}

describe('proofs of the entries of one tile', () => {
  it('are those of the RFC, for every entry, in any order', async () => {
    const prove = createInclusion(readers())
    for (let n = 0; n < SIZE; n++) {
      const index = (n * 37) % SIZE
      const made = await prove(index, SIZE, root)
      verifyInclusion(made)
      assert.deepEqual(made.proof, await proveInclusion(index, SIZE, readSound))
      assert.deepEqual([made.index, made.size, made.leafHash], [index, SIZE, leaves[index]])
    }
  })

  it('share the part above a full tile, but not between sizes', async () => {
    const nodes = readers()
    const prove = createInclusion(nodes)
    await prove(300, SIZE, root)
    nodes.levels.clear()
    await prove(400, SIZE, root)
    assert.ok(Math.max(...nodes.levels) < 8, 'nothing above the tile is read again')
    const smaller = rootFromRange([subtree(0, 512), subtree(512, 256)])
    const { proof } = await prove(400, 768, smaller)
    assert.deepEqual(proof, await proveInclusion(400, 768, readSound))
  })

  it('are verified each by itself: another leaf is refused after its neighbour was proven', async () => {
    const prove = createInclusion(readers())
    await prove(300, SIZE, root, leaves[300])
    await assert.rejects(prove(301, SIZE, root, leaves[300]), ProofError)
    await assert.rejects(prove(301, SIZE, root, leaves[555]), ProofError)
  })

  it('are made from checked tiles where a node below the kept part is damaged', async () => {
    const prove = createInclusion(readers(node => (node.level === 3 && node.index === 50 ? leaves[0]! : sound(node))))
    await prove(300, SIZE, root)
    const made = await prove(392, SIZE, root)
    verifyInclusion(made)
    assert.ok(!made.proof.some(hash => equalBytes(hash, leaves[0]!)))
  })

  it('keep no root of a tile that the proven leaf does not lead to', async () => {
    const prove = createInclusion(readers(node => (node.level === 8 && node.index === 1 ? leaves[0]! : sound(node))))
    // Its own proof needs no node of level 8 beside that of tile 0.
    for (const index of [300, 301]) verifyInclusion(await prove(index, SIZE, root))
  })

  it('are given also where the root of their tile, which they do not need, cannot be read', async () => {
    const nodes = readers()
    const read = async (wanted: readonly Node[]) => {
      if (wanted.some(({ level }) => level === 8)) throw new OpenSealError('LEDGER_DAMAGED', 'the tile is damaged')
      return nodes.read(wanted)
    }
    const prove = createInclusion({ ...nodes, read })
    for (const index of [3, 4]) verifyInclusion(await prove(index, 256, subtree(0, 256)))
  })
})
