/**
 * Turns an OCDS or OC4IDS file into statements, in bounded memory: one for each release or project,
 * one for the file and one for each file in its wrapping. The file may be JSON in all its forms,
 * packed with gzip, or a ZIP archive of such files.
 */
import { createSha256 } from '#sha256'
import { toHex } from '../../core/bytes.ts'
import { OpenSealError } from '../../core/errors.ts'
import { parseStatement, type Statement } from '../../core/statements/statement.ts'
import { createGunzip } from '../gunzip.ts'
import { baseName, DocumentError } from '../reading.ts'
import { withZip } from '../zip.ts'
import { OcdsError } from './error.ts'
import { explainKind } from './kind.ts'
import { MAX_RELEASE_BYTES } from './outline.ts'
import { fileStatement, projectStatement, releaseStatement } from './release.ts'
import { createScanner, type FoundRelease } from './scan.ts'
import type { Envelope } from './tally.ts'

/**
 * A release without a statement of its own, and why. `position` counts the releases of its file
 * from 1, and is 0 for anything else. `file` is its file in a ZIP archive.
 */
export type LeftOut = { readonly position: number; readonly code: string; readonly detail: string; readonly file?: string }

/** The findings in a file. */
export type OcdsReport = {
  readonly shape: Envelope['shape'] | 'zip'
  readonly refused: readonly LeftOut[]
  /** Releases that a record package only links to. */
  readonly linked: number
  /**
   * Statements without `published`, because the release has no exact time; `first` is the first
   * such date.
   */
  readonly undated: { readonly count: number; readonly first?: string }
  /**
   * Files in a ZIP archive that are not JSON by their names: only the archive's statement covers
   * them.
   */
  readonly others: number
}

/** Takes each statement with a name for people: the ocid and revision, or `file NAME`. */
export type TakeStatement = (statement: Statement, label: string) => void | Promise<void>

type Findings = { refused: LeftOut[]; linked: number; undated: { count: number; first?: string } }

/** A file that arrives in chunks. Each is valid only during the call. */
export type OcdsReader = { push(chunk: Uint8Array): Promise<void>; end(): Promise<OcdsReport> }

/** The most procedures that the statement about a file names. */
const MAX_NAMED = 64
const ZIP_LIMITS = { maxEntries: 10_000, maxUnpackedBytes: 64 * 1024 * 1024 * 1024 }
const JSON_NAME = /\.(?:json|jsonl|ndjson)$/i

/**
 * Creates a reader of one file, packed with gzip or not. `label` names it for people. Throws
 * OcdsError, DocumentError or StatementError for the whole file.
 */
export function createOcdsReader(agency: string, path: string, label: string, take: TakeStatement): OcdsReader {
  const found = newFindings()
  let reader: ReturnType<typeof createJsonReader> | ReturnType<typeof createGzipReader> | undefined
  return {
    push: chunk => {
      reader ??= (chunk[0] === 0x1f && chunk[1] === 0x8b ? createGzipReader : createJsonReader)({ agency, path, label, take, found })
      return reader.push(chunk)
    },
    end: async () => {
      if (reader === undefined) throw new OcdsError('OCDS_EMPTY', 'the file is empty.')
      return { shape: await reader.end(), ...found, others: 0 }
    },
  }
}

/** Reads a ZIP archive of OCDS files. Throws ZipError too. */
export async function readOcdsZip(agency: string, path: string, label: string, blob: Blob, take: TakeStatement): Promise<OcdsReport> {
  const found = newFindings()
  const hash = createSha256()
  for await (const chunk of partsOf(blob)) hash.update(chunk)
  const others = await withZip(blob, ZIP_LIMITS, async entries => {
    const files = entries.filter(({ name }) => JSON_NAME.test(name))
    if (files.length === 0) throw new OcdsError('OCDS_SHAPE', 'the ZIP archive has no JSON in it.')
    for (const { name, read } of files) {
      const inside = newFindings()
      try {
        const reader = createJsonReader({ agency, path: name, label: `file ${name}`, take, found: inside })
        await read(part => reader.push(part))
        await reader.end()
      } catch (error) {
        if (!(error instanceof OcdsError)) throw error
        found.refused.push({ position: 0, code: error.code, detail: error.message, file: name })
      }
      merge(found, inside, name)
    }
    return entries.length - files.length
  })
  const digest = { bytes: blob.size, sha256: toHex(hash.digest()) }
  await take(fileStatement(agency, path, {}, digest, 'application/zip'), label)
  return { shape: 'zip', ...found, others }
}

type Job = {
  readonly agency: string
  readonly path: string
  readonly label: string
  readonly take: TakeStatement
  readonly found: Findings
}

