/**
 * The one place where HTTP turns a failure into an answer: a problem document (RFC 9457) for
 * programs, a page for browsers.
 */

import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Context } from 'koa'
import { OpenSealError } from '../core/errors.ts'
import { visibleJson } from '../core/visible.ts'
import type { Log } from '../logger.ts'
import { type Look, securityPolicy } from '../web/layout.ts'
import { type AskedPage, isPageAsked, renderProblemPage } from '../web/problem-page.ts'

/**
 * The public part of a failure. `code` is stable; `detail` is for people and says what to do next;
 * `more` holds further members of the problem document.
 */
export type HttpProblem = { readonly status: number; readonly code: string; readonly detail: string; readonly more?: object }

/**
 * The HTTP status of each failure by its code. A missing code is an internal error, regardless of
 * its class.
 */
const STATUS: { readonly [code: string]: number } = {
  KEY_MISSING: 401,
  KEY_UNKNOWN: 401,
  KEY_REVOKED: 401,
  KEY_EXPIRED: 401,
  OPERATOR_KEY_MISSING: 401,
  OPERATOR_KEY_WRONG: 401,
  KEY_OTHER_AGENCY: 403,
  KEY_ROLE: 403,
  FORM_ELSEWHERE: 403,
  SESSION_ENDED: 401,
  LEDGER_OVERLOADED: 503,
  OPERATOR_ELSEWHERE: 403,
  ROUTE_NOT_FOUND: 404,
  RECORD_NOT_FOUND: 404,
  RECORD_ERASED: 410,
  RECORD_ERASING: 410,
  STATEMENT_ERASED: 409,
  ERASURE_TYPE: 409,
  ERASURE_NOT_FOUND: 404,
  ERASURE_OTHER_AGENCY: 403,
  ERASURE_OF_OPERATOR: 403,
  ERASURE_MALFORMED: 400,
  ERASURES_MANY: 429,
  ANCHOR_NOT_FOUND: 404,
  ROUND_NOT_FOUND: 404,
  AGENCY_NOT_FOUND: 404,
  KEY_NOT_FOUND: 404,
  TILE_NOT_FOUND: 404,
  SIZE_NOT_FOUND: 404,
  TILE_PATH: 404,
  METHOD_NOT_ALLOWED: 405,
  BODY_TIMEOUT: 408,
  UPLOAD_SLOW: 408,
  AGENCY_EXISTS: 409,
  RATE_ADDRESS: 429,
  RATE_KEY: 429,
  REQUESTS_ADDRESS: 429,
  KEY_ATTEMPTS: 429,
  STREAMS_KEY: 429,
  UPLOADS_AGENCY: 429,
  STREAMS_ALL: 503,
  HOST_MALFORMED: 400,
  TARGET_MALFORMED: 400,
  EXPECT_UNKNOWN: 417,
  AGENCY_ID_MALFORMED: 400,
  AGENCY_NAME_MALFORMED: 400,
  AGENCY_MALFORMED: 400,
  KEY_MALFORMED: 400,
  KEY_EXPIRES_MALFORMED: 400,
  KEY_LABEL_MALFORMED: 400,
  BODY_TOO_LARGE: 413,
  LINE_TOO_LONG: 413,
  STREAM_TOO_LONG: 413,
  STATEMENT_TOO_LARGE: 413,
  BODY_TYPE: 415,
  BODY_ENCODING: 415,
  BODY_MALFORMED: 400,
  REQUEST_MALFORMED: 400,
  QUERY_MALFORMED: 400,
  DIGEST_PREFIX: 400,
  NUMBER_MALFORMED: 400,
  RANGE_MALFORMED: 400,
  RANGE_TOO_LARGE: 400,
  PROOF_RANGE: 400,
  STATEMENT_MALFORMED: 400,
  STATEMENT_NAME_TWICE: 400,
  STATEMENT_UNSUPPORTED: 400,
  JSON_MALFORMED: 400,
  JSON_DUPLICATE_KEY: 400,
  JSON_SURROGATE: 400,
  JSON_NULL: 400,
  JSON_DEPTH: 400,
  JSON_NUMBER: 400,
  JSON_NOT_UTF8: 400,
  CHECK_BUSY: 503,
  CHECK_DEADLINE: 503,
  CHECK_FAILED: 503,
  LEDGER_BUSY: 503,
  LEDGER_STOPPED: 503,
  LOG_CLOSED: 410,
  LEDGER_COMMIT_FAILED: 503,
  LEDGER_CLOSED: 503,
  LEDGER_NOT_COMPARED: 503,
  LEDGER_UNSETTLED: 503,
  LEDGER_KEY_ENDED: 503,
  LEDGER_DAMAGED: 500,
  BACKUP_ELSEWHERE: 501,
  STORE_BEHIND: 503,
  STORE_DAMAGED: 500,
  STORE_UNSETTLED: 503,
  STORE_LATE: 503,
  STORE_WRITE_FAILED: 503,
}

const RETRY_AFTER_SECONDS: { readonly [code: string]: number } = {
  CHECK_BUSY: 5,
  LEDGER_BUSY: 1,
  LEDGER_COMMIT_FAILED: 5,
  LEDGER_NOT_COMPARED: 5,
  LEDGER_STOPPED: 60,
  LEDGER_CLOSED: 10,
  LEDGER_UNSETTLED: 10,
  LEDGER_KEY_ENDED: 5,
  STORE_BEHIND: 60,
  STORE_UNSETTLED: 10,
  STORE_LATE: 10,
  STORE_WRITE_FAILED: 5,
}

