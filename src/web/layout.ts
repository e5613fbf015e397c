/** The frame of every page: head, menu, banners, foot, languages. */

import { fill, type Html, html, type Piece } from '../html.ts'
import type { MessageKey } from '../messages/en.ts'
import { LANGUAGE_TAGS, LANGUAGES, type Language } from '../messages/language.ts'
import { isolate, type Say, sayNumber } from '../messages/say.ts'
import { renderTold, type Told } from './head.ts'
import { icon, mark } from './icons.ts'
import { renderTime } from './time.ts'

/** The data of every page. */
type Outline = {
  readonly say: Say
  /** `/fr` if the URL has a language, otherwise empty. Goes before every link to a page. */
  readonly base: string
  /**
   * The path without the language, with its query, for the links of the language menu. If
   * undefined, they lead to the start page.
   */
  readonly path: string | undefined
}

/** The paths of the static files that every page's head links. */
export type Links = {
  readonly styleHref: string
  readonly touchIconHref?: string
  readonly socialHref?: string
  readonly timesHref?: string
}

/** The static files, the name and the address of the ledger, and who is responsible. */
export type Look = Links & {
  readonly origin: string
  /** The ledger's public address, without a final slash; missing where no page is to be found. */
  readonly siteUrl?: string | undefined
  readonly operator?: Operator | undefined
}

/** The operator of the ledger, as configured. */
export type Operator = {
  readonly name?: string | undefined
  readonly contact?: string | undefined
  /** The operator's own pages; missing: `/legal` and `/privacy` of this service. */
  readonly legalUrl?: string | undefined
  readonly privacyUrl?: string | undefined
  readonly logo?: Logo | undefined
}

/** A logo and its address, which contains its hash. */
export type Logo = { readonly path: string; readonly type: string; readonly body: Uint8Array }

/** The facts that the frame needs of the request and of the ledger. */
export type Frame = Outline &
  Look & {
    readonly banners: Banners
    /** Whether more than one chain alone vouches for this ledger. */
    readonly byOthers?: boolean | undefined
  }

/** Announcements for every page. */
export type Banners = {
  readonly testNetwork: boolean
  readonly stopped: boolean
  /** The owner has closed the log: its last good size, and the successor log. */
  readonly closing?: { readonly lastGoodSize: number; readonly successor?: string } | undefined
  /** Submissions are refused for now. */
  readonly notAccepting: boolean
  /**
   * How many entries have waited too long, and since when. `behind` are the names of vouchers that
   * are behind; missing where one chain vouches alone.
   */
  readonly waiting?: { readonly count: number; readonly sinceMs: number; readonly behind?: readonly string[] }
}

/** One page: what it tells of itself, the content of `main`, and what its head needs beyond that. */
export type Page = Told & {
  readonly main: Piece
  readonly feed?: string
  readonly scripts?: Piece
  /**
   * Where a form is sent to be shown in another language, and its id. A page that is the answer to a
   * form has no address of its own, and a link would lose what was typed.
   */
  readonly resend?: { readonly path: string; readonly form: string } | undefined
}

const MENU: readonly (readonly [string, MessageKey])[] = [
  ['/verify', 'verify.title'],
  ['/records', 'site.records'],
  ['/changes', 'site.changes'],
  ['/agencies', 'site.agencies'],
  ['/anchors', 'site.anchors'],
  ['/about', 'site.about'],
]

/**
 * A complete page as text. Unknown facts of the ledger are left out, because failures are shown
 * with this too.
 */
export function renderPage(frame: Outline & Partial<Frame>, page: Page): string {
  const { say, base, origin, operator, styleHref, touchIconHref, timesHref } = frame
  return html`<!doctype html>
<html lang="${say.lang}" dir="${say.dir}">
<head>
<meta charset="utf-8">
<title>${page.title} – ${say('site.name')}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${page.noIndex && html`<meta name="robots" content="noindex">`}
${styleHref !== undefined && html`<link rel="stylesheet" href="${styleHref}">`}
${timesHref !== undefined && html`<script type="module" blocking="render" src="${timesHref}"></script>`}
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
${renderTold({ ...frame, siteName: say('site.name') }, page)}
${touchIconHref !== undefined && html`<link rel="apple-touch-icon" href="${touchIconHref}">`}
<link rel="alternate" type="application/atom+xml" href="${page.feed ?? `${base}/feed.atom`}" title="${say('site.feed')}">
<link rel="alternate" type="application/feed+json" href="${(page.feed ?? `${base}/feed.atom`).replace(/atom$/, 'json')}" title="${say('site.feed')}">
</head>
<body>
<a class="skip" href="#main">${say('site.skip')}</a>
<header class="top"><div class="wrap bar">
<a class="brand" href="${base}/">${mark('light')}${say('site.name')}</a>
${operator?.name !== undefined && html`<p class="tag"><bdi>${operator.name}</bdi></p>`}
${renderLanguages(frame, page.resend)}
<nav class="menu" aria-label="${say('site.menu')}"><ul>${MENU.map(([path, key]) => menuItem(frame, path, key))}</ul></nav>
</div></header>
<main id="main" tabindex="-1"><div class="wrap">
${renderBanners(frame)}
${page.main}
</div></main>
<footer class="foot"><div class="wrap">
${renderOperator(frame)}
<p>${origin !== undefined && html`${say('site.ledger', { origin: isolate(origin) })} · `}<a href="${base}/records">${say('site.search')}</a> · <a href="${page.feed ?? `${base}/feed.atom`}">${say('site.feed')}</a> · <a href="${base}/for-agencies">${say('site.join')}</a> · <a href="${base}/removal">${say('site.removal')}</a></p>
</div></footer>
${page.scripts}
</body>
</html>
`.safe
}

