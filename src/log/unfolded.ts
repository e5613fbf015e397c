/**
 * Full tiles as the store keeps them: the 256 hashes of the tile, then the 128 nodes over pairs of
 * them, then 64, down to 2. A proof takes any node of the tile from it without hashing.
 */
import { HASH_BYTES, hashNode } from '../core/hash.ts'
import { TILE_HEIGHT, TILE_WIDTH } from '../core/tlog/tile.ts'
import type { Node } from '../core/tlog/tree.ts'

/**
 * A tile with its inner nodes in one piece of memory. The unused part of a growing tile is zero,
 * and nodes of the committed tree are never read from it.
 */
export type Unfolded = Uint8Array

export const UNFOLDED_BYTES = (2 * TILE_WIDTH - 2) * HASH_BYTES
/** The tile's own hashes, which C2SP tlog-tiles serves. */
export const TILE_BYTES = TILE_WIDTH * HASH_BYTES

/** How many nodes of each height a tile has. */
const WIDTHS = Array.from({ length: TILE_HEIGHT }, (_, height) => TILE_WIDTH / 2 ** height)

/** Hashes every perfect subtree inside a tile, or inside its existing part. */
export function unfold(bytes: Uint8Array): Unfolded {
  const tile = new Uint8Array(UNFOLDED_BYTES)
  tile.set(bytes)
  let count = bytes.length / HASH_BYTES
  for (let width = TILE_WIDTH; width > 2; width /= 2) {
    count = Math.floor(count / 2)
    for (let i = 0; i < count; i++) {
      const from = (startOf(width) + 2 * i) * HASH_BYTES
      const hash = hashNode(tile.subarray(from, from + HASH_BYTES), tile.subarray(from + HASH_BYTES, from + 2 * HASH_BYTES))
      tile.set(hash, (startOf(width / 2) + i) * HASH_BYTES)
    }
  }
  return tile
}

/** The position of a node: its tile, and the offset of its hash in the unfolded tile. */
export function place(node: Node): { level: number; index: number; offset: number } {
  const height = node.level % TILE_HEIGHT
  const width = WIDTHS[height]!
  const position = startOf(width) + (node.index % width)
  return { level: (node.level - height) / TILE_HEIGHT, index: Math.floor(node.index / width), offset: position * HASH_BYTES }
}

/** The index of the growing tile of a level in a tree of this size. */
export function growingIndex(level: number, size: number): number {
  return Math.floor(size / 2 ** ((level + 1) * TILE_HEIGHT))
}

/**
 * One number for level and index. Indexes are below 2^45, because a tree has at most 2^53 − 1
 * leaves.
 */
export function tileKey(level: number, index: number): number {
  return level * 2 ** 46 + index
}

/**
 * The position of the first of the `width` nodes of one height, after 256 + 128 + … + 2 · width
 * others.
 */
function startOf(width: number): number {
  return 2 * (TILE_WIDTH - width)
}
