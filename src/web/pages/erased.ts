/** Erased statements: the page of one, and the public list of removals. Design §16. */
import { fill, type Html, html } from '../../html.ts'
import type { SiteErasure } from '../deps.ts'
import { icon } from '../icons.ts'
import type { Frame, Page } from '../layout.ts'
import { renderTime } from '../time.ts'

/** An erased statement in the list. */
export type ShownErasure = SiteErasure & { readonly index: number }

/** The page of an entry whose statement was erased, or waits to be erased. */
export function erasedPage(
  { say, base }: Frame,
  index: number,
  { erasure, due }: { readonly erasure: SiteErasure | undefined; readonly due: string | undefined },
): Page {
  const title = `${say('record.entry', { index })}: ${say(erasure || due === undefined ? 'record.erasedTitle' : 'erased.dueTitle')}`
  const when = erasure
    ? fill(say('erased.since'), { date: renderTime(say, erasure.time), reason: say(`erased.reason.${erasure.reason.code}`) })
    : due !== undefined && fill(say('erased.due'), { date: renderTime(say, due) })
  const isErased = erasure !== undefined || due === undefined
  return {
    title,
    noIndex: true,
    main: html`<h1>${title}</h1>
<section class="card calm" aria-label="${say('record.state')}"><header>${icon(isErased ? 'dash' : 'clock')}<div><p class="mark">${say(isErased ? 'record.erasedTitle' : 'erased.dueTitle')}</p><p class="sentence">${when || say('record.erased')}</p></div></header>
<div class="body">${isErased && when && html`<p>${say('record.erased')}</p>`}
${erasure && html`<p><a href="${base}/records/${erasure.tombstone}">${say('erased.tombstone', { index: erasure.tombstone })}</a></p>`}
<p>${say('erased.copies')} <a href="${base}/verify">${say('verify.title')}</a></p></div></section>
<p class="row no-print"><a href="${base}/changes?kind=erased">${say('erased.list')}</a> <a href="${base}/removal">${say('site.removal')}</a></p>`,
  }
}

/** The public list of removals, a page of it. */
export function erasuresPage(
  { say, base }: Frame,
  {
    erasures,
    before,
    older,
    tabs,
  }: { erasures: readonly ShownErasure[]; before: number | undefined; older: number | undefined; tabs: Html },
): Page {
  const here = `${base}/changes?kind=erased`
  const row = ({ index, tombstone, time, reason }: ShownErasure) => html`<li>
<p><a href="${base}/records/${index}">${say('record.entry', { index })}</a></p>
<p class="small">${fill(say('erased.since'), { date: renderTime(say, time), reason: say(`erased.reason.${reason.code}`) })}
<a href="${base}/records/${tombstone}">${say('erased.tombstone', { index: tombstone })}</a></p></li>`
  return {
    title: say('erased.list'),
    description: say('erased.lead'),
    address: '/changes?kind=erased',
    ...(before !== undefined && { noIndex: true }),
    main: html`<h1>${say('erased.list')}</h1><p class="lead">${say('erased.lead')}</p>
${tabs}
${erasures.length === 0 ? html`<p>${say('erased.none')}</p>` : html`<ol class="entries">${erasures.map(row)}</ol>`}
<p class="row no-print">${before !== undefined && html`<a href="${here}">${say('changes.newest')}</a>`}
${older !== undefined && html`<a href="${here}&before=${older}">${say('changes.older')}</a>`}</p>`,
  }
}
