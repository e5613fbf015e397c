/**
 * Brings the newest checkpoint to the contract, on its own clock: `prepared → submitted → included
 * → final`. It never holds up sealing.
 *
 * Every round looks before it acts. A start after a crash is just the next round, so there is no
 * separate recovery path.
 */
import type { BackgroundTask, Host } from '../host.ts'
import type { Log } from '../logger.ts'
import type { DocumentChange, Documents } from '../store/port/documents.ts'
import { type Ages, createAges } from './ages.ts'
import type { AnchoredLedger } from './anchored.ts'
import { createBids } from './bids.ts'
import type { AnchorChain } from './chain.ts'
import { compareClosings, compareHeads, reopenLost } from './compare.ts'
import { type AnchorLag, createLagWatch } from './lag.ts'
import type { Lease } from './lease.ts'
import { createLook } from './look.ts'
import { createRecheck } from './recheck.ts'
import { type AnchorRecord, type AnchorRecords, openAnchorRecords } from './records.ts'
import { BUMP_AFTER_MS, createSender } from './sender.ts'
import { createSteps } from './steps.ts'
import { createTroubles, isOfChain } from './trouble.ts'

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
  readonly store: Documents
  readonly chain: AnchorChain
  /** The least time between two anchors. */
  readonly intervalMs: number
  /** With fewer new entries than this, an anchor waits for up to `PATIENCE` intervals. */
  readonly minBatch: number
  readonly host: Host
  readonly log: Log
  /**
   * Ensures one anchorer at a time among nodes that share a store. Missing: the store is open in
   * this process only.
   */
  readonly lease?: Lease | undefined
}

/** How many intervals an anchor of few entries waits. */
const PATIENCE = 6
const POLL_MS = { least: 250, most: 12_000 }

/** Creates an anchorer. It does nothing until `start` or `tick`. */
export function createAnchorer(deps: Deps): Anchorer {
  const { store, chain, intervalMs, host, log, lease } = deps
  const fence = () => lease?.fence() ?? []
  const ledger = fenced(deps.ledger, fence)
  const ages = createAges(host)
  const lateMs = (PATIENCE + 3) * intervalMs + BUMP_AFTER_MS
  const watch = createLagWatch({ ledger, chain, lateMs, ages, host })
  const troubles = createTroubles(log, () => stopping)
  const look = createLook(chain)
  const bids = createBids({ chain, ages, log, note: troubles.note })
  const send = createSender({ chain, look, bids, ages, log })
  const steps = createSteps({ ledger, chain, look, send, ages, host, log, isDue: createDue(deps, ages) })
  const recheck = createRecheck({ ledger, chain, look, host, log, note: troubles.note, keep: steps.finish })
  let records: AnchorRecords | undefined
  let compared = false
  let running: Promise<void> | undefined
  let task: BackgroundTask | undefined
  let stopping = false
  let isHolder = lease === undefined

  async function round(): Promise<void> {
    const wasHolder = isHolder
    isHolder = lease === undefined || (await holds(lease))
    // Another node has written meanwhile, or is writing now.
    if (!isHolder || !wasHolder) records = undefined
    if (!isHolder) return watchOnly()
    if (ledger.stopped() !== undefined) return afterStop()
    records ??= await openAnchorRecords(store, chain.chainId, fence)
    await watch.note(records)
    const onChain = await compareHeads(ledger, chain)
    compared = true
    if (ledger.stopped() !== undefined) return
    await reopenLost(records, onChain, { chain, ledger, log })
    await recheck(records)
    for (const anchor of records.open()) await steps.follow(records, anchor)
    if (records.open().some(({ lost }) => lost === true))
      troubles.note({ code: 'ANCHOR_LOST', message: 'The chain has lost anchors that were final. They are sent again.' })
    await watch.watchFunds()
    await steps.begin(records)
  }

  /**
   * A stopped ledger anchors nothing. But it still notices that its owner closed the log, and
   * transactions that were sent still become final.
   */
  async function afterStop(): Promise<void> {
    if (ledger.stopCode() !== 'LOG_CLOSED') return compareClosings(ledger, chain)
    records ??= await openAnchorRecords(store, chain.chainId, fence)
    for (const anchor of records.open()) {
      const found = await look(anchor)
      if (found !== undefined && found !== 'refused') await steps.include(records, anchor, found)
    }
  }

  /**
   * A node that has stopped, or lacks the log's key, leaves the lease to one that goes on; a closed
   * log has none.
   */
  async function holds(lease: Lease): Promise<boolean> {
    const isGoingOn = ledger.stopped() === undefined && ledger.unsettledCode() !== 'LEDGER_KEY_ENDED'
    if (isGoingOn || ledger.stopCode() === 'LOG_CLOSED') return lease.hold()
    if (isHolder) await lease.release()
    return false
  }

  /**
   * The round of a node without the lease. It writes nothing, but compares its ledger with the
   * chain, and shows how far the holder has come.
   */
  async function watchOnly(): Promise<void> {
    if (ledger.stopped() !== undefined) {
      if (ledger.stopCode() !== 'LOG_CLOSED') await compareClosings(ledger, chain)
      return
    }
    records = await openAnchorRecords(store, chain.chainId, fence)
    await ledger.refresh()
    await compareHeads(ledger, chain)
    compared = true
  }

  async function roundOrReopen(): Promise<void> {
    try {
      await round()
      if (records !== undefined) await watch.note(records)
    } catch (cause) {
      // A write has failed, or another anchorer has written: the next round reads what is stored.
      if (!isOfChain(cause)) records = undefined
      throw cause
    }
  }

  function tick(): Promise<void> {
    running ??= troubles.during(roundOrReopen).finally(() => {
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
      // A trouble here ends by itself.
      if (isHolder) await lease?.release().catch(() => {})
    },
    tick,
    async compareWithChain() {
      await troubles.during(async () => void (await compareHeads(ledger, chain)))
      compared = true
    },
    compared: () => compared,
    state: () => {
      const last = records?.lastFinal()
      return [...(last === undefined ? [] : [last]), ...(records?.open() ?? [])]
    },
    lag: () => watch.lag(records, troubles.current()),
  }
}

/** The ledger, whose final anchors only the holder of the lease changes. */
function fenced(ledger: AnchoredLedger, fence: () => readonly DocumentChange[]): AnchoredLedger {
  return {
    ...ledger,
    setFinal: anchor => ledger.setFinal(anchor, fence()),
    dropFinal: (chainId, sizes) => ledger.dropFinal(chainId, sizes, fence()),
  }
}

/** Whether it is time for the next anchor: one interval after the last, later for few entries. */
function createDue({ intervalMs, minBatch, host }: Deps, ages: Ages) {
  const createdMs = host.steadyMs()
  return (records: AnchorRecords, fresh: number): boolean => {
    const last = [records.lastFinal(), ...records.open()].at(-1)?.times.preparedMs
    const waitedMs = last === undefined ? host.steadyMs() - createdMs : ages.ageMs(last)
    if (fresh < minBatch) return waitedMs >= intervalMs * PATIENCE
    return last === undefined || waitedMs >= intervalMs
  }
}
