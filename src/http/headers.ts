/**
 * Headers that belong to no single route: caching, cross-origin reads, and what a browser may do
 * with an answer.
 */
import type { Context } from 'koa'
import { RequestError } from './problem.ts'

/**
 * For answers that may be kept forever: tiles, bundles and proofs that were found. Everything else
 * is `no-store`.
 */
export const IMMUTABLE = 'public, max-age=31536000, immutable'

/**
 * The headers of every answer: not stored, not sniffed, not framed and, if it is ever shown as a
 * page, nothing may run or load. Routes whose answers may be stored, and pages with our scripts,
 * override them.
 */
export const GUARDS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
}

const GUARD_LIST = Object.entries(GUARDS)

const PAGE_GUARDS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
}
const YEAR_SECONDS = 31_536_000
/**
 * A host name or an address, with or without a port. Any other text would end up in links and
 * feeds.
 */
const HOST = /^(?:[a-z0-9_](?:[a-z0-9._-]{0,251}[a-z0-9_])?|\[[0-9a-f:.]{2,45}\])\.?(?::\d{1,5})?$/i

/**
 * Sets the headers of every answer. Any origin may read. Browsers that came over TLS stay with it.
 */
export function guard(ctx: Context): void {
  for (const [name, value] of GUARD_LIST) ctx.res.setHeader(name, value)
  const { method } = ctx.req
  if (method === 'GET' || method === 'HEAD') ctx.set('Access-Control-Allow-Origin', '*')
  if (ctx.secure) ctx.set('Strict-Transport-Security', `max-age=${YEAR_SECONDS}`)
}

/** Sets the further headers of an answer that is a page. */
export function guardPage(ctx: Context): void {
  if (ctx.response.type === 'text/html') ctx.set(PAGE_GUARDS)
}

/**
 * Refuses a request with two Hosts, or with one that is not a host name: HOST_MALFORMED. No answer
 * depends on the Host.
 */
export function requireHost({ req }: Context): void {
  if (!isHost(req.headers.host ?? '')) throw new RequestError('HOST_MALFORMED', 'The Host of this request is not a host name.')
  let count = 0
  // Node keeps only the first of several. In `rawHeaders`, names and values alternate.
  for (let at = 0; at < req.rawHeaders.length; at += 2) {
    const name = req.rawHeaders[at]!
    if (name.length === 4 && name.toLowerCase() === 'host') count++
  }
  if (count > 1) throw new RequestError('HOST_MALFORMED', 'This request has more than one Host.')
}

/** HTTP/1.0 requests may omit it. */
function isHost(text: string): boolean {
  return text === '' || HOST.test(text)
}

/**
 * Answers OPTIONS if no route has. Any origin may read. Pages that write are our own and need no
 * preflight.
 */
export function answerOptions(ctx: Context): void {
  const known = Array.isArray(ctx.matched) && ctx.matched.length > 0
  if (!known || ctx.body !== undefined) return
  ctx.status = 204
  ctx.set('Allow', [...new Set(ctx.matched.flatMap((layer: { methods: string[] }) => layer.methods)), 'OPTIONS'].sort().join(', '))
  ctx.set('Access-Control-Allow-Origin', '*')
  ctx.set('Access-Control-Allow-Methods', 'GET, HEAD, OPTIONS')
  ctx.set('Access-Control-Max-Age', '86400')
}
