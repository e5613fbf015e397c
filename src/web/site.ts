/** The pages for people, as routes: every page in every language, feeds, the offline verifier and the static files. */

import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import Router from '@koa/router'
import type { Context, Next } from 'koa'
import QRCode from 'qrcode'
import type { MessageKey } from '../messages/en.ts'
import { browserMessages, CATALOGUES, type Language, negotiateLanguage, speak } from '../messages/language.ts'
import { OpenSealError } from '../verifier/index.ts'
import type { Asset } from './assets.ts'
import { loadAssets } from './assets.ts'
import type { PageData } from './browser/page-data.ts'
import type { SiteAgency, SiteDeps } from './deps.ts'
import { renderFeed } from './feed.ts'
import { html } from './html.ts'
import { type Banners, type Frame, type Page, renderPage } from './layout.ts'
import { makeOfflineVerifier } from './offline.ts'
import { aboutPage } from './pages/about.ts'
import { agenciesPage, agencyPage } from './pages/agency.ts'
import { anchorsPage } from './pages/anchors.ts'
import { homePage, recordsPage } from './pages/home.ts'
import { plainEntryPage, recordPage } from './pages/record.ts'
import { searchPage } from './pages/search.ts'
import { verifiedPage, verifyPage } from './pages/verify.ts'
import { anchorBefore, type Entry, newestAnchors, newestIndexes, readEntries, readEntry, searchRecords } from './records.ts'
import { checkUpload, UPLOAD_LIMIT } from './server-verify.ts'
import { MAX_UPLOAD_FILES, readUpload, UploadError } from './upload.ts'

const LIST_LENGTH = 25
const FEED_LENGTH = 50
/** How many of the newest entries the feed of silent edits and withdrawals looks at. */
const CHANGES_SCAN = 500
const ANCHORS_SHOWN = 200
/** An anchor that is longer ago than this, with entries waiting, is said on every page. */
const LAG_ALARM_MS = 60 * 60 * 1000
const ASSET_CACHE = 'public, max-age=31536000, immutable'
const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="12" cy="12" r="12" fill="#12324e"/><path d="m6.5 12.5 4 4 7-8" fill="none" stroke="#fff" stroke-width="2.5"/></svg>'

const UPLOAD_PROBLEMS: { readonly [code: string]: MessageKey } = {
  UPLOAD_TOO_LARGE: 'verify.serverTooLarge',
  UPLOAD_TOO_MANY: 'verify.serverMany',
}

type Reply = (frame: Frame, ctx: Context) => Promise<Page | undefined> | Page | undefined

/** All routes. Bundles the browser's code first, unless that was built before. */
export async function siteRoutes(deps: SiteDeps): Promise<Router> {
  const { ledger, agencies, finder, policy, publicEndpoints } = deps
  const assets = await loadAssets()
  const router = new Router()
  const offline = () => makeOfflineVerifier({ policy: policy(), endpoints: publicEndpoints, scriptText: assets.scriptText })

  /** A page under its path, with and without the language before it. `undefined` as page passes the request on. */
  const page = (path: string, reply: Reply, method: 'get' | 'post' = 'get') => {
    router[method](path === '/' ? ['/', '/:lang'] : `{/:lang}${path}`, async (ctx: Context, next: Next) => {
      const frame = frameOf(ctx, path, deps, assets.style.path)
      const answer = frame && (await reply(frame, ctx))
      if (frame === undefined || answer === undefined) return next()
      ctx.set('Content-Language', frame.say.lang)
      ctx.vary('Accept-Language')
      ctx.type = 'text/html'
      await sendText(ctx, renderPage(frame, answer))
    })
  }

  page('/', async frame => {
    const latest = await readEntries(ledger, newestIndexes(ledger, Number.MAX_SAFE_INTEGER, 8))
    return homePage(frame, { size: ledger.head().size, anchor: ledger.latestAnchor(), latest })
  })
  page('/records', async (frame, ctx) => {
    const before = readCursor(ctx)
    const indexes = newestIndexes(ledger, before ?? Number.MAX_SAFE_INTEGER, LIST_LENGTH)
    const last = indexes.at(-1) ?? 0
    return recordsPage(frame, { entries: await readEntries(ledger, indexes), before, older: last > 0 ? last : undefined })
  })
  page('/records/:index', (frame, ctx) => showRecord(frame, ctx, deps))
  page('/agencies', async frame => agenciesPage(frame, await agencies.list()))
  page('/agencies/:id', async (frame, ctx) => {
    const agency = await findAgency(String(ctx.params.id), deps)
    if (agency === undefined) return missingPage(frame, ctx, frame.say('agency.notFound'))
    const before = readCursor(ctx)
    const indexes = await ledger.listByAgency(agency.id, before ?? Number.MAX_SAFE_INTEGER, LIST_LENGTH)
    const older = indexes.length === LIST_LENGTH ? indexes.at(-1) : undefined
    return agencyPage(frame, { agency, entries: await readEntries(ledger, indexes), before, older })
  })
  page('/anchors', async frame => anchorsPage(frame, await newestAnchors(ledger, ANCHORS_SHOWN)))
  page('/about', frame => aboutPage(frame, { offlineSha256: offline().sha256 }))
  page('/search', async (frame, ctx) => {
    const query = String(ctx.query.q ?? '')
      .slice(0, 512)
      .toWellFormed()
    const { agencies, indexes, older } = await searchRecords(deps, query, readCursor(ctx) ?? Number.MAX_SAFE_INTEGER)
    const behind = ledger.head().size - finder.reached()
    return searchPage(frame, { query, agencies, entries: await readEntries(ledger, indexes), older, behind })
  })
  page('/verify', (frame, ctx) => {
    const { base, say } = frame
    const data: PageData = {
      lang: say.lang,
      languages: { [say.lang]: browserMessages(say.lang as Language) },
      policy: JSON.parse(JSON.stringify(policy())),
      endpoints: publicEndpoints,
      ledger: { url: '', base, origin: ledger.origin },
    }
    ctx.set('Content-Security-Policy', securityPolicy(true))
    return verifyPage(frame, { data, scriptHref: assets.script.path })
  })
  page('/verify', (frame, ctx) => answerForm(frame, ctx, deps), 'post')

  feed(router, deps)
  router.get('/openseal-verifier.html', async (ctx: Context) => {
    const { text, sha256 } = offline()
    ctx.type = 'text/html'
    // The file's own policy speaks; ours must not forbid its script.
    ctx.set('Content-Security-Policy', "default-src * 'unsafe-inline'; frame-ancestors 'none'")
    ctx.set('Repr-Digest', `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`)
    await sendText(ctx, text)
  })
  for (const asset of [assets.style, assets.script]) router.get(asset.path, (ctx: Context) => sendAsset(ctx, asset))
  router.get('/assets/icon.svg', (ctx: Context) => {
    ctx.type = 'image/svg+xml'
    ctx.body = ICON
  })
  return router
}

