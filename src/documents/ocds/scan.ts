/**
 * Cuts the releases out of an OCDS file as a stream. The file may be larger than memory, and each
 * release must be read strictly from its own bytes, because ordinary streaming parsers hide
 * duplicate keys. The scanner therefore follows brackets and strings byte by byte and hands out
 * each release unparsed. It parses only the members around the releases, strictly, as a small
 * skeleton.
 */
import { fromUtf8, toUtf8 } from '../../core/bytes.ts'
import { isJsonObject, type Json, JsonError, parseJson } from '../../core/json.ts'
import { type Bytes, createBytes, createUtf8Check } from './bytes.ts'
import { OcdsError } from './error.ts'

/**
 * One release as it is in the file. `bytes` is missing if it is larger than MAX_RELEASE_BYTES.
 * `summary` is set for the compiled and the versioned release of a record.
 */
export type FoundRelease = { readonly position: number; readonly bytes?: Uint8Array; readonly summary?: Summary }

/** What tools make of one record's releases. */
export type Summary = 'compiled' | 'versioned'

/**
 * The file around its releases. `json-lines` and `json-list` hold any number of packages, records
 * and releases, one after the other or in an array.
 */
export type Envelope = {
  readonly shape: 'release-package' | 'record-package' | 'bare-release' | 'json-lines' | 'json-list'
  /**
   * The members around the releases of a single package or release: strings, numbers and booleans
   * as they are, releases and records as {}, other arrays and objects as 0.
   */
  readonly members: { readonly [member: string]: Json }
  /** Elements of `releases`, of `records` or of the list that are neither releases nor records. */
  readonly strangers: number
}

/** The largest release that is kept. A larger one is reported without its bytes. */
export const MAX_RELEASE_BYTES = 64 * 1024 * 1024

const MAX_SKELETON_BYTES = 16 * 1024 * 1024
const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const COMMA = 0x2c
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const SPACE = 0x20
/** Placeholders in the skeleton: for a release or a record, and for any other skipped value. */
const PASSED_OBJECT = toUtf8('{}')
const PASSED_OTHER = toUtf8('0')

type Place = 'list' | 'envelope' | 'record' | 'releases' | 'records'

/**
 * A container around the current position. Arrays write into the skeleton of the object around
 * them. An envelope is kept whole until it turns out to be no release.
 */
type Frame = {
  readonly place: Place
  readonly skeleton: Bytes
  key?: string
  expectsKey: boolean
  kept?: Bytes | undefined
  seen?: 'releases' | 'records'
}

/** The value that is being skipped. It is kept if it is a release. */
type Skip = { depth: number; inString: boolean; escaped: boolean; readonly kept?: Bytes; readonly summary?: Summary | undefined }

const SUMMARIES: { readonly [key: string]: Summary } = { compiledRelease: 'compiled', versionedRelease: 'versioned' }

/**
 * Creates a scanner: `push` every chunk in order, then `end`. `found` is called for each release,
 * in the file's order. Throws OcdsError.
 */
