/**
 * A chain as a voucher: brings the checkpoints of rounds to the contract, on its own clock:
 * `prepared → submitted → included → final`. It never holds up sealing or another voucher.
 *
 * Every look at the chain comes before an act. A start after a crash is just the next look, so
 * there is no separate recovery path.
 */
import type { Host } from '../host.ts'
import type { Log } from '../logger.ts'
import type { Documents } from '../store/port/documents.ts'
import { createAges } from './ages.ts'
import type { AnchoredLedger } from './anchored.ts'
import { createBids } from './bids.ts'
import type { AnchorChain } from './chain.ts'
import { compareClosings, compareHeads, reopenLost } from './compare.ts'
import { type AnchorLag, createLagWatch } from './lag.ts'
import { createLook } from './look.ts'
import { createRecheck } from './recheck.ts'
import { type AnchorRecord, type AnchorRecords, openAnchorRecords } from './records.ts'
import type { Round } from './rounds.ts'
import { BUMP_AFTER_MS, createSender } from './sender.ts'
import { createSteps } from './steps.ts'
import type { Tenure } from './tenure.ts'
import { createTroubles, isOfChain } from './trouble.ts'

export type Anchorer = {
  readonly chainId: number
  /**
   * Looks at the chain, and acts on what it shows. Never two at once. Rejects with what went wrong;
   * everything stored until then is kept, and the next call continues from there.
   */
  tick(): Promise<void>
  /** What goes wrong from now on is not told: the chain is being closed. */
  stopping(): void
  /** Resolves when no `tick` runs. */
  ended(): Promise<void>
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
  /** The longest time between two rounds in which the chain takes part, if the ledger grows. */
  readonly roundMs: number
  /** The round to anchor after one of size `previous`, if there is one. */
  readonly nextRound: (previous: number) => Promise<Round | undefined>
  readonly tenure: Tenure
  readonly host: Host
  readonly log: Log
}

/** Creates an anchorer. It does nothing until `tick`. */
export function createAnchorer(deps: Deps): Anchorer {
  const { ledger, store, chain, roundMs, nextRound, tenure, host, log } = deps
  const { fence } = tenure
  const ages = createAges(host)
  const watch = createLagWatch({ ledger, chain, lateMs: roundMs + BUMP_AFTER_MS, ages, host })
  let isStopping = false
  const troubles = createTroubles(log, () => isStopping)
  const look = createLook(chain)
  const bids = createBids({ chain, ages, log, note: troubles.note })
  const send = createSender({ chain, look, bids, ages, log })
  const steps = createSteps({ ledger, chain, look, send, ages, host, log, nextRound })
  const recheck = createRecheck({ ledger, chain, look, host, log, note: troubles.note, keep: steps.finish })
  let records: AnchorRecords | undefined
  let compared = false
  let running: Promise<void> | undefined
  let isHolder = false

  async function act(): Promise<void> {
    const wasHolder = isHolder
    isHolder = await tenure.holds()
    // Another node has written meanwhile, or is writing now.
    if (!isHolder || !wasHolder) records = undefined
    if (!isHolder) return watchOnly()
    // What the former holder wrote last is known to no one else yet.
    if (!wasHolder) await ledger.refresh()
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
   * The look of a node without the lease. It writes nothing, but compares its ledger with the
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

  async function actOrReopen(): Promise<void> {
    try {
      await act()
      if (records !== undefined) await watch.note(records)
    } catch (cause) {
      // A write has failed, or another anchorer has written: the next look reads what is stored.
      if (!isOfChain(cause)) records = undefined
      throw cause
    }
  }

  function tick(): Promise<void> {
    running ??= troubles.during(actOrReopen).finally(() => {
      running = undefined
    })
    return running
  }

  return {
    chainId: chain.chainId,
    tick,
    stopping() {
      isStopping = true
    },
    ended: async () => running?.catch(() => {}),
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
