/**
 * Requests to a ledger or a copy of one over HTTP, from Node and from browsers. Every answer is
 * bounded in size and time, and no redirect is followed: a key and a question are for the named
 * address only.
 */

import { chunksOf, readBounded } from '../bounded.ts'
import { joinBytes } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'

/** The ledger: `url` has no slash at the end, and is empty for a page's own ledger. */
export type LedgerHttpOptions = {
  readonly url: string
  readonly fetch: typeof fetch
  /** For one answer, from the first byte sent to the last one read. */
  readonly timeoutMs: number
  /** For all requests together. */
  readonly signal?: AbortSignal | undefined
}

export type LedgerRequest = {
  readonly path: string
  /** Method, headers and body. */
  readonly init?: Pick<RequestInit, 'method' | 'headers' | 'body'>
  /** The longest answer. */
  readonly maxBytes: number
  /** Another time for this request; Infinity for one that may take as long as it goes on. */
  readonly timeoutMs?: number
  /** The media types that are accepted. A mirror may be a file server that names none. */
  readonly types?: readonly string[]
}

/**
 * A success. `body` throws LedgerFailure if it breaks off or is too long; end it to drop the rest.
 */
export type LedgerAnswer = { readonly status: number; readonly body: AsyncGenerator<Uint8Array> }

/** An answer other than a success: the ledger's own, or that of a proxy in front of it. */
export type Refusal = {
  readonly status: number
  /** The media type, in lower case, without its parameters. */
  readonly type: string | undefined
  /** Where a redirect leads. */
  readonly location: string | undefined
  /** How long it asks to wait. */
  readonly waitMs: number | undefined
  /** The code and the detail of a problem document (RFC 9457). */
  readonly problem: { readonly code: string; readonly detail?: string } | undefined
  /** The whole body; empty if it was too long. */
  readonly text: string
}

/** A problem document has a few hundred bytes. */
const MAX_REFUSAL_BYTES = 65_536

/** Creates a client of a ledger. It requests nothing before the first call. */
export function createLedgerHttp({ url, fetch, timeoutMs, signal: ended }: LedgerHttpOptions) {
  /** @throws LedgerFailure */
  async function ask(request: LedgerRequest): Promise<LedgerAnswer> {
    const { path, init } = request
    const limitMs = request.timeoutMs ?? timeoutMs
    const ends = [...(Number.isFinite(limitMs) ? [AbortSignal.timeout(limitMs)] : []), ...(ended ? [ended] : [])]
    const response = await fetch(url + path, { ...init, redirect: 'manual', signal: AbortSignal.any(ends) }).catch(cause => {
      throw brokenOff('LEDGER_UNREACHABLE', path, cause)
    })
    if (!response.ok) throw await refused(path, response)
    const type = typeOf(response)
    if (request.types === undefined || type === undefined || request.types.includes(type))
      return { status: response.status, body: bounded(response, request) }
    await response.body?.cancel().catch(() => {})
    throw new LedgerFailure('LEDGER_TYPE', `the answer to ${path} is of the type ${type}`, { type })
  }

  return {
    ask,
    /** The whole body. @throws LedgerFailure */
    read: async (request: LedgerRequest): Promise<Uint8Array> => collect((await ask(request)).body),
  }
}

/** All chunks as one. */
export async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of body) parts.push(part)
  return parts.length === 1 ? parts[0]! : joinBytes(parts)
}

/** The body, up to its greatest length. Compressed bodies count by their unpacked size. */
async function* bounded({ body }: Response, { path, maxBytes }: LedgerRequest): AsyncGenerator<Uint8Array> {
  let bytes = 0
  try {
    for await (const chunk of chunksOf(body)) {
      bytes += chunk.length
      if (bytes > maxBytes) throw new LedgerFailure('LEDGER_TOO_LARGE', `the answer to ${path} has more than ${maxBytes} bytes`)
      yield chunk
    }
  } catch (cause) {
    throw cause instanceof LedgerFailure ? cause : brokenOff('LEDGER_CUT_OFF', path, cause)
  }
}

async function refused(path: string, response: Response): Promise<LedgerFailure> {
  const bytes = await readBounded(response.body, MAX_REFUSAL_BYTES).catch(() => undefined)
  const text = new TextDecoder().decode(bytes)
  const refusal: Refusal = {
    status: response.status,
    type: typeOf(response),
    location: response.headers.get('location') ?? undefined,
    waitMs: waitOf(response.headers.get('retry-after')),
    problem: readProblem(text),
    text,
  }
  // A browser says of a redirect that it did not follow only that it is one.
  const isRedirect = response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)
  const said = isRedirect ? 'leads to another address' : `was answered with status ${response.status}`
  return new LedgerFailure(isRedirect ? 'LEDGER_REDIRECTS' : 'LEDGER_REFUSED', `${path} ${said}`, { refusal })
}

function typeOf({ headers }: Response): string | undefined {
  return headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
}

/** The milliseconds of a Retry-After header: seconds, or a date (RFC 9110 §10.2.3). */
function waitOf(header: string | null): number | undefined {
  const text = header?.trim() ?? ''
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

function readProblem(text: string): Refusal['problem'] {
  try {
    const { code, detail } = JSON.parse(text) as { code?: unknown; detail?: unknown }
    if (typeof code === 'string') return { code, ...(typeof detail === 'string' && { detail }) }
  } catch {
    // Not a problem document: the answer is from a proxy, or not from a ledger at all.
  }
  return undefined
}

function brokenOff(code: 'LEDGER_UNREACHABLE' | 'LEDGER_CUT_OFF', path: string, cause: unknown): LedgerFailure {
  const isLate = cause instanceof Error && cause.name === 'TimeoutError'
  const said = code === 'LEDGER_CUT_OFF' ? `the answer to ${path} broke off` : `${path} was not answered`
  return new LedgerFailure(code, said, { isLate, cause })
}

/** Why there is no answer. */
export class LedgerFailure extends OpenSealError {
  declare readonly code:
    | 'LEDGER_UNREACHABLE'
    | 'LEDGER_CUT_OFF'
    | 'LEDGER_TOO_LARGE'
    | 'LEDGER_REDIRECTS'
    | 'LEDGER_REFUSED'
    | 'LEDGER_TYPE'
  readonly refusal: Refusal | undefined
  /** The media type of LEDGER_TYPE. */
  readonly type: string | undefined
  /** Whether the time was up. */
  readonly isLate: boolean
  /** Whether the ledger asks to come back later: 429 or 503. */
  readonly isBusy: boolean

  constructor(
    code: LedgerFailure['code'],
    message: string,
    { refusal, type, isLate = false, cause }: { refusal?: Refusal; type?: string; isLate?: boolean; cause?: unknown } = {},
  ) {
    super(code, message, { cause })
    this.refusal = refusal
    this.type = type
    this.isLate = isLate
    this.isBusy = refusal?.status === 429 || refusal?.status === 503
  }
}
