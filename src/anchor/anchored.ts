/**
 * The ledger as its anchorer sees it: what it anchors, and whom it reports to. Implemented in
 * `src/ledger`.
 */
import type { Hash } from '../core/hash.ts'
import type { TimestampEntry } from '../core/statements/timestamp.ts'
import type { Prover } from '../log/prover.ts'
import type { SignedHead } from '../log/view.ts'
import type { Closing } from './chain.ts'
import type { Rounds } from './rounds.ts'
import type { FinalRound, VouchedRounds } from './vouched.ts'

type Vouched = Pick<
  VouchedRounds,
  'latestAnchor' | 'anchorAt' | 'listAnchors' | 'newestAnchors' | 'setFinal' | 'dropFinal' | 'addCosignature' | 'addToken' | 'judgeAgain'
>

/** The part of a ledger that anchoring needs. */
export type AnchoredLedger = Pick<Prover, 'rootAt' | 'consistency' | 'checkpointAt'> &
  Vouched & {
    readonly rounds: Rounds
    /** The newest final round that this node knows. */
    latestRound(): FinalRound | undefined
    /** The newest committed head and its signed checkpoint. */
    head(): SignedHead
    /** Asks the store how far other nodes have taken the log. */
    refresh(): Promise<void>
    /**
     * When a record was sealed, in milliseconds since 1970 by this ledger's own clock; undefined
     * beyond the head. Not evidence: only the anchor's time is.
     */
    sealedMs(index: number): Promise<number | undefined>
    /**
     * The checkpoint of the next round after one of size `previous`, with its signed note. It is the
     * newest, unless a key of the log ended in between. Then that key's last checkpoint comes first,
     * so that it is vouched for while readers know only the old key.
     */
    nextCheckpoint(previous: number): Promise<{ readonly size: number; readonly root: Hash; readonly checkpoint: string }>
    /** The first index from `from` up to `to` that is not a logged time stamp; undefined if all are. */
    firstNews(from: number, to: number): Promise<number | undefined>
    /**
     * Logs a time stamp once, as an entry that later rounds cover.
     * @throws LedgerError LEDGER_STOPPED, LEDGER_BUSY, LEDGER_COMMIT_FAILED, LEDGER_UNSETTLED
     */
    logTimestamp(entry: Omit<TimestampEntry, 'type' | 'salt'>): Promise<unknown>
    /**
     * The sizes whose checkpoints are rounds of their own, in ascending order: the last ones of keys
     * and of lists of anchors that have ended.
     */
    ends(): readonly number[]
    /**
     * Called when the owner has closed the log on a chain. From then on submissions are refused, and
     * that chain's anchors above the last good size do not count.
     */
    disown(chainId: number, closing: Closing): Promise<void>
    /** Promise 7: refuses submissions from now on. Reads continue. */
    stop(reason: string, code?: string): void
    stopped(): string | undefined
    /** The stable code of that reason. */
    stopCode(): string | undefined
    /** Why this node seals nothing for now; LEDGER_KEY_ENDED: it lacks the log's key. */
    unsettledCode(): string | undefined
  }
