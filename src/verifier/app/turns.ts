/** Runs many tasks, a few at a time. */

/** Runs a task for each item, at most `width` at a time, with results in order. */
export async function inTurns<T, R>(items: readonly T[], width: number, task: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const work = async () => {
    for (let at = next++; at < items.length; at = next++) results[at] = await task(items[at] as T)
  }
  await Promise.all(Array.from({ length: width }, work))
  return results
}
