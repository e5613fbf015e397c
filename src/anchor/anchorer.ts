/**
 * Brings the newest checkpoint to the contract, on its own clock: `prepared → submitted → included
 * → final`. It never holds up sealing.
 *
 * Every round looks before it acts. A start after a crash is just the next round, so there is no
 * separate recovery path.
 */
import { toHex } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { formatTime } from '../core/time.ts'
import type { Host, Task } from '../host.ts'
import type { Log } from '../logger.ts'
import { isDocumentChanged, type Store } from '../store/port/port.ts'
import { createAges } from './ages.ts'
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
  /** Resolves when the current round has ended. */
  stop(): Promise<void>
  /**
   * Runs one round. Rejects with what went wrong; everything stored until then is kept, and the
   * next round continues from there.
   */
  tick(): Promise<void>
  /**
   * Promise 7: stops the ledger if the contract is ahead of the store or contradicts it.
   * @throws CHAIN_UNREACHABLE and other chain errors
   */
  compareWithChain(): Promise<void>
  /** Whether the comparison was made, so that submissions may be accepted. */
  compared(): boolean
  /** The newest final anchor and the pending ones, in ascending order of size. */
  state(): readonly AnchorRecord[]
  lag(): AnchorLag
}

type Deps = {
  readonly ledger: AnchoredLedger
  readonly store: Pick<Store, 'readDocument' | 'writeDocuments'>
  readonly chain: AnchorChain
  /** The least time between two anchors. */
  readonly intervalMs: number
  /** With fewer new entries than this, an anchor waits for up to `PATIENCE` intervals. */
  readonly minBatch: number
  readonly host: Host
  readonly log: Log
  /**
   * Ensures one anchorer at a time. An embedded store is open in one process only. Nodes that share
   * a store ask before every round whether they hold the lease. Losing it in the middle of a round
   * costs only gas: the contract accepts no size twice.
   */
  readonly lease?: () => Promise<boolean>
}

/** How many intervals an anchor of few entries waits. */
const PATIENCE = 6
const POLL_MS = { least: 250, most: 12_000 }

