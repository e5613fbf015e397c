/** Reads from an untrusted ledger or mirror: few requests at once, retries where they can help. */
import { createRow } from '../at-once.ts'
import { createLedgerHttp, LedgerFailure, type LedgerHttpOptions, type LedgerRequest } from '../ledger-client/http.ts'
import { createRetries, waitUntil } from '../ledger-client/retries.ts'
import { AuditError } from './finding.ts'

export type HttpOptions = Omit<LedgerHttpOptions, 'signal'> & {
  /** How often a request is retried while nothing else was answered. */
  readonly retries: number
  /** The most requests at once. */
  readonly parallel: number
  /** Aborts when the time for the whole audit has ended. */
  readonly ended?: AbortSignal | undefined
  /** Waits this many milliseconds. Tests can skip it. */
  readonly sleep?: (ms: number) => Promise<unknown>
}

export type Wanted<T> = LedgerRequest & {
  /** Reads the body; called anew for each attempt. */
  readonly read: (body: AsyncIterable<Uint8Array>) => Promise<T>
}

const FIRST_WAIT_MS = 250
/** The longest wait, even if a server asks for more. */
const MAX_WAIT_MS = 120_000

/** Opens a reader. It requests nothing before the first call. */
export function createHttpReader({ url, fetch, timeoutMs, retries, parallel, ended, sleep }: HttpOptions) {
  const stop = new AbortController()
  const signal = ended === undefined ? stop.signal : AbortSignal.any([stop.signal, ended])
  const http = createLedgerHttp({ url: url.replace(/\/+$/, ''), fetch, timeoutMs, signal })
  const inRow = createRow(parallel)
  const retried = createRetries({
    sleep: sleep ?? (ms => waitUntil(ms, signal)),
    waitMs(failure, attempts) {
      if (!mayPass(failure) || attempts > retries || signal.aborted) return undefined
      if (!failure.isBusy) return FIRST_WAIT_MS * 2 ** (attempts - 1)
      return Math.min(Math.max(failure.refusal?.waitMs ?? 0, FIRST_WAIT_MS), MAX_WAIT_MS)
    },
  })
  return {
    /** @throws AuditError AUDIT_LEDGER_… */
    get<T>({ read, ...request }: Wanted<T>): Promise<T> {
      const attempt = async () => read((await http.ask(request)).body)
      return retried(() => inRow(attempt)).catch(error => {
        if (error instanceof AuditError) throw error
        if (ended?.aborted) throw new AuditError('AUDIT_TIME_ENDED', 'path', { path: request.path }, { cause: error })
        throw error instanceof LedgerFailure ? auditError(error, request, timeoutMs) : error
      })
    },
    /** Aborts all requests. */
    close: () => stop.abort(),
  }
}

function mayPass({ code, isBusy, refusal }: LedgerFailure): boolean {
  return code === 'LEDGER_UNREACHABLE' || code === 'LEDGER_CUT_OFF' || isBusy || (refusal?.status ?? 0) >= 500
}

function auditError(failure: LedgerFailure, { path, maxBytes }: LedgerRequest, timeoutMs: number): AuditError {
  const options = { cause: failure }
  const { status = 0, location = '?' } = failure.refusal ?? {}
  if (failure.isLate) return new AuditError('AUDIT_LEDGER_TIMEOUT', 'path.seconds', { path, seconds: timeoutMs / 1000 }, options)
  switch (failure.code) {
    case 'LEDGER_UNREACHABLE':
      return new AuditError('AUDIT_LEDGER_UNREACHABLE', 'path', { path }, options)
    case 'LEDGER_CUT_OFF':
      return new AuditError('AUDIT_LEDGER_CUT_OFF', 'path', { path }, options)
    case 'LEDGER_TOO_LARGE':
      return new AuditError('AUDIT_LEDGER_TOO_LARGE', 'path.bytes', { path, bytes: maxBytes }, options)
    case 'LEDGER_TYPE':
      return new AuditError('AUDIT_LEDGER_TYPE', 'path.type', { path, type: failure.type ?? '?' }, options)
    case 'LEDGER_REDIRECTS':
      return new AuditError('AUDIT_LEDGER_REDIRECT', 'path.location', { path, location }, options)
    case 'LEDGER_REFUSED': {
      const code = failure.isBusy ? 'AUDIT_LEDGER_BUSY' : status >= 500 ? 'AUDIT_LEDGER_FAILED' : 'AUDIT_LEDGER_MISSING'
      return new AuditError(code, 'path.status', { path, status }, options)
    }
  }
}
