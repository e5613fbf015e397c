/** The stretch of time that a chart shows, and its number of bars. */
import assert from 'node:assert/strict'
import { html } from '../../src/html.ts'
import { speak } from '../../src/messages/language.ts'
import { sayDuration } from '../../src/messages/say.ts'
import { readActivity } from '../../src/web/activity.ts'
import type { SiteDeps, SiteSlot } from '../../src/web/deps.ts'
import { anchorsPage } from '../../src/web/pages/anchors.ts'
import { atMostSeconds, sumWaits } from '../../src/web/waits.ts'

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

  it('groups days into at most 120 bars, and loses none', async () => {
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

  it('says waits that at least half and 95 of 100 entries did not exceed, and counts what still waits as longer', () => {
    const minute = 60_000
    const slots = [
      { startMs: 0, records: 50, waitMs: 4 * minute },
      { startMs: minute, records: 45, waitMs: 9 * minute },
      { startMs: 2 * minute, records: 5, waitMs: 120 * minute },
      { startMs: 3 * minute, records: 0 },
    ]
    const said = { halfMs: 4 * minute, mostMs: 9 * minute, longest: { startMs: 2 * minute, waitMs: 120 * minute } }
    assert.deepEqual(sumWaits(slots, 0), said)
    assert.deepEqual(sumWaits(slots, 5), said)
    assert.deepEqual(sumWaits(slots, 6), { ...said, mostMs: undefined })
    assert.deepEqual(sumWaits(slots, 50), { ...said, mostMs: undefined })
    assert.deepEqual(sumWaits(slots, 51), { ...said, halfMs: undefined, mostMs: undefined })
    assert.equal(sumWaits([{ startMs: 0, records: 3 }], 3), undefined)
  })

  it('rounds a wait up in the unit in which it is said, so that no entry waited longer', () => {
    for (let waitMs = 0; waitMs < 4 * DAY_MS; waitMs += 37_123) {
      const seconds = atMostSeconds(waitMs)
      assert.ok(seconds * 1000 >= waitMs && seconds >= 1)
      const shown = /^[\d,]+ (\w+?)s?$/.exec(sayDuration(speak('en'), seconds))!
      const size = { second: 1, minute: 60, hour: 3600, day: 86_400 }[shown[1]!]!
      assert.ok(Number.parseInt(shown[0], 10) * size * 1000 >= waitMs, `${waitMs}: ${shown[0]}`)
    }
  })

  it('draws no bar for zero, and says one entry in the singular', () => {
    const place = {
      base: '',
      path: '/anchors',
      origin: 'o',
      styleHref: '',
      banners: { testNetwork: false, stopped: false, notAccepting: false },
    }
    const frame = { say: speak('en'), ...place }
    const drawn = (slots: readonly SiteSlot[]) => {
      const activity = { range: 'day', fromMs: NOW_MS - DAY_MS, toMs: NOW_MS, unitMs: 900_000, slots } as const
      const page = anchorsPage(frame, {
        rounds: undefined,
        anchors: [],
        activity,
        before: undefined,
        older: undefined,
        waiting: 0,
        vouchers: [],
        behind: 0,
      })
      return html`${page.main}`.safe
    }
    const nothing = drawn([{ startMs: NOW_MS - DAY_MS, records: 0, waitMs: 0 }])
    assert.doesNotMatch(nothing, /<svg|<rect/)
    const one = drawn([
      { startMs: NOW_MS - DAY_MS, records: 1, waitMs: 0 },
      { startMs: NOW_MS - 900_000, records: 0 },
    ])
    assert.deepEqual([one.match(/<svg/g)?.length, one.match(/<rect/g)?.length], [1, 1])
    assert.match(one, /The highest bar shows 1 entry\./)
    assert.doesNotMatch(one, /height="0"/)
  })
})