/** The frame of a request for a page at `pattern`; undefined where what stands before it is no language of ours. */
function frameOf(ctx: Context, pattern: string, deps: SiteDeps, styleHref: string): Frame | undefined {
  // Not by ctx.params: the router hands those of a pattern that passed a request on to the next one.
  const first = ctx.path.split('/')[1] ?? ''
  const prefix = Object.hasOwn(CATALOGUES, first) ? (first as Language) : undefined
  const base = prefix === undefined ? '' : `/${prefix}`
  const path = ctx.path.slice(base.length) || '/'
  if (path.split('/').length !== pattern.split('/').length || !path.startsWith(pattern.split(':')[0] ?? pattern)) return undefined
  if (pattern === '/' && path !== '/') return undefined
  const language = prefix === undefined ? negotiateLanguage(ctx.get('Accept-Language')) : prefix
  ctx.set('Content-Security-Policy', securityPolicy(false))
  ctx.set('Referrer-Policy', 'no-referrer')
  ctx.set('X-Content-Type-Options', 'nosniff')
  return { say: speak(language), base, path: path + ctx.search, origin: deps.ledger.origin, styleHref, banners: bannersOf(deps) }
}

function bannersOf({ ledger, policy, nowMs }: SiteDeps): Banners {
  const anchor = ledger.latestAnchor()
  const behind = ledger.head().size > (anchor?.size ?? 0) + (anchor ? 0 : 1)
  const anchoredMs = anchor && Date.parse(anchor.block.time)
  const lagging = anchoredMs === undefined ? 'never' : nowMs() - anchoredMs > LAG_ALARM_MS ? anchoredMs : undefined
  return {
    testNetwork: !policy().anchors.some(({ production }) => production),
    stopped: ledger.stopped() !== undefined,
    ...(behind && lagging !== undefined && { lagging }),
  }
}

async function showRecord(frame: Frame, ctx: Context, deps: SiteDeps): Promise<Page> {
  const { ledger, policy } = deps
  const index = /^(0|[1-9]\d{0,15})$/.test(ctx.params.index) ? Number(ctx.params.index) : -1
  if (index < 0 || index >= ledger.head().size) return missingPage(frame, ctx, frame.say('record.notFound'))
  const { statement, genesis } = await readEntry(ledger, index)
  if (genesis) return plainEntryPage(frame, index, 'genesis')
  if (statement === undefined) return plainEntryPage(frame, index, 'erased')
  const anchor = await ledger.anchorOf(index)
  const trusted = policy().anchors.find(
    ({ chainId, contract, logId }) => anchor && chainId === anchor.chainId && contract === anchor.contract && logId === anchor.logId,
  )
  return recordPage(frame, {
    index,
    statement,
    agency: await findAgency(statement.agency, deps),
    versions: await ledger.versions(index),
    anchor,
    production: trusted?.production === true,
    previous: anchor && (await anchorBefore(ledger, index)),
    siteUrl: siteUrl(ctx),
    qrSvg: await QRCode.toString(`${siteUrl(ctx)}/records/${index}`, { type: 'svg', margin: 2, errorCorrectionLevel: 'M' }),
  })
}

