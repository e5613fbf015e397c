/** What the ledger refuses, in one place because its parts share the codes. */
import { OpenSealError } from '../core/errors.ts'

/**
 * LEDGER_STOPPED (promise 7: it does not seal until someone has looked), LOG_CLOSED (the owner has closed the log for good), LEDGER_BUSY (too much waits: try again), LEDGER_COMMIT_FAILED
 * (nothing was written: try again), LEDGER_UNSETTLED (the disk takes no writes: try again later), LEDGER_MOVED (inside a change of the log key: another node sealed first), LEDGER_ORIGIN_CHANGED, LEDGER_KEY_CHANGED, LEDGER_ANCHOR_CHANGED, LEDGER_CORRUPT, RECORD_NOT_FOUND,
 * RECORD_ERASED, PROOF_RANGE, LEDGER_DAMAGED (what is stored does not fit the tree: it is not served).
 */
export class LedgerError extends OpenSealError {}

/** What the store holds of one part does not fit the tree, or is not there. LEDGER_DAMAGED. */
export class DamageError extends LedgerError {
  readonly part: string

  constructor(part: string, options?: ErrorOptions) {
    const advice = 'It is not served. The operator finds out more with "openseal doctor".'
    super('LEDGER_DAMAGED', `What this ledger has stored here (${part}) does not fit its own tree. ${advice}`, options)
    this.part = part
  }
}

/** Whether a failure only says that one part of the store is damaged: the others can still be read. */
export function isDamage(error: unknown): boolean {
  return error instanceof OpenSealError && (error.code === 'LEDGER_DAMAGED' || error.code === 'STORE_DAMAGED')
}
