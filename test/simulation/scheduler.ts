/**
 * The scheduler of a simulation: it alone decides what happens next, on a clock of its own. Between
 * two events, everything that the first has set off runs to its end.
 */

export type Scheduler = {
  /** Milliseconds since the run began. */
  nowMs(): number
  /** Plans an event. Events of the same time happen in the order in which they were planned. */
  after(ms: number, label: string, act: () => unknown): void
  /** Lets events happen while `goesOn`, at most `most` in all. */
  run(goesOn: () => boolean, most: number): Promise<void>
  /** How many events have happened. */
  steps(): number
  /** Adds something to the trace. */
  note(text: string): void
  /** The hash of everything that happened, in order. */
  trace(): string
  /** The last lines of the trace. */
  tail(): readonly string[]
}

type Event = { readonly atMs: number; readonly order: number; readonly label: string; readonly act: () => unknown }

const TAIL = 40
const BURST = 200

/** Creates the scheduler at time 0. `onStep` is called after each event. */
export function createScheduler(onStep: () => void): Scheduler {
  const heap: Event[] = []
  let nowMs = 0
  let order = 0
  let steps = 0
  let [high, low] = [0x811c9dc5, 0x01000193]
  let tail: string[] = []

  const isBefore = (a: Event, b: Event) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
  const swap = (i: number, j: number) => {
    const kept = heap[i]!
    heap[i] = heap[j]!
    heap[j] = kept
  }
  const push = (event: Event) => {
    heap.push(event)
    for (let at = heap.length - 1; at > 0; ) {
      const parent = Math.floor((at - 1) / 2)
      if (!isBefore(heap[at]!, heap[parent]!)) return
      swap(at, parent)
      at = parent
    }
  }
  const pop = (): Event | undefined => {
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    heap[0] = last
    for (let at = 0; ; ) {
      let least = at
      for (const child of [2 * at + 1, 2 * at + 2]) if (child < heap.length && isBefore(heap[child]!, heap[least]!)) least = child
      if (least === at) return first
      swap(at, least)
      at = least
    }
  }

  const note = (text: string) => {
    const line = `${nowMs} ${text}`
    for (let i = 0; i < line.length; i++) {
      high = Math.imul(high ^ line.charCodeAt(i), 0x01000193)
      low = Math.imul(low ^ line.charCodeAt(i), 0x85ebca6b) ^ (high >>> 13)
    }
    tail.push(line)
    if (tail.length > 2 * TAIL) tail = tail.slice(-TAIL)
  }

  return {
    nowMs: () => nowMs,
    after: (ms, label, act) => push({ atMs: nowMs + Math.max(0, Math.floor(ms)), order: order++, label, act }),
    run: (goesOn, most) =>
      new Promise((resolve, reject) => {
        let [hasActed, isOver] = [false, false]
        const step = () => {
          if (isOver) return
          try {
            if (hasActed) onStep()
            const event = goesOn() && steps < most ? pop() : undefined
            isOver = event === undefined
            if (event === undefined) return resolve()
            nowMs = event.atMs
            steps++
            note(event.label)
            hasActed = true
            event.act()
          } catch (error) {
            isOver = true
            reject(error)
          }
        }
        // Everything ready has its turn between two of these, and no promise of the simulated code
        // waits for anything but an event. Many are planned at once, because Node's loop is dear.
        const plan = () => {
          for (let i = 0; i < BURST; i++) setImmediate(step)
          if (!isOver) setImmediate(plan)
        }
        step()
        plan()
      }),
    steps: () => steps,
    note,
    trace: () => `${(high >>> 0).toString(16).padStart(8, '0')}${(low >>> 0).toString(16).padStart(8, '0')}`,
    tail: () => tail.slice(-TAIL),
  }
}