/** Creates an anchorer. It does nothing until `start` or `tick`. */
export function createAnchorer({ ledger, store, chain, intervalMs, minBatch, host, log, lease }: Deps): Anchorer {
  const ages = createAges(host)
  const createdMs = host.steadyMs()
  let records: AnchorRecords | undefined
  let compared = false
  let trouble: Trouble | undefined
  /** A problem in the current round that did not end it. */
  let noted: Trouble | undefined
  const note = (what: Trouble) => {
    noted = what
  }
  const watch = createLagWatch({ ledger, chain, lateMs: (PATIENCE + 3) * intervalMs + BUMP_AFTER_MS, ages, host })
  const { look, send } = createSender({ chain, ages, log, note })
  const recheck = createRecheck({ ledger, chain, look, host, log, note, keep: (...kept) => finish(...kept) })
  let running: Promise<void> | undefined
  let task: Task | undefined
  let stopping = false

  // ── The life of an anchor ─────────────────────────────────────────────────────────────────────

  async function round(): Promise<void> {
    if (lease !== undefined && !(await lease())) return
    if (ledger.stopped() !== undefined) return afterStop()
    records ??= await openAnchorRecords(store, chain.chainId)
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

  /**
   * A stopped ledger anchors nothing. But it still notices that its owner closed the log, and
   * transactions that were sent still become final.
   */
  async function afterStop(): Promise<void> {
    if (ledger.stopCode() !== 'LOG_CLOSED') return compareClosings(ledger, chain)
    records ??= await openAnchorRecords(store, chain.chainId)
    for (const anchor of records.open()) {
      const found = await look(anchor)
      if (found !== undefined && found !== 'refused') await include(records, anchor, found)
    }
  }

  /** Signs, stores, sends: the only place where an anchor begins. */
  async function anchorNewest(records: AnchorRecords): Promise<void> {
    // One transaction at a time: until it is in a block, nothing is built on it. Entries sealed
    // meanwhile join the next anchor.
    if (records.open().some(({ state }) => state !== 'included')) return
    const from = newestOf(await chain.heads())
    if (from !== null) await adoptUnknown(records, from, { chain, ages, log })
    const previous = from?.size ?? 0
    const { size, root } = await ledger.nextToAnchor(previous)
    if (size <= previous || !isDue(records, size - previous)) return
    const proof = previous === 0 ? [] : (await ledger.consistency(previous, size)).proof
    // Above every nonce of ours that a reorg might free again: those transactions return, and this
    // one depends on them.
    const taken = records.open().flatMap(({ attempts }) => attempts.map(({ nonce }) => nonce + 1))
    const nonce = Math.max(await chain.nextNonce(), ...taken)

    // Signed here and not sent. A crash after this line leaves nothing behind.
    const signed = await chain.prepare({ size, root, proof, nonce })

    // Stored with its hash before anyone sees it. After a crash, the next start finds the open
    // transaction and sends the same bytes, which the chain cannot execute twice.
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

    // Sent. A crash after this line leaves it `prepared` in the store and known to the chain. The
    // next start first looks for its receipt, otherwise sends it again, and "already known" counts
    // as success.
    await send(records, anchor)
  }

  /** Advances a pending anchor to what the chain shows. */
  async function follow(records: AnchorRecords, anchor: AnchorRecord): Promise<void> {
    const { block: _block, transaction: _transaction, missed: _missed, ...waiting } = anchor
    const found = await look(anchor)
    if (found === 'refused') {
      log.error('anchor was executed and refused by the contract', brief(anchor))
      return records.drop(anchor.size)
    }
    if (found === undefined) {
      // Its block is no longer part of the chain. The transaction is still valid, and is sent
      // again.
      if (anchor.state === 'included') log.warn('anchor has left the chain with its block', brief(anchor))
      const submitted: AnchorRecord = anchor.state === 'included' ? { ...waiting, state: 'submitted' } : anchor
      if (submitted !== anchor) await records.save(submitted)
      return send(records, submitted)
    }
    return include(records, anchor, found)
  }

  /** Records that an anchor is in a block, or final if that block is. */
  async function include(records: AnchorRecords, { missed: _missed, ...anchor }: AnchorRecord, found: Found): Promise<void> {
    const times = { ...anchor.times, includedMs: anchor.times.includedMs ?? ages.stamp() }
    const included: AnchorRecord = { ...anchor, ...found, state: 'included', times }
    if (anchor.state !== 'included' || anchor.block?.hash !== found.block.hash) {
      await records.save(included)
      log.info('anchor included', brief(included))
    }
    if (await chain.isFinal(found.block, host.nowMs())) await finish(records, included, found)
  }

  /**
   * Hands a final anchor to the ledger. After a crash between the two writes it is still
   * `included`, and the next round repeats both.
   */
  async function finish(records: AnchorRecords, { lost: _lost, ...anchor }: AnchorRecord, found: Found): Promise<void> {
    await ledger.setFinal(finalAnchor(chain, anchor, found))
    // Keeps the executed attempt: if the chain loses blocks, as a killed embedded one does, it gets
    // the same transaction again.
    const attempts = anchor.attempts.filter(({ hash }) => hash === found.transaction)
    await records.save({ ...anchor, ...found, attempts, state: 'final', times: { ...anchor.times, finalMs: ages.stamp() } })
    log.info('anchor final', brief(anchor))
  }

  // ── Clock and figures ─────────────────────────────────────────────────────────────────────────

  function isDue(records: AnchorRecords, fresh: number): boolean {
    const last = [records.lastFinal(), ...records.open()].at(-1)?.times.preparedMs
    const waitedMs = last === undefined ? host.steadyMs() - createdMs : ages.ageMs(last)
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
      if (isDocumentChanged(cause)) {
        // Another anchorer has the journal now. Nothing was written over its work, and the next
        // round reads it.
        records = undefined
        return
      }
      // After a failed write, the state on disk is unknown: the next round reads it.
      if (!isOfChain(cause)) records = undefined
      tell(troubleOf(cause), cause)
      throw cause
    }
  }

  /** Logs each change of the problem once, however many rounds it lasts. */
  function tell(next: Trouble | undefined, cause?: unknown): void {
    // A stop can make a round fail. The next start continues from what is stored.
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

  async function runRounds(signal: AbortSignal): Promise<void> {
    for (;;) {
      // `tick` has logged the error.
      await tick().catch(() => {})
      await host.sleep(Math.min(Math.max(intervalMs / 4, POLL_MS.least), POLL_MS.most), signal)
    }
  }

  return {
    start() {
      task ??= host.spawn('anchorer', runRounds)
    },
    async stop() {
      stopping = true
      await task?.stop()
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

/** Without the members of an error, which the log gets separately. */
function plain({ code, message }: Trouble): Trouble {
  return { code, message }
}

function finalAnchor({ chainId, contract, logId }: AnchorChain, { size, root }: AnchorRecord, { transaction, block }: Found): FinalAnchor {
  const at = { number: block.number, hash: block.hash, time: formatTime(block.time * 1000) }
  return { type: 'evm', chainId, contract, logId, size, root, transaction, block: at }
}
