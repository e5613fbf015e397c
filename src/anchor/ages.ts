/** The ages of stored times, on a machine whose clock may be set. */
import { LRUCache } from 'lru-cache'
import type { Host } from '../host.ts'

export type Ages = {
  /** The wall-clock time, to be stored. This process measures its age by the steady clock. */
  stamp(): number
  /**
   * The age of a stored time. A time from another process is compared with the wall clock once. If
   * it is in the future, the clock was set and its age is unknown: the result is `Infinity`, so
   * that whatever waits for it is due.
   */
  ageMs(storedMs: number): number
}

/** How many of the newest times are remembered. Each pending anchor needs a few. */
const REMEMBERED = 4096

/** Creates the ages of stored times. */
export function createAges({ nowMs, steadyMs }: Pick<Host, 'nowMs' | 'steadyMs'>): Ages {
  /** For each stored time, the steady clock's reading when its age was 0. */
  const zeros = new LRUCache<number, number>({ max: REMEMBERED })

  function remember(storedMs: number, zeroMs: number): number {
    zeros.set(storedMs, zeroMs)
    return zeroMs
  }

  return {
    stamp() {
      const storedMs = nowMs()
      remember(storedMs, steadyMs())
      return storedMs
    },
    ageMs(storedMs) {
      const sinceMs = nowMs() - storedMs
      const zeroMs = zeros.get(storedMs) ?? remember(storedMs, sinceMs < 0 ? Number.NEGATIVE_INFINITY : steadyMs() - sinceMs)
      return steadyMs() - zeroMs
    },
  }
}
