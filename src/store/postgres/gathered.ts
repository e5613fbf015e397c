/**
 * Reads of single rows, several of which are sent together. If few reads are on their way, a new
 * one starts at once. Otherwise it waits for an answer, and all that wait are sent as one.
 */

/** Reads one row by its key. */
export type GatheredRead<K, V> = (key: K) => Promise<V>

type Waiting<K, V> = { readonly key: K; readonly resolve: (value: V) => void; readonly reject: (error: unknown) => void }

const AT_ONCE = 256
/** The most reads on their way: the number of connections for reading. */
const ON_THEIR_WAY = 4

/** Gathers single reads. `readAll` returns a value for each key, in their order. */
export function createGathered<K, V>(readAll: (keys: readonly K[]) => Promise<readonly V[]>): GatheredRead<K, V> {
  let waiting: Waiting<K, V>[] = []
  let reading = 0

  async function readWaiting(): Promise<void> {
    reading++
    while (waiting.length > 0) {
      const taken = waiting.slice(0, AT_ONCE)
      waiting = waiting.slice(AT_ONCE)
      try {
        const values = await readAll(taken.map(({ key }) => key))
        for (const [i, { resolve }] of taken.entries()) resolve(values[i]!)
      } catch (error) {
        for (const { reject } of taken) reject(error)
      }
    }
    reading--
  }

  return key =>
    new Promise((resolve, reject) => {
      waiting.push({ key, resolve, reject })
      if (reading < ON_THEIR_WAY) void readWaiting()
    })
}
