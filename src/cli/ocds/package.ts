/**
 * Reads an OCDS file once, in bounded memory, and writes its statements to a spool file. Nothing is
 * sent before the whole file was read.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { OpenSealError } from '../../core/errors.ts'
import { parseStatement, type Statement, statementBody } from '../../core/statements/statement.ts'
import { OcdsError } from '../../documents/ocds/error.ts'
import { createScanner, type Envelope, type FoundRelease, MAX_RELEASE_BYTES } from '../../documents/ocds/scan.ts'
import { MAX_JSON_BYTES } from '../../verifier/app/file-reader.ts'
import { hashFile, type OnProgress, readWhole } from '../hash-file.ts'
import { createKindCheck } from './kind.ts'
import { fileStatement, releaseStatement } from './release.ts'

/**
 * A release without a statement of its own, and why. `position` counts the file's releases from 1.
 */
export type LeftOut = { readonly position: number; readonly code: string; readonly detail: string }

/**
 * The findings in a file. `labels[n]` names the statement in line n + 1 of the spool; the last
 * one is the file's own.
 */
export type PackageReport = {
  readonly path: string
  readonly shape: Envelope['shape']
  readonly labels: readonly string[]
  /**
   * Lines of the spool, from 1, with other content than an earlier line of the same ocid and
   * release id. The ledger compares requests with the log one by one, and might miss these.
   */
  readonly edits: readonly number[]
  readonly refused: readonly LeftOut[]
  /** Releases that a record package only links to. */
  readonly linked: number
  /**
   * Compiled and versioned releases inside records: only the statement about the whole file covers
   * them.
   */
  readonly summaries: number
}

type Collected = { labels: string[]; edits: number[]; refused: LeftOut[]; linked: number; readonly digests: Map<string, string> }
type Write = (statement: Statement, label: string) => void

/**
 * Writes one statement a line to `spool`: each release, then the file itself. Throws OcdsError,
 * FileError or StatementError for the whole file.
 */
export async function readPackage(path: string, agency: string, spool: string, onProgress: OnProgress): Promise<PackageReport> {
  const out = createWriteStream(spool, { mode: 0o600 })
  const found: Collected = { labels: [], edits: [], refused: [], linked: 0, digests: new Map() }
  const write: Write = (statement, label) => {
    // Checked by the ledger's own rules here, so that an invalid release is reported with its
    // reason before anything is sent.
    out.write(`${statementBody(parseStatement(statement, { salted: false }))}\n`)
    found.labels.push(ownCopy(label))
    noteEdit(found, statement)
  }
  try {
    const hash = createHash('sha256')
    const kind = createKindCheck()
    const scanner = createScanner(release => takeRelease(release, agency, found, write))
    const { bytes } = await readWhole(
      path,
      async chunk => {
        hash.update(chunk)
        kind.push(chunk)
        scanner.push(chunk)
        if (out.writableNeedDrain) await once(out, 'drain')
      },
      onProgress,
    ).catch(error => {
      throw kind.explain(error)
    })
    const envelope = endScan(scanner, kind, bytes)
    const digest = { bytes, sha256: hash.digest('hex') }
    const file = envelope.shape === 'bare-release' ? await takeBareRelease(path, digest, agency, found, write) : digest
    if (envelope.strangers > 0) {
      found.refused.push({ position: 0, code: 'OCDS_RELEASE', detail: `${envelope.strangers} elements are no objects` })
    }
    write(fileStatement(agency, path, envelope, file), `file ${path}`)
    const { labels, edits, refused, linked } = found
    return { path, shape: envelope.shape, labels, edits, refused, linked, summaries: envelope.summaries }
  } catch (error) {
    // The file's name comes first, because several may be given at once.
    if (error instanceof OcdsError) throw new OcdsError(error.code, `${path}: ${error.message}`, { cause: error })
    throw error
  } finally {
    out.end()
    await once(out, 'close')
  }
}

function endScan(scanner: ReturnType<typeof createScanner>, kind: ReturnType<typeof createKindCheck>, bytes: number): Envelope {
  if (bytes === 0) throw new OcdsError('OCDS_EMPTY', 'the file is empty.')
  try {
    return scanner.end()
  } catch (error) {
    throw kind.explain(error)
  }
}

/** Copies a string: a slice of a release would keep the whole release's text in memory. */
function ownCopy(text: string): string {
  return Buffer.from(text).toString()
}

/**
 * Requests are bounded, and a package may be larger, so contradictions inside a package are noticed
 * here.
 */
function noteEdit({ labels, edits, digests }: Collected, { record, revision, documents: [document] }: Statement): void {
  if (revision === undefined || document === undefined) return
  // Short, because a package may have millions of releases: 96 bits of a version, 64 of its
  // content.
  const version = createHash('sha256')
    .update(JSON.stringify([record, revision]))
    .digest('base64')
    .slice(0, 16)
  const content = document.sha256.slice(0, 16)
  const before = digests.get(version)
  if (before === undefined) digests.set(ownCopy(version), ownCopy(content))
  else if (before !== content) edits.push(labels.length)
}

function takeRelease(release: FoundRelease, agency: string, found: Collected, write: Write): void {
  const { position, bytes } = release
  if (bytes === undefined) {
    found.refused.push({ position, code: 'OCDS_RELEASE_TOO_LARGE', detail: `the release is larger than ${MAX_RELEASE_BYTES} bytes` })
    return
  }
  try {
    const statement = releaseStatement(agency, bytes)
    if ('linked' in statement) found.linked++
    else write(statement, `${statement.record} ${statement.revision}`)
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    found.refused.push({ position, code: error.code, detail: error.message })
  }
}

/**
 * A file that is one release is read again as a whole. It must still be the one that was hashed.
 */
async function takeBareRelease(path: string, digest: { bytes: number; sha256: string }, agency: string, found: Collected, write: Write) {
  if (digest.bytes > MAX_JSON_BYTES) {
    takeRelease({ position: 1 }, agency, found, write)
    return digest
  }
  const chunks: Buffer[] = []
  await readWhole(path, chunk => void chunks.push(Buffer.from(chunk)))
  const file = await hashFile(path)
  const bytes = Buffer.concat(chunks)
  if (file.sha256 !== digest.sha256 || createHash('sha256').update(bytes).digest('hex') !== digest.sha256) {
    throw new OcdsError('FILE_CHANGED', 'the file changed while it was read.')
  }
  takeRelease({ position: 1, bytes }, agency, found, write)
  return file
}
