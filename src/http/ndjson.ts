/** Newline-delimited JSON both ways: splitting a request into lines, and answering each line in order while the request still comes in. */
import { Readable } from 'node:stream'

/** One line of a request, counted from 1. Without `bytes` it was longer than allowed and was skipped to its newline. */
export type Line = { readonly number: number; readonly bytes?: Uint8Array }

/** What a line is answered with: an index, or why there is none. */
export type LineAnswer =
  | { readonly status: number; readonly index: number }
  | { readonly status: number; readonly code: string; readonly detail: string }

/**
 * Answers one line of a request: calls `settle` once, at once or later. A call and not a promise, because a stream is a million of them, and
 * promises cost more than all else that is done for a line here.
 */
export type AnswerLine = (line: Line, settle: (answer: LineAnswer) => void) => void

/** Bounds of one stream. */
export type StreamBounds = {
  /** Lines whose answer is open; at that many the request is not read on. */
  readonly pendingLines: number
  /** The bytes of those lines. */
  readonly pendingBytes: number
  /** Runs of answers that wait for a client that does not read. A run is any number of lines with consecutive indexes, or one refusal. */
  readonly waitingRuns: number
}

const BOUNDS: StreamBounds = { pendingLines: 4096, pendingBytes: 16 * 1024 * 1024, waitingRuns: 250_000 }
const CHUNK_LINES = 1000
const NEWLINE = 10

/** Splits chunks into lines on bytes. Blank lines are counted and left out; a longer line than `maxBytes` is never held in memory. */
export function createLineSplitter(maxBytes: number): { push(chunk: Buffer): Line[]; end(): Line[] } {
  let held: Buffer[] = []
  let heldBytes = 0
  let number = 1

  const hold = (piece: Buffer) => {
    heldBytes += piece.length
    if (heldBytes <= maxBytes) held.push(piece)
    else held = []
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
  }
}

/**
 * The answer to a stream of lines, itself a stream: one JSON line each in the order of the request, then `{ accepted, known, rejected }`.
 * The request is read on while answers wait for a client that sends all before it reads; bounded memory holds within `bounds`. A request that
 * breaks off ends the answer without the last line.
 */
export function answerLines(source: Readable, maxLineBytes: number, answerLine: AnswerLine, bounds: StreamBounds = BOUNDS): Readable {
  const splitter = createLineSplitter(maxLineBytes)
  const waiting = createWaitingAnswers()
  const slots: { line: number; bytes: number; answer?: LineAnswer }[] = []
  let first = 0 // slots[first] is the oldest line that is still open
  let pendingBytes = 0
  let ended = false
  let flushing = false
  let wanted = false
  let resume: (() => void) | undefined

  const out = new Readable({
    highWaterMark: 262_144,
    read: () => {
      wanted = true
      flush()
    },
    destroy: (error, done) => {
      ended = true
      resume?.()
      done(error)
    },
  })

  const flush = () => {
    flushing = false
    if (!wanted || out.destroyed) return
    if (waiting.isEmpty() && !ended) return
    wanted = false
    out.push(waiting.isEmpty() ? null : waiting.take())
    resume?.()
  }
  const flushSoon = () => {
    if (flushing) return
    flushing = true
    setImmediate(flush)
  }
  const settle = (slot: (typeof slots)[number], answer: LineAnswer) => {
    slot.answer = answer
    for (let next = slots[first]; next?.answer !== undefined; next = slots[++first]) {
      waiting.add(next.line, next.answer)
      pendingBytes -= next.bytes
    }
    if (first === slots.length || first > bounds.pendingLines) {
      slots.splice(0, first)
      first = 0
    }
    flushSoon()
    resume?.()
  }
  const take = (line: Line) => {
    const slot = { line: line.number, bytes: line.bytes?.length ?? 0 }
    slots.push(slot)
    pendingBytes += slot.bytes
    answerLine(line, answer => settle(slot, answer))
  }
  const fail = (error: unknown) => out.destroy(error instanceof Error ? error : new Error(String(error)))
  const isFull = () =>
    slots.length - first >= bounds.pendingLines || pendingBytes >= bounds.pendingBytes || waiting.runs() >= bounds.waitingRuns
  const until = async (reached: () => boolean) => {
    while (!reached() && !out.destroyed) {
      await new Promise<void>(resolve => {
        resume = resolve
      })
      resume = undefined
    }
  }

  const readAll = async () => {
    for await (const chunk of source.iterator({ destroyOnReturn: false })) {
      for (const line of splitter.push(chunk)) {
        if (isFull()) await until(() => !isFull())
        if (out.destroyed) return
        take(line)
      }
    }
    for (const line of splitter.end()) take(line)
    await until(() => slots.length === first)
    waiting.end()
    ended = true
    flushSoon()
  }
  readAll().catch(fail)
  return out
}

/** Answers in order until the client reads them, kept as runs: a million accepted lines in a row take one object. */
function createWaitingAnswers() {
  type Run = { line: number; count: number; answer: LineAnswer }
  let runs: Run[] = []
  let first = 0
  let summary = ''
  const totals = { accepted: 0, known: 0, rejected: 0 }

  return {
    runs: () => runs.length - first,
    isEmpty: () => first === runs.length && summary === '',
    add: (line: number, answer: LineAnswer) => {
      totals[!('index' in answer) ? 'rejected' : answer.status === 201 ? 'accepted' : 'known']++
      const last = first < runs.length ? runs[runs.length - 1] : undefined
      if (last !== undefined && last.line + last.count === line && follows(last.answer, last.count, answer)) last.count++
      else runs.push({ line, count: 1, answer })
    },
    end: () => {
      summary = `${JSON.stringify(totals)}\n`
    },
    /** The next answers as text, up to CHUNK_LINES of them; the summary once nothing else waits. */
    take: (): string => {
      let text = ''
      for (let left = CHUNK_LINES; left > 0 && first < runs.length; left--) {
        const run = runs[first]!
        text += formatAnswer(run.line, run.answer)
        run.line++
        run.count--
        if ('index' in run.answer) run.answer = { status: run.answer.status, index: run.answer.index + 1 }
        if (run.count === 0) first++
      }
      if (first === runs.length) {
        runs = []
        first = 0
        text += summary
        summary = ''
      }
      return text
    },
  }
}

function follows(run: LineAnswer, count: number, answer: LineAnswer): boolean {
  if ('index' in run) return 'index' in answer && answer.status === run.status && answer.index === run.index + count
  return 'code' in answer && answer.status === run.status && answer.code === run.code && answer.detail === run.detail
}

function formatAnswer(line: number, answer: LineAnswer): string {
  if ('index' in answer) return `{"line":${line},"status":${answer.status},"index":${answer.index}}\n`
  return `${JSON.stringify({ line, ...answer })}\n`
}

function isBlank(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false
  return true
}
