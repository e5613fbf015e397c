/** Sends an anchor's transaction until it is in a block, or given up. */
import { OpenSealError } from '../core/errors.ts'
import type { Log } from '../logger.ts'
import type { Ages } from './ages.ts'
import type { Bids } from './bids.ts'
import type { AnchorChain } from './chain.ts'
import type { AnchorLook } from './look.ts'
import { type AnchorRecord, type AnchorRecords, brief } from './records.ts'

/**
 * Sends an anchor, again if necessary, with higher fees if it has waited long. Throws if only the
 * next round can try again.
 */
export type Send = (records: AnchorRecords, anchor: AnchorRecord) => Promise<void>

type Deps = {
  readonly chain: Pick<AnchorChain, 'nextNonce'>
  readonly look: AnchorLook
  readonly bids: Bids
  readonly ages: Ages
  readonly log: Log
}

/** After this long outside any block, a transaction is sent again with higher fees. */
export const BUMP_AFTER_MS = 60_000
/**
 * After this many rounds in which the nonce was used and no attempt found, someone else uses the
 * key, and this anchor is given up.
 */
const MISSES = 3

/** Creates a sender. */
export function createSender({ chain, look, bids, ages, log }: Deps): Send {
  async function send(records: AnchorRecords, waiting: AnchorRecord): Promise<void> {
    const anchor = await renewWhenLate(records, waiting)
    if (anchor === undefined) return
    try {
      await bids.publish(anchor)
    } catch (cause) {
      return afterRefusal(records, anchor, cause)
    }
    await saveSubmitted(records, anchor)
  }

  async function saveSubmitted(records: AnchorRecords, anchor: AnchorRecord): Promise<void> {
    if (anchor.state === 'submitted') return
    await records.save({ ...anchor, state: 'submitted', times: { ...anchor.times, submittedMs: ages.stamp() } })
    log.info('anchor submitted', brief(anchor))
  }

  /**
   * The transaction to send now, with a higher bid if the last one has waited long. Undefined if
   * the anchor was given up.
   */
  async function renewWhenLate(records: AnchorRecords, anchor: AnchorRecord): Promise<AnchorRecord | undefined> {
    const last = anchor.attempts.at(-1)
    if (last === undefined) {
      // It was found in the contract once and is gone, so there is no transaction of ours to send
      // again. The newest checkpoint replaces it.
      await records.drop(anchor.size)
      return undefined
    }
    const isFirst = records.open().find(({ state }) => state !== 'included')?.size === anchor.size
    if (anchor.state !== 'submitted' || !isFirst || ages.ageMs(last.signedMs) < BUMP_AFTER_MS) return anchor
    const free = await chain.nextNonce()
    if (free >= last.nonce) return (await bids.raise(records, anchor, last.raw)) ?? anchor
    await dropAbove(records, free)
    return undefined
  }

  /**
   * A lower nonce is free and nothing of ours will use it, because its transaction left the chain
   * for good. Nothing above it can be executed before it is used, so the newest checkpoint takes
   * it. If an old transaction is executed later, the contract refuses it.
   */
  async function dropAbove(records: AnchorRecords, free: number): Promise<void> {
    for (const lost of records.open().filter(({ state, attempts }) => state !== 'included' && free < (attempts.at(-1)?.nonce ?? 0))) {
      log.error('anchor given up: a nonce below its own is free', { ...brief(lost), free })
      await records.drop(lost.size)
    }
  }

  /** The chain refused a transaction. */
  async function afterRefusal(records: AnchorRecords, anchor: AnchorRecord, cause: unknown): Promise<void> {
    const code = cause instanceof OpenSealError ? cause.code : undefined
    if (code === 'CHAIN_NONCE_TOO_LOW') return afterUsedNonce(records, anchor)
    if (code === 'CHAIN_UNDERPRICED') return afterLowBid(records, anchor)
    // Refused for good and never sent: the newest checkpoint takes its place and its nonce.
    if ((code === 'CHAIN_FUNDS' || code === 'CHAIN_REJECTED') && anchor.state === 'prepared') await records.drop(anchor.size)
    throw cause
  }

  /**
   * Another transaction with its nonce pays more, or blocks cost more than it pays. Bids higher at
   * once, up to the ceiling.
   */
  async function afterLowBid(records: AnchorRecords, anchor: AnchorRecord): Promise<void> {
    const raised = await bids.raise(records, anchor, anchor.attempts.at(-1)?.raw ?? '')
    if (raised !== undefined) {
      await bids.publish(raised)
      return saveSubmitted(records, raised)
    }
    if (anchor.state === 'prepared') await records.drop(anchor.size)
  }

  /**
   * Either one of our attempts was executed just now and the next round finds it, or a transaction
   * of another origin used the nonce.
   */
  async function afterUsedNonce(records: AnchorRecords, anchor: AnchorRecord): Promise<void> {
    if ((await look(anchor)) !== undefined) return
    const isUsed = (await chain.nextNonce()) > (anchor.attempts.at(-1)?.nonce ?? 0)
    // The answering endpoint is ahead of the one that was read: not a miss.
    if (!isUsed) return
    const missed = (anchor.missed ?? 0) + 1
    if (missed < MISSES) return records.save({ ...anchor, missed })
    log.error('anchor given up: its nonce was used by another transaction of this key', brief(anchor))
    await records.drop(anchor.size)
  }

  return send
}
