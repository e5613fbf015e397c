/** The transactions of an anchor: all its attempts are one logical transaction, of one nonce, and any of them confirms it. */
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
  /** By any of its attempts, or by a transaction that the contract knows and our store does not. `refused`: executed, and the contract said no. */
  look(anchor: AnchorRecord): Promise<Found | 'refused' | undefined>
  /** Sends it, again if need be, and for more if it has waited long. Throws where the next round can only try again. */
  send(records: AnchorRecords, anchor: AnchorRecord): Promise<void>
}

type Deps = {
  readonly chain: AnchorChain
  readonly ages: Ages
  readonly log: Log
  /** Trouble that does not end the round. */
  readonly note: (trouble: Trouble) => void
}

/** A transaction that is in no block after this long is sent again for more. */
export const BUMP_AFTER_MS = 60_000
/** The nonce was taken and no attempt is found, so often in a row: someone else uses the key, and this anchor will not come about. */
const MISSES = 3

/** Makes a sender. */
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

  /** Those that may have a receipt, the likely ones first. While the nonce is free none has: one question spares one for each attempt. */
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

  /** The newest attempt. Where the chain does not take it, the ones before: it may have dropped the one that it took. */
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

  /** What is to be sent now: a higher bid when the last one has waited long. Undefined when the anchor was given up. */
  async function renewWhenLate(records: AnchorRecords, anchor: AnchorRecord): Promise<AnchorRecord | undefined> {
    const last = anchor.attempts.at(-1)
    if (last === undefined) {
      // Found in the contract once, and gone from it: nothing of ours could be sent again. The newest checkpoint takes its place.
      await records.drop(anchor.size)
      return undefined
    }
    const isFirst = records.open().find(({ state }) => state !== 'included')?.size === anchor.size
    if (anchor.state !== 'submitted' || !isFirst || ages.ageMs(last.signedMs) < BUMP_AFTER_MS) return anchor
    const free = await chain.nextNonce()
    if (free < last.nonce) {
      // A nonce below it is free, and nothing of ours will use it: what stood there left the chain for good. Nothing above it can be executed
      // before. The newest checkpoint takes that nonce; should the old transaction be executed after it, the contract refuses it.
      for (const lost of records.open().filter(({ state, attempts }) => state !== 'included' && free < (attempts.at(-1)?.nonce ?? 0))) {
        log.error('anchor given up: a nonce below its own is free', { ...brief(lost), free })
        await records.drop(lost.size)
      }
      return undefined
    }
    return (await bump(records, anchor, last.raw)) ?? anchor
  }

  /** A higher bid for the same nonce, stored before it is sent as the first one was. Without one the old bids are sent again. */
  async function bump(records: AnchorRecords, anchor: AnchorRecord, raw: string): Promise<AnchorRecord | undefined> {
    const signed = await signHigher(raw)
    if (signed === undefined) return undefined
    const bumped: AnchorRecord = { ...anchor, attempts: [...anchor.attempts, { ...signed, signedMs: ages.stamp() }] }
    await records.save(bumped)
    log.warn('anchor bids more', { ...brief(bumped), maxFeePerGas: signed.maxFeePerGas })
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

  /** The chain did not take a transaction. */
  async function afterRefusal(records: AnchorRecords, anchor: AnchorRecord, cause: unknown): Promise<void> {
    const code = cause instanceof OpenSealError ? cause.code : undefined
    if (code === 'CHAIN_NONCE_TOO_LOW') return afterUsedNonce(records, anchor)
    if (code === 'CHAIN_UNDERPRICED') return afterLowBid(records, anchor)
    // Refused for good and never sent: the newest checkpoint takes its place, with its nonce.
    if ((code === 'CHAIN_FUNDS' || code === 'CHAIN_REJECTED') && anchor.state === 'prepared') await records.drop(anchor.size)
    throw cause
  }

  /** Another transaction with its nonce pays more, or blocks cost more than it pays: a higher bid at once, as far as the ceiling goes. */
  async function afterLowBid(records: AnchorRecords, anchor: AnchorRecord): Promise<void> {
    const bumped = await bump(records, anchor, anchor.attempts.at(-1)?.raw ?? '')
    if (bumped !== undefined) {
      await publish(bumped)
      return saveSubmitted(records, bumped)
    }
    if (anchor.state === 'prepared') await records.drop(anchor.size)
  }

  /** One of our attempts was executed just now, and the next round finds it; or the nonce went to a stranger, and never will. */
  async function afterUsedNonce(records: AnchorRecords, anchor: AnchorRecord): Promise<void> {
    if ((await look(anchor)) !== undefined) return
    const isUsed = (await chain.nextNonce()) > (anchor.attempts.at(-1)?.nonce ?? 0)
    // Said by an endpoint that is ahead of the one that was looked at: not a miss.
    if (!isUsed) return
    const missed = (anchor.missed ?? 0) + 1
    if (missed < MISSES) return records.save({ ...anchor, missed })
    log.error('anchor given up: its nonce was used by another transaction of this key', brief(anchor))
    await records.drop(anchor.size)
  }

  return { look, send }
}

const REFUSALS = ['CHAIN_FUNDS', 'CHAIN_UNDERPRICED', 'CHAIN_REJECTED']

/** An anchor in a line of the log. */
export function brief({ size, state, attempts, block }: AnchorRecord) {
  return { size, state, nonce: attempts.at(-1)?.nonce, transaction: attempts.at(-1)?.hash, block: block?.number }
}
