/** The agencies, and one of them. */

import { type Html, html } from '../../html.ts'
import { isolate, sayNumber } from '../../messages/say.ts'
import { breathe } from '../../turns.ts'
import type { SiteAgency, SiteCount, SiteCounts, SiteFacets } from '../deps.ts'
import { addressOf } from '../find-query.ts'
import type { Frame, Page } from '../layout.ts'
import type { Entry } from '../records.ts'
import { renderBehind, renderEntries } from './entry-list.ts'
import { renderHidden } from './records.ts'

const LISTED = 100

/** The agencies by name, a page at a time; `from` is the number of agencies before this page. */
export async function agenciesPage(
  { say, base }: Frame,
  agencies: readonly SiteAgency[],
  { from, counts }: { readonly from: number; readonly counts: (id: string) => Promise<SiteCounts> },
): Promise<Page> {
  const { compare } = new Intl.Collator(say.lang)
  const sorted = agencies.toSorted((a, b) => compare(a.name, b.name))
  const more = from + LISTED < sorted.length && from + LISTED
  const shown: Html[] = []
  for (const { id, name } of sorted.slice(from, from + LISTED)) {
    await breathe()
    const { entries } = await counts(id)
    shown.push(html`<li><a class="name" href="${base}/agencies/${encodeURIComponent(id)}"><bdi>${name}</bdi></a>
<p class="soft small"><bdi>${id}</bdi> · ${say('home.entries')}: ${sayNumber(say, entries)}</p></li>`)
  }
  return {
    title: say('site.agencies'),
    description: say('describe.agencies'),
    ...(from > 0 && { address: `/agencies?from=${from}` }),
    main: html`<h1>${say('site.agencies')}</h1>
${agencies.length === 0 && html`<p>${say('agency.none')}</p>`}
<ul class="list">${shown}</ul>
<p class="row no-print">${from > 0 && html`<a href="${base}/agencies">${say('agency.first')}</a>`}
${more !== false && html`<a href="${base}/agencies?from=${more}">${say('agency.more')}</a>`}</p>`,
  }
}

/** An agency and its records, a page at a time. */
export function agencyPage(
  frame: Frame,
  data: {
    readonly agency: SiteAgency
    readonly counts: SiteCounts & SiteFacets
    /** Package files that are not in the list. */
    readonly hidden: SiteCount | undefined
    readonly entries: readonly Entry[]
    readonly before: number | undefined
    readonly older: number | undefined
    /** How many of the newest entries the finder has not read yet. */
    readonly behind: number
  },
): Page {
  const { say, base } = frame
  const { id, name } = data.agency
  const { entries, amend, withdraw, 'silent-edit': edits, kinds } = data.counts
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
<p class="small soft">${say('agency.meaning')}</p>
<p>${(['procurement', 'decision'] as const).map(
      (kind, at) =>
        html`${at > 0 && ' · '}<a href="${base}${addressOf({ agency: id, kind, packages: 'show' })}">${say(`kind.${kind}`)}: ${count(kinds[kind])}</a>`,
    )} · <a href="${base}${addressOf({ agency: id })}">${say('find.filters')}</a></p>
<h2>${say('agency.records')}</h2>
${renderHidden(frame, { query: { agency: id }, found: { hidden: data.hidden } })}
${renderBehind(frame, data.behind)}
${renderEntries(frame, data.entries)}
<p class="row no-print">${data.before !== undefined && html`<a href="${here}">${say('site.newest')}</a>`}
${data.older !== undefined && html`<a href="${here}?before=${data.older}">${say('site.older')}</a>`}</p>
<p class="no-print"><a href="${here}/feed.atom">${say('feed.agency', { agency: isolate(name) })} (Atom)</a></p>`,
  }
}
