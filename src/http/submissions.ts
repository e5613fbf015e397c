/** Submissions: one statement or a stream of them, in earnest or as a dry run. */
import { Readable } from 'node:stream'
import type { Context } from 'koa'
import { isJsonObject, type Json, parseJson } from '../core/json.ts'
import { parseStatement, type Statement, StatementError } from '../core/statements/statement.ts'
import type { Warning } from '../core/statements/warnings.ts'
import type { KeyHolder } from '../ledger/agencies/keys.ts'
import type { Warner } from '../ledger/warnings.ts'
import { requireSameAgency } from './auth.ts'
import { MAX_BODY_BYTES } from './body.ts'
import type { RouteDeps } from './deps.ts'
import { STREAM_PACE, watchPace } from './guard/places.ts'
import type { LineAnswer } from './line-answers.ts'
import { type AnswerLine, answerLines, type StreamBounds } from './ndjson.ts'
import { discardRest, problemOf, RequestError } from './problem.ts'

/** How often the key of a running stream is checked again. */
const RECHECK_KEY_MS = 1000
const LINE_TOO_LONG: LineAnswer = {
  status: 413,
  code: 'LINE_TOO_LONG',
  detail: `A line has more than ${MAX_BODY_BYTES} bytes. Keep the documents, and send only their hashes.`,
}
const MEBIBYTE = 1024 * 1024
const STREAM_BOUNDS: StreamBounds = {
  lines: 100_000,
  bytes: 64 * MEBIBYTE,
  lineBytes: MAX_BODY_BYTES,
  pendingLines: 4096,
  pendingBytes: 16 * MEBIBYTE,
}
const STREAM_TOO_LONG = {
  status: 413,
  code: 'STREAM_TOO_LONG',
  detail: 'A request has at most 100,000 lines and 64 MiB: send this line, and all after it, in another request.',
}

/** How a stream is treated. `authenticate` is asked again while the stream runs. */
export type StreamHow = { readonly dry: boolean; readonly warner: Warner; readonly authenticate: () => Promise<KeyHolder> }

/** Logs one statement. The warnings about it are missing if they could not be made. */
export async function submitOne(statement: Statement, warner: Warner, { ledger, metrics, log }: RouteDeps) {
  const submission = await ledger.submitForReceipt(statement)
  const { index, known, receipt } = submission
  metrics.countSubmission(known ? 'known' : 'accepted')
  // The statement is in the log already, so a failure to make warnings must not refuse it.
  const warnings = await warner.warn(statement, submission).catch(error => {
    log.error('warnings failed', { index, error })
    return []
  })
  return { index, known, receipt, warnings }
}

/**
 * Seals the lines of a stream as they arrive, and answers when it has ended. The key is checked
 * again every second: if it is revoked, the remaining lines are refused, and the stream continues.
 */
export async function submitMany(ctx: Context, sent: KeyHolder, how: StreamHow, deps: RouteDeps): Promise<void> {
  const { limits, log, metrics, isClosing } = deps
  if (Number(ctx.get('Content-Length')) > STREAM_BOUNDS.bytes) throw new RequestError(STREAM_TOO_LONG.code, STREAM_TOO_LONG.detail)
  const cut = () => ctx.req.socket.destroy()
  const leave = how.dry ? limits?.admitDryRun(sent.keyId, cut) : limits?.admitStream(sent.keyId, cut)
  if (leave) ctx.res.once('close', leave)
  watchPace(ctx.req, ctx.res, STREAM_PACE)
  let checkedMs = performance.now()
  let refusal: LineAnswer | undefined
  const recheck = () => {
    checkedMs = performance.now()
    how.authenticate().catch(error => {
      refusal = problemOf(error)
    })
  }
  const refuse = (error: unknown): LineAnswer => {
    const problem = problemOf(error)
    if (problem.status === 500) log.error('line failed', { error })
    metrics.countSubmission('rejected')
    return problem
  }
  const handle = how.dry ? createDryRunner(how.warner) : createSubmitter(how.warner, deps)
  const answerLine: AnswerLine = ({ number, bytes }, settle) => {
    if (performance.now() - checkedMs > RECHECK_KEY_MS) recheck()
    // Accepted lines are answered. The others are refused, and the sender can send them again.
    if (isClosing?.()) refusal ??= problemOf(closingError())
    if (refusal !== undefined) return settle(refusal)
    if (bytes === undefined) return settle(LINE_TOO_LONG)
    try {
      handle(readSubmission(parseJson(bytes), sent), number, outcome => settle('error' in outcome ? refuse(outcome.error) : outcome))
    } catch (error) {
      settle(refuse(error))
    }
  }
  const { isTooLong, pieces } = await answerLines(ctx.req, STREAM_BOUNDS, answerLine, STREAM_TOO_LONG)
  if (isTooLong) discardRest(ctx.req)
  ctx.status = isTooLong ? STREAM_TOO_LONG.status : 200
  ctx.type = 'application/x-ndjson'
  ctx.body = Readable.from(pieces(), { objectMode: false, highWaterMark: 262_144 })
}

/** How the lines of a stream are processed. `tell` is called once for each, later. */
type Handle = (statement: Statement, line: number, tell: (outcome: LineAnswer | { readonly error: unknown }) => void) => void

/** Logs each line. Gives only warnings that cost almost nothing; a dry run gives all of them. */
function createSubmitter(warner: Warner, { ledger, metrics, log }: RouteDeps): Handle {
  const warn = warner.stream()
  return (statement, _, tell) =>
    ledger.submitEach(statement, outcome => {
      if ('error' in outcome) return tell(outcome)
      const { index, known } = outcome
      metrics.countSubmission(known ? 'known' : 'accepted')
      const answer = { status: known ? 200 : 201, index }
      const warnings = warn(statement, outcome)
      if (!(warnings instanceof Promise)) return tell(withCodes(answer, warnings))
      warnings.then(
        found => tell(withCodes(answer, found)),
        error => {
          log.error('warnings failed', { index, error })
          tell(answer)
        },
      )
    })
}

/** Processes each line after the one before it, because lines are compared with each other. */
function createDryRunner(warner: Warner): Handle {
  const run = warner.dryRun()
  let before = Promise.resolve()
  return (statement, line, tell) => {
    before = before.then(async () => {
      try {
        const { known, warnings } = await run(statement, line)
        tell(withCodes({ status: 200, ...(known !== undefined && { known }) }, warnings))
      } catch (error) {
        tell({ error })
      }
    })
  }
}

function withCodes<T extends object>(answer: T, warnings: readonly Warning[]): T & { readonly warnings?: readonly string[] } {
  return warnings.length === 0 ? answer : { ...answer, warnings: warnings.map(({ code }) => code) }
}

/** The ledger is being stopped. */
export function closingError(): RequestError {
  return new RequestError('LEDGER_CLOSED', 'The ledger is being stopped: send this again when it is back.')
}

/** Parses an agency's statement. Throws KEY_OTHER_AGENCY first, then what else is wrong with it. */
export function readSubmission(value: Json, key: { agency: string }): Statement {
  if (!isJsonObject(value)) throw new StatementError('STATEMENT_MALFORMED', 'the statement is not an object')
  if (typeof value.agency === 'string') requireSameAgency(key, value.agency)
  // Refuses now, with the same code, what the verifier would refuse later.
  return parseStatement(value, { salted: false })
}
