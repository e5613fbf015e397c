/**
 * One deadline for everything that a check asks, so that a slow or endless answer cannot keep a
 * reader for hours.
 */

/** A fetch that aborts with the signal. Each request also keeps its own deadline. */
export function fetchUntil(signal: AbortSignal, ask: typeof fetch): typeof fetch {
  return async (input, init) => {
    signal.throwIfAborted()
    return ask(input, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, signal]) : signal })
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
