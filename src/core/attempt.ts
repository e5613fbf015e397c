/** Expected failures as values, for the verifier. Any other error is a bug and propagates. */

import { OpenSealError } from './errors.ts'

/** The outcome of an attempt: a value or an error. */
export type Attempt<T> = { readonly value: T; readonly error?: undefined } | { readonly error: OpenSealError; readonly value?: undefined }

/** Runs a function and returns its value, or the OpenSealError that it throws. */
export function attempt<T>(action: () => T): Attempt<T> {
  try {
    return { value: action() }
  } catch (error) {
    return { error: expected(error) }
  }
}

/** Awaits an action and returns its value, or the OpenSealError that it rejects with. */
export async function attemptAsync<T>(action: () => T | Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await action() }
  } catch (error) {
    return { error: expected(error) }
  }
}

/** The value of an attempt. Throws its error if it failed. */
export function unwrap<T>(attempted: Attempt<T>): T {
  if (attempted.error) throw attempted.error
  return attempted.value
}

function expected(error: unknown): OpenSealError {
  if (error instanceof OpenSealError) return error
  throw error
}
