/** The preview: what would become public, and what the ledger would make of it. */
import { canonicalStatement, type Statement } from '../../core/statements/statement.ts'
import { STOPPING_WARNINGS, type Warning } from '../../core/statements/warnings.ts'
import { type Html, html, type Piece } from '../../html.ts'
import { renderContent } from '../content.ts'
import { renderTime } from '../time.ts'
import { type DeskFrame, deskPage, renderForm, renderHidden, type ShownProblem, STEP } from './desk-frame.ts'
import { type Draft, type Field, writeDraft } from './draft.ts'
import { labelOf, renderDocuments, renderPlace } from './form.ts'

/** The answer of a dry run. */
export type Foreseen = { readonly known?: number; readonly warnings: readonly Warning[] }

/** The name of the box by which a warning is accepted. */
function acceptName(code: string): string {
  return `accept-${code}`
}

/** The warnings at which the desk stops, unless their boxes are ticked. */
export function stoppingOf({ known, warnings }: Foreseen, form: { readonly [name: string]: string }): readonly Warning[] {
  if (known !== undefined) return []
  return warnings.filter(({ code }) => STOPPING_WARNINGS.includes(code) && form[acceptName(code)] !== 'yes')
}

/** The preview of a statement. `mustAccept` are the warnings at which publishing stopped. */
export function previewPage(
  frame: DeskFrame,
  data: {
    readonly draft: Draft
    readonly statement: Statement
    readonly foreseen: Foreseen
    readonly mustAccept?: readonly Warning[]
    readonly problem?: ShownProblem
  },
) {
  const { desk } = frame
  const { draft, statement, foreseen, mustAccept: [first] = [], problem } = data
  const problems: ShownProblem[] = [
    ...(first === undefined ? [] : [{ text: desk('preview.mustAccept'), field: acceptName(first.code) }]),
    ...(problem === undefined ? [] : [problem]),
  ]
  return deskPage(frame, {
    title: desk('preview.title'),
    problems,
    resend: { path: '/desk/preview', form: STEP },
    main: html`<p class="lead">${desk('preview.nothing')}</p>
${renderForm(
  frame,
  '/desk/submit',
  html`${renderHidden(writeDraft(draft))}${renderForeseen(frame, foreseen)}
<h2>${desk('preview.public')}</h2>
${renderFacts(frame, statement, draft)}
${draft.documents.length > 0 && renderDocuments(frame, draft)}
<details><summary>${desk('preview.exact')}</summary><pre class="raw" dir="ltr">${JSON.stringify(JSON.parse(canonicalStatement(statement)), null, 2)}</pre></details>
<p class="row"><button type="submit">${desk(statement.action === 'withdraw' ? 'preview.withdraw' : 'preview.publish')}</button>
<button type="submit" class="quiet" formaction="${frame.base}/desk/form">${desk('preview.back')}</button></p>`,
  STEP,
)}`,
  })
}

function renderForeseen({ base, desk }: DeskFrame, { known, warnings }: Foreseen): Html {
  const isKnown =
    known !== undefined &&
    html`<p>${desk('preview.known', { index: known })} <a href="${base}/records/${known}">${desk('done.page')}</a></p>`
  if (warnings.length === 0) return html`${isKnown || html`<p>${desk('preview.clean')}</p>`}`
  return html`${isKnown}<h2>${desk('preview.warnings')}</h2><ul class="warnings">${warnings.map(
    ({ code, detail }) => html`<li><p><b>${desk(`warning.${code}`)}</b></p><p class="small soft" lang="en" dir="ltr">${detail} (${code})</p>
${known === undefined && STOPPING_WARNINGS.includes(code) && html`<p><label class="tick"><input type="checkbox" id="${acceptName(code)}" name="${acceptName(code)}" value="yes"> ${desk('preview.accept')}</label></p>`}</li>`,
  )}</ul>`
}

/** The step that a clerk is about to take. It is not done yet, so this is no “published”. */
const DOES = { publish: 'preview.does.publish', amend: 'home.amend', withdraw: 'home.withdraw' } as const

function renderFacts(frame: DeskFrame, statement: Statement, draft: Draft): Html {
  const { desk, say } = frame
  const { agency, action, kind, record, revision, target, title, language, published, identifiers, reason } = statement
  const rows: readonly (readonly [Field | 'action', Piece])[] = [
    ['action', desk(DOES[action])],
    ['record', html`<bdi>${record}</bdi>`],
    ['revision', revision && html`<bdi>${revision}</bdi>`],
    ['target', target && html`<bdi>${target}</bdi>`],
    ['kind', say(`kind.${kind}`)],
    ['title', title && renderContent(title, language)],
    ['language', language],
    ['published', published && renderTime(say, published)],
    ['identifiers', identifiers?.map(({ scheme, value }) => html`<bdi>${scheme}: ${value}</bdi><br>`)],
    ['reason', reason && html`${say(`reason.${reason.code}`)}${reason.text && html`: <bdi>${reason.text}</bdi>`}`],
  ]
  return html`<dl class="facts"><dt>${desk('preview.agency')}</dt><dd><bdi>${frame.who?.agency?.name}</bdi> (<bdi>${agency}</bdi>)</dd>${rows
    .filter(([, value]) => value)
    .map(
      ([field, value]) =>
        html`<dt>${field === 'action' ? desk('preview.action') : labelOf(frame, field)}</dt><dd>${value}${renderPlace(frame, draft, field)}</dd>`,
    )}</dl>`
}
