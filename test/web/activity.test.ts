/** Which stretch of time a chart shows, and in how many bars. */
import assert from 'node:assert/strict'
import { readActivity } from '../../src/web/activity.ts'
import type { SiteDeps, SiteSlot } from '../../src/web/deps.ts'

const DAY_MS = 86_400_000
const NOW_MS = Date.UTC(2026, 10, 24, 12)

describe('web/activity', () => {
  /** A ledger that accepted something on each day since it was born. */
  const depsOf = (ageDays: number) => {
    const bornMs = NOW_MS - ageDays * DAY_MS
    const all = Array.from({ length: Math.ceil(ageDays) + 1 }, (_, at): SiteSlot => {
      const startMs = (Math.floor(bornMs / DAY_MS) + at) * DAY_MS
      return { startMs, records: 10 + at, ...(at % 2 === 0 && { waitMs: at * 1000 }) }
    })
    const activity = async (unit: string, fromMs: number, limit: number) =>
      unit === 'day' ? all.filter(({ startMs }) => startMs >= fromMs && startMs <= NOW_MS).slice(0, limit) : []
    const deps = { ledger: { sealedMs: async () => bornMs }, finder: { activity }, nowMs: () => NOW_MS } as unknown as SiteDeps
    return { deps, all: all.filter(({ startMs }) => startMs <= NOW_MS) }
  }

  it('shows the whole life of a ledger at first: a day, 90 days, then everything', async () => {
    for (const [ageDays, range] of [
      [0.5, 'day'],
      [30, 'season'],
      [1000, 'all'],
    ] as const)
      assert.equal((await readActivity(depsOf(ageDays).deps, undefined)).range, range)
  })

  it('puts days together into at most 120 bars, of which none is lost', async () => {
    for (const ageDays of [100, 120, 400, 4000]) {
      const { deps, all } = depsOf(ageDays)
      const { slots, fromMs, toMs, unitMs } = await readActivity(deps, 'all')
      assert.ok((toMs - fromMs) / unitMs <= 120, `${ageDays} days`)
      assert.ok(toMs > NOW_MS && fromMs <= all[0]!.startMs)
      assert.ok(slots.every(({ startMs }, at) => (startMs - fromMs) % unitMs === 0 && startMs > (slots[at - 1]?.startMs ?? -1)))
      const sum = (list: readonly SiteSlot[]) => list.reduce((total, { records }) => total + records, 0)
      assert.equal(sum(slots), sum(all))
      assert.equal(Math.max(...slots.map(({ waitMs = 0 }) => waitMs)), Math.max(...all.map(({ waitMs = 0 }) => waitMs)))
    }
  })
})
