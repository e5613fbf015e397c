/** A real service over HTTP on a free port, on a memory store, for the tests of this folder. */

import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestOptions, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createHandler } from '../../src/http/app.ts'
import type { HttpDeps } from '../../src/http/deps.ts'
import { createAgencies } from '../../src/ledger/agencies/agencies.ts'
import { openLedger } from '../../src/ledger/ledger.ts'
import { createLogSigner } from '../../src/log/signer.ts'
import { createLog } from '../../src/logger.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import { testHost } from '../test-host.ts'

export const ORIGIN = 'openseal.test/log'
export const OPERATOR_KEY = 'operator-key-of-the-tests'
export const AGENCY = 'transport.gov.example'
export const OTHER_AGENCY = 'health.gov.example'

// biome-ignore lint/suspicious/noExplicitAny: the tests read answers of every shape
export type AnyJson = any
export type Answer = { status: number; headers: IncomingMessage['headers']; text: string; json: AnyJson }
export type Service = Awaited<ReturnType<typeof openService>>

/** Opens a ledger with two agencies. `overrides` replace parts of what the application is given. */
export async function openService(overrides: Partial<HttpDeps> = {}, erasure: { delayMs?: number } = {}) {
  const store = createMemoryStore()
  const clock = { nowMs: Date.UTC(2026, 0, 31) }
  const nowMs = () => clock.nowMs
  const host = testHost({ nowMs })
  const signer = createLogSigner(
    ORIGIN,
    new Uint8Array(32).map((_, i) => i + 1),
  )
  const ledger = await openLedger({
    ...{ store, signer, origin: ORIGIN, anchors: [] },
    host: { ...host, steadyMs: nowMs },
    erasure: { key: new Uint8Array(32), delayMs: 0, periodMs: 1e12, ...erasure },
  })
  const agencies = createAgencies({ store, host })
  await agencies.add({ id: AGENCY, name: 'Ministry of Transport' })
  await agencies.add({ id: OTHER_AGENCY, name: 'Ministry of Health' })
  const { key, keyId } = await agencies.addKey(AGENCY, {})
  const logged: string[] = []
  const log = createLog({ write: line => logged.push(line), nowMs })
  const policy = () => ({ ...POLICY, logKeys: [{ vkey: ledger.vkey, fromSize: 0 }] })
  const rows = async function* () {
    yield [Uint8Array.of(1), Uint8Array.of(2)] as const
  }
  const handler = createHandler({ ledger, agencies, policy, operatorKey: OPERATOR_KEY, host, log, rows, ...overrides })
  const server = createServer(handler)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  const ask = (method: string, path: string, { body, ...options }: RequestOptions & { body?: string | Buffer } = {}) =>
    new Promise<Answer>((resolve, reject) => {
      const sent = request({ port, host: '127.0.0.1', method, path, ...options }, answer => {
        const chunks: Buffer[] = []
        answer.on('data', chunk => chunks.push(chunk)).on('error', reject)
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          const isJson = /json/.test(answer.headers['content-type'] ?? '') && !/ndjson/.test(answer.headers['content-type'] ?? '')
          resolve({ status: answer.statusCode!, headers: answer.headers, text, json: isJson && text ? JSON.parse(text) : undefined })
        })
      })
      sent.on('error', reject)
      sent.end(body)
    })
  const send = (path: string, body: unknown, bearer: string | undefined, type = 'application/json', method = 'POST') =>
    ask(method, path, {
      body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
      headers: { 'content-type': type, ...(bearer && { authorization: `Bearer ${bearer}` }) },
    })

  return {
    handler,
    ledger,
    agencies,
    store,
    clock,
    host,
    key,
    keyId,
    logged,
    port,
    get: (path: string, headers = {}) => ask('GET', path, { headers }),
    ask,
    send,
    submit: (body: unknown, bearer: string | undefined = key) => send('/v1/records', body, bearer),
    stream: (body: string | Buffer, bearer: string | undefined = key) => send('/v1/records', body, bearer, 'application/x-ndjson'),
    close: async () => {
      server.close()
      server.closeAllConnections()
      await ledger.close()
    },
  }
}

/** A statement about the record `local-<n>`. */
export function statement(n: number, overrides: object = {}) {
  const sha256 = createHash('sha256').update(String(n)).digest('hex')
  return {
    type: 'openseal/statement@v1',
    agency: AGENCY,
    kind: 'procurement',
    action: 'publish',
    record: `local-${n}`,
    published: '2026-01-30T12:00:00Z',
    documents: [{ name: 'tender.pdf', mediaType: 'application/pdf', bytes: 3, sha256 }],
    ...overrides,
  }
}

/** The answer lines of a stream. */
export function linesOf({ text }: Answer): AnyJson[] {
  return text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
}

const POLICY = {
  type: 'openseal/policy@v1',
  origin: ORIGIN,
  logKeys: [],
  witnesses: [],
  quorum: 0,
  requireAnchors: 1,
  anchors: [
    {
      type: 'evm',
      chainId: 31337,
      contract: `0x${'11'.repeat(20)}`,
      codeSha256: '22'.repeat(32),
      logId: `0x${'33'.repeat(32)}`,
      production: false,
      finality: { confirmations: 0 },
      fromSize: 0,
    },
  ],
} as const
