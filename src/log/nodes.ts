/**
 * The tree's nodes for proofs: any perfect subtree of the committed tree, from full tiles in the
 * store or from the growing edge in memory. Recently used tiles are kept with all their inner
 * nodes, so that a proof takes look-ups and no hashing.
 */
import { LRUCache } from 'lru-cache'
import { equalBytes } from '../core/bytes.ts'
import { HASH_BYTES, type Hash, hashNode } from '../core/hash.ts'
import type { HashedNode } from '../core/tlog/extension.ts'
import { TILE_HEIGHT, TILE_WIDTH } from '../core/tlog/tile.ts'
import { type Node, type ReadHashes, rootFromRange, rootNodes } from '../core/tlog/tree.ts'
import type { Edge, Head, Store } from '../store/port/port.ts'
import { DamageError } from './errors.ts'

export type Nodes = {
  /**
   * Hashes of perfect subtrees within the committed tree.
   * @throws DamageError if a tile in the store is not the tree's
   */
  readonly read: ReadHashes
  /** A full tile of the committed tree. @throws DamageError */
  fullTile(level: number, index: number): Promise<Uint8Array>
  /** Adds the nodes that a committed batch completed. */
  add(nodes: readonly HashedNode[]): void
  /** Moves on to a committed tree that extends this one. Full tiles in memory are kept. */
  moveTo(head: Head, edge: Edge): void
}

/**
 * A tile with its inner nodes in one piece of memory: its 256 hashes, then the 128 nodes over pairs
 * of them, then 64, down to 2. The unused part of a growing tile is zero, and nodes of the
 * committed tree are never read from it.
 */
type Unfolded = Uint8Array

/** How many unfolded tiles are kept, of 16 KB each. */
const CACHED_TILES = 2048
const UNFOLDED_BYTES = (2 * TILE_WIDTH - 2) * HASH_BYTES
/** How many nodes of each height a tile has. */
const WIDTHS = Array.from({ length: TILE_HEIGHT }, (_, height) => TILE_WIDTH / 2 ** height)

/** The nodes of a committed tree, given its head row. */
export function createNodes(store: Pick<Store, 'readTile'>, head: Head, edge: Edge): Nodes {
  const cache = new LRUCache<number, Unfolded>({ max: CACHED_TILES })
  /**
   * The growing tile of each level. Never evicted, because the store does not have it before it is
   * full.
   */
  const growing = new Map<number, Unfolded>()
  const moveTo = (head: Head, edge: Edge) => {
    growing.clear()
    edge.tiles.forEach((bytes, level) => {
      growing.set(tileKey(level, Math.floor(head.size / 2 ** ((level + 1) * TILE_HEIGHT))), unfold(bytes))
    })
  }
  moveTo(head, edge)

  const underWay = new Map<number, Promise<Unfolded>>()

  /**
   * A tile from the store is used only if it has the hash that the tile above has for it, and so on
   * up to the growing tiles, which give the head's root. No proof can therefore use a tile that the
   * disk has changed.
   */
  const readTile = async (level: number, index: number): Promise<Unfolded> => {
    const bytes = await store.readTile(level, index)
    const part = `tile ${level}/${index}`
    if (bytes?.length !== TILE_WIDTH * HASH_BYTES) throw new DamageError(part)
    const tile = unfold(bytes)
    const [left, right] = [tile.subarray(-2 * HASH_BYTES, -HASH_BYTES), tile.subarray(-HASH_BYTES)]
    const [above] = await read([{ level: (level + 1) * TILE_HEIGHT, index }])
    if (!equalBytes(hashNode(left, right), above!)) throw new DamageError(part)
    cache.set(tileKey(level, index), tile)
    return tile
  }

  /** Shares the read of a tile: an auditor asks for its entries, hashes and statements at once. */
  const fromStore = (level: number, index: number): Promise<Unfolded> => {
    const key = tileKey(level, index)
    const reading = underWay.get(key) ?? readTile(level, index).finally(() => underWay.delete(key))
    underWay.set(key, reading)
    return reading
  }

  const read: ReadHashes = async nodes => {
    const hashes: Hash[] = []
    let tile: Unfolded | undefined
    let tileAt = Number.NaN
    for (const node of nodes) {
      const { level, index, offset } = place(node)
      const key = tileKey(level, index)
      // Most nodes of a proof share a tile, and a tile in memory takes no turn of the event loop.
      if (key !== tileAt) tile = growing.get(key) ?? cache.get(key) ?? (await fromStore(level, index))
      tileAt = key
      hashes.push(tile!.subarray(offset, offset + HASH_BYTES))
    }
    return hashes
  }

  return {
    read,
    moveTo,
    async fullTile(level, index) {
      const tile = cache.get(tileKey(level, index)) ?? (await fromStore(level, index))
      return tile.slice(0, TILE_WIDTH * HASH_BYTES)
    },
    add(nodes) {
      for (const node of nodes) {
        const { level, index, offset } = place(node)
        const key = tileKey(level, index)
        const tile = growing.get(key) ?? new Uint8Array(UNFOLDED_BYTES)
        growing.set(key, tile)
        tile.set(node.hash, offset)
        const isFull = offset === UNFOLDED_BYTES - HASH_BYTES
        if (!isFull) continue
        growing.delete(key)
        cache.set(key, tile)
      }
    },
  }
}

/** The root hash of the first `size` entries. */
export async function rootAt(nodes: Pick<Nodes, 'read'>, size: number): Promise<Hash> {
  return rootFromRange(await nodes.read(rootNodes(size)))
}

/** The position of a node: its tile, and its place among that tile's subtrees. */
function place(node: Node): { level: number; index: number; offset: number } {
  const height = node.level % TILE_HEIGHT
  const width = WIDTHS[height]!
  const position = startOf(width) + (node.index % width)
  return { level: (node.level - height) / TILE_HEIGHT, index: Math.floor(node.index / width), offset: position * HASH_BYTES }
}

/**
 * The position of the first of the `width` nodes of one height, after 256 + 128 + … + 2 · width
 * others.
 */
function startOf(width: number): number {
  return 2 * (TILE_WIDTH - width)
}

/** Hashes every perfect subtree inside a tile, or inside its existing part. */
function unfold(bytes: Uint8Array): Unfolded {
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

/**
 * One number for level and index. Indexes are below 2^45, because a tree has at most 2^53 − 1
 * leaves.
 */
function tileKey(level: number, index: number): number {
  return level * 2 ** 46 + index
}
