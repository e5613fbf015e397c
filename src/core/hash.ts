/** The hashes of the tree. RFC 6962 §2.1; RFC 9162 §2.1.1 is the same. */
import { sha256, sha256Hex, sha256Text } from '#sha256'

/** A SHA-256 hash: 32 bytes. */
export type Hash = Uint8Array

/** The length of a hash in bytes. */
export const HASH_BYTES = 32

// The first byte separates leaves from nodes, so that neither can pass for the other.
const LEAF_PREFIX = 0x00
const NODE_PREFIX = 0x01
/**
 * The input of every node hash. Hashing is synchronous, so one array serves all: with a new one
 * for each, a node costs two to three times as much (2.0 against 5.3 µs, side by side).
 */
const nodeInput = new Uint8Array(1 + 2 * HASH_BYTES).fill(NODE_PREFIX, 0, 1)

/** SHA-256 of bytes or of a well-formed text as UTF-8. `sha256Hex` returns lower-case hex. */
export { sha256, sha256Hex, sha256Text }

/** Hash of an entry, at the bottom of the tree: SHA-256(0x00 ‖ entry). RFC 6962 §2.1. */
export function hashLeaf(entry: Uint8Array): Hash {
  const input = new Uint8Array(1 + entry.length)
  input[0] = LEAF_PREFIX
  input.set(entry, 1)
  return sha256(input)
}

/** Hash of two sibling subtrees: SHA-256(0x01 ‖ left ‖ right). RFC 6962 §2.1. */
export function hashNode(left: Hash, right: Hash): Hash {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) {
    throw new Error(`bug: a node of ${left.length} and ${right.length} bytes`)
  }
  nodeInput.set(left, 1)
  nodeInput.set(right, 1 + HASH_BYTES)
  return sha256(nodeInput)
}

/** Root of the empty tree: SHA-256 of the empty string. RFC 6962 §2.1. */
export const EMPTY_ROOT: Hash = sha256(new Uint8Array(0))
