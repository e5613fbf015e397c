/** Turns an OCDS release, and the file that contains it, into one statement each. Design §3.2. */
import { basename } from 'node:path'
import { toHex, toUtf8 } from '../../core/bytes.ts'
import { sha256 } from '../../core/hash.ts'
import { canonicalJson, isJsonObject, type Json, parseJson } from '../../core/json.ts'
import { STATEMENT, type Statement } from '../../core/statements/statement.ts'
import type { FileDigest } from '../../documents/digest.ts'
import { kindOfJson } from '../../documents/file-kind.ts'
import { OcdsError } from '../../documents/ocds/error.ts'
import type { Envelope } from '../../documents/ocds/scan.ts'
import { normaliseDate } from './date.ts'

const MAX_TITLE_CHARACTERS = 500
const MAX_URI_BYTES = 512
const LANGUAGE = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/
/** Conversion tools write these for missing values. */
const PLACEHOLDER = /^placeholder:/
const FAR_DATE = /^(?:9999|0\d{3}|1[0-8]\d{2}|19[0-6]\d)/
/** Characters that an id or a name may not begin or end with, or contain. */
const UNFIT = /^\p{White_Space}|\p{White_Space}$|[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

type Release = { readonly [member: string]: Json }

/** A record package may name a release only by its address: there is nothing to hash. */
export type LinkedRelease = { readonly linked: string }

/**
 * The statement of one release, from its own bytes: `record` the ocid, `revision` the release id,
 * `published` its own date where it has one, its document the RFC 8785 form. A compiled or
 * versioned release is no version of a record but a summary of several: its revision is its own
 * digest, so that nothing is compared with it. Throws OcdsError OCDS_RELEASE or JsonError, whose
 * reason is reported for this release alone.
 */
export function releaseStatement(agency: string, bytes: Uint8Array): Statement | LinkedRelease {
  const release = parseJson(bytes, { allowNull: true, exactNumbers: true })
  if (!isJsonObject(release)) throw new OcdsError('OCDS_RELEASE', 'a release is an object')
  if (release.ocid === undefined && typeof release.url === 'string') return { linked: release.url }
  const ocid = readOcid(release)
  const canonical = toUtf8(canonicalJson(release))
  const digest = toHex(sha256(canonical))
  const title = readTitle(release)
  const published = readDate(release)
  return {
    type: STATEMENT,
    agency,
    kind: 'procurement',
    action: 'publish',
    record: ocid,
    revision: readRevision(release, digest),
    identifiers: [{ scheme: 'ocid', value: ocid }],
    ...(title === undefined ? {} : { title }),
    ...(typeof release.language === 'string' && LANGUAGE.test(release.language) ? { language: release.language } : {}),
    ...(published === undefined ? {} : { published }),
    documents: [{ name: 'release.json', mediaType: 'application/json', bytes: canonical.length, sha256: digest, jcs: digest }],
  }
}

/**
 * The statement of the whole file, by its bytes alone. Pages of one answer and parts of a split
 * package share their uri and their date, but are different files.
 */
export function fileStatement(agency: string, path: string, envelope: Envelope, file: FileDigest): Statement {
  const uri = readUri(envelope)
  return {
    type: STATEMENT,
    agency,
    kind: 'procurement',
    action: 'publish',
    record: `urn:sha256:${file.sha256}`,
    ...(uri === undefined ? {} : { identifiers: [{ scheme: 'local', value: uri }] }),
    documents: [
      {
        name: basename(path).normalize('NFC'),
        mediaType: 'application/json',
        bytes: file.bytes,
        sha256: file.sha256,
        ...(file.jcs === undefined ? {} : { jcs: file.jcs }),
      },
    ],
  }
}

function readUri({ members: { uri } }: Envelope): string | undefined {
  if (typeof uri !== 'string' || uri === '' || PLACEHOLDER.test(uri) || UNFIT.test(uri)) return undefined
  return toUtf8(uri).length <= MAX_URI_BYTES ? uri : undefined
}

function readOcid({ ocid }: Release): string {
  if (typeof ocid !== 'string' || ocid === '') throw new OcdsError('OCDS_RELEASE', 'the release has no ocid')
  if (PLACEHOLDER.test(ocid)) throw new OcdsError('OCDS_RELEASE', "the release has no ocid, only a tool's placeholder")
  return ocid
}

function readRevision(release: Release, digest: string): string {
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

/** The release's own date; undefined if it has none, an impossible one, or a tool's placeholder. */
function readDate({ date }: Release): string | undefined {
  const published = typeof date === 'string' ? normaliseDate(date) : undefined
  return published === undefined || FAR_DATE.test(published) ? undefined : published
}

function readTitle(release: Release): string | undefined {
  const title = isJsonObject(release.tender) ? release.tender.title : undefined
  if (typeof title !== 'string') return undefined
  const clean = title.replace(/[\p{Cc}\s]+/gu, ' ').trim()
  return clean === '' ? undefined : [...clean].slice(0, MAX_TITLE_CHARACTERS).join('')
}
