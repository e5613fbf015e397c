/** Headers that belong to no single route: caching, cross-origin reads, the protection of pages. */
import type { Context, Next } from 'koa'

/** What may be kept for ever: tiles, bundles and proofs that were found. Everything else is `no-store`. */
export const IMMUTABLE = 'public, max-age=31536000, immutable'

const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/** Sets what every answer carries: not kept unless its route says so, not sniffed, readable from any origin; pages run only our own scripts. */
export async function guardHeaders(ctx: Context, next: Next): Promise<void> {
  ctx.set('Cache-Control', 'no-store')
  ctx.set('X-Content-Type-Options', 'nosniff')
  if (ctx.method === 'GET' || ctx.method === 'HEAD') ctx.set('Access-Control-Allow-Origin', '*')
  await next()
  if (ctx.response.is('html') && !ctx.response.get('Content-Security-Policy')) {
    ctx.set('Content-Security-Policy', CONTENT_SECURITY_POLICY)
    ctx.set('Referrer-Policy', 'no-referrer')
  }
}

/** Any origin may read; a page that wants to write is of ours and needs no preflight. */
export async function answerOptions(ctx: Context, next: Next): Promise<void> {
  await next()
  const known = Array.isArray(ctx.matched) && ctx.matched.length > 0
  if (ctx.method !== 'OPTIONS' || !known || ctx.body !== undefined) return
  ctx.status = 204
  ctx.set('Allow', [...new Set(ctx.matched.flatMap((layer: { methods: string[] }) => layer.methods)), 'OPTIONS'].sort().join(', '))
  ctx.set('Access-Control-Allow-Origin', '*')
  ctx.set('Access-Control-Allow-Methods', 'GET, HEAD, OPTIONS')
  ctx.set('Access-Control-Max-Age', '86400')
}
