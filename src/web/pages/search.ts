/** The search page. */

import { html } from '../../html.ts'
import { sayNumber } from '../../messages/say.ts'
import { sayNotPasted } from '../../messages/verdict.ts'
import { readPasted } from '../../verifier/index.ts'
import type { SiteAgency } from '../deps.ts'
import type { Frame, Page } from '../layout.ts'
import type { Entry } from '../records.ts'
import { renderEntries } from './entry-list.ts'

/** The form and the results. */
export function searchPage(
  frame: Frame,
  data: {
    readonly query: string
    readonly entries: readonly Entry[]
    readonly agencies: readonly SiteAgency[]
    /** Where the search continues, if there may be more. */
    readonly older: number | undefined
    /** Newest entries that cannot be found yet. */
    readonly behind: number
  },
): Page {
  const { say, base } = frame
  const { query, entries, agencies, older, behind } = data
  const count = entries.length + agencies.length
  const pasted = readPasted('', query)
  return {
    title: say('site.search'),
    noIndex: true,
    main: html`<h1>${say('site.search')}</h1>
<form role="search" action="${base}/search" method="get"><label for="q">${say('search.label')}</label>
<div class="row"><input type="search" id="q" name="q" maxlength="512" dir="auto" value="${query}"><button type="submit">${say('site.search')}</button></div></form>
${behind > 0 && html`<p class="small soft">${say('search.behind', { count: behind })}</p>`}
${query !== '' && html`<h2>${say('search.results', { count: sayNumber(say, count) })}</h2>`}
${query !== '' && count === 0 && html`<p>${pasted.kind === 'other-hash' ? sayNotPasted(say, pasted) : say(older === undefined ? 'search.none' : 'search.noneHere')}</p>`}
${agencies.length > 0 && html`<ul class="list">${agencies.map(({ id, name }) => html`<li><a class="name" href="${base}/agencies/${encodeURIComponent(id)}"><bdi>${name}</bdi></a> <bdi class="soft small">${id}</bdi></li>`)}</ul>`}
${entries.length > 0 && renderEntries(frame, entries)}
${older !== undefined && html`<p class="row"><a href="${base}/search?q=${encodeURIComponent(query)}&amp;before=${older}">${say('search.older')}</a></p>`}`,
  }
}
