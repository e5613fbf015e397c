/** One deadline for all that a check asks: a server that answers slowly, or without end, must not keep a reader for hours. */

/** A fetch that gives up where the signal does. Each request keeps the deadline of its own. */
export function fetchUntil(signal: AbortSignal, ask: typeof fetch): typeof fetch {
  return async (input, init) => {
    signal.throwIfAborted()
    return ask(input, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, signal]) : signal })
  }
}

/** Waits, or rejects with the signal's reason where that comes first. */
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
