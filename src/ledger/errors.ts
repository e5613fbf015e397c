/** What the ledger refuses, in one place because its parts share the codes. */
import { OpenSealError } from '../core/errors.ts'

/**
 * LEDGER_STOPPED (promise 7: it does not seal until someone has looked), LEDGER_BUSY (too much waits: try again), LEDGER_COMMIT_FAILED
 * (nothing was written: try again), LEDGER_UNSETTLED (the disk takes no writes: try again later), LEDGER_ORIGIN_CHANGED, LEDGER_KEY_CHANGED, LEDGER_ANCHOR_CHANGED, LEDGER_CORRUPT, RECORD_NOT_FOUND,
 * RECORD_ERASED, PROOF_RANGE.
 */
export class LedgerError extends OpenSealError {}
