/**
 * Rates: a bucket of requests for each name (an address, a key) that fills steadily. Memory is
 * bounded for any number of names.
 */
import { LRUCache } from 'lru-cache'

/** The sustained rate, and the number at once after a rest. */
export type Rate = { readonly perSecond: number; readonly burst: number }

export type Rates = {
  /**
   * Takes one request. Returns 0 if there was one, otherwise the seconds, rounded up, until the
   * next.
   */
  take(name: string): number
  /**
   * Takes more than one, even if fewer are left. The debt lengthens the wait, up to the time that
   * an empty bucket takes to fill.
   */
  charge(name: string, cost: number): void
}

/**
 * The most names remembered. The least recently seen one is forgotten first, which gives it a full
 * bucket.
 */
const MAX_NAMES = 20_000

/** Creates the buckets for one kind of name. */
export function createRates({ perSecond, burst }: Rate, nowMs: () => number): Rates {
  const buckets = new LRUCache<string, { left: number; readonly atMs: number }>({ max: MAX_NAMES })
  const levelOf = (name: string, now: number) => {
    const bucket = buckets.get(name)
    // A clock that jumps back fills nothing.
    return bucket === undefined ? burst : Math.min(burst, bucket.left + (Math.max(0, now - bucket.atMs) / 1000) * perSecond)
  }
  return {
    take(name) {
      const now = nowMs()
      const level = levelOf(name, now)
      buckets.set(name, { left: level < 1 ? level : level - 1, atMs: now })
      return level < 1 ? Math.max(1, Math.ceil((1 - level) / perSecond)) : 0
    },
    charge(name, cost) {
      const now = nowMs()
      buckets.set(name, { left: Math.max(-burst, levelOf(name, now) - cost), atMs: now })
    },
  }
}
