/**
 * The pages for people, as routes: every page in every language, the offline verifier and the
 * static files.
 */

import { createHash } from 'node:crypto'
import Router from '@koa/router'
import type { Context, Middleware, Next } from 'koa'
import { createRow } from '../at-once.ts'
import { isAuthority } from '../core/policy-anchors.ts'
import { formatTrustList } from '../core/trust.ts'
import type { Html } from '../html.ts'
import { speakDesk } from '../messages/desk/speak.ts'
import { browserMessages, type Language } from '../messages/language.ts'
import { RANGES, readActivity } from './activity.ts'
import { loadAssets } from './assets.ts'
import type { PageData } from './browser/page-data.ts'
import { CHECK_LIMITS, type Checker, createChecker } from './checker.ts'
import { crawlerRoutes } from './crawlers.ts'
import type { SiteDeps } from './deps.ts'
import { feedRoutes } from './feeds.ts'
import { findEntries } from './find.ts'
import { readChoices } from './find-choices.ts'
import { isNarrowed, readFindQuery } from './find-query.ts'
import { frameOf, readChoice, readCursor, readWaiting, sendAsset, sendPage, sendText } from './frame.ts'
import { drawMark } from './icons.ts'
import { type Frame, type Links, type Look, type Page, securityPolicy } from './layout.ts'
import { makeOfflineVerifier } from './offline.ts'
import { aboutPage } from './pages/about.ts'
import { agenciesPage, agencyPage } from './pages/agency.ts'
import { anchorsPage } from './pages/anchors.ts'
import { renderChangers } from './pages/changers.ts'
import { CHANGE_KINDS, changesPage, renderTabs } from './pages/changes.ts'
import { erasuresPage } from './pages/erased.ts'
import { type HomeData, homePage } from './pages/home.ts'
import { joinPage } from './pages/join.ts'
import { recordsPage } from './pages/records.ts'
import { removalPage } from './pages/removal.ts'
import { renderToolScripts, verifyPage } from './pages/verify.ts'
import { type PagePath, placeOf } from './places.ts'
import { MissingError } from './problem-page.ts'
import { receiptFileRoutes } from './receipts.ts'
import { countBehind, type Entry, findAgency, pageOf, readChangers, readEntries, readRounds, readWaits } from './records.ts'
import { responsibleRoutes } from './responsible.ts'
import { showCertificate, showRecord } from './show-record.ts'

const LIST_LENGTH = 25
/** Addresses of a search. */
const HITS = 50
const PAGES_OF_RECORDS_AT_ONCE = 2
/** The cost of a request, in ordinary requests. */
const COST = { search: 10, form: 40 }
const ANCHORS_LISTED = 50
const HOME = { records: 8, changes: 4 } as const
const NEWEST = Number.MAX_SAFE_INTEGER

/** A page to be put into its frame, or a complete one. */
type Answer = Page | string | undefined
type Reply = (frame: Frame, ctx: Context) => Promise<Answer> | Answer
type AddPage = (path: PagePath, reply: Reply, method?: 'get' | 'post') => void

/** The site, for the application. `look` is for pages made elsewhere: those of failures. */
export type Site = { routes(): Middleware; readonly look: Look; readonly parts: SiteParts }

/** The parts of the site from which the desk and the operator's page are made. */
export type SiteParts = {
  /** The frame of a request at a pattern; undefined if its path begins with an unknown language. */
  frame(ctx: Context, pattern: string): Promise<Frame | undefined>
  entries(indexes: readonly number[]): Promise<Entry[]>
  /** How many of the newest entries the finder has not read yet. */
  behind(): number
  /** Checks what a program gave, in the places of the readers' forms. */
  readonly checkGiven: Checker['checkGiven']
  /** Describes uploaded files. The desk has places of its own, which no reader can take. */
  readonly describe: Checker['describe']
  /** The address of the desk's script. */
  readonly deskScript: string
}

/** One more than an agency may have, so that no agency holds them all. */
const FORMS_AT_THE_DESK = 3

/** Where the operator's list is served. */
const TRUST_PATH = '/trust.json'

