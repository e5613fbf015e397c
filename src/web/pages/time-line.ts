/**
 * The history of a record as a time line. A long one shows its newest part, the part around this
 * statement, and how much is left out.
 */

import { type Html, html } from '../../html.ts'
import { sayNumber } from '../../messages/say.ts'
import type { SiteVersion } from '../deps.ts'
import type { Frame } from '../layout.ts'
import type { Entry } from '../records.ts'
import { renderAgencyDate, renderLedgerDate, renderMarks, renderTarget } from './entry-list.ts'

/** A version in a time line, with the number of versions left out before it. */
export type ShownSlot = { readonly version: SiteVersion; readonly hiddenBefore: number }

/** A history: its shown versions, and how many there are. */
export type TimeLine = { readonly shown: readonly (ShownSlot & { readonly entry: Entry })[]; readonly count: number }

const NEWEST = 12
const NEAR = 4

/** The versions, oldest first, with their dates and what became of each. */
export function renderTimeLine(frame: Frame, { index, timeLine }: { readonly index: number; readonly timeLine: TimeLine }): Html {
  const { say, base } = frame
  const { shown, count } = timeLine
  const hidden = count - shown.length
  const left = (number: number) => say('record.hidden', { count: sayNumber(say, number) })
  return html`<ol class="line">${shown.map(
    each => html`${each.hiddenBefore > 0 && html`<li class="gap soft small">${left(each.hiddenBefore)}</li>`}
${renderVersion(frame, each, each.version.index === index)}`,
  )}</ol>
${hidden > 0 && html`<p class="no-print"><a href="${base}/records/${index}?history=all">${say('record.showAll')}</a></p>`}`
}

function renderVersion(frame: Frame, { version, entry }: TimeLine['shown'][number], isOwn: boolean): Html {
  const { say, base } = frame
  const { index, action, revision, published, flag, edited } = version
  const { dates, state } = entry
  const isAlert = edited === true || action === 'withdraw'
  const name = say('record.entry', { index })
  const agencyDate = renderAgencyDate(say, published, dates)
  // The flag of this version says this already.
  const { edited: _, isSilentEdit, ...others } = state
  return html`<li${isAlert && html` class="alert"`}>
${isOwn ? html`<b>${name} (${say('record.current')})</b>` : html`<a href="${base}/records/${index}">${name}</a>`}:
${renderLedgerDate(say, dates)} · ${say(`action.${action}`)}${renderTarget(say, version)}${revision !== undefined && html` · ${say('record.revision')} <bdi>${revision}</bdi>`}
${flag && html` <span class="badge ${flag === 'silent-edit' ? 'alert' : 'note'}">${say(`flag.${flag}`)}</span>`}
${agencyDate && html`<br><span class="soft small">${agencyDate}</span>`}
${renderMarks(frame, { dates, state: flag === 'silent-edit' ? others : { ...others, ...(edited && { edited }) } })}</li>`
}

/** Chooses the versions to show: all of them, or the first, those around one, and the newest. */
export function chooseVersions(versions: readonly SiteVersion[], index: number, whole: boolean): ShownSlot[] {
  const own = versions.findIndex(version => version.index === index)
  let last = -1
  return versions.flatMap((version, at) => {
    if (!whole && at > 0 && at < versions.length - NEWEST && Math.abs(at - own) > NEAR) return []
    const hiddenBefore = at - last - 1
    last = at
    return [{ version, hiddenBefore }]
  })
}
