/**
 * The things that a node takes from its machine: time, sleep, randomness and background tasks.
 * `src/server` makes one host and hands it to `log`, `anchor`, `ledger`, `care` and `store`, which
 * use nothing else of the kind. So a simulation runs the same code on its own clock and
 * randomness.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from './logger.ts'
import { breathe } from './turns.ts'

export type Host = {
  /** The wall clock, in milliseconds since 1970. It can be set, forwards and backwards. */
  nowMs(): number
  /** A clock that never goes back, in milliseconds since some moment. For intervals. */
  steadyMs(): number
  /** Resolves when everything that is ready now has had its turn. */
  nextTurn(): Promise<void>
  /** Between two pieces of long work: undefined if it may continue at once. See `src/turns.ts`. */
  breathe(): Promise<void> | undefined
  /** @throws AbortError as soon as the signal is aborted */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Bytes that nobody can foresee. */
  randomBytes(length: number): Uint8Array
  /** Starts a task in the background. A task that throws is logged under its name and has ended. */
  spawn(name: string, run: (signal: AbortSignal) => Promise<void>): BackgroundTask
}

export type BackgroundTask = {
  /** Aborts the task's signal. Returns when the task has ended. */
  stop(): Promise<void>
}

/** The host of a real node. */
export function systemHost(log: Log): Host {
  return {
    nowMs: () => Date.now(),
    steadyMs: () => performance.now(),
    nextTurn: () => new Promise(resolve => setImmediate(resolve)),
    breathe,
    sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
    randomBytes: length => new Uint8Array(randomBytes(length)),
    spawn(name, run) {
      const controller = new AbortController()
      const ended = run(controller.signal).catch(error => {
        if (!controller.signal.aborted) log.error('task_failed', { task: name, error })
      })
      return {
        async stop() {
          controller.abort()
          await ended
        },
      }
    },
  }
}
