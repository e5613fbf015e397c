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

/** A block by its number and its hash, 0x-hex. */
export type BlockId = { readonly number: number; readonly hash: string }

/** What the contract's storage says of a log. `closedAt` is the last size that the log's owner vouches for, when the log was closed. */
export type StoredLog = { readonly latestSize: number; readonly closedAt?: number }

/**
 * One log in one contract, by one endpoint. Every function rejects with an OpenSealError when there is no usable answer: CHAIN_UNREACHABLE,
 * CHAIN_WRONG (it serves another chain), CHAIN_EVENTS (it gives out no events) or another code.
 */
export type AuditChain = {
  /** Host of the endpoint, for people. */
  readonly name: string
  readonly chainId: number
  readonly contract: string
  readonly logId: string
  /** The block to begin with: the contract was not there before. */
  readonly firstBlock: number
  /** SHA-256 of the runtime code at the contract's address, hex; that of nothing where there is none. */
  codeSha256(): Promise<string>
  /** The newest block, and the newest one that the chain does not take back; undefined while there is none. */
  heads(): Promise<{ readonly head: BlockId; readonly final: BlockId | undefined }>
  /** Hash of a block; undefined where the endpoint has none of this number. */
  blockHash(number: number): Promise<string | undefined>
  /** The anchors in [from, to], in the order of the chain, in as many parts as the endpoint makes of them. */
  events(from: number, to: number): AsyncIterable<{ readonly to: number; readonly events: readonly AnchorEvent[] }>
  /** Unix seconds at which this size and root were anchored; 0 when they were not. */
  anchoredAt(size: number, root: Hash, block: number | 'latest'): Promise<number>
  stored(block: number): Promise<StoredLog>
}