/** All routes. Bundles the browser's code first, unless it was built before. */
export async function siteRoutes(deps: SiteDeps): Promise<Site> {
  const { policy, others, publicEndpoints } = deps
  const assets = await loadAssets()
  const links: Links = {
    styleHref: assets.style.path,
    timesHref: assets.timesScript.path,
    touchIconHref: assets.images.touchIcon.path,
    socialHref: assets.images.social.path,
  }
  const router = new Router()
  let made: { readonly of: string; readonly file: ReturnType<typeof makeOfflineVerifier> } | undefined
  /** Made once for each policy, because packing takes longer than any page. */
  const offline = () => {
    const offered = policy()
    const of = JSON.stringify(offered)
    if (made?.of !== of)
      made = { of, file: makeOfflineVerifier({ policy: offered, others, endpoints: publicEndpoints, scriptText: assets.offlineScript }) }
    return made.file
  }

  /**
   * Adds a page under its path, with and without a language in front. If the page is `undefined`,
   * the request is passed on.
   */
  const page: AddPage = (path, reply, method = 'get') => {
    router[method](path === '/' ? ['/', '/:lang'] : `{/:lang}${path}`, async (ctx: Context, next: Next) => {
      const frame = await frameOf(ctx, path, deps, links)
      const answer = frame && (await reply(frame, ctx))
      if (frame === undefined || answer === undefined) return next()
      await sendPage(ctx, frame, answer)
    })
  }
  let tools = { of: '', byPlace: new Map<string, Html>() }
  /**
   * The scripts of the tool for checking files, made once for each policy and language. A page with
   * the tool may ask chain endpoints.
   */
  const toolOf = ({ base, say }: Frame, ctx: Context): Html => {
    ctx.set('Content-Security-Policy', securityPolicy('chains'))
    const of = JSON.stringify(policy())
    if (tools.of !== of) tools = { of, byPlace: new Map() }
    const place = `${say.lang} ${base}`
    const data = (): PageData => ({
      lang: say.lang,
      languages: { [say.lang]: browserMessages(say.lang as Language) },
      policy: JSON.parse(of),
      ...(others && { others: TRUST_PATH }),
      endpoints: publicEndpoints,
      ledger: { url: '', base, origin: deps.ledger.origin },
    })
    const scripts = tools.byPlace.get(place) ?? renderToolScripts({ data: data(), scriptHref: assets.scripts[0]?.path ?? '' })
    tools.byPlace.set(place, scripts)
    return scripts
  }
  page('/', async (frame, ctx) => homePage(frame, { ...(await readHome(deps)), tool: toolOf(frame, ctx) }))
  recordPages(page, deps, assets.recordScript.path)
  otherPages(page, deps)
  page('/about', frame => aboutPage(frame, { offlineSha256: offline().sha256, hasStamps: deps.policy().anchors.some(isAuthority) }))
  page('/for-agencies', frame => joinPage(frame, speakDesk(frame.say.lang as Language)))
  page('/removal', frame => removalPage(frame, speakDesk(frame.say.lang as Language), deps.ledger))
  page('/verify', (frame, ctx) => verifyPage(frame, toolOf(frame, ctx)))
  const checker = createChecker(deps)
  page('/verify', (frame, ctx) => answerForm(frame, ctx, checker), 'post')
  responsibleRoutes(router, page, deps.operator ?? {})
  // The address of the search before it became a part of the list.
  router.get('{/:lang}/search', async (ctx: Context, next: Next) => {
    const { base, path } = placeOf(ctx.path)
    if (path !== '/search') return void (await next())
    ctx.status = 301
    ctx.redirect(`${base}/records${ctx.search}`)
  })
  receiptFileRoutes(router, deps)
  feedRoutes(router, deps)
  crawlerRoutes(router, deps)

  if (others !== undefined) {
    const text = formatTrustList(others)
    router.get(TRUST_PATH, async (ctx: Context) => {
      ctx.type = 'application/json'
      await sendText(ctx, text)
    })
  }
  router.get('/openseal-verifier.html', async (ctx: Context) => {
    const { text, securityPolicy } = offline()
    ctx.type = 'text/html'
    ctx.set('Content-Security-Policy', `${securityPolicy}; frame-ancestors 'none'`)
    await sendText(ctx, text)
    // The digest of the bytes as they are sent, compressed or not: RFC 9530 §3.
    ctx.set(
      'Repr-Digest',
      `sha-256=:${createHash('sha256')
        .update(ctx.body as string | Buffer)
        .digest('base64')}:`,
    )
  })
  for (const asset of [assets.style, ...assets.scripts, ...Object.values(assets.images)])
    router.get(asset.path, (ctx: Context) => sendAsset(ctx, asset))
  router.get('/assets/icon.svg', (ctx: Context) => {
    ctx.type = 'image/svg+xml'
    ctx.body = drawMark('dark')
  })
  // The router itself adds what its type requires of a context.
  return {
    routes: () => router.routes() as unknown as Middleware,
    look: { ...links, origin: deps.ledger.origin, siteUrl: deps.url, operator: deps.operator },
    parts: {
      frame: (ctx, pattern) => frameOf(ctx, pattern, deps, links),
      entries: indexes => readEntries(deps, indexes),
      behind: () => countBehind(deps),
      checkGiven: checker.checkGiven,
      describe: createChecker(deps, { ...CHECK_LIMITS, atOnce: FORMS_AT_THE_DESK }).describe,
      deskScript: assets.deskScript.path,
    },
  }
}

/** The parts of the ledger that the start page shows. */
async function readHome(deps: SiteDeps): Promise<Omit<HomeData, 'tool'>> {
  const { ledger, finder, notAccepting } = deps
  const latest = await readEntries(deps, (await findEntries(deps, {}, HOME.records)).indexes)
  const found = await finder.changes(['silent-edit', 'withdraw'], NEWEST, HOME.changes)
  const changes = await readEntries(
    deps,
    found.map(({ index }) => index),
  )
  const isAccepting = ledger.stopped() === undefined && notAccepting?.() === undefined
  const state = { size: ledger.head().size, round: ledger.latestRound(), waiting: await readWaiting(deps), isAccepting }
  return { state, latest, changes, behind: countBehind(deps) }
}

