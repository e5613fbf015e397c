/**
 * The certificate of an entry: a page that looks on the screen as it prints, with everything that a
 * reader needs to check a copy by hand.
 */
import { toHex } from '../../core/bytes.ts'
import { type Html, html, trusted } from '../../html.ts'
import { isolate, sayNumber, sayTime } from '../../messages/say.ts'
import { clip, renderContent, SHOWN } from '../content.ts'
import type { Evidence } from '../evidence.ts'
import { mark } from '../icons.ts'
import type { Frame, Page } from '../layout.ts'
import { recordTitle, renderBehind } from './entry-list.ts'
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
  /** How many of the newest entries the finder has not read yet. They may change the state. */
  readonly behind: number
}

/** How many letters of a title are shown: on the first sheet, and at the head of each. */
const TITLE_LETTERS = 1000
const HEAD_LETTERS = 70

/** The certificate of a statement. */
export function certificatePage(frame: Frame, data: CertificateData): Page {
  const { say, base, operator } = frame
  const { index, statement, siteUrl, nowMs, qrSvg, round, production } = data
  const { documents, title, record } = statement
  const entry = say('record.entry', { index })
  return {
    title: `${say('cert.title')}: ${isolate(clip(title ?? record, SHOWN.listed))} (${entry})`,
    noIndex: true,
    // The head of a table is printed on every sheet, by every browser. It repeats what the page says
    // anyway, so it is not read out.
    main: html`<p class="row no-print"><a href="${base}/records/${index}">${entry}</a> ${say('cert.print')}</p>
<table class="sheet" role="presentation"><thead aria-hidden="true"><tr><td>${renderHead(frame, data)}</td></tr></thead>
<tbody><tr><td>
<div class="issuer">${mark('light')}<p><b>${say('site.name')}</b><br>${say('site.ledger', { origin: isolate(frame.origin) })}${operator?.name !== undefined && html`<br><bdi>${operator.name}</bdi>`}</p>
${trusted(qrSvg.replace('<svg', `<svg class="qr" role="img" aria-label="${say('cert.qr')}"`))}</div>
<h1>${say('cert.title')}</h1>
<p class="subject">${recordTitle(say, statement, TITLE_LETTERS)}</p>
${renderNotices(frame, data)}
${renderBehind(frame, data.behind)}
<p>${say('cert.asOf', { date: sayTime(say, nowMs) })} <span class="hash">${siteUrl}/records/${index}</span></p>
${renderFacts(frame, data)}
<h2>${say('record.documents')}</h2>
${documents.length === 0 ? html`<p>${say('record.noDocuments')}</p>` : renderDocuments(frame, data)}
${isClipped(data) && html`<p class="small">${say('cert.clipped')}</p>`}
<p class="limits">${say(round && production ? 'verdict.limits.entry' : 'verdict.limits.undated')}</p>
<h2>${say('cert.how')}</h2>
${renderSteps(frame, data)}
${renderSignature(frame, data)}
</td></tr></tbody></table>`,
  }
}

/**
 * Title, entry and fingerprint, for every sheet: the fingerprint of the only document, or else of
 * the statement.
 */
function renderHead({ say }: Frame, { index, statement, evidence, onlyDocument }: CertificateData): Html {
  const { title, record, language, documents } = statement
  const document = onlyDocument !== undefined ? documents[onlyDocument - 1] : documents.length === 1 ? documents[0] : undefined
  const name = document === undefined ? 'cert.statementHash' : 'result.hash'
  return html`<p><b>${say('cert.title')}</b> · ${say('record.entry', { index })} · ${renderContent(title ?? record, language, HEAD_LETTERS)}<br>
${say(name)} <span class="hash">${document?.sha256 ?? toHex(evidence.statementHash)}</span></p>`
}

function renderDocuments({ say, base }: Frame, { index, statement, onlyDocument }: CertificateData): Html {
  const { documents, language } = statement
  const shown = onlyDocument === undefined ? documents : documents.slice(onlyDocument - 1, onlyDocument)
  const others = documents.length - shown.length
  return html`<table class="stack documents"><thead><tr><th scope="col">${say('record.name')}</th><th scope="col">${say('result.size')}</th><th scope="col">${say('result.hash')}</th></tr></thead>
<tbody>${shown.map(document => renderDocument(say, document, language, false))}</tbody></table>
${others > 0 && html`<p class="small">${say('record.otherDocuments', { count: sayNumber(say, others) })}</p>`}
${onlyDocument !== undefined && html`<p class="no-print"><a href="${base}/records/${index}/certificate">${say('record.allDocuments')}</a></p>`}`
}

/** Whether a text is longer than a certificate shows. */
function isClipped({ statement, onlyDocument }: CertificateData): boolean {
  const { title, reason, documents, identifiers = [] } = statement
  const shown = onlyDocument === undefined ? documents : documents.slice(onlyDocument - 1, onlyDocument)
  const listed = [...shown.flatMap(({ name, mediaType }) => [name, mediaType]), ...identifiers.map(({ value }) => value)]
  const isLonger = (text: string | undefined, letters: number) => (text ?? '').length > letters
  return isLonger(title, TITLE_LETTERS) || isLonger(reason?.text, SHOWN.detail) || listed.some(text => isLonger(text, SHOWN.listed))
}
