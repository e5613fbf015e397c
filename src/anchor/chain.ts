/**
 * The chain as the anchorer sees it: only types, so that the ledger knows no Ethereum library.
 * Implemented in `src/chain/ethereum.ts`.
 */

import type { Hash } from '../core/hash.ts'

/** The contract's newest checkpoint of our log. `time` is the block's, in Unix seconds. */
export type AnchoredHead = { readonly size: number; readonly root: Hash; readonly time: number }

/**
 * The fees of a transaction per gas, in wei as decimal strings, because they are stored and
 * `bigint` ends in `src/chain`.
 */
export type StoredFees = { readonly maxFeePerGas: string; readonly maxPriorityFeePerGas: string }

/** A signed transaction, sent or not. `raw` and `hash` are 0x-hex, lower case. */
export type SignedTransaction = StoredFees & { readonly raw: string; readonly hash: string; readonly nonce: number }

/**
 * The call of the contract: advance to `size` and `root`, with a consistency proof from its newest
 * checkpoint.
 */
export type AnchorCall = { readonly size: number; readonly root: Hash; readonly proof: readonly Hash[] }

/** A stored block: `hash` is 0x-hex, `time` in Unix seconds. */
export type ChainBlock = { readonly number: number; readonly hash: string; readonly time: number }

/**
 * Where a transaction was executed. `succeeded` is false if the contract refused it. This is
 * Ethereum's receipt, never ours.
 */
export type TxReceipt = { readonly block: ChainBlock; readonly succeeded: boolean }

/**
 * The state of the chain to ask about: its head, its newest final block by the log's finality rule,
 * or a block by number.
 */
export type ChainPoint = 'latest' | 'finalized' | number

/**
 * The state of an anchor that was final. `there`: its block is part of the chain. `moved`: it is
 * not, but the contract still holds the anchor. `gone`: it is not, and the contract does not hold
 * it. `unknown`: endpoints are behind or contradict each other.
 */
export type AnchorStanding = 'there' | 'moved' | 'gone' | 'unknown'

/**
 * The owner's closing of a log: the largest size that they vouch for, and the id of the successor
 * log, 0x-hex.
 */
export type Closing = { readonly lastGoodSize: number; readonly successor?: string }

/**
 * When a block counts as final: by the chain's own `finalized` tag, or by a number of blocks on top
 * of it.
 */
export type Finality = 'finalized' | { readonly confirmations: number }

/**
 * One log in one contract on one chain, and the key that may write to it. Every call may throw
 * `CHAIN_UNREACHABLE` (no endpoint answered) or `CHAIN_WRONG` (the endpoints serve another chain).
 * Calls that sign may also throw `CHAIN_SIGNER_UNREACHABLE`, `CHAIN_SIGNER_REFUSED` and
 * `CHAIN_SIGNER_WRONG`.
 */
export type AnchorChain = {
  readonly chainId: number
  /** The contract's address and the log's id, 0x-hex, lower case. */
  readonly contract: string
  readonly logId: string
  /**
   * Whether this chain may lose final blocks, as an embedded one does when it is killed. No other
   * chain does.
   */
  readonly losesBlocks: boolean
  /** The address that signs. It must be the ledger's alone, because its nonces are counted here. */
  publisher(): Promise<string>
  /**
   * The contract's newest checkpoint of the log, `null` before the first, from each endpoint that
   * answers. Asked first in every round.
   */
  heads(): Promise<readonly (AnchoredHead | null)[]>
  /** Whether the log was closed, from each endpoint that answers; undefined while it is open. */
  closings(): Promise<readonly (Closing | undefined)[]>
  /** The newest checkpoint, from the first endpoint that answers. */
  latest(): Promise<AnchoredHead | null>
  /**
   * Unix seconds of the block that anchored exactly this size and root; 0 if no endpoint knows one.
   */
  anchoredAt(size: number, root: Hash, block: ChainPoint): Promise<number>
  /**
   * The publisher's next nonce: the number of its transactions in the chain at its head, pending
   * ones not counted.
   */
  nextNonce(): Promise<number>
  /**
   * Signs at current fees, and does not send. `CHAIN_REJECTED` if the contract would refuse the
   * call at its head.
   */
  prepare(call: AnchorCall & { readonly nonce: number }): Promise<SignedTransaction>
  /**
   * Signs the same transaction again with fees at least 10 % higher, to replace the first: the
   * chain executes at most one of the two. `null` at the configured ceiling.
   */
  bump(raw: string): Promise<SignedTransaction | null>
  /**
   * Sends to every endpoint. A transaction that the chain knows already is a success.
   * `CHAIN_NONCE_TOO_LOW`: another transaction with its nonce was executed. `CHAIN_UNDERPRICED`:
   * another one with its nonce is pending and pays as much. `CHAIN_FUNDS`: the publisher cannot
   * pay. `CHAIN_REJECTED`: any other refusal.
   */
  broadcast(raw: string): Promise<void>
  /** `null` while no endpoint has the transaction in a block of its chain. */
  txReceipt(hash: string): Promise<TxReceipt | null>
  /**
   * The transaction and block that anchored exactly this size and root, from the contract's events.
   * For an anchor that none of our stored transactions made, because the store was restored from a
   * backup. `null` if there is none, or the endpoints do not keep events that long.
   */
  findAnchored(size: number, root: Hash): Promise<{ readonly transaction: string; readonly block: ChainBlock } | null>
  /** The state of a final anchor of this size and root, by its block. */
  standing(block: Pick<ChainBlock, 'number' | 'hash'>, size: number, root: Hash): Promise<AnchorStanding>
  /** The hash of the block at that height in the current chain, `null` above its head. */
  blockHash(number: number): Promise<string | null>
  /**
   * Whether the block is final by the log's finality rule, and part of the chain, for every
   * endpoint that answers. An endpoint that does not have the block is ignored if it is an hour or
   * more behind both the newest block of all endpoints and `atMs`, the time by our clock.
   */
  isFinal(block: ChainBlock, atMs: number): Promise<boolean>
  /** The publisher's balance in wei, and the number of anchors that it pays for at current fees. */
  funds(): Promise<{ readonly balanceWei: string; readonly anchors: number }>
  close(): void
}
