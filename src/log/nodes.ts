/**
 * The tree's nodes for proofs: any perfect subtree of the committed tree, from full tiles in the
 * store or from the growing edge in memory. They are as the store returns them, so a proof is
 * verified against the signed root before anyone sees it: see `verified.ts`.
 */
import { HASH_BYTES, type Hash } from '../core/hash.ts'
import type { LogStore } from '../store/port/log.ts'
import { type Committed, createCheckedNodes } from './checked-nodes.ts'
import { DamageError } from './errors.ts'
import { keepLast } from './kept.ts'
import type { Growth } from './tree-state.ts'
import { growingIndex, place, tileKey, UNFOLDED_BYTES, type Unfolded, unfold } from './unfolded.ts'
import type { Readers } from './verified.ts'

export type Nodes = Readers & {
  /** Moves on to the tree after a committed batch. */
  grow(growth: Growth): void
  /** Moves on to a committed tree that extends this one. Full tiles in memory are kept. */
  moveTo(tree: Committed): void
}

/** How many full tiles are kept, of 16 KB each. */
const CACHED_TILES = 2048

/**
 * The nodes of a committed tree. `read` throws DamageError only for a tile that is missing or cut
 * short.
 */
export function createNodes(store: Pick<LogStore, 'readTile'>, tree: Committed): Nodes {
  const cache = keepLast<number, Unfolded>(CACHED_TILES)
  /**
   * The growing tile of each level. Never evicted, because the store does not have it before it is
   * full.
   */
  const growing = new Map<number, Unfolded>()
  let current = tree
  const moveTo = (next: Committed) => {
    const { head, edge } = next
    current = next
    growing.clear()
    edge.tiles.forEach((bytes, level) => {
      growing.set(tileKey(level, growingIndex(level, head.size)), unfold(bytes))
    })
  }
  moveTo(tree)

  const fromStore = async (level: number, index: number): Promise<Unfolded> => {
    const tile = await store.readTile(level, index)
    if (tile?.length !== UNFOLDED_BYTES) throw new DamageError(`tile ${level}/${index}`)
    cache.set(tileKey(level, index), tile)
    return tile
  }

  return {
    async read(nodes) {
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
    },
    readChecked: createCheckedNodes(store, () => current),
    forget: () => cache.clear(),
    moveTo,
    grow({ state, nodes }) {
      current = state
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
