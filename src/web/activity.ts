/**
 * Activity over time, ready to be drawn: how much was accepted, and how long it waited for the
 * chain. Equal units of time, empty ones left out.
 */
import type { SiteDeps, SiteSlot } from './deps.ts'

/** The ranges of time that a reader can choose. */
export const RANGES = ['day', 'season', 'all'] as const
export type Range = (typeof RANGES)[number]

export type Activity = {
  readonly range: Range
  readonly fromMs: number
  readonly toMs: number
  /** The length of each unit of time. */
  readonly unitMs: number
  readonly slots: readonly SiteSlot[]
}

const QUARTER_MS = 15 * 60_000
const DAY_MS = 86_400_000
const MAX_BARS = 120
const MAX_DAYS = 36_500

/** The requested range, or the shortest one that shows the whole life of the ledger. */
export async function readActivity({ ledger, finder, nowMs }: SiteDeps, wanted: Range | undefined): Promise<Activity> {
  const now = nowMs()
  const bornMs = Math.min(now, (await ledger.sealedMs(0)) ?? now)
  const range = wanted ?? (now - bornMs < DAY_MS ? 'day' : now - bornMs < 90 * DAY_MS ? 'season' : 'all')
  if (range === 'day') {
    const toMs = ceil(now + 1, QUARTER_MS)
    const fromMs = toMs - DAY_MS
    return { range, fromMs, toMs, unitMs: QUARTER_MS, slots: await finder.activity('quarter', fromMs, DAY_MS / QUARTER_MS) }
  }
  const lastMs = ceil(now + 1, DAY_MS)
  const firstMs = range === 'season' ? lastMs - 90 * DAY_MS : ceil(bornMs + 1, DAY_MS) - DAY_MS
  const days = Math.max(1, Math.ceil((lastMs - firstMs) / DAY_MS / MAX_BARS))
  const slots = merge(await finder.activity('day', firstMs, MAX_DAYS), firstMs, days * DAY_MS)
  return { range, fromMs: firstMs, toMs: firstMs + ceil(lastMs - firstMs, days * DAY_MS), unitMs: days * DAY_MS, slots }
}

/** Joins days into longer units. */
function merge(slots: readonly SiteSlot[], fromMs: number, unitMs: number): SiteSlot[] {
  const merged = new Map<number, SiteSlot>()
  for (const { startMs, records, waitMs } of slots) {
    const start = fromMs + Math.floor((startMs - fromMs) / unitMs) * unitMs
    const slot = merged.get(start)
    const longest = Math.max(slot?.waitMs ?? -1, waitMs ?? -1)
    merged.set(start, { startMs: start, records: (slot?.records ?? 0) + records, ...(longest >= 0 && { waitMs: longest }) })
  }
  return [...merged.values()]
}

function ceil(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit
}
