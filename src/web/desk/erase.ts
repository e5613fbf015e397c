/** Erasing a statement at the desk: the form, and the page of one that waits. Design §16. */
import { ERASURE_REASONS, type ErasureReason } from '../../core/statements/erasure.ts'
import { fill, type Html, html } from '../../html.ts'
import { sayDuration } from '../../messages/say.ts'
import { SHOWN } from '../content.ts'
import { recordTitle } from '../pages/entry-list.ts'
import type { Entry } from '../records.ts'
import { renderTime } from '../time.ts'
import { type DeskFrame, deskPage, renderField, renderForm, renderNotice, type ShownProblem } from './desk-frame.ts'
import { renderOwnKey } from './keys.ts'

/** The data of the form. */
export type EraseData = {
  readonly entry: Entry
  /** How long the request can be taken back. */
  readonly delayMs: number
  /** How long the same statement may not come back. */
  readonly suppressionMs: number
  readonly reason?: string | undefined
  readonly problem?: ShownProblem | undefined
}

/** Asks whether a statement is to be erased, for the reason, and for the key again. */
export function erasePage(frame: DeskFrame, { entry, delayMs, suppressionMs, reason, problem }: EraseData) {
  const { desk, say, base } = frame
  const { index, statement } = entry
  const faultOf = (id: string) => (problem?.field === id ? problem.text : undefined)
  const lead = delayMs > 0 ? desk('erase.lead', { duration: sayDuration(say, delayMs / 1000) }) : desk('erase.leadNow')
  return deskPage(frame, {
    title: desk('erase.title', { index }),
    problems: problem === undefined ? [] : [problem],
    main: html`<p class="lead">${lead}</p>
${statement && html`<p><a href="${base}/records/${index}">${recordTitle(say, statement, SHOWN.listed)}</a></p>`}
${statement && statement.action !== 'publish' && html`${renderNotice(desk('erase.first'))}<p><a class="button quiet" href="${base}/desk/restate/${index}">${desk('erase.restate')}</a></p>`}
<h2>${desk('erase.stays')}</h2>
<ul><li>${desk('erase.staysEntry')}</li><li>${desk('erase.staysEffect')}</li><li>${desk('erase.staysCopies')}</li>${suppressionMs > 0 && html`<li>${desk('erase.again', { duration: sayDuration(say, suppressionMs / 1000) })}</li>`}</ul>
${renderForm(
  frame,
  `/desk/erase/${index}`,
  html`${renderField(frame, { id: 'reason', label: desk('form.reason'), hint: desk('erase.reasonHint'), problem: faultOf('reason'), input: attributes => renderReasons(frame, reason, attributes) })}
${renderOwnKey(frame, faultOf('key'))}
<p><button type="submit">${desk('erase.do')}</button></p>`,
)}`,
  })
}

/** A statement that waits to be erased, and the button that takes the request back. */
export function erasingPage(
  frame: DeskFrame,
  {
    index,
    due,
    reason,
    by,
  }: { readonly index: number; readonly due: string; readonly reason: ErasureReason; readonly by: 'agency' | 'operator' },
) {
  const { desk, say, base } = frame
  return deskPage(frame, {
    title: desk('erase.waitsTitle', { index }),
    main: html`<p class="lead">${fill(desk('erase.waits'), { date: renderTime(say, due) })}</p>
<dl class="facts"><dt>${desk('form.reason')}</dt><dd>${say(`erased.reason.${reason}`)}</dd></dl>
${by === 'operator' ? html`<p>${desk('erase.byOperator')}</p>` : renderForm(frame, `/desk/erase/${index}/undo`, html`<p><button type="submit">${desk('home.takeBack')}</button></p>`)}
<p class="row"><a href="${base}/desk">${desk('menu.home')}</a> <a href="${base}/records/${index}">${desk('done.page')}</a></p>`,
  })
}

function renderReasons({ desk, say }: DeskFrame, chosen: string | undefined, attributes: Html): Html {
  return html`<select ${attributes} required><option value="">${desk('form.choose')}</option>${ERASURE_REASONS.map(code => html`<option value="${code}"${code === chosen && html` selected`}>${say(`erased.reason.${code}`)}</option>`)}</select>`
}
