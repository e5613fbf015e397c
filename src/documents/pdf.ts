/**
 * Finds earlier states of a PDF. Signing or saving again appends to the file (ISO 32000 §7.5.6,
 * incremental updates). Each earlier state is therefore a prefix that ends with `%%EOF` and at most
 * one line end.
 */
import type { createSha256 } from '#sha256'
import { copyBytes, toHex, toUtf8 } from '../core/bytes.ts'

/** A possible earlier state of a file: a prefix of `bytes` bytes, and its SHA-256 in hex. */
export type EarlierState = { readonly bytes: number; readonly sha256: string }

/**
 * The findings in a PDF. `states` holds every possible earlier state, oldest first: for each
 * `%%EOF`, without and with its line end.
 */
export type PdfFacts = { readonly isSigned: boolean; readonly states: readonly EarlierState[] }

/** Reads a file in chunks and hashes it. `finish` returns undefined if the file is not a PDF. */
export type PdfReader = { update(chunk: Uint8Array): void; finish(): PdfFacts | undefined }

const END_MARK = toUtf8('%%EOF')
/** Every signed PDF contains this (ISO 32000 §12.8.1). */
const SIGNATURE_MARK = toUtf8('/ByteRange')
const HEAD_MARK = '%PDF-'
/** Readers accept other bytes before the head. */
const HEAD_BYTES = 1024
/** Bounds the work, since every state costs a hash. Ordinary files have far fewer. */
const MAX_STATES = 128
const PERCENT = 0x25
const CR = 0x0d
const LF = 0x0a

/** Creates a reader that feeds every byte to the hash. */
export function createPdfReader(hash: ReturnType<typeof createSha256>): PdfReader {
  const signature = createMarkFinder(SIGNATURE_MARK)
  const states: EarlierState[] = []
  let head = ''
  let total = 0
  let ends = 0
  let matched = 0
  /** The line-end characters that may still follow an end mark. */
  let lineEnd: 'any' | 'line-feed' | undefined

  const keep = () => states.push({ bytes: total, sha256: toHex(hash.soFar()) })
  const feed = (part: Uint8Array) => {
    hash.update(part)
    total += part.length
  }
  /** Feeds a line end that may begin at `at`; returns the next position. */
  const feedLineEnd = (chunk: Uint8Array, at: number): number => {
    let next = at
    while (lineEnd !== undefined && next < chunk.length) {
      const isEnd = chunk[next] === LF || (lineEnd === 'any' && chunk[next] === CR)
      lineEnd = isEnd && chunk[next] === CR ? 'line-feed' : undefined
      if (!isEnd) break
      feed(chunk.subarray(next, ++next))
      keep()
    }
    return next
  }

  return {
    update: chunk => {
      if (head.length < HEAD_BYTES) head += String.fromCharCode(...chunk.subarray(0, HEAD_BYTES - head.length))
      signature.look(chunk)
      let fed = feedLineEnd(chunk, 0)
      for (let at = fed; at < chunk.length && ends < MAX_STATES; ) {
        if (matched === 0) {
          at = chunk.indexOf(PERCENT, at)
          if (at === -1) break
        }
        // `%%%EOF` contains the mark too.
        if (chunk[at] === END_MARK[matched]) matched++
        else if (chunk[at] !== PERCENT) matched = 0
        at++
        if (matched < END_MARK.length) continue
        feed(chunk.subarray(fed, at))
        keep()
        ends++
        matched = 0
        lineEnd = 'any'
        fed = feedLineEnd(chunk, at)
        at = fed
      }
      feed(chunk.subarray(fed))
    },
    finish: () => {
      if (!head.includes(HEAD_MARK)) return undefined
      return { isSigned: signature.found(), states: states.filter(({ bytes }) => bytes < total) }
    },
  }
}

/** Finds a mark in a stream, also across the borders of chunks. */
export function createMarkFinder(mark: Uint8Array): { look(chunk: Uint8Array): void; found(): boolean } {
  let tail = new Uint8Array(0)
  let found = false
  return {
    look(chunk) {
      if (found) return
      const seam = new Uint8Array(tail.length + Math.min(chunk.length, mark.length))
      seam.set(tail)
      seam.set(chunk.subarray(0, mark.length), tail.length)
      found = holds(seam, mark) || holds(chunk, mark)
      const joined = chunk.length >= mark.length ? chunk : new Uint8Array([...tail, ...chunk])
      tail = copyBytes(joined.subarray(-(mark.length - 1)))
    },
    found: () => found,
  }
}

function holds(bytes: Uint8Array, mark: Uint8Array): boolean {
  const first = mark[0] ?? 0
  for (let at = bytes.indexOf(first); at !== -1; at = bytes.indexOf(first, at + 1)) {
    let length = 1
    while (length < mark.length && bytes[at + length] === mark[length]) length++
    if (length === mark.length) return true
  }
  return false
}
