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

/** One log in one contract, by one endpoint. Rejects with coded errors when the endpoint gives no usable answer. */
export type AuditChain = {
  readonly chainId: number
  readonly contract: string
  readonly logId: string
  /** SHA-256 of the contract's runtime code, hex. */
  codeSha256(): Promise<string>
  /** Every anchor of the log, in the order of the chain, up to the chain's head. */
  events(): Promise<AnchorEvent[]>
  /** Unix seconds at which this size and root were anchored; 0 when they were not. */
  anchoredAt(size: number, root: Hash): Promise<number>
  /** The last size that the log's owner vouches for, when the log was closed. */
  closedAt(): Promise<number | undefined>
}
