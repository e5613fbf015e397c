/**
 * Follows the members around the releases of an OCDS file, byte by byte, and decides which values
 * are releases. Those members are parsed at the end of their object, strictly. What was passed over
 * is left out: `{}` or `0` takes its place.
 */
import { fromUtf8, toUtf8 } from '../../core/bytes.ts'
import { isJsonObject, type Json, JsonError, parseJson } from '../../core/json.ts'
import { BACKSLASH, type Bytes, CLOSE_ARRAY, CLOSE_OBJECT, createBytes, OPEN_ARRAY, OPEN_OBJECT, QUOTE } from './bytes.ts'
import { OcdsError } from './error.ts'
import { createTally, type Envelope, type ListName } from './tally.ts'

/** The forms that tools make of one record's releases. */
export type Summary = 'compiled' | 'versioned'

/**
 * A value to pass over, with where the reader is inside it. Its bytes are kept if it is a release
 * or a project.
 */
export type Passage = {
  depth: number
  inString: boolean
  escaped: boolean
  readonly kept?: Bytes
  readonly summary?: Summary | undefined
  readonly isProject?: boolean
}

/** The largest release that is kept. A larger one is reported without its bytes. */
export const MAX_RELEASE_BYTES = 64 * 1024 * 1024

const MAX_SKELETON_BYTES = 16 * 1024 * 1024
const COLON = 0x3a
const COMMA = 0x2c
const SPACE = 0x20
const WHITE_SPACE = [SPACE, 0x0a, 0x0d, 0x09]
/** Placeholders in the skeleton: for a release, project or record, and for any other value. */
const PASSED_OBJECT = toUtf8('{}')
const PASSED_OTHER = toUtf8('0')
const SUMMARIES: ReadonlyMap<string, Summary> = new Map([
  ['compiledRelease', 'compiled'],
  ['versionedRelease', 'versioned'],
])

type Place = 'list' | 'envelope' | 'record' | ListName

/**
 * A container around the current position. Arrays write into the skeleton of the object around
 * them. Only a package has `seen`, the list in it.
 */
type Frame = {
  readonly place: Place
  readonly skeleton: Bytes
  key?: string
  expectsKey: boolean
  seen?: ListName
}

/** A release or a project outside any list, whose bytes were kept while it was read. */
export type TakeBare = (kept: Bytes, isProject: boolean) => void

/**
 * Creates an outline. `begin` is called with each chunk and its place, `take` with each of its
 * bytes that is not passed over, and `leave` after its last byte. `take` returns the passage that
 * begins with this byte, if one does. Throws OcdsError.
 */
export function createOutline(takeBare: TakeBare) {
  const frames: Frame[] = []
  const tally = createTally()
  const recorder = createRecorder()
  /** Where the current string begins in the innermost skeleton. */
  let stringStart: number | undefined
  let isEscaped = false
  /** Where the current chunk begins in the file. */
  let offset = 0

  const malformed = (at: number, what: string) =>
    new OcdsError('OCDS_MALFORMED', `not an OCDS file in JSON: ${what} at byte ${offset + at}`)
  const push = (place: Place, skeleton: Bytes, byte: number): undefined => {
    skeleton.add(byte)
    frames.push({ place, skeleton, expectsKey: byte === OPEN_OBJECT })
  }
  const open = (byte: number, at: number): Passage | undefined => {
    const top = frames.at(-1)
    if (top === undefined && !tally.begin(byte === OPEN_ARRAY)) throw malformed(at, 'more text after the end')
    if (top === undefined && byte === OPEN_ARRAY) return push('list', createBytes(MAX_SKELETON_BYTES), byte)
    if (top === undefined || (top.place === 'list' && byte === OPEN_OBJECT)) {
      top?.skeleton.addAll(PASSED_OBJECT)
      recorder.begin(at)
      return push('envelope', createBytes(MAX_SKELETON_BYTES), byte)
    }
    const inner = placeIn(top, byte)
    if (inner === undefined) return passageIn(top, byte)
    if (inner === 'record') {
      top.skeleton.addAll(PASSED_OBJECT)
      return push('record', createBytes(MAX_SKELETON_BYTES), byte)
    }
    if (top.place === 'envelope') {
      top.seen = inner
      recorder.drop()
    }
    return push(inner, top.skeleton, byte)
  }
  const close = (byte: number, at: number) => {
    const top = frames.pop()
    const isArray = top !== undefined && top.place !== 'envelope' && top.place !== 'record'
    if (top === undefined || isArray !== (byte === CLOSE_ARRAY)) throw malformed(at, `an unexpected ${String.fromCharCode(byte)}`)
    top.skeleton.add(byte)
    if (top.place === 'list') tally.countStrangers(readSkeleton(top.skeleton))
    if (isArray) return
    const members = readSkeleton(top.skeleton)
    if (!isJsonObject(members)) throw new Error('bug: the skeleton of an object is not an object')
    tally.countStrangersIn(members)
    if (top.place !== 'envelope') return
    const kept = recorder.end(at)
    const bare = tally.end(members, top.seen)
    if (bare !== undefined && kept !== undefined) takeBare(kept, bare === 'project')
  }
  const takeInString = (byte: number) => {
    const top = frames.at(-1)!
    top.skeleton.add(byte)
    if (isEscaped) isEscaped = false
    else if (byte === BACKSLASH) isEscaped = true
    else if (byte === QUOTE) {
      if (top.expectsKey) top.key = readKey(top.skeleton.from(stringStart!))
      stringStart = undefined
    }
  }
  const takeOutside = (byte: number, at: number) => {
    const top = frames.at(-1)
    if (WHITE_SPACE.includes(byte)) {
      if (top !== undefined && top.skeleton.last() !== SPACE) top.skeleton.add(SPACE)
      return
    }
    if (top === undefined) throw malformed(at, tally.isBegun() ? 'more text after the end' : 'no object')
    if (byte === QUOTE) stringStart = top.skeleton.size()
    else if (byte === COLON) top.expectsKey = false
    else if (byte === COMMA) top.expectsKey = top.place === 'envelope' || top.place === 'record'
    top.skeleton.add(byte)
  }

  return {
    begin(chunk: Uint8Array, from: number): void {
      recorder.enter(chunk)
      offset = from
    },
    take(byte: number, at: number): Passage | undefined {
      if (stringStart !== undefined) takeInString(byte)
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) return open(byte, at)
      else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) close(byte, at)
      else takeOutside(byte, at)
      return undefined
    },
    leave: recorder.leave,
    /** The kind of the file; undefined if it ends in the middle. */
    end: (): Envelope | undefined => (frames.length > 0 ? undefined : tally.finish()),
  }
}

