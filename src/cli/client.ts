/**
 * The ledger as the commands see it: its HTTP interface, with one plain sentence for each failure.
 */

import { readBounded } from '../rpc/bounded.ts'
import { ClientError, readAnswer, refusalOf } from './client-error.ts'
import { type LinesTold, sendLines } from './line-sender.ts'
import { linesOf } from './lines.ts'
import { COMMAND } from './program.ts'

/** The requests to a ledger over HTTP. Every function throws ClientError. */
export type Client = {
  readonly url: string
  /** The answer's JSON. */
  readJson(path: string): Promise<unknown>
  /** The answer's text, byte for byte, at most 16 MiB like every answer. */
  readText(path: string): Promise<string>
  /** The answer's lines as they arrive. */
  readLines(path: string): AsyncIterable<string>
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
  const ask = async (path: string, init: RequestInit = {}, timeoutMs = TIMEOUT_MS) => {
    // No redirects: a key is only for the named ledger, and a redirected POST becomes a GET.
    const response = await fetch(base + path, { ...init, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) }).catch(error => {
      throw unreachable(base, error)
    })
    if (response.ok) return response
    throw refusalOf(response, await textOf(response).catch(() => ''))
  }
  const readLines = async function* (response: Response) {
    try {
      for await (const line of linesOf(response.body ?? [], { maxBytes: MAX_LINE_BYTES, tooLong: () => tooLarge(base) }))
        if (line !== '') yield line
    } catch (error) {
      throw error instanceof ClientError ? error : brokenOff(base, error)
    }
  }
  const postLines = async function* (path: string, key: string, body: string) {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson', accept: 'application/x-ndjson' }
    const response = await ask(path, { method: 'POST', headers, body }, SEND_TIMEOUT_MS)
    for await (const line of readLines(response)) yield readAnswerLine(base, line)
  }
  const textOf = async (response: Response) => {
    const bytes = await readBounded(response.body, MAX_ANSWER_BYTES).catch(error => {
      throw brokenOff(base, error)
    })
    if (bytes === undefined) throw tooLarge(base)
    return new TextDecoder().decode(bytes)
  }

  return {
    url: base,
    readText: async path => textOf(await ask(path)),
    readJson: async path => readAnswer(base, await textOf(await ask(path))),
    readLines: async function* (path) {
      yield* readLines(await ask(path))
    },
    sendJson: async (method, path, key, body) => {
      const headers = { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
      const response = await ask(path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
      const text = await textOf(response)
      return { status: response.status, value: text === '' ? undefined : readAnswer(base, text) }
    },
    sendLines: (file, key, told, { dryRun = false } = {}) =>
      sendLines(file, body => postLines(dryRun ? DRY_RUN : '/v1/records', key, body), told),
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

function brokenOff(base: string, cause: unknown): ClientError {
  return new ClientError('CLIENT_INCOMPLETE', `the answer of ${base} broke off; try again`, { cause })
}

function tooLarge(base: string): ClientError {
  return new ClientError('LEDGER_ANSWER', `${base} sent a larger answer than any ledger does: is this the address of an OpenSeal ledger?`)
}

/** LEDGER_UNREACHABLE, with what to do. */
export function unreachable(base: string, cause?: unknown): ClientError {
  return new ClientError(
    'LEDGER_UNREACHABLE',
    `no answer from the ledger at ${base}. Start it with "${COMMAND} serve", or name another with --ledger.`,
    {
      cause,
    },
  )
}
