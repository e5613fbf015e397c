/** Records: submitting one or many, reading one, finding some. */

import { Readable } from 'node:stream'
import type Router from '@koa/router'
import type { Context } from 'koa'
import { isJsonObject, type Json, parseJson } from '../../core/json.ts'
import { isRecordStatement } from '../../core/statements/registry.ts'
import { parseStatement, type Statement, StatementError } from '../../core/statements/statement.ts'
import type { Warning } from '../../core/statements/warnings.ts'
import { formatTime } from '../../core/time.ts'
import { visibleJson } from '../../core/visible.ts'
import { createWarner, type Warner } from '../../ledger/warnings.ts'
import { isDamage } from '../../log/errors.ts'
import { breathe, enter } from '../../turns.ts'
import { requireAgency, requireSameAgency } from '../auth.ts'
import { bodyType, MAX_BODY_BYTES, readBody, textBody } from '../body.ts'
import type { RouteDeps } from '../deps.ts'
import { SUBMIT_PATH } from '../guard/admission.ts'
import { STREAM_PACE, watchPace } from '../guard/pace.ts'
import { type AnswerLine, answerLines, type LineAnswer, type StreamBounds } from '../ndjson.ts'
import { discardRest, problemOf, RequestError } from '../problem.ts'
import { readAs, readCount, recordQuery } from '../schemas.ts'
import { pendingAnchors } from './anchors.ts'

/** How often the key of a running stream is checked again. */
const RECHECK_KEY_MS = 1000
const DEFAULT_LIMIT = 50
/** How many versions of a record take as long to read as an ordinary request. */
const VERSIONS_OF_A_REQUEST = 20
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

/** How a submission is treated. */
type How = { readonly dry: boolean; readonly warner: Warner }

/** Adds the routes of /v1/records. */
export function recordRoutes(router: Router, deps: RouteDeps): void {
  const { ledger, admission, limits, notAccepting, isClosing } = deps
  const warner = createWarner(deps)

  router.post(SUBMIT_PATH, async (ctx: Context) => {
    if (isClosing?.()) throw closing()
    const key = await requireAgency(ctx, deps)
    limits?.admitKey(key.keyId)
    const type = bodyType(ctx, ['application/json', 'application/x-ndjson'])
    const reason = notAccepting?.()
    if (reason !== undefined) throw new RequestError('LEDGER_NOT_COMPARED', reason)
    const how = { dry: isDryRun(ctx), warner }
    if (type === 'application/x-ndjson') return submitMany(ctx, key, how, deps)
    const leave = admission?.enter()
    try {
      await submitOne(ctx, key, how, deps)
    } finally {
      leave?.()
    }
  })

  router.get('/v1/records', async (ctx: Context) => {
    ctx.body = await listRecords(ctx, deps)
  })
  router.get('/v1/records/:index', async (ctx: Context) => {
    ctx.type = 'application/json'
    ctx.body = await formatRecord(ctx, readIndex(ctx, deps), deps)
  })
  router.get('/v1/records/:index/receipt', async (ctx: Context) => {
    const text = await ledger.receipt(readIndex(ctx, deps))
    ctx.type = 'application/json'
    ctx.body = textBody(text)
  })
}

/** Refuses unknown queries, so that a misspelt dry run logs nothing. */
function isDryRun(ctx: Context): boolean {
  if (ctx.querystring === '') return false
  if (ctx.querystring === 'dry-run' || ctx.querystring === 'dry-run=') return true
  throw new RequestError('QUERY_MALFORMED', 'The only query of POST /v1/records is ?dry-run.')
}

async function submitOne(ctx: Context, key: { agency: string }, { dry, warner }: How, deps: RouteDeps): Promise<void> {
  const { ledger, metrics, log } = deps
  const body = await readBody(ctx)
  await enter()
  const statement = readSubmission(parseJson(body), key)
  if (dry) {
    ctx.body = await warner.dryRun()(statement)
    return
  }
  const { index, known, receipt } = await ledger.submitForReceipt(statement)
  metrics.countSubmission(known ? 'known' : 'accepted')
  // The statement is in the log already, so a failure to make warnings must not refuse it.
  const warnings = await warner.warn(statement, { index, known }).catch(error => {
    log.error('warnings failed', { index, error })
    return []
  })
  ctx.status = known ? 200 : 201
  ctx.set('Location', `/v1/records/${index}`)
  ctx.type = 'application/json'
  const told = warnings.length === 0 ? '' : `,"warnings":${visibleJson(JSON.stringify(warnings))}`
  ctx.body = textBody(`{"index":${index},"receipt":${receipt}${told}}\n`)
}

