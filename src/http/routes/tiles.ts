/**
 * The log as C2SP tlog-tiles serves it: /checkpoint and /tile/…. Any other spelling of a path is
 * 404.
 */
import type Router from '@koa/router'
import type { Context } from 'koa'
import { parseTilePath } from '../../core/tlog/tile.ts'
import type { RouteDeps } from '../deps.ts'
import { IMMUTABLE } from '../headers.ts'
import { RequestError } from '../problem.ts'

/** Adds the routes of the log's own files. */
export function tileRoutes(router: Router, { ledger }: RouteDeps): void {
  router.get('/checkpoint', (ctx: Context) => {
    ctx.type = 'text/plain; charset=utf-8'
    ctx.body = ledger.head().note
  })

  router.get('/tile/*path', async (ctx: Context) => {
    // ctx.path is not decoded: a percent sign is another spelling
    const id = parseTilePath(ctx.path.slice(1))
    const bytes = id.kind === 'tile' ? await ledger.tile(id.level, id.index, id.width) : await ledger.bundle(id.index, id.width)
    if (bytes === undefined) throw new RequestError('TILE_NOT_FOUND', `The tree of size ${ledger.head().size} does not have this tile yet.`)
    ctx.set('Cache-Control', IMMUTABLE)
    ctx.type = 'application/octet-stream'
    ctx.body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  })
}