function createGzipReader(job: Job) {
  const hash = createSha256()
  let bytes = 0
  const path = job.path.replace(/\.gz$/i, '')
  const inner = createJsonReader({ ...job, path, label: `file ${baseName(path)}` })
  const gunzip = createGunzip(part => inner.push(part))
  return {
    push: (chunk: Uint8Array) => {
      hash.update(chunk)
      bytes += chunk.length
      return gunzip.push(chunk)
    },
    end: async () => {
      await gunzip.end()
      const shape = await inner.end()
      const digest = { bytes, sha256: toHex(hash.digest()) }
      await job.take(fileStatement(job.agency, job.path, {}, digest, 'application/gzip'), job.label)
      return shape
    },
  }
}

function createJsonReader({ agency, path, label, take, found }: Job) {
  const hash = createSha256()
  const kind = explainKind()
  let bytes = 0
  /** Statements that the scanner found and that were not taken yet. */
  let waiting: { readonly statement: Statement; readonly label: string }[] = []
  const scanner = createScanner(release => {
    const statement = readRelease(release, agency, found)
    if (statement !== undefined) waiting.push({ statement, label: [statement.record, statement.revision].filter(Boolean).join(' ') })
  })
  const scan = <T>(action: () => T): T => {
    try {
      return action()
    } catch (error) {
      throw kind.explain(error)
    }
  }
  let bareJcs: string | undefined
  const ocids = new Set<string>()
  const flush = async () => {
    for (const { statement, label } of waiting) {
      bareJcs = statement.documents[0]?.jcs
      for (const { scheme, value } of statement.identifiers ?? []) if (scheme === 'ocid' && ocids.size <= MAX_NAMED) ocids.add(value)
      await take(statement, label)
    }
    waiting = []
  }
  return {
    push: async (chunk: Uint8Array) => {
      hash.update(chunk)
      bytes += chunk.length
      kind.push(chunk)
      scan(() => scanner.push(chunk))
      if (waiting.length > 0) await flush()
    },
    end: async () => {
      if (bytes === 0) throw new OcdsError('OCDS_EMPTY', 'the file is empty.')
      const envelope = scan(() => scanner.end())
      await flush()
      if (envelope.strangers > 0)
        found.refused.push({ position: 0, code: 'OCDS_RELEASE', detail: `${envelope.strangers} elements are not releases` })
      const digest = { bytes, sha256: toHex(hash.digest()) }
      // A list that names only some of them would be read as the whole.
      const named = ocids.size > MAX_NAMED ? [] : [...ocids]
      const jcs = envelope.shape === 'bare-release' && bareJcs !== undefined ? { jcs: bareJcs } : {}
      await take(fileStatement(agency, path, { members: envelope.members, ocids: named }, { ...digest, ...jcs }), label)
      return envelope.shape
    },
  }
}

function readRelease({ position, bytes, summary, isProject }: FoundRelease, agency: string, found: Findings): Statement | undefined {
  if (bytes === undefined) {
    found.refused.push({ position, code: 'OCDS_RELEASE_TOO_LARGE', detail: `the release is larger than ${MAX_RELEASE_BYTES} bytes` })
    return undefined
  }
  try {
    if (isProject) return parseStatement(projectStatement(agency, bytes), { salted: false })
    const read = releaseStatement(agency, bytes, summary)
    if ('linked' in read) {
      found.linked++
      return undefined
    }
    if (read.undated !== undefined) {
      found.undated.count++
      found.undated.first ??= read.undated
    }
    // Checked by the ledger's own rules here, so that an invalid release is reported with its
    // reason before anything is sent.
    return parseStatement(read.statement, { salted: false })
  } catch (error) {
    if (!(error instanceof OpenSealError)) throw error
    found.refused.push({ position, code: error.code, detail: error.message })
    return undefined
  }
}

function newFindings(): Findings {
  return { refused: [], linked: 0, undated: { count: 0 } }
}

function merge(all: Findings, one: Findings, file: string): void {
  for (const left of one.refused) all.refused.push({ ...left, file })
  all.linked += one.linked
  all.undated.count += one.undated.count
  if (one.undated.first !== undefined) all.undated.first ??= one.undated.first
}

async function* partsOf(blob: Blob): AsyncGenerator<Uint8Array> {
  const reader = blob.stream().getReader()
  for (;;) {
    const { done, value } = await reader.read().catch(cause => {
      throw new DocumentError('DOCUMENT_CHANGED', 'the file changed or went away while it was read', { cause })
    })
    if (done) return
    yield value
  }
}
