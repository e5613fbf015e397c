/** Lists of entries, as several pages show them. */
import type { Statement } from '../../core/statements/statement.ts'
import { fill, type Html, html, type Piece } from '../../html.ts'
import { type Say, sayDuration } from '../../messages/say.ts'
import { clip, renderContent, SHOWN } from '../content.ts'
import type { Frame } from '../layout.ts'
import type { BareEntry, Dates, Entry } from '../records.ts'
import { renderTime } from '../time.ts'
import { vouchKey } from '../vouching.ts'

/** The words for an entry without a statement. */
export const WITHOUT = {
  genesis: 'record.genesis',
  keyChange: 'record.keyChange',
  anchorsChange: 'record.anchorsChange',
  timestamp: 'record.timestamp',
  tombstone: 'record.tombstone',
  erased: 'record.erasedTitle',
  erasing: 'erased.dueTitle',
  damaged: 'record.damagedTitle',
} as const

/**
 * An agency's date is marked if it is further from the ledger's than this: a day ahead, or a year
 * behind.
 */
const FAR_MS = { ahead: 86_400_000, behind: 365 * 86_400_000 } as const

/**
 * Entries as a list with links to their pages, their dates, and what became of each. `extra`
 * follows each of them.
 */
export function renderEntries<T extends Entry>(frame: Frame, entries: readonly T[], extra: (entry: T) => Piece = () => false): Html {
  const { say, base } = frame
  if (entries.length === 0) return html`<p>${say('home.none')}</p>`
  return html`<ul class="list">${entries.map(
    entry => html`<li><a class="name" href="${base}/records/${entry.index}">${nameOf(say, entry)}</a>
${renderSummary(frame, entry)}${extra(entry)}${renderMarks(frame, entry)}</li>`,
  )}</ul>`
}

/** A sentence above a list if the finder has not read the newest entries. */
export function renderBehind({ say }: Frame, behind: number): Html | false {
  return behind > 0 && html`<p class="small soft">${say('changes.behind', { count: behind })}</p>`
}

/** The state of an entry, as badges with links to the entries that changed it. */
export function renderMarks(frame: Frame, { state, dates, without }: Pick<Entry, 'state' | 'dates' | 'without'>): Html | false {
  const { say, base } = frame
  const { withdrawn, superseded, edited, isSilentEdit } = state
  const by = (index: number) => html`: <a href="${base}/records/${index}">${say('record.entry', { index })}</a>`
  const badge = (tone: 'alert' | 'note', sentence: string, index?: number) =>
    html` <span class="badge ${tone}">${sentence}${index !== undefined && by(index)}</span>`
  const marks = [
    withdrawn !== undefined && badge('alert', say('state.withdrawn'), withdrawn),
    superseded !== undefined && badge('note', say('state.superseded'), superseded),
    (edited === true || isSilentEdit === true) && badge('alert', say('state.edited')),
    // A logged time stamp opens no round, so it waits for nothing.
    dates.anchored === undefined && without !== 'timestamp' && badge('note', say(vouchKey('state.waiting', frame))),
  ].filter(mark => mark !== false)
  return marks.length > 0 && html`<p>${marks}</p>`
}

/** The version that an amendment or withdrawal names. */
export function renderTarget(say: Say, { action, target }: Pick<Statement, 'action' | 'target'>): Html | false {
  if (target === undefined || action === 'publish') return false
  return html` · ${say(SPEAKS[action])}: ${fill(say('changes.version'), { revision: html`<bdi>${target}</bdi>` })}`
}

/** The words before the version that a change is about. */
export const SPEAKS = { 'silent-edit': 'flag.before', amend: 'changes.replaces', withdraw: 'changes.withdraws' } as const

/**
 * The ledger's date of an entry: that of the first final anchor or, before that, of acceptance by
 * the ledger's clock.
 */
export function renderLedgerDate(say: Say, { sealedMs, anchored }: Dates): Html | false {
  if (anchored !== undefined)
    return fill(say(anchored.isEvidence ? 'date.anchored' : 'date.test'), { date: renderTime(say, anchored.time) })
  return sealedMs !== undefined && fill(say('date.accepted'), { date: renderTime(say, sealedMs) })
}

/**
 * The agency's own date, if it gave one, named as such, and marked if it is far from the ledger's.
 */
export function renderAgencyDate(say: Say, published: string | undefined, { sealedMs }: Dates): Html | false {
  if (published === undefined) return false
  return html`${fill(say('date.agency'), { date: renderTime(say, published) })}${renderGap(say, published, sealedMs)}`
}

/** How far an agency's date is from the ledger's, if that is far. */
export function renderGap(say: Say, published: string, sealedMs: number | undefined): Html | false {
  const aheadMs = sealedMs === undefined ? 0 : Date.parse(published) - sealedMs
  if (aheadMs <= FAR_MS.ahead && -aheadMs <= FAR_MS.behind) return false
  const duration = sayDuration(say, Math.abs(aheadMs) / 1000)
  return html` <span class="badge note">${say(aheadMs > 0 ? 'date.late' : 'date.early', { duration })}</span>`
}

/** The title of a record in its own language; its number if it has no title. */
export function recordTitle(
  say: Say,
  { title, language, record }: { title?: string; language?: string; record: string },
  shown: number,
): Html {
  if (title === undefined || title.trim() === '') return html`${say('result.record')} <bdi>${clip(record, shown)}</bdi>`
  return renderContent(title, language, shown)
}

function nameOf(say: Say, { statement, without }: BareEntry): Html | string {
  return statement ? recordTitle(say, statement, SHOWN.listed) : say(WITHOUT[without ?? 'erased'])
}

function renderSummary({ say, base }: Frame, { index, statement, dates, agencyName }: Entry): Html {
  const date = html`<b>${renderLedgerDate(say, dates)}</b> · ${say('record.entry', { index })}`
  if (statement === undefined) return html`<p class="small">${date}</p>`
  const { agency, kind, action, published } = statement
  const agencyDate = renderAgencyDate(say, published, dates)
  return html`<p class="small">${date} · ${renderAgency(base, agency, agencyName)} · ${say(`kind.${kind}`)} · ${say(`action.${action}`)}</p>
${agencyDate && html`<p class="soft small">${agencyDate}</p>`}`
}

/** An agency as a link: its name, with its id beside it. */
function renderAgency(base: string, id: string, name: string | undefined): Html {
  const link = html`<a href="${base}/agencies/${encodeURIComponent(id)}"><bdi>${name ?? id}</bdi></a>`
  return name === undefined ? link : html`${link} (<bdi>${id}</bdi>)`
}
