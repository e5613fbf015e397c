/** The facts of a statement, as its page and its certificate show them. */
import type { DocumentRef, Statement } from '../../core/statements/statement.ts'
import { fill, type Html, html, type Piece } from '../../html.ts'
import { sayDuration } from '../../messages/say.ts'
import { clip, renderContent, SHOWN } from '../content.ts'
import type { SiteAgency, SiteAnchor, SiteRound, SiteState, ToldChange } from '../deps.ts'
import { icon } from '../icons.ts'
import type { Frame } from '../layout.ts'
import { renderTime } from '../time.ts'
import { vouchKey } from '../vouching.ts'
import { renderGap, renderTarget } from './entry-list.ts'

/** A statement, and what the ledger knows of it. */
export type RecordFacts = {
  readonly index: number
  readonly statement: Statement
  readonly agency: SiteAgency | undefined
  /**
   * Its state as far as the finder has read the log. The finder knows it even if the
   * history is too long to be read.
   */
  readonly state: SiteState
  readonly changes: readonly ToldChange[]
  /** Set if the record has more statements than were read. */
  readonly partial?: true
  /** The final round of the tree that the receipt shows. */
  readonly round: SiteRound | undefined
  /** The round's first anchor that counts. Witnesses and time stamps need none. */
  readonly anchor: SiteAnchor | undefined
  /** Whether the round is evidence: false on a test network. */
  readonly production: boolean
  readonly sealedMs: number | undefined
  readonly nowMs: number
}

/**
 * The later changes of this version, the newest of each kind, each with a link to the entry that
 * made it. An edit of an earlier version is included.
 */
export function tellChanges({ say, base }: Frame, { index, statement, changes, state, partial }: RecordFacts): Piece[] {
  const link = (at: number) => html`<a href="${base}/records/${at}">${say('record.entry', { index: at })}</a>`
  const tell = (words: string, at: number) => {
    const change = html`${words}: ${link(at)}`
    const isErased = changes.some(each => each.index === at && each.erased !== undefined)
    return isErased ? fill(say('change.gone'), { change: html`${change}.` }) : change
  }
  const newest = (what: ToldChange['what']) => changes.findLast(change => change.what === what && change.index > index)
  const before = changes.find(({ index: at, what }) => what === 'edited' && at < index)
  const [edited, published] = (['edited', 'published'] as const).map(newest)
  const withdrawn = newest('withdrawn')?.index ?? state.withdrawn
  const superseded = newest('superseded')?.index ?? state.superseded
  const told: Piece[] = [
    before && tell(`${say('flag.silent-edit')}. ${say('flag.before')}`, before.index),
    statement.action === 'withdraw' && say('mark.withdrawn'),
    withdrawn !== undefined && tell(say('mark.withdrawn'), withdrawn),
    superseded !== undefined && tell(say('mark.superseded'), superseded),
    edited && tell(say('flag.silentLater'), edited.index),
    published && tell(say('record.later'), published.index),
    partial && say('record.partial'),
  ]
  return told.filter(each => each !== false && each !== undefined)
}

/** The same in one box, above all else. */
export function renderNotices(frame: Frame, facts: RecordFacts): Html | false {
  const told = tellChanges(frame, facts)
  return (
    told.length > 0 &&
    html`<div class="banner">${icon('warn')}<p>${told.map((notice, at) => html`${at > 0 && html`<br>`}${notice}`)}</p></div>`
  )
}

/** A statement's own facts as a list, and the ledger's facts about it. */
export function renderFacts(frame: Frame, data: RecordFacts): Html {
  const { say } = frame
  return html`<dl class="facts">
<dt>${say('record.state')}</dt><dd>${renderState(frame, data)}</dd>
${renderRows(frame, data)}
</dl>`
}

/** The same without the state, for a page that says it elsewhere. */
export function renderStated(frame: Frame, data: RecordFacts): Html {
  return html`<dl class="facts">${renderRows(frame, data)}</dl>`
}

