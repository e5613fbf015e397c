/** Reads an OCDS file once, in bounded memory, and lays its statements down in a spool file: nothing is sent before the whole file was read. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { OpenSealError } from '../../core/errors.ts'
import { OcdsError } from '../../core/ocds/error.ts'
import { createScanner, type Envelope, type FoundRelease, MAX_RELEASE_BYTES } from '../../core/ocds/scan.ts'
import { parseStatement, type Statement, statementBody } from '../../core/statement.ts'
import { MAX_JSON_BYTES } from '../../verifier/file-reader.ts'
import { hashFile, type OnProgress, readWhole } from '../hash-file.ts'
import { fileStatement, type LinkedRelease, releaseStatement } from './release.ts'

/** A release that has no statement of its own, and why. `position` counts the file's releases from 1. */
export type LeftOut = { readonly position: number; readonly code: string; readonly detail: string }

/** What was found in a file. `labels[n]` names the statement in line n + 1 of the spool; the last one is the file's own. */
export type PackageReport = {
  readonly path: string
  readonly shape: Envelope['shape']
  readonly labels: readonly string[]
  readonly records: readonly string[]
  readonly refused: readonly LeftOut[]
  /** Releases that a record package only links to. */
  readonly linked: number
}

/** What the submitter says of the files. `published` goes before the package's own date. */
export type PackageClaims = { readonly agency: string; readonly published?: string }

type Collected = { labels: string[]; records: string[]; refused: LeftOut[]; linked: number; newest?: string }

/** Writes one statement a line to `spool`: each release, then the file itself. Throws OcdsError, FileError or StatementError for the whole file. */
export async function readPackage(path: string, claims: PackageClaims, spool: string, onProgress: OnProgress): Promise<PackageReport> {
  const out = createWriteStream(spool, { mode: 0o600 })
  const found: Collected = { labels: [], records: [], refused: [], linked: 0 }
  const write = (statement: Statement, label: string) => {
    // Held against the ledger's own rules here, so that a bad release is named with its reason before anything is sent.
    out.write(`${statementBody(parseStatement(statement, { salted: false }))}\n`)
    found.labels.push(ownCopy(label))
    found.records.push(ownCopy(statement.record))
  }
  try {
    const hash = createHash('sha256')
    const scanner = createScanner(release => takeRelease(release, claims.agency, found, write))
    const { bytes } = await readWhole(
      path,
      async chunk => {
        hash.update(chunk)
        scanner.push(chunk)
        if (out.writableNeedDrain) await once(out, 'drain')
      },
      onProgress,
    )
    const envelope = scanner.end()
    const digest = { bytes, sha256: hash.digest('hex') }
    const file = envelope.shape === 'bare-release' ? await takeBareRelease(path, digest, claims.agency, found, write) : digest
    if (envelope.strangers > 0) {
      found.refused.push({ position: 0, code: 'OCDS_RELEASE', detail: `${envelope.strangers} elements are no objects` })
    }
    const dates = { ...(claims.published && { given: claims.published }), ...(found.newest && { newest: found.newest }) }
    write(fileStatement(claims.agency, path, envelope, file, dates), `file ${path}`)
    const { labels, records, refused, linked } = found
    return { path, shape: envelope.shape, labels, records, refused, linked }
  } catch (error) {
    // The file is named in front: several may be given at once.
    if (error instanceof OcdsError) {
      const first = found.refused[0]
      const also = error.code === 'OCDS_NO_DATE' && first !== undefined ? ` (release ${first.position}: ${first.detail})` : ''
      throw new OcdsError(error.code, `${path}: ${error.message}${also} Nothing was sent.`, { cause: error })
    }
    throw error
  } finally {
    out.end()
    await once(out, 'close')
  }
}

/** A string that stands alone: one cut out of a release would keep the whole release's text in memory. */
function ownCopy(text: string): string {
  return Buffer.from(text).toString()
}

type Write = (statement: Statement, label: string) => void

function takeRelease(release: FoundRelease, agency: string, found: Collected, write: Write): void {
  const { position, bytes } = release
  if (bytes === undefined) {
    found.refused.push({ position, code: 'OCDS_RELEASE_TOO_LARGE', detail: `the release is larger than ${MAX_RELEASE_BYTES} bytes` })
    return
  }
  try {
    const statement: Statement | LinkedRelease = releaseStatement(agency, bytes)
    if ('linked' in statement) {
      found.linked++
      return
    }
    write(statement, `${statement.record} ${statement.revision}`)
    const { published } = statement
    if (published !== undefined && (found.newest === undefined || published > found.newest)) found.newest = ownCopy(published)
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    found.refused.push({ position, code: error.code, detail: error.message })
  }
}

/** A file that is one release is read once more, as a whole: it must still be the one that was hashed. */
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
