/**
 * Brings the newest checkpoint to the contract, on its own clock: `prepared → submitted → included → final`. It never holds up sealing.
 *
 * Every round looks first and acts then, and a start after a crash is nothing but the next round: there is no recovery path besides it.
 */
import { fromHex, toHex } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { formatTime } from '../core/time.ts'
import type { Log } from '../log.ts'
import type { Store } from '../store/port.ts'
import type { AnchorChain, ChainBlock } from './anchor-chain.ts'
import { adoptUnknown, compareHeads, reopenLost } from './anchor-compare.ts'
import { type AnchorRecord, type AnchorRecords, openAnchorRecords } from './anchor-record.ts'
import type { FinalAnchor } from './final-anchors.ts'
import type { Ledger } from './ledger.ts'

/** How far the chain is behind the ledger: for /readyz, the metrics and the banner. */
export type AnchorLag = {
  /** For how long the oldest entry without a final anchor has waited, as far as this process saw; 0 when none waits. */
  readonly oldestUnanchoredMs: number
  readonly unanchoredRecords: number
  /** 0 before the first. */
  readonly lastFinalSize: number
  readonly balanceWei?: string
  /** What is wrong, for people, while something is. */
  readonly alarm?: string
}

export type Anchorer = {
  /** Runs rounds until `stop`, never two at once. */
  start(): void
  /** Resolves when the round that was under way has ended. */
  stop(): Promise<void>
  /** One round. Rejects with what went wrong in it; what was stored until then stands, and the next round goes on from there. */
  tick(): Promise<void>
  /** Promise 7: stops the ledger when the contract knows more, or other, than the store. @throws CHAIN_UNREACHABLE and the like */
  compareWithChain(): Promise<void>
  /** Whether the comparison was made, so that submissions may be taken. */
  compared(): boolean
  /** The newest final anchor and those on their way, in ascending order of size. */
  state(): readonly AnchorRecord[]
  lag(): AnchorLag
}

type Deps = {
  readonly ledger: Pick<Ledger, 'head' | 'rootAt' | 'consistency' | 'setFinal' | 'stop' | 'stopped'>
  readonly store: Pick<Store, 'readDocument' | 'writeDocuments'>
  readonly chain: AnchorChain
  /** At least so long between two anchors. */
  readonly intervalMs: number
  /** With fewer new entries than this, an anchor waits for up to `PATIENCE` intervals. */
  readonly minBatch: number
  readonly nowMs: () => number
  readonly log: Log
  /**
   * One anchorer at a time. An embedded store is open in one process only; where several nodes share one, each asks here before every
   * round whether the lease is its own. Losing it in the middle of a round costs gas and nothing else: the contract takes no size twice.
   */
  readonly lease?: () => Promise<boolean>
}

type Found = { readonly transaction: string; readonly block: ChainBlock }

const PATIENCE = 6
/** A transaction that is in no block after this long is sent again for more. */
const BUMP_AFTER_MS = 60_000
/** The nonce was taken and no attempt is found, so often in a row: someone else uses the key, and this anchor will not come about. */
const MISSES = 3
const BALANCE_EVERY_MS = 60_000
const POLL_MS = { least: 250, most: 12_000 }

