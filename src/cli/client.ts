/** The ledger as the commands see it: its HTTP interface, with one plain sentence for whatever goes wrong. */
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { createInterface } from 'node:readline'
import { readBounded } from '../core/bounded.ts'
import { OpenSealError } from '../core/errors.ts'

/** One answer line of a stream of statements: the line it answers, counted from 1. */
export type LineAnswer = { line: number; status: number; index?: number; code?: string; detail?: string }

/** What can be asked of a ledger over HTTP. Every function throws ClientError. */
export type Client = {
  readonly url: string
  /** The answer's JSON. */
  readJson(path: string): Promise<unknown>
  /** The answer's text, byte for byte. Like every answer of at most 16 MiB. */
  readText(path: string): Promise<string>
  /** The answer's lines as they come in. */
  readLines(path: string): AsyncIterable<string>
  sendJson(method: 'POST' | 'DELETE', path: string, key: string, body?: unknown): Promise<{ status: number; value: unknown }>
  /** Sends a file of statements, one a line. Answers are told as they come; CLIENT_INCOMPLETE when they end without the summary. */
  sendLines(file: string, key: string, onAnswer: (answer: LineAnswer) => void): Promise<void>
}

const TIMEOUT_MS = 60_000
/** Far more than any answer, or any line of one, has: a ledger that is asked must not fill the memory of who asks. A receipt has at most 1 MiB. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024
const MAX_LINE_LENGTH = 2 * 1024 * 1024

/** Makes a client of the ledger at `url`. Nothing is asked before the first call. */
export function createClient(url: string): Client {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new ClientError('LEDGER_URL', `--ledger wants an address such as http://localhost:8080, not ${JSON.stringify(url)}`)
  }
  const base = url.replace(/\/+$/, '')
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(base + path, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(error => {
      throw unreachable(base, error)
    })
    if (response.ok) return response
    throw problemOf(response.status, await textOf(response).catch(() => ''))
  }
  const textOf = async (response: Response) => {
    const bytes = await readBounded(response.body, MAX_ANSWER_BYTES).catch(error => {
      throw new ClientError('CLIENT_INCOMPLETE', `the answer of ${base} broke off; try again`, { cause: error })
    })
    if (bytes === undefined) throw tooLarge(base)
    return new TextDecoder().decode(bytes)
  }

  return {
    url: base,
    readText: async path => textOf(await ask(path)),
    readJson: async path => readValue(await textOf(await ask(path))),
    readLines: async function* (path) {
      const response = await ask(path)
      const decoder = new TextDecoder()
      let rest = ''
      for await (const chunk of response.body ?? []) {
        const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
        rest = lines.pop()!
        if (rest.length > MAX_LINE_LENGTH) throw tooLarge(base)
        yield* lines.filter(line => line !== '')
      }
      if (rest !== '') yield rest
    },
    sendJson: async (method, path, key, body) => {
      const headers = { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
      const response = await ask(path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
      const text = await textOf(response)
      return { status: response.status, value: text === '' ? undefined : readValue(text) }
    },
    sendLines: (file, key, onAnswer) => sendLines(base, file, key, onAnswer),
  }
}

/** `fetch` cannot read an answer while it still sends; node:http can, so that neither side has to hold a whole package. */
async function sendLines(base: string, file: string, key: string, onAnswer: (answer: LineAnswer) => void): Promise<void> {
  const target = new URL(`${base}/v1/records`)
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson', accept: 'application/x-ndjson' }
  const request = (target.protocol === 'https:' ? httpsRequest : httpRequest)(target, { method: 'POST', headers })
  request.setTimeout(TIMEOUT_MS, () => request.destroy(new Error(`no byte for ${TIMEOUT_MS / 1000} s`)))
  const body = createReadStream(file)
  request.on('error', () => body.destroy())
  const answered = once(request, 'response').catch(error => {
    throw unreachable(base, error)
  })
  body.pipe(request)
  const [response] = (await answered) as [IncomingMessage]
  try {
    if (response.statusCode !== 200) throw problemOf(response.statusCode!, await collect(response))
    if (!(await readAnswers(response, onAnswer))) throw new Error('no summary line')
  } catch (error) {
    if (error instanceof ClientError) throw error
    throw new ClientError('CLIENT_INCOMPLETE', `the ledger's answer broke off; sending again is safe`, { cause: error })
  } finally {
    body.destroy()
    request.destroy()
  }
}

/** True when the summary line came: without it the answer is incomplete. */
async function readAnswers(response: IncomingMessage, onAnswer: (answer: LineAnswer) => void): Promise<boolean> {
  let isComplete = false
  const failure = new Promise<never>((_, reject) => response.once('error', reject))
  failure.catch(() => {})
  const read = async () => {
    for await (const line of createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line === '') continue
      const value = readValue(line) as Partial<LineAnswer> & { accepted?: number }
      if (typeof value.accepted === 'number') isComplete = true
      else if (typeof value.line === 'number' && typeof value.status === 'number') onAnswer(value as LineAnswer)
    }
  }
  await Promise.race([read(), failure])
  return isComplete
}

async function collect(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) if (text.length < 65536) text += chunk
  return text
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ClientError('LEDGER_ANSWER', 'the answer is not JSON: is this the address of an OpenSeal ledger?', { cause: error })
  }
}

function problemOf(status: number, text: string): ClientError {
  let problem: { code?: unknown; detail?: unknown } = {}
  try {
    problem = JSON.parse(text)
  } catch {
    // Not a problem document: a proxy in between, or no ledger at all.
  }
  if (typeof problem.code === 'string')
    return new ClientError(problem.code, typeof problem.detail === 'string' ? problem.detail : `HTTP ${status}`)
  return new ClientError('LEDGER_ANSWER', `the answer was HTTP ${status} without a reason: is this the address of an OpenSeal ledger?`)
}

function tooLarge(base: string): ClientError {
  return new ClientError('LEDGER_ANSWER', `${base} answers with more than a ledger has to say: is this the address of an OpenSeal ledger?`)
}

/** LEDGER_UNREACHABLE, with what to do. */
export function unreachable(base: string, cause?: unknown): ClientError {
  return new ClientError(
    'LEDGER_UNREACHABLE',
    `no answer from the ledger at ${base}. Start it with "npx openseal serve", or name another with --ledger.`,
    {
      cause,
    },
  )
}

/** LEDGER_URL, LEDGER_UNREACHABLE, LEDGER_ANSWER, CLIENT_INCOMPLETE, or the code that the ledger itself gave. */
export class ClientError extends OpenSealError {}
