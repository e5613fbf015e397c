/**
 * One process of a simulation. Its argument may name a deliberate break of the code. Each message
 * names seeds, and is answered with what came of them.
 */
import { BREAKS, breakCode } from './breaks.ts'

/** Seeds to run. */
export type Chunk = { readonly from: number; readonly count: number }

const broken = BREAKS.find(({ name }) => name === process.argv[2])
if (broken !== undefined) breakCode(broken)
// Worlds refuse so much that half a million stacks would be written, and nobody reads them.
Error.stackTraceLimit = 0
// Only now, so that it loads the broken code.
const { runSeeds } = await import('./run.ts')

process.on('message', ({ from, count }: Chunk) => {
  runSeeds(from, count).then(
    seeds => process.send?.({ seeds }),
    error => process.send?.({ error: String(error) }),
  )
})
// Without its parent there is nothing left to do.
process.once('disconnect', () => process.exit(0))
