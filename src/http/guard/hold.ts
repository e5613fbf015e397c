/**
 * Holding refusals back. To refuse costs a parsed request, and who asks again the moment that they are refused could take the processor from those who were let
 * in. So the first refusals of a second go out at once, and those beyond wait a moment on their connection, which is not read meanwhile.
 */
import type { IncomingMessage } from 'node:http'

export type Hold = {
  /** Calls `answer` at once or a moment later, in the order of the calls; until then nothing more is read of the request's connection. */
  refuse(request: IncomingMessage, answer: () => void): void
  /** Answers all that are held, and holds none from then on. */
  stop(): void
}

export type HoldOptions = {
  /** So many a second are told at once. */
  readonly atOncePerSecond: number
  /** How long the others are held. */
  readonly holdMs: number
  /** So many are held together; who comes then is told at once, for memory is the dearer. */
  readonly maxHeld: number
  readonly nowMs: () => number
}

export const HOLD = { atOncePerSecond: 100, holdMs: 1_000, maxHeld: 2_048 }

const TICK_MS = 50

/** Makes it; nothing runs while nothing is held. */
export function createHold({ atOncePerSecond, holdMs, maxHeld, nowMs }: HoldOptions): Hold {
  /** Oldest first: all are held for as long. */
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

/** The rest of the body is thrown away as it comes; behind it the connection is read no further until the answer. */
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
