/** Where the ledger stands on the chain, and what a verifier of it trusts. */
import type Router from '@koa/router'
import type { Context } from 'koa'
import type { RouteDeps } from '../deps.ts'
import { RequestError } from '../problem.ts'
import { readCount } from '../schemas.ts'

/** Adds the routes of /v1/anchors and /policy.json. */
export function anchorRoutes(router: Router, { ledger, anchorer, policy }: RouteDeps): void {
  router.get('/v1/anchors', (ctx: Context) => {
    const pending = (anchorer?.state() ?? []).filter(anchor => anchor.state !== 'final')
    ctx.body = { final: ledger.anchors().toReversed(), pending }
  })
  router.get('/v1/anchors/:size', (ctx: Context) => {
    const size = readCount(ctx.params.size, 'size')
    const anchor = ledger.anchors().find(anchor => anchor.size === size)
    if (anchor === undefined) throw new RequestError('ANCHOR_NOT_FOUND', `No final anchor is of size ${size}. GET /v1/anchors lists them.`)
    ctx.body = anchor
  })
  router.get('/policy.json', (ctx: Context) => {
    ctx.body = policy()
  })
}
