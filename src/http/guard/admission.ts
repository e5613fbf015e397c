/**
 * Overload: what can be taken in is measured, and whatever is past it is refused before it costs anything. Who was let in keeps a short wait, and whoever
 * was not comes back later: nothing of theirs was begun. Of many refusals all but the first are held back for a moment.
 */
import type { RequestListener, ServerResponse } from 'node:http'
import { GUARDS } from '../headers.ts'
import type { Metrics } from '../metrics.ts'
import { pathOf } from '../place.ts'
import { discardRest, formatProblem } from '../problem.ts'
import { createHold, HOLD, type Hold } from './hold.ts'

export type Admission = {
  /** 0 where a submission can be let in now; else in how many seconds it may come again. */
  busySeconds(): number
  /** A single submission is under way until the call that this returns. */
  enter(): () => void
  /** Where those who are refused may have to wait a moment for it. */
  readonly hold: Hold
  /** A batch was sealed. */
  noteSeal(records: number): void
  stop(): void
}

export type AdmissionOptions = {
  /** Statements that wait to be sealed. */
  readonly waiting: () => number
  readonly nowMs: () => number
  /** Single submissions at once: their number is what each of them waits for. */
  readonly maxUnderWay: number
  /** The longest that one may have to wait for those before it. */
  readonly maxWaitMs: number
  /** How late this process may be for its own appointments. */
  readonly maxLateMs: number
  /** For how long nothing may be sealed while something waits. */
  readonly maxStallMs: number
}

/** Where statements are submitted: the router's path, which is what an application in origin-form is asked for. */
export const SUBMIT_PATH = '/v1/records'

/** A hundred at once keep the disk busy; with more, each only waits longer. */
export const ADMISSION = { maxUnderWay: 128, maxWaitMs: 2_000, maxLateMs: 500, maxStallMs: 5_000 }

/** Below these nobody is refused, however slow the machine is just now: a handful of submissions is no crowd. */
const FEW_UNDER_WAY = 32
const FEW_WAITING = 2048
/** Until something was measured. */
const FIRST_PER_SECOND = 2_000
const TICK_MS = 100
/** A second's measure counts as much as all before it. */
const WEIGHT = 0.5
const MAX_RETRY_SECONDS = 30

/** Measures from now on, until `stop`. */
export function createAdmission({ waiting, nowMs, maxUnderWay, maxWaitMs, maxLateMs, maxStallMs }: AdmissionOptions): Admission {
  // Not by the clock of the day: where that is set back, nobody must be held for as long.
  const hold = createHold({ ...HOLD, nowMs: () => performance.now() })
  let underWay = 0
  let perSecond = FIRST_PER_SECOND
  let measure = { sinceMs: nowMs(), records: 0 }
  let lateMs = 0
  let movedMs = nowMs()
  let dueMs = nowMs() + TICK_MS

  const tick = setInterval(() => {
    const now = nowMs()
    // The worst of about a second, fading.
    lateMs = Math.max(now - dueMs, lateMs * 0.8)
    dueMs = now + TICK_MS
    if (waiting() === 0 && underWay === 0) movedMs = now
    if (now - measure.sinceMs < 1000) return
    // Only a second in which there was enough to do says how much can be done.
    if (waiting() >= FEW_WAITING || measure.records / perSecond > 0.9)
      perSecond = Math.max(1, perSecond * (1 - WEIGHT) + ((measure.records * 1000) / (now - measure.sinceMs)) * WEIGHT)
    measure = { sinceMs: now, records: 0 }
  }, TICK_MS).unref()

  /** How long somebody who comes now would wait, and whether that is too long. */
  const tooLongMs = (): number => {
    if (underWay < FEW_UNDER_WAY && waiting() < FEW_WAITING) return 0
    const waitMs = (waiting() / perSecond) * 1000
    if (waitMs > maxWaitMs) return waitMs
    const stalledMs = nowMs() - movedMs
    if (stalledMs > maxStallMs) return stalledMs
    return underWay >= maxUnderWay || lateMs > maxLateMs ? Math.max(1000, waitMs) : 0
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

/** An application behind a look at the load: a submission that cannot be let in is told so before anything is done for it, and before its key is read. */
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
  const detail = `More is submitted than can be sealed. Send it again in ${seconds} s: nothing of it was taken.`
  const body = formatProblem({ status: 503, code: 'LEDGER_OVERLOADED', detail })
  const form = { 'content-type': 'application/problem+json', 'content-length': Buffer.byteLength(body), 'retry-after': String(seconds) }
  response.writeHead(503, { ...GUARDS, ...form })
  response.end(body)
}
