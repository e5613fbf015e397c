/**
 * Limits on what one visitor or one key may use of the service: requests a second, requests at
 * once, streams at once, wrong keys.
 */
import type { Context } from 'koa'
import { BusyError } from '../problem.ts'
import { createRates, isLoopback, type Rate, visitorOf } from './rates.ts'

export type LimitOptions = {
  /**
   * Requests of one address; missing: any number. Requests from this machine are not counted: they
   * come from its operator, or from a proxy that is not trusted.
   */
  readonly address?: Rate | undefined
  /** Submitting requests of one key; missing: any number. A stream is one request. */
  readonly key?: Rate | undefined
  readonly requestsPerAddress: number
  /** Forms for the check on our server, each of which takes a process. */
  readonly formsPerAddress: number
  readonly streamsPerKey: number
  readonly streams: number
  /**
   * Dry runs of streams are counted apart: each keeps its lines in memory, to compare them with
   * those that follow.
   */
  readonly dryRunsPerKey: number
  readonly dryRuns: number
  readonly nowMs: () => number
}

export type Limits = {
  /** Admits one request, from its first byte to the last of its answer. */
  admitRequest(ctx: Context): void
  /**
   * Charges the further cost of a request, in ordinary requests. The client's next requests wait
   * for it.
   */
  charge(ctx: Context, cost: number): void
  /**
   * Counts a wrong key. Throws KEY_ATTEMPTS if its sender has sent too many. Valid keys are never
   * refused for them.
   */
  noteWrongKey(ctx: Context): void
  /** Counts a request of a key. Throws RATE_KEY. */
  admitKey(keyId: string): void
  /**
   * Holds a place for a stream until the returned function is called. If all are taken, a key with
   * fewer streams takes the place of another key's oldest stream, whose `cut` is then called.
   * Throws STREAMS_KEY, STREAMS_ALL.
   */
  admitStream(keyId: string, cut: () => void): () => void
  /** The same for the dry run of a stream. */
  admitDryRun(keyId: string, cut: () => void): () => void
}

/** The limits that the operator cannot set. */
export const PLACES = { requestsPerAddress: 128, formsPerAddress: 2, streamsPerKey: 16, streams: 64, dryRunsPerKey: 2, dryRuns: 6 }

/**
 * Twenty at once, then one every three seconds: enough for typing mistakes, too few for guessing.
 */
const WRONG_KEYS: Rate = { perSecond: 1 / 3, burst: 20 }

/** Creates the limits of one service. */
export function createLimits(options: LimitOptions): Limits {
  const { address, key, requestsPerAddress, formsPerAddress, streamsPerKey, streams, dryRunsPerKey, dryRuns, nowMs } = options
  const addresses = address && createRates(address, nowMs)
  const keys = key && createRates(key, nowMs)
  const wrongKeys = createRates(WRONG_KEYS, nowMs)
  const requests = createPlaces(requestsPerAddress)
  const forms = createPlaces(formsPerAddress)

  return {
    admitRequest(ctx) {
      if (isOfThisMachine(ctx)) return
      const visitor = visitorOf(ctx.ip)
      const seconds = addresses?.take(visitor) ?? 0
      if (seconds > 0) throw new BusyError('RATE_ADDRESS', 'Too many requests from your address: slow down.', seconds)
      const leave = (isForm(ctx) ? forms : requests).take(visitor)
      if (leave === undefined) throw new BusyError('REQUESTS_ADDRESS', 'Too many requests from your address at once.', 1)
      ctx.res.once('close', leave)
    },
    charge(ctx, cost) {
      if (!isOfThisMachine(ctx)) addresses?.charge(visitorOf(ctx.ip), cost)
    },
    noteWrongKey(ctx) {
      const seconds = wrongKeys.take(visitorOf(ctx.ip))
      if (seconds > 0) throw new BusyError('KEY_ATTEMPTS', 'Too many wrong keys came from your address.', seconds)
    },
    admitKey(keyId) {
      const seconds = keys?.take(keyId) ?? 0
      if (seconds > 0) throw new BusyError('RATE_KEY', 'Too many submissions under this key: send many records as one stream.', seconds)
    },
    admitStream: createStreamPlaces({ streamsPerKey, streams }),
    admitDryRun: createStreamPlaces({ streamsPerKey: dryRunsPerKey, streams: dryRuns }),
  }
}

/**
 * Places for streams. A few keys cannot hold all of them by sending slowly: if another key needs a
 * place, the oldest stream of the key with the most is cut first.
 */
function createStreamPlaces({ streamsPerKey, streams }: Pick<LimitOptions, 'streamsPerKey' | 'streams'>): Limits['admitStream'] {
  type Place = { readonly keyId: string; readonly cut: () => void }
  /** Oldest first. */
  const taken = new Set<Place>()
  const countOf = (keyId: string) => [...taken].filter(place => place.keyId === keyId).length
  /**
   * The place that a key with this many streams may take over; undefined if no key has at least two
   * more.
   */
  const findFor = (count: number): Place | undefined => {
    const counts = [...taken].map(place => ({ place, count: countOf(place.keyId) }))
    const most = Math.max(...counts.map(each => each.count))
    return most > count + 1 ? counts.find(each => each.count === most)?.place : undefined
  }
  return (keyId, cut) => {
    const count = countOf(keyId)
    if (count >= streamsPerKey)
      throw new BusyError('STREAMS_KEY', `This key has ${streamsPerKey} streams in progress already: wait for one of them.`, 5)
    if (taken.size >= streams) {
      const place = findFor(count)
      if (place === undefined) throw new BusyError('STREAMS_ALL', 'Too many streams are in progress: send this one again later.', 5)
      taken.delete(place)
      place.cut()
    }
    const place = { keyId, cut }
    taken.add(place)
    return () => {
      taken.delete(place)
    }
  }
}

/** A number of places for each name. */
function createPlaces(most: number) {
  const taken = new Map<string, number>()
  return {
    /** Returns the function that frees the place; undefined if none is free. */
    take(name: string): (() => void) | undefined {
      const count = taken.get(name) ?? 0
      if (count >= most) return undefined
      taken.set(name, count + 1)
      let isHeld = true
      return () => {
        if (!isHeld) return
        isHeld = false
        const left = (taken.get(name) ?? 1) - 1
        if (left === 0) taken.delete(name)
        else taken.set(name, left)
      }
    },
  }
}

/** The check form for readers without JavaScript, in any language. */
function isForm({ method, path }: Context): boolean {
  return method === 'POST' && /^(\/[a-z]{2})?\/verify$/.test(path)
}

/** Decided by the connection, never by a header. */
function isOfThisMachine(ctx: Context): boolean {
  const own = ctx.req.socket.remoteAddress ?? ''
  return isLoopback(own) && (!ctx.app.proxy || ctx.ip === own)
}
