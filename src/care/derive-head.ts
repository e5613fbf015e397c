/**
 * Derives the head (size, root, growing edge) if its row is damaged or gone. The size comes from
 * the newest commit's own row, the edge's entries from the statements after the last full bundle,
 * and its upper levels from the full tiles. A head that cannot be verified is not derived: signing
 * a wrong root would be a fork.
 */
import { equalBytes } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { type Hash, hashLeaf } from '../core/hash.ts'
import { encodeEntry } from '../core/statements/entry.ts'
import { decodeBundle, encodeBundle, encodeTile, TILE_WIDTH } from '../core/tlog/tile.ts'
import { type Committed, createCheckedNodes, rootAt } from '../log/checked-nodes.ts'
import { recordOf } from '../log/prepare.ts'
import { edgeWidths, splitHashes, treeOf } from '../log/tree-state.ts'
import type { Edge } from '../store/port/log.ts'
import type { EmbeddedStore } from '../store/port/port.ts'
import { readable } from './inspect.ts'
import { agreedRoot } from './repair.ts'

/** The head, or a sentence that says why it cannot be derived. */
export type Derived = { readonly committed: Committed } | { readonly why: string }

/**
 * Derives the head. `left` is what can still be read of the damaged row. The derived head must
 * agree with part of it.
 */
export async function deriveHead(store: EmbeddedStore, left: Committed | undefined): Promise<Derived> {
  const size = await store.lastSize()
  if (size === undefined) return { why: 'No row says how many entries there were.' }
  if ((await readable(store.readStatement(size))) !== undefined)
    return { why: `The newest commit led to ${size} entries, but there are more: its row is not the newest.` }
  const entries: Uint8Array[] = []
  for (let index = size - (size % TILE_WIDTH); index < size; index++) {
    const entry = await growingEntry(store, index, left)
    if (entry === undefined)
      return { why: `Entry ${index} is not in a full bundle, and its statement is missing or not the committed one.` }
    entries.push(entry)
  }
  const tiles = [encodeTile(entries.map(hashLeaf))]
  for (const [level, width] of edgeWidths(size).entries()) {
    if (level === 0) continue
    const hashes = await rootsUnder(store, level, Math.floor(size / TILE_WIDTH ** level), width)
    if (typeof hashes === 'string') return { why: `${hashes} is missing or does not match the hashes below it.` }
    tiles.push(encodeTile(hashes))
  }
  const { head, edge } = treeOf(size, { tiles, bundle: encodeBundle(entries) })
  if (left !== undefined && !(await agrees(store, { head, edge }, left)))
    return { why: 'The statements and tiles contradict both the root and the edge in the damaged row.' }
  return { committed: { head, edge } }
}

/**
 * An entry after the last full bundle. It comes from its statement or, because that may have been
 * erased, from the row's edge if bundle and tile agree there. No leaf above determines such a
 * statement, but a changed one does not match the look-ups that were written with it.
 */
async function growingEntry(store: EmbeddedStore, index: number, left: Committed | undefined): Promise<Uint8Array | undefined> {
  const statement = await readable(store.readStatement(index))
  const stated = statement !== undefined && (await hasLookups(store, index, statement)) ? encodeEntry(statement) : undefined
  const isInEdge = left !== undefined && Math.floor(left.head.size / TILE_WIDTH) === Math.floor(index / TILE_WIDTH)
  const listed = isInEdge ? listedEntry(left.edge, index % TILE_WIDTH) : undefined
  if (stated !== undefined && listed !== undefined && !equalBytes(stated, listed)) return undefined
  return stated ?? listed
}

async function hasLookups(store: EmbeddedStore, index: number, statement: Uint8Array): Promise<boolean> {
  try {
    return (await store.findIncomplete([recordOf(index, statement)])).length === 0
  } catch (error) {
    // It is no longer a statement, or its look-ups cannot be read.
    if (error instanceof OpenSealError) return false
    throw error
  }
}

function listedEntry({ bundle, tiles }: Edge, at: number): Uint8Array | undefined {
  const leaves = splitHashes(tiles[0] ?? new Uint8Array(0))
  try {
    const entry = decodeBundle(bundle, leaves.length)[at]
    return entry !== undefined && equalBytes(hashLeaf(entry), leaves[at]!) ? entry : undefined
  } catch {
    return undefined
  }
}

/**
 * The last `width` hashes of a level with `count` of them, as the roots of the tiles below; or the
 * name of the tile that cannot be trusted.
 */
async function rootsUnder(store: EmbeddedStore, level: number, count: number, width: number): Promise<Hash[] | string> {
  const roots: Hash[] = []
  for (let index = count - width; index < count; index++) {
    const root = await agreedRoot(store, level - 1, index)
    if (root === undefined) return `Tile ${level - 1}/${index}`
    roots.push(root)
  }
  return roots
}

/**
 * Whether the row's root at its own size is that of the derived tree, or its edge equals the
 * derived one.
 */
async function agrees(store: EmbeddedStore, { head, edge }: Committed, left: Committed): Promise<boolean> {
  const parts = ({ tiles, bundle }: Edge) => [...tiles, bundle]
  const isSameEdge =
    parts(edge).length === parts(left.edge).length && parts(edge).every((part, i) => equalBytes(part, parts(left.edge)[i]!))
  if (isSameEdge) return true
  if (left.head.size > head.size) return false
  const root = await rootAt(
    createCheckedNodes(store, () => ({ head, edge })),
    left.head.size,
  ).catch(error => {
    if (error instanceof OpenSealError) return undefined
    throw error
  })
  return root !== undefined && equalBytes(root, left.head.root)
}
