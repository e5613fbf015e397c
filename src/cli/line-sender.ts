/**
 * Sends a file of statements, one a line, in requests small enough for every proxy. Each request is
 * retried on its own, with only the lines that have no answer yet.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { ClientError, isWorthRetrying } from './client-error.ts'
import { fileLines } from './lines.ts'

/** One answer line of a stream of statements: the line it answers, counted from 1. */
export type AnsweredLine = {
  line: number
  status: number
  index?: number
  /** In a dry run: the statement's index if it is in the log already. */
  known?: number
  warnings?: string[]
  code?: string
  detail?: string
}

/** Callbacks while lines are sent. */
export type LinesTold = {
  onAnswer(answer: AnsweredLine): void
  /** The lines of a request that have no answer yet are sent again after this. */
  onRetry(why: 'busy' | 'lost'): void
  /** The lines that are sent; missing: all of them. */
  isWanted?(line: number): boolean
}

/**
 * The answer to one request, line by line on arrival. Throws ClientError if the request was
 * refused, or if the answer breaks off.
 */
export type PostLines = (body: string) => AsyncIterable<unknown>

type NumberedLine = { readonly number: number; readonly text: string }

/** By default, proxies accept a megabyte. */
const MAX_REQUEST_BYTES = 900 * 1024
const ATTEMPTS = 5
const RETRY_MS = 1000
/** A server chooses what it asks for, so a client bounds how long it waits. */
const MAX_RETRY_MS = 30_000
const BUSY = 503

/**
 * Sends the whole file. Throws ClientError if a request stays without an answer after all attempts;
 * earlier requests are answered then.
 */
export async function sendLines(file: string, post: PostLines, told: LinesTold): Promise<void> {
  let request: NumberedLine[] = []
  let bytes = 0
  let number = 0
  for await (const text of fileLines(file)) {
    number++
    if (text.trim() === '' || told.isWanted?.(number) === false) continue
    const size = Buffer.byteLength(text) + 1
    if (bytes + size > MAX_REQUEST_BYTES && request.length > 0) {
      await sendRequest(request, post, told)
      request = []
      bytes = 0
    }
    request.push({ number, text })
    bytes += size
  }
  if (request.length > 0) await sendRequest(request, post, told)
}

async function sendRequest(lines: readonly NumberedLine[], post: PostLines, told: LinesTold): Promise<void> {
  let open = new Map(lines.map(line => [line.number, line.text]))
  for (let attempt = 1; ; attempt++) {
    const { left, busy, failure } = await sendOnce(open, post, told)
    const isLast = attempt === ATTEMPTS
    if (failure !== undefined && (isLast || !isWorthRetrying(failure))) throw failure
    if (isLast) for (const answer of busy) told.onAnswer(answer)
    if (isLast || left.size === 0) return
    open = left
    told.onRetry(failure === undefined ? 'busy' : 'lost')
    const askedMs = failure instanceof ClientError ? (failure.retrySeconds ?? 0) * 1000 : 0
    await sleep(Math.min(MAX_RETRY_MS, Math.max(RETRY_MS * attempt, askedMs)))
  }
}

/**
 * Sends the open lines. Reports final answers; `left` is what to send again, and `busy` the answers
 * that ask for it.
 */
async function sendOnce(open: ReadonlyMap<number, string>, post: PostLines, told: LinesTold) {
  const numbers = [...open.keys()]
  const left = new Map(open)
  const busy: AnsweredLine[] = []
  let failure: unknown
  try {
    for await (const value of post(`${[...open.values()].join('\n')}\n`)) {
      const answer = value as Partial<AnsweredLine>
      const number = numbers[(answer.line ?? 0) - 1]
      if (number === undefined || typeof answer.status !== 'number') continue
      const own = readLine(answer, number)
      if (own.status === BUSY) busy.push(own)
      else if (left.delete(number)) told.onAnswer(own)
    }
    if (left.size > busy.length) throw new ClientError('CLIENT_INCOMPLETE', "the ledger's answer is not complete; sending again is safe")
  } catch (error) {
    failure = error
  }
  return { left, busy, failure }
}

/** Reads an answer line, with the warnings that are well-formed. */
function readLine({ warnings, ...answer }: Partial<AnsweredLine>, line: number): AnsweredLine {
  const codes = Array.isArray(warnings) ? (warnings as unknown[]).filter(code => typeof code === 'string') : []
  return { ...(answer as AnsweredLine), line, ...(codes.length > 0 && { warnings: codes }) }
}
