/**
 * A mocha reporter: prints as `spec` does, and writes the run's counts as JSON to the file named by
 * OPENSEAL_TEST_COUNTS.
 */

import { writeFileSync } from 'node:fs'
import Mocha from 'mocha'

/** The counts of a run. `pending` are tests that were skipped. */
export type Counts = { readonly passes: number; readonly failures: number; readonly pending: number }

/** Called by mocha with `new`, once a run. */
function MochaCounts(runner: Mocha.Runner, options: Mocha.MochaOptions): Mocha.reporters.Base {
  const spec = new Mocha.reporters.Spec(runner, options)
  runner.once('end', () => {
    const { passes, failures, pending } = spec.stats
    const counts: Counts = { passes, failures, pending }
    if (process.env.OPENSEAL_TEST_COUNTS) writeFileSync(process.env.OPENSEAL_TEST_COUNTS, JSON.stringify(counts))
  })
  return spec
}

// biome-ignore lint/style/noDefaultExport: mocha loads a reporter by its default export
export default MochaCounts
