/** Asking a ledger again after a failure that may pass. */

import { LedgerFailure } from './http.ts'

export type RetryOptions = {
  /** How long to wait after this number of attempts; undefined if another attempt cannot help. */
  waitMs(failure: LedgerFailure, attempts: number): number | undefined
  /** Waits, or rejects if the whole work has ended. */
  sleep(ms: number): Promise<unknown>
}

/**
 * Creates a function that runs requests, and runs them again. While the ledger asks one request to
 * wait, all wait. A busy ledger that still answers others makes progress, so the count of attempts
 * starts again.
 */
export function createRetries({ waitMs, sleep }: RetryOptions): <T>(request: () => Promise<T>) => Promise<T> {
  let answers = 0
  let pause: Promise<unknown> | undefined
  return async request => {
    for (let attempts = 1, seen = answers; ; attempts++) {
      await pause
      try {
        const value = await request()
        answers++
        return value
      } catch (error) {
        if (!(error instanceof LedgerFailure)) throw error
        if (error.isBusy && answers > seen) [attempts, seen] = [1, answers]
        const ms = waitMs(error, attempts)
        if (ms === undefined) throw error
        const waiting = sleep(ms)
        if (error.isBusy) pause = waiting
        await waiting
      }
    }
  }
}

/** Waits, or rejects with the signal's reason if it aborts first. */
export async function waitUntil(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal?.addEventListener('abort', stop, { once: true })
  })
}