/** A contact: a link if it is an e-mail address or a web address. */
export function renderContact(contact: string): Html {
  const href = /^https?:\/\/\S+$/.test(contact) ? contact : /^[^\s@]+@[^\s@]+$/.test(contact) ? `mailto:${contact}` : undefined
  return href === undefined ? html`<bdi>${contact}</bdi>` : html`<a href="${href}"><bdi>${contact}</bdi></a>`
}

function menuItem({ say, base, path }: Outline, href: string, key: MessageKey): Html {
  const here = path?.split('?')[0] === href
  return html`<li><a href="${base}${href}"${here && html` aria-current="page"`}>${say(key)}</a></li>`
}

/**
 * The menu of languages: one line until it is opened, without a script. If a language is a button
 * of the page's form, a hidden button comes first: the Enter key presses the first one of a form.
 */
function renderLanguages(frame: Outline, resend: Page['resend']): Html {
  const { say } = frame
  return html`<nav class="tongue" aria-label="${say('site.languages')}">${resend !== undefined && html`<button type="submit" form="${resend.form}" hidden></button>`}<details class="langs"><summary><span class="sr">${say('site.languages')}: </span>${icon('globe')} ${LANGUAGES[say.lang as Language]}</summary>
<ul>${LANGUAGE_TAGS.map(tag => languageItem(frame, tag, resend))}</ul></details></nav>`
}

function languageItem({ say, path }: Outline, tag: keyof typeof LANGUAGES, resend: Page['resend']): Html {
  const attributes = html`lang="${tag}" dir="${tag === 'ar' ? 'rtl' : 'ltr'}"${say.lang === tag && html` aria-current="true"`}`
  if (resend !== undefined)
    return html`<li><button type="submit" class="link" form="${resend.form}" formaction="/${tag}${resend.path}" formnovalidate ${attributes}>${LANGUAGES[tag]}</button></li>`
  return html`<li><a href="/${tag}${path ?? '/'}" hreflang="${tag}" ${attributes}>${LANGUAGES[tag]}</a></li>`
}

/** The operator, with links to the pages about responsibility and privacy. */
function renderOperator({ say, base, operator }: Outline & Partial<Frame>): Html {
  const { name, contact, legalUrl, privacyUrl, logo } = operator ?? {}
  const link = (own: string, elsewhere: string | undefined, key: MessageKey) =>
    elsewhere === undefined ? html`<a href="${base}${own}">${say(key)}</a>` : html`<a href="${elsewhere}" rel="external">${say(key)}</a>`
  return html`<p class="operator">${logo && html`<img class="logo" src="${logo.path}" alt=""> `}${[
    name !== undefined && html`${fill(say('site.responsible'), { name: html`<bdi>${name}</bdi>` })} · `,
    contact !== undefined && html`${renderContact(contact)} · `,
  ]}${link('/legal', legalUrl, 'site.legal')} · ${link('/privacy', privacyUrl, 'site.privacy')}</p>`
}

/** All announcements in one box, so that the first screen of a telephone shows the page too. */
function renderBanners({ say, banners, origin, operator }: Outline & Partial<Frame>): Html | false {
  const { stopped, closing, notAccepting, waiting, testNetwork } = banners ?? {}
  const sentences = [
    closing && renderClosing(say, closing),
    closing === undefined && (stopped ? say('site.stopped') : notAccepting && say('site.notAccepting')),
    closing === undefined && waiting !== undefined && renderWaiting(say, waiting),
    testNetwork && say('site.testNetwork'),
    // The page of a failure at the start does not know the operator.
    origin !== undefined && warnOfUnnamed(say, operator),
  ].filter(sentence => sentence !== false && sentence !== undefined)
  return (
    sentences.length > 0 &&
    html`<div class="banner">${icon('warn')}<p>${sentences.map((sentence, at) => html`${at > 0 && ' '}${sentence}`)}</p></div>`
  )
}

/** The warning of a ledger whose operator has set no name or no contact. */
function warnOfUnnamed(say: Say, { name, contact }: Operator = {}): string | false {
  if (name === undefined) return say('site.unnamed')
  return contact === undefined && say('site.unreachable')
}

function renderWaiting(say: Say, { count, sinceMs, behind }: NonNullable<Banners['waiting']>): Html {
  const key = behind === undefined ? 'site.alarm' : behind.length > 0 ? 'site.alarmBehind' : 'site.alarmFew'
  const names = behind?.map((name, at) => html`${at > 0 && ', '}<bdi>${name}</bdi>`)
  return fill(say(key, { count: sayNumber(say, count) }), { date: renderTime(say, sinceMs), names: html`${names}` })
}

function renderClosing(say: Say, { lastGoodSize, successor }: NonNullable<Banners['closing']>): Html {
  const next = successor !== undefined && html` ${say('site.closedSuccessor', { log: successor })}`
  const good = lastGoodSize === 0 ? say('site.closedNone') : say('site.closedGood', { count: lastGoodSize })
  return html`${say('site.closed')} ${good}${next}`
}

/** The servers that the script of a page may ask: none, its own, or also any chain endpoint. */
export type Connections = 'nobody' | 'own' | 'chains'

const CONNECT = { nobody: "'none'", own: "'self'", chains: "'self' http: https:" } as const

/**
 * Pages load only from their own origin. The verify page may also ask the chain endpoints that its
 * reader names.
 */
export function securityPolicy(connections: Connections): string {
  const connect = CONNECT[connections]
  return `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src ${connect}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`
}
