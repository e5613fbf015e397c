/** The ledger as its anchorer sees it: what it anchors, and whom it tells. Implemented in `src/ledger`. */
import type { Hash } from '../core/hash.ts'
import type { Prover } from '../log/prover.ts'
import type { SignedHead } from '../log/view.ts'
import type { Closing } from './chain.ts'
import type { FinalAnchor } from './final-anchors.ts'

/** What a ledger tells of itself, and is told, for the sake of its anchors. */
export type AnchoredLedger = Pick<Prover, 'rootAt' | 'consistency'> & {
  /** The newest committed head and its signed checkpoint. */
  head(): SignedHead
  /** Asks the store how far other nodes have taken the log. */
  refresh(): Promise<void>
  /** When a record was sealed, in milliseconds since 1970, by this ledger's own clock; undefined beyond the head. No evidence: that is the anchor's time. */
  sealedMs(index: number): Promise<number | undefined>
  latestAnchor(): FinalAnchor | undefined
  anchorAt(size: number): Promise<FinalAnchor | undefined>
  /**
   * The checkpoint to anchor after one of size `previous`: the newest, unless a key of the log ended in between. The last checkpoint of that key comes first, so
   * that the chain vouches for the change while only the old key is known to readers.
   */
  nextToAnchor(previous: number): Promise<{ readonly size: number; readonly root: Hash }>
  /** In ascending order of size, those above `after`. */
  listAnchors(after: number, limit: number): Promise<FinalAnchor[]>
  /** Below a size, the newest first. On a closed log none that it disowns. */
  newestAnchors(before: number, limit: number): Promise<FinalAnchor[]>
  /** For the anchorer: an anchor became final. Durable when it resolves. */
  setFinal(anchor: FinalAnchor): Promise<void>
  /** For the anchorer: the chain has lost anchors that were final, those of these sizes. */
  dropFinal(sizes: readonly number[]): Promise<void>
  /** For the anchorer: the owner has closed the log on its chain. Nothing is taken from now on, and anchors above the last good size count for nothing. */
  disown(closing: Closing): Promise<void>
  /** Promise 7: refuses submissions from now on; reads go on. */
  stop(reason: string, code?: string): void
  stopped(): string | undefined
  /** The stable code of that reason. */
  stopCode(): string | undefined
}
