/** An agency's own submissions, and the page after one. */
import { fill, type Html, html } from '../../html.ts'
import { renderBehind, renderEntries } from '../pages/entry-list.ts'
import { receiptName } from '../receipt-name.ts'
import type { Entry } from '../records.ts'
import { renderTime } from '../time.ts'
import { type DeskFrame, deskPage } from './desk-frame.ts'

/** An own entry, and the request that waits to erase it. */
export type OwnEntry = Entry & { readonly waiting: { readonly due: string; readonly by: 'agency' | 'operator' } | undefined }

/** The submissions, newest first, with what can be done about each. */
export function submissionsPage(
  frame: DeskFrame,
  data: {
    readonly entries: readonly OwnEntry[]
    readonly before: number | undefined
    readonly older: number | undefined
    readonly behind: number
  },
) {
  const { desk, say, base } = frame
  const { entries, before, older, behind } = data
  return deskPage(frame, {
    title: desk('menu.home'),
    main: html`<p class="row"><a class="button" href="${base}/desk/new">${desk('menu.new')}</a> <a class="button quiet" href="${base}/desk/folder">${desk('menu.folder')}</a></p>
${entries.length === 0 && html`<p>${desk('home.none')}</p>`}
${renderBehind(frame, behind)}
${entries.length > 0 && renderEntries(frame, entries, entry => renderActions(frame, entry))}
${entries.length > 0 && html`<p><a href="${base}/desk/receipts.zip?of=${entries.map(({ index }) => index).join(',')}" download="receipts.zip">${desk('home.zip')}</a></p>`}
<p class="row">${before !== undefined && html`<a href="${base}/desk">${say('site.newest')}</a>`}
${older !== undefined && html`<a href="${base}/desk?before=${older}">${say('site.older')}</a>`}</p>`,
  })
}

/** The page after a submission. It holds after a reload, and later. */
export function donePage(frame: DeskFrame, { index, statement, dates }: Entry) {
  const { desk, say, base } = frame
  return deskPage(frame, {
    title: desk('done.title'),
    main: html`<dl class="facts"><dt>${desk('done.entry', { index })}</dt><dd>${dates.sealedMs !== undefined && renderTime(say, dates.sealedMs)}</dd>
<dt>${desk('form.record')}</dt><dd><bdi>${statement?.record}</bdi></dd></dl>
<p>${desk(dates.anchored === undefined ? 'done.next' : 'done.complete')}</p><p>${desk('done.keep')}</p>
<p class="row"><a class="button" href="/v1/records/${index}/receipt" download="${receiptName(index, statement?.documents[0]?.name)}">${desk('done.receipt')}</a>
<a class="button quiet" href="${base}/records/${index}">${desk('done.page')}</a> <a class="button quiet" href="${base}/desk/new">${desk('done.more')}</a></p>`,
  })
}

/**
 * Amending and withdrawing need a statement that is still there and not itself a withdrawal. Only
 * admin keys erase.
 */
function renderActions({ desk, say, base, who }: DeskFrame, { index, statement, state, waiting }: OwnEntry): Html | false {
  const link = (href: string, text: string, download?: string) =>
    html`<a href="${href}"${download !== undefined && html` download="${download}"`}>${text}<span class="sr"> ${desk('done.entry', { index })}</span></a>`
  const act = (action: string, text: string) => link(`${base}/desk/${action}/${index}`, text)
  if (waiting !== undefined)
    return html`<p class="actions">${fill(desk('home.erasing'), { date: renderTime(say, waiting.due) })}${waiting.by === 'agency' && who?.isAdmin && html` ${act('erase', desk('home.takeBack'))}`}</p>`
  if (statement === undefined) return false
  const isChangeable = statement.action !== 'withdraw' && state.withdrawn === undefined
  const actions = [
    link(`/v1/records/${index}/receipt`, desk('home.receipt'), receiptName(index, statement.documents[0]?.name)),
    isChangeable && act('amend', desk('home.amend')),
    isChangeable && act('withdraw', desk('home.withdraw')),
    who?.isAdmin && act('erase', desk('home.erase')),
  ].filter(action => action)
  return html`<p class="actions">${actions.map((action, at) => html`${at > 0 && ' · '}${action}`)}</p>`
}
