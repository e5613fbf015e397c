/**
 * `npm run simulate`: several nodes on one store that fails, delays and forgets, with a chain that
 * reorganises and clocks that jump, in one process and on one seeded scheduler. Each core of this
 * machine runs other seeds.
 *
 *   npm run simulate -- --seeds 1000           1,000 worlds, from seed 0
 *   npm run simulate -- --seeds 1 --from 42    one world again; what it did is printed if it fails
 *   npm run simulate -- --break NAME           with one deliberate break of the code
 *   npm run simulate -- --write                also every break, and docs/results/simulation.md
 */
import { availableParallelism } from 'node:os'
import { numberOption, readOptions } from '../../scripts/options.ts'
import { writeResults } from '../../scripts/results.ts'
import { BREAKS, type Break } from './breaks.ts'
import { runInProcesses } from './processes.ts'
import type { Failure, Seeds } from './run.ts'

/** How many seeds a break may take. */
const BREAK_SEEDS = 400
const CORES = availableParallelism()

const { values } = readOptions('simulate', {
  options: { seeds: { type: 'string' }, from: { type: 'string' }, break: { type: 'string' }, write: { type: 'boolean' } },
})
const count = numberOption('simulate', 'seeds', values.seeds, values.break === undefined ? 100 : BREAK_SEEDS)
const from = Number(values.from ?? 0)
const broken = BREAKS.find(({ name }) => name === values.break)
if (!Number.isSafeInteger(from) || (values.break !== undefined && broken === undefined)) {
  process.stderr.write(`simulate: --from must be a whole number, --break one of ${BREAKS.map(({ name }) => name).join(', ')}\n`)
  process.exit(2)
}

const startMs = performance.now()
const seeds = await runInProcesses({ from, count, processes: CORES, broken: broken?.name })
process.stdout.write(`${summary(seeds, (performance.now() - startMs) / 1000)}\n`)
if (seeds.failure !== undefined) process.stdout.write(`${describe(seeds.failure)}\n`)
const isWritten = values.write && broken === undefined && seeds.failure === undefined
// A break that is not found shows that the simulation misses something.
const missed = isWritten ? await write(seeds) : 0
process.exit(seeds.failure === undefined && missed === 0 ? 0 : 1)

function summary({ seeds: run, steps, virtualMs, repeated, failure }: Seeds, seconds: number): string {
  const end = failure === undefined ? 'no invariant broken' : 'an invariant is broken'
  const hours = Math.round(virtualMs / 360_000) / 10
  return `${run} seeds, ${steps} events, ${hours} simulated hours in ${Math.round(seconds)} s, ${repeated} seeds run twice alike: ${end}`
}

function describe({ result, prefix }: Failure): string {
  const { seed } = result.options
  const again = `npm run simulate -- --seeds 1 --from ${seed}${broken === undefined ? '' : ` --break ${broken.name}`}`
  return [
    ...(prefix.violation?.tail ?? []),
    `options ${JSON.stringify(result.options)}`,
    `seed ${seed}, event ${prefix.steps} of ${result.steps}: ${prefix.violation?.invariant}: ${prefix.violation?.what}`,
    `again: ${again}`,
  ].join('\n')
}

/** Writes the page. Returns how many breaks were not found. */
async function write(sound: Seeds): Promise<number> {
  let missed = 0
  const rows = ['| break | seeds until found | shortest prefix, in events | broken invariant |', '| --- | ---: | ---: | --- |']
  const seconds = (performance.now() - startMs) / 1000
  const left = BREAKS.entries()
  const find = async () => {
    for (const [at, each] of left) {
      const { row, isFound } = await findBreak(each)
      process.stdout.write(`${row}\n`)
      rows[at + 2] = row
      if (!isFound) missed++
    }
  }
  await Promise.all(Array.from({ length: CORES }, find))
  const counts = Object.entries(sound.counts).sort(([a], [b]) => (a < b ? -1 : 1))
  const happened = ['| what happened | times |', '| --- | ---: |', ...counts.map(([what, times]) => `| ${what} | ${times} |`)]
  writeResults('simulation', {
    title: 'Simulation',
    command: `npm run simulate -- --seeds ${count} --write`,
    about:
      'Several nodes on one store that fails, delays and forgets, with a chain that reorganises and clocks that jump. Each seed is one world, and the same seed gives the same run.',
    body: [
      `${summary(sound, seconds)}.`,
      '## What happened in these worlds',
      happened.join('\n'),
      '## Deliberate breaks',
      'Each break is made in the code as it is loaded, one at a time. The seeds begin at 0.',
      rows.join('\n'),
    ].join('\n\n'),
  })
  return missed
}

/** The row of a break. */
async function findBreak({ name, what }: Break): Promise<{ readonly row: string; readonly isFound: boolean }> {
  const { seeds: tried, failure } = await runInProcesses({ from: 0, count: BREAK_SEEDS, processes: 1, broken: name })
  const { steps, violation } = failure?.prefix ?? {}
  const found = failure === undefined ? `not found in ${tried}` : tried
  return { row: `| ${what} | ${found} | ${steps ?? ''} | ${violation?.invariant ?? ''} |`, isFound: failure !== undefined }
}
