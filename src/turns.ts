/**
 * Turns on the event loop, of which a process has one. Work that can be long asks for its turn before each small piece; once some milliseconds have gone in one round
 * of the loop, the rest waits for the next, so that nobody waits long for anybody. By time, not by count: a piece costs what the machine makes it cost.
 */

export type Turns = {
  /** Before a request is begun: undefined where it may be begun at once. Those that wait go before all long work. */
  enter(): Promise<void> | undefined
  /** Between two pieces of long work: undefined where it may go on at once. A piece takes a millisecond or two at most. */
  breathe(): Promise<void> | undefined
}

export type TurnOptions = {
  /** So much work is done in one round of the loop. */
  readonly roundMs: number
  readonly nowMs: () => number
  /** Calls back in the next round of the loop. */
  readonly nextRound: (then: () => void) => void
}

/** Short enough that several rounds fit into the time in which a person notices nothing. */
const ROUND_MS = 5

/** Makes turns of their own: for tests. */
export function createTurns({ roundMs, nowMs, nextRound }: TurnOptions): Turns {
  const entering: (() => void)[] = []
  const breathing: (() => void)[] = []
  let sinceMs: number | undefined
  let isArmed = false

  const isSpent = () => sinceMs !== undefined && nowMs() - sinceMs >= roundMs
  const arm = () => {
    if (isArmed) return
    isArmed = true
    nextRound(begin)
  }
  /** A new round: those that wait go on one after the other, until the time of the round is spent. */
  const begin = () => {
    isArmed = false
    sinceMs = undefined
    // One piece of long work in each round, however many requests come.
    const first = breathing.shift()
    if (first !== undefined) resume(first)
    else next()
  }
  const next = () => {
    if (entering.length + breathing.length === 0) return
    if (isSpent()) return arm()
    resume((entering.shift() ?? breathing.shift())!)
  }
  const resume = (waiter: () => void) => {
    sinceMs ??= nowMs()
    arm()
    waiter()
    // After all that the waiter does before it waits for something else: ticks come before microtasks, but those that a microtask asks for come behind all of them.
    queueMicrotask(() => process.nextTick(next))
  }
  const turnIn = (row: (() => void)[]): Promise<void> | undefined => {
    if (row.length === 0 && !isSpent()) {
      sinceMs ??= nowMs()
      arm()
      return undefined
    }
    arm()
    return new Promise(resolve => row.push(resolve))
  }

  return { enter: () => turnIn(entering), breathe: () => turnIn(breathing) }
}

/** The turns of this process. */
export const { enter, breathe } = createTurns({ roundMs: ROUND_MS, nowMs: () => performance.now(), nextRound: setImmediate })

/** Work that takes memory as well as time: so many at once, the others one after the other in the order in which they came. */
export function createRow(atOnce: number): <T>(work: () => Promise<T>) => Promise<T> {
  const row: (() => void)[] = []
  let running = 0
  return async work => {
    if (running < atOnce) running++
    else await new Promise<void>(resolve => row.push(resolve))
    try {
      return await work()
    } finally {
      const next = row.shift()
      if (next === undefined) running--
      else next()
    }
  }
}
