/** The form of a statement, filled in with what the files state. */

import { REASON_CODES } from '../../core/statements/statement.ts'
import { type Html, html, type Piece } from '../../html.ts'
import type { DeskMessageKey } from '../../messages/desk/en.ts'
import { isolate } from '../../messages/say.ts'
import { type DeskFrame, deskPage, renderField, renderForm, renderHidden, renderNotice, type ShownProblem, STEP } from './desk-frame.ts'
import { type Draft, type Fault, type Field, placeOf, requiredFields, shownFields, writeDraft } from './draft.ts'
import { renderRemarks } from './remarks.ts'

const LABELS: { readonly [field in Field | 'documents']: DeskMessageKey } = {
  record: 'form.record',
  revision: 'form.revision',
  target: 'form.target',
  kind: 'form.kind',
  title: 'form.titleField',
  language: 'form.language',
  published: 'form.published',
  identifiers: 'form.identifiers',
  reason: 'form.reason',
  reasonText: 'form.reasonText',
  documents: 'form.documents',
}
const HINTS: { readonly [field in Field]?: DeskMessageKey } = {
  record: 'form.recordHint',
  revision: 'form.revisionHint',
  target: 'form.targetHint',
  title: 'form.titleHint',
  language: 'form.languageHint',
  published: 'form.publishedHint',
  identifiers: 'form.identifiersHint',
}
const KINDS = ['decision', 'procurement'] as const

/** The form. `faults` are those of what was sent before. */
export function statementFormPage(
  frame: DeskFrame,
  draft: Draft,
  { faults = [], notice }: { faults?: readonly Fault[]; notice?: string } = {},
) {
  const { desk } = frame
  const { action, fields, documents } = draft
  const title = action === 'withdraw' ? desk('form.withdrawTitle', { record: isolate(fields.record ?? '') }) : desk('form.title')
  const isChange = action === 'amend' && placeOf(draft, 'action') !== undefined
  const problems = faults.map((fault): ShownProblem => ({ text: sayFault(frame, fault), field: fault.field, detail: fault.detail }))
  return deskPage(frame, {
    title,
    problems,
    resend: { path: '/desk/form', form: STEP },
    main: html`${notice !== undefined && renderNotice(notice)}
${isChange && html`<p>${desk('form.isChange')}${renderPlace(frame, draft, 'action')}</p>`}
${documents.length > 0 && renderDocuments(frame, draft)}
${renderForm(
  frame,
  '/desk/preview',
  html`${renderHidden(carried(draft))}${shownFields(draft).map(field => renderOne(frame, draft, field, faults))}
<p class="row"><button type="submit">${desk('form.next')}</button>
${isChange && html`<button type="submit" class="quiet" name="as" value="publish" formaction="${frame.base}/desk/form">${desk('form.asPublish')}</button>`}</p>`,
  STEP,
)}`,
  })
}

/** The files of a draft, as they will be listed. */
export function renderDocuments({ desk, say }: DeskFrame, { documents, remarks, isUploaded }: Draft): Html {
  return html`<h2 id="documents">${desk('form.documents')}</h2>
<table class="stack"><thead><tr><th scope="col">${desk('form.name')}</th><th scope="col">${desk('form.size')}</th><th scope="col">${desk('form.hash')}</th></tr></thead>
<tbody>${documents.map(
    ({ name, bytes, sha256 }) =>
      html`<tr><td data-label="${desk('form.name')}"><bdi>${name}</bdi></td><td data-label="${desk('form.size')}">${say('result.bytes', { count: bytes })}</td><td data-label="${desk('form.hash')}"><span class="hash small">${sha256}</span></td></tr>`,
  )}</tbody></table>
<p class="small soft">${desk(isUploaded ? 'form.sent' : 'form.kept')}</p>
${remarks.length > 0 && html`<h2 id="remarks">${desk('intake.title')}</h2>${renderRemarks(desk, remarks, { isNamed: documents.length > 1 })}`}`
}

/** Where in a file a field was read, unless it is no longer what the file says. */
export function renderPlace({ desk }: Pick<DeskFrame, 'desk'>, draft: Draft, field: Field | 'action'): Html | false {
  const at = placeOf(draft, field)
  return at !== undefined && html` <span class="from">${desk('form.fromFile', { where: isolate(at) })}</span>`
}

/** The name of a field, for labels and for what is wrong with it. */
export function labelOf({ desk }: Pick<DeskFrame, 'desk'>, field: Field | 'documents'): string {
  return desk(LABELS[field])
}

/** The hidden values of the form. */
function carried(draft: Draft): { readonly [name: string]: string } {
  const shown: readonly string[] = shownFields(draft)
  return Object.fromEntries(Object.entries(writeDraft(draft)).filter(([name]) => !shown.includes(name)))
}

function renderOne(frame: DeskFrame, draft: Draft, field: Field, faults: readonly Fault[]): Html {
  const { desk } = frame
  const { fields } = draft
  const fault = faults.find(each => each.field === field)
  const place = renderPlace(frame, draft, field)
  const hintKey = HINTS[field]
  const hint: Piece = html`${hintKey !== undefined && desk(hintKey)}${place}`
  return renderField(frame, {
    id: field,
    label: labelOf(frame, field),
    hint: hintKey === undefined && !place ? undefined : hint,
    problem: fault && sayFault(frame, fault),
    isOptional: !requiredFields(draft).includes(field),
    input: attributes => renderInput(frame, field, fields[field] ?? '', attributes),
  })
}

function renderInput({ desk, say }: DeskFrame, field: Field, value: string, attributes: Html): Html {
  const option = (key: string, label: string) => html`<option value="${key}"${key === value && html` selected`}>${label}</option>`
  const first = html`<option value="">${desk('form.choose')}</option>`
  if (field === 'kind') return html`<select ${attributes}>${first}${KINDS.map(kind => option(kind, say(`kind.${kind}`)))}</select>`
  if (field === 'reason')
    return html`<select ${attributes}>${first}${REASON_CODES.map(code => option(code, say(`reason.${code}`)))}</select>`
  if (field === 'identifiers' || field === 'reasonText') return html`<textarea ${attributes} rows="3" dir="auto">${value}</textarea>`
  // Browsers give no time zone, and the label says which it is.
  if (field === 'published') return html`<input type="datetime-local" step="1" ${attributes} value="${value.replace(/Z$/, '')}">`
  // With autocomplete off, the back button would forget what was typed.
  return html`<input type="text" ${attributes} value="${value}" dir="auto"${field === 'language' && html` maxlength="35"`}>`
}

function sayFault(frame: DeskFrame, { field, code }: Fault): string {
  const { desk } = frame
  if (code === 'twice') return desk('form.twoNames')
  if (code === 'erased') return desk('form.erased')
  if (field === undefined) return desk('form.refusedWhole')
  return desk(code === 'missing' ? 'form.missing' : 'form.refused', { label: labelOf(frame, field) })
}
