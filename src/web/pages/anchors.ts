/**
 * The anchors: how much was accepted over time, how long it waited for the chain, who vouches, and
 * each anchor.
 */

import { fill, type Html, html } from '../../html.ts'
import { sayDuration, sayNumber } from '../../messages/say.ts'
import { type Activity, RANGES } from '../activity.ts'
import { drawBars } from '../chart.ts'
import type { SiteAnchor, SiteVoucher } from '../deps.ts'
import type { Frame, Page } from '../layout.ts'
import { renderTime } from '../time.ts'
import { atMostSeconds, sumWaits } from '../waits.ts'
import { renderBehind } from './entry-list.ts'
import { type RoundList, renderRounds } from './rounds.ts'

/** An anchor, and the longest wait of one of its entries; undefined if unknown. */
export type WaitedAnchor = { readonly anchor: SiteAnchor; readonly waitMs: number | undefined }

/** Takes anchors newest first. */
export function anchorsPage(
  frame: Frame,
  data: {
    readonly rounds: RoundList | undefined
    readonly anchors: readonly WaitedAnchor[]
    readonly activity: Activity
    readonly before: number | undefined
    readonly older: number | undefined
    /** How many of the newest entries the chain does not vouch for yet. */
    readonly waiting: number
    readonly vouchers: readonly SiteVoucher[]
    /** How many of the newest entries the finder has not read yet. */
    readonly behind: number
  },
): Page {
  const { say } = frame
  const { before, rounds, vouchers } = data
  const isFirst = before === undefined && rounds?.before === undefined
  return {
    title: say('site.anchors'),
    description: say('anchors.lead'),
    ...(!isFirst && { noIndex: true }),
    main: html`<h1>${say('site.anchors')}</h1><p class="lead">${say('anchors.lead')}</p>
${isFirst && renderActivity(frame, data)}
${isFirst && vouchers.length > 1 && renderVouchers(frame, vouchers)}
${rounds !== undefined && renderRounds(frame, rounds)}
${rounds?.before === undefined && renderAnchors(frame, data)}`,
  }
}

function renderActivity(frame: Frame, { activity, waiting, behind }: Parameters<typeof anchorsPage>[1]): Html {
  const { say, base } = frame
  const { range, slots } = activity
  // Zero has no bar: neither units without entries nor waits of no time.
  const accepted = slots.filter(({ records }) => records > 0).map(({ startMs, records }) => ({ startMs, value: records }))
  const waits = slots.filter(({ waitMs = 0 }) => waitMs > 0).map(({ startMs, waitMs = 0 }) => ({ startMs, value: waitMs / 1000 }))
  const sayEntries = (count: number) => say('activity.entries', { count })
  const sayCount = (count: number) => sayNumber(say, count)
  return html`<h2>${say('activity.title')}</h2>
<nav class="tabs" aria-label="${say('activity.range')}"><ul>${RANGES.map(each => html`<li><a href="${base}/anchors?range=${each}"${each === range && html` aria-current="page"`}>${say(`activity.${each}`)}</a></li>`)}</ul></nav>
${renderBehind(frame, behind)}
${slots.length === 0 ? html`<p>${say('activity.none')}</p>` : renderAnswer(say, activity, waiting)}
${accepted.length > 0 && html`<h3>${say('activity.records')}</h3>${drawBars(say, activity, { what: say('activity.records'), bars: accepted, format: sayEntries, mark: sayCount })}`}
${waits.length > 0 && html`<h3>${say('activity.waits')}</h3>${drawBars(say, activity, { what: say('activity.waits'), bars: waits, format: value => sayDuration(say, value) })}`}
${slots.length > 0 && renderTable({ say }, slots)}`
}

/** How long entries waited, in words. */
function renderAnswer(say: Frame['say'], { slots, unitMs }: Activity, waiting: number): Html {
  const waits = sumWaits(slots, waiting)
  const atMost = (waitMs: number) => sayDuration(say, atMostSeconds(waitMs))
  const answer = waits && [
    waits.halfMs === undefined ? say('activity.fewer') : say('activity.half', { duration: atMost(waits.halfMs) }),
    waits.mostMs !== undefined && say('activity.most', { duration: atMost(waits.mostMs) }),
    fill(say('activity.longest', { duration: atMost(waits.longest.waitMs) }), { date: renderTime(say, waits.longest.startMs) }),
  ]
  return html`<p class="lead">${answer?.map(sentence => html`${sentence} `)}${waiting > 0 && say('activity.notYet', { count: waiting })}</p>
${waits && html`<p class="small soft">${say('activity.how', { duration: sayDuration(say, unitMs / 1000) })}</p>`}`
}

