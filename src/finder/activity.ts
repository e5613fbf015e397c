/**
 * When entries were sealed, and how long they waited for the chain: by quarter of an hour and by
 * day, for charts.
 */
import { type FinderRow, jsonValue, lastNumber, type Rows, readJson, rowKey } from './rows.ts'

/** The units of time that are kept. */
const UNITS_MS = { quarter: 15 * 60_000, day: 86_400_000 } as const
export type Unit = keyof typeof UNITS_MS

/**
 * A unit of time: the entries sealed in it, and the longest wait of one of them for a final anchor,
 * if one came.
 */
export type Slot = { readonly startMs: number; readonly records: number; readonly waitMs?: number }

/** The parts of an anchor that matter here. */
export type AnchorTime = { readonly size: number; readonly block: { readonly time: string } }

type SealedMs = (index: number) => Promise<number | undefined>
type Counted = Omit<Slot, 'startMs'>
type Stretch = { readonly fromMs: number; readonly records: number }

/**
 * The rows that count the entries of [from, to), and the waits that these anchors ended; `covered`
 * is where the first of them begins.
 */
export async function activityRows(
  rows: Rows,
  sealedMs: SealedMs,
  entries: { readonly from: number; readonly to: number },
  { covered, anchors }: { readonly covered: number; readonly anchors: readonly AnchorTime[] },
): Promise<FinderRow[]> {
  const slots = new Map<string, { key: Uint8Array; slot: Counted }>()
  const change = (timeMs: number, next: (slot: Counted) => Counted) => {
    for (const unit of Object.keys(UNITS_MS) as Unit[]) {
      const key = slotKey(unit, timeMs)
      const name = key.toString('latin1')
      const slot = slots.get(name)?.slot ?? readJson<Counted>(rows.get(key)) ?? { records: 0 }
      slots.set(name, { key, slot: next(slot) })
    }
  }
  for (const { fromMs, records } of await stretches(sealedMs, entries.from, entries.to))
    change(fromMs, slot => ({ ...slot, records: slot.records + records }))
  let from = covered
  for (const { size, block } of anchors) {
    const anchoredMs = Date.parse(block.time)
    // Block times are whole seconds, and a chain's clock is not ours.
    for (const { fromMs } of await stretches(sealedMs, from, size))
      change(fromMs, slot => ({ ...slot, waitMs: Math.max(slot.waitMs ?? 0, anchoredMs - fromMs) }))
    from = size
  }
  return [...slots.values()].map(({ key, slot }) => ({ key, value: jsonValue(slot) }))
}

/** The slots from a time on, ascending, without those in which nothing was sealed. */
export async function listSlots(rows: Rows, unit: Unit, fromMs: number, limit: number): Promise<Slot[]> {
  const found: Slot[] = []
  for await (const [key, value] of rows.range(slotKey(unit, Math.max(0, fromMs)), slotKey(unit, FAR_MS))) {
    const slot = readJson<Counted>(value)
    if (slot !== undefined) found.push({ startMs: lastNumber(key) * UNITS_MS[unit], ...slot })
    if (found.length >= limit) break
  }
  return found
}

/**
 * The entries of [from, to) by quarter of an hour, each with the time of its first. They were
 * sealed in order, so bisection finds the borders.
 */
async function stretches(sealedMs: SealedMs, from: number, to: number): Promise<Stretch[]> {
  if (from >= to) return []
  const [firstMs, lastMs] = [await sealedMs(from), await sealedMs(to - 1)]
  if (firstMs === undefined || lastMs === undefined) return []
  const sameSlot = slotOf('quarter', firstMs) === slotOf('quarter', lastMs)
  if (sameSlot || to - from === 1) return [{ fromMs: firstMs, records: to - from }]
  const middle = Math.floor((from + to) / 2)
  return [...(await stretches(sealedMs, from, middle)), ...(await stretches(sealedMs, middle, to))]
}

const FAR_MS = 253_402_300_800_000

function slotOf(unit: Unit, timeMs: number): number {
  return Math.floor(timeMs / UNITS_MS[unit])
}

function slotKey(unit: Unit, timeMs: number): Buffer {
  return rowKey('t', unit.charAt(0), [{ value: slotOf(unit, timeMs), bytes: 8 }])
}
