/**
 * The last part of promise 1: reads the committed batch from the store again and re-derives the
 * head that will be signed.
 */
import { equalBytes } from '../core/bytes.ts'
import { HASH_BYTES, hashLeaf } from '../core/hash.ts'
import { extendTree } from '../core/tlog/extension.ts'
import { decodeBundle, TILE_WIDTH, tileWidthAt } from '../core/tlog/tile.ts'
import { rootFromRange } from '../core/tlog/tree.ts'
import type { Head, LogStore } from '../store/port/log.ts'

import type { Committed } from './checked-nodes.ts'
import { LedgerError } from './errors.ts'
import { createNodes } from './nodes.ts'
import { restore, type TreeState } from './tree-state.ts'
import { growingIndex, place, TILE_BYTES, tileKey, UNFOLDED_BYTES } from './unfolded.ts'
import { extendsHead } from './verified.ts'

/**
 * Whether a batch is in the log, the one question that settles every commit: does the store's tree
 * at the committed size re-derive to the committed root? Another node may have moved the head
 * further since: `stored` is the one read after the commit. `before` is the tree that the batch was
 * built on, which earlier batches derived.
 * @returns false if the store has not reached that size, or has another tree there
 * @throws LedgerError LEDGER_CORRUPT if the batch is in by the store's head, but its entries or
 * tiles differ
 */
export async function isIn(store: LogStore, stored: Committed | undefined, before: TreeState, head: Head): Promise<boolean> {
  if (stored === undefined || stored.head.size < head.size) return false
  if (!(await hasHead(store, stored, head))) return false
  await rederive(store, stored, before, head)
  return true
}

/** Whether the store's tree is one with this head, or extends it. */
async function hasHead(store: LogStore, stored: Committed, head: Head): Promise<boolean> {
  if (stored.head.size === head.size) return equalBytes(stored.head.root, head.root)
  if (restore(stored.head, stored.edge) === undefined) throw mismatch('the growing edge')
  return extendsHead(createNodes(store, stored), head, stored.head)
}

/** Reads the entries and tiles of one batch and re-derives its head. */
async function rederive(store: LogStore, stored: Committed, before: TreeState, head: Head): Promise<void> {
  const entries = await readEntries(store, stored, before, head.size)
  const { range, nodes } = extendTree(before.head.size, before.range, entries.map(hashLeaf))
  if (!equalBytes(rootFromRange(range), head.root)) throw mismatch('the entries')

  const tiles = new Map<number, Uint8Array>()
  for (const node of nodes) {
    const { level, index, offset } = place(node)
    const key = tileKey(level, index)
    const tile = tiles.get(key) ?? (await readTile(store, stored, level, index))
    tiles.set(key, tile)
    // The edge has only the hashes of a growing tile, and not the nodes over them.
    const isKept = offset < TILE_BYTES || tile.length === UNFOLDED_BYTES
    if (isKept && !equalBytes(tile.subarray(offset, offset + HASH_BYTES), node.hash)) throw mismatch(`tile ${level}/${index}`)
  }
}

async function readEntries(store: LogStore, stored: Committed, before: TreeState, to: number): Promise<Uint8Array[]> {
  const entries: Uint8Array[] = []
  const growing = Math.floor(before.head.size / TILE_WIDTH)
  for (let bundle = growing; bundle * TILE_WIDTH < to; bundle++) {
    const width = Math.min(TILE_WIDTH, to - bundle * TILE_WIDTH)
    const held = tileWidthAt(0, bundle, stored.head.size)
    const bytes = held === TILE_WIDTH ? await store.readBundle(bundle) : stored.edge.bundle
    if (bytes === undefined) throw mismatch(`entry bundle ${bundle}`)
    // Earlier entries were read back with their own commits. Later ones are another node's.
    const [earlierBytes, earlier] = bundle === growing ? [before.edge.bundle.length, before.head.size % TILE_WIDTH] : [0, 0]
    entries.push(...decodeBundle(bytes.subarray(earlierBytes), held - earlier).slice(0, width - earlier))
  }
  return entries
}

async function readTile(store: LogStore, { head, edge }: Committed, level: number, index: number): Promise<Uint8Array> {
  const tile = index < growingIndex(level, head.size) ? await store.readTile(level, index) : edge.tiles[level]
  if (tile === undefined) throw mismatch(`tile ${level}/${index}`)
  return tile
}

function mismatch(what: string): LedgerError {
  return new LedgerError('LEDGER_CORRUPT', `what the store holds of ${what} is not the committed one`)
}
