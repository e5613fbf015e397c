/** Records: submitting one or many, reading one, finding some. */

import type Router from '@koa/router'
import type { Context } from 'koa'
import type { z } from 'zod'
import { parseJson } from '../../core/json.ts'
import { entriesOf } from '../../core/since.ts'
import { isRecordStatement } from '../../core/statements/registry.ts'
import type { Statement } from '../../core/statements/statement.ts'
import { formatTime } from '../../core/time.ts'
import { visibleJson } from '../../core/visible.ts'
import { createWarner, type Warner } from '../../ledger/warnings.ts'
import { isDamage, isErased } from '../../log/errors.ts'
import { breathe, enter } from '../../turns.ts'
import { requireAgency } from '../auth.ts'
import { bodyType, readBody, textBody } from '../body.ts'
import type { RouteDeps } from '../deps.ts'
import { goneError, placeOf } from '../gone.ts'
import { SUBMIT_PATH } from '../guard/admission.ts'
import { RequestError } from '../problem.ts'
import { recordQuery } from '../schemas/records.ts'
import { readAs, readCount } from '../schemas/values.ts'
import { closingError, readSubmission, submitMany, submitOne } from '../submissions.ts'
import { pendingAnchors } from './anchors.ts'

const DEFAULT_LIMIT = 50
/** How many versions of a record take as long to read as an ordinary request. */
const VERSIONS_OF_A_REQUEST = 20
/** A search, in ordinary requests. */
const SEARCH_COST = 10

/** A query of /v1/records. */
export type RecordQuery = z.infer<typeof recordQuery>