/** The problem of a failure. An unexpected failure becomes a 500 that hides its cause. */
export function problemOf(error: unknown): HttpProblem {
  const status = error instanceof OpenSealError ? STATUS[error.code] : undefined
  const more = error instanceof GoneError ? { more: error.more } : {}
  if (error instanceof OpenSealError && status !== undefined) return { status, code: error.code, detail: error.message, ...more }
  return {
    status: 500,
    code: 'INTERNAL',
    detail: 'The ledger failed to answer this request. Its operator can find the cause in the log. The request had no partial effect.',
  }
}

/**
 * The dependencies of error answers: the log for unexpected ones, and the look of the site, if
 * there is one.
 */
export type ProblemDeps = { readonly log: Log; readonly site?: { readonly look: Look } | undefined }

/** Answers the request with its failure. */
export function answerProblem(ctx: Context, error: unknown, { log, site }: ProblemDeps): void {
  const problem = problemOf(error)
  if (problem.status === 500) log.error('request failed', { method: ctx.method, path: ctx.path, error })
  ctx.status = problem.status
  ctx.set('Cache-Control', 'no-store')
  if (problem.status === 401) ctx.set('WWW-Authenticate', 'Bearer realm="openseal"')
  // Search engines forget what was erased.
  if (problem.status === 410) ctx.set('X-Robots-Tag', 'noindex')
  if (problem.status === 415) ctx.set('Accept-Encoding', 'identity')
  // The route may have set it for a body of its own.
  ctx.remove('Content-Encoding')
  const retrySeconds = error instanceof BusyError ? error.seconds : RETRY_AFTER_SECONDS[problem.code]
  if (retrySeconds !== undefined) ctx.set('Retry-After', String(retrySeconds))
  const { method, path, search } = ctx
  const asked = { method, path, search, accept: ctx.get('Accept'), languages: ctx.get('Accept-Language') }
  const { headers, body } = formOf(asked, problem, { look: site?.look, retrySeconds })
  ctx.set(headers)
  ctx.body = body
  ctx.state.problem = problem.code
  discardRest(ctx.req)
}

/**
 * A failure in the form that the client reads, with that form's headers. Only this function decides
 * between page and problem document.
 */
export function formOf(
  asked: AskedPage,
  problem: HttpProblem,
  told: { readonly look?: Look | undefined; readonly retrySeconds?: number | undefined } = {},
): { readonly headers: { readonly [name: string]: string }; readonly body: string } {
  if (!isPageAsked(asked)) return { headers: { 'Content-Type': 'application/problem+json' }, body: formatProblem(problem) }
  const { text, language } = renderProblemPage(asked, problem, told)
  const headers = {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Language': language,
    'Content-Security-Policy': securityPolicy('nobody'),
  }
  return { headers, body: text }
}

/** The text of a problem document. */
export function formatProblem({ more, ...problem }: HttpProblem): string {
  return visibleJson(JSON.stringify({ type: 'about:blank', title: STATUS_CODES[problem.status], ...problem, ...more }))
}

/** Whether a failure only says that the client went away, which is not worth reporting. */
export function isClientGone(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return (
    code === 'CHECK_CANCELLED' ||
    code === 'ECONNRESET' ||
    code === 'EPIPE' ||
    code === 'ERR_STREAM_PREMATURE_CLOSE' ||
    code === 'ECONNABORTED'
  )
}

/** Throws ROUTE_NOT_FOUND, or METHOD_NOT_ALLOWED with the allowed methods. */
export function refuseRoute(ctx: Context): never {
  const matched: { methods: string[] }[] = ctx.matched ?? []
  const methods = new Set(matched.flatMap(layer => layer.methods))
  // A pattern of the site may match and pass on. Then the method is not the problem.
  if (methods.size === 0 || methods.has(ctx.method))
    throw new RequestError('ROUTE_NOT_FOUND', `There is nothing at ${ctx.path}. The routes are listed in /openapi.json.`)
  const allowed = [...methods, 'OPTIONS'].sort().join(', ')
  ctx.set('Allow', allowed)
  throw new RequestError('METHOD_NOT_ALLOWED', `${ctx.method} is not possible here. Allowed: ${allowed}.`)
}

/** For how long the rest of a body may arrive that nobody reads. */
export const DISCARD_MS = 30_000

/**
 * Reads and drops the rest of a body for a while, so that the client sees the answer and not a
 * reset, then cuts the connection.
 */
export function discardRest(request: IncomingMessage, forMs = DISCARD_MS): void {
  if (request.complete) return
  request.resume()
  const cut = setTimeout(() => request.destroy(), forMs).unref()
  request.once('close', () => clearTimeout(cut))
}

/** A request that cannot be served as it was sent. */
export class RequestError extends OpenSealError {}

/** A statement that was erased or waits to be erased, with members that say so. */
export class GoneError extends RequestError {
  readonly more: object

  constructor(code: 'RECORD_ERASED' | 'RECORD_ERASING', message: string, more: object) {
    super(code, message)
    this.more = more
  }
}

/** A request that can be sent again, unchanged, after some seconds. */
export class BusyError extends RequestError {
  readonly seconds: number

  constructor(code: string, message: string, seconds: number) {
    super(code, message)
    this.seconds = seconds
  }
}
