/**
 * The ledger as its anchorer sees it: what it anchors, and whom it reports to. Implemented in
 * `src/ledger`.
 */
import type { Hash } from '../core/hash.ts'
import type { Prover } from '../log/prover.ts'
import type { SignedHead } from '../log/view.ts'
import type { DocumentChange } from '../store/port/documents.ts'
import type { Closing } from './chain.ts'
import type { FinalAnchor } from './final-anchors.ts'

/** The part of a ledger that anchoring needs. */
export type AnchoredLedger = Pick<Prover, 'rootAt' | 'consistency'> & {
  /** The newest committed head and its signed checkpoint. */
  head(): SignedHead
  /** Asks the store how far other nodes have taken the log. */
  refresh(): Promise<void>
  /**
   * When a record was sealed, in milliseconds since 1970 by this ledger's own clock; undefined
   * beyond the head. Not evidence: only the anchor's time is.
   */
  sealedMs(index: number): Promise<number | undefined>
  latestAnchor(): FinalAnchor | undefined
  /** The final anchor of a chain at a size. */
  anchorAt(chainId: number, size: number): Promise<FinalAnchor | undefined>
  /**
   * The checkpoint to anchor after one of size `previous`. It is the newest, unless a key of the
   * log ended in between. Then that key's last checkpoint comes first, so that the chain vouches
   * for the change while readers know only the old key.
   */
  nextToAnchor(previous: number): Promise<{ readonly size: number; readonly root: Hash }>
  /** In ascending order of size, only those above `after`. */
  listAnchors(after: number, limit: number): Promise<FinalAnchor[]>
  /** Below a size, the newest first. On a closed log none that it disowns. */
  newestAnchors(before: number, limit: number): Promise<FinalAnchor[]>
  /**
   * Called by the anchorer when an anchor has become final. Durable when it resolves. Nothing is
   * written if a document of `unless` has changed.
   * @throws StoreError STORE_DOCUMENT_CHANGED
   */
  setFinal(anchor: FinalAnchor, unless?: readonly DocumentChange[]): Promise<void>
  /** The same, when a chain has lost final anchors of these sizes. */
  dropFinal(chainId: number, sizes: readonly number[], unless?: readonly DocumentChange[]): Promise<void>
  /**
   * Called by the anchorer when the owner has closed the log on its chain. From then on submissions
   * are refused, and anchors above the last good size do not count.
   */
  disown(closing: Closing): Promise<void>
  /** Promise 7: refuses submissions from now on. Reads continue. */
  stop(reason: string, code?: string): void
  stopped(): string | undefined
  /** The stable code of that reason. */
  stopCode(): string | undefined
  /** Why this node seals nothing for now; LEDGER_KEY_ENDED: it lacks the log's key. */
  unsettledCode(): string | undefined
}
