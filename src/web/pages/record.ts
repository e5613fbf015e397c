/** A record's page. Printed, it is a certificate with everything needed to check by hand. */
import type { DocumentRef, Statement } from '../../core/statements/statement.ts'
import type { VersionChange } from '../../core/statements/versions.ts'
import { type Html, html, type Piece, trusted } from '../../html.ts'
import { isolate, sayDuration, sayNumber, sayTime } from '../../messages/say.ts'
import { clip, renderContent, SHOWN } from '../content.ts'
import type { SiteAgency, SiteAnchor, SiteState } from '../deps.ts'
import type { Evidence } from '../evidence.ts'
import { icon } from '../icons.ts'
import type { Frame, Page } from '../layout.ts'
import type { Entry } from '../records.ts'
import { describeRecord, recordData } from '../structured.ts'
import { renderSignature, renderSteps } from './certificate.ts'
import { recordTitle, renderGap, renderTarget, renderTime, WITHOUT } from './entry-list.ts'
import { renderTimeLine, type TimeLine } from './time-line.ts'

/** Everything that the page of one statement shows. */
export type RecordData = {
  readonly index: number
  readonly statement: Statement
  readonly agency: SiteAgency | undefined
  readonly timeLine: TimeLine
  /**
   * Its state as far as the finder has read the log. The finder knows it even if the
   * history is too long to be read.
   */
  readonly state: SiteState
  readonly changes: readonly VersionChange[]
  /** Set if the record has more statements than were read. */
  readonly partial?: true
  readonly anchor: SiteAnchor | undefined
  /** Whether the anchor is evidence: false on a test network. */
  readonly production: boolean
  readonly sealedMs: number | undefined
  readonly nowMs: number
  readonly evidence: Evidence
  /** Absolute address of the ledger's pages, for the printed copy. */
  readonly siteUrl: string
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
const PRINTED_IDENTIFIERS = 8

/** The page of a statement. */
export function recordPage(frame: Frame, data: RecordData): Page {
  const { say, base } = frame
  const { index, statement, siteUrl, agency, state } = data
  return {
    title: `${isolate(clip(statement.title ?? statement.record, SHOWN.listed))} (${say('record.entry', { index })})`,
    description: describeRecord(say, statement, agency?.name ?? statement.agency, state, sayLedgerDate(say, data)),
    structured: recordData(frame, data),
    feed: `${base}/agencies/${encodeURIComponent(statement.agency)}/feed.atom`,
    main: html`<p class="only-print"><b>${say('cert.title')}</b>. ${say('cert.asOf', { date: sayTime(say, data.nowMs) })}</p>
<div class="qr-box">${trusted(data.qrSvg.replace('<svg', '<svg class="qr only-print" aria-hidden="true"'))}</div>
<h1>${recordTitle(say, statement, SHOWN.heading)}</h1>
${renderRest(frame, statement.title, statement.language, SHOWN.heading)}
${renderNotices(frame, data)}
${renderFacts(frame, data)}
<p class="row no-print"><a class="button" href="/v1/records/${index}/receipt" download="${index}.receipt.json">${say('record.receipt')}</a>
<a class="button quiet" href="${base}/verify">${say('verify.title')}</a></p>
<p class="small soft no-print">${say('cert.print')}</p>
<h2>${say('record.documents')}</h2>
${statement.documents.length === 0 ? html`<p>${say('record.noDocuments')}</p>` : renderDocuments(frame, data)}
<h2>${say('record.versions')}</h2>
${renderTimeLine(frame, data)}
<p class="limits">${say(data.anchor && data.production ? 'verdict.limits.entry' : 'verdict.limits.undated')}</p>
<h2>${say('cert.how')}</h2>
${renderSteps(frame, data)}
<details class="no-print"><summary>${say('record.qr')}</summary>${trusted(data.qrSvg.replace('<svg', `<svg class="qr" role="img" aria-label="${say('record.qr')}"`))}
<p><span class="hash">${siteUrl}/records/${index}</span></p></details>
${renderSignature(frame)}`,
  }
}

function sayLedgerDate(say: Frame['say'], { anchor, production }: RecordData): string {
  if (anchor === undefined) return say('record.state.sealed')
  return say(production ? 'record.state.anchored' : 'record.state.test', { date: sayTime(say, anchor.block.time) })
}

/** The page of an entry without a statement to show. */
export function plainEntryPage({ say }: Frame, index: number, without: NonNullable<Entry['without']>): Page {
  const title = `${say('record.entry', { index })}: ${say(WITHOUT[without])}`
  return {
    title,
    main: html`<h1>${title}</h1>${without === 'damaged' && html`<p>${say('record.damaged')}</p>`}`,
  }
}

/**
 * Shown above all else: what changed for this version, the newest change of each kind. An edit of
 * an earlier version is included.
 */
function renderNotices({ say, base }: Frame, { index, statement, changes, state, partial }: RecordData): Html | false {
  const link = (at: number) => html`<a href="${base}/records/${at}">${say('record.entry', { index: at })}</a>`
  const newest = (what: VersionChange['what']) => changes.findLast(change => change.what === what && change.index > index)
  const before = changes.find(({ index: at, what }) => what === 'edited' && at < index)
  const [edited, published] = (['edited', 'published'] as const).map(newest)
  const withdrawn = newest('withdrawn')?.index ?? state.withdrawn
  const superseded = newest('superseded')?.index ?? state.superseded
  const notices: Piece[] = [
    before && html`${say('flag.silent-edit')}. ${say('flag.before')}: ${link(before.index)}`,
    statement.action === 'withdraw' && say('mark.withdrawn'),
    withdrawn !== undefined && html`${say('mark.withdrawn')}: ${link(withdrawn)}`,
    superseded !== undefined && html`${say('mark.superseded')}: ${link(superseded)}`,
    edited && html`${say('flag.silentLater')}: ${link(edited.index)}`,
    published && html`${say('record.later')}: ${link(published.index)}`,
    partial && say('record.partial'),
  ]
  const told = notices.filter(notice => notice !== false && notice !== undefined)
  // One banner for all of them, so that the certificate stays within two pages.
  return (
    told.length > 0 &&
    html`<div class="banner">${icon('warn')}<p>${told.map((notice, at) => html`${at > 0 && html`<br>`}${notice}`)}</p></div>`
  )
}

function renderFacts(frame: Frame, data: RecordData): Html {
  const { say, base } = frame
  const { index, statement, agency, sealedMs } = data
  const { record, revision, identifiers, reason, published, kind, action, language } = statement
  return html`<dl class="facts">
<dt>${say('record.state')}</dt><dd>${renderState(say, data)}</dd>
${sealedMs !== undefined && html`<dt>${say('record.sealed')}</dt><dd>${renderTime(say, sealedMs)}</dd>`}
<dt>${say('result.agency')}</dt><dd><a href="${base}/agencies/${encodeURIComponent(statement.agency)}"><bdi>${agency?.name ?? statement.agency}</bdi></a> (<bdi>${statement.agency}</bdi>)</dd>
<dt>${say('record.kind')}</dt><dd>${say(`kind.${kind}`)} · ${say(`action.${action}`)}${renderTarget(say, statement)}</dd>
<dt>${say('result.record')}</dt><dd><bdi>${record}</bdi></dd>
${revision !== undefined && html`<dt>${say('record.revision')}</dt><dd><bdi>${revision}</bdi></dd>`}
${identifiers !== undefined && identifiers.length > 0 && html`<dt>${say('record.identifiers')}</dt><dd>${renderIdentifiers(identifiers)}</dd>`}
${reason !== undefined && html`<dt>${say('record.reason')}</dt><dd>${say(`reason.${reason.code}`)}${reason.text && html`: ${renderContent(reason.text, language, SHOWN.detail)}${renderRest(frame, reason.text, language, SHOWN.detail)}`}</dd>`}
${published !== undefined && html`<dt>${say('record.published')}</dt><dd>${renderTime(say, published)}${renderGap(say, published, sealedMs)}</dd>`}
<dt>${say('result.index')}</dt><dd>${index}</dd>
</dl>`
}

function renderState(say: Frame['say'], { anchor, production, sealedMs, nowMs }: RecordData): Html {
  const since = (endMs: number) => sayDuration(say, Math.max(0, endMs - (sealedMs ?? endMs)) / 1000)
  if (anchor === undefined) {
    const waiting = sealedMs !== undefined && html`<br><span class="small soft">${say('record.waiting', { duration: since(nowMs) })}</span>`
    return html`${say('record.state.sealed')}${waiting}`
  }
  const { block, chainId, contract, transaction } = anchor
  const took = say('record.took', { duration: since(Date.parse(block.time)) })
  return html`${say(production ? 'record.state.anchored' : 'record.state.test', { date: sayTime(say, block.time) })}
${sealedMs !== undefined && html`<br><span class="small soft">${took}</span>`}
<br><span class="small soft">${say('record.chain', { chainId, contract, transaction, block: block.number })}</span>`
}

function renderIdentifiers(identifiers: NonNullable<Statement['identifiers']>): Html {
  return html`<ul class="plain">${identifiers.map(
    ({ scheme, value }, at) =>
      html`<li${at >= PRINTED_IDENTIFIERS && html` class="no-print"`}><bdi>${scheme}: ${clip(value, SHOWN.listed)}</bdi></li>`,
  )}</ul>`
}

/** The whole of a text that was cut. */
function renderRest({ say }: Frame, text: string | undefined, language: string | undefined, shown: number): Html | false {
  if (text === undefined || text.length <= shown) return false
  return html`<details class="no-print"><summary>${say('record.whole')}</summary><p>${renderContent(text, language)}</p></details>`
}

function renderDocuments(frame: Frame, { index, statement, changes, onlyDocument, evidence }: RecordData): Html {
  const { say, base } = frame
  const { documents } = statement
  const noticed = LINES_OF_NOTICE * new Set(changes.map(({ what }) => what)).size
  const printed = Math.max(1, Math.floor((PRINTED_LINES - evidence.path.length - noticed) / LINES_OF_DOCUMENT))
  const many = documents.length > printed
  const numbered = documents.map((document, at) => ({ document, number: at + 1 }))
  const shown = onlyDocument === undefined ? numbered : numbered.filter(({ number }) => number === onlyDocument)
  const others = documents.length - Math.min(shown.length, printed)
  const here = `${base}/records/${index}`
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${say('record.documents')}"><table class="stack documents"><thead><tr><th scope="col">${say('record.name')}</th><th scope="col">${say('result.size')}</th><th scope="col">${say('result.hash')}</th></tr></thead>
<tbody>${shown.map(({ document, number }, at) =>
    renderDocument(frame, document, {
      language: statement.language,
      isPrinted: at < printed,
      href: many && onlyDocument === undefined ? `${here}?document=${number}` : undefined,
    }),
  )}</tbody></table></div>
${others > 0 && html`<p class="${onlyDocument === undefined ? 'only-print' : 'small'}">${say('record.otherDocuments', { count: sayNumber(say, others) })}</p>`}
${onlyDocument !== undefined && html`<p class="no-print"><a href="${here}">${say('record.allDocuments')}</a></p>`}`
}

function renderDocument(
  { say }: Frame,
  { name, mediaType, bytes, sha256, jcs }: DocumentRef,
  { language, isPrinted, href }: { language: string | undefined; isPrinted: boolean; href: string | undefined },
): Html {
  return html`<tr${!isPrinted && html` class="no-print"`}><td data-label="${say('record.name')}">${renderContent(name, language, SHOWN.listed)}<br><bdi class="small soft">${clip(mediaType, SHOWN.listed)}</bdi>
${href !== undefined && html`<br><a class="small no-print" href="${href}">${say('record.onlyThis')}</a>`}</td>
<td class="num" data-label="${say('result.size')}">${say('result.bytes', { count: bytes })}</td>
<td data-label="${say('result.hash')}"><span class="hash">${sha256}</span>${jcs !== undefined && jcs !== sha256 && html`<br><span class="small soft">${say('record.content')}</span><br><span class="hash">${jcs}</span>`}${jcs === sha256 && html`<br><span class="small soft">${say('record.canonical')}</span>`}</td></tr>`
}
