/**
 * Cuts the releases out of an OCDS file, or the projects out of an OC4IDS file, as a stream. The
 * file may be larger than memory, and each release must be read strictly from its own bytes,
 * because ordinary streaming parsers hide duplicate keys. The scanner therefore follows brackets
 * and strings byte by byte, and hands out each release unparsed.
 */
import { BACKSLASH, type Bytes, CLOSE_ARRAY, CLOSE_OBJECT, createUtf8Check, OPEN_ARRAY, OPEN_OBJECT, QUOTE } from './bytes.ts'
import { OcdsError } from './error.ts'
import { createOutline, type Passage, type Summary } from './outline.ts'
import type { Envelope } from './tally.ts'

/**
 * One release as it is in the file. `bytes` is missing if it is larger than MAX_RELEASE_BYTES.
 * `summary` is set for the compiled and the versioned release of a record, `isProject` for a
 * project of OC4IDS.
 */
export type FoundRelease = {
  readonly position: number
  readonly bytes?: Uint8Array
  readonly summary?: Summary
  readonly isProject?: true
}

/**
 * Creates a scanner: `push` every chunk in order, then `end`. `found` is called for each release,
 * in the file's order. Throws OcdsError.
 */
export function createScanner(found: (release: FoundRelease) => void): { push(chunk: Uint8Array): void; end(): Envelope } {
  const utf8 = createUtf8Check()
  const outline = createOutline((kept, isProject) => give(kept, { isProject }))
  let passage: Passage | undefined
  let offset = 0
  let position = 0

  const give = (kept: Bytes, { summary, isProject = false }: Pick<Passage, 'summary' | 'isProject'>) =>
    found({
      position: ++position,
      ...(!kept.overflowed() && { bytes: kept.take() }),
      ...(summary && { summary }),
      ...(isProject && { isProject }),
    })

  return {
    push: chunk => {
      utf8.push(chunk)
      if (offset === 0) refuseMark(chunk)
      outline.begin(chunk, offset)
      for (let at = 0; at < chunk.length; ) {
        passage ??= outline.take(chunk[at]!, at)
        if (passage === undefined) {
          at++
          continue
        }
        const end = passOver(passage, chunk, at)
        passage.kept?.addAll(chunk.subarray(at, end))
        at = end
        if (passage.depth > 0) continue
        if (passage.kept !== undefined) give(passage.kept, passage)
        passage = undefined
      }
      outline.leave()
      offset += chunk.length
    },
    end: () => {
      const envelope = passage === undefined ? outline.end() : undefined
      if (envelope !== undefined) return envelope
      throw new OcdsError(
        'OCDS_TRUNCATED',
        `the file ends in the middle, after ${offset} bytes and ${position} whole releases. Fetch it again.`,
      )
    },
  }
}

function refuseMark([first, second = 0xbb, third = 0xbf]: Uint8Array): void {
  if (first !== 0xef || second !== 0xbb || third !== 0xbf) return
  throw new OcdsError('OCDS_NOT_UTF8', 'the file begins with a byte order mark. Save it as UTF-8 without one, or submit it without --ocds.')
}

/**
 * Follows strings and brackets from `at`. Returns where the value ends, or the chunk's end with
 * `depth` above 0.
 */
function passOver(passage: Passage, chunk: Uint8Array, at: number): number {
  let { depth, inString, escaped } = passage
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
  passage.depth = depth
  passage.inString = inString
  passage.escaped = escaped
  return next
}
