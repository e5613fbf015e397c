/** The rows of a folder: what was read from each file, and what became of it. */
import type { Statement } from '../../core/statements/statement.ts'
import type { WarningCode } from '../../core/statements/warnings.ts'
import { type Html, html } from '../../html.ts'
import type { SayDesk } from '../../messages/desk/speak.ts'
import { type FileRemark, renderRemarks } from '../desk/remarks.ts'

/** The state of a file. `checked` can be published. */
export type State = 'ready' | 'unreadable' | 'noNumber' | 'checked' | 'known' | 'sealed' | 'refused' | 'warned'

/** A file of the folder. A statement is kept, because it is small; the file's bytes are not. */
export type Row = {
  readonly path: string
  state: State
  statement?: Statement
  sha256?: string
  index?: number
  /** Why it is left out, in English, with the code of the reason. */
  detail?: string
  code?: string
  codes?: readonly WarningCode[]
  readonly remarks?: readonly FileRemark[]
}

/** Files in these states stay off the ledger. */
export const PROBLEMS: readonly State[] = ['unreadable', 'noNumber', 'refused', 'warned']

/** A table holds at most so many rows, so that a page of many files stays quick. */
export const ROWS_SHOWN = 200

/** The table. Rows with a problem come first, then those with a remark. */
export function renderRows(say: SayDesk, rows: readonly Row[]): Html {
  if (rows.length === 0) return html``
  const rank = ({ state, remarks = [] }: Row) => (PROBLEMS.includes(state) ? 0 : remarks.length > 0 ? 1 : 2)
  const shown = [0, 1, 2].flatMap(wanted => rows.filter(row => rank(row) === wanted)).slice(0, ROWS_SHOWN)
  return html`<h2>${say('folder.table')}</h2>${rows.length > shown.length && html`<p>${say('folder.shown', { count: shown.length })}</p>`}
<table class="stack"><thead><tr><th scope="col">${say('folder.file')}</th><th scope="col">${say('folder.record')}</th><th scope="col">${say('folder.state')}</th></tr></thead>
<tbody>${shown.map(row => html`<tr><td data-label="${say('folder.file')}"><bdi>${row.path}</bdi></td><td data-label="${say('folder.record')}"><bdi>${row.statement?.record ?? '–'}</bdi></td><td data-label="${say('folder.state')}">${sayState(say, row)}${renderRemarks(say, row.remarks ?? [], { isNamed: false })}</td></tr>`)}</tbody></table>`
}

function sayState(say: SayDesk, { state, index = 0, detail = '', code, codes = [] }: Row): string {
  const warnings = codes.map(code => say(`warning.${code}`)).join(' ')
  return say(`state.${state}`, { index, detail: code === undefined ? detail : `${detail} (${code})`, warnings })
}

/** The columns of the table of results. They are those of a manifest, so that it can become the next one. */
export const COLUMNS = ['file', 'sha256', 'index', 'state', 'code', 'message']

/** A row in these columns. */
export function cellsOf({ path, sha256 = '', index, state, detail = '', code, codes = [], remarks = [] }: Row): readonly string[] {
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
