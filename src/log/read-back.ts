/** Promise 1's last part: what was just committed is read from the store again and must give the head that was signed. */
import { equalBytes } from '../core/bytes.ts'
import { hashLeaf } from '../core/hash.ts'
import { extendTree } from '../core/tlog/extension.ts'
import { decodeBundle, TILE_HEIGHT, TILE_WIDTH } from '../core/tlog/tile.ts'
import { rootFromRange } from '../core/tlog/tree.ts'
import type { Edge, Head, Store } from '../store/port/port.ts'
import { LedgerError } from './errors.ts'
import type { TreeState } from './tree-state.ts'

const HASH_BYTES = 32

/**
 * Reads the entries and tiles of one batch from the store and re-derives its head upon the tree before it, which earlier batches derived.
 * @throws LedgerError LEDGER_CORRUPT when the store holds anything else than what `head` says.
 */
export async function rederive(store: Store, before: TreeState, head: Head): Promise<void> {
  const stored = await store.readHead()
  if (stored === undefined || stored.head.size !== head.size || !equalBytes(stored.head.root, head.root)) throw mismatch('the head')
  const entries = await readEntries(store, stored.edge, before, head.size)
  const { range, nodes } = extendTree(before.head.size, before.range, entries.map(hashLeaf))
  if (!equalBytes(rootFromRange(range), head.root)) throw mismatch('the entries')

  const tiles = new Map<string, Uint8Array>()
  for (const node of nodes) {
    if (node.level % TILE_HEIGHT !== 0) continue
    const level = node.level / TILE_HEIGHT
    const index = Math.floor(node.index / TILE_WIDTH)
    const tile = tiles.get(`${level}/${index}`) ?? (await readTile(store, stored.edge, head.size, level, index))
    tiles.set(`${level}/${index}`, tile)
    const at = (node.index % TILE_WIDTH) * HASH_BYTES
    if (!equalBytes(tile.subarray(at, at + HASH_BYTES), node.hash)) throw mismatch(`tile ${level}/${index}`)
  }
}

async function readEntries(store: Store, edge: Edge, before: TreeState, to: number): Promise<Uint8Array[]> {
  const entries: Uint8Array[] = []
  const growing = Math.floor(before.head.size / TILE_WIDTH)
  for (let bundle = growing; bundle * TILE_WIDTH < to; bundle++) {
    const width = Math.min(TILE_WIDTH, to - bundle * TILE_WIDTH)
    const bytes = width === TILE_WIDTH ? await store.readBundle(bundle) : edge.bundle
    if (bytes === undefined) throw mismatch(`entry bundle ${bundle}`)
    // What was in the growing bundle before was read back with the batches that put it there.
    const [earlierBytes, earlier] = bundle === growing ? [before.edge.bundle.length, before.head.size % TILE_WIDTH] : [0, 0]
    entries.push(...decodeBundle(bytes.subarray(earlierBytes), width - earlier))
  }
  return entries
}

async function readTile(store: Store, edge: Edge, size: number, level: number, index: number): Promise<Uint8Array> {
  const isFull = (index + 1) * TILE_WIDTH <= Math.floor(size / 2 ** (level * TILE_HEIGHT))
  const tile = isFull ? await store.readTile(level, index) : edge.tiles[level]
  if (tile === undefined) throw mismatch(`tile ${level}/${index}`)
  return tile
}

function mismatch(what: string): LedgerError {
  return new LedgerError('LEDGER_CORRUPT', `${what} in the store is not what was committed`)
}
