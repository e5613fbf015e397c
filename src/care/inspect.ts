/**
 * Compares what is stored with the tree, one bundle at a time. The scrub does this while the ledger
 * runs, the doctor at rest.
 */
import { equalBytes } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { type Hash, hashLeaf } from '../core/hash.ts'
import { encodeEntry } from '../core/statements/entry.ts'
import { decodeBundle, TILE_WIDTH, tileWidthAt } from '../core/tlog/tile.ts'
import { type Committed, createCheckedNodes } from '../log/checked-nodes.ts'
import { isErased } from '../log/checked-statements.ts'
import { DamageError } from '../log/errors.ts'
import { recordOf } from '../log/prepare.ts'
import type { NewRecord } from '../store/port/log.ts'
import type { EmbeddedStore } from '../store/port/port.ts'

/** A part of the store that is missing or does not match the tree. */
export type Damage =
  | { readonly kind: 'tile'; readonly level: number; readonly index: number }
  | { readonly kind: 'bundle' | 'statement' | 'lookups'; readonly index: number }

/** A damaged part in words: `tile 1/0`, `entry bundle 3`, `statement 800`, `look-ups of 800`. */
export function describeDamage(damage: Damage): string {
  if (damage.kind === 'tile') return `tile ${damage.level}/${damage.index}`
  return `${{ bundle: 'entry bundle', statement: 'statement', lookups: 'look-ups of' }[damage.kind]} ${damage.index}`
}

/**
 * Reads everything stored for one bundle's entries from the disk (the bundle, its tile and those
 * above, statements, look-ups) and compares it with the committed tree.
 */
export async function inspectBundle(store: EmbeddedStore, committed: Committed, bundle: number): Promise<Damage[]> {
  const width = tileWidthAt(0, bundle, committed.head.size)
  const tree = await readLeaves(store, committed, bundle, width)
  const entries = await readEntries(store, committed, bundle, width)
  const found: Damage[] = [...tree.damages]
  if (entries === undefined || !fits(entries.map(hashLeaf), tree.leaves)) found.push({ kind: 'bundle', index: bundle })
  // Without the tile, the entries still determine the statements.
  return [...found, ...(await inspectStatements(store, bundle * TILE_WIDTH, tree.leaves ?? entries?.map(hashLeaf) ?? []))]
}

/** The leaves of the tree, from a new reader, because one in use has them cached. */
async function readLeaves(store: EmbeddedStore, committed: Committed, bundle: number, width: number) {
  const wanted = Array.from({ length: width }, (_, i) => ({ level: 0, index: bundle * TILE_WIDTH + i }))
  try {
    return { leaves: await createCheckedNodes(store, () => committed)(wanted), damages: [] }
  } catch (error) {
    const [, level, index] = (error instanceof DamageError && /^tile (\d+)\/(\d+)$/.exec(error.part)) || []
    if (level === undefined && !isUnreadable(error)) throw error
    const damage: Damage = { kind: 'tile', level: Number(level ?? 0), index: Number(index ?? bundle) }
    return { leaves: undefined, damages: [damage] }
  }
}

async function readEntries(store: EmbeddedStore, { edge }: Committed, bundle: number, width: number): Promise<Uint8Array[] | undefined> {
  const bytes = width === TILE_WIDTH ? await readable(store.readBundle(bundle)) : edge.bundle
  try {
    return bytes === undefined ? undefined : decodeBundle(bytes, width)
  } catch {
    return undefined
  }
}

async function inspectStatements(store: EmbeddedStore, start: number, leaves: readonly Hash[]): Promise<Damage[]> {
  const found: Damage[] = []
  const records: NewRecord[] = []
  for (const [i, leaf] of leaves.entries()) {
    const index = start + i
    const statement = await readable(store.readStatement(index))
    if (statement === undefined && (await readable(isErased(store, index)))) continue
    if (statement === undefined || !equalBytes(hashLeaf(encodeEntry(statement)), leaf)) found.push({ kind: 'statement', index })
    else records.push(recordOf(index, statement))
  }
  const incomplete = await store.findIncomplete(records)
  return [...found, ...incomplete.map(index => ({ kind: 'lookups', index }) as const)]
}

function fits(hashes: readonly Hash[], leaves: readonly Hash[] | undefined): boolean {
  return leaves === undefined || (hashes.length === leaves.length && hashes.every((hash, i) => equalBytes(hash, leaves[i]!)))
}

/** Undefined for a part that the disk cannot return, as if it were missing. */
export async function readable<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (isUnreadable(error)) return undefined
    throw error
  }
}

function isUnreadable(error: unknown): boolean {
  return error instanceof OpenSealError && error.code === 'STORE_DAMAGED'
}
