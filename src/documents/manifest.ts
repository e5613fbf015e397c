/**
 * A manifest: a CSV file with a row for each file to submit. Its columns are named as the members
 * of a statement, `file` first. An empty cell states nothing.
 */
import { CsvError, parse } from 'csv-parse/browser/esm/sync'
import { decodeText } from '../core/encoding.ts'
import { OpenSealError } from '../core/errors.ts'
import type { StatedMembers } from './reading.ts'

/** The values of a row. They are checked when the statement is made. */
export type ManifestMembers = StatedMembers & { readonly agency?: string }

/**
 * A row by its number in the spreadsheet, where the header is row 1: the path as it is written, and
 * what it states; or why it cannot be read. `sha256` is what the file must have.
 */
export type ManifestRow = { readonly row: number; readonly file: string } & (
  | { readonly members: ManifestMembers; readonly sha256?: string }
  | { readonly code: string; readonly detail: string }
)

const TEXT_COLUMNS = ['agency', 'kind', 'action', 'record', 'revision', 'target', 'title', 'language', 'published'] as const
/** Columns of the table of results, so that it serves as the next manifest. */
const RESULT_COLUMNS = ['index', 'state', 'code', 'message']
const COLUMNS = ['file', ...TEXT_COLUMNS, 'identifiers', 'reason', 'reasonText', 'sha256', ...RESULT_COLUMNS]
const MAX_ROWS = 100_000
const MAX_ROW_BYTES = 64 * 1024
const DELIMITERS = [',', ';', '\t']

/** Reads a manifest. A bad row is told in its place; throws ManifestError for the whole file. */
export function readManifest(bytes: Uint8Array): readonly ManifestRow[] {
  const text = decodeText(bytes)
  const records = parseCsv(text)
  const header = (records[0] ?? []).map(name => name.trim())
  checkHeader(header)
  if (records.length - 1 > MAX_ROWS) throw new ManifestError('MANIFEST_TOO_LARGE', `the manifest has more than ${MAX_ROWS} rows`)
  const seen = new Set<string>()
  return records.slice(1).flatMap((cells, at) => {
    if (cells.every(cell => cell === '')) return []
    const row = readRow(header, cells, at + 2)
    if (seen.has(row.file))
      return [
        { row: row.row, file: row.file, code: 'MANIFEST_FILE_TWICE', detail: `row ${row.row} names a file that an earlier row names` },
      ]
    seen.add(row.file)
    return [row]
  })
}

function parseCsv(text: string): readonly string[][] {
  const head = text.slice(0, text.search(/[\r\n]|$/))
  // A spreadsheet program writes semicolons in many countries. Names of columns have neither.
  const delimiter = DELIMITERS.find(each => head.includes(each)) ?? ','
  try {
    // The header, and one row more than is read: even an empty one takes memory.
    return parse(text, { delimiter, relax_column_count: true, max_record_size: MAX_ROW_BYTES, bom: false, to: MAX_ROWS + 2 })
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    throw new ManifestError('MANIFEST_MALFORMED', `the manifest is not CSV: ${cause.message.slice(0, 300)}`, { cause })
  }
}

function checkHeader(header: readonly string[]): void {
  if (header[0] !== 'file') throw new ManifestError('MANIFEST_HEADER', 'the first column of the manifest is not named "file"')
  const unknown = header.find(name => !COLUMNS.includes(name))
  if (unknown !== undefined)
    throw new ManifestError(
      'MANIFEST_HEADER',
      `the manifest has an unknown column ${JSON.stringify(unknown)}. The columns are ${COLUMNS.join(', ')}`,
    )
  const twice = header.find((name, at) => header.indexOf(name) !== at)
  if (twice !== undefined) throw new ManifestError('MANIFEST_HEADER', `the manifest has the column ${JSON.stringify(twice)} twice`)
}

function readRow(header: readonly string[], cells: readonly string[], row: number): ManifestRow {
  const cell = (name: string) => {
    const text = cells[header.indexOf(name)]?.trim()
    return text === '' ? undefined : text
  }
  const file = cell('file') ?? ''
  const bad = (code: string, detail: string): ManifestRow => ({ row, file, code, detail })
  if (cells.length !== header.length) return bad('MANIFEST_ROW', `row ${row} has ${cells.length} cells instead of ${header.length}`)
  if (file === '') return bad('MANIFEST_ROW', `row ${row} names no file`)
  const identifiers = (cell('identifiers') ?? '').split('|').flatMap(text => (text.trim() === '' ? [] : [readIdentifier(text.trim())]))
  if (identifiers.includes(undefined)) return bad('MANIFEST_ROW', `row ${row}: identifiers are written scheme=value, with | between them`)
  const [reason, reasonText] = [cell('reason'), cell('reasonText')]
  if (reason === undefined && reasonText !== undefined) return bad('MANIFEST_ROW', `row ${row} has a reasonText without a reason`)
  const members = {
    ...Object.fromEntries(TEXT_COLUMNS.flatMap(name => (cell(name) === undefined ? [] : [[name, cell(name)]]))),
    ...(identifiers.length > 0 && { identifiers }),
    ...(reason !== undefined && { reason: { code: reason, ...(reasonText !== undefined && { text: reasonText }) } }),
  } as ManifestMembers
  const sha256 = cell('sha256')?.toLowerCase()
  return { row, file, members, ...(sha256 !== undefined && { sha256 }) }
}

function readIdentifier(text: string): { scheme: string; value: string } | undefined {
  const at = text.indexOf('=')
  return at < 1 ? undefined : { scheme: text.slice(0, at), value: text.slice(at + 1) }
}

/** MANIFEST_HEADER, MANIFEST_MALFORMED or MANIFEST_TOO_LARGE. */
export class ManifestError extends OpenSealError {}