/**
 * Seals the lines of a stream as they arrive, and answers when it has ended. The key is checked
 * again every second: if it is revoked, the remaining lines are refused, and the stream continues.
 */
async function submitMany(ctx: Context, sent: { agency: string; keyId: string }, how: How, deps: RouteDeps): Promise<void> {
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
    requireAgency(ctx, deps).catch(error => {
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
    if (isClosing?.()) refusal ??= problemOf(closing())
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

function closing(): RequestError {
  return new RequestError('LEDGER_CLOSED', 'The ledger is being stopped: send this again when it is back.')
}

/** Parses an agency's statement. Throws KEY_OTHER_AGENCY first, then what else is wrong with it. */
function readSubmission(value: Json, key: { agency: string }): Statement {
  if (!isJsonObject(value)) throw new StatementError('STATEMENT_MALFORMED', 'the statement is not an object')
  if (typeof value.agency === 'string') requireSameAgency(key, value.agency)
  // Refuses now, with the same code, what the verifier would refuse later.
  return parseStatement(value, { salted: false })
}

function readIndex(ctx: Context, { ledger }: RouteDeps): number {
  const index = readCount(ctx.params.index, 'index')
  const { size } = ledger.head()
  if (index >= size) throw new RequestError('RECORD_NOT_FOUND', `There is no record ${index}: the ledger has ${size} so far.`)
  return index
}

async function formatRecord(ctx: Context, index: number, { ledger, anchorer }: RouteDeps): Promise<string> {
  const text = await ledger.statement(index)
  const anchor = await ledger.anchorOf(index)
  const pending = anchor ? undefined : pendingAnchors(anchorer).find(({ size }) => index < size)
  const history = text === undefined ? { versions: [], changes: [] } : await ledger.history(index)
  ctx.state.cost = history.versions.length / VERSIONS_OF_A_REQUEST
  const rest = JSON.stringify({
    ...(text === undefined && { erased: true }),
    ...(anchor && { anchor }),
    ...(pending && { pending }),
    ...history,
  })
  const statement = text === undefined ? '' : `"statement":${text},`
  return visibleJson(`{"index":${index},"state":"${anchor ? 'anchored' : 'sealed'}",${statement}${rest.slice(1)}\n`)
}

async function listRecords(ctx: Context, deps: RouteDeps) {
  const query = readAs(recordQuery, { ...ctx.query }, 'QUERY_MALFORMED')
  const limit = Number(query.limit ?? DEFAULT_LIMIT)
  const before = query.cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(query.cursor)
  const indexes = await findIndexes(query, before, limit + 1, deps)
  const shown = indexes.slice(0, limit)
  const records = []
  for (const index of shown) {
    await breathe()
    records.push(await summarize(index, deps))
  }
  const behind = deps.states === undefined ? 0 : deps.ledger.head().size - deps.states.reached()
  return { records, ...(indexes.length > limit && { cursor: String(shown.at(-1)) }), ...(behind > 0 && { behind }) }
}

/** Newest first, below `before`. */
async function findIndexes(
  query: { sha256?: string | undefined; agency?: string | undefined; record?: string | undefined },
  before: number,
  limit: number,
  { ledger }: RouteDeps,
): Promise<number[]> {
  const { sha256, agency, record } = query
  if (sha256 !== undefined) return ledger.listByDigest(sha256, before, limit)
  if (agency !== undefined && record !== undefined) return ledger.listByRecord(agency, record, before, limit)
  if (agency !== undefined) return ledger.listByAgency(agency, before, limit)
  const top = Math.min(before, ledger.head().size)
  return Array.from({ length: Math.min(limit, top) }, (_, back) => top - 1 - back)
}

async function summarize(index: number, { ledger, states }: RouteDeps) {
  const [sealedMs, anchor] = [await ledger.sealedMs(index), await ledger.anchorOf(index)]
  const accepted = sealedMs === undefined ? undefined : formatTime(sealedMs)
  const bare = { index, state: anchor ? 'anchored' : 'sealed', accepted, anchored: anchor?.block.time }
  const text = await ledger.statement(index).catch(error => {
    if (isDamage(error)) return null
    throw error
  })
  if (text === null) return { ...bare, damaged: true }
  if (text === undefined) return { ...bare, erased: true }
  const statement: Statement = JSON.parse(text)
  const { type, agency, kind, action, record, revision, target, title, published } = statement
  const isOfRecord = isRecordStatement(statement)
  const { withdrawn, superseded, edited } = (isOfRecord && (await states?.state(index, statement))) || {}
  const names = { type, agency, kind, action, record, revision, target, title, published }
  return { ...bare, ...names, withdrawn, superseded, edited }
}
