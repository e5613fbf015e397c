/**
 * Restores damaged parts of the store from others. A part is written only if it gives the hash that
 * the tree has for it.
 */
import { equalBytes } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { type Hash, hashLeaf } from '../core/hash.ts'
import { encodeEntry } from '../core/statements/entry.ts'
import { decodeBundle, encodeBundle, encodeTile, TILE_HEIGHT, TILE_WIDTH, tileWidthAt } from '../core/tlog/tile.ts'
import { type Committed, createCheckedNodes } from '../log/checked-nodes.ts'
import { recordOf } from '../log/prepare.ts'
import { perfectRoot, splitHashes } from '../log/tree-state.ts'
import { TILE_BYTES, UNFOLDED_BYTES, unfold } from '../log/unfolded.ts'
import type { EmbeddedStore } from '../store/port/port.ts'
import { type Damage, readable } from './inspect.ts'

/**
 * Repairs one part from the rest of the store; false if that is not possible. Repair upper tiles
 * first, because they determine the ones below.
 */
export async function repair(store: EmbeddedStore, committed: Committed, damage: Damage): Promise<boolean> {
  if (damage.kind === 'tile') return repairTile(store, committed, damage)
  if (damage.kind === 'bundle') return repairBundle(store, committed, damage.index)
  if (damage.kind === 'lookups') return repairLookups(store, damage.index)
  return false
}

/** Writes back a statement from elsewhere; false if it is not the one that the tree commits to. */
export async function putStatementBack(store: EmbeddedStore, committed: Committed, index: number, statement: Uint8Array): Promise<boolean> {
  const [leaf] = (await nodesOf(store, committed, [{ level: 0, index }])) ?? []
  if (leaf === undefined || !equalBytes(hashLeaf(encodeEntry(statement)), leaf)) return false
  await store.putBack({ tiles: [], bundles: [], records: [recordOf(index, statement)] })
  return true
}

async function repairTile(store: EmbeddedStore, committed: Committed, { level, index }: Damage & { kind: 'tile' }): Promise<boolean> {
  const [root] = (await nodesOf(store, committed, [{ level: (level + 1) * TILE_HEIGHT, index }])) ?? []
  if (root === undefined) return false
  for (const way of waysTo(level)) {
    const hashes = await way(store, index, level)
    if (hashes === undefined || !equalBytes(perfectRoot(hashes), root)) continue
    await store.putBack({ tiles: [{ level, index, bytes: unfold(encodeTile(hashes)) }], bundles: [], records: [] })
    return true
  }
  return false
}

/**
 * The entries, each from its statement or from the rest of the bundle, whichever matches the tree's
 * leaf. The growing bundle is in the head row.
 */
async function repairBundle(store: EmbeddedStore, committed: Committed, index: number): Promise<boolean> {
  const { head, edge } = committed
  const width = tileWidthAt(0, index, head.size)
  const wanted = Array.from({ length: width }, (_, i) => ({ level: 0, index: index * TILE_WIDTH + i }))
  const leaves = await nodesOf(store, committed, wanted)
  const left = width === TILE_WIDTH ? await entriesOfBundle(store, index) : entriesOf(edge.bundle, width)
  const entries: Uint8Array[] = []
  for (const [i, leaf] of (leaves ?? []).entries()) {
    const statement = await readable(store.readStatement(index * TILE_WIDTH + i))
    const candidates = [statement && encodeEntry(statement), left?.[i]]
    const entry = candidates.find(candidate => candidate !== undefined && equalBytes(hashLeaf(candidate), leaf))
    if (entry === undefined) return false
    entries.push(entry)
  }
  if (entries.length < width) return false
  const bytes = encodeBundle(entries)
  if (width === TILE_WIDTH) await store.putBack({ tiles: [], bundles: [{ index, bytes }], records: [] })
  else await store.putHead(head, { ...edge, bundle: bytes })
  return true
}

async function repairLookups(store: EmbeddedStore, index: number): Promise<boolean> {
  const statement = await readable(store.readStatement(index))
  if (statement === undefined) return false
  await store.putBack({ tiles: [], bundles: [], records: [recordOf(index, statement)] })
  return true
}

/**
 * The root of a full tile, if the tile and the hashes below it, or two independent ways from below,
 * give the same one; otherwise undefined. For when no tile above determines it.
 */
export async function agreedRoot(store: EmbeddedStore, level: number, index: number): Promise<Hash | undefined> {
  const seen: Hash[] = []
  for (const way of [hashesOfTile, ...waysTo(level)]) {
    const hashes = await way(store, index, level)
    if (hashes === undefined) continue
    const root = perfectRoot(hashes)
    if (seen.some(other => equalBytes(other, root))) return root
    seen.push(root)
  }
  return undefined
}

/** The ways to make the hashes of a tile on this level from what is below it. */
function waysTo(level: number) {
  return level === 0 ? [leavesOfBundle, leavesOfStatements] : [rootsOfTiles, rootsOfBundles]
}

async function hashesOfTile(store: EmbeddedStore, index: number, level: number): Promise<Hash[] | undefined> {
  const bytes = await readable(store.readTile(level, index))
  return bytes?.length === UNFOLDED_BYTES ? splitHashes(bytes.subarray(0, TILE_BYTES)) : undefined
}

async function leavesOfBundle(store: EmbeddedStore, index: number): Promise<Hash[] | undefined> {
  return (await entriesOfBundle(store, index))?.map(hashLeaf)
}

async function leavesOfStatements(store: EmbeddedStore, index: number): Promise<Hash[] | undefined> {
  const leaves: Hash[] = []
  for (let i = index * TILE_WIDTH; i < (index + 1) * TILE_WIDTH; i++) {
    const statement = await readable(store.readStatement(i))
    if (statement === undefined) return undefined
    leaves.push(hashLeaf(encodeEntry(statement)))
  }
  return leaves
}

async function rootsOfTiles(store: EmbeddedStore, index: number, level: number): Promise<Hash[] | undefined> {
  const roots: Hash[] = []
  for (let below = index * TILE_WIDTH; below < (index + 1) * TILE_WIDTH; below++) {
    const hashes = await hashesOfTile(store, below, level - 1)
    if (hashes === undefined) return undefined
    roots.push(perfectRoot(hashes))
  }
  return roots
}

/**
 * Only for tiles just above the lowest level. For higher ones, the tiles between are repaired
 * first, in their own turn.
 */
async function rootsOfBundles(store: EmbeddedStore, index: number, level: number): Promise<Hash[] | undefined> {
  if (level !== 1) return undefined
  const roots: Hash[] = []
  for (let bundle = index * TILE_WIDTH; bundle < (index + 1) * TILE_WIDTH; bundle++) {
    const leaves = await leavesOfBundle(store, bundle)
    if (leaves === undefined) return undefined
    roots.push(perfectRoot(leaves))
  }
  return roots
}

async function entriesOfBundle(store: EmbeddedStore, index: number): Promise<Uint8Array[] | undefined> {
  return entriesOf(await readable(store.readBundle(index)), TILE_WIDTH)
}

function entriesOf(bundle: Uint8Array | undefined, width: number): Uint8Array[] | undefined {
  try {
    return bundle === undefined ? undefined : decodeBundle(bundle, width)
  } catch {
    return undefined
  }
}

async function nodesOf(store: EmbeddedStore, committed: Committed, wanted: readonly { level: number; index: number }[]) {
  try {
    return await createCheckedNodes(store, () => committed)(wanted)
  } catch (error) {
    if (error instanceof OpenSealError && ['LEDGER_DAMAGED', 'STORE_DAMAGED'].includes(error.code)) return undefined
    throw error
  }
}
