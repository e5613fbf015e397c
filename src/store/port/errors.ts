/** The errors of every store. */
import { OpenSealError } from '../../core/errors.ts'

/**
 * STORE_HEAD_MOVED, STORE_DOCUMENT_CHANGED, STORE_LOCKED, STORE_CORRUPT, STORE_UNREADABLE,
 * STORE_DAMAGED (a row on the disk fails its checksum), STORE_JOURNAL (opening would drop
 * acknowledged records), STORE_WRITE_FAILED (a write was refused, its outcome is unknown),
 * STORE_UNSETTLED (an earlier write was refused and the disk still refuses writes, or no server of
 * the store answers: any call may throw it), STORE_LATE (no answer in time: a write may still
 * land), STORE_MOVED (its ledger was moved to another store).
 */
export class StoreError extends OpenSealError {}

/** The error of a write of the head in a store that was retired. */
export function storeMoved(): StoreError {
  return new StoreError(
    'STORE_MOVED',
    'The ledger in this store was moved to another store, and nothing is sealed here any more. Start the nodes on the other store; "openseal move --abort" takes back a move that has not ended.',
  )
}

/** The error of a commit whose `previous` is not the head. */
export function headMoved(previous: { readonly size: number }, head: { readonly size: number }): StoreError {
  return new StoreError('STORE_HEAD_MOVED', `the commit was built on size ${previous.size}, the head is at size ${head.size}`)
}
