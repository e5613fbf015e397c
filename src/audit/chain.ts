/**
 * The chain as an audit reads it: only types, so that the audit knows no Ethereum library.
 * Implemented in `src/chain/audit-reader.ts`.
 */
import type { Hash } from '../core/hash.ts'

/** One CheckpointAnchored event. `time` is in Unix seconds. */
export type AnchorEvent = {
  readonly size: number
  readonly root: Hash
  readonly time: number
  readonly block: number
  readonly transaction: string
}

/** A block by its number and its hash, 0x-hex. */
export type BlockId = { readonly number: number; readonly hash: string }

/**
 * The contract's storage of a log. `closedAt` is the last good size, if the owner closed the log.
 */
export type StoredLog = { readonly latestSize: number; readonly closedAt?: number }

/**
 * One log in one contract, by one endpoint. Every function rejects with an OpenSealError if there
 * is no usable answer: CHAIN_UNREACHABLE, CHAIN_WRONG (it serves another chain), CHAIN_EVENTS (it
 * returns no events), CHAIN_LATE (the time for the audit has ended) or another code.
 */
export type AuditChain = {
  /** The endpoint's host, for people. */
  readonly name: string
  readonly chainId: number
  readonly contract: string
  readonly logId: string
  /** The first block to read: the contract did not exist before. */
  readonly firstBlock: number
  /**
   * SHA-256, hex, of the runtime code at the contract's address; of no bytes if there is no code.
   */
  codeSha256(): Promise<string>
  /** The newest block, and the newest final one, undefined while there is none. */
  heads(): Promise<{ readonly head: BlockId; readonly final: BlockId | undefined }>
  /** The hash of a block; undefined if the endpoint has no block of this number. */
  blockHash(number: number): Promise<string | undefined>
  /**
   * The anchors in [from, to], in the order of the chain, in as many parts as the endpoint
   * requires.
   */
  events(from: number, to: number): AsyncIterable<{ readonly to: number; readonly events: readonly AnchorEvent[] }>
  /** Unix seconds at which this size and root were anchored; 0 if they were not. */
  anchoredAt(size: number, root: Hash, block: number | 'latest'): Promise<number>
  stored(block: number): Promise<StoredLog>
}
