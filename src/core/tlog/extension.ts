/** Growing a tree: the perfect subtrees that come into being as leaves are appended. */
import { type Hash, hashNode } from '../hash.ts'
import type { Node } from './tree.ts'

/** A perfect subtree with its root hash. */
export type HashedNode = Node & { readonly hash: Hash }

/** A tree after leaves were appended. */
export type Extension = {
  readonly size: number
  /** The root hashes of the perfect subtrees that [0, size) splits into, largest first. */
  readonly range: readonly Hash[]
  /** Every perfect subtree that the new leaves completed, the leaves themselves included; a level's nodes in ascending order. */
  readonly nodes: readonly HashedNode[]
}

/**
 * Appends leaves to a tree that is known by its compact range. Costs one node hash a leaf on average.
 * `range` holds the hashes of `rootNodes(size)`. RFC 9162 §2.1.1: a subtree of 2^k leaves is complete when its last leaf is there.
 */
export function extendTree(size: number, range: readonly Hash[], leafHashes: readonly Hash[]): Extension {
  const stack = [...range]
  const nodes: HashedNode[] = []
  for (let count = 0; count < leafHashes.length; count++) {
    let node: HashedNode = { level: 0, index: size + count, hash: leafHashes[count]! }
    nodes.push(node)
    while (node.index % 2 === 1) {
      const left = stack.pop()
      if (left === undefined) throw new Error(`bug: the compact range does not fit size ${size}`)
      node = { level: node.level + 1, index: (node.index - 1) / 2, hash: hashNode(left, node.hash) }
      nodes.push(node)
    }
    stack.push(node.hash)
  }
  return { size: size + leafHashes.length, range: stack, nodes }
}
