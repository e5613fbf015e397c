/** The chain as an audit reads it: a type, so that the audit knows no Ethereum library. Implemented in `src/chain/audit-reader.ts`. */
import type { Hash } from '../core/hash.ts'

/** One CheckpointAnchored event. `time` in unix seconds. */
export type AnchorEvent = {
  readonly size: number
  readonly root: Hash
  readonly time: number
  readonly block: number
  readonly transaction: string
}

/** What one block of a chain says of a log. */
export type ChainView = {
  /** The block that everything here, and `anchoredAt`, is asked of. */
  readonly block: number
  /** Every anchor of the log, in the order of the chain. */
  readonly events: readonly AnchorEvent[]
  /** Size of the newest anchor in the contract's storage, 0 when there is none. */
  readonly latestSize: number
  /** The last size that the log's owner vouches for, when the log was closed. */
  readonly closedAt?: number
}

/** One log in one contract, by one endpoint. Rejects with coded errors when the endpoint gives no usable answer. */
export type AuditChain = {
  /** Host of the endpoint, for people. */
  readonly name: string
  readonly chainId: number
  readonly contract: string
  readonly logId: string
  /** SHA-256 of the runtime code at the contract's address, hex; that of nothing where there is none. */
  codeSha256(): Promise<string>
  read(): Promise<ChainView>
  /** Unix seconds at which this size and root were anchored; 0 when they were not. */
  anchoredAt(size: number, root: Hash, block: number): Promise<number>
}
