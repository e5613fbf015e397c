/**
 * The store: what the ledger keeps, and the guarantees that it relies on. It has parts, and a
 * caller takes those that it needs. Each part has a conformance suite (`test/store/conformance`),
 * which runs against every implementation.
 */
import type { CareStore } from './care.ts'
import type { DocumentChange, Documents } from './documents.ts'
import type { LogStore } from './log.ts'
import type { Lookups } from './lookups.ts'

export type Store = LogStore & Lookups & Documents & { close(): Promise<void> }

/**
 * The history in which a shared store is: of a system of servers, and how often another server of it
 * has taken over. A server of an earlier timeline was replaced.
 */
export type StoreHistory = { readonly system: string; readonly timeline: number }

/** Whether a store is in an earlier history than the one known of the same system. */
export function isReplaced(found: StoreHistory, known: StoreHistory | undefined): boolean {
  return known !== undefined && found.system === known.system && found.timeline < known.timeline
}

/** A store that several nodes share. */
export type SharedStore = Store & {
  /** The history of the server that this node uses. */
  history(): Promise<StoreHistory>
  /**
   * The store's own clock, in milliseconds since 1970, by which nodes measure their leases. It may
   * jump: the writes under a lease are fenced too.
   */
  nowMs(): Promise<number>
  /**
   * Ends all writes, or permits them again, and changes documents in the same step, as
   * `writeDocuments` does. When it returns, every node's `commit`, `confirmHead` and
   * `writeDocuments` throws STORE_MOVED, also one that began before.
   * @throws StoreError STORE_DOCUMENT_CHANGED if a document of `unless` has changed; then nothing
   * is written
   */
  retire(isRetired: boolean, changes?: readonly DocumentChange[], unless?: readonly DocumentChange[]): Promise<void>
}

/** Whether several nodes share a store, and so must not do the same work at once. */
export function isShared(store: Store): store is SharedStore {
  return 'nowMs' in store
}

/** A store in the data folder of the one node that has it open. */
export type EmbeddedStore = Store & CareStore
