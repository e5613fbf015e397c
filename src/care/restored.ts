/** The mark of a ledger that may have lost its newest records (restored from a backup, salvaged from a damaged journal, with a head that was derived again): nothing is sealed upon it until the operator has decided what to do about the rest. */
import { type Store, StoreError } from '../store/port/port.ts'

/** `why`: what happened to it, as a sentence goes on after "it". */
export type Restored = { readonly why: string; readonly size: number }

const MARK = { collection: 'ledger', key: 'restored' }

/** The mark, undefined where there is none. */
export async function readRestored(store: Pick<Store, 'readDocument'>): Promise<Restored | undefined> {
  const text = await store.readDocument(MARK.collection, MARK.key)
  return text === undefined ? undefined : JSON.parse(text)
}

/** How many entries a store says that it has: by its head, or by its newest commit where that cannot be read. */
export async function sizeToMark(store: Pick<Store, 'readHead' | 'lastSize'>): Promise<number> {
  try {
    return (await store.readHead())?.head.size ?? 0
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    return (await store.lastSize()) ?? 0
  }
}

/** Sets the mark, or takes it off. */
export function markRestored(store: Pick<Store, 'writeDocuments'>, restored: Restored | undefined): Promise<void> {
  return store.writeDocuments([{ ...MARK, value: restored === undefined ? null : JSON.stringify(restored) }])
}

/** Why a marked ledger does not seal, and what its operator can do. */
export function restoredReason({ why }: Restored): string {
  return (
    `it ${why}, and what was acknowledged after that may be missing. ` +
    'Stop it, fetch the rest from another copy (openseal doctor --repair --refill URL), and then say that this is all there is (openseal restore --accept-loss SIZE).'
  )
}
