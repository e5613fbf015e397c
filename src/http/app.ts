/** The Koa application: what every request passes through, and the routes of design §6. */
import type { RequestListener } from 'node:http'
import Router from '@koa/router'
import Koa, { type Context, type Middleware, type Next } from 'koa'
import { refuseEarly } from './admission.ts'
import type { HttpDeps, RouteDeps } from './deps.ts'
import { answerOptions, guardHeaders, requireHost } from './headers.ts'
import { createMetrics } from './metrics.ts'
import { answerProblems, isClientGone } from './problem.ts'
import { agencyRoutes } from './routes/agencies.ts'
import { anchorRoutes } from './routes/anchors.ts'
import { backupRoutes } from './routes/backup.ts'
import { proofRoutes } from './routes/proofs.ts'
import { receiptRoutes } from './routes/receipts.ts'
import { recordRoutes } from './routes/records.ts'
import { serviceRoutes } from './routes/service.ts'
import { tileRoutes } from './routes/tiles.ts'

/** The application on the given parts. It holds no state of its own but its metrics. */
export function createApp(deps: HttpDeps): Koa {
  const proxies = deps.trustedProxies ?? 0
  // Of X-Forwarded-For only what the trusted proxies wrote counts: the last addresses, one for each of them.
  const app = new Koa({ proxy: proxies > 0, maxIpsCount: proxies })
  const routeDeps: RouteDeps = { ...deps, metrics: deps.metrics ?? createMetrics(deps) }
  app.on('error', (error: unknown) => {
    if (!isClientGone(error)) deps.log.error('answer failed', { error })
  })
  app.use(measure(routeDeps))
  app.use(guardHeaders)
  app.use(answerProblems(deps))
  app.use(requireHost)
  if (deps.limits) app.use(deps.limits.admitRequest)
  app.use(answerOptions)
  const router = createRouter(routeDeps)
  app.use(router.routes())
  if (deps.site) app.use(deps.site.routes())
  return app
}

/** The application as the listener calls it, with what is refused before. */
export function createHandler(deps: HttpDeps): RequestListener {
  const metrics = deps.metrics ?? createMetrics(deps)
  const app = createApp({ ...deps, metrics }).callback()
  return deps.admission === undefined ? app : refuseEarly(app, deps.admission, metrics)
}

/** All routes of the interface, without the pages of the site. */
export function createRouter(deps: RouteDeps): Router {
  const router = new Router({ strict: true, sensitive: true })
  for (const add of [tileRoutes, recordRoutes, receiptRoutes, proofRoutes, anchorRoutes, agencyRoutes, backupRoutes, serviceRoutes])
    add(router, deps)
  return router
}

/** Counts and times each request by its route pattern once its answer has left or its client has gone. */
function measure({ metrics, nowMs, isClosing }: RouteDeps): Middleware {
  return (ctx: Context, next: Next) => {
    const startMs = nowMs()
    if (isClosing?.()) ctx.set('Connection', 'close')
    ctx.res.once('close', () => {
      const route = typeof ctx._matchedRoute === 'string' ? ctx._matchedRoute : 'none'
      metrics.countRequest(route === 'none' ? 'any' : ctx.method, route, ctx.res.statusCode, (nowMs() - startMs) / 1000)
      if (ctx.state.problem !== undefined) metrics.countProblem(ctx.state.problem)
    })
    return next()
  }
}
