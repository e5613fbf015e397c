/**
 * The tree's nodes from tiles that are hashed whole. A tile is used only if its inner nodes are
 * those of its hashes, and if it has the hash that the tile above has for it, and so on up to the
 * growing tiles, which give the head's root. This names the damaged tile when a proof has failed,
 * and it is how the scrub and the doctor read.
 */
import { equalBytes } from '../core/bytes.ts'
import { HASH_BYTES, type Hash, hashNode } from '../core/hash.ts'
import { TILE_HEIGHT, TILE_WIDTH } from '../core/tlog/tile.ts'
import { type Node, type ReadHashes, rootFromRange, rootNodes } from '../core/tlog/tree.ts'
import type { Edge, Head, LogStore } from '../store/port/log.ts'

import { DamageError } from './errors.ts'
import { keepLast } from './kept.ts'
import { perfectRoot, splitHashes } from './tree-state.ts'
import { growingIndex, place, TILE_BYTES, tileKey, UNFOLDED_BYTES, type Unfolded, unfold } from './unfolded.ts'

/** A committed tree. */
export type Committed = { readonly head: Head; readonly edge: Edge }

/**
 * How many tiles are kept, of 16 KB each: those above the tile that is read, and its neighbours.
 */
const KEPT_TILES = 64

/**
 * Reads hashes of perfect subtrees within the tree that `committed` returns, which may grow.
 * @throws DamageError if a tile in the store is not the tree's
 */
export function createCheckedNodes(store: Pick<LogStore, 'readTile'>, committed: () => Committed): ReadHashes {
  const checked = keepLast<number, Unfolded>(KEPT_TILES)

  const readTile = async (level: number, index: number): Promise<Unfolded> => {
    const bytes = await store.readTile(level, index)
    const part = `tile ${level}/${index}`
    if (bytes?.length !== UNFOLDED_BYTES) throw new DamageError(part)
    const above = await readOne({ level: (level + 1) * TILE_HEIGHT, index })
    const tile = unfold(bytes.subarray(0, TILE_BYTES))
    const [left, right] = [tile.subarray(-2 * HASH_BYTES, -HASH_BYTES), tile.subarray(-HASH_BYTES)]
    if (!equalBytes(tile, bytes) || !equalBytes(hashNode(left, right), above)) throw new DamageError(part)
    checked.set(tileKey(level, index), tile)
    return tile
  }

  const readOne = async (node: Node): Promise<Hash> => {
    const { head, edge } = committed()
    const { level, index, offset } = place(node)
    if (index === growingIndex(level, head.size)) return nodeInEdge(edge, node)
    const tile = checked.get(tileKey(level, index)) ?? (await readTile(level, index))
    return tile.subarray(offset, offset + HASH_BYTES)
  }

  return async nodes => {
    const hashes: Hash[] = []
    for (const node of nodes) hashes.push(await readOne(node))
    return hashes
  }
}

/** The root hash of the first `size` entries. */
export async function rootAt(read: ReadHashes, size: number): Promise<Hash> {
  return rootFromRange(await read(rootNodes(size)))
}

/** A node of a growing tile, over the hashes that the edge has for it. */
function nodeInEdge({ tiles }: Edge, { level, index }: Node): Hash {
  const height = level % TILE_HEIGHT
  const width = 2 ** height
  const start = (index * width) % TILE_WIDTH
  const hashes = tiles[(level - height) / TILE_HEIGHT]?.subarray(start * HASH_BYTES, (start + width) * HASH_BYTES)
  if (hashes?.length !== width * HASH_BYTES) throw new Error(`bug: the tree has no node ${level}/${index}`)
  return perfectRoot(splitHashes(hashes))
}
