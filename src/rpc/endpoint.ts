/** One JSON-RPC endpoint on `fetch`: every call is bounded in time, from the first byte sent to the last one read, and in memory, and goes to the address that was configured and to no other. For browsers and Node alike. */

import { toBase64, toUtf8 } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { readBounded } from './bounded.ts'

/** What an endpoint answered: a result, or its error as it gave it. */
export type RpcAnswer = { readonly result: unknown } | { readonly error: RpcFault }

/** An error that an endpoint answered with. */
export type RpcFault = { readonly code: number; readonly message: string; readonly data?: unknown }

export type RpcEndpoint = {
  /** Host and port: the rest of the URL may hold a key. */
  readonly host: string
  /** @throws RpcError RPC_UNREACHABLE, RPC_ANSWER_MALFORMED, RPC_ANSWER_TOO_LARGE */
  send(method: string, params: readonly unknown[]): Promise<RpcAnswer>
  /** Breaks off what is under way, and refuses what comes after. */
  close(): void
}

export type RpcOptions = {
  readonly url: string
  readonly fetch: typeof fetch
  readonly timeoutMs: number
  readonly maxAnswerBytes: number
}

/** Makes a client of one endpoint. */
export function createRpcEndpoint({ url, fetch, timeoutMs, maxAnswerBytes }: RpcOptions): RpcEndpoint {
  const host = hostOf(url)
  const { address, headers } = splitCredentials(url)
  const closing = new AbortController()
  let calls = 0

  async function post(body: string): Promise<{ status: number; bytes: Uint8Array | undefined }> {
    const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), closing.signal])
    // An endpoint that sends its asker elsewhere would choose whom this machine talks to, and hand on what is asked.
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
        throw new RpcError('RPC_ANSWER_MALFORMED', `${host} does not speak as expected (HTTP ${status}): ${answer}`)
      return answer
    },
    close: () => closing.abort(),
  }
}

/** Host and port of an endpoint: the rest of its URL may hold a key. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'of a malformed URL'
}

/** `fetch` refuses a URL with a user's name and password in it: they go into a header. */
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

/** As it was meant: a percent sign that stands for itself stays. */
function decodePart(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** What is wrong with it, in words, when it is no answer of JSON-RPC. Some endpoints send their errors with an HTTP status of failure, so that one does not count. */
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
  return { code: Number(code), message: typeof message === 'string' ? message : 'an error without words', data }
}

/** RPC_UNREACHABLE, RPC_REFUSED, RPC_ANSWER_MALFORMED, RPC_ANSWER_TOO_LARGE. */
export class RpcError extends OpenSealError {}
