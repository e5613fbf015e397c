/**
 * The crash matrix in short (`npm run crash` runs all of it): real processes that are killed, and
 * disks that refuse.
 */
import { equal, ok } from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLives, type Phase } from './lives.ts'
import type { Mode } from './plan.ts'

describe('crashes', function () {
  this.timeout(120_000)
  let folder: string
  let lives: Awaited<ReturnType<typeof openLives>>
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-crash-'))
    lives = await openLives(folder)
  })
  after(async () => {
    lives.end()
    await rm(folder, { recursive: true, force: true })
  })

  // In this order on one ledger: each life begins with a look at all that was acknowledged in the
  // lives before it.
  const crashes: [Phase, Mode, number][] = [
    ['start', 'kill-after', 12],
    ['seal', 'kill-before', 2],
    ['recovery', 'kill-before', 1],
    ['recovery', 'kill-after', 1],
    ['seal', 'torn', 2],
    ['seal', 'kill-after', 3],
    ['anchor', 'kill-after', 1],
    ['seal', 'eio-after', 1],
    ['seal', 'late', 2],
  ]
  for (const [phase, mode, at] of crashes)
    it(`loses nothing: ${phase}, ${mode} at write ${at}`, async () => {
      const { fired, end } = await lives.live(phase, { at, mode, count: 1 })
      ok(fired !== undefined, end)
      if (mode.startsWith('kill') || mode === 'torn') equal(end, 'killed')
    })

  it('has every acknowledged record once, with a receipt that verifies, and stops in order', async () => {
    const running = await lives.start()
    const { entries } = await lives.look(running)
    ok(lives.load.acknowledgements() > 50 && entries > 50)
    equal(await running.stop(), 0)
  })
})
