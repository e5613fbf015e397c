/**
 * The mark of a ledger that may have lost its newest records: restored from a backup, salvaged from
 * a damaged journal, or with a derived head. It does not seal until the operator has decided what
 * to do about the missing records.
 */

import type { Documents } from '../store/port/documents.ts'
import { StoreError } from '../store/port/errors.ts'
import type { LogStore } from '../store/port/log.ts'

/** `why`: what happened to it, as the rest of a sentence that begins with "it". */
export type Restored = { readonly why: string; readonly size: number }

const MARK = { collection: 'ledger', key: 'restored' }

/** The mark; undefined if there is none. */
export async function readRestored(store: Pick<Documents, 'readDocument'>): Promise<Restored | undefined> {
  const text = await store.readDocument(MARK.collection, MARK.key)
  return text === undefined ? undefined : JSON.parse(text)
}

/**
 * The number of entries in a store: by its head, or by its newest commit if the head is unreadable.
 */
export async function sizeToMark(store: Pick<LogStore, 'readHead' | 'lastSize'>): Promise<number> {
  try {
    return (await store.readHead())?.head.size ?? 0
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    return (await store.lastSize()) ?? 0
  }
}

/** Sets or removes the mark. */
export function markRestored(store: Pick<Documents, 'writeDocuments'>, restored: Restored | undefined): Promise<void> {
  return store.writeDocuments([{ ...MARK, value: restored === undefined ? null : JSON.stringify(restored) }])
}

/**
 * Why a marked ledger does not seal, and what its operator can do. `isInFolder`: it is not in a
 * database, which the doctor does not treat.
 */
export function restoredReason({ why }: Restored, isInFolder: boolean): string {
  return (
    `it ${why}, and records that were acknowledged after that may be missing. ` +
    `Stop it, ${isInFolder ? '' : 'move it to a data folder (openseal move), '}fetch the rest from another copy (openseal doctor --repair --refill URL), and then confirm that it is complete (openseal restore --accept-loss SIZE).`
  )
}
