/** Takes a package of many records apart: a row for each. The browser uses it too. */
import { OpenSealError } from '../../core/errors.ts'
import type { OcdsReport, TakeStatement } from '../../documents/ocds/statements.ts'
import type { EditCheck } from '../../documents/together.ts'
import type { DescribedFile } from './describe.ts'
import { remarksOf, remarksOfPackage } from './remarks.ts'
import type { RecordRow } from './rows.ts'

/** How a package is read: for whom, how many records at most, and beside which others. */
export type TakeApart = { readonly agency: string; readonly room: number; readonly edits: EditCheck }

const CHUNK_BYTES = 1024 * 1024

/** The rows of its records. Of a package that breaks off, no row has a statement. */
export async function takeApart(
  { name: path, document: { sha256 }, reading }: DescribedFile,
  file: Blob,
  { agency, room, edits }: TakeApart,
): Promise<RecordRow[]> {
  const rows: RecordRow[] = []
  try {
    const report = await readPackage(path, file, agency, statement => {
      if (rows.length >= room) throw new PackageError('PACKAGE_TOO_MANY', 'it holds too many records: submit it with the program openseal')
      rows.push(withEdit({ path, state: 'ready', sha256, statement }, edits))
    })
    edits.keep()
    const last = rows.at(-1)
    // The last statement is about the file itself.
    if (last !== undefined) rows[rows.length - 1] = { ...last, remarks: [...remarksOf(path, reading), ...remarksOfPackage(path, report)] }
    for (const { position, code, detail, file: inside } of report.refused) {
      const where = [path, inside, position === 0 ? undefined : `#${position}`].filter(part => part !== undefined).join(' ')
      rows.push({ path: where, state: 'refused', code, detail })
    }
    return rows
  } catch (error) {
    edits.forget()
    if (!(error instanceof OpenSealError)) throw error
    return [{ path, state: 'refused', sha256, code: error.code, detail: error.message }]
  }
}

/** The row, marked if a row before it has other content under the same version and name. */
export function withEdit(row: RecordRow, edits: EditCheck): RecordRow {
  return row.statement !== undefined && edits.isEdit(row.statement) ? { ...row, isEdit: true } : row
}

async function readPackage(path: string, file: Blob, agency: string, take: TakeStatement): Promise<OcdsReport> {
  const { createOcdsReader, readOcdsZip } = await import('../../documents/ocds/statements.ts')
  const chunk = async (at: number) => new Uint8Array(await file.slice(at, at + CHUNK_BYTES).arrayBuffer())
  const [first, second] = await chunk(0)
  if (first === 0x50 && second === 0x4b) return readOcdsZip(agency, path, path, file, take)
  const reader = createOcdsReader(agency, path, path, take)
  for (let at = 0; at < file.size; at += CHUNK_BYTES) await reader.push(await chunk(at))
  return reader.end()
}

/** PACKAGE_TOO_MANY */
class PackageError extends OpenSealError {}
