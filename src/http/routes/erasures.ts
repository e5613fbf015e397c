/** Requests to erase a statement, by its agency's admin keys and by the operator. Design §16. */
import type Router from '@koa/router'
import type { Context } from 'koa'
import type { ErasureReason } from '../../core/statements/erasure.ts'
import type { Asker, ErasureAnswer } from '../../ledger/erasure/erasures.ts'
import { bearerOf, requireAdmin, requireOperator } from '../auth.ts'
import { readJson } from '../body.ts'
import type { RouteDeps } from '../deps.ts'
import { newErasure } from '../schemas/erasures.ts'
import { readAs, readCount } from '../schemas/values.ts'

/** The agency's key, or the operator, that made the request. */
export type AskerWithKey = Asker & { readonly keyId?: string }

/** Adds the routes of /v1/records/:index/erasure. */
export function erasureRoutes(router: Router, deps: RouteDeps): void {
  const askerOf = async (ctx: Context): Promise<AskerWithKey> => {
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
    const answer = await askToErase(index, reason.code, asker, deps)
    ctx.status = 'due' in answer ? 202 : 200
    ctx.body = answer
  })
  router.delete('/v1/records/:index/erasure', async (ctx: Context) => {
    const asker = await askerOf(ctx)
    await takeBack(readCount(ctx.params.index, 'index'), asker, deps)
    ctx.status = 204
  })
}

/** Asks for an erasure. The operator is told of each: only they see what a stolen key does. */
export async function askToErase(index: number, reason: ErasureReason, asker: AskerWithKey, deps: RouteDeps): Promise<ErasureAnswer> {
  const answer = await deps.ledger.requestErasure(index, reason, asker)
  deps.log.warn('erasure requested', { ...asker, ...answer, reason })
  deps.metrics.countErasure('requested')
  return answer
}

/** Takes a request back. */
export async function takeBack(index: number, asker: AskerWithKey, { ledger, log, metrics }: RouteDeps): Promise<void> {
  await ledger.takeBackErasure(index, asker)
  log.warn('erasure taken back', { ...asker, index })
  metrics.countErasure('taken-back')
}
