/** One JSON-RPC endpoint on `fetch`: every call is bounded in time, from the first byte sent to the last one read, and in memory. */
import { readBounded } from '../core/bounded.ts'
import { ChainError } from './errors.ts'

/** What an endpoint answered: a result, or its error as it gave it. */
export type RpcAnswer = { readonly result: unknown } | { readonly error: RpcFault }

/** An error that an endpoint answered with. */
export type RpcFault = { readonly code: number; readonly message: string; readonly data?: unknown }

export type JsonRpc = {
  /** Host and port: the rest of the URL may hold a key. */
  readonly host: string
  /** @throws ChainError CHAIN_UNREACHABLE when no usable answer came in time */
  send(method: string, params: readonly unknown[]): Promise<RpcAnswer>
  /** Breaks off what is under way, and refuses what comes after. */
  close(): void
}

/** Larger than any answer we ask for: a page of events takes some hundred kilobytes. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024

/** Makes a client of one endpoint. `role` is what it is called in messages, as in "the chain's endpoint". */
export function createJsonRpc(url: string, timeoutMs: number, role: string): JsonRpc {
  const host = hostOf(url)
  const { address, headers } = splitCredentials(url)
  const closing = new AbortController()
  let calls = 0

  const unusable = (what: string, cause?: unknown) => new ChainError('CHAIN_UNREACHABLE', `${role} ${host} ${what}.`, { cause })

  async function post(body: string): Promise<{ status: number; text: string }> {
    const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), closing.signal])
    const response = await fetch(address, { method: 'POST', headers, body, signal, redirect: 'error' })
    const bytes = await readBounded(response.body, MAX_ANSWER_BYTES)
    if (bytes === undefined) throw new RangeError(`more than ${MAX_ANSWER_BYTES} bytes`)
    return { status: response.status, text: new TextDecoder().decode(bytes) }
  }

  return {
    host,
    async send(method, params) {
      const id = ++calls
      const { status, text } = await post(JSON.stringify({ jsonrpc: '2.0', id, method, params })).catch(cause => {
        throw unusable(cause instanceof RangeError ? 'answers with more than we can take' : 'does not answer', cause)
      })
      const answer = parseAnswer(text)
      if (answer === undefined) throw unusable(`does not answer as a JSON-RPC endpoint does (HTTP ${status})`)
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
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { address: parsed.href, headers: { ...headers, authorization: `Basic ${Buffer.from(pair).toString('base64')}` } }
}

/** Undefined when it is no answer of JSON-RPC. Some endpoints send their errors with an HTTP status of failure, so that one does not count. */
function parseAnswer(text: string): RpcAnswer | undefined {
  let answer: { result?: unknown; error?: { code?: unknown; message?: unknown; data?: unknown } | null } | null
  try {
    answer = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof answer !== 'object' || answer === null) return undefined
  const { error } = answer
  if (typeof error === 'object' && error !== null && typeof error.message === 'string')
    return { error: { code: Number(error.code), message: error.message, data: error.data } }
  return answer.result === undefined ? undefined : { result: answer.result }
}