export function createScanner(found: (release: FoundRelease) => void): { push(chunk: Uint8Array): void; end(): Envelope } {
  const utf8 = createUtf8Check()
  const frames: Frame[] = []
  let skip: Skip | undefined
  let stringStart = -1 // in the skeleton of the innermost frame; -1 outside strings
  let escaped = false
  let offset = 0
  let isMark = false // the file begins with a byte order mark
  let position = 0
  let strangers = 0
  let isList = false
  let current: Uint8Array = new Uint8Array(0) // the chunk that is read
  let envelope: Frame | undefined
  let envelopeFrom = 0 // where in the chunk the envelope begins or goes on
  /** The envelopes that ended, those of them that are OCDS, and what the last one was. */
  let ended = 0
  let recognised = 0
  let last: Pick<Envelope, 'shape' | 'members'> | undefined

  const malformed = (at: number, what: string) =>
    new OcdsError('OCDS_MALFORMED', `not an OCDS file in JSON: ${what} at byte ${offset + at}`)
  const give = (kept: Bytes, summary?: Summary) =>
    found({ position: ++position, ...(!kept.overflowed() && { bytes: kept.take() }), ...(summary && { summary }) })

  const open = (byte: number, at: number) => {
    const top = frames.at(-1)
    if (top === undefined && (isList || (ended > 0 && byte === OPEN_ARRAY))) throw malformed(at, 'more text after the end')
    if (top === undefined && byte === OPEN_ARRAY) {
      isList = true
      const skeleton = createBytes(MAX_SKELETON_BYTES)
      skeleton.add(byte)
      frames.push({ place: 'list', skeleton, expectsKey: false })
      return
    }
    if (top === undefined || (top.place === 'list' && byte === OPEN_OBJECT)) {
      top?.skeleton.addAll(PASSED_OBJECT)
      const skeleton = createBytes(MAX_SKELETON_BYTES)
      skeleton.add(byte)
      envelope = { place: 'envelope', skeleton, expectsKey: true, kept: createBytes(MAX_RELEASE_BYTES, true) }
      envelopeFrom = at
      frames.push(envelope)
      return
    }
    const inner = placeOf(top, byte)
    if (inner === 'releases' || inner === 'records') {
      top.skeleton.add(byte)
      frames.push({ place: inner, skeleton: top.skeleton, expectsKey: false })
      if (top.place === 'envelope') {
        top.seen = inner
        top.kept = undefined
      }
    } else if (inner === 'record') {
      top.skeleton.addAll(PASSED_OBJECT)
      const skeleton = createBytes(MAX_SKELETON_BYTES)
      skeleton.add(byte)
      frames.push({ place: 'record', skeleton, expectsKey: true })
    } else {
      const isRelease = top.place === 'releases' && byte === OPEN_OBJECT
      const summary = isRelease || byte !== OPEN_OBJECT || top.expectsKey ? undefined : SUMMARIES[top.key ?? '']
      top.skeleton.addAll(isRelease ? PASSED_OBJECT : PASSED_OTHER)
      const kept = isRelease || summary !== undefined ? { kept: createBytes(MAX_RELEASE_BYTES, true) } : {}
      skip = { depth: 0, inString: false, escaped: false, summary, ...kept }
    }
  }

  const close = (byte: number, at: number) => {
    const top = frames.pop()
    const isArray = top !== undefined && ['list', 'releases', 'records'].includes(top.place)
    if (top === undefined || isArray !== (byte === CLOSE_ARRAY)) throw malformed(at, `an unexpected ${String.fromCharCode(byte)}`)
    top.skeleton.add(byte)
    if (top.place === 'list') strangers += countOthers(readSkeleton(top.skeleton.take()))
    if (isArray) return
    const read = readSkeleton(top.skeleton.take())
    if (!isJsonObject(read)) throw new Error('bug: the skeleton of an object is not an object')
    strangers += ['releases', 'records'].reduce((sum, name) => sum + countOthers(read[name]), 0)
    if (top.place === 'envelope') endEnvelope(top, read, at)
  }

  const endEnvelope = ({ seen, kept }: Frame, members: Envelope['members'], at: number) => {
    envelope = undefined
    ended++
    last = { shape: seen === undefined ? 'bare-release' : seen === 'releases' ? 'release-package' : 'record-package', members }
    if (seen === undefined && members.ocid === undefined) strangers++
    else recognised++
    if (seen !== undefined || members.ocid === undefined || kept === undefined) return
    kept.addAll(current.subarray(envelopeFrom, at + 1))
    give(kept)
  }

  const structure = (byte: number, at: number) => {
    const top = frames.at(-1)
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) return open(byte, at)
    if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) return close(byte, at)
    if (byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09) {
      if (top !== undefined && top.skeleton.last() !== SPACE) top.skeleton.add(SPACE)
      return
    }
    if (offset + at === 0 && isMark) {
      throw new OcdsError(
        'OCDS_NOT_UTF8',
        'the file begins with a byte order mark. Save it as UTF-8 without one, or submit it without --ocds.',
      )
    }
    if (top === undefined) throw malformed(at, ended === 0 ? 'no object' : 'more text after the end')
    if (byte === QUOTE) stringStart = top.skeleton.size()
    else if (byte === COLON) top.expectsKey = false
    else if (byte === COMMA) top.expectsKey = top.place === 'envelope' || top.place === 'record'
    top.skeleton.add(byte)
  }

  const string = (byte: number) => {
    const top = frames.at(-1)!
    top.skeleton.add(byte)
    if (escaped) escaped = false
    else if (byte === BACKSLASH) escaped = true
    else if (byte === QUOTE) {
      if (top.expectsKey) top.key = readKey(top.skeleton.from(stringStart))
      stringStart = -1
    }
  }

  return {
    push: chunk => {
      if (offset === 0) isMark = chunk[0] === 0xef && (chunk[1] ?? 0xbb) === 0xbb && (chunk[2] ?? 0xbf) === 0xbf
      utf8.push(chunk)
      current = chunk
      envelopeFrom = 0
      for (let at = 0; at < chunk.length; at++) {
        if (skip !== undefined) {
          const end = passOver(skip, chunk, at)
          skip.kept?.addAll(chunk.subarray(at, end))
          at = end - 1
          if (skip.depth === 0) {
            const { kept, summary } = skip
            skip = undefined
            if (kept !== undefined) give(kept, summary)
          }
        } else if (stringStart !== -1) string(chunk[at]!)
        else {
          structure(chunk[at]!, at)
          if (skip !== undefined) at-- // the opening bracket belongs to the skipped value
        }
      }
      envelope?.kept?.addAll(chunk.subarray(envelopeFrom))
      offset += chunk.length
    },
    end: () => {
      if (frames.length > 0 || (ended === 0 && !isList)) {
        throw new OcdsError(
          'OCDS_TRUNCATED',
          `the file ends in the middle, after ${offset} bytes and ${position} whole releases. Fetch it again.`,
        )
      }
      if (last === undefined || recognised === 0) {
        throw new OcdsError(
          'OCDS_SHAPE',
          'the file is not a release package, a record package or a release: it has no releases, no records and no ocid',
        )
      }
      if (isList || ended > 1) return { shape: isList ? 'json-list' : 'json-lines', members: {}, strangers }
      return { ...last, strangers }
    },
  }
}

