/**
 * The ledger as the commands see it: its HTTP interface, with one plain sentence for each failure.
 */

import { collect, createLedgerHttp, type LedgerRequest } from '../ledger-client/http.ts'
import { brokenOff, ClientError, clientError, readAnswer, tooLarge } from './client-error.ts'
import { type LinesTold, sendLines } from './line-sender.ts'
import { linesOf } from './lines.ts'

/** The requests to a ledger over HTTP. Every function throws ClientError. */
export type Client = {
  readonly url: string
  /** The answer's JSON, asked for with a key if one is given. */
  readJson(path: string, key?: string): Promise<unknown>
  /** The answer's text, byte for byte, at most 16 MiB like every answer. */
  readText(path: string): Promise<string>
  /** The answer's bytes. */
  readBytes(path: string, maxBytes: number): Promise<Uint8Array>
  /** The answer's lines as they arrive. */
  readLines(path: string): AsyncIterable<string>
  /** The answer's bytes as they arrive, however many and however long it takes. */
  readStream(path: string, key: string): Promise<AsyncIterable<Uint8Array>>
  sendJson(method: 'POST' | 'DELETE', path: string, key: string, body?: unknown): Promise<{ status: number; value: unknown }>
  /**
   * Sends a file of statements, one a line, in as many requests as necessary. Lines without an
   * answer are sent again a few times. A dry run logs nothing.
   */
  sendLines(file: string, key: string, told: LinesTold, options?: { readonly dryRun?: boolean }): Promise<void>
}

/** Where to send a statement for a dry run. */
export const DRY_RUN = '/v1/records?dry-run'

const TIMEOUT_MS = 60_000
/** Enough for a request of 900 KiB on a slow line. */
const SEND_TIMEOUT_MS = 300_000
/**
 * A server chooses what it sends, so the client bounds what it accepts. This is far more than any
 * answer or line has; a receipt has at most 1 MiB.
 */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024
const MAX_LINE_BYTES = 2 * 1024 * 1024

/** Makes a client of the ledger at `url`. It sends nothing before the first call. */
export function createClient(url: string): Client {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new ClientError('LEDGER_URL', `--ledger must be an address such as http://localhost:8080, not ${JSON.stringify(url)}`)
  }
  const base = url.replace(/\/+$/, '')
  const http = createLedgerHttp({ url: base, fetch, timeoutMs: TIMEOUT_MS })
  const worded = (error: unknown) => clientError(base, error)
  const ask = async (request: Partial<LedgerRequest> & { path: string }) => {
    const { status, body } = await http.ask({ maxBytes: MAX_ANSWER_BYTES, ...request }).catch(error => {
      throw worded(error)
    })
    return { status, body: wordErrors(body, worded) }
  }
  const readText = async (path: string, key?: string) => textOf((await ask({ path, init: bearing(key) })).body)
  const readLines = async function* (request: Partial<LedgerRequest> & { path: string }) {
    const { body } = await ask({ maxBytes: Number.POSITIVE_INFINITY, ...request })
    for await (const line of linesOf(body, { maxBytes: MAX_LINE_BYTES, tooLong: () => tooLarge(base) })) if (line !== '') yield line
  }
  const postLines = async function* (path: string, key: string, body: string) {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson', accept: 'application/x-ndjson' }
    const lines = readLines({ path, init: { method: 'POST', headers, body }, timeoutMs: SEND_TIMEOUT_MS })
    for await (const line of lines) yield readAnswerLine(base, line)
  }

  return {
    url: base,
    readText: path => readText(path),
    readJson: async (path, key) => readAnswer(base, await readText(path, key)),
    readBytes: async (path, maxBytes) => collect((await ask({ path, maxBytes })).body),
    readLines: path => readLines({ path }),
    async readStream(path, key) {
      const { body } = await ask({ path, init: bearing(key), maxBytes: Number.POSITIVE_INFINITY, timeoutMs: Number.POSITIVE_INFINITY })
      return body
    },
    async sendJson(method, path, key, body) {
      const headers = { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
      const answer = await ask({ path, init: { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) } })
      const text = await textOf(answer.body)
      return { status: answer.status, value: text === '' ? undefined : readAnswer(base, text) }
    },
    sendLines: (file, key, told, { dryRun = false } = {}) =>
      sendLines(file, body => postLines(dryRun ? DRY_RUN : '/v1/records', key, body), told),
  }
}

function bearing(key: string | undefined): { headers?: { authorization: string } } {
  return key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  return new TextDecoder().decode(await collect(body))
}

async function* wordErrors(body: AsyncIterable<Uint8Array>, worded: (error: unknown) => unknown): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (error) {
    throw worded(error)
  }
}

/** An incomplete line is the end of an answer that broke off. */
function readAnswerLine(base: string, line: string): unknown {
  try {
    return readAnswer(base, line)
  } catch (error) {
    throw error instanceof ClientError && error.code === 'PROXY_PAGE' ? error : brokenOff(base, error)
  }
}
