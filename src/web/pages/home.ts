/** The start page, and the list of all records. */

import { fill, type Html, html } from '../../html.ts'
import { sayNumber } from '../../messages/say.ts'
import type { SiteAnchor } from '../deps.ts'
import type { Frame, Page } from '../layout.ts'
import type { Entry } from '../records.ts'
import { ledgerData } from '../structured.ts'
import { renderBehind, renderEntries, renderTime } from './entry-list.ts'

/** The state of the ledger. */
export type LedgerState = {
  readonly size: number
  /** Newest first. */
  readonly anchors: readonly SiteAnchor[]
  /** When the oldest entry without an anchor was accepted; undefined if none waits. */
  readonly waitingSinceMs: number | undefined
  readonly isAccepting: boolean
}

/** What OpenSeal is for, the ledger's state, the latest records and anchors. */
export function homePage(
  frame: Frame,
  { state, latest, behind }: { readonly state: LedgerState; readonly latest: readonly Entry[]; readonly behind: number },
): Page {
  const { say, base } = frame
  return {
    title: say('site.tagline'),
    description: say('home.lead'),
    structured: ledgerData(frame, state.size),
    main: html`<h1>${say('site.tagline')}</h1>
<p class="lead">${say('home.lead')}</p>
<p class="row"><a class="button" href="${base}/verify">${say('verify.title')}</a><a class="button quiet" href="${base}/about">${say('site.about')}</a></p>
<form class="no-print" role="search" action="${base}/search" method="get"><label for="q">${say('search.label')}</label>
<div class="row"><input type="search" id="q" name="q" maxlength="512" dir="auto"><button type="submit">${say('site.search')}</button></div></form>
<h2>${say('home.state')}</h2>
${renderState(frame, state)}
<h2>${say('home.latest')}</h2>
${renderBehind(frame, behind)}
${renderEntries(frame, latest)}
<p><a href="${base}/records">${say('home.all')}</a></p>
<h2>${say('anchors.newest')}</h2>
${renderAnchors(frame, state.anchors)}
<p><a href="${base}/anchors">${say('home.allAnchors')}</a></p>`,
  }
}

function renderState({ say }: Frame, { size, anchors, waitingSinceMs, isAccepting }: LedgerState): Html {
  const [anchor] = anchors
  const covered = anchor?.size ?? 0
  return html`<dl class="figures"><div><dt>${say('home.entries')}</dt><dd>${sayNumber(say, size)}</dd></div>
<div><dt>${say('home.vouched')}</dt><dd>${sayNumber(say, covered)}</dd></div>
<div><dt>${say('home.waiting')}</dt><dd>${sayNumber(say, Math.max(0, size - covered))}${waitingSinceMs !== undefined && html` <span class="small soft">${fill(say('home.since'), { date: renderTime(say, waitingSinceMs) })}</span>`}</dd></div>
<div><dt>${say('home.lastAnchor')}</dt><dd>${anchor ? renderTime(say, anchor.block.time) : say('home.never')}</dd></div>
<div><dt>${say('home.accepting')}</dt><dd>${say(isAccepting ? 'home.acceptingYes' : 'home.acceptingNo')}</dd></div></dl>`
}

function renderAnchors({ say }: Frame, anchors: readonly SiteAnchor[]): Html {
  if (anchors.length === 0) return html`<p>${say('anchors.none')}</p>`
  return html`<ul class="list">${anchors.map(
    ({ size, block, chainId }) =>
      html`<li>${renderTime(say, block.time)}: ${say('home.covers', { count: size })} <span class="soft small">(${say('anchors.network')} ${chainId})</span></li>`,
  )}</ul>`
}

/** All records, a page at a time. */
export function recordsPage(
  frame: Frame,
  data: {
    readonly entries: readonly Entry[]
    /** The number of all entries. */
    readonly size: number
    readonly before: number | undefined
    readonly older: number | undefined
    /** How many of the newest entries the finder has not read yet. */
    readonly behind: number
  },
): Page {
  const { say, base } = frame
  return {
    title: say('site.records'),
    description: say('describe.records'),
    structured: ledgerData(frame, data.size),
    main: html`<h1>${say('site.records')}</h1>
${renderBehind(frame, data.behind)}
${renderEntries(frame, data.entries)}
<p class="row no-print">${data.before !== undefined && html`<a href="${base}/records">${say('site.newest')}</a>`}
${data.older !== undefined && html`<a href="${base}/records?before=${data.older}">${say('site.older')}</a>`}</p>
<p class="no-print"><a href="${base}/feed.atom">${say('feed.all')} (Atom)</a></p>`,
  }
}
