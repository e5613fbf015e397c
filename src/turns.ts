/**
 * Turns on the event loop. Long work asks for its turn before each small piece. Once some
 * milliseconds of a round are used, the rest waits for the next round, so that no request waits
 * long. Turns count time, because pieces take different times on different machines.
 */

export type Turns = {
  /**
   * Before a request begins: undefined if it may begin at once. Waiting requests go before all long
   * work.
   */
  enter(): Promise<void> | undefined
  /**
   * Between two pieces of long work: undefined if it may continue at once. A piece takes at most a
   * millisecond or two.
   */
  breathe(): Promise<void> | undefined
}

export type TurnOptions = {
  /** How much work is done in one round of the loop. */
  readonly roundMs: number
  readonly nowMs: () => number
  /** Calls back in the next round of the loop. */
  readonly nextRound: (then: () => void) => void
}

/** Short enough that several rounds pass before a person notices. */
const ROUND_MS = 5

/** Creates separate turns, for tests. */
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
  /**
   * Begins a round: continues the waiting work, one after the other, until the time of the round is
   * used.
   */
  const begin = () => {
    isArmed = false
    sinceMs = undefined
    // One piece of long work in each round, however many requests arrive.
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
    // Runs after everything that the continued work does before it waits again: ticks run before
    // microtasks, but ticks requested in a microtask run after all of them.
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
