/**
 * Statements as the log committed to them: each read compares the stored statement with its leaf.
 */
import { equalBytes } from '../core/bytes.ts'
import { hashLeaf } from '../core/hash.ts'
import { encodeEntry } from '../core/statements/entry.ts'
import type { Store } from '../store/port/port.ts'
import { sizeKey } from '../store/port/port.ts'
import { DamageError } from './errors.ts'
import type { Nodes } from './nodes.ts'

type Stored = Pick<Store, 'readStatement' | 'readDocument'>

/**
 * The collection of recorded erasures, by index. A missing statement counts as erased only if it is
 * recorded here.
 */
const ERASURES = 'erasures'

/**
 * The statement at an index of the committed tree; undefined if it was erased.
 * @throws DamageError if another statement is stored, or none and no erasure is recorded
 */
export async function readStatement(store: Stored, nodes: Pick<Nodes, 'read'>, index: number): Promise<Uint8Array | undefined> {
  const statement = await store.readStatement(index)
  if (statement === undefined) {
    if (await isErased(store, index)) return undefined
    throw new DamageError(`statement ${index}`)
  }
  const [leaf] = await nodes.read([{ level: 0, index }])
  if (!equalBytes(hashLeaf(encodeEntry(statement)), leaf!)) throw new DamageError(`statement ${index}`)
  return statement
}

/** Whether an erasure of this statement is recorded. */
export async function isErased(store: Pick<Store, 'readDocument'>, index: number): Promise<boolean> {
  return (await store.readDocument(ERASURES, sizeKey(index))) !== undefined
}
