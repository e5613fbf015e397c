/** Another copy of the ledger, as the doctor asks it; nothing that it says is believed unchecked. */
import { OpenSealError } from '../core/errors.ts'

export type Copy = {
  /** Its newest signed checkpoint. */
  checkpoint(): Promise<string>
  /** Receipts for each change of the log's key, oldest first. */
  keyReceipts(): Promise<readonly string[]>
  bundle(index: number, width: number): Promise<Uint8Array>
  /** The canonical statements of [from, to); undefined where it has none. */
  statements(from: number, to: number): Promise<(Uint8Array | undefined)[]>
}

/** REFILL_FORK, REFILL_UNSIGNED, REFILL_MISSING. */
export class RefillError extends OpenSealError {}
