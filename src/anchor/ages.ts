/** How long ago stored times were, on a machine whose clock somebody may set. */

/** The clock of the day, which can be set, and one that only goes forward and begins anew with each process. Both in milliseconds. */
export type Clocks = { readonly nowMs: () => number; readonly steadyMs: () => number }

export type Ages = {
  /** The time of the day, to be stored. From here on its age is counted by the steady clock. */
  stamp(): number
  /**
   * The age of a stored time. One of another process is read off the clock of the day once. If it lies in the future, the clock was
   * set, nobody knows how long ago it was, and the answer is `Infinity`: whatever waits for it is due.
   */
  ageMs(storedMs: number): number
}

/** So many times are remembered, the newest: a few for each anchor that is under way. */
const REMEMBERED = 4096

/** Makes it. */
export function createAges({ nowMs, steadyMs }: Clocks): Ages {
  /** For each stored time the reading of the steady clock at which its age was 0. */
  const zeros = new Map<number, number>()

  function remember(storedMs: number, zeroMs: number): number {
    zeros.delete(storedMs)
    zeros.set(storedMs, zeroMs)
    if (zeros.size > REMEMBERED) zeros.delete(zeros.keys().next().value!)
    return zeroMs
  }

  return {
    stamp() {
      const storedMs = nowMs()
      remember(storedMs, steadyMs())
      return storedMs
    },
    ageMs(storedMs) {
      const sinceMs = nowMs() - storedMs
      const zeroMs = zeros.get(storedMs) ?? remember(storedMs, sinceMs < 0 ? Number.NEGATIVE_INFINITY : steadyMs() - sinceMs)
      return steadyMs() - zeroMs
    },
  }
}
