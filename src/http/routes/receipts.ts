/** Receipts and statements in bulk, as NDJSON: one line an index. */
import type Router from '@koa/router'
import type { Context } from 'koa'
import { Readable } from 'node:stream'
import type { RouteDeps } from '../deps.ts'
import { RequestError } from '../problem.ts'
import { readCount } from '../schemas.ts'

/** The most indexes that one call may ask for. */
export const MAX_RANGE = 10_000

const CHUNK_CHARACTERS = 65_536

/** Adds the routes of /v1/receipts and /v1/statements. */
export function receiptRoutes(router: Router, { ledger }: RouteDeps): void {
  /** `from` inclusive, `to` exclusive; what is not there yet is left out. */
  const readRange = (ctx: Context) => {
    const from = readCount(ctx.params.from, 'from')
    const to = readCount(ctx.params.to, 'to')
    if (from > to) throw new RequestError('RANGE_MALFORMED', `from ${from} is above to ${to}.`)
    if (to - from > MAX_RANGE) throw new RequestError('RANGE_TOO_LARGE', `Ask for at most ${MAX_RANGE} indexes at once.`)
    return { from, to: Math.min(to, ledger.head().size) }
  }
  const stream = (ctx: Context, formatLine: (index: number, statement: string) => Promise<string> | string) => {
    const { from, to } = readRange(ctx)
    ctx.type = 'application/x-ndjson'
    ctx.body = Readable.from(inChunks(linesOf(from, to, formatLine)), { objectMode: false, highWaterMark: CHUNK_CHARACTERS })
  }
  async function* linesOf(from: number, to: number, formatLine: (index: number, statement: string) => Promise<string> | string) {
    for await (const { index, statement } of ledger.statements(from, to))
      yield statement === undefined ? `{"index":${index},"erased":true}\n` : await formatLine(index, statement)
  }

  router.get('/v1/receipts/:from/:to', (ctx: Context) =>
    stream(ctx, async (index, statement) => `{"index":${index},"receipt":${(await ledger.receiptOf(index, statement)).trimEnd()}}\n`),
  )
  router.get('/v1/statements/:from/:to', (ctx: Context) => stream(ctx, (index, statement) => `{"index":${index},"statement":${statement}}\n`))
}

async function* inChunks(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let text = ''
  for await (const line of lines) {
    text += line
    if (text.length < CHUNK_CHARACTERS) continue
    yield text
    text = ''
  }
  if (text !== '') yield text
}
