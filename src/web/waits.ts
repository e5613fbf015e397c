/**
 * How long entries waited for the chain. Only the longest wait of each unit of time is known, so
 * each figure is one that is certainly not exceeded.
 */
import type { SiteSlot } from './deps.ts'

/** The longest wait; and the waits that 50 and 95 of 100 entries did not exceed. */
export type Waits = {
  readonly halfMs: number | undefined
  readonly mostMs: number | undefined
  readonly longest: { readonly waitMs: number; readonly startMs: number }
}

const HALF = 0.5
const MOST = 0.95

/**
 * The waits in these units of time, oldest first; undefined if nothing in them was anchored. The
 * newest `waiting` entries wait still, so they count as those that waited longest.
 */
export function sumWaits(slots: readonly SiteSlot[], waiting: number): Waits | undefined {
  const total = slots.reduce((sum, { records }) => sum + records, 0)
  let left = waiting
  const anchored = slots
    .toReversed()
    .map(({ startMs, records, waitMs }) => {
      const open = Math.min(left, records)
      left -= open
      return { startMs, records: records - open, waitMs }
    })
    .flatMap(({ waitMs, ...slot }) => (waitMs === undefined ? [] : [{ ...slot, waitMs }]))
    .sort((a, b) => a.waitMs - b.waitMs)
  const longest = anchored.at(-1)
  if (longest === undefined) return undefined
  const within = (share: number) => {
    let records = 0
    for (const slot of anchored) {
      records += slot.records
      if (records >= share * total) return slot.waitMs
    }
    return undefined
  }
  return { halfMs: within(HALF), mostMs: within(MOST), longest: { waitMs: longest.waitMs, startMs: longest.startMs } }
}

const UNITS = [31_557_600, 86_400, 3600, 60]

/** The seconds to name for a wait that was at most this long: rounded up in the named unit. */
export function atMostSeconds(waitMs: number): number {
  const seconds = Math.max(1, waitMs / 1000)
  const unit = UNITS.find(size => seconds >= size * 2) ?? 1
  return Math.ceil(seconds / unit) * unit
}
