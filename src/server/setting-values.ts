/** How the text of a setting becomes a value, for the environment and the file of vouchers. */
import { z } from 'zod'
import { readEndpoint } from '../verifier/json-rpc.ts'

/** Milliseconds. */
export const UNITS: { readonly [unit: string]: number } = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, y: 31_557_600_000 }

/** A port; `what` is the sentence for anything else. */
export const port = (what: string) =>
  z
    .string()
    .regex(/^\d{1,5}$/, what)
    .transform(Number)
    .refine(n => n <= 65_535, what)

/** A time that may also be off, or years. */
export const period = z
  .string()
  .regex(/^(0|[1-9]\d{0,8}(ms|s|m|h|d|y))$/, "is not 0 or a time such as '24h', '90d' or '2y'")
  .transform(text => {
    const [, amount, unit] = /^(\d+)(\D*)$/.exec(text) ?? []
    return Number(amount) * (UNITS[unit!] ?? 0)
  })

/** A time as text; milliseconds. */
export const duration = z
  .string()
  .regex(/^[1-9]\d{0,8}(ms|s|m|h)$/, "is not a time such as '5s', '10m' or '1h'")
  .transform(text => {
    const [, amount, unit] = /^(\d+)(\D+)$/.exec(text) ?? []
    return Number(amount) * UNITS[unit!]!
  })
  .refine(ms => ms >= 100 && ms <= 7 * 24 * UNITS.h!, 'is not between 100ms and 168h')

/** An amount of gwei as text, with up to nine decimals; wei. */
export const gwei = z
  .string()
  .regex(/^(0|[1-9]\d{0,8})(\.\d{1,9})?$/, "is not an amount of gwei such as '150' or '0.25'")
  .transform(text => {
    const [whole = '0', fraction = ''] = text.split('.')
    return BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'))
  })
  .refine(wei => wei > 0n, 'is zero: no anchor could be paid for')

/** `true` or `false`. */
export const flag = z.enum(['true', 'false'], 'is neither true nor false').default('false')

/** Requests a second; 0 for any number. */
export const rate = z
  .string()
  .regex(/^\d{1,6}$/, 'is not a number of requests a second, or 0 for any number')
  .transform(Number)

/** One line of at most 200 characters; `what` is the sentence for anything else. */
export const line = (what: string) => z.string().regex(/^[^\p{Cc}]{1,200}$/u, what)

/** An address of a page elsewhere. */
export const publicUrl = z
  .string()
  .refine(isPublicUrl, 'is not an http(s) address of at most 1000 characters, without a user name and a password')
  .transform(text => new URL(text).href)

/** An address of a chain, in lower case. */
export const address = (what: string) =>
  z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}$/, what)
    .transform(text => text.toLowerCase())

/** The beginning of the addresses of a block explorer. */
export const explorerPrefix = z
  .string()
  .refine(isPrefix, 'is not the beginning of the http(s) addresses of a block explorer, such as https://etherscan.io')

/** Addresses, separated by commas. */
export const urls = z
  .string()
  .transform(text => text.split(',').map(part => part.trim()))
  .refine(list => list.every(httpUrl), 'is not one or more http(s) addresses, separated by commas')

/** Endpoints, each with the chain that it serves, separated by commas. */
export const endpointsOfChains = z
  .string()
  .transform(text => text.split(',').map(part => readEndpoint(part.trim())))
  .transform((list, { addIssue }) => {
    const named = list.flatMap(endpoint => (endpoint?.serves === undefined ? [] : [{ url: endpoint.url, serves: endpoint.serves }]))
    if (named.length < list.length) addIssue('is not a list such as 1=https://rpc.example,10=https://other.example')
    return named
  })

/** Whether a text is an http(s) address. */
export function httpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

function isPublicUrl(text: string): boolean {
  if (text.length > 1000 || !httpUrl(text)) return false
  const { username, password } = new URL(text)
  return username + password === ''
}

/** As the policy takes it, and so that a path can follow. */
function isPrefix(text: string): boolean {
  return isPublicUrl(text) && !/[\s"'<>\\?#]/.test(text)
}

/** Whether a text is an http(s) address without anything after its host. */
export function isPlainUrl(text: string): boolean {
  if (!httpUrl(text)) return false
  const { username, password, pathname, search, hash } = new URL(text)
  return username + password + search + hash === '' && pathname === '/'
}
