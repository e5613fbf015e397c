/** The failures between a command and a ledger, and whether sending again may help. */
import { STATUS_CODES } from 'node:http'
import { OpenSealError } from '../core/errors.ts'
import { LedgerFailure, type Refusal } from '../ledger-client/http.ts'
import { COMMAND } from './program.ts'

/**
 * LEDGER_URL, LEDGER_UNREACHABLE, LEDGER_ANSWER, LEDGER_REDIRECTS, CLIENT_INCOMPLETE,
 * PROXY_TOO_LARGE, PROXY_UNAVAILABLE, PROXY_REFUSED, PROXY_PAGE, or the code that the ledger itself
 * gave.
 */
export class ClientError extends OpenSealError {
  /** How long the ledger, or a proxy in front of it, asks to wait. */
  readonly retrySeconds: number | undefined

  constructor(code: string, message: string, options: { cause?: unknown; retrySeconds?: number | undefined } = {}) {
    super(code, message, options)
    this.retrySeconds = options.retrySeconds
  }
}

const PASSING = [
  ...['LEDGER_UNREACHABLE', 'CLIENT_INCOMPLETE', 'LEDGER_BUSY', 'LEDGER_OVERLOADED', 'LEDGER_CLOSED', 'LEDGER_STARTING'],
  ...['LEDGER_UNSETTLED', 'LEDGER_COMMIT_FAILED', 'LEDGER_KEY_ENDED', 'STORE_UNSETTLED'],
  ...['RATE_ADDRESS', 'RATE_KEY', 'REQUESTS_ADDRESS', 'STREAMS_KEY', 'STREAMS_ALL', 'PROXY_UNAVAILABLE'],
]
const BEHIND_PROXY = [502, 503, 504]

/** Whether sending again may help: the connection was lost, or the ledger or its database was busy. */
export function isWorthRetrying(error: unknown): boolean {
  return error instanceof ClientError && PASSING.includes(error.code)
}

/** The error of a request, in one sentence that says what to do. Any other error stays as it is. */
export function clientError(base: string, error: unknown): unknown {
  if (!(error instanceof LedgerFailure)) return error
  if (error.refusal !== undefined) return refusalOf(error.refusal)
  if (error.code === 'LEDGER_CUT_OFF') return brokenOff(base, error)
  return error.code === 'LEDGER_TOO_LARGE' ? tooLarge(base) : unreachable(base, error)
}

/** CLIENT_INCOMPLETE: the rest of an answer is missing. */
export function brokenOff(base: string, cause: unknown): ClientError {
  return new ClientError('CLIENT_INCOMPLETE', `the answer of ${base} broke off; try again`, { cause })
}

/** LEDGER_ANSWER: more than a client reads. */
export function tooLarge(base: string): ClientError {
  return new ClientError('LEDGER_ANSWER', `${base} sent a larger answer than any ledger does: is this the address of an OpenSeal ledger?`)
}

function unreachable(base: string, cause: unknown): ClientError {
  return new ClientError(
    'LEDGER_UNREACHABLE',
    `no answer from the ledger at ${base}. Start it with "${COMMAND} serve", or name another with --ledger.`,
    { cause },
  )
}

/** The ledger's own reason, or that of a proxy in front of it. */
function refusalOf({ status, type, location, waitMs, problem }: Refusal): ClientError {
  const retrySeconds = waitMs === undefined ? undefined : waitMs / 1000
  if (problem !== undefined) return new ClientError(problem.code, problem.detail ?? `HTTP ${status}`, { retrySeconds })
  const said = `${status} ${STATUS_CODES[status] ?? ''}`.trim()
  if (status >= 300 && status < 400)
    return new ClientError('LEDGER_REDIRECTS', `this address redirects to ${location ?? 'another one'}: name that one with --ledger`)
  if (status === 413)
    return new ClientError(
      'PROXY_TOO_LARGE',
      `A proxy in front of the ledger refused the request: ${said}. It allows less than 900 KiB; ask the operator of the ledger.`,
    )
  if (BEHIND_PROXY.includes(status))
    return new ClientError(
      'PROXY_UNAVAILABLE',
      `A proxy in front of the ledger answered in its place: ${said}. The ledger behind it gave no answer; try again later.`,
      { retrySeconds },
    )
  if (type === 'text/html' && status !== 404)
    return new ClientError(
      'PROXY_REFUSED',
      `A proxy in front of the ledger refused the request: ${said}. Ask the operator of the ledger, or is this another address?`,
    )
  return new ClientError('LEDGER_ANSWER', `the answer was HTTP ${status} without a reason: is this the address of an OpenSeal ledger?`)
}

/** The JSON object of an answer. Throws LEDGER_ANSWER, or PROXY_PAGE if it is a web page. */
export function readAnswer(url: string, text: string): object {
  const other = (is: string, cause?: unknown) =>
    new ClientError('LEDGER_ANSWER', `the answer of ${url} is ${is}: is this the address of an OpenSeal ledger?`, { cause })
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value
  } catch (cause) {
    if (text.trimStart().startsWith('<'))
      throw new ClientError(
        'PROXY_PAGE',
        'the answer is a web page: a proxy or a sign-in page is in front of the ledger, or this is not the address of a ledger',
        { cause },
      )
    throw other('not JSON', cause)
  }
  throw other('not a JSON object')
}

/** The types of an answer's members. */
type Members = { readonly [member: string]: 'string' | 'number' | 'boolean' | 'strings' | 'objects' }

/**
 * An answer that has these members. Throws ClientError LEDGER_ANSWER for any other: the server need
 * not be a ledger, and no command reports a success that it has not read.
 */
export function requireMembers<T>(url: string, answer: unknown, members: Members): T {
  const given = (answer ?? {}) as { readonly [member: string]: unknown }
  const wrong = Object.keys(members).find(member => !isOf(members[member]!, given[member]))
  if (wrong === undefined) return answer as T
  const fact = `the answer of ${url} does not say ${JSON.stringify(wrong)} as a ledger does: is this the address of an OpenSeal ledger?`
  throw new ClientError('LEDGER_ANSWER', fact)
}

function isOf(type: Members[string], value: unknown): boolean {
  if (type === 'strings') return Array.isArray(value) && value.every(each => typeof each === 'string')
  if (type === 'objects') return Array.isArray(value) && value.every(each => typeof each === 'object' && each !== null)
  return typeof value === type
}
