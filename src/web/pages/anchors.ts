/** The anchors: a chart and the same figures as a table. */

import { sayDuration, sayNumber } from '../../messages/say.ts'
import { drawAnchors } from '../chart.ts'
import type { SiteAnchor } from '../deps.ts'
import { html } from '../html.ts'
import type { Frame, Page } from '../layout.ts'
import { renderTime } from './entry-list.ts'

/** Takes anchors in ascending order. */
export function anchorsPage({ say }: Frame, anchors: readonly SiteAnchor[]): Page {
  const rows = anchors.map((anchor, at) => {
    const before = anchors[at - 1]
    return { anchor, gapSeconds: before && seconds(anchor) - seconds(before) }
  })
  return {
    title: say('site.anchors'),
    main: html`<h1>${say('site.anchors')}</h1><p class="lead">${say('anchors.lead')}</p>
${anchors.length === 0 && html`<p>${say('anchors.none')}</p>`}
${anchors.length > 1 && html`<h2>${say('anchors.chart')}</h2>${drawAnchors(say, anchors)}`}
${
  anchors.length > 0 &&
  html`<div class="scroll" role="region" tabindex="0" aria-label="${say('site.anchors')}"><table class="stack"><caption>${say('site.anchors')}</caption>
<thead><tr><th scope="col">${say('anchors.time')}</th><th scope="col">${say('anchors.covers')}</th><th scope="col">${say('anchors.gap')}</th><th scope="col">${say('anchors.network')}</th><th scope="col">${say('anchors.transaction')}</th></tr></thead>
<tbody>${rows.toReversed().map(
    ({
      anchor,
      gapSeconds,
    }) => html`<tr><td data-label="${say('anchors.time')}">${renderTime(say, anchor.block.time)}</td><td class="num" data-label="${say('anchors.covers')}">${sayNumber(say, anchor.size)}</td>
<td data-label="${say('anchors.gap')}">${gapSeconds === undefined ? '–' : sayDuration(say, gapSeconds)}</td><td class="num" data-label="${say('anchors.network')}">${anchor.chainId}</td><td data-label="${say('anchors.transaction')}"><span class="hash">${anchor.transaction}</span></td></tr>`,
  )}</tbody></table></div>`
}`,
  }
}

function seconds({ block }: SiteAnchor): number {
  return Date.parse(block.time) / 1000
}
