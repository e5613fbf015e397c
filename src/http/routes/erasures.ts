/** Requests to erase a statement, by its agency's admin keys and by the operator. Design §16. */
import type Router from '@koa/router'
import type { Context } from 'koa'
import type { Asker } from '../../ledger/erasure/erasures.ts'
import { bearerOf, requireAdmin, requireOperator } from '../auth.ts'
import { readJson } from '../body.ts'
import type { RouteDeps } from '../deps.ts'
import { newErasure } from '../schemas/erasures.ts'
import { readAs, readCount } from '../schemas/values.ts'

/** Adds the routes of /v1/records/:index/erasure. */
export function erasureRoutes(router: Router, deps: RouteDeps): void {
  const { ledger, log, metrics } = deps

  const askerOf = async (ctx: Context): Promise<Asker & { readonly keyId?: string }> => {
    if (!bearerOf(ctx)?.startsWith('osk_')) {
      requireOperator(ctx, deps)
      return { by: 'operator' }
    }
    const { agency, keyId } = await requireAdmin(ctx, deps)
    return { by: 'agency', agency, keyId }
  }

  router.post('/v1/records/:index/erasure', async (ctx: Context) => {
    const asker = await askerOf(ctx)
    const index = readCount(ctx.params.index, 'index')
    const { reason } = readAs(newErasure, await readJson(ctx), 'ERASURE_MALFORMED')
    const answer = await ledger.requestErasure(index, reason.code, asker)
    // The operator is told of each: only they see what a stolen key does.
    log.warn('erasure requested', { ...asker, ...answer, reason: reason.code })
    metrics.countErasure('requested')
    ctx.status = 'due' in answer ? 202 : 200
    ctx.body = answer
  })
  router.delete('/v1/records/:index/erasure', async (ctx: Context) => {
    const asker = await askerOf(ctx)
    const index = readCount(ctx.params.index, 'index')
    await ledger.takeBackErasure(index, asker)
    log.warn('erasure taken back', { ...asker, index })
    metrics.countErasure('taken-back')
    ctx.status = 204
  })
}
