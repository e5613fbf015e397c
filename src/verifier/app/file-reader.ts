/**
 * Reads a file in chunks and bounded memory: its digests, earlier states of a PDF, and the releases
 * of an OCDS package. Works in browsers and Node.
 */
import { createSha256 } from '#sha256'
import { type Attempt, attempt } from '../../core/attempt.ts'
import { concatBytes, copyBytes, joinBytes, toHex } from '../../core/bytes.ts'
import { isJsonObject, parseJson } from '../../core/json.ts'
import { digestsOf, type FileDigest } from '../../documents/digest.ts'
import { type FileKind, HEAD_BYTES, kindOfHead } from '../../documents/file-kind.ts'
import { createScanner, type FoundRelease } from '../../documents/ocds/scan.ts'
import { createPdfReader, type PdfFacts } from '../../documents/pdf.ts'

/**
 * A release of an OCDS package by its position, from 1. If the strict reader refused it, there is
 * no digest but a code and an English reason.
 */
export type Release = { readonly position: number; readonly name?: string } & (
  | { readonly digest: FileDigest }
  | { readonly digest?: undefined; readonly code: string; readonly refused: string }
)

/** The findings in a file. */
export type ReadFile = {
  readonly digest: FileDigest
  /** The bytes of JSON, or of text in any encoding that looks like it, if small enough to keep. */
  readonly json?: Uint8Array
  /** The bytes of an HTML file, if small enough to keep: it may be a report. */
  readonly html?: Uint8Array
  /** The bytes of a ZIP archive, if the caller asked for them. */
  readonly zip?: Uint8Array
  /** The kind, if the file needs special treatment. For JSON, `recognize` finds out more. */
  readonly kind?: FileKind
  readonly pdf?: PdfFacts
  /** The first releases, up to the limit, and how many more there are. */
  readonly releases: readonly Release[]
  readonly releasesLeftOut: number
}

/** How much of a file is kept and read. */
export type FileReaderOptions = { readonly maxJsonBytes?: number; readonly maxZipBytes?: number; readonly maxReleases?: number }

/** Takes a file chunk by chunk. A chunk is valid only during the call. */
export type FileReader = { update(chunk: Uint8Array): void; finish(): ReadFile }

/** JSON up to this size is kept for its content digest. */
export const MAX_JSON_BYTES = 64 * 1024 * 1024

/** The shapes whose releases are checked one by one. */
const PACKAGES: readonly string[] = ['release-package', 'record-package']

/** Creates a reader for one file. */
export function createFileReader({
  maxJsonBytes = MAX_JSON_BYTES,
  maxZipBytes = 0,
  maxReleases = Number.POSITIVE_INFINITY,
}: FileReaderOptions = {}): FileReader {
  const hash = createSha256()
  const pdf = createPdfReader(hash)
  const releases: Release[] = []
  let leftOut = 0
  let scanner: ReturnType<typeof createScanner> | undefined = createScanner(found => {
    if (releases.length < maxReleases) releases.push(readRelease(found))
    else leftOut++
  })
  let isJson: boolean | undefined
  let kept: Uint8Array[] | undefined = []
  let head: Uint8Array = new Uint8Array(0)
  let bytes = 0
  return {
    update: chunk => {
      isJson ??= looksLikeJson(chunk)
      bytes += chunk.length
      if (head.length < HEAD_BYTES) head = concatBytes(head, chunk.subarray(0, HEAD_BYTES - head.length))
      pdf.update(chunk)
      if (isJson === false) scanner = undefined
      const isZip = isJson === false && mayBeZip(head)
      if (isJson === false && !isZip && !mayBeHtml(head)) kept = undefined
      if (bytes > (isZip ? maxZipBytes : maxJsonBytes)) kept = undefined
      kept?.push(copyBytes(chunk))
      // A file that is not OCDS is not an error here: it counts by its bytes.
      if (attempt(() => scanner?.push(chunk)).error) scanner = undefined
    },
    finish: () => {
      const sha256 = toHex(hash.digest())
      const facts = pdf.finish()
      const json = isJson && kept ? joinBytes(kept) : undefined
      // A bare release is checked as a file; lines, lists and projects are checked as a whole.
      const isPackage = PACKAGES.includes(attempt(() => scanner?.end()).value?.shape ?? '')
      const kind = kindOfHead(head)
      const jcs: Partial<FileDigest> = json ? contentDigest(json) : isJson ? { jcsReason: `larger than ${maxJsonBytes} bytes` } : {}
      return {
        digest: { bytes, sha256, ...jcs },
        releases: isPackage ? releases : [],
        releasesLeftOut: isPackage ? leftOut : 0,
        ...(json && { json }),
        ...(kind && { kind }),
        ...(kind === 'zip' && kept && { zip: joinBytes(kept) }),
        ...(isJson === false && kept && mayBeHtml(head) && { html: joinBytes(kept) }),
        ...(facts && { pdf: facts }),
      }
    },
  }
}

function contentDigest(json: Uint8Array): Pick<FileDigest, 'jcs' | 'jcsReason'> {
  const { jcs, jcsReason } = digestsOf(json)
  return jcs === undefined ? { jcsReason: jcsReason ?? '' } : { jcs }
}

/**
 * The digests of a release's RFC 8785 form, which is how it was submitted: a release has no bytes
 * of its own.
 */
function readRelease({ position, bytes }: FoundRelease): Release {
  if (bytes === undefined) return { position, code: 'RELEASE_TOO_LARGE', refused: 'too large' }
  const release = attempt(() => parseJson(bytes, { allowNull: true, exactNumbers: true }))
  if (release.error) return { position, code: release.error.code, refused: release.error.message }
  const { jcs } = digestsOf(bytes)
  if (jcs === undefined) throw new Error('bug: a release that was read has no RFC 8785 form')
  return { position, ...nameOf(release), digest: { bytes: bytes.length, sha256: jcs, jcs } }
}

function nameOf({ value }: Attempt<ReturnType<typeof parseJson>>): { name?: string } {
  if (!isJsonObject(value)) return {}
  const parts = [value.ocid, value.id].filter(part => typeof part === 'string' || typeof part === 'number')
  return parts.length === 0 ? {} : { name: parts.join(' ') }
}

/** Decides by as many of the first two bytes as have arrived. */
function mayBeZip([first, second = 0x4b]: Uint8Array): boolean {
  return first === 0x50 && second === 0x4b
}

/** Decides by the first bytes, as far as they have arrived. */
function mayBeHtml(head: Uint8Array): boolean {
  const [start] = head
  return start === DOCTYPE.charCodeAt(0) && DOCTYPE.startsWith(new TextDecoder().decode(head.subarray(0, DOCTYPE.length)).toLowerCase())
}

const DOCTYPE = '<!doctype html'

/**
 * Whether the text begins an object or an array; undefined after only white space, a byte order
 * mark and the zeros of UTF-16.
 */
function looksLikeJson(chunk: Uint8Array): boolean | undefined {
  const first = chunk.find(byte => !BEFORE_JSON.includes(byte))
  return first === undefined ? undefined : first === 0x7b || first === 0x5b
}

const BEFORE_JSON = [0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf, 0xff, 0xfe, 0x00]
