/** The ledger's refusals, in one place because its parts share the codes. */
import { OpenSealError } from '../core/errors.ts'

/**
 * LEDGER_STOPPED (promise 7: it does not seal until the operator has looked), LOG_CLOSED (the owner
 * has closed the log for good), LEDGER_BUSY (too many submissions wait: try again),
 * LEDGER_COMMIT_FAILED (nothing was written: try again), LEDGER_UNSETTLED (the disk refuses writes:
 * try again later), LEDGER_KEY_ENDED (the log's key was changed, and this node does not have the
 * new one yet: try again later), LEDGER_ORIGIN_CHANGED,
 * LEDGER_KEY_CHANGED, LEDGER_ANCHOR_CHANGED, LEDGER_CORRUPT,
 * RECORD_NOT_FOUND, RECORD_ERASED, RECORD_ERASING (its erasure is due later), STATEMENT_ERASED (it
 * was erased and is sent again), ERASURE_TYPE, ERASURE_NOT_FOUND, ERASURE_OTHER_AGENCY,
 * ERASURE_OF_OPERATOR, ERASURES_MANY, PROOF_RANGE, LEDGER_DAMAGED (stored data does not match the
 * tree and is not served).
 */
export class LedgerError extends OpenSealError {}

/** A part of the store is missing or does not match the tree. LEDGER_DAMAGED. */
export class DamageError extends LedgerError {
  readonly part: string

  constructor(part: string, options?: ErrorOptions) {
    const advice =
      'It is not served. The operator can find out more with "openseal doctor" or, if the log is in a database, with "openseal audit".'
    super('LEDGER_DAMAGED', `The stored data (${part}) does not match the ledger's own tree. ${advice}`, options)
    this.part = part
  }
}

/** Whether a statement is not shown because it was erased, or waits to be erased. */
export function isErased(error: unknown): boolean {
  return error instanceof LedgerError && (error.code === 'RECORD_ERASED' || error.code === 'RECORD_ERASING')
}

/**
 * Whether a failure only means that one part of the store is damaged. The others can still be read.
 */
export function isDamage(error: unknown): boolean {
  return error instanceof OpenSealError && (error.code === 'LEDGER_DAMAGED' || error.code === 'STORE_DAMAGED')
}
