/**
 * A record's page: what it is, its state in one sentence, its documents and its history; then what
 * its statement says and, folded, the proof.
 */
import { type Html, html, type Piece, trusted } from '../../html.ts'
import { isolate, sayTime } from '../../messages/say.ts'
import { clip, SHOWN } from '../content.ts'
import { addressOf } from '../find-query.ts'
import type { Frame, Page } from '../layout.ts'
import type { Packaged } from '../package-files.ts'
import { describeRecord, recordData } from '../structured.ts'
import { recordTitle, renderTarget } from './entry-list.ts'
import { type RecordFacts, renderDocument, renderRest, renderStated, stateKey } from './facts.ts'
import { type ProofData, renderProof } from './proof.ts'
import { renderState, type StateFacts } from './state.ts'
import { renderTimeLine, type TimeLine } from './time-line.ts'

/** Everything that the page of one statement shows. */
export type RecordData = StateFacts &
  ProofData & {
    readonly timeLine: TimeLine
    readonly packaged: Packaged | undefined
    /** Absolute address of the ledger's pages. */
    readonly siteUrl: string
    readonly qrSvg: string
    readonly scriptHref: string
  }

/** The page of a statement. */
export function recordPage(frame: Frame, data: RecordData): Page {
  const { say, base } = frame
  const { index, statement, siteUrl, agency } = data
  return {
    title: `${isolate(clip(statement.title ?? statement.record, SHOWN.listed))} (${say('record.entry', { index })})`,
    description: describeRecord(say, statement, agency?.name ?? statement.agency, data, sayLedgerDate(frame, data)),
    structured: recordData(frame, data),
    feed: `${base}/agencies/${encodeURIComponent(statement.agency)}/feed.atom`,
    scripts: html`<script type="module" src="${data.scriptHref}"></script>`,
    main: html`<h1>${recordTitle(say, statement, SHOWN.heading)}</h1>
${renderRest(frame, statement.title, statement.language, SHOWN.heading)}
${renderByline(frame, data)}
${renderState(frame, data)}
<p class="row no-print"><a class="button" href="/records/${index}/receipt">${say('record.receipt')}</a>
<a class="button quiet" href="${base}/records/${index}/certificate">${say('record.certificate')}</a></p>
<h2>${say('record.documents')}</h2>
${statement.documents.length === 0 ? html`<p>${say('record.noDocuments')}</p>` : renderDocuments(frame, data)}
${data.packaged && renderPackaged(frame, statement.agency, data.packaged)}
<h2>${say('record.versions')}</h2>
${renderTimeLine(frame, data)}
<h2>${say('record.facts')}</h2>
${renderStated(frame, data)}
${renderProof(frame, data)}
<details class="no-print"><summary>${say('record.qr')}</summary>${trusted(data.qrSvg.replace('<svg', `<svg class="qr" role="img" aria-label="${say('record.qr')}"`))}
<p><span class="hash">${siteUrl}/records/${index}</span></p></details>`,
  }
}

/** Whose record it is, of which kind, and what its entry did. */
function renderByline({ say, base }: Frame, { index, statement, agency }: RecordFacts): Html {
  const { record, kind, action } = statement
  const name = html`<a href="${base}/agencies/${encodeURIComponent(statement.agency)}"><bdi>${agency?.name ?? statement.agency}</bdi></a>`
  return html`<p class="byline">${name} · ${say(`kind.${kind}`)} · ${say(`action.${action}`)}${renderTarget(say, statement)} · ${say('result.record')} <bdi>${clip(record, SHOWN.listed)}</bdi> · ${say('record.entry', { index })}</p>`
}

/** Links a record and its package files, as far as the agency named them. */
function renderPackaged({ say, base }: Frame, agency: string, packaged: Packaged): Html {
  if ('files' in packaged) {
    const { files, ocid, more } = packaged
    const links = files.map((index, at) => html`${at > 0 && ' · '}<a href="${base}/records/${index}">${say('record.entry', { index })}</a>`)
    const all = base + addressOf({ q: ocid, agency, packages: 'only' })
    return html`<p class="no-print">${say('package.files')} ${links}${more && html` · <a href="${all}">${say('package.more')}</a>`}</p>`
  }
  const check = html`${say('package.check')} <a href="${base}/verify">${say('verify.title')}</a>`
  if (packaged.ocids.length === 0) return html`<p class="no-print">${say('package.unnamed')} ${check}</p>`
  return html`<p class="no-print">${say('package.named')} ${check}</p>
<ul class="plain no-print">${packaged.ocids.map(ocid => html`<li><a href="${base}${addressOf({ q: ocid, agency })}"><bdi>${clip(ocid, SHOWN.listed)}</bdi></a></li>`)}</ul>`
}

function sayLedgerDate(frame: Frame, data: RecordData): string {
  const { say } = frame
  return say(stateKey(frame, data), data.round === undefined ? {} : { date: sayTime(say, data.round.time) })
}

function renderDocuments(frame: Frame, { index, statement }: RecordData): Html {
  const { say } = frame
  const { documents, language } = statement
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${say('record.documents')}"><table class="stack documents"><thead><tr><th scope="col">${say('record.name')}</th><th scope="col">${say('result.size')}</th><th scope="col">${say('result.hash')}</th></tr></thead>
<tbody>${documents.map((document, at) =>
    renderDocument(say, document, language, documents.length > 1 && renderOnlyThis(frame, index, { number: at + 1, name: document.name })),
  )}</tbody></table></div>`
}

/** The links for one of several documents: its receipt under its own name, and its certificate. */
function renderOnlyThis({ say, base }: Frame, index: number, { number, name }: { number: number; name: string }): Html {
  const of: Piece = html`<span class="sr"> ${clip(name, SHOWN.listed)}</span>`
  return html`<br><span class="small no-print"><a href="/records/${index}/receipt/${number}">${say('record.receipt')}${of}</a> · <a href="${base}/records/${index}/certificate?document=${number}">${say('record.onlyThis')}${of}</a></span>`
}
