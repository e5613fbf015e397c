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

/** Every so many seeds, one is run twice. */
const REPEAT = 20

/**
 * Runs `count` seeds from `from` on, up to the first that breaks an invariant.
 * @throws if a seed goes another way the second time
 */
export async function runSeeds(from: number, count: number, onSeed: (result: Result) => void = () => {}): Promise<Seeds> {
  const counts: Record<string, number> = {}
  let [steps, virtualMs, repeated] = [0, 0, 0]
  for (let seed = from; seed < from + count; seed++) {
    const result = await runWorld(optionsOf(seed))
    onSeed(result)
    steps += result.steps
    virtualMs += result.virtualMs
    for (const [what, times] of Object.entries(result.counts)) counts[what] = (counts[what] ?? 0) + times
    const soFar = { seeds: seed - from + 1, steps, virtualMs, repeated, counts }
    if (result.violation !== undefined) return { ...soFar, failure: { result, prefix: await shortest(result) } }
    if (seed % REPEAT !== 0) continue
    const again = await runWorld(optionsOf(seed))
    if (again.trace !== result.trace || again.steps !== result.steps)
      throw new Error(
        `seed ${seed} went two ways: ${result.steps} events with trace ${result.trace}, then ${again.steps} with ${again.trace}`,
      )
    repeated++
  }
  return { seeds: count, steps, virtualMs, repeated, counts }
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
