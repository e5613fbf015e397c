/** The operator's pages: first steps, the state of the ledger, agencies, and what alarms mean. */
import type { ErasureReason } from '../../core/statements/erasure.ts'
import { fill, type Html, html, type Piece } from '../../html.ts'
import type { DeskMessageKey } from '../../messages/desk/en.ts'
import { sayDuration, sayNumber } from '../../messages/say.ts'
import { icon } from '../icons.ts'
import { renderTime } from '../time.ts'
import type { AlarmSection } from './alarm-text.ts'
import { type DeskFrame, deskPage, renderField, renderForm, renderNotice, type ShownProblem } from './desk-frame.ts'

/** The first steps, in their order. */
export const STEPS = ['name', 'url', 'agency', 'record', 'chain', 'backup'] as const
export type Step = (typeof STEPS)[number]

/** The facts on the operator's first page. */
export type OperatorState = {
  readonly done: readonly Step[]
  /** When the last backup ended; `elsewhere` if the store is a database of its own. */
  readonly backup: string | 'elsewhere' | undefined
  readonly alarms: readonly { readonly code: string; readonly message: string }[]
  readonly size: number
  readonly isAccepting: boolean
  readonly behind: number
  readonly behindSeconds: number
  readonly anchored: { readonly size: number; readonly time: string } | undefined
  readonly scrub: { readonly passes: number; readonly findings: readonly string[] } | undefined
  readonly vkey: string
  /** Requests to erase, the first of them, and how many there are. */
  readonly erasures: { readonly requests: readonly WaitingRequest[]; readonly count: number }
}

/** A request to erase that can still be taken back. */
export type WaitingRequest = {
  readonly index: number
  readonly agency: string
  readonly due: string
  readonly reason: ErasureReason
  readonly by: 'agency' | 'operator'
}

/** How the ledger is, and what is still to be done. */
export function operatorPage(frame: DeskFrame, state: OperatorState) {
  const { desk } = frame
  return deskPage(frame, {
    title: desk('operator.title'),
    main: html`${state.alarms.length === 0 ? html`<p>${desk('operator.none')}</p>` : state.alarms.map(alarm => renderAlarm(frame, alarm))}
${state.erasures.count > 0 && renderNotice(html`${desk('operator.erasuresWait', { count: state.erasures.count })} <a href="#erasures">${desk('operator.erasures')}</a>`)}
<h2>${desk('operator.first')}</h2>
<ol class="steps">${STEPS.map(step => renderStep(frame, step, state))}</ol>
<h2>${desk('operator.state')}</h2>
${renderFigures(frame, state)}
${state.erasures.count > 0 && renderErasures(frame, state.erasures)}`,
  })
}

/** The agencies, and a form for another one. */
export function operatorAgenciesPage(
  frame: DeskFrame,
  data: {
    readonly agencies: readonly { readonly id: string; readonly name: string }[]
    readonly typed?: { readonly id?: string; readonly name?: string } | undefined
    readonly problem?: ShownProblem | undefined
  },
) {
  const { desk, base } = frame
  const { agencies, typed = {}, problem } = data
  const text = (id: 'id' | 'name', attributes: Html, limit: number) =>
    html`<input type="text" ${attributes} required maxlength="${limit}" autocomplete="off" dir="auto" value="${typed[id] ?? ''}">`
  const faultOf = (id: string) => (problem?.field === id ? problem.text : undefined)
  return deskPage(frame, {
    title: desk('operator.agencies'),
    problems: problem === undefined ? [] : [problem],
    main: html`<ul class="list">${agencies.map(({ id, name }) => html`<li><a class="name" href="${base}/operator/agencies/${id}"><bdi>${name}</bdi></a><p class="soft small"><bdi>${id}</bdi></p></li>`)}</ul>
<h2>${desk('operator.addTitle')}</h2>
${renderForm(
  frame,
  '/operator/agencies',
  html`${renderField(frame, { id: 'id', label: desk('operator.id'), hint: desk('operator.idHint'), problem: faultOf('id'), input: attributes => text('id', attributes, 253) })}
${renderField(frame, { id: 'name', label: desk('operator.name'), problem: faultOf('name'), input: attributes => text('name', attributes, 200) })}
<p><button type="submit">${desk('operator.add')}</button></p>`,
)}`,
  })
}

