/** The start page. */

import { sayNumber } from '../../messages/say.ts'
import type { SiteAnchor } from '../deps.ts'
import { html } from '../html.ts'
import type { Frame, Page } from '../layout.ts'
import type { Entry } from '../records.ts'
import { renderEntries, renderTime } from './entry-list.ts'

/** What OpenSeal is for, the ledger's state, the latest records. */
export function homePage(
  frame: Frame,
  data: { readonly size: number; readonly anchor: SiteAnchor | undefined; readonly latest: readonly Entry[] },
): Page {
  const { say, base } = frame
  const { size, anchor, latest } = data
  return {
    title: say('site.tagline'),
    main: html`<h1>${say('site.tagline')}</h1>
<p class="lead">${say('home.lead')}</p>
<p class="row"><a class="button" href="${base}/verify">${say('verify.title')}</a><a class="button quiet" href="${base}/about">${say('site.about')}</a></p>
<form class="no-print" role="search" action="${base}/search" method="get"><label for="q">${say('search.label')}</label>
<div class="row"><input type="search" id="q" name="q" maxlength="512"><button type="submit">${say('site.search')}</button></div></form>
<h2>${say('home.state')}</h2>
<dl class="figures"><div><dt>${say('home.entries')}</dt><dd>${sayNumber(say, size)}</dd></div>
<div><dt>${say('home.vouched')}</dt><dd>${sayNumber(say, anchor?.size ?? 0)}</dd></div>
<div><dt>${say('home.lastAnchor')}</dt><dd>${anchor ? renderTime(say, anchor.block.time) : say('home.never')}</dd></div></dl>
<h2>${say('home.latest')}</h2>
${renderEntries(frame, latest)}
<p><a href="${base}/records">${say('home.all')}</a></p>`,
  }
}

/** All records, a page at a time. */
export function recordsPage(
  frame: Frame,
  data: { readonly entries: readonly Entry[]; readonly before: number | undefined; readonly older: number | undefined },
): Page {
  const { say, base } = frame
  return {
    title: say('site.records'),
    main: html`<h1>${say('site.records')}</h1>
${renderEntries(frame, data.entries)}
<p class="row no-print">${data.before !== undefined && html`<a href="${base}/records">${say('site.newest')}</a>`}
${data.older !== undefined && html`<a href="${base}/records?before=${data.older}">${say('site.older')}</a>`}</p>
<p class="no-print"><a href="${base}/feed.atom">${say('feed.all')}</a> · <a href="${base}/changes.atom">${say('feed.watch')}</a></p>`,
  }
}
