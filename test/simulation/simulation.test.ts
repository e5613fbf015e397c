/** A short run of the simulation. `npm run simulate` runs more. */
import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BREAKS } from './breaks.ts'
import { runSeeds } from './run.ts'
import { optionsOf } from './swarm.ts'
import { runWorld } from './world.ts'

const SEEDS = 12

describe('simulation', function () {
  this.timeout(120_000)

  it('breaks no invariant in a few worlds', async () => {
    const { failure, counts, seeds } = await runSeeds(1000, SEEDS)
    equal(failure && `${failure.result.options.seed}: ${failure.prefix.violation?.what}`, undefined)
    equal(seeds, SEEDS)
    for (const what of ['sealed', 'known', 'anchors', 'fail-overs', 'crashes', 'pauses', 'receipts verified']) ok(counts[what], what)
  })

  it('goes the same way each time for one seed, and another way for another', async () => {
    const [once, again] = [await runWorld(optionsOf(3)), await runWorld(optionsOf(3))]
    deepEqual(again, once)
    notEqual((await runWorld(optionsOf(5))).trace, once.trace)
  })

  it('has breaks that fit the code', () => {
    const root = join(import.meta.dirname, '../..')
    const edits = BREAKS.flatMap(({ name, edits }) => edits.map(edit => ({ name, ...edit })))
    const unfit = edits.filter(({ file, from }) => readFileSync(join(root, file), 'utf8').split(from).length !== 2)
    deepEqual(
      unfit.map(({ name }) => name),
      [],
    )
  })

  it('finds a deliberate break, and tells how little of its seed is enough', () => {
    const main = join(import.meta.dirname, 'main.ts')
    const { status, stdout } = spawnSync(process.execPath, [main, '--break', 'signed-before-write'], { encoding: 'utf8' })
    equal(status, 1)
    match(stdout, /^seed \d+, event \d+ of \d+: nothing is signed before it is safe: /m)
    match(stdout, /^again: npm run simulate -- --seeds 1 --from \d+ --break signed-before-write$/m)
  })
})
