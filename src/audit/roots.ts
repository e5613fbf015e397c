/**
 * The tree during re-derivation: its roots at the requested sizes, its upper tiles, and its root by
 * an independent implementation.
 */
import { MerkleTree } from 'merkletreejs'
import { concatBytes } from '../core/bytes.ts'
import { EMPTY_ROOT, type Hash, sha256 } from '../core/hash.ts'
import { extendTree } from '../core/tlog/extension.ts'
import { TILE_HEIGHT, TILE_WIDTH, tileWidthAt } from '../core/tlog/tile.ts'
import { rootFromRange } from '../core/tlog/tree.ts'

/** A tree by its size and the hashes of its perfect subtrees, largest first. */
export type Tree = { readonly size: number; readonly range: readonly Hash[] }

/**
 * A tree of full bundles only, from which a run can continue. `edges[l]` are the hashes of the
 * partial tile on level l, computed with merkletreejs; level 0 is always empty.
 */
export type Base = Tree & { readonly edges: readonly (readonly Hash[])[] }

/** The empty tree. */
export const EMPTY_BASE: Base = { size: 0, range: [], edges: [] }

/** A re-derived tile. */
export type DerivedTile = { readonly level: number; readonly index: number; readonly hashes: Hash[] }

export type Roots = {
  /** The tree so far. */
  tree(): Tree
  /** Appends the leaves of the next bundle. Only the last one may have fewer than 256. */
  append(leaves: readonly Hash[]): void
  /** The root of the whole tree by merkletreejs. */
  independentRoot(): Hash
  /** The root at a requested size; undefined if the run did not pass it. */
  at(size: number): Hash | undefined
  /**
   * The tiles above level 0 that are as wide as a tree of `size` has them. Each is returned once.
   */
  finishedTiles(size: number): DerivedTile[]
  /** The tree up to its last full bundle. */
  base(): Base
}

/**
 * Starts at `start`; `sizes` are those whose roots will be requested. Holds a few hashes a level
 * and one for each size.
 */
export function createRoots(sizes: Iterable<number>, start: Base): Roots {
  const wanted = [...new Set(sizes)].filter(size => size > start.size).sort((a, b) => a - b)
  const known = new Map<number, Hash>([[start.size, rootFromRange(start.range)]])
  const upper = createUpperTiles(start.edges)
  const independent = createIndependent(start.edges)
  let nextWanted = 0
  let tree: Tree = start
  let full: Tree = start

  const extend = (leaves: readonly Hash[]) => {
    const { size, range, nodes } = extendTree(tree.size, tree.range, leaves)
    for (const { level, index, hash } of nodes) if (level > 0 && level % TILE_HEIGHT === 0) upper.add(level / TILE_HEIGHT, index, hash)
    tree = { size, range }
  }

  return {
    tree: () => tree,
    append(leaves) {
      if (tree.size % TILE_WIDTH !== 0) throw new Error('bug: a bundle after a partial one')
      const end = tree.size + leaves.length
      let taken = 0
      for (; wanted[nextWanted]! <= end; nextWanted++) {
        const upTo = wanted[nextWanted]! - end + leaves.length
        extend(leaves.slice(taken, upTo))
        taken = upTo
        known.set(tree.size, rootFromRange(tree.range))
      }
      extend(leaves.slice(taken))
      independent.append(leaves)
      if (leaves.length === TILE_WIDTH) full = tree
    },
    independentRoot: independent.root,
    at: size => known.get(size),
    finishedTiles: upper.takeFinished,
    base: () => ({ ...full, edges: independent.edges() }),
  }
}

/** The tiles above level 0 as they grow, from those that were partial at the start. */
function createUpperTiles(startEdges: Base['edges']) {
  const tiles = new Map<string, DerivedTile>()
  return {
    add(level: number, index: number, hash: Hash): void {
      const tileIndex = Math.floor(index / TILE_WIDTH)
      const key = `${level}/${tileIndex}`
      const begun = () => ({ level, index: tileIndex, hashes: (startEdges[level] ?? []).slice(0, index % TILE_WIDTH) })
      const tile = tiles.get(key) ?? begun()
      tile.hashes.push(hash)
      tiles.set(key, tile)
    },
    takeFinished(size: number): DerivedTile[] {
      const finished = [...tiles].filter(([, { level, index, hashes }]) => hashes.length === tileWidthAt(level, index, size))
      for (const [key] of finished) tiles.delete(key)
      return finished.map(([, tile]) => tile)
    },
  }
}

/** The same tree by merkletreejs, 256 hashes at a time. */
function createIndependent(startEdges: Base['edges']) {
  const edges = startEdges.map(edge => [...edge])
  let partial: Hash | undefined

  const add = (level: number, hash: Hash) => {
    const edge = edges[level] ?? []
    edges[level] = edge
    edge.push(hash)
    if (edge.length < TILE_WIDTH) return
    edges[level] = []
    add(level + 1, independentRoot(edge))
  }

  return {
    append(leaves: readonly Hash[]): void {
      const root = independentRoot(leaves)
      if (leaves.length < TILE_WIDTH) partial = root
      else add(1, root)
    },
    // Above 256 leaves, RFC 9162 splits only at multiples of 256. So the tree over the bundles'
    // roots is the tree over the leaves, and so on upwards.
    root(): Hash {
      let below = partial
      for (const edge of edges.slice(1)) {
        const hashes = below === undefined ? edge : [...edge, below]
        if (hashes.length > 0) below = independentRoot(hashes)
      }
      return below ?? EMPTY_ROOT
    },
    edges: () => Array.from(edges, edge => [...(edge ?? [])]),
  }
}

/**
 * merkletreejs in the shape of RFC 9162: no sorted pairs, an odd node moves up unchanged,
 * SHA-256(0x01 ‖ left ‖ right).
 */
function independentRoot(hashes: readonly Hash[]): Hash {
  if (hashes.length === 0) return EMPTY_ROOT
  const hashFn = (pair: Uint8Array) => Buffer.from(sha256(concatBytes(NODE_PREFIX, pair)))
  const leaves = hashes.map(hash => Buffer.from(hash))
  return new Uint8Array(new MerkleTree(leaves, hashFn, { sortPairs: false, duplicateOdd: false, hashLeaves: false }).getRoot())
}

const NODE_PREFIX = Uint8Array.of(1)
