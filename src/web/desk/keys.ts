/** The keys of an agency, for its admin keys and for the operator. */
import { fill, type Html, html } from '../../html.ts'
import { isolate } from '../../messages/say.ts'
import { renderTime } from '../time.ts'
import { type DeskFrame, deskPage, renderField, renderForm, renderNotice, type ShownProblem } from './desk-frame.ts'

/** The public facts of a key. */
export type ShownKey = {
  readonly keyId: string
  readonly role: 'submit' | 'admin'
  readonly label?: string
  readonly created: string
  readonly expires?: string
  readonly revoked?: string
}

/** The typed words, to be shown again after a problem. */
export type KeyFields = { readonly label?: string; readonly role?: string; readonly expires?: string }

/** The data of the page. `path` is where it is. */
export type KeysData = {
  readonly path: string
  readonly agency: { readonly id: string; readonly name: string }
  readonly keys: readonly ShownKey[]
  /** A key that was just made. */
  readonly made?: string | undefined
  readonly typed?: KeyFields | undefined
  readonly problem?: ShownProblem | undefined
}

/** The keys, and a form for another one. */
export function keysPage(frame: DeskFrame, { path, agency, keys, made, typed = {}, problem }: KeysData) {
  const { desk, who } = frame
  const faultOf = (id: string) => (problem?.field === id ? problem.text : undefined)
  return deskPage(frame, {
    title: who?.agency === undefined ? desk('operator.keysOf', { agency: isolate(agency.name) }) : desk('keys.title'),
    problems: problem === undefined ? [] : [problem],
    main: html`${made !== undefined && renderMade(frame, made)}<p class="lead">${desk('keys.lead')}</p>
${keys.length === 0 ? html`<p>${desk('keys.none')}</p>` : renderTable(frame, path, keys)}
<h2>${desk('keys.make')}</h2>
${renderForm(
  frame,
  path,
  html`${renderField(frame, { id: 'label', label: desk('keys.label'), isOptional: true, input: attributes => html`<input type="text" ${attributes} maxlength="100" dir="auto" autocomplete="off" value="${typed.label ?? ''}">` })}
${renderField(frame, {
  id: 'role',
  label: desk('keys.role'),
  input: attributes =>
    html`<select ${attributes}>${(['submit', 'admin'] as const).map(role => html`<option value="${role}"${typed.role === role && html` selected`}>${desk(`keys.role.${role}`)}</option>`)}</select>`,
})}
${renderField(frame, { id: 'expires', label: desk('keys.expires'), isOptional: true, problem: faultOf('expires'), input: attributes => html`<input type="date" ${attributes} value="${typed.expires ?? ''}">` })}
${renderOwnKey(frame, faultOf('key'))}
<p><button type="submit">${desk('keys.make')}</button></p>`,
)}`,
  })
}

/** Asks whether a key is to be revoked, and for the key again. */
export function revokePage(frame: DeskFrame, { path, key, problem }: { path: string; key: ShownKey; problem?: ShownProblem | undefined }) {
  const { desk } = frame
  return deskPage(frame, {
    title: desk('keys.revokeTitle', { id: key.keyId }),
    problems: problem === undefined ? [] : [problem],
    main: html`<p class="lead">${desk('keys.revokeLead')}</p>${key.label !== undefined && html`<p><bdi>${key.label}</bdi></p>`}
${renderForm(frame, `${path}/${key.keyId}/revoke`, html`${renderOwnKey(frame, problem?.field === 'key' ? problem.text : undefined)}<p><button type="submit">${desk('keys.revoke')}</button></p>`)}`,
  })
}

/** The field for the key, where a form asks for it again. */
export function renderOwnKey(frame: DeskFrame, problem: string | undefined): Html {
  const { desk, who } = frame
  return renderField(frame, {
    id: 'key',
    label: desk(who?.agency === undefined ? 'sign.operatorKey' : 'keys.yours'),
    problem,
    input: attributes =>
      html`<input type="password" ${attributes} required maxlength="512" autocomplete="current-password" spellcheck="false" dir="ltr">`,
  })
}

function renderMade(frame: DeskFrame, made: string): Html {
  const { desk } = frame
  return html`${renderNotice(desk('keys.made'))}<p><label for="made">${desk('keys.copy')}</label><input type="text" id="made" readonly dir="ltr" value="${made}"></p>`
}

function renderTable({ desk, say, base }: DeskFrame, path: string, keys: readonly ShownKey[]): Html {
  const newestFirst = keys.toSorted((a, b) => (a.created < b.created ? 1 : -1))
  return html`<table class="stack"><thead><tr><th scope="col">${desk('keys.id')}</th><th scope="col">${desk('keys.label')}</th><th scope="col">${desk('keys.role')}</th><th scope="col">${desk('keys.created')}</th><th scope="col">${desk('keys.expires')}</th><th scope="col">${desk('keys.revoke')}</th></tr></thead>
<tbody>${newestFirst.map(
    key => html`<tr><td data-label="${desk('keys.id')}"><code>${key.keyId}</code></td><td data-label="${desk('keys.label')}"><bdi>${key.label ?? '–'}</bdi></td><td data-label="${desk('keys.role')}">${desk(`keys.role.${key.role}`)}</td>
<td data-label="${desk('keys.created')}">${renderTime(say, key.created)}</td><td data-label="${desk('keys.expires')}">${key.expires === undefined ? '–' : renderTime(say, key.expires)}</td>
<td data-label="${desk('keys.revoke')}">${key.revoked === undefined ? html`<a href="${base}${path}/${key.keyId}/revoke">${desk('keys.revoke')}<span class="sr"> ${key.keyId}</span></a>` : fill(desk('keys.revoked'), { date: renderTime(say, key.revoked) })}</td></tr>`,
  )}</tbody></table>`
}
