/**
 * Which node opens rounds and tends the vouchers: among nodes that share a store, the one with the
 * lease. Every document that it writes for them rests on the lease.
 */
import type { DocumentChange } from '../store/port/documents.ts'
import type { AnchoredLedger } from './anchored.ts'
import type { Lease } from './lease.ts'

export type Tenure = {
  /** Whether this node is the one. */
  holds(): Promise<boolean>
  /** The documents on which each write rests. */
  fence(): readonly DocumentChange[]
  /** Leaves the lease to another node at once. */
  release(): Promise<void>
}

/** Creates a tenure. Without a lease, the store is open in this process only. */
export function createTenure(ledger: Pick<AnchoredLedger, 'stopped' | 'stopCode' | 'unsettledCode'>, lease: Lease | undefined): Tenure {
  let isHolder = false
  let asking: Promise<boolean> | undefined

  /**
   * A node that has stopped, or lacks the log's key, leaves the lease to one that goes on; a closed
   * log has none.
   */
  async function ask(lease: Lease): Promise<boolean> {
    const isGoingOn = ledger.stopped() === undefined && ledger.unsettledCode() !== 'LEDGER_KEY_ENDED'
    if (isGoingOn || ledger.stopCode() === 'LOG_CLOSED') isHolder = await lease.hold()
    else {
      if (isHolder) await lease.release()
      isHolder = false
    }
    return isHolder
  }

  return {
    async holds() {
      if (lease === undefined) return true
      asking ??= ask(lease).finally(() => {
        asking = undefined
      })
      return asking
    },
    fence: () => lease?.fence() ?? [],
    async release() {
      if (isHolder) await lease?.release()
    },
  }
}
