/** The Koa application: what every request passes through, and the routes of design §6. */
import type { RequestListener } from 'node:http'
import Router from '@koa/router'
import Koa, { type Context, type Middleware, type Next } from 'koa'
import { visibleJson } from '../core/visible.ts'
import { enter } from '../turns.ts'
import { refuseIfBehind } from './behind.ts'
import type { HttpDeps, RouteDeps } from './deps.ts'
import { deskRoutes } from './desk/desk.ts'
import { operatorRoutes } from './desk/operator.ts'
import type { DeskDeps } from './desk/pages.ts'
import { refuseEarly } from './guard/admission.ts'
import { answerOptions, guard, guardPage, requireHost } from './headers.ts'
import { answerEarly } from './listener.ts'
import { createMetrics } from './metrics.ts'
import { withOriginForm } from './place.ts'
import { answerProblem, type HttpProblem, isClientGone, refuseRoute } from './problem.ts'
import { agencyRoutes } from './routes/agencies.ts'
import { anchorRoutes } from './routes/anchors.ts'
import { backupRoutes } from './routes/backup.ts'
import { digestRoutes } from './routes/digests.ts'
import { erasureRoutes } from './routes/erasures.ts'
import { assistantRoutes } from './routes/mcp.ts'
import { proofRoutes } from './routes/proofs.ts'
import { receiptRoutes } from './routes/receipts.ts'
import { recordRoutes } from './routes/records.ts'
import { roundRoutes } from './routes/rounds.ts'
import { serviceRoutes } from './routes/service.ts'
import { tileRoutes } from './routes/tiles.ts'

const TARGET_MALFORMED: HttpProblem = { status: 400, code: 'TARGET_MALFORMED', detail: 'The target of this request is not a path.' }

/** The application on the given parts. Its only state is its metrics. */
export function createApp(deps: HttpDeps): Koa {
  const proxies = deps.trustedProxies ?? 0
  // Only the last addresses of X-Forwarded-For count, one for each trusted proxy.
  const app = new Koa({ proxy: proxies > 0, maxIpsCount: proxies })
  const routeDeps: RouteDeps = { ...deps, metrics: deps.metrics ?? createMetrics(deps) }
  app.on('error', (error: unknown) => {
    if (!isClientGone(error)) deps.log.error('answer failed', { error })
  })
  app.use(passEach(routeDeps))
  app.use(createRouter(routeDeps).routes())
  const { site, desk } = deps
  if (desk) app.use(createDeskRouter({ ...routeDeps, desk }).routes())
  if (site) app.use(site.routes())
  return app
}

/** The application's listener, behind the refusals that come before it. */
export function createHandler(deps: HttpDeps): RequestListener {
  const metrics = deps.metrics ?? createMetrics(deps)
  const app = createApp({ ...deps, metrics }).callback()
  const admitted = deps.admission === undefined ? app : refuseEarly(app, deps.admission, metrics)
  return withOriginForm(admitted, (request, response) => {
    metrics.countProblem(TARGET_MALFORMED.code)
    answerEarly(request, response, TARGET_MALFORMED)
  })
}

/** All routes of the interface, without the site's pages. */
export function createRouter(deps: RouteDeps): Router {
  const router = new Router({ strict: true, sensitive: true })
  for (const add of [
    tileRoutes,
    recordRoutes,
    erasureRoutes,
    digestRoutes,
    receiptRoutes,
    proofRoutes,
    anchorRoutes,
    roundRoutes,
    agencyRoutes,
    backupRoutes,
    serviceRoutes,
  ])
    add(router, deps)
  return router
}

/** The pages for agencies and for the operator. */
function createDeskRouter(deps: DeskDeps): Router {
  const router = new Router({ strict: true, sensitive: true })
  deskRoutes(router, deps)
  operatorRoutes(router, deps)
  assistantRoutes(router, deps, deps.desk)
  return router
}

/**
 * The middleware that every request passes through. It is one middleware, because each middleware
 * costs every request a promise and a call.
 */
function passEach(deps: RouteDeps): Middleware {
  return async (ctx: Context, next: Next) => {
    measure(ctx, deps)
    guard(ctx)
    try {
      requireHost(ctx)
      refuseIfBehind(ctx, deps.ledger)
      const turn = enter()
      if (turn !== undefined) await turn
      deps.limits?.admitRequest(ctx)
      await next()
      if (ctx.state.cost !== undefined) deps.limits?.charge(ctx, ctx.state.cost)
      // The code after this writes the answer's text.
      const last = enter()
      if (last !== undefined) await last
      writeJson(ctx)
      if (ctx.method === 'OPTIONS') answerOptions(ctx)
      if (ctx.status === 404 && (ctx.body === undefined || ctx.body === null)) refuseRoute(ctx)
    } catch (error) {
      if (!isClientGone(error)) answerProblem(ctx, error, deps)
    }
    guardPage(ctx)
  }
}

/** Writes a route's value as JSON that is safe wherever its text is shown. */
function writeJson(ctx: Context): void {
  const { body } = ctx
  if (typeof body !== 'object' || body === null || Object.getPrototypeOf(body) !== Object.prototype) return
  ctx.body = visibleJson(JSON.stringify(body))
}

/**
 * Counts and times a request by its route pattern, once its answer is sent or its client is gone.
 */
function measure(ctx: Context, { metrics, isClosing }: RouteDeps): void {
  const startMs = performance.now()
  if (isClosing?.()) ctx.set('Connection', 'close')
  ctx.res.on('close', () => {
    const route = typeof ctx._matchedRoute === 'string' ? ctx._matchedRoute : 'none'
    metrics.countRequest(route === 'none' ? 'any' : ctx.method, route, ctx.res.statusCode, (performance.now() - startMs) / 1000)
    if (ctx.state.problem !== undefined) metrics.countProblem(ctx.state.problem)
  })
}
