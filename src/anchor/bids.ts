/**
 * The attempts of an anchor. All share one nonce, so they are one logical transaction: the chain
 * executes at most one of them. Each pays more than the one before it.
 */
import { OpenSealError } from '../core/errors.ts'
import type { Log } from '../logger.ts'
import type { Ages } from './ages.ts'
import type { AnchorChain, SignedTransaction } from './chain.ts'
import { type AnchorRecord, type AnchorRecords, brief } from './records.ts'
import type { Trouble } from './trouble.ts'

export type Bids = {
  /**
   * Sends the newest attempt. If the chain refuses it, sends the earlier ones too: it may have
   * dropped the one that it had.
   */
  publish(anchor: AnchorRecord): Promise<void>
  /**
   * A higher bid for the same nonce, stored before it is sent, like the first one. Undefined at the
   * ceiling, where the old bids are sent again.
   */
  raise(records: AnchorRecords, anchor: AnchorRecord, raw: string): Promise<AnchorRecord | undefined>
}

type Deps = {
  readonly chain: Pick<AnchorChain, 'broadcast' | 'bump'>
  readonly ages: Pick<Ages, 'stamp'>
  readonly log: Log
  /** A problem that does not end the round. */
  readonly note: (trouble: Trouble) => void
}

const REFUSALS = ['CHAIN_FUNDS', 'CHAIN_UNDERPRICED', 'CHAIN_REJECTED']

/** Creates the bids on a chain. */
export function createBids({ chain, ages, log, note }: Deps): Bids {
  return {
    async publish({ attempts }) {
      let refusal: OpenSealError | undefined
      for (const { raw } of attempts.toReversed()) {
        try {
          await chain.broadcast(raw)
          if (refusal !== undefined) note(refusal)
          return
        } catch (cause) {
          if (!(cause instanceof OpenSealError) || !REFUSALS.includes(cause.code)) throw cause
          refusal ??= cause
        }
      }
      throw refusal
    },
    async raise(records, anchor, raw) {
      const signed = await signHigher({ chain, note }, raw)
      if (signed === undefined) return undefined
      const raised: AnchorRecord = { ...anchor, attempts: [...anchor.attempts, { ...signed, signedMs: ages.stamp() }] }
      await records.save(raised)
      log.warn('anchor fees raised', { ...brief(raised), maxFeePerGas: signed.maxFeePerGas })
      return raised
    },
  }
}

async function signHigher({ chain, note }: Pick<Deps, 'chain' | 'note'>, raw: string): Promise<SignedTransaction | undefined> {
  try {
    const signed = await chain.bump(raw)
    if (signed !== null) return signed
    note({
      code: 'ANCHOR_FEE_CEILING',
      message: 'The anchor is in no block and its fees are at the ceiling: raise OPENSEAL_ANCHOR_MAX_FEE or wait for lower fees.',
    })
  } catch (cause) {
    if (!(cause instanceof OpenSealError) || !cause.code.startsWith('CHAIN_SIGNER_')) throw cause
    note(cause)
  }
  return undefined
}