/** Adds the routes of /v1/records. */
export function recordRoutes(router: Router, deps: RouteDeps): void {
  const { ledger, admission, limits, notAccepting, isClosing } = deps
  const warner = createWarner(deps)

  router.post(SUBMIT_PATH, async (ctx: Context) => {
    if (isClosing?.()) throw closingError()
    const key = await requireAgency(ctx, deps)
    limits?.admitKey(key.keyId)
    const type = bodyType(ctx, ['application/json', 'application/x-ndjson'])
    const reason = notAccepting?.()
    if (reason !== undefined) throw new RequestError('LEDGER_NOT_COMPARED', reason)
    const how = { dry: isDryRun(ctx), warner }
    if (type === 'application/x-ndjson') return submitMany(ctx, key, { ...how, authenticate: () => requireAgency(ctx, deps) }, deps)
    const leave = admission?.enter()
    try {
      await submit(ctx, key, how, deps)
    } finally {
      leave?.()
    }
  })

  router.get('/v1/records', async (ctx: Context) => {
    const query = readAs(recordQuery, { ...ctx.query }, 'QUERY_MALFORMED')
    if (isSearch(query)) ctx.state.cost = SEARCH_COST
    ctx.body = await listRecords(query, deps)
  })
  router.get('/v1/records/:index', async (ctx: Context) => {
    ctx.type = 'application/json'
    ctx.body = await formatRecord(ctx, await readIndex(ctx, deps), deps)
  })
  router.get('/v1/records/:index/receipt', async (ctx: Context) => {
    const index = await readIndex(ctx, deps)
    const text = await ledger.receipt(index).catch(async error => {
      throw isErased(error) ? await goneError(index, ledger) : error
    })
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

async function submit(ctx: Context, key: { agency: string }, { dry, warner }: { dry: boolean; warner: Warner }, deps: RouteDeps) {
  const body = await readBody(ctx)
  await enter()
  const statement = readSubmission(parseJson(body), key)
  if (dry) {
    ctx.body = await warner.dryRun()(statement)
    return
  }
  const { index, known, receipt, warnings } = await submitOne(statement, warner, deps)
  ctx.status = known ? 200 : 201
  ctx.set('Location', `/v1/records/${index}`)
  ctx.type = 'application/json'
  const told = warnings.length === 0 ? '' : `,"warnings":${visibleJson(JSON.stringify(warnings))}`
  ctx.body = textBody(`{"index":${index},"receipt":${receipt}${told}}\n`)
}

async function readIndex(ctx: Context, { ledger }: RouteDeps): Promise<number> {
  const index = readCount(ctx.params.index, 'index')
  await assertRecord(index, ledger)
  return index
}

/** Throws RECORD_NOT_FOUND if the log has no such entry. */
export async function assertRecord(index: number, ledger: Pick<RouteDeps['ledger'], 'head' | 'hasEntry'>): Promise<void> {
  if (await ledger.hasEntry(index)) return
  throw new RequestError('RECORD_NOT_FOUND', `There is no record ${index}: the ledger has ${ledger.head().size} so far.`)
}

/** The answer of /v1/records/:index, for an index below the head. */
export async function formatRecord(ctx: Context, index: number, { ledger, anchorer }: RouteDeps): Promise<string> {
  const text = await ledger.statement(index)
  const { anchor, ...round } = (await ledger.roundOf(index)) ?? {}
  const isFinal = 'size' in round
  const pending = isFinal ? undefined : pendingAnchors(anchorer).find(({ size }) => index < size)
  if (text === undefined) throw await goneError(index, ledger)
  const history = await ledger.history(index)
  ctx.state.cost = history.versions.length / VERSIONS_OF_A_REQUEST
  const rest = JSON.stringify({
    ...(anchor && { anchor }),
    ...(pending && { pending }),
    ...history,
    ...(isFinal && { round }),
  })
  return visibleJson(`{"index":${index},"state":"${isFinal ? 'anchored' : 'sealed'}","statement":${text},${rest.slice(1)}\n`)
}

/** Whether a query needs the finder. */
function isSearch({ text, kind, state, from, to, packages }: RecordQuery): boolean {
  return [text, kind, state, from, to, packages].some(filter => filter !== undefined)
}

/** The answer to a query of /v1/records. */
export async function listRecords(query: RecordQuery, deps: RouteDeps) {
  const limit = Number(query.limit ?? DEFAULT_LIMIT)
  const before = query.cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(query.cursor)
  const { indexes, next: further } = await findIndexes(query, before, limit + 1, deps)
  const shown = indexes.slice(0, limit)
  const next = indexes.length > limit ? shown.at(-1) : further
  const records = []
  const nameOf = createNames(deps)
  for (const index of shown) {
    await breathe()
    records.push(await summarize(index, deps, nameOf))
  }
  const behind = deps.states === undefined ? 0 : deps.ledger.head().size - deps.states.reached()
  return { records, ...(next !== undefined && { cursor: String(next) }), ...(behind > 0 && { behind }) }
}

/** Newest first, below `before`. `next`: there may be more below it. */
async function findIndexes(
  query: RecordQuery,
  before: number,
  limit: number,
  { ledger, states }: RouteDeps,
): Promise<{ readonly indexes: readonly number[]; readonly next?: number }> {
  const { sha256, agency, record, text, kind, state, from, to, packages } = query
  if (isSearch(query)) {
    if (states === undefined) throw new RequestError('QUERY_MALFORMED', 'This ledger has no search.')
    const days = await entriesOf({ from, to }, ledger.head().size, index => ledger.sealedMs(index))
    const anchored = ledger.latestRound()?.size ?? 0
    const wanted = { text, agency, kind, state, packages, anchored, ...days }
    return states.search({ ...wanted, before: Math.min(before, days.before ?? before) }, limit)
  }
  if (sha256 !== undefined) return { indexes: await ledger.listByDigest(sha256, before, limit) }
  if (agency !== undefined && record !== undefined) return { indexes: await ledger.listByRecord(agency, record, before, limit) }
  if (agency !== undefined) return { indexes: await ledger.listByAgency(agency, before, limit) }
  const top = Math.min(before, ledger.head().size)
  return { indexes: Array.from({ length: Math.min(limit, top) }, (_, back) => top - 1 - back) }
}

/** The names of agencies, each read once for a list. */
function createNames({ agencies }: RouteDeps) {
  const names = new Map<string, Promise<string | undefined>>()
  return (id: string): Promise<string | undefined> => {
    const name =
      names.get(id) ??
      agencies.get(id).then(
        agency => agency.name,
        () => undefined,
      )
    names.set(id, name)
    return name
  }
}

async function summarize(index: number, { ledger, states }: RouteDeps, nameOf: ReturnType<typeof createNames>) {
  const [sealedMs, round] = [await ledger.sealedMs(index), await ledger.roundOf(index)]
  const accepted = sealedMs === undefined ? undefined : formatTime(sealedMs)
  const bare = { index, state: round ? 'anchored' : 'sealed', accepted, anchored: round?.time }
  const text = await ledger.statement(index).catch(error => {
    if (isDamage(error)) return null
    throw error
  })
  if (text === null) return { ...bare, damaged: true }
  const changes = await ledger.lostChanges(index)
  const lost = changes.length === 0 ? {} : { changes }
  if (text === undefined) return { ...bare, ...(await placeOf(index, ledger)), ...lost }
  const statement: Statement = JSON.parse(text)
  const { type, agency, kind, action, record, revision, target, title, published } = statement
  const isOfRecord = isRecordStatement(statement)
  const { withdrawn, superseded, edited } = (isOfRecord && (await states?.state(index, statement))) || {}
  const names = { type, agency, kind, action, record, revision, target, title, published }
  const agencyName = isOfRecord ? await nameOf(agency) : undefined
  return { ...bare, ...names, withdrawn, superseded, edited, ...lost, agencyName }
}
