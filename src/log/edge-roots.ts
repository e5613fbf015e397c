/**
 * Root hashes for inclusion proofs. If a tree is not perfect, its proofs contain roots over several
 * perfect subtrees at its right edge, which take a hash for each join. The entries of one tree
 * share them, so they are computed once and kept for recently used trees.
 */
import type { Hash } from '../core/hash.ts'
import { type Node, type ReadHashes, rootFromRange } from '../core/tlog/tree.ts'

/**
 * The root over each of these groups of perfect subtrees of the tree of `size`, as `inclusionPlan`
 * lists them.
 */
export type ReadRoots = (size: number, groups: readonly (readonly Node[])[]) => Promise<Hash[]>

const KEPT_TREES = 64

/** Reads with `read`, except for the roots that are kept. */
export function createEdgeRoots(read: ReadHashes): ReadRoots {
  /** The joined roots of each size, by their first leaf. Each covers the rest of its tree. */
  const trees = new Map<number, Map<number, Hash>>()

  const edgeOf = (size: number) => {
    const edge = trees.get(size) ?? new Map<number, Hash>()
    trees.delete(size)
    trees.set(size, edge)
    if (trees.size > KEPT_TREES) trees.delete(trees.keys().next().value!)
    return edge
  }

  return async (size, groups) => {
    const edge = edgeOf(size)
    const kept = groups.map(group => (group.length > 1 ? edge.get(firstLeaf(group[0]!)) : undefined))
    const hashes = await read(groups.filter((_, i) => kept[i] === undefined).flat())
    let next = 0
    return groups.map((group, i) => {
      if (kept[i] !== undefined) return kept[i]
      if (group.length === 1) return hashes[next++]!
      const root = rootFromRange(hashes.slice(next, next + group.length))
      next += group.length
      edge.set(firstLeaf(group[0]!), root)
      return root
    })
  }
}

function firstLeaf({ level, index }: Node): number {
  return index * 2 ** level
}
