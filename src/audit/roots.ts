/** The tree while it is re-derived: its roots at the sizes that matter, its upper tiles, and its root by an implementation not ours. */
import { MerkleTree } from 'merkletreejs'
import { concatBytes } from '../core/bytes.ts'
import { extendTree } from '../core/extension.ts'
import { EMPTY_ROOT, type Hash, sha256 } from '../core/hash.ts'
import { TILE_HEIGHT, TILE_WIDTH, tileWidthAt } from '../core/tile.ts'
import { rootFromRange } from '../core/tree.ts'

/** A tree by its size and the hashes of its perfect subtrees, largest first. */
export type Tree = { readonly size: number; readonly range: readonly Hash[] }

/** Hashes of a tile from position `from` on. */
export type DerivedTile = { readonly level: number; readonly index: number; readonly from: number; readonly hashes: Hash[] }

export type Roots = {
  /** The tree with leaves appended. */
  append(tree: Tree, leaves: readonly Hash[]): Tree
  /** The leaves of one bundle, for the independent root. */
  addChunk(index: number, leaves: readonly Hash[]): void
  /** The independent roots of all full chunks so far. */
  chunks(): readonly Hash[]
  /** The root of the whole tree by merkletreejs. */
  independentRoot(): Hash
  /** The root at a size that was asked for, undefined where the run did not pass it. */
  at(size: number): Hash | undefined
  /** The tiles above level 0 that are as wide as a tree of `size` has them; each is given once. */
  finishedTiles(size: number): DerivedTile[]
}

/** Starts at `start`; `sizes` are those whose roots will be asked for, `chunks` the independent roots of earlier runs. */
export function createRoots(sizes: readonly { readonly size: number }[], chunks: readonly Hash[], start: Tree): Roots {
  const wanted = [...new Set(sizes.map(({ size }) => size))].sort((a, b) => a - b)
  const known = new Map<number, Hash>([[start.size, rootFromRange(start.range)]])
  const chunkRoots = chunks.slice(0, Math.floor(start.size / TILE_WIDTH))
  let partial: Hash | undefined
  const tiles = new Map<string, DerivedTile>()

  const addNode = (level: number, index: number, hash: Hash) => {
    const tileLevel = level / TILE_HEIGHT
    const tileIndex = Math.floor(index / TILE_WIDTH)
    const key = `${tileLevel}/${tileIndex}`
    const tile = tiles.get(key) ?? { level: tileLevel, index: tileIndex, from: index % TILE_WIDTH, hashes: [] }
    tile.hashes.push(hash)
    tiles.set(key, tile)
  }

  const appendPart = (tree: Tree, leaves: readonly Hash[]): Tree => {
    const { size, range, nodes } = extendTree(tree.size, tree.range, leaves)
    for (const node of nodes) if (node.level > 0 && node.level % TILE_HEIGHT === 0) addNode(node.level, node.index, node.hash)
    return { size, range }
  }

  return {
    append(tree, leaves) {
      const end = tree.size + leaves.length
      let grown = tree
      let taken = 0
      for (const size of [...wanted.filter(size => size > tree.size && size < end), end]) {
        grown = appendPart(grown, leaves.slice(taken, size - tree.size))
        taken = size - tree.size
        known.set(size, rootFromRange(grown.range))
      }
      return grown
    },
    addChunk(index, leaves) {
      const root = independentRoot(leaves)
      if (leaves.length === TILE_WIDTH) chunkRoots[index] = root
      else partial = root
    },
    chunks: () => chunkRoots,
    // RFC 9162 splits above 256 leaves at multiples of 256 only, so the tree over the roots of the chunks is the tree over the leaves.
    independentRoot: () => independentRoot(partial === undefined ? chunkRoots : [...chunkRoots, partial]),
    at: size => known.get(size),
    finishedTiles(size) {
      const finished = [...tiles].filter(([, { level, index, from, hashes }]) => from + hashes.length === tileWidthAt(level, index, size))
      for (const [key] of finished) tiles.delete(key)
      return finished.map(([, tile]) => tile)
    },
  }
}

/** merkletreejs in the shape of RFC 9162: no sorted pairs, an odd node rises as it is, SHA-256(0x01 ‖ left ‖ right). */
function independentRoot(hashes: readonly Hash[]): Hash {
  if (hashes.length === 0) return EMPTY_ROOT
  const hashFn = (pair: Uint8Array) => Buffer.from(sha256(concatBytes(Uint8Array.of(1), pair)))
  const leaves = hashes.map(hash => Buffer.from(hash))
  return new Uint8Array(new MerkleTree(leaves, hashFn, { sortPairs: false, duplicateOdd: false, hashLeaves: false }).getRoot())
}
