/** The rows of a folder: what was read from each file, and what became of it. */
import type { Statement } from '../../core/statements/statement.ts'
import type { WarningCode } from '../../core/statements/warnings.ts'
import { type Html, html } from '../../html.ts'
import type { SayDesk } from '../../messages/desk/speak.ts'

/** The state of a file. `checked` can be published. */
export type State = 'ready' | 'unreadable' | 'noNumber' | 'checked' | 'known' | 'sealed' | 'refused' | 'warned'

/** A file of the folder. A statement is kept, because it is small; the file's bytes are not. */
export type Row = {
  readonly path: string
  state: State
  statement?: Statement
  sha256?: string
  index?: number
  detail?: string
  codes?: readonly WarningCode[]
}

/** Files in these states stay off the ledger. */
export const PROBLEMS: readonly State[] = ['unreadable', 'noNumber', 'refused', 'warned']

/** A table holds at most so many rows, so that a page of many files stays quick. */
export const ROWS_SHOWN = 200

/** The table. Rows with a problem come first. */
export function renderRows(say: SayDesk, rows: readonly Row[]): Html {
  if (rows.length === 0) return html``
  const isProblem = ({ state }: Row) => PROBLEMS.includes(state)
  const shown = [...rows.filter(isProblem), ...rows.filter(row => !isProblem(row))].slice(0, ROWS_SHOWN)
  return html`<h2>${say('folder.table')}</h2>${rows.length > shown.length && html`<p>${say('folder.shown', { count: shown.length })}</p>`}
<table class="stack"><thead><tr><th scope="col">${say('folder.file')}</th><th scope="col">${say('folder.record')}</th><th scope="col">${say('folder.state')}</th></tr></thead>
<tbody>${shown.map(row => html`<tr><td data-label="${say('folder.file')}"><bdi>${row.path}</bdi></td><td data-label="${say('folder.record')}"><bdi>${row.statement?.record ?? '–'}</bdi></td><td data-label="${say('folder.state')}">${sayState(say, row)}</td></tr>`)}</tbody></table>`
}

function sayState(say: SayDesk, { state, index = 0, detail = '', codes = [] }: Row): string {
  const warnings = codes.map(code => say(`warning.${code}`)).join(' ')
  return say(`state.${state}`, { index, detail, warnings })
}

/** A row as cells of a table file. */
export function cellsOf({ path, sha256 = '', index, state, detail, codes = [] }: Row): readonly string[] {
  return [path, sha256, index === undefined ? '' : String(index), state, detail ?? codes.join(' ')]
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
