/** Growing a tree: the perfect subtrees that appended leaves complete. */
import { type Hash, hashNode } from '../hash.ts'
import type { Node } from './tree.ts'

/** A perfect subtree and its root hash. */
export type HashedNode = Node & { readonly hash: Hash }

/** The result of appending leaves. */
export type Extension = {
  readonly size: number
  /** The root hashes of the perfect subtrees of [0, size), largest first. */
  readonly range: readonly Hash[]
  /**
   * Every perfect subtree that the new leaves complete, the leaves included. Within a level, in
   * ascending order.
   */
  readonly nodes: readonly HashedNode[]
}

/**
 * Appends leaves to a tree given by its compact range, the hashes of `rootNodes(size)`. Costs one
 * node hash a leaf on average. RFC 9162 §2.1.1: a subtree of 2^k leaves is complete with its last
 * leaf.
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
