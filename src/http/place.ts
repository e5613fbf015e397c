/**
 * Where a request came in: its path, in the one spelling that limits, admission and router read,
 * whether it may ask for the operator's routes, and the network that it came from.
 */
import type { IncomingMessage, RequestListener } from 'node:http'
import type { Context } from 'koa'
import { RequestError } from './problem.ts'

/**
 * Where the operator's routes are answered. `here`: at an address of their own; `elsewhere`: there
 * is such an address, and it is not this one; `local`: only to this machine.
 */
export type OperatorPlace = 'here' | 'elsewhere' | 'local'

/**
 * A path and a query of visible characters without a fragment, as in origin-form (RFC 9112 §3.2.1).
 */
const ORIGIN_FORM = /^\/[!-"$-~]*$/
/** The part before the path in absolute-form (§3.2.2). Its host is ignored, like any other. */
const AUTHORITY = /^https?:\/\/[^/?#]+(?=\/)/i
/** RFC 7239 and 9110, and the headers that common proxies add. */
const FORWARDED = /^(?:forwarded|via|x-forwarded(?:-.+)?|x-real-ip|x-original-.+)$/
const OWN_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i

/**
 * Passes only targets in origin-form, and refuses all others. Routers and URL parsers differ on odd
 * targets: one could let `/v1/records#` past a limit that another applies.
 */
export function withOriginForm(next: RequestListener, refuse: RequestListener): RequestListener {
  return (request, response) => {
    const url = request.url ?? ''
    const target = url.startsWith('/') ? url : url.replace(AUTHORITY, '')
    if (!ORIGIN_FORM.test(target)) return refuse(request, response)
    request.url = target
    next(request, response)
  }
}

/** The path of a request in origin-form, without its query. */
export function pathOf({ url = '' }: IncomingMessage): string {
  const end = url.indexOf('?')
  return end === -1 ? url : url.slice(0, end)
}

/**
 * Throws OPERATOR_ELSEWHERE unless the operator's routes are answered where the request came in. A
 * foreign web page in the operator's browser also sends from there, but it cannot read the answer.
 */
export function requireOperatorPlace(
  ctx: Context,
  { operatorPlace = 'local' }: { readonly operatorPlace?: OperatorPlace | undefined },
): void {
  const { req } = ctx
  ctx.remove('Access-Control-Allow-Origin')
  if (operatorPlace === 'here' || (operatorPlace === 'local' && isOfThisMachine(req))) return
  const where =
    operatorPlace === 'local' ? 'Ask from the machine of the ledger, without a proxy.' : 'Ask at the address that OPENSEAL_ADMIN names.'
  throw new RequestError('OPERATOR_ELSEWHERE', `This is only for the operator of the ledger. ${where}`)
}

/**
 * Whether the request was sent on this machine, to a name of this machine, and by no proxy. By
 * default, a proxy on this machine that does not announce itself still speaks HTTP/1.0, or names
 * the host that its client asked for.
 */
function isOfThisMachine({ socket, headers, httpVersionMinor }: IncomingMessage): boolean {
  if (!isLoopback(socket.remoteAddress ?? '') || httpVersionMinor < 1) return false
  return OWN_HOST.test(headers.host ?? '') && !Object.keys(headers).some(name => FORWARDED.test(name))
}

/**
 * One name for all addresses of one visitor: the 64-bit network of an IPv6 address, and IPv4 in its
 * own form.
 */
export function networkOf(address: string): string {
  const bare = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  if (!bare.includes(':')) return bare
  const [head = '', tail] = bare.split('::')
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...front, ...(tail === undefined ? [] : Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0')), ...back]
  return `${groups
    .slice(0, 4)
    .map(group => group.toLowerCase().replace(/^0+(?=.)/, ''))
    .join(':')}::/64`
}

/** Whether the address is one of this machine. */
export function isLoopback(address: string): boolean {
  return /^(127\.|::1$|::ffff:127\.)/i.test(address)
}
