/** The start page. */

import { fill, type Html, html } from '../../html.ts'
import { sayNumber } from '../../messages/say.ts'
import type { SiteRound } from '../deps.ts'
import { icon } from '../icons.ts'
import type { Frame, Page } from '../layout.ts'
import type { Entry } from '../records.ts'
import { ledgerData } from '../structured.ts'
import { renderTime } from '../time.ts'
import { vouchKey } from '../vouching.ts'
import { renderBehind, renderEntries } from './entry-list.ts'
import { renderTool } from './verify.ts'
import { FOUNDED, renderWelcome } from './welcome.ts'

/** The state of the ledger. */
export type LedgerState = {
  readonly size: number
  readonly round: SiteRound | undefined
  /** How many entries wait for a final round, and since when the oldest does. */
  readonly waiting: { readonly count: number; readonly sinceMs: number | undefined }
  readonly isAccepting: boolean
}

/** Everything that the start page shows. */
export type HomeData = {
  /** The scripts of the tool for checking files. */
  readonly tool: Html
  readonly state: LedgerState
  readonly latest: readonly Entry[]
  /** The newest silent edits and withdrawals. */
  readonly changes: readonly Entry[]
  /** How many of the newest entries the finder has not read yet. */
  readonly behind: number
}

/** A file can be checked at once; below that, the ledger's news and what it is for. */
export function homePage(frame: Frame, { tool, state, latest, changes, behind }: HomeData): Page {
  const { say, base } = frame
  return {
    title: say('site.tagline'),
    description: say('home.lead'),
    structured: ledgerData(frame, state.size),
    main: html`<section class="hero"><h1>${say('site.tagline')}</h1>
<p class="lead">${say('home.lead')}</p>
${renderTool(frame)}
<p class="small soft">${say('verify.limits')} <a href="${base}/about">${say('site.about')}</a></p></section>
<form class="no-print" role="search" action="${base}/records" method="get"><h2><label for="q">${say('home.find')}</label></h2>
<div class="row"><input type="search" id="q" name="q" maxlength="512" dir="auto" aria-describedby="q-hint"><button type="submit">${say('site.search')}</button></div>
<p class="small soft" id="q-hint">${say('search.label')}</p></form>
${state.size <= FOUNDED ? renderWelcome(frame) : renderNews(frame, { latest, changes, behind })}
<h2>${say('home.state')}</h2>
${renderState(frame, state)}
<p><a href="${base}/anchors">${say('home.allAnchors')}</a></p>
<div class="tiles">
<section>${icon('file')}<h2>${say('home.readers')}</h2><p>${say('home.readersText')}</p><p><a href="${base}/about">${say('site.about')}</a></p></section>
<section>${icon('office')}<h2>${say('site.join')}</h2><p>${say('home.agenciesText')}</p><p><a href="${base}/for-agencies">${say('home.agenciesLink')}</a></p></section>
<section>${icon('glass')}<h2>${say('home.auditors')}</h2><p>${say('home.auditorsText')}</p><p><a href="/policy.json">${say('about.policy')}</a> · <a href="/openapi.json">${say('about.api')}</a></p></section>
</div>`,
    scripts: tool,
  }
}

function renderNews(frame: Frame, { latest, changes, behind }: Pick<HomeData, 'latest' | 'changes' | 'behind'>): Html {
  const { say, base } = frame
  return html`<div class="columns"><section><h2>${say('home.latest')}</h2>
${renderBehind(frame, behind)}
${renderEntries(frame, latest)}
<p><a href="${base}/records">${say('home.all')}</a></p></section>
<section><h2>${say('home.changes')}</h2><p class="small soft">${say('changes.lead')}</p>
${changes.length === 0 ? html`<p>${say('changes.none')}</p>` : renderEntries(frame, changes)}
<p><a href="${base}/changes">${say('changes.all')}</a></p></section></div>`
}

function renderState(frame: Frame, { size, round, waiting: { count, sinceMs }, isAccepting }: LedgerState): Html {
  const { say } = frame
  return html`<dl class="figures"><div><dt>${say('home.entries')}</dt><dd>${sayNumber(say, size)}</dd></div>
<div><dt>${say(vouchKey('home.vouched', frame))}</dt><dd>${sayNumber(say, round?.size ?? 0)}</dd></div>
<div><dt>${say(vouchKey('home.waiting', frame))}</dt><dd>${sayNumber(say, count)}${sinceMs !== undefined && html` <span class="small soft">${fill(say('home.since'), { date: renderTime(say, sinceMs) })}</span>`}</dd></div>
<div><dt>${say(vouchKey('home.lastAnchor', frame))}</dt><dd>${round ? renderTime(say, round.time) : say('home.never')}</dd></div>
<div><dt>${say('home.accepting')}</dt><dd>${say(isAccepting ? 'home.acceptingYes' : 'home.acceptingNo')}</dd></div></dl>`
}
