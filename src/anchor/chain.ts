/** The chain as the anchorer sees it: a type, so that the ledger knows no Ethereum library. Implemented in `src/chain/ethereum.ts`. */

import type { Hash } from '../core/hash.ts'

/** The newest checkpoint that the contract holds for our log. `time` is the block's, in unix seconds. */
export type AnchoredHead = { readonly size: number; readonly root: Hash; readonly time: number }

/** What a transaction pays per gas, both in wei as decimal strings: they are stored, and `bigint` ends in `src/chain`. */
export type Fees = { readonly maxFeePerGas: string; readonly maxPriorityFeePerGas: string }

/** A signed transaction that may or may not have been sent: `raw` and `hash` are 0x-hex, lower case. */
export type SignedTransaction = Fees & { readonly raw: string; readonly hash: string; readonly nonce: number }

/** What is asked of the contract: take over to `size` and `root`, shown by a consistency proof from its newest checkpoint. */
export type AnchorCall = { readonly size: number; readonly root: Hash; readonly proof: readonly Hash[] }

/** A block as we keep it: `hash` is 0x-hex, `time` in unix seconds. */
export type ChainBlock = { readonly number: number; readonly hash: string; readonly time: number }

/** Where a transaction was executed. `succeeded` is false when the contract refused it. Ethereum's "receipt", never ours. */
export type TxReceipt = { readonly block: ChainBlock; readonly succeeded: boolean }

/** Which state of the chain is asked: its head, its last final block by the log's finality rule, or a block by number. */
export type BlockTag = 'latest' | 'finalized' | number

/**
 * Where an anchor stands that was final. `there`: its block is part of the chain. `moved`: it is not, and the contract holds the anchor all
 * the same. `gone`: it is not, and the contract does not hold it. `unknown`: endpoints are behind, or contradict each other.
 */
export type Standing = 'there' | 'moved' | 'gone' | 'unknown'

/** That the owner of a log has closed it, the largest size that they vouch for, and the id of the log that goes on, 0x-hex. */
export type Closing = { readonly lastGoodSize: number; readonly successor?: string }

/** When a block counts as final: the chain's own `finalized` tag, or so many blocks on top of it. */
export type Finality = 'finalized' | { readonly confirmations: number }

/**
 * One log in one contract on one chain, and the key that may write to it. Every call may throw `CHAIN_UNREACHABLE` (no endpoint
 * answered) or `CHAIN_WRONG` (the endpoints serve another chain); those that sign, `CHAIN_SIGNER_UNREACHABLE`, `CHAIN_SIGNER_REFUSED` and
 * `CHAIN_SIGNER_WRONG`.
 */
export type AnchorChain = {
  readonly chainId: number
  /** The contract's address and the log's id, 0x-hex, lower case. */
  readonly contract: string
  readonly logId: string
  /** Whether this chain may lose blocks that it called final: an embedded one, killed. Any other never does. */
  readonly losesBlocks: boolean
  /** The address that signs. It must be ours alone: its nonces are counted here. */
  publisher(): Promise<string>
  /** The contract's newest checkpoint of the log, `null` before the first, as each endpoint that answers says it. Asked first in every round. */
  heads(): Promise<readonly (AnchoredHead | null)[]>
  /** Whether the log was closed, as each endpoint that answers says it: undefined while it is open. */
  closings(): Promise<readonly (Closing | undefined)[]>
  /** The newest checkpoint, of the first endpoint that answers. */
  latest(): Promise<AnchoredHead | null>
  /** Unix seconds of the block that anchored exactly this size and root, 0 when none did for any endpoint. */
  anchoredAt(size: number, root: Hash, block: BlockTag): Promise<number>
  /** The publisher's next nonce: how many of its transactions are in the chain at its head (pending ones are not counted). */
  nextNonce(): Promise<number>
  /** Signs, at what the chain asks now, and does not send. `CHAIN_REJECTED` when the contract would refuse the call at its head. */
  prepare(call: AnchorCall & { readonly nonce: number }): Promise<SignedTransaction>
  /**
   * The same transaction signed again to pay at least 10 % more, so that it may replace the first: of the two the chain executes one
   * at most. `null` at the ceiling of the configuration.
   */
  bump(raw: string): Promise<SignedTransaction | null>
  /**
   * Sends to every endpoint. A transaction that the chain knows already is a success. `CHAIN_NONCE_TOO_LOW`: another one with its nonce was executed;
   * `CHAIN_UNDERPRICED`: another one with its nonce waits and pays as much; `CHAIN_FUNDS`: the publisher cannot pay; `CHAIN_REJECTED`: all else.
   */
  broadcast(raw: string): Promise<void>
  /** `null` while the transaction is in no block of the chain as any endpoint has it. */
  txReceipt(hash: string): Promise<TxReceipt | null>
  /**
   * The transaction and block that anchored exactly this size and root, out of the contract's events: for an anchor that none of our
   * stored transactions made (a store that came from a backup). `null` when there is none, or the endpoints do not keep events that long.
   */
  findAnchored(size: number, root: Hash): Promise<{ readonly transaction: string; readonly block: ChainBlock } | null>
  /** Where a final anchor of this size and root stands, by its block. */
  standing(block: Pick<ChainBlock, 'number' | 'hash'>, size: number, root: Hash): Promise<Standing>
  /** Hash of the block at that height in the chain as it is now, `null` above its head. */
  blockHash(number: number): Promise<string | null>
  /**
   * Whether the block is final by the log's finality rule, and part of the chain, for every endpoint that answers. One that does not
   * have it and is an hour or more behind has no say: behind the newest block of all, and behind `atMs`, the time by our clock.
   */
  isFinal(block: ChainBlock, atMs: number): Promise<boolean>
  /** What the publisher owns, in wei, and for how many anchors that lasts at what the chain asks now. */
  funds(): Promise<{ readonly balanceWei: string; readonly anchors: number }>
  close(): void
}
