/** The shared part of the site's routes: makes the frame of a request's answer, and sends it. */

import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Context } from 'koa'
import { countingAnchors } from '../core/policy-anchors.ts'
import { negotiateLanguage, speak } from '../messages/language.ts'
import { breathe } from '../turns.ts'
import type { Asset } from './assets.ts'
import type { SiteDeps } from './deps.ts'
import { type Banners, type Frame, type Links, type Page, renderPage, securityPolicy } from './layout.ts'
import { isAt, placeOf } from './places.ts'
import { readEntry } from './records.ts'
import { isOneChain } from './vouching.ts'

/**
 * If nothing is anchored here, no anchorer raises an alarm. Then a banner reports entries that have
 * waited longer than this.
 */
const LAG_ALARM_MS = 60 * 60 * 1000
const ASSET_CACHE = 'public, max-age=31536000, immutable'

/** The frame of a request at `pattern`; undefined if its path begins with an unknown language. */
export async function frameOf(ctx: Context, pattern: string, deps: SiteDeps, links: Links): Promise<Frame | undefined> {
  const { prefix, base, path } = placeOf(ctx.path)
  if (!isAt(path, pattern)) return undefined
  const language = prefix === undefined ? negotiateLanguage(ctx.get('Accept-Language')) : prefix
  ctx.set('Content-Security-Policy', securityPolicy('nobody'))
  ctx.set('Referrer-Policy', 'no-referrer')
  ctx.set('X-Content-Type-Options', 'nosniff')
  const { ledger, operator, url: siteUrl } = deps
  const look = { origin: ledger.origin, siteUrl, operator, ...links }
  const byOthers = !isOneChain(deps.vouchers?.() ?? [])
  return { say: speak(language), base, path: path + ctx.search, ...look, byOthers, banners: await bannersOf(deps) }
}

/**
 * How many entries wait for a final round, and when the oldest of them was accepted. A logged time
 * stamp waits for nothing: the next record opens the round that covers it.
 */
export async function readWaiting({ ledger }: SiteDeps): Promise<{ readonly count: number; readonly sinceMs: number | undefined }> {
  const { size } = ledger.head()
  let first = ledger.latestRound()?.size ?? 0
  while (first < size && (await readEntry(ledger, first)).without === 'timestamp') first++
  return first < size ? { count: size - first, sinceMs: await ledger.sealedMs(first) } : { count: 0, sinceMs: undefined }
}

async function bannersOf(deps: SiteDeps): Promise<Banners> {
  const { ledger, policy, nowMs, lag, notAccepting } = deps
  const vouchers = deps.vouchers?.() ?? []
  const behind = isOneChain(vouchers) ? undefined : vouchers.filter(({ isBehind }) => isBehind).map(({ name }) => name)
  const { count, sinceMs } = await readWaiting(deps)
  const isLate = lag === undefined ? sinceMs !== undefined && nowMs() - sinceMs > LAG_ALARM_MS : lag().alarm !== undefined
  return {
    testNetwork: countingAnchors(policy(), ledger.head().size).isTest,
    stopped: ledger.stopped() !== undefined,
    closing: ledger.closing(),
    notAccepting: notAccepting?.() !== undefined,
    ...(isLate && sinceMs !== undefined && { waiting: { count, sinceMs, ...(behind && { behind }) } }),
  }
}

/** Where a list continues, from the query; undefined at its beginning. */
export function readCursor(ctx: Context, name: 'before' | 'from' | 'checkpoints' = 'before'): number | undefined {
  const value = Number(ctx.query[name])
  return Number.isSafeInteger(value) && value > 0 ? value : undefined
}

/** One of a few words in the query; undefined for any other. */
export function readChoice<T extends string>(ctx: Context, name: string, choices: readonly T[]): T | undefined {
  return choices.find(choice => choice === ctx.query[name])
}

/** Sends a page in its frame, or a complete page. */
export async function sendPage(ctx: Context, frame: Frame, page: Page | string): Promise<void> {
  ctx.set('Content-Language', frame.say.lang)
  ctx.vary('Accept-Language')
  if (ctx.type === '') ctx.type = 'text/html'
  await breathe()
  await sendText(ctx, typeof page === 'string' ? page : renderPage(frame, page))
}

/**
 * Sends a text, compressed if the browser accepts that. Pages contain no secrets that the
 * compressed length could reveal.
 */
export async function sendText(ctx: Context, text: string): Promise<void> {
  ctx.vary('Accept-Encoding')
  const zipped = ctx.acceptsEncodings('gzip', 'identity') === 'gzip'
  if (zipped) ctx.set('Content-Encoding', 'gzip')
  ctx.body = zipped ? await promisify(gzip)(text) : text
}

/** Sends a file whose path contains its hash. */
export function sendAsset(ctx: Context, { type, body, packed }: Asset): void {
  ctx.set('Cache-Control', ASSET_CACHE)
  ctx.type = type
  ctx.body = body
  if (packed === undefined) return
  const encoding = ctx.acceptsEncodings('br', 'gzip', 'identity')
  ctx.vary('Accept-Encoding')
  if (encoding !== 'br' && encoding !== 'gzip') return
  ctx.set('Content-Encoding', encoding)
  ctx.body = packed[encoding]
}
