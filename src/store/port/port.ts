/**
 * The store: what the ledger keeps, and the guarantees that it relies on. It has parts, and a
 * caller takes those that it needs. Each part has a conformance suite (`test/store/conformance`),
 * which runs against every implementation.
 */
import type { CareStore } from './care.ts'
import type { Documents } from './documents.ts'
import type { LogStore } from './log.ts'
import type { Lookups } from './lookups.ts'

export type Store = LogStore & Lookups & Documents & { close(): Promise<void> }

/** A store in the data folder of the one node that has it open. */
export type EmbeddedStore = Store & CareStore
