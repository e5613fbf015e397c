/**
 * The keys that signed this log, in order. The genesis binds the first. Each change of the key is
 * an entry of the log, and the last one under the key that it ends. The old key's checkpoint over
 * that entry is kept, because nobody can make it again once the old key is gone.
 */

import { parseJson } from '../core/json.ts'
import type { PolicyKey } from '../core/policy.ts'
import { GENESIS } from '../core/statements/genesis.ts'
import { KEY_CHANGE, type KeyChange } from '../core/statements/key-change.ts'
import { parseAnyStatement } from '../core/statements/registry.ts'
import { type DocumentChange, type Documents, sizeKey } from '../store/port/documents.ts'
import type { LogStore } from '../store/port/log.ts'
import { LedgerError } from './errors.ts'
import { prepareOwn } from './prepare.ts'
import type { Sequencer } from './sequencer.ts'
import type { LogView } from './view.ts'

/** A change, its index, and the old key's checkpoint over it. */
export type LoggedChange = {
  readonly index: number
  readonly note: string
  /** Whether the old key signs beside the new one for a time. A stolen one does not. */
  readonly hasGrace: boolean
  readonly change: KeyChange
}

/** The rows of a store that tell of its keys. */
export type KeyRows = Pick<LogStore, 'readStatement'> & Documents

/** A change as a row of the store. `grace` is missing if the change has none. */
type Row = { readonly index: number; readonly note: string; readonly grace?: true }

const CHANGES = 'key-changes'

/**
 * All changes, oldest first.
 * @throws LedgerError LEDGER_CORRUPT if one is not in the log
 */
export async function readKeyChanges(store: KeyRows): Promise<LoggedChange[]> {
  const rows = await store.listDocuments(CHANGES)
  return Promise.all(
    rows.map(async ({ value }) => {
      const { index, note, grace }: Row = JSON.parse(value)
      const change = await readChange(store, index)
      if (change === undefined)
        throw new LedgerError(
          'LEDGER_CORRUPT',
          `Entry ${index} is not a change of the log's key: run "openseal doctor" on a data folder, or restore the database.`,
        )
      return { index, note, hasGrace: grace === true, change }
    }),
  )
}

/**
 * The name of a store's log and the keys that signed it, from the genesis and the changes after it;
 * undefined if there is no genesis.
 */
export async function readLog(store: KeyRows): Promise<{ readonly origin: string; readonly keys: readonly PolicyKey[] } | undefined> {
  const bytes = await store.readStatement(0)
  const genesis = bytes === undefined ? undefined : parseAnyStatement(parseJson(bytes))
  if (genesis?.type !== GENESIS) return undefined
  return { origin: genesis.origin, keys: keysAfter(genesis.logKey, await readKeyChanges(store)) }
}

/**
 * The keys of a log that began with `first`, as a policy lists them. A newer key counts for every
 * size, because it may sign older checkpoints again.
 */
function keysAfter(first: string, changes: readonly LoggedChange[]): PolicyKey[] {
  const keys: PolicyKey[] = [{ vkey: first, fromSize: 0 }]
  for (const { index, change } of changes) {
    const { vkey } = keys.pop()!
    if (vkey !== change.oldKey) throw new LedgerError('LEDGER_CORRUPT', `Entry ${index} does not end the previous key.`)
    keys.push({ vkey, fromSize: 0, toSize: change.fromSize - 1 }, { vkey: change.newKey, fromSize: 0 })
  }
  return keys
}

/**
 * Ends the current key: logs the change and stores its checkpoint. This node must not seal anything
 * else meanwhile; if another node does, the change comes after that. A change that an interrupted
 * run has logged already is not logged twice. `hasGrace`: see `LoggedChange`.
 */
export async function logKeyChange(
  store: KeyRows,
  { view, sequencer }: { readonly view: LogView; readonly sequencer: Sequencer },
  unsalted: Omit<KeyChange, 'type' | 'fromSize' | 'salt'>,
  { salt, hasGrace }: { readonly salt: string; readonly hasGrace: boolean },
): Promise<LoggedChange> {
  for (;;) {
    const { size, note } = view.head()
    const last = await readChange(store, size - 1)
    if (last?.newKey === unsalted.newKey) {
      // From here on the old key signs nothing alone, and a service that still has it as its log's
      // key does not start.
      const kept = { index: size - 1, note, hasGrace }
      await keepKeyChange(store, kept)
      return { ...kept, change: last }
    }
    // The entry says from which size the new key signs. After a crash here the entry has no row;
    // the same command, run again, finds it as the last entry.
    await sequencer.sealNext(async index => {
      if ((await readChange(store, index - 1))?.newKey === unsalted.newKey) return undefined
      return { entry: prepareOwn({ type: KEY_CHANGE, ...unsalted, fromSize: index + 2, salt }) }
    })
  }
}

/**
 * The change from one key to another that an interrupted run has completed in the store; undefined
 * if none has. A stolen key loses its grace. The row is written again: a fail-over could take back
 * what was only read, after the old key has left its place.
 * @throws StoreError STORE_DOCUMENT_CHANGED if one has taken it back by then
 */
export async function resumeKeyChange(
  store: KeyRows,
  { oldKey, newKey, isStolen }: Pick<KeyChange, 'oldKey' | 'newKey'> & { readonly isStolen: boolean },
): Promise<LoggedChange | undefined> {
  const found = (await readKeyChanges(store)).find(({ change }) => change.oldKey === oldKey && change.newKey === newKey)
  if (found === undefined) return undefined
  const kept = { ...found, hasGrace: found.hasGrace && !isStolen }
  await store.writeDocuments([rowOf(kept)], { unless: [rowOf(found)] })
  return kept
}

/**
 * Records that an entry of the log changed the key, with the old key's checkpoint that ends with
 * it. Durable when it resolves.
 */
export function keepKeyChange(store: Pick<Documents, 'writeDocuments'>, change: Omit<LoggedChange, 'change'>): Promise<void> {
  return store.writeDocuments([rowOf(change)])
}

function rowOf({ index, note, hasGrace }: Omit<LoggedChange, 'change'>): DocumentChange {
  const row: Row = { index, note, ...(hasGrace && { grace: true }) }
  return { collection: CHANGES, key: sizeKey(index), value: JSON.stringify(row) }
}

/**
 * The largest size that a key may sign, by the store's changes and the last of the first `size`
 * entries; Infinity if nothing has ended it. A node asks before it takes over a head. A change's
 * row is written before any later entry, so the row or the last entry shows every change.
 */
export async function signsUpTo(store: KeyRows, vkey: string, size: number): Promise<number> {
  const [open, changes] = await Promise.all([readChange(store, size - 1), readKeyChanges(store)])
  if (open?.oldKey === vkey) return open.fromSize - 1
  const ended = changes.findLast(({ change }) => change.oldKey === vkey || change.newKey === vkey)
  return ended?.change.oldKey === vkey ? ended.change.fromSize - 1 : Number.POSITIVE_INFINITY
}

/** The change at the end of the log, if it was not completed. Nothing may be sealed after it. */
export async function readOpenChange(store: KeyRows, size: number): Promise<KeyChange | undefined> {
  const change = await readChange(store, size - 1)
  return change !== undefined && (await store.readDocument(CHANGES, sizeKey(size - 1))) === undefined ? change : undefined
}

async function readChange(store: Pick<LogStore, 'readStatement'>, index: number): Promise<KeyChange | undefined> {
  const bytes = await store.readStatement(index)
  const statement = bytes === undefined ? undefined : parseAnyStatement(parseJson(bytes))
  return statement?.type === KEY_CHANGE ? statement : undefined
}
