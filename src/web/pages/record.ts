/** A record's page. */
import { type Html, html, trusted } from '../../html.ts'
import { isolate, sayTime } from '../../messages/say.ts'
import { clip, SHOWN } from '../content.ts'
import type { Frame, Page } from '../layout.ts'
import { describeRecord, recordData } from '../structured.ts'
import { recordTitle } from './entry-list.ts'
import { type RecordFacts, renderDocument, renderFacts, renderNotices, renderRest } from './facts.ts'
import { renderTimeLine, type TimeLine } from './time-line.ts'

/** Everything that the page of one statement shows. */
export type RecordData = RecordFacts & {
  readonly timeLine: TimeLine
  /** Absolute address of the ledger's pages. */
  readonly siteUrl: string
  readonly qrSvg: string
}

/** The page of a statement. */
export function recordPage(frame: Frame, data: RecordData): Page {
  const { say, base } = frame
  const { index, statement, siteUrl, agency, state } = data
  return {
    title: `${isolate(clip(statement.title ?? statement.record, SHOWN.listed))} (${say('record.entry', { index })})`,
    description: describeRecord(say, statement, agency?.name ?? statement.agency, state, sayLedgerDate(say, data)),
    structured: recordData(frame, data),
    feed: `${base}/agencies/${encodeURIComponent(statement.agency)}/feed.atom`,
    main: html`<h1>${recordTitle(say, statement, SHOWN.heading)}</h1>
${renderRest(frame, statement.title, statement.language, SHOWN.heading)}
${renderNotices(frame, data)}
${renderFacts(frame, data)}
<p class="row no-print"><a class="button" href="/v1/records/${index}/receipt" download="${index}.receipt.json">${say('record.receipt')}</a>
<a class="button quiet" href="${base}/records/${index}/certificate">${say('record.certificate')}</a>
<a class="button quiet" href="${base}/verify">${say('verify.title')}</a></p>
<h2>${say('record.documents')}</h2>
${statement.documents.length === 0 ? html`<p>${say('record.noDocuments')}</p>` : renderDocuments(frame, data)}
<h2>${say('record.versions')}</h2>
${renderTimeLine(frame, data)}
<p class="limits">${say(data.anchor && data.production ? 'verdict.limits.entry' : 'verdict.limits.undated')}</p>
<details class="no-print"><summary>${say('record.qr')}</summary>${trusted(data.qrSvg.replace('<svg', `<svg class="qr" role="img" aria-label="${say('record.qr')}"`))}
<p><span class="hash">${siteUrl}/records/${index}</span></p></details>`,
  }
}

function sayLedgerDate(say: Frame['say'], { anchor, production }: RecordData): string {
  if (anchor === undefined) return say('record.state.sealed')
  return say(production ? 'record.state.anchored' : 'record.state.test', { date: sayTime(say, anchor.block.time) })
}

function renderDocuments(frame: Frame, { index, statement }: RecordData): Html {
  const { say } = frame
  const { documents, language } = statement
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${say('record.documents')}"><table class="stack documents"><thead><tr><th scope="col">${say('record.name')}</th><th scope="col">${say('result.size')}</th><th scope="col">${say('result.hash')}</th></tr></thead>
<tbody>${documents.map((document, at) =>
    renderDocument(say, document, language, documents.length > 1 && renderOnlyThis(frame, index, at + 1)),
  )}</tbody></table></div>`
}

function renderOnlyThis({ say, base }: Frame, index: number, number: number): Html {
  return html`<br><a class="small no-print" href="${base}/records/${index}/certificate?document=${number}">${say('record.onlyThis')}</a>`
}
