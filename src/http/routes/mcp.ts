/**
 * /mcp: the tools for assistants over HTTP, as the Model Context Protocol's Streamable HTTP. It
 * reads, asks for no key, ignores cookies, and keeps nothing between two requests. A check takes a
 * place and a process, like a form of the verify page. Design §18.
 */
import type Router from '@koa/router'
import { createMcpHandler } from '@modelcontextprotocol/server'
import type { Context } from 'koa'
import { attempt } from '../../core/attempt.ts'
import { fromUtf8 } from '../../core/bytes.ts'
import { type Answerer, notReceipts } from '../../mcp/answerer.ts'
import { createAssistantServer } from '../../mcp/server.ts'
import { bodyType, readBody } from '../body.ts'
import type { Desk, RouteDeps } from '../deps.ts'
import { RequestError } from '../problem.ts'
import { recordQuery } from '../schemas/records.ts'
import { readAs } from '../schemas/values.ts'
import { assertRecord, formatRecord, listRecords } from './records.ts'
import { statusOf } from './service.ts'

const MAX_BYTES = 65_536
/** The version of the interface for programs, which this is a part of. */
const VERSION = '1'
/** In ordinary requests. */
const COST = { check: 40, search: 10 }
/** Ours, not a client's: a request is answered whole or not at all. */
const DEADLINE_MS = 60_000

/** Adds /mcp. The checks run in the processes of the pages. */
export function assistantRoutes(router: Router, deps: RouteDeps, { url, pages }: Desk): void {
  const onFault = (error: unknown) => deps.log.error('assistant not answered', { error })
  router.post('/mcp', async (ctx: Context) => {
    bodyType(ctx, ['application/json'])
    const body = readText(await readBody(ctx, MAX_BYTES))
    // A list of calls would ask for many checks in one request.
    if (/^\s*\[/.test(body)) throw new RequestError('BODY_MALFORMED', 'Send one call in each request, not a list.')
    const answerer = createAnswerer(ctx, deps, { url, pages })
    const handler = createMcpHandler(() => createAssistantServer(answerer, VERSION, onFault), { maxSubscriptions: 0 })
    const asked = new Request(`${url}/mcp`, { method: 'POST', headers: headersOf(ctx), body, signal: AbortSignal.timeout(DEADLINE_MS) })
    const answered = await handler.fetch(asked)
    const text = await answered.text()
    await handler.close()
    ctx.status = answered.status
    ctx.type = answered.headers.get('Content-Type') ?? 'application/json'
    ctx.body = text
  })
  // Clients ask with GET whether there is a stream of news. A pattern of the pages would fit, too.
  router.all('/mcp', (ctx: Context) => {
    ctx.set('Allow', 'POST')
    throw new RequestError('METHOD_NOT_ALLOWED', `${ctx.method} is not possible here. Allowed: POST.`)
  })
}

function readText(body: Uint8Array): string {
  const { value, error } = attempt(() => fromUtf8(body))
  if (error) throw new RequestError('BODY_MALFORMED', error.message)
  return value
}

/** Answers from this ledger, as its pages and its interface for programs do. */
function createAnswerer(ctx: Context, deps: RouteDeps, { url, pages }: Pick<Desk, 'url' | 'pages'>): Answerer {
  const { ledger } = deps
  return {
    url,
    async check(given) {
      ctx.state.cost = COST.check
      const answers = await pages.checkGiven(ctx.req, given)
      if (answers === undefined) throw notReceipts()
      return answers
    },
    async find(wanted) {
      if (wanted.text !== undefined) ctx.state.cost = COST.search
      return plain(await listRecords(readAs(recordQuery, defined(wanted), 'QUERY_MALFORMED'), deps))
    },
    async record(index) {
      await assertRecord(index, ledger)
      return JSON.parse(await formatRecord(ctx, index, deps))
    },
    status: async () => plain(statusOf(deps)),
  }
}

/** Only what the protocol needs: no cookie, no key, and no address of the client. */
function headersOf(ctx: Context): Record<string, string> {
  const names = ['accept', 'content-type', 'mcp-protocol-version', 'mcp-method', 'mcp-name']
  return Object.fromEntries(names.flatMap(name => (ctx.get(name) === '' ? [] : [[name, ctx.get(name)]])))
}

/** The value as JSON would carry it, without members that are undefined. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

function defined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined))
}