/** Makes an anchorer; it does nothing until `start` or `tick`. */
export function createAnchorer({ ledger, store, chain, intervalMs, minBatch, nowMs, log, lease }: Deps): Anchorer {
  const createdMs = nowMs()
  let records: AnchorRecords | undefined
  let compared = false
  let trouble: string | undefined
  /** Trouble of the round under way, that did not end it. */
  let noted: string | undefined
  let balance: { readonly wei: string; readonly atMs: number } | undefined
  const waiting = createWaiting(nowMs)
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let stopping = false

  // ── The life of an anchor ──────────────────────────────────────────────────────────────────────────────────────────────────────

  async function round(): Promise<void> {
    if (ledger.stopped() !== undefined || (lease !== undefined && !(await lease()))) return
    records ??= await openAnchorRecords(store)
    waiting.note(ledger.head().size, records.lastFinal()?.size ?? 0)
    const onChain = await compareHeads(ledger, chain)
    compared = true
    if (ledger.stopped() !== undefined) return
    await reopenLost(records, onChain, log)
    for (const anchor of records.open()) await follow(records, anchor)
    await anchorNewest(records)
    await watchBalance()
  }

  /** Signs, stores, sends: the one place where an anchor begins. */
  async function anchorNewest(records: AnchorRecords): Promise<void> {
    // One transaction under way at a time: until it is in a block nothing is built on it. What is sealed meanwhile joins the next.
    if (records.open().some(({ state }) => state !== 'included')) return
    const from = await chain.latest()
    if (from !== null) await adoptUnknown(records, from, { chain, nowMs, log })
    const { size, root } = ledger.head()
    const previous = from?.size ?? 0
    if (size <= previous || !isDue(records, size - previous)) return
    const proof = previous === 0 ? [] : (await ledger.consistency(previous, size)).proof
    // Above every nonce of ours that a reorg might set free again: those transactions come back, and this one rests on them.
    const taken = records.open().flatMap(({ attempts }) => attempts.map(({ nonce }) => nonce + 1))
    const nonce = Math.max(await chain.nextNonce(), ...taken)

    // Signed here and not sent: a crash after this line leaves nothing behind, anywhere.
    const signed = await chain.prepare({ size, root, proof, nonce })

    // Stored, raw and with its hash, before anyone sees it: a crash after this line leaves a transaction that the next start finds
    // open and sends, the same bytes, so that it cannot be executed twice.
    const times = { preparedMs: nowMs() }
    const anchor: AnchorRecord = {
      size,
      root: toHex(root),
      previous,
      state: 'prepared',
      attempts: [{ ...signed, signedMs: nowMs() }],
      times,
    }
    await records.save(anchor)

    // Sent: a crash after this line leaves it `prepared` in the store and known to the chain; the next start looks for it first, finds
    // its receipt or sends it again, and "already known" is a success.
    await send(records, anchor)
  }

  /** Brings an open anchor as far as the chain has come. */
  async function follow(records: AnchorRecords, anchor: AnchorRecord): Promise<void> {
    const { block: _block, transaction: _transaction, missed: _missed, ...waiting } = anchor
    const found = await look(anchor)
    if (found === 'refused') {
      log.error('anchor was executed and refused by the contract', brief(anchor))
      return records.drop(anchor.size)
    }
    if (found === undefined) {
      // It was in a block that is no part of the chain any more: its transaction is as good as before, and is sent again.
      if (anchor.state === 'included') log.warn('anchor has left the chain with its block', brief(anchor))
      const submitted: AnchorRecord = anchor.state === 'included' ? { ...waiting, state: 'submitted' } : anchor
      if (submitted !== anchor) await records.save(submitted)
      return send(records, submitted)
    }
    const times = { ...anchor.times, includedMs: anchor.times.includedMs ?? nowMs() }
    const included: AnchorRecord = { ...waiting, ...found, state: 'included', times }
    if (anchor.state !== 'included' || anchor.block?.hash !== found.block.hash) {
      await records.save(included)
      log.info('anchor included', brief(included))
    }
    const isFinal =
      found.block.number <= (await chain.finalizedNumber()) && (await chain.blockHash(found.block.number)) === found.block.hash
    if (isFinal) await finish(records, included, found)
  }

  /** Hands a final anchor to the ledger. A crash between the two writes leaves it `included`, and the next round does both again. */
  async function finish(records: AnchorRecords, anchor: AnchorRecord, found: Found): Promise<void> {
    await ledger.setFinal(finalAnchor(chain, anchor, found))
    // The executed attempt is kept: a chain that loses blocks (an embedded one, killed) gets the same transaction again.
    const attempts = anchor.attempts.filter(({ hash }) => hash === found.transaction)
    await records.save({ ...anchor, attempts, state: 'final', times: { ...anchor.times, finalMs: nowMs() } })
    log.info('anchor final', brief(anchor))
  }

  /** Where the anchor was executed: by any of its attempts, or by a transaction that the contract knows and our store does not. */
  async function look(anchor: AnchorRecord): Promise<Found | 'refused' | undefined> {
    let refused = false
    for (const { hash } of anchor.attempts.toReversed()) {
      const receipt = await chain.txReceipt(hash)
      if (receipt?.succeeded) return { transaction: hash, block: receipt.block }
      refused ||= receipt !== null
    }
    const root = fromHex(anchor.root)
    if ((await chain.anchoredAt(anchor.size, root, 'latest')) > 0) return (await chain.findAnchored(anchor.size, root)) ?? undefined
    return refused ? 'refused' : undefined
  }

  /** Sends the newest attempt, again if need be, and for more if it has waited long. */
  async function send(records: AnchorRecords, waiting: AnchorRecord): Promise<void> {
    const anchor = await bumpWhenLate(records, waiting)
    const attempt = anchor.attempts.at(-1)
    if (attempt === undefined) return records.drop(anchor.size)
    try {
      await chain.broadcast(attempt.raw)
    } catch (cause) {
      return afterRefusal(records, anchor, cause)
    }
    if (anchor.state === 'submitted') return
    await records.save({ ...anchor, state: 'submitted', times: { ...anchor.times, submittedMs: nowMs() } })
    log.info('anchor submitted', brief(anchor))
  }

  /** A higher bid for the same nonce, stored before it is sent as the first one was. */
  async function bumpWhenLate(records: AnchorRecords, anchor: AnchorRecord): Promise<AnchorRecord> {
    const last = anchor.attempts.at(-1)
    const isFirst = records.open().find(({ state }) => state !== 'included')?.size === anchor.size
    if (last === undefined || anchor.state !== 'submitted' || !isFirst || nowMs() - last.signedMs < BUMP_AFTER_MS) return anchor
    return (await bump(records, anchor, last.raw)) ?? anchor
  }

  async function bump(records: AnchorRecords, anchor: AnchorRecord, raw: string): Promise<AnchorRecord | undefined> {
    const signed = await chain.bump(raw)
    if (signed === null) {
      noted = 'The anchor is in no block and its fees are at the ceiling: raise the ceiling or wait for lower fees.'
      log.error('anchor fees are at the ceiling', brief(anchor))
      return undefined
    }
    const bumped: AnchorRecord = { ...anchor, attempts: [...anchor.attempts, { ...signed, signedMs: nowMs() }] }
    await records.save(bumped)
    log.warn('anchor bids more', { ...brief(bumped), maxFeePerGas: signed.maxFeePerGas })
    return bumped
  }

  /** The chain did not take a transaction. Throws where the next round can only try again. */
  async function afterRefusal(records: AnchorRecords, anchor: AnchorRecord, cause: unknown): Promise<void> {
    const code = cause instanceof OpenSealError ? cause.code : undefined
    if (code === 'CHAIN_NONCE_TOO_LOW') {
      // One of our attempts was executed just now, and the next round finds it; or the nonce went to a stranger, and never will.
      const missed = (await look(anchor)) === undefined ? (anchor.missed ?? 0) + 1 : 0
      if (missed < MISSES) return records.save({ ...anchor, missed })
      log.error('anchor given up: its nonce was used by another transaction of this key', brief(anchor))
      return records.drop(anchor.size)
    }
    if (code === 'CHAIN_UNDERPRICED') await bump(records, anchor, anchor.attempts.at(-1)?.raw ?? '')
    // Refused for good and never sent: the newest checkpoint takes its place, with its nonce.
    if ((code === 'CHAIN_FUNDS' || code === 'CHAIN_REJECTED') && anchor.state === 'prepared') await records.drop(anchor.size)
    throw cause
  }

  // ── Clock and figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  function isDue(records: AnchorRecords, fresh: number): boolean {
    const last = [records.lastFinal(), ...records.open()].at(-1)?.times.preparedMs
    const waitedMs = nowMs() - (last ?? createdMs)
    if (fresh < minBatch) return waitedMs >= intervalMs * PATIENCE
    return last === undefined || waitedMs >= intervalMs
  }

  async function watchBalance(): Promise<void> {
    if (balance !== undefined && nowMs() - balance.atMs < BALANCE_EVERY_MS) return
    balance = { wei: await chain.balanceWei(), atMs: nowMs() }
  }

  function lag(): AnchorLag {
    const lastFinalSize = records?.lastFinal()?.size ?? 0
    const includedSize = records?.open().findLast(({ state }) => state === 'included')?.size ?? lastFinalSize
    const isLate = waiting.waitedMs(includedSize) > (PATIENCE + 3) * intervalMs + BUMP_AFTER_MS
    const alarm = trouble ?? (isLate ? 'Records are accepted and not anchored.' : undefined)
    return {
      oldestUnanchoredMs: waiting.waitedMs(lastFinalSize),
      unanchoredRecords: Math.max(0, ledger.head().size - lastFinalSize),
      lastFinalSize,
      ...(balance === undefined ? {} : { balanceWei: balance.wei }),
      ...(alarm === undefined ? {} : { alarm }),
    }
  }

  async function guarded(): Promise<void> {
    noted = undefined
    try {
      await round()
      trouble = noted
    } catch (cause) {
      trouble = cause instanceof OpenSealError && cause.code.startsWith('CHAIN_') ? cause.message : 'Anchoring fails: see the log.'
      // What a failed write left on disk is not known: the next round reads it.
      if (!(cause instanceof OpenSealError) || !cause.code.startsWith('CHAIN_')) records = undefined
      throw cause
    }
  }

  function tick(): Promise<void> {
    running ??= guarded().finally(() => {
      running = undefined
    })
    return running
  }

  function schedule(delayMs: number): void {
    timer = setTimeout(async () => {
      await tick().catch(cause => log.error('anchoring failed, it is tried again', { cause }))
      if (!stopping) schedule(Math.min(Math.max(intervalMs / 4, POLL_MS.least), POLL_MS.most))
    }, delayMs)
  }

  return {
    start: () => schedule(0),
    async stop() {
      stopping = true
      clearTimeout(timer)
      await running?.catch(() => {})
    },
    tick,
    async compareWithChain() {
      await compareHeads(ledger, chain)
      compared = true
    },
    compared: () => compared,
    state: () => {
      const last = records?.lastFinal()
      return [...(last === undefined ? [] : [last]), ...(records?.open() ?? [])]
    },
    lag,
  }
}

/** Remembers when each head was first seen, until it is anchored. */
function createWaiting(nowMs: () => number) {
  let seen: { readonly size: number; readonly atMs: number }[] = []
  return {
    note(size: number, done: number): void {
      if (seen.at(-1)?.size !== size) seen.push({ size, atMs: nowMs() })
      seen = seen.filter((mark, position) => mark.size > done || position === seen.length - 1)
    },
    /** For how long the oldest head above a size has been there. */
    waitedMs(since: number): number {
      const oldest = seen.find(({ size }) => size > since)
      return oldest === undefined ? 0 : nowMs() - oldest.atMs
    },
  }
}

function finalAnchor({ chainId, contract, logId }: AnchorChain, { size, root }: AnchorRecord, { transaction, block }: Found): FinalAnchor {
  const at = { number: block.number, hash: block.hash, time: formatTime(block.time * 1000) }
  return { type: 'evm', chainId, contract, logId, size, root, transaction, block: at }
}

function brief({ size, state, attempts, block }: AnchorRecord) {
  return { size, state, nonce: attempts.at(-1)?.nonce, transaction: attempts.at(-1)?.hash, block: block?.number }
}
