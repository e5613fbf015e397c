/** The cost of something for this thread: its processor time, and rounds of its event loop. */
import { PerformanceObserver } from 'node:perf_hooks'

/** A stall comes again; code that is compiled just now does not. */
const TRIES = 5
const HELD = { everyMs: 60, forMs: 30 }
const NOBODY = new Int32Array(new SharedArrayBuffer(4))

/**
 * The processor time of this thread that something takes; the least of several tries. To be
 * compared with something like it that was measured in the same run.
 */
export async function leastUsedMs(run: () => Promise<unknown>): Promise<number> {
  const tries: number[] = []
  for (let tried = 0; tried < TRIES; tried++) {
    const before = process.threadCpuUsage()
    await run()
    const after = process.threadCpuUsage()
    tries.push((after.user + after.system - before.user - before.system) / 1000)
  }
  return Math.min(...tries)
}

/**
 * The longest round of the loop while something runs; the shortest such round of several tries, if
 * one try exceeds `mostMs`.
 */
export async function longestRoundMs(mostMs: number, run: () => Promise<unknown>): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let tried = 0; tried < TRIES && least > mostMs; tried++) least = Math.min(least, await longestOfOneTryMs(run))
  return least
}

/**
 * The most processor time of this thread that one round of the event loop took while something ran.
 * Not wall time: a busy machine changes nothing. Without the collections of garbage, which such a
 * machine makes several times as long, because their helper threads get no turn.
 *
 * As on a busy machine, this process gets no turn now and then: what the disk and the network have
 * ready by then comes all at once, in one round.
 */
async function longestOfOneTryMs(run: () => Promise<unknown>): Promise<number> {
  const collections: { startTime: number; duration: number }[] = []
  const observer = new PerformanceObserver(list => collections.push(...list.getEntries()))
  observer.observe({ entryTypes: ['gc'] })
  let isOver = false
  const running = run().finally(() => {
    isOver = true
  })
  // It throws below, when its last round has ended.
  running.catch(() => {})
  const rounds: { fromMs: number; toMs: number; usedMs: number }[] = []
  let fromMs = performance.now()
  let before = process.threadCpuUsage()
  let heldMs = fromMs
  while (!isOver) {
    await new Promise(resolve => setTimeout(resolve, 1))
    if (performance.now() - heldMs > HELD.everyMs) {
      // Takes no processor time.
      Atomics.wait(NOBODY, 0, 0, HELD.forMs)
      heldMs = performance.now()
    }
    const toMs = performance.now()
    const now = process.threadCpuUsage()
    rounds.push({ fromMs, toMs, usedMs: (now.user + now.system - before.user - before.system) / 1000 })
    fromMs = toMs
    before = now
  }
  await running
  // Observations of the last collections arrive a little later.
  await new Promise(resolve => setTimeout(resolve, 20))
  observer.disconnect()
  const collectingMs = (from: number, to: number) =>
    collections.filter(({ startTime }) => startTime >= from && startTime < to).reduce((sum, { duration }) => sum + duration, 0)
  return Math.max(...rounds.map(round => round.usedMs - collectingMs(round.fromMs, round.toMs)))
}
