/**
 * A failure as a page: what happened, what to do next, and the stable code below. It reads nothing
 * from the ledger, which may be what failed.
 */
import { OpenSealError } from '../core/errors.ts'
import { type Html, html } from '../html.ts'
import type { MessageKey } from '../messages/en.ts'
import { negotiateLanguage, speak } from '../messages/language.ts'
import { type Say, sayDuration } from '../messages/say.ts'
import { type Look, type Page, renderPage } from './layout.ts'
import { isAt, PAGES, PRIVATE_PAGES, placeOf } from './places.ts'

/**
 * The known facts of a failed request. `path` has no query; `accept` and `languages` are the
 * headers as sent.
 */
export type AskedPage = {
  readonly method: string
  readonly path: string
  readonly search: string
  readonly accept: string
  readonly languages: string
}

/** The failure: its status, its stable code, and its English sentence. */
export type Failure = { readonly status: number; readonly code: string; readonly detail: string }

/** Paths mainly for programs. */
const INTERFACE = /^\/(v1|tile)(\/|$)/

/**
 * Whether the answer should be a page: for a path of pages, or an Accept header that prefers HTML
 * to JSON or likes both equally. On the interface for programs, only browsers get a page: some
 * libraries ask for HTML by default, but none ask for XHTML.
 */
export function isPageAsked({ method, path, accept }: AskedPage): boolean {
  const html = weightOf(accept, 'text/html')
  if (html < Math.max(weightOf(accept, 'application/json'), weightOf(accept, 'application/problem+json'))) return false
  if (INTERFACE.test(path)) return html > 0 && weightOf(accept, 'application/xhtml+xml') > 0 && (method === 'GET' || method === 'HEAD')
  const place = placeOf(path)
  return html > 0 || PRIVATE_PAGES.test(place.path) || PAGES.some(page => isAt(place.path, page))
}

/**
 * The page as text, with its own headers. Without `look` it is for a service that has no site yet.
 */
export function renderProblemPage(
  { path: whole, search, languages }: AskedPage,
  failure: Failure,
  { look, retrySeconds }: { readonly look?: Look | undefined; readonly retrySeconds?: number | undefined },
): { readonly text: string; readonly language: string } {
  const { prefix, base, path } = placeOf(whole)
  const say = speak(prefix ?? negotiateLanguage(languages))
  // The interface for programs has no language menu.
  const shown = INTERFACE.test(path) ? undefined : path + search
  return { text: renderPage({ say, base, path: shown, ...look }, problemPage(say, base, failure, retrySeconds)), language: say.lang }
}

/** A failure's code in small print, to report. */
export function renderCode(say: Say, code: string): Html {
  return html`<p class="small soft">${say('problem.code', { code })}</p>`
}

function problemPage(say: Say, base: string, { status, code, detail }: Failure, retrySeconds: number | undefined): Page {
  const kind = BY_CODE[code] ?? BY_STATUS[status] ?? (status < 500 ? 'request' : 'failed')
  const [titleKey, textKey] = SAID[kind]
  const title = say(titleKey)
  return {
    title,
    noIndex: true,
    main: html`<h1>${title}</h1>
<p>${say(textKey)}</p>
${retrySeconds !== undefined && html`<p>${say('problem.wait', { duration: sayDuration(say, retrySeconds) })}</p>`}
<p class="row"><a class="button" href="${base}/">${say('site.home')}</a> <a class="button quiet" href="${base}/verify">${say('verify.title')}</a> <a class="button quiet" href="${base}/records">${say('site.search')}</a></p>
${renderCode(say, code)}
<details class="small"><summary>${say('result.details')}</summary><p lang="en" dir="ltr">${detail}</p></details>`,
  }
}

/** Failures with a title and a sentence of their own. */
const SAID = {
  request: ['problem.request.title', 'problem.request'],
  key: ['problem.key.title', 'problem.key'],
  missing: ['record.notFoundTitle', 'site.notFound'],
  noRecord: ['record.notFoundTitle', 'record.notFound'],
  noAgency: ['record.notFoundTitle', 'agency.notFound'],
  method: ['problem.method.title', 'problem.method'],
  slow: ['problem.slow.title', 'problem.slow'],
  erased: ['record.erasedTitle', 'record.erased'],
  large: ['problem.large.title', 'problem.large'],
  type: ['problem.type.title', 'problem.type'],
  often: ['problem.often.title', 'problem.often'],
  failed: ['problem.failed.title', 'problem.failed'],
  damaged: ['problem.damaged.title', 'problem.damaged'],
  busy: ['problem.busy.title', 'problem.busy'],
  check: ['problem.check.title', 'problem.check'],
} as const satisfies { readonly [kind: string]: readonly [MessageKey, MessageKey] }

type Kind = keyof typeof SAID

const BY_STATUS: { readonly [status: number]: Kind } = {
  401: 'key',
  403: 'key',
  404: 'missing',
  405: 'method',
  408: 'slow',
  410: 'erased',
  413: 'large',
  415: 'type',
  429: 'often',
  503: 'busy',
}

const BY_CODE: { readonly [code: string]: Kind } = {
  CHECK_DEADLINE: 'check',
  CHECK_FAILED: 'check',
  RECORD_NOT_FOUND: 'noRecord',
  AGENCY_NOT_FOUND: 'noAgency',
  LEDGER_DAMAGED: 'damaged',
  STORE_DAMAGED: 'damaged',
}

/** The weight of a type in an Accept header, from 0 to 1; 0 for a type that it does not name. */
function weightOf(accept: string, type: string): number {
  const ranges = accept.toLowerCase().slice(0, 1000).split(',')
  const found = ranges.map(range => range.trim().split(/\s*;\s*/)).find(([name]) => name === type)
  if (found === undefined) return 0
  const weight = found.find(parameter => parameter.startsWith('q='))
  return weight === undefined ? 1 : Number(weight.slice(2)) || 0
}

/** RECORD_NOT_FOUND, AGENCY_NOT_FOUND: the requested page does not exist. */
export class MissingError extends OpenSealError {}
