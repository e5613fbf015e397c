/** Receipts and statements in bulk, as NDJSON: one line for each index. */

import { Readable } from 'node:stream'
import type Router from '@koa/router'
import type { Context } from 'koa'
import { isDamage, isErased } from '../../log/errors.ts'
import { breathe } from '../../turns.ts'
import type { RouteDeps } from '../deps.ts'
import { placeOf, toldOf } from '../gone.ts'
import { RequestError } from '../problem.ts'
import { readCount } from '../schemas/values.ts'

/** The most indexes that one call may ask for. */
const MAX_RANGE = 10_000

/** How many lines take as long as an ordinary request. */
const LINES_OF_A_REQUEST = { receipt: 50, statement: 200 }
const CHUNK_LENGTH = 32_768
const DAMAGED = Symbol('damaged')

/** Adds the routes of /v1/receipts and /v1/statements. */
export function receiptRoutes(router: Router, { ledger }: RouteDeps): void {
  /** `from` inclusive, `to` exclusive. Entries that do not exist yet are left out. */
  const readRange = async (ctx: Context) => {
    const from = readCount(ctx.params.from, 'from')
    const to = readCount(ctx.params.to, 'to')
    if (from > to) throw new RequestError('RANGE_MALFORMED', `from ${from} is above to ${to}.`)
    if (to - from > MAX_RANGE) throw new RequestError('RANGE_TOO_LARGE', `Ask for at most ${MAX_RANGE} indexes at once.`)
    // Another node may have logged more than this one knows.
    if (to > ledger.head().size) await ledger.refresh()
    return { from, to: Math.min(to, ledger.head().size) }
  }
  const stream = async (ctx: Context, member: 'receipt' | 'statement', read: (index: number) => Promise<string | undefined>) => {
    const { from, to } = await readRange(ctx)
    ctx.state.cost = (to - from) / LINES_OF_A_REQUEST[member]
    ctx.type = 'application/x-ndjson'
    ctx.body = Readable.from(
      chunksOf(from, to, async index => {
        const text = await read(index).catch(damagedOnly)
        return text === undefined
          ? erasedLine(index, member === 'receipt' ? await placeOf(index, ledger) : await toldOf(index, ledger))
          : formatLine(index, member, text)
      }),
      { objectMode: false },
    )
  }

  router.get('/v1/receipts/:from/:to', (ctx: Context) => stream(ctx, 'receipt', index => ledger.receipt(index).catch(undefinedIfErased)))
  router.get('/v1/statements/:from/:to', (ctx: Context) => stream(ctx, 'statement', index => ledger.statement(index)))
}

/**
 * The lines of [from, to), some kilobytes at a time. Reads only what the client takes, and gives
 * other work its turn between two lines.
 */
async function* chunksOf(from: number, to: number, line: (index: number) => Promise<string>): AsyncGenerator<string> {
  let chunk = ''
  for (let index = from; index < to; index++) {
    await breathe()
    chunk += await line(index)
    if (chunk.length < CHUNK_LENGTH) continue
    yield chunk
    chunk = ''
  }
  if (chunk !== '') yield chunk
}

function formatLine(index: number, member: string, text: string | typeof DAMAGED): string {
  if (text === DAMAGED) return `{"index":${index},"damaged":true}\n`
  return `{"index":${index},"${member}":${text.trimEnd()}}\n`
}

function erasedLine(index: number, place: object): string {
  return `${JSON.stringify({ index, ...place })}\n`
}

function undefinedIfErased(error: unknown): undefined {
  if (isErased(error)) return undefined
  throw error
}

/** One damaged record does not end the stream of the others. */
function damagedOnly(error: unknown): typeof DAMAGED {
  if (isDamage(error)) return DAMAGED
  throw error
}
