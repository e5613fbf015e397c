/**
 * Reads over HTTP from untrusted servers: bounded in size, time and number of requests, with
 * retries where they can help, and without redirects.
 */
import { AuditError, type UnfinishedCode } from './finding.ts'

export type HttpOptions = {
  readonly url: string
  readonly fetch: typeof fetch
  /** For one answer, from the first byte sent to the last one read. */
  readonly timeoutMs: number
  /** How often a request is retried while nothing else was answered. */
  readonly retries: number
  /** The most requests at once. */
  readonly parallel: number
  /** Waits this many milliseconds. Tests can skip it. */
  readonly sleep?: (ms: number) => Promise<unknown>
}

/** One request: its path, the media types accepted, its greatest length, and how to read it. */
export type Wanted<T> = {
  readonly path: string
  readonly types: readonly string[]
  readonly maxBytes: number
  /** Reads the body; called anew for each attempt. */
  readonly read: (body: AsyncIterable<Uint8Array>) => Promise<T>
}

export type HttpReader = {
  /** @throws AuditError AUDIT_LEDGER_… */
  get<T>(wanted: Wanted<T>): Promise<T>
  /** Aborts all requests. */
  close(): void
}

/** Failures that may pass. */
const PASSING: readonly string[] = [
  'AUDIT_LEDGER_UNREACHABLE',
  'AUDIT_LEDGER_TIMEOUT',
  'AUDIT_LEDGER_BUSY',
  'AUDIT_LEDGER_FAILED',
  'AUDIT_LEDGER_CUT_OFF',
] satisfies UnfinishedCode[]
const FIRST_WAIT_MS = 250
/** The longest wait, even if a server asks for more. */
const MAX_WAIT_MS = 120_000

/** Opens a reader. It requests nothing before the first call. */
export function createHttpReader(options: HttpOptions): HttpReader {
  const { retries, parallel } = options
  const sleep = options.sleep ?? (ms => new Promise(resolve => setTimeout(resolve, ms)))
  const base = options.url.replace(/\/+$/, '')
  const stop = new AbortController()
  const places = createPlaces(parallel)
  let answers = 0
  /** When the server asks one request to wait, all wait. */
  let pause: Promise<unknown> = Promise.resolve()

  async function get<T>(wanted: Wanted<T>): Promise<T> {
    for (let left = retries, seen = answers; ; left--) {
      await pause
      try {
        const value = await places.within(() => attempt(base + wanted.path, wanted, options, stop.signal))
        answers++
        return value
      } catch (error) {
        if (!(error instanceof AuditError) || !PASSING.includes(error.code) || stop.signal.aborted) throw error
        // A busy server that still answers some requests makes progress, so the retries start
        // again.
        if (error.code === 'AUDIT_LEDGER_BUSY' && answers > seen) [left, seen] = [retries, answers]
        if (left === 0) throw error
        const waiting = sleep(error instanceof ServerBusyError ? error.waitMs : FIRST_WAIT_MS * 2 ** (retries - left))
        if (error instanceof ServerBusyError) pause = waiting
        await waiting
      }
    }
  }

  return { get, close: () => stop.abort() }
}

/** Lets `count` run at once, the others in the order in which they came. */
function createPlaces(count: number) {
  const waiting: (() => void)[] = []
  let free = count
  return {
    async within<T>(act: () => Promise<T>): Promise<T> {
      if (free === 0) await new Promise<void>(resolve => waiting.push(resolve))
      else free--
      try {
        return await act()
      } finally {
        const next = waiting.shift()
        if (next === undefined) free++
        else next()
      }
    },
  }
}

async function attempt<T>(address: string, wanted: Wanted<T>, { fetch, timeoutMs }: HttpOptions, stopped: AbortSignal): Promise<T> {
  const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), stopped])
  const response = await fetch(address, { signal, redirect: 'manual' }).catch(cause => {
    throw brokenOff(cause, wanted.path, timeoutMs, 'AUDIT_LEDGER_UNREACHABLE')
  })
  try {
    checkHead(response, wanted)
    return await wanted.read(bounded(response, wanted, timeoutMs))
  } finally {
    // Drops the unread rest.
    if (!response.bodyUsed) await response.body?.cancel().catch(() => {})
  }
}

function checkHead({ status, headers, ok }: Response, { path, types }: Wanted<unknown>): void {
  if (status === 429 || status === 503) throw new ServerBusyError(path, status, waitOf(headers.get('retry-after')))
  if (status >= 500) throw new AuditError('AUDIT_LEDGER_FAILED', 'path.status', { path, status })
  if (status >= 300 && status < 400)
    throw new AuditError('AUDIT_LEDGER_REDIRECT', 'path.location', { path, location: headers.get('location') ?? '?' })
  if (!ok) throw new AuditError('AUDIT_LEDGER_MISSING', 'path.status', { path, status })
  const type = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  // A mirror may be a plain file server that knows no types.
  if (type !== undefined && !types.includes(type)) throw new AuditError('AUDIT_LEDGER_TYPE', 'path.type', { path, type })
}

/** The body, up to its greatest length. Compressed bodies count by their unpacked size. */
async function* bounded({ body }: Response, { path, maxBytes }: Wanted<unknown>, timeoutMs: number): AsyncGenerator<Uint8Array> {
  let bytes = 0
  try {
    for await (const chunk of body ?? []) {
      bytes += chunk.length
      if (bytes > maxBytes) throw new AuditError('AUDIT_LEDGER_TOO_LARGE', 'path.bytes', { path, bytes: maxBytes })
      yield chunk
    }
  } catch (cause) {
    throw cause instanceof AuditError ? cause : brokenOff(cause, path, timeoutMs, 'AUDIT_LEDGER_CUT_OFF')
  }
}

function brokenOff(cause: unknown, path: string, timeoutMs: number, code: UnfinishedCode): AuditError {
  const isLate = cause instanceof Error && cause.name === 'TimeoutError'
  if (isLate) return new AuditError('AUDIT_LEDGER_TIMEOUT', 'path.seconds', { path, seconds: timeoutMs / 1000 }, { cause })
  return new AuditError(code, 'path', { path }, { cause })
}

/** The milliseconds of a Retry-After header: seconds, or a date (RFC 9110 §10.2.3). */
function waitOf(header: string | null): number {
  const text = header?.trim() ?? ''
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isNaN(ms) ? FIRST_WAIT_MS : Math.min(Math.max(ms, FIRST_WAIT_MS), MAX_WAIT_MS)
}

class ServerBusyError extends AuditError {
  readonly waitMs: number

  constructor(path: string, status: number, waitMs: number) {
    super('AUDIT_LEDGER_BUSY', 'path.status', { path, status })
    this.waitMs = waitMs
  }
}
