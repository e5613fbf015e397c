/** Where the verifier catches: an expected failure becomes a value, anything else is a bug and goes on. */

import { OpenSealError } from './errors.ts'

/** What an attempt came to. */
export type Attempt<T> = { readonly value: T; readonly error?: undefined } | { readonly error: OpenSealError; readonly value?: undefined }

/** The value that a function returns, or the OpenSealError that it throws. */
export function attempt<T>(action: () => T): Attempt<T> {
  try {
    return { value: action() }
  } catch (error) {
    return { error: expected(error) }
  }
}

/** The value that a promise gives, or the OpenSealError that it rejects with. */
export async function attemptAsync<T>(action: () => T | Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await action() }
  } catch (error) {
    return { error: expected(error) }
  }
}

/** The value of an attempt. Throws its error where it failed. */
export function unwrap<T>(attempted: Attempt<T>): T {
  if (attempted.error) throw attempted.error
  return attempted.value
}

function expected(error: unknown): OpenSealError {
  if (error instanceof OpenSealError) return error
  throw error
}
