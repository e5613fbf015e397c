/**
 * The common parts of the pages of the desk and of the operator: menu, signing out, problems.
 */
import { type Html, html, type Piece } from '../../html.ts'
import type { DeskMessageKey } from '../../messages/desk/en.ts'
import type { SayDesk } from '../../messages/desk/speak.ts'
import { isolate } from '../../messages/say.ts'
import { icon } from '../icons.ts'
import type { Frame, Page } from '../layout.ts'

/** The frame of these pages. */
export type DeskFrame = Frame & {
  readonly desk: SayDesk
  /** The token of every form. */
  readonly formToken: string
  /** Missing if nobody is signed in. */
  readonly who?: Who | undefined
}

/** The person who is signed in. `agency` is missing for the operator. */
export type Who = { readonly agency?: { readonly id: string; readonly name: string }; readonly isAdmin: boolean }

/** A problem at the top of a page, with the id of the field that it is about. */
export type ShownProblem = { readonly text: string; readonly field?: string | undefined; readonly detail?: string | undefined }

const DESK_MENU: readonly (readonly [string, DeskMessageKey])[] = [
  ['/desk', 'menu.home'],
  ['/desk/new', 'menu.new'],
  ['/desk/folder', 'menu.folder'],
  ['/desk/keys', 'menu.keys'],
]
const OPERATOR_MENU: readonly (readonly [string, DeskMessageKey])[] = [
  ['/operator', 'operator.state'],
  ['/operator/agencies', 'operator.agencies'],
  ['/operator/alarms', 'operator.alarms'],
]

/** A page under the desk's menu. */
export function deskPage(
  frame: DeskFrame,
  page: { title: string; main: Piece; scripts?: Piece; problems?: readonly ShownProblem[]; resend?: Page['resend'] },
): Page {
  const { desk } = frame
  const { title, main, scripts, problems = [], resend } = page
  return {
    title: problems.length === 0 ? title : desk('problem.prefix', { title }),
    noIndex: true,
    main: html`${renderMenu(frame)}${problems.length > 0 && renderProblems(frame, problems)}<h1>${title}</h1>
${main}`,
    scripts,
    resend,
  }
}

/** The id of the form of a step, which another language shows again. */
export const STEP = 'step'

/** A form that posts to a page of the desk, with the token first. */
export function renderForm({ base, formToken }: DeskFrame, path: string, content: Piece, id?: string): Html {
  return html`<form action="${base}${path}" method="post"${id !== undefined && html` id="${id}"`}><input type="hidden" name="token" value="${formToken}">
${content}</form>`
}

/** Fields that a form carries unseen. */
export function renderHidden(fields: { readonly [name: string]: string }): Html {
  return html`${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}`
}

/** A field with its label, its hint and its problem. */
export function renderField(
  { desk }: Pick<DeskFrame, 'desk'>,
  field: {
    readonly id: string
    readonly label: string
    readonly hint?: Piece
    readonly problem?: string | undefined
    readonly isOptional?: boolean
    /** Takes the attributes that every input has. */
    readonly input: (attributes: Html) => Html
  },
): Html {
  const { id, label, hint, problem, isOptional = false, input } = field
  const described = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(' ')
  const attributes = html`id="${id}" name="${id}"${described !== '' && html` aria-describedby="${described}"`}${problem !== undefined && html` aria-invalid="true"`}`
  return html`<div class="field"><label for="${id}">${isOptional ? desk('form.optional', { label }) : label}</label>
${hint && html`<p class="hint" id="${id}-hint">${hint}</p>`}${problem !== undefined && html`<p class="fault" id="${id}-problem">${problem}</p>`}${input(attributes)}</div>`
}

/** A sentence that needs attention. */
export function renderNotice(text: Piece): Html {
  return html`<div class="banner" role="status">${icon('warn')}<p>${text}</p></div>`
}

function renderMenu(frame: DeskFrame): Html | false {
  const { base, path, desk, who } = frame
  if (who === undefined) return false
  const menu = who.agency === undefined ? OPERATOR_MENU : DESK_MENU.filter(([href]) => href !== '/desk/keys' || who.isAdmin)
  const here = path?.split('?')[0]
  const as = who.agency === undefined ? desk('sign.asOperator') : desk('sign.as', { agency: isolate(who.agency.name) })
  return html`<div class="desk-bar"><nav class="tabs" aria-label="${desk(who.agency === undefined ? 'operator.menu' : 'menu.label')}"><ul>${menu.map(
    ([href, key]) => html`<li><a href="${base}${href}"${here === href && html` aria-current="page"`}>${desk(key)}</a></li>`,
  )}</ul></nav>
${renderForm(frame, who.agency === undefined ? '/operator/sign-out' : '/desk/sign-out', html`<span>${as}</span> <button type="submit" class="quiet">${desk('sign.out')}</button>`)}</div>`
}

function renderProblems({ desk }: DeskFrame, problems: readonly ShownProblem[]): Html {
  return html`<section class="problems" aria-labelledby="problems-title" role="alert"><h2 id="problems-title">${desk('problem.title')}</h2>
<ul>${problems.map(
    ({ text, field, detail }) =>
      html`<li>${field === undefined ? text : html`<a href="#${field}">${text}</a>`}${detail !== undefined && html` <span class="small" lang="en" dir="ltr">(${detail})</span>`}</li>`,
  )}</ul></section>`
}
