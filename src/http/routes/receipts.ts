/** Receipts and statements in bulk, as NDJSON: one line an index. */

import { Readable } from 'node:stream'
import type Router from '@koa/router'
import type { Context } from 'koa'
import { isDamage, LedgerError } from '../../ledger/errors.ts'
import type { RouteDeps } from '../deps.ts'
import { RequestError } from '../problem.ts'
import { readCount } from '../schemas.ts'

/** The most indexes that one call may ask for. */
export const MAX_RANGE = 10_000

const CHUNK_LINES = 64
const DAMAGED = Symbol('damaged')

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
  const stream = (ctx: Context, member: string, read: (index: number) => Promise<string | undefined>) => {
    const { from, to } = readRange(ctx)
    ctx.type = 'application/x-ndjson'
    ctx.body = Readable.from(
      chunksOf(from, to, async index => formatLine(index, member, await read(index).catch(damagedOnly))),
      { objectMode: false },
    )
  }

  router.get('/v1/receipts/:from/:to', (ctx: Context) => stream(ctx, 'receipt', index => ledger.receipt(index).catch(undefinedIfErased)))
  router.get('/v1/statements/:from/:to', (ctx: Context) => stream(ctx, 'statement', index => ledger.statement(index)))
}

/** The lines of [from, to), so many at a time: only what the client takes is read. */
async function* chunksOf(from: number, to: number, line: (index: number) => Promise<string>): AsyncGenerator<string> {
  for (let start = from; start < to; start += CHUNK_LINES) {
    const indexes = Array.from({ length: Math.min(CHUNK_LINES, to - start) }, (_, i) => start + i)
    yield (await Promise.all(indexes.map(line))).join('')
  }
}

function formatLine(index: number, member: string, text: string | undefined | typeof DAMAGED): string {
  if (text === DAMAGED) return `{"index":${index},"damaged":true}\n`
  return text === undefined ? `{"index":${index},"erased":true}\n` : `{"index":${index},"${member}":${text.trimEnd()}}\n`
}

function undefinedIfErased(error: unknown): undefined {
  if (error instanceof LedgerError && error.code === 'RECORD_ERASED') return undefined
  throw error
}

/** One damaged record does not end the stream of the others. */
function damagedOnly(error: unknown): typeof DAMAGED {
  if (isDamage(error)) return DAMAGED
  throw error
}
