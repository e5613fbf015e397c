/** A record's page. Printed, it is a certificate with everything needed to check by hand. */
import type { DocumentRef, Statement } from '../../core/statement.ts'
import { sayDuration, sayNumber, sayTime } from '../../messages/say.ts'
import type { SiteAgency, SiteAnchor, SiteVersion } from '../deps.ts'
import { type Html, html, type Piece, trusted } from '../html.ts'
import { icon } from '../icons.ts'
import type { Frame, Page } from '../layout.ts'
import { recordTitle, renderTime } from './entry-list.ts'

/** All that the page of one statement shows. */
export type RecordData = {
  readonly index: number
  readonly statement: Statement
  readonly agency: SiteAgency | undefined
  readonly versions: readonly SiteVersion[]
  readonly anchor: SiteAnchor | undefined
  /** Of the anchor: false on a test network, which is no evidence. */
  readonly production: boolean
  /** The anchor before it, after which the entry was accepted. */
  readonly previous: SiteAnchor | undefined
  /** Absolute address of the ledger's pages, for the printed copy. */
  readonly siteUrl: string
  readonly qrSvg: string
}

/** The page of a statement. */
export function recordPage(frame: Frame, data: RecordData): Page {
  const { say, base } = frame
  const { index, statement, siteUrl } = data
  const title = statement.title ?? statement.record
  return {
    title: `${title} (${say('record.entry', { index })})`,
    feed: `${base}/agencies/${encodeURIComponent(statement.agency)}/feed.atom`,
    main: html`<p class="only-print"><b>${say('cert.title')}</b></p>
<div class="qr-box">${trusted(data.qrSvg.replace('<svg', '<svg class="qr only-print" role="img" aria-hidden="true"'))}</div>
<h1>${recordTitle(say, statement)}</h1>
${currentNotice(frame, data)}
${renderFacts(frame, data)}
<p class="row no-print"><a class="button" href="/v1/records/${index}/receipt" download="${index}.receipt.json">${say('record.receipt')}</a>
<a class="button quiet" href="${base}/verify">${say('verify.title')}</a></p>
<h2>${say('record.documents')}</h2>
${statement.documents.length === 0 ? html`<p>${say('record.noDocuments')}</p>` : renderDocuments(frame, statement.documents)}
<h2>${say('record.versions')}</h2>
${renderVersions(frame, data)}
<p class="limits">${say('limits.sentence')}</p>
<h2>${say('cert.how')}</h2>
${renderSteps(frame, data)}
<details class="no-print"><summary>${say('record.qr')}</summary>${trusted(data.qrSvg.replace('<svg', `<svg class="qr" role="img" aria-label="${say('record.qr')}"`))}
<p><span class="hash">${siteUrl}/records/${index}</span></p></details>
<section class="only-print sign-part"><h2>${say('cert.sign')}</h2><p>${say('cert.signText')}</p>
<div class="sign"><div>${say('cert.signName')}</div><div>${say('cert.signDate')}</div><div>${say('cert.signSignature')}</div></div></section>`,
  }
}

/** The page of an entry that has no statement to show: the genesis, or an erased one. */
export function plainEntryPage({ say }: Frame, index: number, kind: 'genesis' | 'erased'): Page {
  const title = kind === 'genesis' ? say('record.entry', { index }) : say('record.erasedTitle')
  return { title, main: html`<h1>${title}</h1><p>${say(`record.${kind}`)}</p>` }
}

/** Said above all else: a later version, a withdrawal, a silent edit. */
function currentNotice({ say, base }: Frame, { index, versions }: RecordData): Html[] {
  const own = versions.find(version => version.index === index)
  const later = versions.filter(version => version.index > index && version.flag !== 'repeat' && version.flag !== 'reformatted')
  const newest = later.at(-1)
  const link = newest && html`<a href="${base}/records/${newest.index}">${say('record.entry', { index: newest.index })}</a>`
  const notices: Piece[] = [
    own?.flag === 'silent-edit' && say('flag.silent-edit'),
    own?.action === 'withdraw' && say('mark.withdrawn'),
    newest && newest.action === 'withdraw' && html`${say('mark.withdrawn')}: ${link}`,
    newest && newest.action !== 'withdraw' && html`${say('mark.superseded')}: ${link}`,
  ]
  return notices
    .filter(notice => notice !== false && notice !== undefined)
    .map(notice => html`<div class="banner">${icon('warn')}<p>${notice}</p></div>`)
}

