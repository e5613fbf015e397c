/**
 * The transactions of an anchor. All attempts share one nonce, so they are one logical transaction,
 * and any of them confirms it.
 */
import { fromHex } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import type { Log } from '../logger.ts'
import type { Ages } from './ages.ts'
import type { AnchorChain, ChainBlock, SignedTransaction } from './chain.ts'
import type { Trouble } from './lag.ts'
import type { AnchorRecord, AnchorRecords } from './records.ts'

/** Where an anchor was executed. */
export type Found = { readonly transaction: string; readonly block: ChainBlock }

export type Sender = {
  /**
   * Finds where it was executed: in any of its attempts, or in a transaction that the contract
   * knows and our store does not. `refused`: executed, but the contract refused it.
   */
  look(anchor: AnchorRecord): Promise<Found | 'refused' | undefined>
  /**
   * Sends it, again if necessary, with higher fees if it has waited long. Throws if only the next
   * round can try again.
   */
  send(records: AnchorRecords, anchor: AnchorRecord): Promise<void>
}

type Deps = {
  readonly chain: AnchorChain
  readonly ages: Ages
  readonly log: Log
  /** A problem that does not end the round. */
  readonly note: (trouble: Trouble) => void
}

/** After this long outside any block, a transaction is sent again with higher fees. */
export const BUMP_AFTER_MS = 60_000
/**
 * After this many rounds in which the nonce was used and no attempt found, someone else uses the
 * key, and this anchor is given up.
 */
const MISSES = 3

/** Creates a sender. */
export function createSender({ chain, ages, log, note }: Deps): Sender {
  async function look(anchor: AnchorRecord): Promise<Found | 'refused' | undefined> {
    let refused = false
    for (const hash of await executedHashes(anchor)) {
      const receipt = await chain.txReceipt(hash)
      if (receipt?.succeeded) return { transaction: hash, block: receipt.block }
      refused ||= receipt !== null
    }
    const root = fromHex(anchor.root)
    if ((await chain.anchoredAt(anchor.size, root, 'latest')) > 0) return (await chain.findAnchored(anchor.size, root)) ?? undefined
    return refused ? 'refused' : undefined
  }

  /**
   * The attempts that may have a receipt, likely ones first. While the nonce is free none has one,
   * so a single question saves one for each attempt.
   */
  async function executedHashes({ transaction, attempts }: AnchorRecord): Promise<readonly string[]> {
    const hashes = attempts.map(({ hash }) => hash).reverse()
    if (transaction !== undefined) return [transaction, ...hashes.filter(hash => hash !== transaction)]
    const [first] = attempts
    return first === undefined || (await chain.nextNonce()) <= first.nonce ? [] : hashes
  }

  async function send(records: AnchorRecords, waiting: AnchorRecord): Promise<void> {
    const anchor = await renewWhenLate(records, waiting)
    if (anchor === undefined) return
    try {
      await publish(anchor)
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
   * Sends the newest attempt. If the chain refuses it, sends the earlier ones too: it may have
   * dropped the one that it had.
   */
  async function publish({ attempts }: AnchorRecord): Promise<void> {
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
    if (free < last.nonce) {
      // A lower nonce is free and nothing of ours will use it, because its transaction left the
      // chain for good. Nothing above it can be executed before it is used, so the newest
      // checkpoint takes it. If the old transaction is executed later, the contract refuses it.
      for (const lost of records.open().filter(({ state, attempts }) => state !== 'included' && free < (attempts.at(-1)?.nonce ?? 0))) {
        log.error('anchor given up: a nonce below its own is free', { ...brief(lost), free })
        await records.drop(lost.size)
      }
      return undefined
    }
    return (await bump(records, anchor, last.raw)) ?? anchor
  }

  /**
   * A higher bid for the same nonce, stored before it is sent, like the first one. At the ceiling,
   * the old bids are sent again.
   */
  async function bump(records: AnchorRecords, anchor: AnchorRecord, raw: string): Promise<AnchorRecord | undefined> {
    const signed = await signHigher(raw)
    if (signed === undefined) return undefined
    const bumped: AnchorRecord = { ...anchor, attempts: [...anchor.attempts, { ...signed, signedMs: ages.stamp() }] }
    await records.save(bumped)
    log.warn('anchor fees raised', { ...brief(bumped), maxFeePerGas: signed.maxFeePerGas })
    return bumped
  }

  async function signHigher(raw: string): Promise<SignedTransaction | undefined> {
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
    const bumped = await bump(records, anchor, anchor.attempts.at(-1)?.raw ?? '')
    if (bumped !== undefined) {
      await publish(bumped)
      return saveSubmitted(records, bumped)
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

  return { look, send }
}

const REFUSALS = ['CHAIN_FUNDS', 'CHAIN_UNDERPRICED', 'CHAIN_REJECTED']

/** An anchor as fields of a log line. */
export function brief({ size, state, attempts, block }: AnchorRecord) {
  return { size, state, nonce: attempts.at(-1)?.nonce, transaction: attempts.at(-1)?.hash, block: block?.number }
}
