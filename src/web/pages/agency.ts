/** The agencies, and one of them. */

import { html } from '../../html.ts'
import { isolate, sayNumber } from '../../messages/say.ts'
import type { SiteAgency, SiteCounts } from '../deps.ts'
import type { Frame, Page } from '../layout.ts'
import type { Entry } from '../records.ts'
import { renderBehind, renderEntries } from './entry-list.ts'

const LISTED = 100

/** The agencies by name, a page at a time; `from` is the number of agencies before this page. */
export function agenciesPage({ say, base }: Frame, agencies: readonly SiteAgency[], from: number): Page {
  const { compare } = new Intl.Collator(say.lang)
  const sorted = agencies.toSorted((a, b) => compare(a.name, b.name))
  const more = from + LISTED < sorted.length && from + LISTED
  return {
    title: say('site.agencies'),
    description: say('describe.agencies'),
    ...(from > 0 && { address: `/agencies?from=${from}` }),
    main: html`<h1>${say('site.agencies')}</h1>
${agencies.length === 0 && html`<p>${say('agency.none')}</p>`}
<ul class="list">${sorted.slice(from, from + LISTED).map(({ id, name }) => html`<li><a class="name" href="${base}/agencies/${encodeURIComponent(id)}"><bdi>${name}</bdi></a><p class="soft small"><bdi>${id}</bdi></p></li>`)}</ul>
<p class="row no-print">${from > 0 && html`<a href="${base}/agencies">${say('agency.first')}</a>`}
${more !== false && html`<a href="${base}/agencies?from=${more}">${say('agency.more')}</a>`}</p>`,
  }
}

/** An agency and its records, a page at a time. */
export function agencyPage(
  frame: Frame,
  data: {
    readonly agency: SiteAgency
    readonly counts: SiteCounts
    readonly entries: readonly Entry[]
    readonly before: number | undefined
    readonly older: number | undefined
    /** How many of the newest entries the finder has not read yet. */
    readonly behind: number
  },
): Page {
  const { say, base } = frame
  const { id, name } = data.agency
  const { entries, amend, withdraw, 'silent-edit': edits } = data.counts
  const count = (value: number) => sayNumber(say, value)
  const here = `${base}/agencies/${encodeURIComponent(id)}`
  return {
    title: isolate(name),
    description: say('describe.agency', { agency: isolate(name) }),
    ...(data.before !== undefined && { noIndex: true }),
    feed: `${here}/feed.atom`,
    main: html`<h1><bdi>${name}</bdi></h1>
<dl class="facts"><dt>${say('agency.id')}</dt><dd><bdi>${id}</bdi></dd></dl>
<p>${say('agency.count', { entries: count(entries), edits: count(edits), amendments: count(amend), withdrawals: count(withdraw) })}</p>
<h2>${say('agency.records')}</h2>
${renderBehind(frame, data.behind)}
${renderEntries(frame, data.entries)}
<p class="row no-print">${data.before !== undefined && html`<a href="${here}">${say('site.newest')}</a>`}
${data.older !== undefined && html`<a href="${here}?before=${data.older}">${say('site.older')}</a>`}</p>
<p class="no-print"><a href="${here}/feed.atom">${say('feed.agency', { agency: isolate(name) })} (Atom)</a></p>`,
  }
}
