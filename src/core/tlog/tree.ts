/**
 * The shape of the tree: the perfect subtrees of a range of leaves, and the root over them. RFC
 * 6962 §2.1.
 */
import { EMPTY_ROOT, type Hash, hashNode } from '../hash.ts'

/**
 * The perfect subtree over the leaves [index · 2^level, (index + 1) · 2^level). Level 0 is a leaf.
 */
export type Node = { readonly level: number; readonly index: number }

/** Reads the hashes of perfect subtrees within the tree, in the order of `nodes`. */
export type ReadHashes = (nodes: readonly Node[]) => Promise<readonly Hash[]>

/** The perfect subtrees of a tree of `size`, largest first; empty for the empty tree. */
export function rootNodes(size: number): Node[] {
  return rangeNodes(0, size)
}

/**
 * The perfect subtrees of MTH(D[from:to]), largest first. The range must occur in the RFC's
 * recursion: `from` is a multiple of the smallest power of two that is not below the range's
 * length.
 */
export function rangeNodes(from: number, to: number): Node[] {
  if (from === to) return []
  const level = floorLog2(to - from)
  const largest = { level, index: from / 2 ** level }
  const end = from + 2 ** level
  return end === to ? [largest] : [largest, ...rangeNodes(end, to)]
}

/**
 * The root over perfect subtrees, largest first as `rootNodes` lists them. The two smallest join
 * first.
 */
export function rootFromRange(hashes: readonly Hash[]): Hash {
  return hashes.length === 0 ? EMPTY_ROOT : hashes.reduceRight((right, left) => hashNode(left, right))
}

/** The RFC's k: the largest power of two smaller than n, for n > 1. */
export function splitPoint(n: number): number {
  return 2 ** floorLog2(n - 1)
}

/**
 * The exponent of the largest power of two that is not above n, for n ≥ 1. Exact up to 2^53 − 1,
 * where Math.log2 rounds.
 */
function floorLog2(n: number): number {
  let level = 0
  for (let rest = n; rest > 1; rest = Math.floor(rest / 2)) level++
  return level
}
