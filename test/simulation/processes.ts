/** Spreads the seeds of a simulation over several processes. The result does not depend on how many. */
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { addSeeds, NO_SEEDS, type Seeds } from './run.ts'
import type { Chunk } from './worker.ts'

type Options = Chunk & {
  readonly processes: number
  /** The name of a deliberate break of the code. */
  readonly broken?: string | undefined
}

/** How many seeds a process takes at a time. */
const CHUNK = 20

/**
 * Runs `count` seeds from `from` on, up to the first that breaks an invariant.
 * @throws if a seed goes another way the second time, or a process ends
 */
export async function runInProcesses({ from, count, processes, broken }: Options): Promise<Seeds> {
  const chunks: Chunk[] = []
  for (let at = from; at < from + count; at += CHUNK) chunks.push({ from: at, count: Math.min(CHUNK, from + count - at) })
  const results: Seeds[] = []
  let next = 0
  // Chunks are begun in order, so all before the first failure are run, whichever ends first.
  const work = async (worker: ChildProcess) => {
    while (next < chunks.length && !results.some(({ failure }) => failure)) {
      const at = next++
      results[at] = await ask(worker, chunks[at]!)
    }
  }
  const workers = Array.from({ length: Math.min(processes, chunks.length) }, () =>
    fork(join(import.meta.dirname, 'worker.ts'), broken === undefined ? [] : [broken]),
  )
  try {
    await Promise.all(workers.map(work))
  } finally {
    for (const worker of workers) worker.kill()
  }
  const failed = results.findIndex(({ failure }) => failure)
  return results.slice(0, failed < 0 ? undefined : failed + 1).reduce(addSeeds, NO_SEEDS)
}

async function ask(worker: ChildProcess, chunk: Chunk): Promise<Seeds> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`a process of the simulation ended with ${code}`))
    worker.once('exit', onExit)
    worker.once('message', ({ seeds, error }: { seeds?: Seeds; error?: string }) => {
      worker.off('exit', onExit)
      if (seeds === undefined) reject(new Error(error))
      else resolve(seeds)
    })
    worker.send(chunk)
  })
}
