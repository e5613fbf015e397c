/** Runs many seeds, and finds how little of a failing one is enough. */
import { type Options, optionsOf } from './swarm.ts'
import { type Result, runWorld } from './world.ts'

/** A seed whose run has broken an invariant. */
export type Failure = {
  readonly result: Result
  /** The least number of events after which the same seed has broken an invariant. */
  readonly prefix: Result
}

/** What came of many seeds. */
export type Seeds = {
  readonly seeds: number
  readonly steps: number
  readonly virtualMs: number
  /** How many seeds were run twice. All of them went the same way. */
  readonly repeated: number
  readonly counts: Readonly<Record<string, number>>
  readonly failure?: Failure
}

/** What came of no seed at all. */
export const NO_SEEDS: Seeds = { seeds: 0, steps: 0, virtualMs: 0, repeated: 0, counts: {} }

/** One seed of this many is run twice. */
const REPEAT = 20

/**
 * Runs `count` seeds from `from` on, up to the first that breaks an invariant.
 * @throws if a seed goes another way the second time
 */
export async function runSeeds(from: number, count: number): Promise<Seeds> {
  let soFar = NO_SEEDS
  for (let seed = from; seed < from + count; seed++) {
    const result = await runWorld(optionsOf(seed))
    const { steps, virtualMs, counts } = result
    soFar = addSeeds(soFar, { seeds: 1, steps, virtualMs, repeated: 0, counts })
    if (result.violation !== undefined) return { ...soFar, failure: { result, prefix: await shortest(result) } }
    if (seed % REPEAT !== 0) continue
    const again = await runWorld(optionsOf(seed))
    if (again.trace !== result.trace || again.steps !== steps)
      throw new Error(`seed ${seed} went two ways: ${steps} events with trace ${result.trace}, then ${again.steps} with ${again.trace}`)
    soFar = { ...soFar, repeated: soFar.repeated + 1 }
  }
  return soFar
}

/** What came of the seeds of both, of which only the second may have failed. */
export function addSeeds(a: Seeds, b: Seeds): Seeds {
  const counts: Record<string, number> = { ...a.counts }
  for (const [what, times] of Object.entries(b.counts)) counts[what] = (counts[what] ?? 0) + times
  return {
    seeds: a.seeds + b.seeds,
    steps: a.steps + b.steps,
    virtualMs: a.virtualMs + b.virtualMs,
    repeated: a.repeated + b.repeated,
    counts,
    ...(b.failure && { failure: b.failure }),
  }
}

/** The run that ends as soon as its seed has broken an invariant of what is stored or shown. */
async function shortest(result: Result): Promise<Result> {
  const options: Options = result.options
  let [low, high, best] = [0, result.steps, result]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    const tried = await runWorld(options, middle)
    if (tried.violation === undefined) low = middle
    else {
      high = middle
      best = tried
    }
  }
  return best
}
