/** Lists of entries, as several pages show them. */

import { type Say, sayTime } from '../../messages/say.ts'
import { type Html, html } from '../html.ts'
import type { Frame } from '../layout.ts'
import type { Entry } from '../records.ts'

/** Entries as a list with links to their pages. */
export function renderEntries(frame: Frame, entries: readonly Entry[]): Html {
  const { say, base } = frame
  if (entries.length === 0) return html`<p>${say('home.none')}</p>`
  return html`<ul class="list">${entries.map(
    ({ index, statement, genesis }) => html`<li><a class="name" href="${base}/records/${index}">${
      statement ? recordTitle(say, statement) : say(genesis ? 'record.genesis' : 'record.erasedTitle')
    }</a>
${statement && html`<p class="soft small">${say('record.entry', { index })} · <bdi>${statement.agency}</bdi> · ${say(`kind.${statement.kind}`)} · ${say(`action.${statement.action}`)} · ${renderTime(say, statement.published)}</p>`}</li>`,
  )}</ul>`
}

/** The title of a record in its own language; its number where it has none. */
export function recordTitle(say: Say, { title, language, record }: { title?: string; language?: string; record: string }): Html {
  if (title === undefined) return html`${say('result.record')} <bdi>${record}</bdi>`
  return language === undefined ? html`<bdi>${title}</bdi>` : html`<bdi lang="${language}" dir="auto">${title}</bdi>`
}

/** A time with its machine-readable form. */
export function renderTime(say: Say, time: string): Html {
  return html`<time datetime="${time}">${sayTime(say, time)}</time>`
}
