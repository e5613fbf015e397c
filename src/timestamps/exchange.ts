/** One bounded exchange over HTTP: bytes in, bytes out, and nothing followed. */

import { readBounded } from '../bounded.ts'
import { TimestampError } from '../core/timestamp/token.ts'

/** How the machine is reached, and for how long. */
export type Exchange = { readonly fetch: typeof fetch; readonly timeoutMs: number; readonly signal?: AbortSignal | undefined }

/**
 * The body of an answer of one of these types, at most `maxBytes` long. No redirects: an authority
 * must not choose which hosts this machine talks to.
 * @throws TimestampError TIMESTAMP_UNREACHABLE, TIMESTAMP_ANSWER
 */
export async function exchange(
  url: string,
  request: { readonly body?: Uint8Array; readonly type?: string; readonly accept: readonly string[]; readonly maxBytes: number },
  { fetch, timeoutMs, signal }: Exchange,
): Promise<Uint8Array> {
  const { body, type, accept, maxBytes } = request
  const { host } = new URL(url)
  const headers = { accept: accept.join(', '), ...(type !== undefined && { 'content-type': type }) }
  const until = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal === undefined ? [] : [signal])])
  const posted = body === undefined ? {} : { method: 'POST', body: Uint8Array.from(body) }
  const answered = await read().catch(cause => {
    throw new TimestampError('TIMESTAMP_UNREACHABLE', `${host} did not answer`, { cause })
  })
  if (typeof answered === 'string') throw new TimestampError('TIMESTAMP_ANSWER', `${host} ${answered}`)
  return answered

  async function read(): Promise<Uint8Array | string> {
    const response = await fetch(url, { ...posted, headers, signal: until, redirect: 'error' })
    const given = (response.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase()
    const fault = !response.ok
      ? `answers with HTTP ${response.status}`
      : accept.includes(given)
        ? undefined
        : `answers with ${JSON.stringify(given.slice(0, 80))}`
    if (fault !== undefined) await response.body?.cancel()
    return fault ?? (await readBounded(response.body, maxBytes)) ?? `answers with more than ${maxBytes} bytes`
  }
}
