/**
 * Opens rounds, and has everyone vouch for them. Each voucher runs on its own: none waits for
 * another, and none holds up sealing.
 */
import type { BackgroundTask, Host } from '../host.ts'
import type { Log } from '../logger.ts'
import { type DocumentChange, type Documents, isDocumentChanged } from '../store/port/documents.ts'
import { createAges } from './ages.ts'
import type { AnchoredLedger } from './anchored.ts'
import type { AskedVoucher } from './asked-voucher.ts'
import { createAuthorityVoucher } from './authorities.ts'
import { type AnchorLag, createWaiting, FINAL_LATE_MS, NO_LONGER_MS } from './lag.ts'
import type { Lease } from './lease.ts'
import { nextRound } from './next-round.ts'
import type { AnchorRecord } from './records.ts'
import { createRoundClock, PATIENCE } from './round-clock.ts'
import { commonOf, type LedgerChain, tendChains } from './tended-chains.ts'
import { createTenure, type Tenure } from './tenure.ts'
import type { TimestampClient } from './timestamp.ts'
import type { Trouble } from './trouble.ts'
import type { VoucherState } from './voucher.ts'
import type { WitnessClient } from './witness-client.ts'
import { createWitnessVoucher } from './witnesses.ts'

/** An anchor on its way, and its chain. */
export type ChainAnchor = AnchorRecord & { readonly chainId: number }

export type Anchoring = {
  /** Opens rounds and tends the vouchers until `stop`. */
  start(): void
  /** Resolves when nothing of it runs. */
  stop(): Promise<void>
  /**
   * Opens a round if one is due, and has each voucher act once. Rejects with what went wrong first;
   * what the others did is kept.
   */
  tick(): Promise<void>
  /**
   * Promise 7: compares the ledger with each chain, and stops it if one holds another history.
   * Resolves when it is compared with enough of them to accept submissions: with a chain that
   * takes part in as many rounds as any, because such a chain holds the newest checkpoint.
   * @throws CHAIN_UNREACHABLE and other chain errors if no such chain could be asked
   */
  compareWithChain(): Promise<void>
  /** Whether that was done. */
  compared(): boolean
  /** For each chain, its newest final anchor and the pending ones, in ascending order of size. */
  state(): readonly ChainAnchor[]
  lag(): AnchorLag
  /** The problems now, with the name of the voucher if there are several. */
  troubles(): readonly Trouble[]
  vouchers(): readonly VoucherState[]
}

type Deps = {
  readonly ledger: AnchoredLedger
  readonly store: Documents
  readonly chains: readonly LedgerChain[]
  readonly witnesses?: readonly WitnessClient[] | undefined
  readonly authorities?: readonly TimestampClient[] | undefined
  /** The least time between two rounds. */
  readonly intervalMs: number
  /** With fewer new entries than this, a round waits for some intervals. */
  readonly minBatch: number
  readonly host: Host
  readonly log: Log
  /**
   * Ensures that one node at a time tends rounds among nodes that share a store. Missing: the
   * store is open in this process only.
   */
  readonly lease?: Lease | undefined
}

const POLL_MS = { least: 250, most: 12_000 }

