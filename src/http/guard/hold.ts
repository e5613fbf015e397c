/**
 * Delays refusals. A refusal costs a parsed request, so clients that retry immediately could take
 * the processor from admitted ones. The first refusals of a second go out at once. Later ones wait
 * a moment on their connection, which is not read meanwhile.
 */
import type { IncomingMessage } from 'node:http'

export type Hold = {
  /**
   * Calls `answer` now or a moment later, in the order of the calls. Until then, the request's
   * connection is not read.
   */
  refuse(request: IncomingMessage, answer: () => void): void
  /** Answers all held requests, and holds no more. */
  stop(): void
}

export type HoldOptions = {
  /** How many a second are answered at once. */
  readonly atOncePerSecond: number
  /** How long the others are held. */
  readonly holdMs: number
  /** How many are held together. Beyond this number they are answered at once, to bound memory. */
  readonly maxHeld: number
  readonly nowMs: () => number
}

export const HOLD = { atOncePerSecond: 100, holdMs: 1_000, maxHeld: 2_048 }

const TICK_MS = 50

/** Creates a hold. No timer runs while nothing is held. */
export function createHold({ atOncePerSecond, holdMs, maxHeld, nowMs }: HoldOptions): Hold {
  /** Oldest first, because all are held equally long. */
  let held: { readonly untilMs: number; readonly release: () => void }[] = []
  let second = { sinceMs: nowMs(), told: 0 }
  let tick: ReturnType<typeof setInterval> | undefined
  let isStopped = false

  const releaseUntil = (ms: number) => {
    const staying = held.findIndex(({ untilMs }) => untilMs > ms)
    const due = staying === -1 ? held : held.slice(0, staying)
    held = staying === -1 ? [] : held.slice(staying)
    if (held.length === 0) {
      clearInterval(tick)
      tick = undefined
    }
    for (const { release } of due) release()
  }

  return {
    refuse(request, answer) {
      const now = nowMs()
      if (now - second.sinceMs >= 1000) second = { sinceMs: now, told: 0 }
      if (isStopped || held.length >= maxHeld || second.told++ < atOncePerSecond) return answer()
      held.push({ untilMs: now + holdMs, release: pauseUntil(request, answer) })
      tick ??= setInterval(() => releaseUntil(nowMs()), TICK_MS)
    },
    stop() {
      isStopped = true
      releaseUntil(Number.POSITIVE_INFINITY)
    },
  }
}

/** Drops the rest of the body as it arrives, then stops reading the connection until the answer. */
function pauseUntil(request: IncomingMessage, answer: () => void): () => void {
  const { socket } = request
  const pause = () => socket.pause()
  if (request.complete) pause()
  else request.once('end', pause)
  return () => {
    request.off('end', pause)
    socket.resume()
    answer()
  }
}
