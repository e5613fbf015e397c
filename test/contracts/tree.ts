// Merkle trees for the contract's tests, straight from the definitions of RFC 9162 §2.1 as
// recursions. Deliberately shares nothing with src/core and nothing with the contract's way of
// computing.
import { createHash } from 'node:crypto'

/** A hash as ethers takes and gives it: 0x and 64 hex digits. */
export type Hex = string

/** Leaf hashes of the entries "0", "1", … below `size`. */
export function leaves(size: number): Hex[] {
  return Array.from({ length: size }, (_, index) => sha256('00', Buffer.from(String(index)).toString('hex')))
}

/** Hash of two child nodes: SHA-256(0x01 ‖ left ‖ right). */
export function hashNode(left: Hex, right: Hex): Hex {
  return sha256('01', left.slice(2), right.slice(2))
}

/** Root hash of a list of leaf hashes: MTH of RFC 9162 §2.1.1. */
export function rootOf(hashes: readonly Hex[]): Hex {
  if (hashes.length === 0) return sha256()
  if (hashes.length === 1) return hashes[0]!
  const k = split(hashes.length)
  return hashNode(rootOf(hashes.slice(0, k)), rootOf(hashes.slice(k)))
}

/** Inclusion proof of the leaf at `index`: PATH of RFC 9162 §2.1.3.1. */
export function pathOf(index: number, hashes: readonly Hex[]): Hex[] {
  if (hashes.length === 1) return []
  const k = split(hashes.length)
  if (index < k) return [...pathOf(index, hashes.slice(0, k)), rootOf(hashes.slice(k))]
  return [...pathOf(index - k, hashes.slice(k)), rootOf(hashes.slice(0, k))]
}

/**
 * Consistency proof from the first `from` leaves to all of them: PROOF of RFC 9162 §2.1.4.1; empty
 * from 0.
 */
export function consistencyOf(from: number, hashes: readonly Hex[]): Hex[] {
  return from === 0 ? [] : subproof(from, hashes, true)
}

/** The hash with its last bit turned. */
export function damaged(hash: Hex): Hex {
  return `${hash.slice(0, -1)}${(parseInt(hash.slice(-1), 16) ^ 1).toString(16)}`
}

function subproof(from: number, hashes: readonly Hex[], whole: boolean): Hex[] {
  if (from === hashes.length) return whole ? [] : [rootOf(hashes)]
  const k = split(hashes.length)
  if (from <= k) return [...subproof(from, hashes.slice(0, k), whole), rootOf(hashes.slice(k))]
  return [...subproof(from - k, hashes.slice(k), false), rootOf(hashes.slice(0, k))]
}

/** The largest power of two below n. */
function split(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}

function sha256(...hex: readonly string[]): Hex {
  return `0x${createHash('sha256').update(hex.join(''), 'hex').digest('hex')}`
}
