/** The rows of a folder: what was read from each file, and what became of it. */
import type { Statement } from '../../core/statements/statement.ts'
import type { WarningCode } from '../../core/statements/warnings.ts'
import { type Html, html, type Piece } from '../../html.ts'
import type { SayDesk } from '../../messages/desk/speak.ts'
import { renderContent } from '../content.ts'
import type { DeskData } from './choose.ts'
import { type FileRemark, renderRemarks } from './remarks.ts'

/** The state of a file. `checked` can be published. */
export type State = 'ready' | 'unreadable' | 'noNumber' | 'unlisted' | 'absent' | 'checked' | 'known' | 'sealed' | 'refused' | 'warned'

/** A file of the folder. A statement is kept, because it is small; the file's bytes are not. */
export type RecordRow = {
  readonly path: string
  state: State
  readonly statement?: Statement
  readonly sha256?: string
  index?: number
  /** Why it is left out, in English, with the code of the reason. */
  detail?: string
  code?: string
  codes?: readonly WarningCode[]
  /** A row before it has other content under the same version and name. */
  readonly isEdit?: true
  readonly remarks?: readonly FileRemark[]
}

/** Files in these states stay off the ledger. */
export const PROBLEMS: readonly State[] = ['unreadable', 'noNumber', 'unlisted', 'absent', 'refused', 'warned']

/** The most rows of a table, so that a page of many files stays quick. */
export const ROWS_SHOWN = 300

/** The table. Rows with a problem come first, then those with a remark. */
export function renderRows(say: SayDesk, kinds: DeskData['kinds'], rows: readonly RecordRow[]): Html {
  if (rows.length === 0) return html``
  const rank = ({ state, remarks = [] }: RecordRow) => (PROBLEMS.includes(state) ? 0 : remarks.length > 0 ? 1 : 2)
  const shown = [0, 1, 2].flatMap(wanted => rows.filter(row => rank(row) === wanted)).slice(0, ROWS_SHOWN)
  const heads = SHOWN.map(key => say(key))
  return html`<h2>${say('folder.table')}</h2>${rows.length > shown.length && html`<p>${say('folder.shown', { count: shown.length })}</p>`}
<table class="stack rows"><thead><tr>${heads.map(head => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${shown.map(row => html`<tr>${cellsShown(say, kinds, row).map((cell, at) => html`<td data-label="${heads[at]!}">${cell}</td>`)}</tr>`)}</tbody></table>`
}

const SHOWN = ['folder.file', 'folder.record', 'form.titleField', 'form.kind', 'folder.state'] as const

function cellsShown(say: SayDesk, kinds: DeskData['kinds'], row: RecordRow): readonly Piece[] {
  const { path, statement, remarks = [] } = row
  const { record = NOTHING, revision, title, language, kind, action } = statement ?? {}
  return [
    html`<bdi>${path}</bdi>`,
    html`<bdi>${record}</bdi>${revision !== undefined && html`<p class="small soft">${say('form.revision')}: <bdi>${revision}</bdi></p>`}${action === 'amend' && html`<p class="small">${say('form.isChange')}</p>`}`,
    title === undefined ? NOTHING : renderContent(title, language),
    kind === undefined ? NOTHING : kinds[kind],
    html`${sayState(say, row)}${renderRemarks(say, remarks, { isNamed: false })}`,
  ]
}

const NOTHING = '–'

function sayState(say: SayDesk, { state, index = 0, detail = '', code, codes = [] }: RecordRow): string {
  const warnings = codes.map(code => say(`warning.${code}`)).join(' ')
  return say(`state.${state}`, { index, detail: code === undefined ? detail : `${detail} (${code})`, warnings })
}

/**
 * The columns of the table of results. They are those of a manifest, so that it can become the next
 * one.
 */
export const COLUMNS = ['file', 'sha256', 'index', 'state', 'code', 'message']

/** A row in these columns. */
export function cellsOf({ path, sha256 = '', index, state, detail = '', code, codes = [], remarks = [] }: RecordRow): readonly string[] {
  const all = [...(code === undefined ? [] : [code]), ...codes, ...remarks.map(remark => remark.code)]
  return [path, sha256, index === undefined ? '' : String(index), state, all.join(' '), detail]
}

/** Numbers as `3-7,12`. */
export function rangesOf(numbers: readonly number[]): string {
  const ranges: [number, number][] = []
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1)
    if (last !== undefined && number <= last[1] + 1) last[1] = number
    else ranges.push([number, number])
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',')
}
