/**
 * Newline-delimited JSON in both directions. A request is split into lines, and each line is
 * processed while the request still arrives. The answer begins when the request has ended, because
 * proxies stop reading a request once an answer has begun.
 */

import type { Readable } from 'node:stream'
import { breathe } from '../turns.ts'
import { createAnswerList, type LineAnswer } from './line-answers.ts'

/**
 * One line of a request, counted from 1. `bytes` is missing if the line was too long and was
 * skipped to its newline.
 */
export type Line = { readonly number: number; readonly bytes?: Uint8Array }

/**
 * Processes one line of a request: calls `settle` once, now or later. It uses a callback because a
 * stream has many lines, and a promise would cost more than everything else that is done for a line
 * here.
 */
export type AnswerLine = (line: Line, settle: (answer: LineAnswer) => void) => void

/** Bounds of one stream. */
export type StreamBounds = {
  /** The most lines of a request, blank ones included, and the most bytes. */
  readonly lines: number
  readonly bytes: number
  /** The most bytes of one line. A longer line is answered without being held in memory. */
  readonly lineBytes: number
  /**
   * The most lines, and bytes of lines, without an answer yet. Beyond them, the request is not read
   * on.
   */
  readonly pendingLines: number
  readonly pendingBytes: number
}

/** The answers to a stream. */
export type StreamAnswers = {
  /** Whether the request exceeded its bounds. The rest was not read. */
  readonly isTooLong: boolean
  /**
   * A line of JSON for each line of the request, in order, then `{ accepted, known, rejected }`; in
   * pieces.
   */
  pieces(): Generator<string>
}

const NEWLINE = 10
const MAX_PIECES = 64

/**
 * Splits chunks into lines on bytes. Blank lines are counted and left out; a longer line than
 * `maxBytes` is never held in memory.
 */
export function createLineSplitter(maxBytes: number): { push(chunk: Buffer): Line[]; end(): Line[]; number(): number } {
  let held: Buffer[] = []
  let heldBytes = 0
  let number = 1

  const hold = (piece: Buffer) => {
    heldBytes += piece.length
    if (heldBytes <= maxBytes) held.push(piece)
    else held = []
    // A line that comes byte by byte must not take a hundred times its length in memory.
    if (held.length > MAX_PIECES) held = [Buffer.concat(held)]
  }
  const finish = (piece: Buffer): Line | undefined => {
    hold(piece)
    const bytes = held.length === 1 ? held[0]! : Buffer.concat(held)
    const tooLong = heldBytes > maxBytes
    held = []
    heldBytes = 0
    const counted = number++
    if (tooLong) return { number: counted }
    return isBlank(bytes) ? undefined : { number: counted, bytes }
  }

  return {
    push: chunk => {
      const lines: Line[] = []
      let from = 0
      for (let to = chunk.indexOf(NEWLINE); to !== -1; to = chunk.indexOf(NEWLINE, from)) {
        const line = finish(chunk.subarray(from, to))
        if (line !== undefined) lines.push(line)
        from = to + 1
      }
      if (from < chunk.length) hold(chunk.subarray(from))
      return lines
    },
    end: () => {
      const line = heldBytes > 0 ? finish(Buffer.alloc(0)) : undefined
      return line === undefined ? [] : [line]
    },
    /** The number of the unfinished line. */
    number: () => number,
  }
}

/**
 * Reads a request to its end and processes each line on arrival. Resolves when the request has
 * ended, or exceeded its bounds, and every accepted line is answered. The first line beyond the
 * bounds is answered with `tooLong`. Rejects if the request breaks off; earlier lines may have been
 * accepted.
 */
export async function answerLines(
  source: Readable,
  bounds: StreamBounds,
  answerLine: AnswerLine,
  tooLong: LineAnswer,
): Promise<StreamAnswers> {
  const splitter = createLineSplitter(bounds.lineBytes)
  const answers = createAnswerList()
  let pendingLines = 0
  let pendingBytes = 0
  let wake: (() => void) | undefined
  const until = async (reached: () => boolean) => {
    while (!reached())
      await new Promise<void>(resolve => {
        wake = resolve
      })
  }
  const isFull = () => pendingLines >= bounds.pendingLines || pendingBytes >= bounds.pendingBytes
  const take = (line: Line) => {
    const bytes = line.bytes?.length ?? 0
    pendingLines++
    pendingBytes += bytes
    answerLine(line, answer => {
      pendingLines--
      pendingBytes -= bytes
      answers.set(line.number, answer)
      wake?.()
    })
  }
  /** False at the first line beyond the bounds. */
  const takeAll = async (lines: readonly Line[]) => {
    for (const line of lines) {
      if (line.number > bounds.lines) return false
      if (isFull()) await until(() => !isFull())
      const turn = breathe()
      if (turn !== undefined) await turn
      take(line)
    }
    return true
  }

  let bytes = 0
  let isWhole = true
  for await (const chunk of source.iterator({ destroyOnReturn: false })) {
    const room = bounds.bytes - bytes
    bytes += chunk.length
    isWhole = (await takeAll(splitter.push(chunk.subarray(0, room)))) && chunk.length <= room
    if (!isWhole) break
  }
  if (isWhole) isWhole = await takeAll(splitter.end())
  await until(() => pendingLines === 0)
  if (!isWhole) answers.set(Math.min(splitter.number(), bounds.lines + 1), tooLong)
  return { isTooLong: !isWhole, pieces: answers.pieces }
}

function isBlank(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false
  return true
}
