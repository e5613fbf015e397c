/**
 * The anchorer's chain: one log in one CheckpointAnchor contract, and the key that writes to it.
 */
import type { AnchorChain } from '../anchor/chain.ts'
import { createBlocks } from './blocks.ts'
import { openEndpoints } from './endpoints.ts'
import type { Fees } from './fees.ts'
import { createLogContract, type LogAt } from './log-contract.ts'
import { createPublisher } from './publisher.ts'
import type { TxSigner } from './signer.ts'

/** The limits on fees and waiting. Fees are per gas, in wei. */
export type ChainLimits = { readonly timeoutMs: number; readonly ceiling: Fees }

/** 200 gwei and a tip of 20: enough for a day of congestion, not for a day of panic. */
export const DEFAULT_LIMITS: ChainLimits = {
  timeoutMs: 10_000,
  ceiling: { maxFeePerGas: 200_000_000_000n, maxPriorityFeePerGas: 20_000_000_000n },
}

type Options = LogAt & {
  /**
   * Simple reads ask the first endpoint that answers. Questions that a single endpoint could lie
   * about ask all, and transactions are sent to all.
   */
  readonly urls: readonly string[]
  readonly signer: TxSigner
  readonly limits: ChainLimits
}

/**
 * Opens the chain without asking it anything. Every call may throw CHAIN_UNREACHABLE. Closing it
 * closes the signer.
 */
export function openAnchorChain({ urls, chainId, signer, finality, limits, ...options }: Options): AnchorChain {
  const contract = options.contract.toLowerCase()
  const logId = options.logId.toLowerCase()
  const at: LogAt = { chainId, contract, logId, finality }
  const endpoints = openEndpoints(urls, chainId, limits.timeoutMs)
  return {
    chainId,
    contract,
    logId,
    losesBlocks: finality !== 'finalized' && finality.confirmations === 0,
    ...createLogContract(endpoints, at),
    ...createBlocks(endpoints, finality),
    ...createPublisher(endpoints, signer, limits.ceiling, at),
    close() {
      endpoints.close()
      signer.close()
    },
  }
}