/** The container that opens here, if its members matter. */
function placeIn(top: Frame, byte: number): 'record' | ListName | undefined {
  if (top.place === 'records') return byte === OPEN_OBJECT ? 'record' : undefined
  if (byte !== OPEN_ARRAY) return undefined
  if (top.place === 'record') return top.key === 'releases' ? 'releases' : undefined
  if (top.place !== 'envelope') return undefined
  return top.key === 'releases' || top.key === 'records' || top.key === 'projects' ? top.key : undefined
}

/** Begins to pass over a value whose members do not matter. */
function passageIn({ place, skeleton, key, expectsKey }: Frame, byte: number): Passage {
  const isObject = byte === OPEN_OBJECT
  const isProject = place === 'projects' && isObject
  const isListed = isProject || (place === 'releases' && isObject)
  const summary = isListed || !isObject || expectsKey ? undefined : SUMMARIES.get(key ?? '')
  skeleton.addAll(isListed ? PASSED_OBJECT : PASSED_OTHER)
  const start = { depth: 0, inString: false, escaped: false }
  if (!isListed && summary === undefined) return start
  return { ...start, kept: createBytes(MAX_RELEASE_BYTES, true), summary, ...(isProject && { isProject }) }
}

/** Keeps the bytes of the current envelope until it turns out to be no release. */
function createRecorder() {
  let kept: Bytes | undefined
  let chunk: Uint8Array = new Uint8Array(0)
  let from = 0
  return {
    enter(next: Uint8Array): void {
      chunk = next
      from = 0
    },
    begin(at: number): void {
      kept = createBytes(MAX_RELEASE_BYTES, true)
      from = at
    },
    drop(): void {
      kept = undefined
    },
    leave: (): void => kept?.addAll(chunk.subarray(from)),
    /** All of the envelope, which ends at this byte; undefined if it was dropped. */
    end(at: number): Bytes | undefined {
      const whole = kept
      whole?.addAll(chunk.subarray(from, at + 1))
      kept = undefined
      return whole
    },
  }
}

function readSkeleton(skeleton: Bytes): Json {
  try {
    return parseJson(skeleton.take(), { allowNull: true })
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    const code = error.code === 'JSON_DUPLICATE_KEY' ? 'OCDS_DUPLICATE_KEY' : 'OCDS_MALFORMED'
    throw new OcdsError(code, `the members around the releases cannot be read: ${error.message}`, { cause: error })
  }
}

function readKey(bytes: Uint8Array): string {
  try {
    return JSON.parse(fromUtf8(bytes))
  } catch {
    return '' // the strict reader of the skeleton reports it
  }
}