/** Lists of records, one record, agencies. */
function recordPages(page: AddPage, deps: SiteDeps, scriptHref: string): void {
  const { ledger, finder, agencies } = deps
  page('/records', async (frame, ctx) => {
    const read = readFindQuery(ctx)
    const { query } = read
    if (isNarrowed(query)) ctx.state.cost = COST.search
    const limit = query.q === undefined ? LIST_LENGTH : HITS
    const found = await findEntries(deps, query, limit)
    const choices = await readChoices(deps, query, found, frame.say.lang)
    const entries = await readEntries(deps, found.indexes)
    return recordsPage(frame, { ...read, found, choices, entries, limit, size: ledger.head().size, behind: countBehind(deps) })
  })
  // A long history takes memory while it is shown.
  const inRow = createRow(PAGES_OF_RECORDS_AT_ONCE)
  page('/records/:index', (frame, ctx) => inRow(() => showRecord(frame, ctx, deps, scriptHref)))
  page('/records/:index/certificate', (frame, ctx) => inRow(() => showCertificate(frame, ctx, deps)))
  page('/agencies', async (frame, ctx) =>
    agenciesPage(frame, await agencies.list(), { from: readCursor(ctx, 'from') ?? 0, counts: id => finder.counts(id) }),
  )
  page('/agencies/:id', async (frame, ctx) => {
    const agency = await findAgency(String(ctx.params.id), deps)
    if (agency === undefined) throw new MissingError('AGENCY_NOT_FOUND', 'There is no agency with this address.')
    const before = readCursor(ctx)
    const { indexes, next: older, hidden } = await findEntries(deps, { agency: agency.id, before }, LIST_LENGTH)
    const counts = { ...(await finder.counts(agency.id)), ...(await finder.facets(agency.id)) }
    const entries = await readEntries(deps, indexes)
    return agencyPage(frame, { agency, counts, hidden, entries, before, older, behind: countBehind(deps) })
  })
}

/** Changes, anchors. */
function otherPages(page: AddPage, deps: SiteDeps): void {
  const { ledger, finder } = deps
  page('/changes', async (frame, ctx) => {
    const before = readCursor(ctx)
    const kind = readChoice(ctx, 'kind', [...CHANGE_KINDS, 'erased' as const])
    if (kind === 'erased') {
      const erasures = await ledger.listErasures(before ?? NEWEST, LIST_LENGTH + 1)
      const shown = erasures.slice(0, LIST_LENGTH)
      const older = erasures.length > LIST_LENGTH ? shown.at(-1)?.tombstone : undefined
      return erasuresPage(frame, { erasures: shown, before, older, tabs: renderTabs(frame, kind) })
    }
    const changes = await finder.changes(kind === undefined ? CHANGE_KINDS : [kind], before ?? NEWEST, LIST_LENGTH + 1)
    const changeOf = new Map(changes.map(change => [change.index, change]))
    const { indexes, older } = pageOf([...changeOf.keys()], LIST_LENGTH)
    const entries = await readEntries(deps, indexes)
    const changed = entries.map(entry => {
      const change = changeOf.get(entry.index)!
      // The line of the change itself says this already.
      const { edited, isSilentEdit, ...others } = entry.state
      return { ...entry, change, state: change.kind === 'silent-edit' ? others : entry.state }
    })
    const changers = kind === undefined && before === undefined && renderChangers(frame, await readChangers(deps))
    return changesPage(frame, { kind, entries: changed, before, older, behind: countBehind(deps), changers })
  })
  page('/anchors', async (frame, ctx) => {
    const before = readCursor(ctx)
    const anchors = await ledger.newestAnchors(before ?? NEWEST, ANCHORS_LISTED + 1)
    const shown = anchors.slice(0, ANCHORS_LISTED)
    const next = anchors[ANCHORS_LISTED]
    const activity = await readActivity(deps, readChoice(ctx, 'range', RANGES))
    const older = next && shown.at(-1)?.size
    const waiting = await readWaiting(deps)
    const vouchers = deps.vouchers?.() ?? []
    const roundsBefore = readCursor(ctx, 'checkpoints')
    // With a single chain, the list of anchors says the same.
    const hasRounds = before === undefined && (vouchers.length > 1 || roundsBefore !== undefined)
    return anchorsPage(frame, {
      rounds: hasRounds ? await readRounds(deps, roundsBefore) : undefined,
      anchors: await readWaits(ledger, shown, next?.size ?? 0),
      activity,
      before,
      older,
      waiting: waiting.count,
      vouchers,
      behind: countBehind(deps),
    })
  })
}

async function answerForm({ say, ...frame }: Frame, ctx: Context, checker: Checker): Promise<string> {
  ctx.state.cost = COST.form
  const { status, page, download } = await checker.check(ctx.req, { lang: say.lang as Language, frame })
  ctx.status = status
  if (download !== undefined) {
    ctx.type = download.type
    ctx.attachment(download.name)
    ctx.type = download.type
  }
  return page
}
