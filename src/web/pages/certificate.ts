/**
 * The certificate of an entry: a page that looks on the screen as it prints, with everything that a
 * reader needs to check a copy by hand.
 */
import { type Html, html, trusted } from '../../html.ts'
import { isolate, sayNumber, sayTime } from '../../messages/say.ts'
import { clip, SHOWN } from '../content.ts'
import type { Evidence } from '../evidence.ts'
import { icon } from '../icons.ts'
import type { Frame, Page } from '../layout.ts'
import { recordTitle } from './entry-list.ts'
import { type RecordFacts, renderDocument, renderFacts, renderNotices } from './facts.ts'
import { renderSignature, renderSteps } from './steps.ts'

/** Everything that a certificate shows. */
export type CertificateData = RecordFacts & {
  readonly evidence: Evidence
  /** Absolute address of the ledger's pages. */
  readonly siteUrl: string
  /** Leads to the record's page. */
  readonly qrSvg: string
  /** The only document to show, from 1, for a certificate about one of very many. */
  readonly onlyDocument: number | undefined
}

/**
 * Two pages have space for this many lines of the proof, or for a document instead of seven lines.
 * Other documents are only in the receipt.
 */
const PRINTED_LINES = 65
const LINES_OF_DOCUMENT = 7
const LINES_OF_NOTICE = 3

/** The certificate of a statement. */
export function certificatePage(frame: Frame, data: CertificateData): Page {
  const { say, base } = frame
  const { index, statement, siteUrl, nowMs, qrSvg, anchor, production } = data
  const name = isolate(clip(statement.title ?? statement.record, SHOWN.listed))
  return {
    title: `${say('cert.title')}: ${name} (${say('record.entry', { index })})`,
    noIndex: true,
    main: html`<p class="row no-print"><a href="${base}/records/${index}">${say('record.entry', { index })}</a> ${say('cert.print')}</p>
<div class="sheet"><p class="issuer">${icon('seal')}<b>${say('site.name')}</b> · ${frame.operator?.name !== undefined && html`<bdi>${frame.operator.name}</bdi> · `}<bdi>${frame.origin}</bdi></p>
${trusted(qrSvg.replace('<svg', `<svg class="qr" role="img" aria-label="${say('record.qr')}"`))}
<h1>${say('cert.title')}: ${recordTitle(say, statement, SHOWN.heading)}</h1>
<p>${say('cert.asOf', { date: sayTime(say, nowMs) })} <span class="hash">${siteUrl}/records/${index}</span></p>
${renderNotices(frame, data)}
${renderFacts(frame, data)}
<h2>${say('record.documents')}</h2>
${statement.documents.length === 0 ? html`<p>${say('record.noDocuments')}</p>` : renderDocuments(frame, data)}
<p class="limits">${say(anchor && production ? 'verdict.limits.entry' : 'verdict.limits.undated')}</p>
<h2>${say('cert.how')}</h2>
${renderSteps(frame, data)}
${renderSignature(frame)}</div>`,
  }
}

function renderDocuments({ say, base }: Frame, { index, statement, changes, onlyDocument, evidence }: CertificateData): Html {
  const { documents, language } = statement
  const noticed = LINES_OF_NOTICE * new Set(changes.map(({ what }) => what)).size
  const room = Math.max(1, Math.floor((PRINTED_LINES - evidence.path.length - noticed) / LINES_OF_DOCUMENT))
  const shown = onlyDocument === undefined ? documents.slice(0, room) : documents.slice(onlyDocument - 1, onlyDocument)
  const others = documents.length - shown.length
  return html`<table class="stack documents"><thead><tr><th scope="col">${say('record.name')}</th><th scope="col">${say('result.size')}</th><th scope="col">${say('result.hash')}</th></tr></thead>
<tbody>${shown.map(document => renderDocument(say, document, language, false))}</tbody></table>
${others > 0 && html`<p class="small">${say('record.otherDocuments', { count: sayNumber(say, others) })}</p>`}
${onlyDocument !== undefined && html`<p class="no-print"><a href="${base}/records/${index}/certificate">${say('record.allDocuments')}</a></p>`}`
}
