/**
 * One JSON-RPC endpoint over `fetch`, for browsers and Node. Every call is bounded in memory, and
 * in time from the first byte sent to the last one read. It goes only to the configured address.
 */

import { readBounded } from '../bounded.ts'
import { toBase64, toUtf8 } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'

/** An endpoint's answer: a result, or its error unchanged. */
export type RpcAnswer = { readonly result: unknown } | { readonly error: RpcFault }

/** An error that an endpoint returned. */
export type RpcFault = { readonly code: number; readonly message: string; readonly data?: unknown }

export type RpcEndpoint = {
  /** Host and port only: the rest of the URL may contain a key. */
  readonly host: string
  /** @throws RpcError RPC_UNREACHABLE, RPC_ANSWER_MALFORMED, RPC_ANSWER_TOO_LARGE */
  send(method: string, params: readonly unknown[]): Promise<RpcAnswer>
  /** Aborts current calls, and refuses later ones. */
  close(): void
}

export type RpcOptions = {
  readonly url: string
  readonly fetch: typeof fetch
  readonly timeoutMs: number
  readonly maxAnswerBytes: number
}

/** Creates a client of one endpoint. */
export function createRpcEndpoint({ url, fetch, timeoutMs, maxAnswerBytes }: RpcOptions): RpcEndpoint {
  const host = hostOf(url)
  const { address, headers } = splitCredentials(url)
  const closing = new AbortController()
  let calls = 0

  async function post(body: string): Promise<{ status: number; bytes: Uint8Array | undefined }> {
    const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), closing.signal])
    // No redirects: an endpoint must not choose which hosts this machine talks to, or pass on what
    // is asked.
    const response = await fetch(address, { method: 'POST', headers, body, signal, redirect: 'error' })
    return { status: response.status, bytes: await readBounded(response.body, maxAnswerBytes) }
  }

  return {
    host,
    async send(method, params) {
      const id = ++calls
      const { status, bytes } = await post(JSON.stringify({ jsonrpc: '2.0', id, method, params })).catch(cause => {
        throw new RpcError('RPC_UNREACHABLE', `${host} did not answer ${method}`, { cause })
      })
      if (bytes === undefined)
        throw new RpcError('RPC_ANSWER_TOO_LARGE', `${host} answers ${method} with more than ${maxAnswerBytes} bytes`)
      const answer = readAnswer(new TextDecoder().decode(bytes))
      if (typeof answer === 'string')
        throw new RpcError('RPC_ANSWER_MALFORMED', `${host} gives an unexpected answer (HTTP ${status}): ${answer}`)
      return answer
    },
    close: () => closing.abort(),
  }
}

/** Host and port of an endpoint: the rest of its URL may contain a key. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'of a malformed URL'
}

/**
 * Moves a user name and password into a header, because `fetch` refuses a URL that contains them.
 */
function splitCredentials(url: string): { address: string; headers: Record<string, string> } {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (!URL.canParse(url)) return { address: url, headers }
  const parsed = new URL(url)
  const { username, password } = parsed
  if (username === '' && password === '') return { address: url, headers }
  parsed.username = ''
  parsed.password = ''
  const pair = `${decodePart(username)}:${decodePart(password)}`
  return { address: parsed.href, headers: { ...headers, authorization: `Basic ${toBase64(toUtf8(pair))}` } }
}

/** Keeps a percent sign that is not part of an escape. */
function decodePart(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * The answer, or in words why the text is not a JSON-RPC answer. The HTTP status is ignored,
 * because some endpoints send their errors with a failure status.
 */
function readAnswer(text: string): RpcAnswer | string {
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch {
    return 'an answer is not JSON'
  }
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) return 'an answer is not an object'
  const { error, result } = answer as { error?: unknown; result?: unknown }
  if (error !== undefined && error !== null) return { error: readFault(error) }
  return result === undefined ? 'an answer has no result' : { result }
}

function readFault(error: unknown): RpcFault {
  const { code, message, data } = Object(error) as { code?: unknown; message?: unknown; data?: unknown }
  return { code: Number(code), message: typeof message === 'string' ? message : 'an error without a message', data }
}

/** RPC_UNREACHABLE, RPC_REFUSED, RPC_ANSWER_MALFORMED, RPC_ANSWER_TOO_LARGE. */
export class RpcError extends OpenSealError {}
