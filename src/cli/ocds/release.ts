/** What an OCDS release, and the file that holds it, is in the ledger's words: one statement each. */
import { basename } from 'node:path'
import { toHex, toUtf8 } from '../../core/bytes.ts'
import { sha256 } from '../../core/hash.ts'
import { canonicalJson, isJsonObject, type Json, parseJson } from '../../core/json.ts'
import { OcdsError } from '../../core/ocds/error.ts'
import type { Envelope } from '../../core/ocds/scan.ts'
import type { Statement } from '../../core/statement.ts'
import type { FileDigest } from '../../verifier/digest.ts'
import { normaliseDate } from './date.ts'

const MAX_TITLE_CHARACTERS = 500
const MAX_RECORD_BYTES = 512
const LANGUAGE = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/

/** A record package may name a release by its address only: there is nothing to hash. */
export type LinkedRelease = { readonly linked: string }

/**
 * The statement of one release, from its own bytes: `record` the ocid, `revision` the release id, `published` its date, its document the RFC
 * 8785 form. Throws OcdsError OCDS_RELEASE or JsonError, whose reason is reported for this release alone.
 */
export function releaseStatement(agency: string, bytes: Uint8Array): Statement | LinkedRelease {
  const release = parseJson(bytes, { allowNull: true, exactNumbers: true })
  if (!isJsonObject(release)) throw new OcdsError('OCDS_RELEASE', 'a release is an object')
  if (release.ocid === undefined && typeof release.url === 'string') return { linked: release.url }
  const ocid = readOcid(release)
  const id = readId(release)
  const canonical = toUtf8(canonicalJson(release))
  const digest = toHex(sha256(canonical))
  const title = readTitle(release)
  return {
    type: 'openseal/statement@v1',
    agency,
    kind: 'procurement',
    action: 'publish',
    record: ocid,
    revision: id,
    identifiers: [{ scheme: 'ocid', value: ocid }],
    ...(title === undefined ? {} : { title }),
    ...(typeof release.language === 'string' && LANGUAGE.test(release.language) ? { language: release.language } : {}),
    published: readDate(release),
    documents: [{ name: fileSafe(`${ocid}-${id}`), mediaType: 'application/json', bytes: canonical.length, sha256: digest, jcs: digest }],
  }
}

/** The statement of the whole file, by its bytes: `record` its uri, else its hash; `revision` the package's publishedDate as it is written. */
export function fileStatement(
  agency: string,
  path: string,
  envelope: Envelope,
  file: FileDigest,
  dates: { readonly given?: string; readonly newest?: string },
): Statement {
  const { uri, publishedDate } = envelope.members
  const written = typeof publishedDate === 'string' ? publishedDate : undefined
  const published = dates.given ?? (written === undefined ? undefined : normaliseDate(written)) ?? dates.newest
  if (published === undefined) {
    throw new OcdsError(
      'OCDS_NO_DATE',
      'neither the package nor a release has a date that can be read: give one with --published YYYY-MM-DDTHH:MM:SSZ.',
    )
  }
  const named = typeof uri === 'string' && uri.trim() !== '' && toUtf8(uri).length <= MAX_RECORD_BYTES
  return {
    type: 'openseal/statement@v1',
    agency,
    kind: 'procurement',
    action: 'publish',
    record: named ? uri : `urn:sha256:${file.sha256}`,
    ...(named && written !== undefined && written.trim() !== '' ? { revision: written } : {}),
    published,
    documents: [
      {
        name: basename(path),
        mediaType: 'application/json',
        bytes: file.bytes,
        sha256: file.sha256,
        ...(file.jcs === undefined ? {} : { jcs: file.jcs }),
      },
    ],
  }
}

function readOcid(release: { readonly [member: string]: Json }): string {
  const { ocid } = release
  if (typeof ocid !== 'string' || ocid === '') throw new OcdsError('OCDS_RELEASE', 'the release has no ocid')
  return ocid
}

function readId(release: { readonly [member: string]: Json }): string {
  const { id } = release
  if (typeof id === 'number' && Number.isSafeInteger(id)) return String(id) // OCDS 1.0 let it be an integer
  if (typeof id !== 'string' || id === '') throw new OcdsError('OCDS_RELEASE', 'the release has no id')
  return id
}

function readDate(release: { readonly [member: string]: Json }): string {
  const { date } = release
  const published = typeof date === 'string' ? normaliseDate(date) : undefined
  if (published === undefined)
    throw new OcdsError('OCDS_RELEASE', `the release has no date that can be read: ${JSON.stringify(date) ?? 'none'}`)
  return published
}

function readTitle(release: { readonly [member: string]: Json }): string | undefined {
  const title = isJsonObject(release.tender) ? release.tender.title : undefined
  if (typeof title !== 'string') return undefined
  const clean = title.replace(/[\p{Cc}\s]+/gu, ' ').trim()
  return clean === '' ? undefined : [...clean].slice(0, MAX_TITLE_CHARACTERS).join('')
}

/** A name that any file system takes: other characters than letters, digits, dot, dash and underscore become a dash. */
function fileSafe(name: string): string {
  return `${[...name.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[.-]+/, '')].slice(0, 180).join('') || 'release'}.json`
}
