/** The reading side of a ledger, as the finder needs it. */
import type { Hash } from '../core/hash.ts'
import type { KeptEffect } from '../core/statements/effects.ts'
import type { AnchorTime } from './activity.ts'

export type FoundLedger = {
  readonly origin: string
  head(): { readonly size: number }
  /** The statement that may be shown; undefined if it was erased, or waits to be erased. */
  statement(index: number): Promise<string | undefined>
  /** The same, also while it waits to be erased: it can still be taken back. */
  heldStatement(index: number): Promise<string | undefined>
  /** The effects on others of the statement at an index, if it was erased. */
  erasureOf(index: number): Promise<{ readonly effects: readonly KeptEffect[] } | undefined>
  /** Changes with every erasure. */
  newestTombstone(): Promise<number | undefined>
  /** Statements that were erased by tombstones below `before`, newest first. */
  listErasures(before: number, limit: number): Promise<readonly { readonly index: number; readonly tombstone: number }[]>
  sealedMs(index: number): Promise<number | undefined>
  rootAt(size: number): Promise<Hash>
  listAnchors(after: number, limit: number): Promise<readonly AnchorTime[]>
  /** The number of submissions that wait to be sealed. */
  waiting(): number
}
