/** Another copy of the ledger, for the doctor. Everything that it says is checked. */
import { OpenSealError } from '../core/errors.ts'
import type { SaidErased } from './erased.ts'

export type Copy = {
  /** Its newest signed checkpoint. */
  checkpoint(): Promise<string>
  /** The receipts of each change of the log's key, oldest first. */
  keyReceipts(): Promise<readonly string[]>
  bundle(index: number, width: number): Promise<Uint8Array>
  /**
   * The canonical statements of [from, to), what it says of an erased one, and undefined for one
   * that it does not have.
   */
  statements(from: number, to: number): Promise<(Uint8Array | SaidErased | undefined)[]>
}

/** REFILL_FORK, REFILL_UNSIGNED, REFILL_MISSING. */
export class RefillError extends OpenSealError {}
