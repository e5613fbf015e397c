/** How far the chain is behind the ledger, and what is wrong while something is. */
import type { AnchorChain } from './anchor-chain.ts'
import type { AnchorRecords } from './anchor-record.ts'
import type { Ledger } from './ledger.ts'

/** How far the chain is behind the ledger: for /readyz, the metrics and the banner. */
export type AnchorLag = {
  /** For how long the oldest entry without a final anchor has waited, as far as this process saw; 0 when none waits. */
  readonly oldestUnanchoredMs: number
  readonly unanchoredRecords: number
  /** 0 before the first. */
  readonly lastFinalSize: number
  readonly balanceWei?: string
  /** For how many more anchors that lasts, at what the chain asks now. */
  readonly affordableAnchors?: number
  /** What is wrong, for people, while something is. */
  readonly alarm?: string
}

/** What the anchorer tells while it works, and what comes of it. */
export type LagWatch = {
  /** A head was seen, and the chain has come so far. */
  note(records: AnchorRecords): void
  /** Asks for the balance, once a minute at most. */
  watchFunds(): Promise<void>
  /** `trouble`: what went wrong in the last round. */
  lag(records: AnchorRecords | undefined, trouble: string | undefined): AnchorLag
}

const FUNDS_EVERY_MS = 60_000
/** Under this many the alarm is raised: at an anchor every ten minutes, three hours. */
const FEW_ANCHORS = 20
/** Ethereum needs a quarter of an hour, chains built on it half an hour more. */
const FINAL_LATE_MS = 2 * 3_600_000

/** Makes a watch; `lateMs` is the age from which an entry that is in no block is an alarm. */
export function createLagWatch({
  ledger,
  chain,
  lateMs,
  nowMs,
}: {
  ledger: Pick<Ledger, 'head'>
  chain: Pick<AnchorChain, 'funds'>
  lateMs: number
  nowMs: () => number
}): LagWatch {
  const waiting = createWaiting(nowMs)
  let funds: { readonly balanceWei: string; readonly anchors: number; readonly atMs: number } | undefined

  function alarmOf(records: AnchorRecords | undefined): string | undefined {
    const included = records?.open().findLast(({ state }) => state === 'included')
    if (waiting.waitedMs(included?.size ?? records?.lastFinal()?.size ?? 0) > lateMs) return 'Records are accepted and not anchored.'
    const first = records?.open().find(({ state }) => state === 'included')
    if (first?.times.includedMs !== undefined && nowMs() - first.times.includedMs > FINAL_LATE_MS)
      return 'An anchor has been in a block for hours, and the chain does not call that block final.'
    if (funds !== undefined && funds.anchors < FEW_ANCHORS)
      return `The signing address can pay for ${funds.anchors} more anchors at most: send it funds.`
    return undefined
  }

  return {
    note(records) {
      waiting.note(ledger.head().size, records.lastFinal()?.size ?? 0)
    },
    async watchFunds() {
      if (funds !== undefined && nowMs() - funds.atMs < FUNDS_EVERY_MS) return
      funds = { ...(await chain.funds()), atMs: nowMs() }
    },
    lag(records, trouble) {
      const lastFinalSize = records?.lastFinal()?.size ?? 0
      const alarm = trouble ?? alarmOf(records)
      return {
        oldestUnanchoredMs: waiting.waitedMs(lastFinalSize),
        unanchoredRecords: Math.max(0, ledger.head().size - lastFinalSize),
        lastFinalSize,
        ...(funds === undefined ? {} : { balanceWei: funds.balanceWei, affordableAnchors: funds.anchors }),
        ...(alarm === undefined ? {} : { alarm }),
      }
    },
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
