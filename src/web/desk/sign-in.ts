/** The sign-in pages of the desk and of the operator. */
import { html } from '../../html.ts'
import { type DeskFrame, deskPage, renderField, renderForm, renderHidden, renderNotice, type ShownProblem } from './desk-frame.ts'

/**
 * The form for a key. `kept` are the fields of a form that was sent after its session had ended:
 * they go on with the key.
 */
export function signInPage(
  frame: DeskFrame,
  data: {
    readonly place: 'desk' | 'operator'
    readonly problem?: string | undefined
    readonly notice?: string | undefined
    readonly kept?: { readonly [name: string]: string } | undefined
    readonly next?: string | undefined
  },
) {
  const { desk } = frame
  const { place, problem, notice, kept = {}, next } = data
  const isDesk = place === 'desk'
  const problems: ShownProblem[] = problem === undefined ? [] : [{ text: problem, field: 'key' }]
  return deskPage(frame, {
    title: desk(isDesk ? 'sign.title' : 'sign.operatorTitle'),
    problems,
    main: html`${notice !== undefined && renderNotice(notice)}<p class="lead">${desk(isDesk ? 'sign.lead' : 'sign.operatorLead')}</p>
${renderForm(
  frame,
  `/${place}/sign-in`,
  html`${renderHidden({ ...kept, ...(next !== undefined && { next }) })}${renderField(frame, {
    id: 'key',
    label: desk(isDesk ? 'sign.key' : 'sign.operatorKey'),
    hint: isDesk ? desk('sign.keyHint') : undefined,
    problem,
    input: attributes =>
      html`<input type="password" ${attributes} required maxlength="512" autocomplete="current-password" spellcheck="false" dir="ltr">`,
  })}
<p><button type="submit">${desk('sign.in')}</button></p>`,
)}
${isDesk && html`<p><a href="${frame.base}/for-agencies">${desk('join.title')}</a></p>`}`,
  })
}

/** For a reader who came by a link on another site: a click on this one sends the cookie. */
export function continuePage(frame: DeskFrame, href: string) {
  const { desk } = frame
  return deskPage(frame, {
    title: desk('desk.title'),
    main: html`<p>${desk('sign.elsewhere')}</p><p><a class="button" href="${href}">${desk('sign.continue')}</a></p>`,
  })
}
