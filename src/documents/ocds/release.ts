/**
 * Turns an OCDS release, an OC4IDS project, and the file that contains them into one statement
 * each. Design §3.2.
 */
import { toHex, toUtf8 } from '../../core/bytes.ts'
import { sha256 } from '../../core/hash.ts'
import { canonicalJson, isJsonObject, type Json, parseJson } from '../../core/json.ts'
import { type DocumentRef, STATEMENT, type Statement } from '../../core/statements/statement.ts'
import type { FileDigest } from '../digest.ts'
import { kindOfJson } from '../file-kind.ts'
import { readInstant } from '../instant.ts'
import { readProject } from '../json-record.ts'
import { baseName, cleanTitle, isFitId, readLanguage } from '../reading.ts'
import { OcdsError } from './error.ts'
import type { Summary } from './outline.ts'
import type { Envelope } from './tally.ts'

/** Conversion tools write these for missing values. */
const PLACEHOLDER = /^placeholder:/

type Release = { readonly [member: string]: Json }

/** A record package may name a release only by its address: there is nothing to hash. */
export type LinkedRelease = { readonly linked: string }

/** The statement of a release. `undated` is its date if no moment can be read from it. */
export type StatedRelease = { readonly statement: Statement; readonly undated?: string }

/**
 * The statement of one release, from its own bytes: `record` the ocid, `revision` the release id,
 * `published` its own date where it has one, its document the RFC 8785 form. A compiled or
 * versioned release is not a version of a record but a summary of several. Its revision is its own
 * digest, so that nothing is compared with it. Throws OcdsError OCDS_RELEASE or JsonError, whose
 * reason is reported for this release alone.
 */
export function releaseStatement(agency: string, bytes: Uint8Array, summary?: Summary): StatedRelease | LinkedRelease {
  const release = parseJson(bytes, { allowNull: true, exactNumbers: true })
  if (!isJsonObject(release)) throw new OcdsError('OCDS_RELEASE', 'a release is an object')
  if (release.ocid === undefined && typeof release.url === 'string') return { linked: release.url }
  const ocid = readOcid(release)
  const document = contentOf('release.json', release)
  const title = readTitle(release)
  const published = typeof release.date === 'string' ? readInstant(release.date) : undefined
  const language = typeof release.language === 'string' ? readLanguage(release.language) : undefined
  const statement: Statement = {
    type: STATEMENT,
    agency,
    kind: 'procurement',
    action: 'publish',
    record: ocid,
    revision: readRevision(release, document.sha256, summary),
    identifiers: [{ scheme: 'ocid', value: ocid }],
    ...(title === undefined ? {} : { title }),
    ...(language === undefined ? {} : { language }),
    ...(published === undefined ? {} : { published }),
    documents: [document],
  }
  const isUndated = published === undefined && typeof release.date === 'string' && release.date !== ''
  return { statement, ...(isUndated && { undated: release.date as string }) }
}

/**
 * The statement of one project of OC4IDS, from its own bytes: what it states of itself, its
 * document the RFC 8785 form. Throws as `releaseStatement` does.
 */
export function projectStatement(agency: string, bytes: Uint8Array): Statement {
  const project = parseJson(bytes, { allowNull: true, exactNumbers: true })
  if (!isJsonObject(project)) throw new OcdsError('OCDS_RELEASE', 'a project is an object')
  const { kind = 'procurement', record, ...members } = readProject(project).members
  if (record === undefined) throw new OcdsError('OCDS_RELEASE', 'the project has no id, or one that a statement cannot carry')
  return { type: STATEMENT, agency, kind, action: 'publish', record, ...members, documents: [contentOf('project.json', project)] }
}

/**
 * The statement of the whole file, by its bytes alone. Pages of one answer and parts of a split
 * package share their uri and their date, but are different files. `ocids` are the procedures whose
 * releases were read in it, all of them or none.
 */
export function fileStatement(
  agency: string,
  path: string,
  { members, ocids = [] }: { readonly members?: Envelope['members']; readonly ocids?: readonly string[] },
  file: FileDigest,
  mediaType = 'application/json',
): Statement {
  const { uri } = members ?? {}
  const identifiers = [
    ...(typeof uri === 'string' && !PLACEHOLDER.test(uri) && isFitId(uri) ? [{ scheme: 'local', value: uri }] : []),
    ...ocids.map(value => ({ scheme: 'ocid', value })),
  ]
  return {
    type: STATEMENT,
    agency,
    kind: 'procurement',
    action: 'publish',
    record: `urn:sha256:${file.sha256}`,
    ...(identifiers.length > 0 && { identifiers }),
    documents: [
      {
        name: baseName(path),
        mediaType,
        bytes: file.bytes,
        sha256: file.sha256,
        ...(file.jcs === undefined ? {} : { jcs: file.jcs }),
      },
    ],
  }
}

/** Part of a file as a document: it has no bytes of its own but those of its RFC 8785 form. */
function contentOf(name: string, value: Json): DocumentRef {
  const canonical = toUtf8(canonicalJson(value))
  const digest = toHex(sha256(canonical))
  return { name, mediaType: 'application/json', bytes: canonical.length, sha256: digest, jcs: digest }
}

function readOcid({ ocid }: Release): string {
  if (typeof ocid !== 'string' || ocid === '') throw new OcdsError('OCDS_RELEASE', 'the release has no ocid')
  if (PLACEHOLDER.test(ocid)) throw new OcdsError('OCDS_RELEASE', "the release has no ocid, only a tool's placeholder")
  return ocid
}

function readRevision(release: Release, digest: string, summary: Summary | undefined): string {
  if (summary !== undefined) return `${summary}:${digest}`
  const kind = kindOfJson(release)
  if (kind === 'compiled-release') return `compiled:${digest}`
  return kind === 'versioned-release' ? `versioned:${digest}` : readId(release)
}

function readId({ id }: Release): string {
  // OCDS 1.0 allowed integers
  if (typeof id === 'number' && Number.isSafeInteger(id)) return String(id)
  if (typeof id !== 'string' || id === '') throw new OcdsError('OCDS_RELEASE', 'the release has no id')
  if (PLACEHOLDER.test(id)) throw new OcdsError('OCDS_RELEASE', "the release has no id, only a tool's placeholder")
  return id
}

function readTitle(release: Release): string | undefined {
  const title = isJsonObject(release.tender) ? release.tender.title : undefined
  return typeof title === 'string' ? cleanTitle(title) : undefined
}
