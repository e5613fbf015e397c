/** Bounds how much runs at once. */

/**
 * A queue for work that takes memory as well as time: `width` run together, the others in the
 * order in which they came.
 */
export function createRow(width: number): <T>(work: () => Promise<T>) => Promise<T> {
  const row: (() => void)[] = []
  let running = 0
  return async work => {
    if (running < width) running++
    else await new Promise<void>(resolve => row.push(resolve))
    try {
      return await work()
    } finally {
      const next = row.shift()
      if (next === undefined) running--
      else next()
    }
  }
}

/**
 * Runs a task for each item, at most `width` at a time, with results in order. After the first
 * rejection it begins no other.
 */
export async function inTurns<T, R>(items: readonly T[], width: number, task: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const work = async () => {
    while (next < items.length) {
      const at = next++
      results[at] = await task(items[at] as T).catch(error => {
        next = items.length
        throw error
      })
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, work))
  return results
}