function placeOf(top: Frame, byte: number): Place | undefined {
  if (top.place === 'records') return byte === OPEN_OBJECT ? 'record' : undefined
  if (top.place === 'list' || top.place === 'releases' || byte !== OPEN_ARRAY) return undefined
  if (top.key === 'releases') return 'releases'
  return top.key === 'records' && top.place === 'envelope' ? 'records' : undefined
}

/**
 * Follows strings and brackets from `at`; returns where the value ends, or the chunk's end with
 * `depth` above 0.
 */
function passOver(skip: Skip, chunk: Uint8Array, at: number): number {
  let { depth, inString, escaped } = skip
  let next = at
  while (next < chunk.length) {
    const byte = chunk[next++]!
    if (inString) {
      if (escaped) escaped = false
      else if (byte === BACKSLASH) escaped = true
      else if (byte === QUOTE) inString = false
    } else if (byte === QUOTE) inString = true
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++
    else if ((byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) && --depth === 0) break
  }
  skip.depth = depth
  skip.inString = inString
  skip.escaped = escaped
  return next
}

function readSkeleton(bytes: Uint8Array): Json {
  try {
    return parseJson(bytes, { allowNull: true })
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    const code = error.code === 'JSON_DUPLICATE_KEY' ? 'OCDS_DUPLICATE_KEY' : 'OCDS_MALFORMED'
    throw new OcdsError(code, `the members around the releases cannot be read: ${error.message}`, { cause: error })
  }
}

/** Counts elements that are not objects, which therefore are neither releases nor records. */
function countOthers(list: Json | undefined): number {
  return Array.isArray(list) ? list.filter(element => !isJsonObject(element)).length : 0
}

function readKey(bytes: Uint8Array): string {
  try {
    return JSON.parse(fromUtf8(bytes))
  } catch {
    return '' // the strict reader of the skeleton reports it
  }
}