function renderTable({ say }: Pick<Frame, 'say'>, slots: Activity['slots']): Html {
  return html`<details class="no-print"><summary>${say('activity.table')}</summary><table class="stack"><caption>${say('activity.title')}</caption>
<thead><tr><th scope="col">${say('activity.from')}</th><th scope="col">${say('activity.records')}</th><th scope="col">${say('activity.waits')}</th></tr></thead>
<tbody>${slots.map(
    ({ startMs, records, waitMs }) => html`<tr><td data-label="${say('activity.from')}">${renderTime(say, startMs)}</td>
<td class="num" data-label="${say('activity.records')}">${sayNumber(say, records)}</td><td data-label="${say('activity.waits')}">${waitMs === undefined ? '–' : sayDuration(say, waitMs / 1000)}</td></tr>`,
  )}</tbody></table></details>`
}

/** Several vouchers, each with how far it is. A single chain is what the rest of the page tells of. */
function renderVouchers({ say }: Frame, vouchers: readonly SiteVoucher[]): Html {
  const heads = ['anchors.voucher', 'anchors.kind', 'anchors.covers', 'anchors.state'] as const
  return html`<h2>${say('anchors.vouchers')}</h2><p>${say('anchors.vouchersLead')}</p>
<div class="scroll" role="region" tabindex="0" aria-label="${say('anchors.vouchers')}"><table class="stack">
<thead><tr>${heads.map(head => html`<th scope="col">${say(head)}</th>`)}</tr></thead>
<tbody>${vouchers.map(
    ({
      kind,
      name,
      size,
      isBehind,
    }) => html`<tr><td data-label="${say('anchors.voucher')}"><bdi>${name}</bdi></td><td data-label="${say('anchors.kind')}">${say(`anchors.kind.${kind}`)}</td>
<td class="num" data-label="${say('anchors.covers')}">${sayNumber(say, size)}</td><td data-label="${say('anchors.state')}">${say(isBehind ? 'anchors.behind' : 'anchors.vouching')}</td></tr>`,
  )}</tbody></table></div>`
}

function renderAnchors({ say, base }: Frame, { anchors, before, older }: Parameters<typeof anchorsPage>[1]): Html {
  return html`<h2>${say('anchors.newest')}</h2>
${anchors.length === 0 ? html`<p>${say('anchors.none')}</p>` : renderTableOf({ say }, anchors)}
<p class="row no-print">${before !== undefined && html`<a href="${base}/anchors">${say('anchors.newest')}</a>`}
${older !== undefined && html`<a href="${base}/anchors?before=${older}">${say('anchors.older')}</a>`}</p>`
}

function renderTableOf({ say }: Pick<Frame, 'say'>, anchors: readonly WaitedAnchor[]): Html {
  const heads = ['anchors.time', 'anchors.covers', 'anchors.wait', 'anchors.network', 'anchors.transaction'] as const
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${say('site.anchors')}"><table class="stack">
<thead><tr>${heads.map(head => html`<th scope="col">${say(head)}</th>`)}</tr></thead>
<tbody>${anchors.map(
    ({ anchor, waitMs }) => html`<tr><td data-label="${say('anchors.time')}">${renderTime(say, anchor.block.time)}</td>
<td class="num" data-label="${say('anchors.covers')}">${sayNumber(say, anchor.size)}</td><td data-label="${say('anchors.wait')}">${waitMs === undefined ? '–' : sayDuration(say, waitMs / 1000)}</td>
<td class="num" data-label="${say('anchors.network')}">${anchor.chainId}</td><td data-label="${say('anchors.transaction')}"><span class="hash">${anchor.transaction}</span></td></tr>`,
  )}</tbody></table></div>`
}
