/**
 * Agencies, which anyone may read, and their API keys, which only the operator and the agency's
 * admin keys may read.
 */
import type Router from '@koa/router'
import type { Context, Next } from 'koa'
import { requireAgency, requireKeeper, requireOperator } from '../auth.ts'
import { readJson } from '../body.ts'
import type { RouteDeps } from '../deps.ts'
import { RequestError } from '../problem.ts'
import { newAgency, newKey } from '../schemas/agencies.ts'
import { readAs } from '../schemas/values.ts'

/** Adds the routes of /v1/agencies. */
export function agencyRoutes(router: Router, deps: RouteDeps): void {
  const { agencies, host, log } = deps
  const operator = async (ctx: Context, next: Next) => {
    requireOperator(ctx, deps)
    await next()
  }
  const keeper = async (ctx: Context, next: Next) => {
    await requireKeeper(ctx, ctx.params.id, deps)
    await next()
  }
  const findKey = async (id: string, keyId: string) => {
    const key = (await agencies.keys(id)).find(each => each.keyId === keyId)
    if (key === undefined) throw new RequestError('KEY_NOT_FOUND', 'This agency has no key with that id.')
    return key
  }

  router.get('/v1/agencies', async (ctx: Context) => {
    ctx.body = { agencies: await agencies.list() }
  })
  router.get('/v1/agencies/:id', async (ctx: Context) => {
    ctx.body = await agencies.get(ctx.params.id)
  })
  router.post('/v1/agencies', operator, async (ctx: Context) => {
    const agency = readAs(newAgency, await readJson(ctx), 'AGENCY_MALFORMED')
    const added = await agencies.add(agency)
    log.info('agency added', { agency: agency.id })
    ctx.status = 201
    ctx.set('Location', `/v1/agencies/${agency.id}`)
    ctx.body = added
  })

  router.get('/v1/key', async (ctx: Context) => {
    const { agency, keyId } = await requireAgency(ctx, deps)
    ctx.body = { agency, ...(await findKey(agency, keyId)) }
  })
  router.post('/v1/agencies/:id/keys', keeper, async (ctx: Context) => {
    await agencies.get(ctx.params.id)
    const { label, expires, role } = readAs(newKey, await readJson(ctx), 'KEY_MALFORMED')
    if (expires !== undefined && !(Date.parse(expires) > host.nowMs()))
      throw new RequestError('KEY_MALFORMED', 'expires is not in the future.')
    const { keyId, key } = await agencies.addKey(ctx.params.id, {
      ...(label && { label }),
      ...(expires && { expires }),
      ...(role && { role }),
    })
    log.info('key added', { agency: ctx.params.id, keyId, role: role ?? 'submit' })
    ctx.status = 201
    ctx.set('Location', `/v1/agencies/${ctx.params.id}/keys/${keyId}`)
    ctx.body = { keyId, key }
  })
  router.get('/v1/agencies/:id/keys', keeper, async (ctx: Context) => {
    ctx.body = { keys: await agencies.keys(ctx.params.id) }
  })
  router.get('/v1/agencies/:id/keys/:keyId', keeper, async (ctx: Context) => {
    ctx.body = await findKey(ctx.params.id, ctx.params.keyId)
  })
  router.delete('/v1/agencies/:id/keys/:keyId', keeper, async (ctx: Context) => {
    await agencies.revokeKey(ctx.params.id, ctx.params.keyId)
    log.info('key revoked', { agency: ctx.params.id, keyId: ctx.params.keyId })
    ctx.status = 204
  })
}
