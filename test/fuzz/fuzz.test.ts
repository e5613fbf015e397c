/**
 * The short form of `npm run fuzz`: every target, some hundred inputs each, the same in every run.
 */
import { equal, ok } from 'node:assert/strict'
import { FORM_TARGETS } from './forms.ts'
import { HTTP } from './http.ts'
import { PARSERS } from './parsers.ts'
import { run } from './target.ts'

const SEED = 1
const RUNS = 400

describe('fuzz', () => {
  for (const target of [...PARSERS, ...FORM_TARGETS, ...HTTP]) {
    it(`${target.name}: any input ends in a value that keeps its promises, or in one of our codes`, async () => {
      const { runs, accepted, failure } = await run(target, { seed: SEED, numRuns: RUNS })
      equal(failure, undefined)
      // Inputs of both kinds, or the target tests nothing.
      ok(accepted > 0 && accepted < runs, `${accepted} of ${runs} accepted`)
    })
  }
})
