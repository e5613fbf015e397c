/**
 * The targets and their rule: any input ends in a value that keeps its promises, or in one of our
 * codes.
 */
import { ok } from 'node:assert/strict'
import fc from 'fast-check'
import { OpenSealError } from '../../src/core/errors.ts'

/**
 * One thing that is fuzzed. `check` throws where a rule is broken; it returns whether the input was
 * accepted, so that a run can tell that both happen.
 */
export type Target<Input = unknown> = {
  readonly name: string
  readonly input: fc.Arbitrary<Input>
  check(input: Input): boolean | Promise<boolean>
}

/** How a run of a target ended. */
export type Outcome = { readonly runs: number; readonly accepted: number; readonly failure?: string }

/** Makes a target; its input's type is its own affair. */
export function target<Input>(name: string, input: fc.Arbitrary<Input>, check: Target<Input>['check']): Target {
  return { name, input, check } as Target
}

/**
 * A target that parses: a refusal must be one of ours, with a code; what is accepted must satisfy
 * `holds`.
 */
export function parser<Input, Value>(
  name: string,
  input: fc.Arbitrary<Input>,
  parse: (input: Input) => Value | Promise<Value>,
  holds: (value: Value, input: Input) => void | Promise<void>,
): Target {
  return target(name, input, async given => {
    let value: Value
    try {
      value = await parse(given)
    } catch (error) {
      ok(error instanceof OpenSealError, `not one of ours: ${error instanceof Error ? error.stack : String(error)}`)
      ok(/^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/.test(error.code), `no code: ${error.code}`)
      return false
    }
    await holds(value, given)
    return true
  })
}

/** Runs a target so often, or so long, from a seed. */
export async function run({ input, check }: Target, limits: { seed: number; numRuns: number; milliseconds?: number }): Promise<Outcome> {
  let accepted = 0
  const property = fc.asyncProperty(input, async given => {
    if (await check(given)) accepted++
  })
  const { seed, numRuns, milliseconds } = limits
  const boxed = milliseconds === undefined ? {} : { interruptAfterTimeLimit: milliseconds, markInterruptAsFailure: false }
  const details = await fc.check(property, { seed, numRuns, ...boxed })
  if (!details.failed) return { runs: details.numRuns, accepted }
  return { runs: details.numRuns, accepted, failure: fc.defaultReportMessage(details) ?? 'no report' }
}
