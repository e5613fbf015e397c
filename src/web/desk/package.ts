/**
 * A package of many records that was uploaded: each is shown before it is public, and one button
 * publishes those that can be. With JavaScript, the browser does this itself.
 */
import { attempt } from '../../core/attempt.ts'
import { toUtf8 } from '../../core/bytes.ts'
import { isJsonObject, parseJson } from '../../core/json.ts'
import { parseStatement, STATEMENT, type Statement } from '../../core/statements/statement.ts'
import { html } from '../../html.ts'
import { type DeskFrame, deskPage, renderForm, renderHidden, renderNotice, type ShownProblem } from './desk-frame.ts'
import { PROBLEMS, type RecordRow, ROWS_SHOWN, rangesOf, renderRows } from './rows.ts'

/** The most records of an upload. A form has to carry them, and a page to show them. */
export const MAX_UPLOADED_RECORDS = 250
/** The most bytes of their statements in a form. */
const MAX_RECORDS_BYTES = 180_000

/** Whether a form can carry these records, and all of them were read. */
export function fitsForm(rows: readonly RecordRow[]): boolean {
  const statements = rows.flatMap(({ statement }) => (statement === undefined ? [] : [statement]))
  const bytes = toUtf8(writeRecords(statements)).length
  return bytes <= MAX_RECORDS_BYTES && rows.length <= ROWS_SHOWN && !rows.some(({ code }) => code === 'PACKAGE_TOO_MANY')
}

/** Statements as a form carries them, without what is the same for all. */
function writeRecords(statements: readonly Statement[]): string {
  return JSON.stringify(statements.map(({ type: _type, agency: _agency, ...members }) => members))
}

/** The statements that a form carries, as those of this agency. Anything else in it is left out. */
export function readRecords(text: string, agency: string): readonly Statement[] {
  const { value } = attempt(() => parseJson(text))
  if (!Array.isArray(value)) return []
  return value.slice(0, MAX_UPLOADED_RECORDS).flatMap(members => {
    if (!isJsonObject(members)) return []
    const { value: statement } = attempt(() => parseStatement({ ...members, type: STATEMENT, agency }, { salted: false }))
    return statement === undefined ? [] : [statement]
  })
}

/** The records and what the ledger would make of each, before anything is public. */
export function packagePage(
  frame: DeskFrame,
  data: { readonly rows: readonly RecordRow[]; readonly notice?: string | undefined; readonly problem?: ShownProblem | undefined },
) {
  const { desk, say } = frame
  const { rows, notice, problem } = data
  const statements = rows.flatMap(({ state, statement }) => (state === 'checked' && statement !== undefined ? [statement] : []))
  const left = rows.filter(({ state }) => PROBLEMS.includes(state)).length
  const done = rows.length - left - statements.length
  const kinds = { decision: say('kind.decision'), procurement: say('kind.procurement') }
  return deskPage(frame, {
    title: desk('preview.title'),
    problems: problem === undefined ? [] : [problem],
    main: html`${notice !== undefined && renderNotice(notice)}<p class="lead">${desk('preview.nothing')}</p>
<p>${desk('new.package')} ${desk('form.sent')}</p><p>${desk('folder.sum', { done, left, open: statements.length, total: rows.length })}</p>
${
  statements.length > 0 &&
  renderForm(
    frame,
    '/desk/package',
    html`${renderHidden({ records: writeRecords(statements) })}<p><button type="submit">${desk('folder.publish', { count: statements.length })}</button></p>`,
  )
}
${renderRows(desk, kinds, rows)}`,
  })
}

/** The page after several records were published. It holds after a reload, and later. */
export function publishedPage(frame: DeskFrame, indexes: readonly number[]) {
  const { desk, base } = frame
  const last = Math.max(...indexes)
  return deskPage(frame, {
    title: desk('done.title'),
    main: html`<p>${desk('folder.sum', { done: indexes.length, left: 0, open: 0, total: indexes.length })}</p>
<p>${desk('done.next')}</p><p>${desk('done.keep')}</p>
<p class="row"><a class="button" href="${base}/desk/receipts.zip?of=${rangesOf(indexes)}" download="receipts.zip">${desk('folder.zip')}</a>
<a class="button quiet" href="${base}/desk?before=${last + 1}">${desk('menu.home')}</a> <a class="button quiet" href="${base}/desk/new">${desk('done.more')}</a></p>`,
  })
}