/** The section of the runbook that explains each alarm. */
export function alarmsPage(frame: DeskFrame, sections: readonly AlarmSection[]) {
  const { desk } = frame
  return deskPage(frame, {
    title: desk('operator.alarms'),
    main: html`<p>${desk('operator.alarmsLead')}</p>
<div lang="en" dir="ltr">${sections.map(({ id, title, body }) => html`<section><h2 id="${id}">${title}</h2>${body}</section>`)}</div>`,
  })
}

function renderAlarm({ desk, base }: DeskFrame, { code, message }: OperatorState['alarms'][number]): Html {
  return html`<div class="banner">${icon('warn')}<p><span lang="en" dir="ltr">${message}</span> <code>${code}</code> <a href="${base}/operator/alarms?code=${code}">${desk('operator.whatToDo')}</a></p></div>`
}

/** The requests that wait, each with a button that takes it back. */
function renderErasures(frame: DeskFrame, { requests, count }: OperatorState['erasures']): Html {
  const { desk, say, base } = frame
  const names = [say('home.entries'), desk('operator.due'), desk('form.reason'), desk('operator.askedBy')]
  const cells = ({ index, agency, due, reason, by }: WaitingRequest): readonly Piece[] => [
    html`<a href="${base}/records/${index}">${desk('done.entry', { index })}</a><br><bdi class="small soft">${agency}</bdi>`,
    renderTime(say, due),
    say(`erased.reason.${reason}`),
    desk(by === 'agency' ? 'preview.agency' : 'operator.title'),
  ]
  const undo = ({ index }: WaitingRequest) =>
    renderForm(
      frame,
      `/operator/erasures/${index}/undo`,
      html`<button type="submit" class="quiet">${desk('home.takeBack')}<span class="sr"> ${desk('done.entry', { index })}</span></button>`,
    )
  return html`<h2 id="erasures">${desk('operator.erasures')}</h2>
<table class="stack"><thead><tr>${names.map(name => html`<th scope="col">${name}</th>`)}<th scope="col">${desk('home.takeBack')}</th></tr></thead>
<tbody>${requests.map(request => html`<tr>${cells(request).map((cell, at) => html`<td data-label="${names[at]}">${cell}</td>`)}<td>${undo(request)}</td></tr>`)}</tbody></table>
${count > requests.length && html`<p class="small soft">${desk('operator.erasuresShown', { count: requests.length })}</p>`}`
}

function renderStep(frame: DeskFrame, step: Step, { done, backup }: OperatorState): Html {
  const { desk, say } = frame
  const isDone = done.includes(step)
  const when =
    step === 'backup' &&
    backup !== undefined &&
    (backup === 'elsewhere' ? desk('operator.backupElsewhere') : fill(desk('operator.backupAt'), { date: renderTime(say, backup) }))
  const how: DeskMessageKey = `operator.how.${step}`
  return html`<li class="${isDone ? 'passed' : 'not-run'}">${icon(isDone ? 'tick' : 'dash')} <b>${desk(`operator.step.${step}`)}</b> <span class="badge">${desk(isDone ? 'operator.done' : 'operator.open')}</span>${when && html` ${when}`}${!isDone && html`<p class="small">${desk(how)}</p>`}</li>`
}

function renderFigures({ desk, say }: DeskFrame, state: OperatorState): Html {
  const { size, isAccepting, behind, behindSeconds, anchored, scrub, vkey } = state
  const rows: readonly (readonly [string, Piece])[] = [
    [say('home.entries'), sayNumber(say, size)],
    [desk('operator.accepting'), desk(isAccepting ? 'operator.yes' : 'operator.no')],
    [desk('operator.behind'), sayNumber(say, behind)],
    [desk('operator.oldest'), behindSeconds > 0 && sayDuration(say, behindSeconds)],
    [
      desk('operator.anchored'),
      anchored === undefined
        ? say('home.never')
        : html`${renderTime(say, anchored.time)} (${desk('operator.covers', { count: anchored.size })})`,
    ],
    [desk('operator.scrub'), scrub && desk('operator.scrubRounds', { count: scrub.passes })],
    [
      desk('operator.findings'),
      scrub && (scrub.findings.length === 0 ? desk('operator.noFindings') : html`<span lang="en">${scrub.findings.join(', ')}</span>`),
    ],
    [desk('operator.key'), html`<code>${vkey}</code>`],
  ]
  return html`<dl class="facts">${rows.filter(([, value]) => value).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`
}
