/** How far the chain is behind the ledger, and what is wrong if something is. */
import type { Host } from '../host.ts'
import type { Ages } from './ages.ts'
import type { AnchoredLedger } from './anchored.ts'
import type { AnchorChain } from './chain.ts'
import type { AnchorRecords } from './records.ts'
import type { Trouble } from './trouble.ts'

/** How far the rounds, or one chain, are behind the ledger, for /readyz, the metrics and the banner. */
export type AnchorLag = {
  /** How long the oldest entry without a final anchor has waited; 0 when none waits. */
  readonly oldestUnanchoredMs: number
  readonly unanchoredRecords: number
  /** 0 before the first. */
  readonly lastFinalSize: number
  readonly balanceWei?: string
  /** How many more anchors the balance pays for, at current fees. */
  readonly affordableAnchors?: number
  /** The current problem in words, and its stable code. */
  readonly alarm?: string
  readonly alarmCode?: string
}

/** Collects what the anchorer reports, and derives the lag. */
export type LagWatch = {
  /** Records that a head was seen, and how far the chain has come. */
  note(records: AnchorRecords): Promise<void>
  /** Asks for the balance, at most once a minute. */
  watchFunds(): Promise<void>
  /** `trouble`: what went wrong in the last round. */
  lag(records: AnchorRecords | undefined, trouble: Trouble | undefined): AnchorLag
}

const FUNDS_EVERY_MS = 60_000
/** The alarm is raised below this many. With an anchor every ten minutes, they last three hours. */
const FEW_ANCHORS = 20
/** Ethereum needs a quarter of an hour, and chains built on it half an hour more. */
export const FINAL_LATE_MS = 2 * 3_600_000

type Deps = {
  readonly ledger: Pick<AnchoredLedger, 'head' | 'sealedMs' | 'firstNews'>
  readonly chain: Pick<AnchorChain, 'funds'>
  /** The age from which an entry outside any block raises an alarm. */
  readonly lateMs: number
  readonly ages: Pick<Ages, 'ageMs'>
  readonly host: Pick<Host, 'steadyMs'>
}

/** Creates a lag watch. */
export function createLagWatch({ ledger, chain, lateMs, ages, host }: Deps): LagWatch {
  const waiting = createWaiting({ ledger, ages, host })
  let funds: { readonly balanceWei: string; readonly anchors: number; readonly atMs: number } | undefined

  function alarmOf(records: AnchorRecords | undefined): Trouble | undefined {
    const included = records?.open().findLast(({ state }) => state === 'included')
    if (waiting.waitedMs(included?.size ?? records?.lastFinal()?.size ?? 0) > lateMs)
      return { code: 'ANCHOR_LATE', message: 'Records are accepted but not anchored.' }
    const first = records?.open().find(({ state }) => state === 'included')
    if (first?.times.includedMs !== undefined && ages.ageMs(first.times.includedMs) > FINAL_LATE_MS)
      return {
        code: 'ANCHOR_NOT_FINAL',
        message: 'An anchor has been in a block for hours, but the chain does not call that block final.',
      }
    if (funds !== undefined && funds.anchors < FEW_ANCHORS)
      return {
        code: 'ANCHOR_FUNDS_LOW',
        message: `The signing address can pay for ${funds.anchors} more anchors at most: send it funds.`,
      }
    return undefined
  }

  return {
    note: records => waiting.note([records.lastFinal()?.size ?? 0, ...records.open().map(({ size }) => size)]),
    async watchFunds() {
      if (funds !== undefined && host.steadyMs() - funds.atMs < FUNDS_EVERY_MS) return
      funds = { ...(await chain.funds()), atMs: host.steadyMs() }
    },
    lag(records, trouble) {
      const lastFinalSize = records?.lastFinal()?.size ?? 0
      const alarm = trouble ?? alarmOf(records)
      return {
        // A time in the future shows that a clock was set, not how long the entry has waited. It
        // counts as late.
        oldestUnanchoredMs: Math.min(waiting.waitedMs(lastFinalSize), NO_LONGER_MS),
        unanchoredRecords: Math.max(0, ledger.head().size - lastFinalSize),
        lastFinalSize,
        ...(funds === undefined ? {} : { balanceWei: funds.balanceWei, affordableAnchors: funds.anchors }),
        ...(alarm === undefined ? {} : { alarm: alarm.message, alarmCode: alarm.code }),
      }
    },
  }
}

/**
 * Reported for a wait without a known beginning: a hundred years, so that it is still a number in
 * JSON.
 */
export const NO_LONGER_MS = 100 * 365 * 86_400_000

/**
 * How long entries have waited: by the steady clock for entries sealed during this process,
 * otherwise by their stored time.
 */
export function createWaiting({ ledger, ages, host }: Pick<Deps, 'ledger' | 'ages' | 'host'>) {
  /** The heads in the order in which they were seen. They cover the entries from `seenFrom` on. */
  let seen: { readonly size: number; readonly atMs: number }[] = []
  let seenFrom = ledger.head().size
  /** Above each of some sizes, the oldest entry that waits. */
  let oldest = new Map<number, number | undefined>()
  /** When that entry was sealed, from the store. */
  let sealed = new Map<number, number>()

  return {
    /** `bases`: the sizes above which waits will be asked for. */
    async note(bases: readonly number[]): Promise<void> {
      const { size } = ledger.head()
      const done = bases[0] ?? 0
      if (size > (seen.at(-1)?.size ?? seenFrom)) seen.push({ size, atMs: host.steadyMs() })
      seenFrom = Math.max(seenFrom, ...seen.filter(mark => mark.size <= done).map(mark => mark.size))
      seen = seen.filter(mark => mark.size > seenFrom)
      // A logged time stamp waits for the round that the next record opens, and it opens none itself.
      const found = await Promise.all(bases.map(async base => [base, await ledger.firstNews(base, size)] as const))
      const stored = found.flatMap(([base, first]) => (first !== undefined && first < seenFrom ? [[base, first] as const] : []))
      const times = await Promise.all(stored.map(([, first]) => ledger.sealedMs(first)))
      sealed = new Map(stored.flatMap(([base], i) => (times[i] === undefined ? [] : [[base, times[i]]])))
      oldest = new Map(found)
    },
    /** How long the oldest entry above a size has waited; 0 if only logged time stamps are above it. */
    waitedMs(base: number): number {
      const sealedMs = sealed.get(base)
      if (sealedMs !== undefined) return ages.ageMs(sealedMs)
      const first = oldest.has(base) ? oldest.get(base) : base
      const mark = first === undefined || first < seenFrom ? undefined : seen.find(({ size }) => size > first)
      return mark === undefined ? 0 : host.steadyMs() - mark.atMs
    },
  }
}
