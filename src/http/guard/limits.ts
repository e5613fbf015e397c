/**
 * Limits: the share of the service that one visitor or one key may use. Each kind of use has a rate
 * (a number a second), places (a number at once), or both.
 */
import type { Context } from 'koa'
import { isLoopback, networkOf } from '../place.ts'
import { BusyError } from '../problem.ts'
import { createPlaces, type TakePlace } from './places.ts'
import { createRates, type Rate } from './rates.ts'

export type LimitOptions = {
  /** Requests of one visitor; missing: any number. */
  readonly address?: Rate | undefined
  /** Submitting requests of one key; missing: any number. A stream is one request. */
  readonly key?: Rate | undefined
  readonly requestsPerAddress: number
  /** Forms for the check on our server, each of which takes a process. */
  readonly formsPerAddress: number
  /** Uploads to the desk, each of which takes a process, of all keys of an agency. */
  readonly uploadsPerAgency: number
  readonly streamsPerKey: number
  readonly streams: number
  /**
   * Dry runs of streams are counted apart: each keeps its lines in memory, to compare them with
   * the ones after them.
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
  /** Takes a place for an agency's upload to the desk. Throws UPLOADS_AGENCY. */
  readonly admitUpload: TakePlace
  /** Takes a place for a key's stream. Throws STREAMS_KEY, STREAMS_ALL. */
  readonly admitStream: TakePlace
  /** The same for the dry run of a stream. */
  readonly admitDryRun: TakePlace
}

/** The limits that the operator cannot set. */
export const PLACES = {
  requestsPerAddress: 128,
  formsPerAddress: 2,
  uploadsPerAgency: 2,
  streamsPerKey: 16,
  streams: 64,
  dryRunsPerKey: 2,
  dryRuns: 6,
}

/**
 * Twenty at once, then one every three seconds: enough for typing mistakes, too few for guessing.
 */
const WRONG_KEYS: Rate = { perSecond: 1 / 3, burst: 20 }

/** Creates the limits of one service. */
export function createLimits({ address, key, nowMs, ...most }: LimitOptions): Limits {
  const addresses = address && createRates(address, nowMs)
  const keys = key && createRates(key, nowMs)
  const wrongKeys = createRates(WRONG_KEYS, nowMs)
  const refuse = () => new BusyError('REQUESTS_ADDRESS', 'Too many requests from your address at once.', 1)
  const requests = createPlaces({ each: most.requestsPerAddress, refuse })
  const forms = createPlaces({ each: most.formsPerAddress, refuse })

  return {
    admitRequest(ctx) {
      const visitor = visitorOf(ctx)
      if (visitor === undefined) return
      const seconds = addresses?.take(visitor) ?? 0
      if (seconds > 0) throw new BusyError('RATE_ADDRESS', 'Too many requests from your address: slow down.', seconds)
      ctx.res.once('close', (isForm(ctx) ? forms : requests)(visitor))
    },
    charge(ctx, cost) {
      const visitor = visitorOf(ctx)
      if (visitor !== undefined) addresses?.charge(visitor, cost)
    },
    noteWrongKey(ctx) {
      const seconds = wrongKeys.take(networkOf(ctx.ip))
      if (seconds > 0) throw new BusyError('KEY_ATTEMPTS', 'Too many wrong keys came from your address.', seconds)
    },
    admitKey(keyId) {
      const seconds = keys?.take(keyId) ?? 0
      if (seconds > 0) throw new BusyError('RATE_KEY', 'Too many submissions under this key: send many records as one stream.', seconds)
    },
    admitUpload: createPlaces({
      each: most.uploadsPerAgency,
      refuse: () => new BusyError('UPLOADS_AGENCY', 'Your agency is sending files already: wait for them, and send these again.', 5),
    }),
    admitStream: streamPlaces(most.streamsPerKey, most.streams),
    admitDryRun: streamPlaces(most.dryRunsPerKey, most.dryRuns),
  }
}

/**
 * A few keys cannot hold all places by sending slowly, because a key with fewer takes one of
 * theirs.
 */
function streamPlaces(each: number, all: number): TakePlace {
  const refuse = (full: 'each' | 'all') =>
    full === 'each'
      ? new BusyError('STREAMS_KEY', `This key has ${each} streams in progress already: wait for one of them.`, 5)
      : new BusyError('STREAMS_ALL', 'Too many streams are in progress: send this one again later.', 5)
  return createPlaces({ each, all, refuse })
}

/**
 * Requests that may take a process: the check form for readers without JavaScript, and the
 * questions of assistants.
 */
function isForm({ method, path }: Context): boolean {
  return method === 'POST' && /^((\/[a-z]{2})?\/verify|\/mcp)$/.test(path)
}

/**
 * The name under which a request is counted. undefined for requests from this machine, which are
 * not counted: they come from its operator, or from a proxy that is not trusted. Which machine it
 * is, the connection tells, never a header.
 */
function visitorOf(ctx: Context): string | undefined {
  const own = ctx.req.socket.remoteAddress ?? ''
  return isLoopback(own) && (!ctx.app.proxy || ctx.ip === own) ? undefined : networkOf(ctx.ip)
}