/** Creates the anchoring. It does nothing until `start`, `tick` or `compareWithChain` is called. */
export function createAnchoring(deps: Deps): Anchoring {
  const { ledger, intervalMs, minBatch, host, log, lease } = deps
  const tenure = createTenure(ledger, lease)
  const clock = createRoundClock({ ledger, tenure, intervalMs, minBatch, host, log })
  const waiting = createWaiting({ ledger, ages: createAges(host), host })
  const written = fenced(ledger, tenure.fence)
  const chains = tendChains({ ...deps, ledger: written, tenure })
  const askers = createAsked({ ...deps, ledger: written, tenure })
  const anchorers = chains.map(({ anchorer }) => anchorer)
  const fewest = Math.min(...chains.map(({ everyRounds }) => everyRounds))
  let running: Promise<void> | undefined
  let tasks: readonly BackgroundTask[] = []

  const finalSize = () => ledger.latestRound()?.size ?? 0
  const note = () => waiting.note([finalSize()])
  const compared = () => chains.some(({ anchorer, everyRounds }) => everyRounds === fewest && anchorer.compared())

  async function compareWithChain(): Promise<void> {
    const unknown = chains.filter(({ anchorer }) => !anchorer.compared())
    const outcomes = await Promise.allSettled(unknown.map(({ anchorer }) => anchorer.compareWithChain()))
    if (!compared()) rethrowFirst(outcomes)
  }

  async function actOnce(): Promise<void> {
    await note()
    const uncompared = await Promise.allSettled([compareWithChain()])
    const opened = compared() ? await Promise.allSettled([clock.tick()]) : []
    const outcomes = await Promise.allSettled([...askers, ...anchorers].map(voucher => voucher.tick()))
    await note()
    rethrowFirst([...opened, ...outcomes, ...uncompared])
  }

  /** Each voucher also acts as soon as a round opens: those that sign before those that anchor. */
  async function openRounds(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await note()
        if ((await clock.tick()) !== undefined) for (const voucher of [...askers, ...anchorers]) void voucher.tick().catch(() => {})
      } catch (error) {
        if (!isDocumentChanged(error)) log.error('no round can be opened', { error })
      }
      await host.sleep(pollMs, signal)
    }
  }
  const pollMs = Math.min(Math.max(intervalMs / 4, POLL_MS.least), POLL_MS.most)
  const tend = (voucher: Pick<AskedVoucher, 'tick'>) => async (signal: AbortSignal) => {
    for (;;) {
      // `tick` has logged the error.
      await voucher.tick().catch(() => {})
      await host.sleep(pollMs, signal)
    }
  }

  function vouchers(): readonly VoucherState[] {
    const ofChains = chains.map(({ name, anchorer, toSize }) => {
      const { lastFinalSize, alarm, alarmCode } = anchorer.lag()
      return {
        kind: 'chain' as const,
        name,
        chainId: anchorer.chainId,
        size: lastFinalSize,
        ...(alarm !== undefined && toSize === undefined && { trouble: { code: alarmCode!, message: alarm } }),
      }
    })
    return [...ofChains, ...askers.map(asker => asker.state())]
  }

  function troubles(): readonly Trouble[] {
    const all = vouchers()
    const found = all.flatMap(({ name, trouble }) => {
      if (trouble === undefined) return []
      const isNamed = all.length === 1 || trouble.message.includes(name)
      return [isNamed ? trouble : { ...trouble, message: `${name}: ${trouble.message}` }]
    })
    if (found.length > 0 || waiting.waitedMs(finalSize()) <= (PATIENCE + 3) * intervalMs * commonOf(chains) + FINAL_LATE_MS) return found
    return [{ code: 'ROUND_LATE', message: 'Records are accepted, but no round that covers them is final by the policy of this ledger.' }]
  }

  return {
    start() {
      if (tasks.length > 0) return
      tasks = [
        host.spawn('rounds', openRounds),
        ...askers.map(asker => host.spawn(`voucher ${asker.state().name}`, tend(asker))),
        ...chains.map(({ name, anchorer }) => host.spawn(`anchorer ${name}`, tend(anchorer))),
      ]
    },
    async stop() {
      for (const anchorer of anchorers) anchorer.stopping()
      const asked = askers.map(asker => asker.stop())
      await Promise.all([...asked, ...tasks.map(task => task.stop())])
      await running?.catch(() => {})
      // What still runs was begun by an opened round.
      await Promise.allSettled(anchorers.map(anchorer => anchorer.ended()))
      // What fails here ends by itself.
      await tenure.release().catch(() => {})
    },
    tick() {
      running ??= actOnce().finally(() => {
        running = undefined
      })
      return running
    },
    compareWithChain,
    compared,
    state: () => chains.flatMap(({ anchorer }) => anchorer.state().map(anchor => ({ ...anchor, chainId: anchorer.chainId }))),
    lag() {
      const [first] = troubles()
      const poorest = chains
        .map(({ anchorer }) => anchorer.lag())
        .filter(({ affordableAnchors }) => affordableAnchors !== undefined)
        .sort((a, b) => a.affordableAnchors! - b.affordableAnchors!)[0]
      return {
        oldestUnanchoredMs: Math.min(waiting.waitedMs(finalSize()), NO_LONGER_MS),
        unanchoredRecords: Math.max(0, ledger.head().size - finalSize()),
        lastFinalSize: finalSize(),
        ...(poorest && { balanceWei: poorest.balanceWei!, affordableAnchors: poorest.affordableAnchors! }),
        ...(first && { alarm: first.message, alarmCode: first.code }),
      }
    },
    troubles,
    vouchers,
  }
}

/** The witnesses and then the authorities, in the order of the configuration. */
function createAsked({
  ledger,
  store,
  witnesses = [],
  authorities = [],
  host,
  log,
  tenure,
}: Deps & { readonly tenure: Tenure }): readonly AskedVoucher[] {
  const taking = { everyRounds: 1, fromSize: 0 }
  const next = (previous: number) => nextRound(ledger.rounds, previous, ledger.ends(), taking)
  const shared = { ledger, store, nextRound: next, tenure, host, log }
  return [
    ...witnesses.map(client => createWitnessVoucher({ client, name: nameAmong(witnesses, client), ...shared })),
    ...authorities.map(client => createAuthorityVoucher({ client, ...shared })),
  ]
}

/** The name of a witness's key, with the key's id if another witness has the same name. */
function nameAmong(witnesses: readonly WitnessClient[], { name, vkey }: WitnessClient): string {
  const isShared = witnesses.filter(other => other.name === name).length > 1
  return isShared ? vkey.split('+', 2).join('+') : name
}

function rethrowFirst(outcomes: readonly PromiseSettledResult<unknown>[]): void {
  const failed = outcomes.find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}

/** The ledger, whose stored rounds only the holder of the lease changes. */
function fenced(ledger: AnchoredLedger, fence: () => readonly DocumentChange[]): AnchoredLedger {
  return {
    ...ledger,
    setFinal: anchor => ledger.setFinal(anchor, fence()),
    dropFinal: (chainId, sizes) => ledger.dropFinal(chainId, sizes, fence()),
    addCosignature: cosignature => ledger.addCosignature(cosignature, fence()),
    addToken: token => ledger.addToken(token, fence()),
  }
}
