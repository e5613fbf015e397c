/** The list of records, and the search in it: one page, whose whole state is in its address. */
import { fill, type Html, html } from '../../html.ts'
import { isolate } from '../../messages/say.ts'
import { sayNotPasted } from '../../messages/verdict.ts'
import { readPasted } from '../../verifier/index.ts'
import type { SiteAgency } from '../deps.ts'
import type { FoundList } from '../find.ts'
import type { Choices } from '../find-choices.ts'
import { addressOf, changeQuery, type FindQuery, isNarrowed } from '../find-query.ts'
import type { Frame, Page } from '../layout.ts'
import type { Entry } from '../records.ts'
import { ledgerData } from '../structured.ts'
import { renderBehind, renderEntries } from './entry-list.ts'
import { renderFindForm, sayCount } from './find-form.ts'
import { FOUNDED, renderWelcome } from './welcome.ts'

/** Everything that the list shows. */
type ListData = {
  readonly query: FindQuery
  /** Parts of the address that should have been days. */
  readonly badDates: readonly string[]
  readonly found: FoundList
  readonly choices: Choices
  readonly entries: readonly Entry[]
  /** The most entries of a page. */
  readonly limit: number
  /** The number of all entries of the log. */
  readonly size: number
  /** How many of the newest entries the finder has not read yet. */
  readonly behind: number
}

/** The form, what was found, and how far was searched. */
export function recordsPage(frame: Frame, data: ListData): Page {
  const { say } = frame
  const { query, badDates, found, choices, entries, size, behind } = data
  const isPlain = !isNarrowed(query)
  const isFirst = query.before === undefined && query.after === undefined
  return {
    title: query.q === undefined ? say('site.records') : `${isolate(query.q)} – ${say('site.search')}`,
    ...(isPlain && { description: say('describe.records'), structured: ledgerData(frame, size) }),
    noIndex: !isPlain || !isFirst,
    main: html`<h1>${say('site.records')}</h1>
${size <= FOUNDED && renderWelcome(frame)}
${renderFindForm(frame, query, choices)}
${badDates.map(date => html`<p>${fill(say('find.badDate'), { date: html`<bdi>${date}</bdi>` })}</p>`)}
${query.q !== undefined && behind > 0 ? html`<p class="small soft">${say('search.behind', { count: behind })}</p>` : renderBehind(frame, behind)}
${found.count && html`<h2>${isPlain ? `${say('home.entries')}: ` : ''}${isPlain ? sayCount(say, found.count) : say('search.results', { count: sayCount(say, found.count) })}</h2>`}
${renderHidden(frame, data)}
${renderNoAgency(frame, query, found.agencies)}
${found.named.length > 0 && renderAgencies(frame, found.named)}
${entries.length === 0 ? renderNothing(frame, data) : renderEntries(frame, entries)}
${renderNear(frame, query, found.near)}
${renderPlaces(frame, data)}
${isPlain && html`<p class="no-print"><a href="${frame.base}/feed.atom">${say('feed.all')} (Atom)</a></p>`}`,
  }
}

/** How many package files are left out, and how to see them. */
export function renderHidden(
  { say, base }: Frame,
  { query, found: { hidden } }: { readonly query: FindQuery; readonly found: Pick<FoundList, 'hidden'> },
): Html | false {
  const isLeftOut = query.packages === undefined && (hidden === undefined ? query.q !== undefined : hidden.count > 0)
  if (!isLeftOut) return false
  const show = html`<a href="${base}${addressOf(changeQuery(query, { packages: 'show' }))}">${say('find.showPackages')}</a>`
  const sentence = hidden === undefined || !hidden.isExact ? say('find.hiddenSome') : say('find.hidden', { count: hidden.count })
  return html`<p class="small soft">${sentence} ${show}</p>`
}

/** Agencies as links to their pages. */
function renderAgencies({ say, base }: Frame, agencies: readonly SiteAgency[]): Html {
  return html`<h3>${say('site.agencies')}</h3><ul class="list">${agencies.map(
    ({ id, name }) =>
      html`<li><a class="name" href="${base}/agencies/${encodeURIComponent(id)}"><bdi>${name}</bdi></a> <bdi class="soft small">${id}</bdi></li>`,
  )}</ul>`
}

/** The agencies that fit what was typed, if it was not one of them. */
function renderNoAgency({ say, base }: Frame, query: FindQuery, agencies: readonly SiteAgency[]): Html | false {
  if (query.agency === undefined || agencies.length === 0) return false
  const choose = ({ id, name }: SiteAgency) =>
    html`<li><a class="name" href="${base}${addressOf(changeQuery(query, { agency: id }))}"><bdi>${name}</bdi></a> <bdi class="soft small">${id}</bdi></li>`
  return html`<p>${fill(say('find.agencyMany'), { name: html`<bdi>${query.agency}</bdi>` })}</p><ul class="list">${agencies.map(choose)}</ul>`
}

function renderNothing({ say }: Frame, { query, found }: ListData): Html | false {
  const { agency, agencies, next } = found
  if (agencies.length > 0) return false
  if (query.agency !== undefined && agency === undefined)
    return html`<p>${fill(say('find.agencyNone'), { name: html`<bdi>${query.agency}</bdi>` })}</p>`
  if (next !== undefined) return html`<p>${say(query.sort === 'oldest' ? 'find.noneHereOldest' : 'search.noneHere')}</p>`
  if (query.q === undefined) return html`<p>${say(isNarrowed(query) ? 'find.none' : 'home.none')}</p>`
  const pasted = readPasted('', query.q)
  if (found.named.length > 0) return false
  return html`<p>${pasted.kind === 'other-hash' ? sayNotPasted(say, pasted) : say('search.none')}</p>`
}

function renderNear({ say, base }: Frame, query: FindQuery, near: readonly string[]): Html | false {
  if (near.length === 0) return false
  const links = near.map((q, at) => html`${at > 0 && ' · '}<a href="${base}${addressOf(changeQuery(query, { q }))}"><bdi>${q}</bdi></a>`)
  return html`<p>${say('find.near')} ${links}</p>`
}

/** The way to the next page. If the search was left off before the page was full, it says where. */
function renderPlaces({ say, base }: Frame, { query, found: { next }, entries, limit }: ListData): Html {
  const isOldest = query.sort === 'oldest'
  const isLeftOff = next !== undefined && entries.length < limit
  const first = query.before === undefined && query.after === undefined ? undefined : base + addressOf(changeQuery(query, {}))
  const onward = next === undefined ? undefined : base + addressOf(changeQuery(query, isOldest ? { after: next } : { before: next }))
  const goOn = isLeftOff ? 'find.goOn' : isOldest ? 'find.newer' : 'site.older'
  return html`${isLeftOff && html`<p class="small soft">${say(isOldest ? 'find.searchedUpTo' : 'find.searchedDownTo', { index: next })}</p>`}
<p class="row no-print">${first !== undefined && html`<a href="${first}">${say(isOldest ? 'find.first' : 'site.newest')}</a>`}
${onward !== undefined && html`<a href="${onward}">${say(goOn)}</a>`}</p>`
}
