/**
 * Brings the newest checkpoint to the contract, on its own clock: `prepared → submitted → included → final`. It never holds up sealing.
 *
 * Every round looks first and acts then, and a start after a crash is nothing but the next round: there is no recovery path besides it.
 */
import { toHex } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { formatTime } from '../core/time.ts'
import type { Log } from '../logger.ts'
import type { Store } from '../store/port/port.ts'
import { type Clocks, createAges } from './ages.ts'
import type { AnchoredLedger } from './anchored.ts'
import type { AnchorChain } from './chain.ts'
import { adoptUnknown, compareClosings, compareHeads, newestOf, reopenLost } from './compare.ts'
import type { FinalAnchor } from './final-anchors.ts'
import { type AnchorLag, createLagWatch, type Trouble } from './lag.ts'
import { createRecheck } from './recheck.ts'
import { type AnchorRecord, type AnchorRecords, openAnchorRecords } from './records.ts'
import { BUMP_AFTER_MS, brief, createSender, type Found } from './sender.ts'

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

type Deps = Clocks & {
  readonly ledger: AnchoredLedger
  readonly store: Pick<Store, 'readDocument' | 'writeDocuments'>
  readonly chain: AnchorChain
  /** At least so long between two anchors. */
  readonly intervalMs: number
  /** With fewer new entries than this, an anchor waits for up to `PATIENCE` intervals. */
  readonly minBatch: number
  readonly log: Log
  /**
   * One anchorer at a time. An embedded store is open in one process only; where several nodes share one, each asks here before every
   * round whether the lease is its own. Losing it in the middle of a round costs gas and nothing else: the contract takes no size twice.
   */
  readonly lease?: () => Promise<boolean>
}

/** So many intervals an anchor of few entries waits. */
const PATIENCE = 6
const POLL_MS = { least: 250, most: 12_000 }

