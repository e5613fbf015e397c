/**
 * Deriving the head (size, root, growing edge) again where its row is damaged or gone. The newest commit's own row says the size; the statements behind the last
 * full bundle give the entries of the edge, and the full tiles its upper levels. What cannot be shown to fit is not derived: a wrong root, once signed, is a fork.
 */
import { equalBytes } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { type Hash, hashLeaf } from '../core/hash.ts'
import { encodeEntry } from '../core/statements/entry.ts'
import { decodeBundle, encodeBundle, encodeTile, TILE_WIDTH } from '../core/tlog/tile.ts'
import { createNodes, rootAt } from '../log/nodes.ts'
import { recordOf } from '../log/prepare.ts'
import { edgeWidths, splitHashes, treeOf } from '../log/tree-state.ts'
import type { Edge, Store } from '../store/port/port.ts'
import { type Committed, readable } from './inspect.ts'
import { agreedRoot } from './repair.ts'

/** The head, or why it cannot be derived, as a sentence. */
export type Derived = { readonly committed: Committed } | { readonly why: string }

/** Derives the head. `left`: what the damaged row still says, where it can be read at all; what is derived must not contradict all of it. */
export async function deriveHead(store: Store, left: Committed | undefined): Promise<Derived> {
  const size = await store.lastSize()
  if (size === undefined) return { why: 'No row says how many entries there were.' }
  if ((await readable(store.readStatement(size))) !== undefined)
    return { why: `The newest commit led to ${size} entries, and there are more: its row is not the newest.` }
  const entries: Uint8Array[] = []
  for (let index = size - (size % TILE_WIDTH); index < size; index++) {
    const entry = await growingEntry(store, index, left)
    if (entry === undefined) return { why: `Entry ${index} is in no full bundle, and its statement is missing or not what was committed.` }
    entries.push(entry)
  }
  const tiles = [encodeTile(entries.map(hashLeaf))]
  for (const [level, width] of edgeWidths(size).entries()) {
    if (level === 0) continue
    const hashes = await rootsUnder(store, level, Math.floor(size / TILE_WIDTH ** level), width)
    if (typeof hashes === 'string') return { why: `${hashes} is missing or does not fit what lies under it.` }
    tiles.push(encodeTile(hashes))
  }
  const { head, edge } = treeOf(size, { tiles, bundle: encodeBundle(entries) })
  if (left !== undefined && !(await agrees(store, { head, edge }, left)))
    return { why: 'What the statements and tiles give contradicts both the root and the edge in the damaged row.' }
  return { committed: { head, edge } }
}

/**
 * An entry behind the last full bundle: from its statement, or as the row's edge has it, where bundle and tile in there agree on it (its statement may have been
 * erased). No leaf above tells what a statement must be; but a changed one does not fit the look-ups that were written with it.
 */
async function growingEntry(store: Store, index: number, left: Committed | undefined): Promise<Uint8Array | undefined> {
  const statement = await readable(store.readStatement(index))
  const stated = statement !== undefined && (await hasLookups(store, index, statement)) ? encodeEntry(statement) : undefined
  const isInEdge = left !== undefined && Math.floor(left.head.size / TILE_WIDTH) === Math.floor(index / TILE_WIDTH)
  const listed = isInEdge ? listedEntry(left.edge, index % TILE_WIDTH) : undefined
  if (stated !== undefined && listed !== undefined && !equalBytes(stated, listed)) return undefined
  return stated ?? listed
}

async function hasLookups(store: Store, index: number, statement: Uint8Array): Promise<boolean> {
  try {
    return (await store.findIncomplete([recordOf(index, statement)])).length === 0
  } catch (error) {
    // It is no statement any more, or the disk does not give its look-ups back.
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

/** The last `width` hashes of a level that has `count` of them: the roots of the tiles under it; or the name of the tile that cannot be trusted. */
async function rootsUnder(store: Store, level: number, count: number, width: number): Promise<Hash[] | string> {
  const roots: Hash[] = []
  for (let index = count - width; index < count; index++) {
    const root = await agreedRoot(store, level - 1, index)
    if (root === undefined) return `Tile ${level - 1}/${index}`
    roots.push(root)
  }
  return roots
}

/** The row's root of its own size is that of the derived tree, or its edge is the derived one. */
async function agrees(store: Store, { head, edge }: Committed, left: Committed): Promise<boolean> {
  const parts = ({ tiles, bundle }: Edge) => [...tiles, bundle]
  const isSameEdge =
    parts(edge).length === parts(left.edge).length && parts(edge).every((part, i) => equalBytes(part, parts(left.edge)[i]!))
  if (isSameEdge) return true
  if (left.head.size > head.size) return false
  const root = await rootAt(createNodes(store, head, edge), left.head.size).catch(error => {
    if (error instanceof OpenSealError) return undefined
    throw error
  })
  return root !== undefined && equalBytes(root, left.head.root)
}
