/** Requests to a ledger: a real server that answers as it is told. */
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { attemptAsync } from '../../src/core/attempt.ts'
import { createLedgerHttp, LedgerFailure, type LedgerRequest } from '../../src/ledger-client/http.ts'
import { listen, stop } from '../listen.ts'

describe('ledger-client/http', () => {
  let server: Server
  let url: string
  let answer: (request: IncomingMessage, response: ServerResponse) => void
  let asked: string[] = []
  before(async () => {
    server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`)
      answer(request, response)
    })
    url = await listen(server)
  })
  beforeEach(() => {
    asked = []
  })
  after(() => stop(server))

  const read = (request: Partial<LedgerRequest> = {}, signal?: AbortSignal) =>
    createLedgerHttp({ url, fetch, timeoutMs: 60_000, signal }).read({ path: '/a', maxBytes: 100, ...request })
  const failureOf = async (request: Partial<LedgerRequest> = {}, signal?: AbortSignal) => {
    const { error } = await attemptAsync(() => read(request, signal))
    if (!(error instanceof LedgerFailure)) throw new Error('it was answered')
    return error
  }

  it('gives the whole answer, up to its bound and not one byte more', async () => {
    answer = (_request, response) => void response.end('0123456789')
    equal(Buffer.from(await read({ maxBytes: 10 })).toString(), '0123456789')
    equal((await failureOf({ maxBytes: 9 })).code, 'LEDGER_TOO_LARGE')
  })

  it('sends a key to the named address only, and says where a redirect leads', async () => {
    answer = (_request, response) => void response.writeHead(307, { location: '/elsewhere' }).end()
    const { code, refusal } = await failureOf({ init: { method: 'POST', headers: { authorization: 'Bearer key' }, body: 'x' } })
    deepEqual([code, refusal?.status, refusal?.location, asked], ['LEDGER_REDIRECTS', 307, '/elsewhere', ['POST /a']])
  })

  it('knows a redirect in a browser, which does not say where it leads', async () => {
    const opaque = Object.defineProperties(new Response(), {
      ok: { value: false },
      status: { value: 0 },
      type: { value: 'opaqueredirect' },
    })
    const http = createLedgerHttp({ url: '', fetch: async () => opaque, timeoutMs: 60_000 })
    await rejects(http.read({ path: '/a', maxBytes: 1 }), { code: 'LEDGER_REDIRECTS' })
  })

  it('reads the problem of a refusal, and how long it asks to wait', async () => {
    for (const [body, retryAfter, problem, waitMs] of [
      ['{"code":"LEDGER_BUSY","detail":"full","more":1}', '7', { code: 'LEDGER_BUSY', detail: 'full' }, 7000],
      ['{"code":"LEDGER_BUSY","detail":7}', '0', { code: 'LEDGER_BUSY' }, 0],
      ['{"code":7}', 'soon', undefined, undefined],
      ['<p>Bad Gateway', 'Thu, 01 Jan 1970 00:00:00 GMT', undefined, 0],
      ['x'.repeat(100_000), '1', undefined, 1000],
    ] as const) {
      answer = (_request, response) =>
        void response.writeHead(503, { 'retry-after': retryAfter, 'content-type': 'Text/Plain; a=b' }).end(body)
      const { code, isBusy, refusal } = await failureOf()
      const text = body.length < 100_000 ? body : ''
      deepEqual(
        [code, isBusy, refusal],
        ['LEDGER_REFUSED', true, { status: 503, type: 'text/plain', location: undefined, waitMs, problem, text }],
      )
    }
  })

  it('takes only the types that it was told, and an answer without one', async () => {
    answer = (_request, response) => void response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<p>Log in')
    const { code, type } = await failureOf({ types: ['text/plain'] })
    deepEqual([code, type], ['LEDGER_TYPE', 'text/html'])
    answer = (_request, response) => void response.writeHead(200).end('a')
    equal((await read({ types: ['text/plain'] })).length, 1)
  })

  it('distinguishes a late answer from one that breaks off, before it begins and after', async () => {
    const begun = (response: ServerResponse) => response.writeHead(200).write('a')
    const cases: [(response: ServerResponse) => unknown, number, string, boolean][] = [
      [() => {}, 50, 'LEDGER_UNREACHABLE', true],
      [response => response.destroy(), 60_000, 'LEDGER_UNREACHABLE', false],
      [begun, 200, 'LEDGER_CUT_OFF', true],
      [response => begun(response) && setImmediate(() => response.destroy()), 60_000, 'LEDGER_CUT_OFF', false],
    ]
    for (const [reply, timeoutMs, code, isLate] of cases) {
      answer = (_request, response) => void reply(response)
      const failure = await failureOf({ timeoutMs })
      deepEqual([failure.code, failure.isLate], [code, isLate])
    }
  })

  it('ends with the signal for all requests, even a request without a time of its own', async () => {
    const stop = new AbortController()
    answer = () => stop.abort()
    equal((await failureOf({ timeoutMs: Number.POSITIVE_INFINITY }, stop.signal)).code, 'LEDGER_UNREACHABLE')
  })
})
