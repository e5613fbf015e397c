/**
 * The RFC's recursions over all leaves, word for word: the oracle of the tree and proof tests. Plus
 * small worlds to run them on.
 */
import { createHash } from 'node:crypto'
import type { Hash } from '../../../src/core/hash.ts'
import type { Node, ReadHashes } from '../../../src/core/tlog/tree.ts'

export const naiveSha256 = (...parts: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(parts.reduce((state, part) => state.update(part), createHash('sha256')).digest())

const k = (n: number): number => {
  let power = 1
  while (power * 2 < n) power *= 2
  return power
}

/** MTH(D_n), RFC 9162 §2.1.1, over leaf hashes. */
export function mth(leaves: readonly Hash[]): Hash {
  const n = leaves.length
  if (n === 0) return naiveSha256()
  if (n === 1) return leaves[0]!
  return naiveSha256(Uint8Array.of(1), mth(leaves.slice(0, k(n))), mth(leaves.slice(k(n))))
}

/** PATH(m, D_n), RFC 9162 §2.1.3.1. */
export function path(m: number, leaves: readonly Hash[]): Hash[] {
  const n = leaves.length
  if (n === 1) return []
  if (m < k(n)) return [...path(m, leaves.slice(0, k(n))), mth(leaves.slice(k(n)))]
  return [...path(m - k(n), leaves.slice(k(n))), mth(leaves.slice(0, k(n)))]
}

/** PROOF(m, D_n) = SUBPROOF(m, D_n, true), RFC 9162 §2.1.4.1. */
export function subproof(m: number, leaves: readonly Hash[], b = true): Hash[] {
  const n = leaves.length
  if (m === n) return b ? [] : [mth(leaves)]
  if (m <= k(n)) return [...subproof(m, leaves.slice(0, k(n)), b), mth(leaves.slice(k(n)))]
  return [...subproof(m - k(n), leaves.slice(k(n)), false), mth(leaves.slice(0, k(n)))]
}

/** `count` different leaf hashes. */
export function someLeaves(count: number): Hash[] {
  return Array.from({ length: count }, (_, i) => naiveSha256(Uint8Array.of(0, i % 256, Math.floor(i / 256))))
}

/** A reader over these leaves that counts its calls and refuses a node that is not whole. */
export function readerOf(leaves: readonly Hash[]): { read: ReadHashes; calls(): number } {
  let calls = 0
  const hashOf = ({ level, index }: Node): Hash => {
    const under = leaves.slice(index * 2 ** level, (index + 1) * 2 ** level)
    if (under.length !== 2 ** level) throw new Error(`bug: node ${level}/${index} is not whole`)
    return mth(under)
  }
  return {
    read: async nodes => {
      calls++
      return nodes.map(hashOf)
    },
    calls: () => calls,
  }
}
