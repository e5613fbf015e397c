/** The hashes of the tree. RFC 6962 §2.1, the same in RFC 9162 §2.1.1. */
import { sha256, sha256Hex, sha256Text } from '#sha256'

/** A SHA-256 hash: 32 bytes. */
export type Hash = Uint8Array

/** The length of a hash in bytes. */
export const HASH_BYTES = 32

// A leaf can never be taken for a node: the first byte that is hashed differs.
const LEAF_PREFIX = 0x00
const NODE_PREFIX = 0x01
/** What a node hash is taken over, written anew for each: hashing is synchronous, and a tree is mostly nodes. */
const nodeInput = new Uint8Array(1 + 2 * HASH_BYTES).fill(NODE_PREFIX, 0, 1)

/** SHA-256 of the data, or of the UTF-8 of a well-formed text: 32 bytes, or these in lower-case hex. */
export { sha256, sha256Hex, sha256Text }

/** Hash of an entry at the bottom of the tree: SHA-256(0x00 ‖ entry). RFC 6962 §2.1. */
export function hashLeaf(entry: Uint8Array): Hash {
  const input = new Uint8Array(1 + entry.length)
  input[0] = LEAF_PREFIX
  input.set(entry, 1)
  return sha256(input)
}

/** Hash of two subtrees side by side: SHA-256(0x01 ‖ left ‖ right). RFC 6962 §2.1. */
export function hashNode(left: Hash, right: Hash): Hash {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) {
    throw new Error(`bug: a node of ${left.length} and ${right.length} bytes`)
  }
  nodeInput.set(left, 1)
  nodeInput.set(right, 1 + HASH_BYTES)
  return sha256(nodeInput)
}

/** Root of the tree without entries: SHA-256 of the empty string. RFC 6962 §2.1. */
export const EMPTY_ROOT: Hash = sha256(new Uint8Array(0))
