/**
 * Admission under overload: capacity is measured, and submissions beyond it are refused before they
 * cost anything. Admitted requests wait briefly. Refused requests were not started, so clients can
 * retry them. A refusal costs a parsed request, so all but the first of a second are held back for
 * a moment: clients that retry at once must not take the processor from admitted ones.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { GUARDS } from '../headers.ts'
import type { Metrics } from '../metrics.ts'
import { pathOf } from '../place.ts'
import { discardRest, formatProblem } from '../problem.ts'
import { createRates } from './rates.ts'

export type Admission = {
  /** 0 if a submission can be admitted now, otherwise in how many seconds to retry. */
  busySeconds(): number
  /** Counts a single submission as in progress until the returned function is called. */
  enter(): () => void
  /** Records a sealed batch. */
  noteSeal(records: number): void
  readonly hold: Hold
  stop(): void
}

/** Holds refusals back. */
export type Hold = {
  /**
   * Calls `answer` now or a moment later, in the order of the calls. Until then, the request's
   * connection is not read.
   */
  refuse(request: IncomingMessage, answer: () => void): void
  /** Answers all held requests, and holds no further ones. */
  stop(): void
}

/** The path of submissions, as the router sees it in origin-form. */
export const SUBMIT_PATH = '/v1/records'

/** A hundred at once keep the disk busy. With more, each only waits longer. */
const MAX_UNDER_WAY = 128
/** The longest wait of a submission for those before it. */
const MAX_WAIT_MS = 2_000
/** The longest delay of this process's own timers. */
const MAX_LATE_MS = 500
/** The longest time without a sealed batch while something waits. */
const MAX_STALL_MS = 5_000
/**
 * Up to this many, nobody is refused, however slow the machine is: a few submissions are no
 * overload.
 */
const FEW_UNDER_WAY = 32
const FEW_WAITING = 2048
/** Assumed until something was measured. */
const FIRST_PER_SECOND = 2_000
const TICK_MS = 100
/** The weight of the newest second in the running average. */
const WEIGHT = 0.5
const MAX_RETRY_SECONDS = 30

const HOLD_MS = 1_000
const HOLD = { atOncePerSecond: 100, maxHeld: 2_048, later: (then: () => void) => void setTimeout(then, HOLD_MS).unref() }

/**
 * Measures from now on, until `stop`. `waiting` is the number of statements that wait to be sealed.
 */
export function createAdmission({ waiting, nowMs }: { readonly waiting: () => number; readonly nowMs: () => number }): Admission {
  const hold = createHold({ ...HOLD, nowMs })
  let underWay = 0
  let perSecond = FIRST_PER_SECOND
  let measure = { sinceMs: nowMs(), records: 0 }
  let lateMs = 0
  let movedMs = nowMs()
  let dueMs = nowMs() + TICK_MS

  const tick = setInterval(() => {
    const now = nowMs()
    // The worst delay of about the last second, fading.
    lateMs = Math.max(now - dueMs, lateMs * 0.8)
    dueMs = now + TICK_MS
    if (waiting() === 0 && underWay === 0) movedMs = now
    if (now - measure.sinceMs < 1000) return
    // Only a second with enough work shows how much can be done.
    if (waiting() >= FEW_WAITING || measure.records / perSecond > 0.9)
      perSecond = Math.max(1, perSecond * (1 - WEIGHT) + ((measure.records * 1000) / (now - measure.sinceMs)) * WEIGHT)
    measure = { sinceMs: now, records: 0 }
  }, TICK_MS).unref()

  /** How long a new submission would wait, or 0 if that is not too long. */
  const tooLongMs = (): number => {
    if (underWay < FEW_UNDER_WAY && waiting() < FEW_WAITING) return 0
    const waitMs = (waiting() / perSecond) * 1000
    if (waitMs > MAX_WAIT_MS) return waitMs
    const stalledMs = nowMs() - movedMs
    if (stalledMs > MAX_STALL_MS) return stalledMs
    return underWay >= MAX_UNDER_WAY || lateMs > MAX_LATE_MS ? Math.max(1000, waitMs) : 0
  }

  return {
    busySeconds: () => Math.min(MAX_RETRY_SECONDS, Math.ceil(tooLongMs() / 1000)),
    enter() {
      underWay++
      return () => {
        underWay--
      }
    },
    noteSeal(records) {
      measure.records += records
      movedMs = nowMs()
    },
    hold,
    stop() {
      clearInterval(tick)
      hold.stop()
    },
  }
}

export type HoldOptions = {
  /** How many refusals a second are answered at once. */
  readonly atOncePerSecond: number
  /** How many are held together. Beyond this number they are answered at once, to bound memory. */
  readonly maxHeld: number
  /** Calls back when a held refusal is due. */
  readonly later: (then: () => void) => void
  readonly nowMs: () => number
}

/** Creates a hold. */
export function createHold({ atOncePerSecond, maxHeld, later, nowMs }: HoldOptions): Hold {
  const atOnce = createRates({ perSecond: atOncePerSecond, burst: atOncePerSecond }, nowMs)
  const held = new Set<() => void>()
  let isStopped = false
  return {
    refuse(request, answer) {
      if (isStopped || held.size >= maxHeld || atOnce.take('all') === 0) return answer()
      const { socket } = request
      // Drops the rest of the body as it arrives, then stops reading the connection.
      const pause = () => socket.pause()
      const release = () => {
        if (!held.delete(release)) return
        request.off('end', pause)
        socket.resume()
        answer()
      }
      if (request.complete) pause()
      else request.once('end', pause)
      held.add(release)
      later(release)
    },
    stop() {
      isStopped = true
      for (const release of held) release()
    },
  }
}

/**
 * Refuses submissions that cannot be admitted before anything is done for them, even before their
 * key is read.
 */
export function refuseEarly(
  next: RequestListener,
  { busySeconds, hold }: Admission,
  metrics: Pick<Metrics, 'countProblem'>,
): RequestListener {
  return (request, response) => {
    const seconds = request.method === 'POST' && pathOf(request) === SUBMIT_PATH ? busySeconds() : 0
    if (seconds === 0) return next(request, response)
    metrics.countProblem('LEDGER_OVERLOADED')
    discardRest(request)
    hold.refuse(request, () => refuse(response, seconds))
  }
}

function refuse(response: ServerResponse, seconds: number): void {
  const detail = `More is submitted than can be sealed. Send it again in ${seconds} s: nothing was accepted.`
  const body = formatProblem({ status: 503, code: 'LEDGER_OVERLOADED', detail })
  const form = { 'content-type': 'application/problem+json', 'content-length': Buffer.byteLength(body), 'retry-after': String(seconds) }
  response.writeHead(503, { ...GUARDS, ...form })
  response.end(body)
}
