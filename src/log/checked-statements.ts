/**
 * Statements as the log committed to them: each read compares the stored statement with its leaf,
 * unless its caller does.
 */
import { equalBytes } from '../core/bytes.ts'
import { hashLeaf } from '../core/hash.ts'
import { encodeEntry } from '../core/statements/entry.ts'
import type { ReadHashes } from '../core/tlog/tree.ts'
import { type Documents, sizeKey } from '../store/port/documents.ts'
import type { LogStore } from '../store/port/log.ts'
import { DamageError } from './errors.ts'
import type { Readers } from './verified.ts'

type Stored = Pick<LogStore, 'readStatement'> & Pick<Documents, 'readDocument'>

/**
 * The collection of recorded erasures, by index. A missing statement counts as erased only if it is
 * recorded here.
 */
export const ERASURES = 'erasures'

/**
 * The statement as it is stored, for callers that compare it themselves; undefined if it was
 * erased.
 * @throws DamageError if none is stored, and no erasure is recorded
 */
export async function readUnchecked(store: Stored, index: number): Promise<Uint8Array | undefined> {
  const statement = await store.readStatement(index)
  if (statement === undefined && !(await isErased(store, index))) throw new DamageError(`statement ${index}`)
  return statement
}

/**
 * The statement at an index of the committed tree; undefined if it was erased.
 * @throws DamageError if another statement is stored, or none and no erasure is recorded
 */
export async function readStatement(store: Stored, { read, readChecked, forget }: Readers, index: number): Promise<Uint8Array | undefined> {
  const statement = await readUnchecked(store, index)
  if (statement === undefined) return undefined
  const leaf = hashLeaf(encodeEntry(statement))
  const isLeaf = async (reader: ReadHashes) => equalBytes(leaf, (await reader([{ level: 0, index }]))[0]!)
  if (await isLeaf(read)) return statement
  // Either the statement or the tile was changed. Checked reading names the tile, if it was that.
  forget()
  if (!(await isLeaf(readChecked))) throw new DamageError(`statement ${index}`)
  return statement
}

/** Whether an erasure of this statement is recorded. */
export async function isErased(store: Pick<Documents, 'readDocument'>, index: number): Promise<boolean> {
  return (await store.readDocument(ERASURES, sizeKey(index))) !== undefined
}