/** Makes an anchorer; it does nothing until `start` or `tick`. */
export function createAnchorer({ ledger, store, chain, intervalMs, minBatch, nowMs, steadyMs, log, lease }: Deps): Anchorer {
  const ages = createAges({ nowMs, steadyMs })
  const createdMs = steadyMs()
  let records: AnchorRecords | undefined
  let compared = false
  let trouble: Trouble | undefined
  /** Trouble of the round under way, that did not end it. */
  let noted: Trouble | undefined
  const note = (what: Trouble) => {
    noted = what
  }
  const watch = createLagWatch({ ledger, chain, lateMs: (PATIENCE + 3) * intervalMs + BUMP_AFTER_MS, ages, steadyMs })
  const { look, send } = createSender({ chain, ages, log, note })
  const recheck = createRecheck({ ledger, chain, look, nowMs, log, note, keep: (...kept) => finish(...kept) })
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let stopping = false

  // ── The life of an anchor ──────────────────────────────────────────────────────────────────────────────────────────────────────

  async function round(): Promise<void> {
    if (lease !== undefined && !(await lease())) return
    if (ledger.stopped() !== undefined) return afterStop()
    records ??= await openAnchorRecords(store)
    await watch.note(records)
    const onChain = await compareHeads(ledger, chain)
    compared = true
    if (ledger.stopped() !== undefined) return
    await reopenLost(records, onChain, { chain, ledger, log })
    await recheck(records)
    for (const anchor of records.open()) await follow(records, anchor)
    if (records.open().some(({ lost }) => lost === true))
      note({ code: 'ANCHOR_LOST', message: 'The chain has lost anchors that were final. They are sent again.' })
    await watch.watchFunds()
    await anchorNewest(records)
  }

  /** A ledger that has stopped anchors nothing. It still hears that its owner closed the log, and what was sent before still becomes final. */
  async function afterStop(): Promise<void> {
    if (ledger.stopCode() !== 'LOG_CLOSED') return compareClosings(ledger, chain)
    records ??= await openAnchorRecords(store)
    for (const anchor of records.open()) {
      const found = await look(anchor)
      if (found !== undefined && found !== 'refused') await include(records, anchor, found)
    }
  }

  /** Signs, stores, sends: the one place where an anchor begins. */
  async function anchorNewest(records: AnchorRecords): Promise<void> {
    // One transaction under way at a time: until it is in a block nothing is built on it. What is sealed meanwhile joins the next.
    if (records.open().some(({ state }) => state !== 'included')) return
    const from = newestOf(await chain.heads())
    if (from !== null) await adoptUnknown(records, from, { chain, ages, log })
    const previous = from?.size ?? 0
    const { size, root } = await ledger.nextToAnchor(previous)
    if (size <= previous || !isDue(records, size - previous)) return
    const proof = previous === 0 ? [] : (await ledger.consistency(previous, size)).proof
    // Above every nonce of ours that a reorg might set free again: those transactions come back, and this one rests on them.
    const taken = records.open().flatMap(({ attempts }) => attempts.map(({ nonce }) => nonce + 1))
    const nonce = Math.max(await chain.nextNonce(), ...taken)

    // Signed here and not sent: a crash after this line leaves nothing behind, anywhere.
    const signed = await chain.prepare({ size, root, proof, nonce })

    // Stored, raw and with its hash, before anyone sees it: a crash after this line leaves a transaction that the next start finds
    // open and sends, the same bytes, so that it cannot be executed twice.
    const times = { preparedMs: ages.stamp() }
    const anchor: AnchorRecord = {
      size,
      root: toHex(root),
      previous,
      state: 'prepared',
      attempts: [{ ...signed, signedMs: ages.stamp() }],
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
    return include(records, anchor, found)
  }

  /** An anchor is in a block, and final once that block is. */
  async function include(records: AnchorRecords, { missed: _missed, ...anchor }: AnchorRecord, found: Found): Promise<void> {
    const times = { ...anchor.times, includedMs: anchor.times.includedMs ?? ages.stamp() }
    const included: AnchorRecord = { ...anchor, ...found, state: 'included', times }
    if (anchor.state !== 'included' || anchor.block?.hash !== found.block.hash) {
      await records.save(included)
      log.info('anchor included', brief(included))
    }
    if (await chain.isFinal(found.block, nowMs())) await finish(records, included, found)
  }

  /** Hands a final anchor to the ledger. A crash between the two writes leaves it `included`, and the next round does both again. */
  async function finish(records: AnchorRecords, { lost: _lost, ...anchor }: AnchorRecord, found: Found): Promise<void> {
    await ledger.setFinal(finalAnchor(chain, anchor, found))
    // The executed attempt is kept: a chain that loses blocks (an embedded one, killed) gets the same transaction again.
    const attempts = anchor.attempts.filter(({ hash }) => hash === found.transaction)
    await records.save({ ...anchor, ...found, attempts, state: 'final', times: { ...anchor.times, finalMs: ages.stamp() } })
    log.info('anchor final', brief(anchor))
  }

  // ── Clock and figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  function isDue(records: AnchorRecords, fresh: number): boolean {
    const last = [records.lastFinal(), ...records.open()].at(-1)?.times.preparedMs
    const waitedMs = last === undefined ? steadyMs() - createdMs : ages.ageMs(last)
    if (fresh < minBatch) return waitedMs >= intervalMs * PATIENCE
    return last === undefined || waitedMs >= intervalMs
  }

  async function guarded(): Promise<void> {
    noted = undefined
    try {
      await round()
      if (records !== undefined) await watch.note(records)
      tell(noted)
    } catch (cause) {
      // What a failed write left on disk is not known: the next round reads it.
      if (!isOfChain(cause)) records = undefined
      tell(troubleOf(cause), cause)
      throw cause
    }
  }

  /** One line of the log for each change of what is wrong, however many rounds it lasts. */
  function tell(next: Trouble | undefined, cause?: unknown): void {
    // Broken off by the stop, or failed in its way: the next start goes on from what is stored.
    if (stopping) return
    if (next !== undefined && next.code !== trouble?.code) log.error('anchoring is in trouble', { ...plain(next), cause })
    if (next === undefined && trouble !== undefined) log.info('anchoring goes on', { after: trouble.code })
    trouble = next
  }

  function tick(): Promise<void> {
    running ??= guarded().finally(() => {
      running = undefined
    })
    return running
  }

  function schedule(delayMs: number): void {
    timer = setTimeout(async () => {
      // What went wrong was told.
      await tick().catch(() => {})
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
      try {
        await compareHeads(ledger, chain)
        tell(undefined)
      } catch (cause) {
        tell(troubleOf(cause), cause)
        throw cause
      }
      compared = true
    },
    compared: () => compared,
    state: () => {
      const last = records?.lastFinal()
      return [...(last === undefined ? [] : [last]), ...(records?.open() ?? [])]
    },
    lag: () => watch.lag(records, trouble),
  }
}

function isOfChain(cause: unknown): cause is OpenSealError {
  return cause instanceof OpenSealError && cause.code.startsWith('CHAIN_')
}

function troubleOf(cause: unknown): Trouble {
  return isOfChain(cause) ? plain(cause) : { code: 'ANCHOR_FAILED', message: 'Anchoring fails: see the log.' }
}

/** Out of an error too, for which the log has a place of its own. */
function plain({ code, message }: Trouble): Trouble {
  return { code, message }
}

function finalAnchor({ chainId, contract, logId }: AnchorChain, { size, root }: AnchorRecord, { transaction, block }: Found): FinalAnchor {
  const at = { number: block.number, hash: block.hash, time: formatTime(block.time * 1000) }
  return { type: 'evm', chainId, contract, logId, size, root, transaction, block: at }
}
