/**
 * Reads an OCDS file once, in bounded memory, and writes its statements to a spool file. Nothing is
 * sent before the whole file was read.
 */
import { once } from 'node:events'
import { createWriteStream, openAsBlob } from 'node:fs'
import { statementBody } from '../../core/statements/statement.ts'
import { OcdsError } from '../../documents/ocds/error.ts'
import { createOcdsReader, type OcdsReport, readOcdsZip, type TakeStatement } from '../../documents/ocds/statements.ts'
import { createEditCheck } from '../../documents/together.ts'
import { FileError, type OnProgress, readHead, readWhole } from '../hash-file.ts'

/**
 * The findings in a file. `labels[n]` names the statement in line n + 1 of the spool; the last
 * one is the file's own.
 */
export type PackageReport = OcdsReport & {
  readonly path: string
  readonly labels: readonly string[]
  /** How many of the statements are about whole files. */
  readonly files: number
  /**
   * Lines of the spool, from 1, with other content than an earlier line of the same ocid and
   * release id.
   */
  readonly edits: readonly number[]
}

/**
 * Writes one statement a line to `spool`: each release, then the file itself. `check` may know the
 * statements of earlier files. Throws OcdsError, DocumentError, ZipError, FileError or
 * StatementError for the whole file.
 */
export async function readPackage(
  path: string,
  agency: string,
  spool: string,
  onProgress: OnProgress,
  check = createEditCheck(),
): Promise<PackageReport> {
  const out = createWriteStream(spool, { mode: 0o600 })
  const labels: string[] = []
  const edits: number[] = []
  let files = 0
  const take: TakeStatement = async (statement, label) => {
    const isRoom = out.write(`${statementBody(statement)}\n`)
    labels.push(ownCopy(label))
    if (statement.record.startsWith('urn:sha256:')) files++
    if (check.isEdit(statement)) edits.push(labels.length)
    if (!isRoom) await once(out, 'drain')
  }
  try {
    const report = await readStatements(path, agency, take, onProgress)
    return { path, ...report, labels, files, edits }
  } catch (error) {
    // The file's name comes first, because several may be given at once.
    if (error instanceof OcdsError) throw new OcdsError(error.code, `${path}: ${error.message}`, { cause: error })
    throw error
  } finally {
    out.end()
    await once(out, 'close')
  }
}

/** Reads the statements of a file, which may be packed with gzip or ZIP. */
async function readStatements(path: string, agency: string, take: TakeStatement, onProgress?: OnProgress): Promise<OcdsReport> {
  const [first, second] = await readHead(path, 2)
  if (first === 0x50 && second === 0x4b) {
    const blob = await openAsBlob(path).catch(cause => {
      throw new FileError('FILE_UNREADABLE', `${path} cannot be read`, { cause })
    })
    return readOcdsZip(agency, path, `file ${path}`, blob, take)
  }
  const reader = createOcdsReader(agency, path, `file ${path}`, take)
  await readWhole(path, chunk => reader.push(chunk), onProgress)
  return reader.end()
}

/** Copies a string: a slice of a release would keep the whole release's text in memory. */
function ownCopy(text: string): string {
  return Buffer.from(text).toString()
}
