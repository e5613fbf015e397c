/**
 * Reads an OCDS file once, in bounded memory, and writes its statements to a spool file. Nothing is
 * sent before the whole file was read.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, openAsBlob } from 'node:fs'
import { type DocumentRef, type Statement, statementBody } from '../../core/statements/statement.ts'
import { OcdsError } from '../../documents/ocds/error.ts'
import { createOcdsReader, type OcdsReport, readOcdsZip, type TakeStatement } from '../../documents/ocds/statements.ts'
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

/** A check from `createEditCheck`. */
export type EditCheck = ReturnType<typeof createEditCheck>

/**
 * Creates a check for silent edits among statements that are sent together. The ledger compares
 * requests with the log one by one, and a dry run logs nothing, so it might miss these. Statements
 * wait until `keep` or `forget` says whether their file is sent.
 */
export function createEditCheck() {
  const kept = new Map<string, string>()
  let waiting = new Map<string, string>()
  // Short, because a package may have millions of releases: 96 bits of a version, 64 of its content.
  const isOther = ({ agency, record, revision }: Statement, { name, sha256, jcs }: DocumentRef) => {
    const version = createHash('sha256')
      .update(JSON.stringify([agency, record, revision, name.normalize('NFC')]))
      .digest('base64')
      .slice(0, 16)
    const content = (jcs ?? sha256).slice(0, 16)
    const before = kept.get(version) ?? waiting.get(version)
    if (before === undefined) waiting.set(ownCopy(version), ownCopy(content))
    return before !== undefined && before !== content
  }
  return {
    /** Whether an earlier statement has other content under the same version and name. */
    isEdit(statement: Statement): boolean {
      if (statement.action !== 'publish') return false
      // Looks at all of them, because each is remembered.
      return statement.documents.filter(document => isOther(statement, document)).length > 0
    },
    keep(): void {
      for (const [version, content] of waiting) kept.set(version, content)
      waiting = new Map()
    },
    forget(): void {
      waiting = new Map()
    },
  }
}
