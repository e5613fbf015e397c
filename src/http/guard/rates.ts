/**
 * How often somebody may ask: a bucket of requests for each name (an address, a key) that fills at a steady rate. Memory is bounded, whoever comes under however
 * many names.
 */

/** So many a second for ever, and so many at once after a rest. */
export type Rate = { readonly perSecond: number; readonly burst: number }

export type Rates = {
  /** Takes one; 0 when it was there, else the seconds, rounded up, until the next one is. */
  take(name: string): number
  /** Takes so many at once, though there be fewer: who owes waits for longer, but never for longer than an empty bucket takes to fill. */
  charge(name: string, cost: number): void
  /** Whether the next `take` would get one; takes nothing. */
  has(name: string): boolean
}

/** Names remembered at once. The one not seen for longest is forgotten first, which gives it a full bucket. */
const MAX_NAMES = 20_000

/** Makes the buckets of one kind of name. */
export function createRates({ perSecond, burst }: Rate, nowMs: () => number): Rates {
  const buckets = new Map<string, { left: number; readonly atMs: number }>()
  const levelOf = (name: string, now: number) => {
    const bucket = buckets.get(name)
    // A clock that jumps back fills nothing.
    return bucket === undefined ? burst : Math.min(burst, bucket.left + (Math.max(0, now - bucket.atMs) / 1000) * perSecond)
  }
  const keep = (name: string, left: number, atMs: number) => {
    buckets.delete(name)
    buckets.set(name, { left, atMs })
    if (buckets.size > MAX_NAMES) buckets.delete(buckets.keys().next().value!)
  }
  return {
    take(name) {
      const now = nowMs()
      const level = levelOf(name, now)
      keep(name, level < 1 ? level : level - 1, now)
      return level < 1 ? Math.max(1, Math.ceil((1 - level) / perSecond)) : 0
    },
    charge(name, cost) {
      const now = nowMs()
      keep(name, Math.max(-burst, levelOf(name, now) - cost), now)
    },
    has: name => levelOf(name, nowMs()) >= 1,
  }
}

/** One name for all addresses that one visitor has: an IPv6 network of 64 bits, and IPv4 in its own form. */
export function visitorOf(address: string): string {
  const bare = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  if (!bare.includes(':')) return bare
  const [head = '', tail] = bare.split('::')
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...front, ...(tail === undefined ? [] : Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0')), ...back]
  return `${groups
    .slice(0, 4)
    .map(group => group.toLowerCase().replace(/^0+(?=.)/, ''))
    .join(':')}::/64`
}

/** An address of this machine. */
export function isLoopback(address: string): boolean {
  return /^(127\.|::1$|::ffff:127\.)/i.test(address)
}
