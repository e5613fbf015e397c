/** Lists of entries, as several pages show them. */
import { type Say, sayTime } from '../../messages/say.ts'
import { clip, renderContent, SHOWN } from '../content.ts'
import { type Html, html, type Piece } from '../html.ts'
import type { Frame } from '../layout.ts'
import type { Entry } from '../records.ts'

/** What an entry without a statement is called. */
export const WITHOUT = {
  genesis: 'record.genesis',
  keyChange: 'record.keyChange',
  erased: 'record.erasedTitle',
  damaged: 'record.damagedTitle',
} as const

/** Entries as a list with links to their pages. `extra` is said after each of them, by default whether it is a silent edit. */
export function renderEntries<T extends Entry>(
  frame: Frame,
  entries: readonly T[],
  extra: (entry: T) => Piece = entry => editBadge(frame, entry),
): Html {
  const { say, base } = frame
  if (entries.length === 0) return html`<p>${say('home.none')}</p>`
  return html`<ul class="list">${entries.map(
    entry => html`<li><a class="name" href="${base}/records/${entry.index}">${nameOf(say, entry)}</a>
${entry.statement && renderSummary(say, entry.index, entry.statement)}${extra(entry)}</li>`,
  )}</ul>`
}

function editBadge({ say }: Frame, { isSilentEdit }: Entry): Html | false {
  return isSilentEdit === true && html`<p><span class="badge alert">${say('flag.silent-edit')}</span></p>`
}

/** The title of a record in its own language; its number where it has none. */
export function recordTitle(
  say: Say,
  { title, language, record }: { title?: string; language?: string; record: string },
  shown: number,
): Html {
  if (title === undefined || title.trim() === '') return html`${say('result.record')} <bdi>${clip(record, shown)}</bdi>`
  return renderContent(title, language, shown)
}

/** A time with its machine-readable form. Takes unix milliseconds or `YYYY-MM-DDTHH:MM:SSZ`. */
export function renderTime(say: Say, time: string | number): Html {
  return html`<time datetime="${typeof time === 'number' ? new Date(time).toISOString() : time}">${sayTime(say, time)}</time>`
}

function nameOf(say: Say, { statement, without }: Entry): Html | string {
  return statement ? recordTitle(say, statement, SHOWN.listed) : say(WITHOUT[without ?? 'erased'])
}

function renderSummary(say: Say, index: number, { agency, kind, action, published }: NonNullable<Entry['statement']>): Html {
  return html`<p class="soft small">${say('record.entry', { index })} · <bdi>${agency}</bdi> · ${say(`kind.${kind}`)} · ${say(`action.${action}`)}${published !== undefined && html` · ${renderTime(say, published)}`}</p>`
}