async function answerForm(frame: Frame, ctx: Context, deps: SiteDeps): Promise<Page> {
  const { say } = frame
  try {
    return verifiedPage(frame, await checkUpload(say, await readUpload(ctx.req), deps))
  } catch (error) {
    if (!(error instanceof UploadError)) throw error
    ctx.status = error.code === 'UPLOAD_MALFORMED' ? 400 : 413
    return verifiedPage(frame, {
      message: say(UPLOAD_PROBLEMS[error.code] ?? 'verify.serverNothing', { size: UPLOAD_LIMIT, count: MAX_UPLOAD_FILES }),
    })
  }
}

function feed(router: Router, deps: SiteDeps): void {
  const { ledger } = deps
  const send = (
    path: string,
    read: (ctx: Context, frame: Frame) => Promise<{ title: string; entries: readonly (Entry & { flag?: string })[] } | undefined>,
  ) =>
    router.get(`{/:lang}${path}`, async (ctx: Context, next: Next) => {
      const frame = frameOf(ctx, path, deps, '')
      const found = frame && (await read(ctx, frame))
      if (frame === undefined || found === undefined) return next()
      const { say, base, origin } = frame
      ctx.type = 'application/atom+xml; charset=utf-8'
      ctx.body = renderFeed(say, { ...found, siteUrl: siteUrl(ctx), path: ctx.path, origin, base })
    })
  send('/feed.atom', async (_, { say }) => ({
    title: say('feed.all'),
    entries: await readEntries(ledger, newestIndexes(ledger, Number.MAX_SAFE_INTEGER, FEED_LENGTH)),
  }))
  send('/agencies/:id/feed.atom', async (ctx, { say }) => {
    const agency = await findAgency(String(ctx.params.id), deps)
    if (agency === undefined) return undefined
    const indexes = await ledger.listByAgency(agency.id, Number.MAX_SAFE_INTEGER, FEED_LENGTH)
    return { title: say('feed.agency', { agency: agency.name }), entries: await readEntries(ledger, indexes) }
  })
  send('/changes.atom', async (_, { say }) => {
    const entries: (Entry & { flag: string })[] = []
    for (const entry of await readEntries(ledger, newestIndexes(ledger, Number.MAX_SAFE_INTEGER, CHANGES_SCAN))) {
      if (entry.statement === undefined || entries.length >= FEED_LENGTH) continue
      const withdrawn = entry.statement.action === 'withdraw'
      const own = withdrawn ? undefined : (await ledger.versions(entry.index)).find(({ index }) => index === entry.index)
      if (withdrawn || own?.flag === 'silent-edit')
        entries.push({ ...entry, flag: say(withdrawn ? 'action.withdraw' : 'flag.silent-edit') })
    }
    return { title: say('feed.watch'), entries }
  })
}

/** undefined where there is none. */
async function findAgency(id: string, { agencies }: SiteDeps): Promise<SiteAgency | undefined> {
  try {
    return await agencies.get(id)
  } catch (error) {
    if (error instanceof OpenSealError && error.code === 'AGENCY_NOT_FOUND') return undefined
    throw error
  }
}

function missingPage({ say }: Frame, ctx: Context, sentence: string): Page {
  ctx.status = 404
  const title = say('record.notFoundTitle')
  return { title, noIndex: true, main: html`<h1>${title}</h1><p>${sentence}</p>` }
}

/** The address that the reader used, for printed pages and feeds. */
function siteUrl({ protocol, host }: Context): string {
  return `${protocol}://${host}`
}

function readCursor(ctx: Context): number | undefined {
  const before = Number(ctx.query.before)
  return Number.isSafeInteger(before) && before > 0 ? before : undefined
}

/** Sends a page compressed where the browser takes that. No secret stands in a page, so that its length tells nothing. */
async function sendText(ctx: Context, text: string): Promise<void> {
  ctx.vary('Accept-Encoding')
  const zipped = ctx.acceptsEncodings('gzip', 'identity') === 'gzip'
  if (zipped) ctx.set('Content-Encoding', 'gzip')
  ctx.body = zipped ? await promisify(gzip)(text) : text
}

function sendAsset(ctx: Context, { type, body, gzip: zipped, brotli }: Asset): void {
  const encoding = ctx.acceptsEncodings('br', 'gzip', 'identity')
  ctx.vary('Accept-Encoding')
  ctx.set('Cache-Control', ASSET_CACHE)
  ctx.type = type
  if (encoding === 'br' || encoding === 'gzip') ctx.set('Content-Encoding', encoding)
  ctx.body = encoding === 'br' ? brotli : encoding === 'gzip' ? zipped : body
}

/** Pages load only from here; the verify page may also ask chain endpoints that its reader names. */
function securityPolicy(asksChain: boolean): string {
  const connect = asksChain ? "'self' http: https:" : "'none'"
  return `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src ${connect}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`
}