function renderFacts({ say, base }: Frame, data: RecordData): Html {
  const { index, statement, agency } = data
  const { record, revision, identifiers, reason, published, kind, action } = statement
  return html`<dl class="facts">
<dt>${say('record.state')}</dt><dd>${renderState(say, data)}</dd>
<dt>${say('result.agency')}</dt><dd><a href="${base}/agencies/${encodeURIComponent(statement.agency)}"><bdi>${agency?.name ?? statement.agency}</bdi></a> (<bdi>${statement.agency}</bdi>)</dd>
<dt>${say('record.kind')}</dt><dd>${say(`kind.${kind}`)} · ${say(`action.${action}`)}</dd>
<dt>${say('result.record')}</dt><dd><bdi>${record}</bdi></dd>
${revision !== undefined && html`<dt>${say('record.revision')}</dt><dd><bdi>${revision}</bdi></dd>`}
${identifiers !== undefined && identifiers.length > 0 && html`<dt>${say('record.identifiers')}</dt><dd>${identifiers.map(({ scheme, value }) => html`<bdi>${scheme}: ${value}</bdi> `)}</dd>`}
${reason !== undefined && html`<dt>${say('record.reason')}</dt><dd>${say(`reason.${reason.code}`)}${reason.text && html`: <bdi>${reason.text}</bdi>`}</dd>`}
<dt>${say('record.published')}</dt><dd>${renderTime(say, published)}</dd>
<dt>${say('result.index')}</dt><dd>${index}</dd>
</dl>`
}

function renderState(say: Frame['say'], { anchor, production, previous }: RecordData): Html {
  if (anchor === undefined) return html`${say('record.state.sealed')}`
  const { block, chainId, contract, transaction } = anchor
  const waited = previous && (Date.parse(block.time) - Date.parse(previous.block.time)) / 1000
  return html`${say(production ? 'record.state.anchored' : 'record.state.test', { date: sayTime(say, block.time) })}
${waited !== undefined && html`<br><span class="small soft">${say('record.took', { duration: sayDuration(say, waited) })}</span>`}
<br><span class="small soft">${say('record.chain', { chainId, contract, transaction, block: block.number })}</span>`
}

function renderDocuments({ say }: Frame, documents: readonly DocumentRef[]): Html {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${say('record.documents')}"><table class="stack"><thead><tr><th scope="col">${say('record.name')}</th><th scope="col">${say('result.size')}</th><th scope="col">${say('result.hash')}</th></tr></thead>
<tbody>${documents.map(
    ({
      name,
      mediaType,
      bytes,
      sha256,
      jcs,
    }) => html`<tr><td data-label="${say('record.name')}"><bdi>${name}</bdi><br><span class="small soft">${mediaType}</span></td>
<td class="num" data-label="${say('result.size')}">${say('result.bytes', { count: sayNumber(say, bytes) })}</td>
<td data-label="${say('result.hash')}"><span class="hash">${sha256}</span>${jcs !== undefined && jcs !== sha256 && html`<br><span class="small soft">${say('record.content')}</span><br><span class="hash">${jcs}</span>`}</td></tr>`,
  )}</tbody></table></div>`
}

function renderVersions({ say, base }: Frame, { index, versions }: RecordData): Html {
  return html`<ol class="line">${versions.map(
    version => html`<li${(version.flag === 'silent-edit' || version.action === 'withdraw') && html` class="alert"`}>
${version.index === index ? html`<b>${say('record.entry', { index: version.index })} (${say('record.current')})</b>` : html`<a href="${base}/records/${version.index}">${say('record.entry', { index: version.index })}</a>`}:
${say(`action.${version.action}`)} · ${renderTime(say, version.published)}${version.revision !== undefined && html` · ${say('record.revision')} <bdi>${version.revision}</bdi>`}
${version.flag && html` <span class="badge ${version.flag === 'silent-edit' ? 'alert' : 'note'}">${say(`flag.${version.flag}`)}</span>`}</li>`,
  )}</ol>`
}

function renderSteps({ say }: Frame, { index, anchor, siteUrl }: RecordData): Html {
  return html`<ol><li>${say('cert.step1', { command: 'sha256sum' })}</li>
<li>${say('cert.step2', { url: `${siteUrl}/v1/records/${index}/receipt` })}</li>
<li>${say('cert.step3', { url: `${siteUrl}/verify` })}</li>
<li>${say('cert.step4')}</li>
<li>${anchor === undefined ? say('cert.step5sealed') : say('cert.step5', { chainId: anchor.chainId, logId: anchor.logId, size: anchor.size, root: anchor.root, contract: anchor.contract })}</li></ol>`
}