function renderRows(frame: Frame, data: RecordFacts): Html {
  const { say, base } = frame
  const { index, statement, agency, sealedMs } = data
  const { record, revision, identifiers, reason, published, kind, action, language } = statement
  return html`${sealedMs !== undefined && html`<dt>${say('record.sealed')}</dt><dd>${renderTime(say, sealedMs)}</dd>`}
<dt>${say('result.agency')}</dt><dd><a href="${base}/agencies/${encodeURIComponent(statement.agency)}"><bdi>${agency?.name ?? statement.agency}</bdi></a> (<bdi>${statement.agency}</bdi>)</dd>
<dt>${say('record.kind')}</dt><dd>${say(`kind.${kind}`)} · ${say(`action.${action}`)}${renderTarget(say, statement)}</dd>
<dt>${say('result.record')}</dt><dd><bdi>${record}</bdi></dd>
${revision !== undefined && html`<dt>${say('record.revision')}</dt><dd><bdi>${revision}</bdi></dd>`}
${identifiers !== undefined && identifiers.length > 0 && html`<dt>${say('record.identifiers')}</dt><dd>${renderIdentifiers(identifiers)}</dd>`}
${reason !== undefined && html`<dt>${say('record.reason')}</dt><dd>${say(`reason.${reason.code}`)}${reason.text && html`: ${renderContent(reason.text, language, SHOWN.detail)}${renderRest(frame, reason.text, language, SHOWN.detail)}`}</dd>`}
${published !== undefined && html`<dt>${say('record.published')}</dt><dd>${renderTime(say, published)}${renderGap(say, published, sealedMs)}</dd>`}
<dt>${say('result.index')}</dt><dd>${index}</dd>`
}

function renderState(frame: Frame, facts: RecordFacts): Html {
  const { say } = frame
  const { round, anchor, sealedMs, nowMs } = facts
  const since = (endMs: number) => sayDuration(say, Math.max(0, endMs - (sealedMs ?? endMs)) / 1000)
  if (round === undefined) {
    const waiting = sealedMs !== undefined && html`<br><span class="small soft">${say('record.waiting', { duration: since(nowMs) })}</span>`
    return html`${say(vouchKey('record.state.sealed', frame))}${waiting}`
  }
  const took = say('record.took', { duration: since(Date.parse(round.time)) })
  return html`${fill(say(stateKey(frame, facts)), { date: renderTime(say, round.time) })}
${sealedMs !== undefined && html`<br><span class="small soft">${took}</span>`}
${anchor && html`<br><span class="small soft">${say('record.chain', { ...anchor, block: anchor.block.number })}</span>`}`
}

/** The sentence that says how far a statement has come, which has the date in it. */
export function stateKey(frame: Frame, { round, anchor, production }: Pick<RecordFacts, 'round' | 'anchor' | 'production'>) {
  if (round === undefined) return vouchKey('record.state.sealed', frame)
  if (!production) return 'record.state.test'
  return anchor === undefined ? 'record.state.vouched' : vouchKey('record.state.anchored', frame)
}

function renderIdentifiers(identifiers: NonNullable<Statement['identifiers']>): Html {
  return html`<ul class="plain">${identifiers.map(
    ({ scheme, value }) => html`<li><bdi>${scheme}: ${clip(value, SHOWN.listed)}</bdi></li>`,
  )}</ul>`
}

/** The whole of a text that was cut. Not printed. */
export function renderRest({ say }: Frame, text: string | undefined, language: string | undefined, shown: number): Html | false {
  if (text === undefined || text.length <= shown) return false
  return html`<details class="no-print"><summary>${say('record.whole')}</summary><p>${renderContent(text, language)}</p></details>`
}

/** A row about a document: name, type, size and fingerprints. */
export function renderDocument(
  say: Frame['say'],
  { name, mediaType, bytes, sha256, jcs }: DocumentRef,
  language: string | undefined,
  link: Html | false,
): Html {
  return html`<tr><td data-label="${say('record.name')}">${renderContent(name, language, SHOWN.listed)}<br><bdi class="small soft">${clip(mediaType, SHOWN.listed)}</bdi>${link}</td>
<td class="num" data-label="${say('result.size')}">${say('result.bytes', { count: bytes })}</td>
<td data-label="${say('result.hash')}"><span class="hash">${sha256}</span>${jcs !== undefined && jcs !== sha256 && html`<br><span class="small soft">${say('record.content')}</span><br><span class="hash">${jcs}</span>`}${jcs === sha256 && html`<br><span class="small soft">${say('record.canonical')}</span>`}</td></tr>`
}
