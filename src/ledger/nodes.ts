/**
 * The tree's nodes for those who prove: any perfect subtree of the committed tree, read from full tiles in the store or from the
 * growing edge in memory. Tiles are kept unfolded, the most recently used ones, so that a proof is look-ups and no hashing.
 */
import type { HashedNode } from '../core/extension.ts'
import type { Hash } from '../core/hash.ts'
import { TILE_HEIGHT, TILE_WIDTH } from '../core/tile.ts'
import type { Node, ReadHashes } from '../core/tree.ts'
import type { Edge, Head, Store } from '../store/port.ts'
import { tileNodes } from './tree-state.ts'

export type Nodes = {
  /** Hashes of perfect subtrees that lie wholly in the committed tree. */
  readonly read: ReadHashes
  /** Takes over the nodes that a committed batch completed. */
  add(nodes: readonly HashedNode[]): void
}

/** A tile unfolded: [k] holds its subtrees of 2^k hashes, in order. A growing tile's lists are simply shorter. */
type Unfolded = Hash[][]

/** How many unfolded tiles are kept, of about 20 KB each. */
const CACHED_TILES = 4096

/** The nodes of a committed tree, from its head row on. */
export function createNodes(store: Pick<Store, 'readTile'>, head: Head, edge: Edge): Nodes {
  const cache = new Map<string, Unfolded>()
  /** The growing tile of each level: never evicted, because the store has it only when it is full. */
  const growing = new Map<string, Unfolded>()
  edge.tiles.forEach((bytes, level) => {
    growing.set(tileKey(level, Math.floor(head.size / 2 ** ((level + 1) * TILE_HEIGHT))), tileNodes(bytes))
  })

  const keep = (key: string, tile: Unfolded) => {
    cache.delete(key)
    cache.set(key, tile)
    if (cache.size > CACHED_TILES) cache.delete(cache.keys().next().value!)
  }

  const unfolded = async (level: number, index: number): Promise<Unfolded> => {
    const key = tileKey(level, index)
    const found = growing.get(key) ?? cache.get(key)
    if (found !== undefined) return found
    const bytes = await store.readTile(level, index)
    if (bytes === undefined) throw new Error(`bug: tile ${key} is not in the store`)
    const tile = tileNodes(bytes)
    keep(key, tile)
    return tile
  }

  return {
    async read(nodes) {
      const hashes: Hash[] = []
      for (const node of nodes) {
        const { tileLevel, tileIndex, height, position } = place(node)
        const hash = (await unfolded(tileLevel, tileIndex))[height]?.[position]
        if (hash === undefined) throw new Error(`bug: node ${node.level}/${node.index} is beyond the committed tree`)
        hashes.push(hash)
      }
      return hashes
    },
    add(nodes) {
      for (const node of nodes) {
        const { tileLevel, tileIndex, height, position } = place(node)
        const key = tileKey(tileLevel, tileIndex)
        const tile = growing.get(key) ?? emptyTile()
        growing.set(key, tile)
        tile[height]![position] = node.hash
        const full = height === TILE_HEIGHT - 1 && position === 1
        if (!full) continue
        growing.delete(key)
        keep(key, tile)
      }
    },
  }
}

/** Where a node stands: in the tile of its level, as one of that tile's subtrees. */
function place(node: Node): { tileLevel: number; tileIndex: number; height: number; position: number } {
  const height = node.level % TILE_HEIGHT
  const width = TILE_WIDTH / 2 ** height
  return {
    tileLevel: (node.level - height) / TILE_HEIGHT,
    tileIndex: Math.floor(node.index / width),
    height,
    position: node.index % width,
  }
}

function emptyTile(): Unfolded {
  return Array.from({ length: TILE_HEIGHT }, () => [])
}

function tileKey(level: number, index: number): string {
  return `${level}/${index}`
}
