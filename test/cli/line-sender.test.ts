/**
 * Sending many statements: in requests that a proxy with its defaults takes, each line until it has
 * its answer, and no longer.
 */
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '../../src/cli/client.ts'
import type { AnsweredLine } from '../../src/cli/line-sender.ts'
import { openProxy, type ProxyOptions } from '../http/proxy.ts'
import { openService, type Service, statement } from '../http/service.ts'
import { listen, stop } from '../listen.ts'

const LINES = 10_000

describe('cli: sending many statements', function () {
  this.timeout(60_000)
  let folder: string
  let file: string
  let service: Service
  const stops: (() => void)[] = []
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-lines-'))
    file = join(folder, 'lines.ndjson')
    await writeFile(
      file,
      Array.from({ length: LINES }, (_, n) => JSON.stringify(statement(n, { title: 'line\u2028separator' }))).join('\n'),
    )
    service = await openService()
  })
  afterEach(() => {
    for (const stop of stops.splice(0)) stop()
  })
  after(async () => {
    await service.close()
    await rm(folder, { recursive: true, force: true })
  })

  const behind = async (options: Partial<ProxyOptions> = {}) => {
    const proxy = await openProxy({ port: service.port, ...options })
    stops.push(proxy.close)
    return proxy
  }
  const send = async (url: string, from = file) => {
    const answers: AnsweredLine[] = []
    const retries: string[] = []
    const told = { onAnswer: (answer: AnsweredLine) => void answers.push(answer), onRetry: (why: string) => void retries.push(why) }
    await createClient(url).sendLines(from, service.key, told)
    return { answers, retries }
  }
  const linesIn = (bodies: readonly Buffer[]) => bodies.flatMap(body => body.toString().trimEnd().split('\n'))

  it('sends 10,000 lines through a proxy with its defaults, in requests of 900 KiB at most, and each line once', async () => {
    const proxy = await behind()
    const { answers, retries } = await send(proxy.url)
    deepEqual(
      answers.map(({ line, status, index }) => [line, status, index]),
      Array.from({ length: LINES }, (_, n) => [n + 1, 201, n + 1]),
    )
    deepEqual(retries, [])
    ok(proxy.bodies.length > 1)
    for (const body of proxy.bodies) ok(body.length <= 900 * 1024)
    equal(linesIn(proxy.bodies).length, LINES)
  })

  it('sends only the request again whose answer did not come', async () => {
    let asked = 0
    const proxy = await behind({ intercept: () => (++asked === 2 ? 502 : undefined) })
    const { answers, retries } = await send(proxy.url)
    equal(answers.length, LINES)
    deepEqual(retries, ['lost'])
    equal(linesIn(proxy.bodies).length, LINES)
  })

  describe('through proxies', () => {
    const refusals: readonly (readonly [string, Partial<ProxyOptions>, string, RegExp])[] = [
      [
        'a proxy that takes less',
        { maxBodyBytes: 100_000 },
        'PROXY_TOO_LARGE',
        /^A proxy in front of the ledger refused the request: 413 Payload Too Large\. It allows less than 900 KiB; ask the operator/,
      ],
      [
        'a proxy that forbids it',
        { intercept: () => 403 },
        'PROXY_REFUSED',
        /^A proxy in front of the ledger refused the request: 403 Forbidden\./,
      ],
      ['a web page', { intercept: () => 200 }, 'PROXY_PAGE', /^the answer is a web page/],
    ]
    for (const [what, options, code, sentence] of refusals)
      it(`names ${what} for what it is, at once`, async () => {
        const proxy = await behind(options)
        let asked = 0
        await rejects(
          send(proxy.url).finally(() => {
            asked = proxy.bodies.length
          }),
          (error: Error & { code?: string }) => {
            equal(error.code, code)
            match(error.message, sentence)
            return true
          },
        )
        equal(asked, 0)
      })

    it('names a proxy whose ledger does not answer, for single requests too', async () => {
      const proxy = await behind({ intercept: () => 504 })
      await rejects(createClient(proxy.url).readJson('/v1/status'), {
        code: 'PROXY_UNAVAILABLE',
        message: /^A proxy in front of the ledger answered in its place: 504 Gateway Timeout\./,
      })
    })
  })

  describe('to a ledger that answers in part', () => {
    let server: Server
    let url: string
    const asked: string[][] = []
    let answer: (response: ServerResponse, lines: string[]) => unknown
    before(async () => {
      server = createServer(async (request, response) => {
        const lines = Buffer.concat(await request.toArray())
          .toString()
          .trimEnd()
          .split('\n')
        asked.push(lines)
        response.setHeader('content-type', 'application/x-ndjson')
        answer(response, lines)
      })
      url = await listen(server)
    })
    after(() => stop(server))
    beforeEach(() => {
      asked.splice(0)
    })
    const small = async () => {
      const path = join(folder, 'small.ndjson')
      await writeFile(path, '{"n":1}\n\n{"n":3}\r\n{"n":4}\n')
      return path
    }
    const accepted = (lines: readonly number[]) => lines.map(line => `{"line":${line},"status":201,"index":${line}}\n`).join('')
    const summary = '{"accepted":0,"known":0,"rejected":0}\n'

    it('takes the answers that came, and sends the other lines again, by their numbers in the file', async () => {
      answer = (response, lines) => {
        if (asked.length === 1) response.end(accepted([1, 2]))
        else response.end(accepted(lines.map((_, at) => at + 1)) + summary)
      }
      const { answers, retries } = await send(url, await small())
      deepEqual(
        asked.map(lines => lines.map(line => JSON.parse(line).n)),
        [[1, 3, 4], [4]],
      )
      deepEqual(
        answers.map(({ line }) => line),
        [1, 3, 4],
      )
      deepEqual(retries, ['lost'])
    })

    it('sends nothing again where every line has its answer and only the summary is missing', async () => {
      answer = (response, lines) => response.end(accepted(lines.map((_, at) => at + 1)) + (asked.length === 1 ? '{"accep' : summary))
      const { answers } = await send(url, await small())
      deepEqual([answers.length, asked.length], [3, 1])
    })

    it('sends only those lines again that were too much for the ledger', async () => {
      answer = (response, lines) =>
        response.end(
          lines
            .map((_, at) =>
              asked.length === 1 && at === 1 ? '{"line":2,"status":503,"code":"LEDGER_BUSY","detail":"x"}\n' : accepted([at + 1]),
            )
            .join('') + summary,
        )
      const { answers, retries } = await send(url, await small())
      deepEqual(
        asked.map(lines => lines.map(line => JSON.parse(line).n)),
        [[1, 3, 4], [3]],
      )
      deepEqual(
        [answers.map(({ line, status }) => [line, status]), retries],
        [
          [
            [1, 201],
            [4, 201],
            [3, 201],
          ],
          ['busy'],
        ],
      )
    })

    it('sends a request again that was refused while the database or the log key changes', async () => {
      const seen = new Set<string>()
      answer = (response, [line = '']) => {
        const { code } = JSON.parse(line) as { code: string }
        if (seen.has(code)) return response.end(accepted([1]) + summary)
        seen.add(code)
        return response
          .writeHead(503, { 'content-type': 'application/problem+json' })
          .end(JSON.stringify({ status: 503, code, detail: 'x' }))
      }
      const codes = ['LEDGER_UNSETTLED', 'LEDGER_COMMIT_FAILED', 'LEDGER_KEY_ENDED', 'STORE_UNSETTLED']
      const sent = codes.map(async code => {
        const path = join(folder, `${code}.ndjson`)
        await writeFile(path, `${JSON.stringify({ code })}\n`)
        return (await send(url, path)).answers.map(({ status }) => status)
      })
      deepEqual(
        await Promise.all(sent),
        codes.map(() => [201]),
      )
    })

    it('believes no answer to a line that it has not sent', async () => {
      answer = (response, lines) => response.end(accepted([0, 4, 99, ...lines.map((_, at) => at + 1), 1]) + summary)
      deepEqual(
        (await send(url, await small())).answers.map(({ line }) => line),
        [1, 3, 4],
      )
    })
  })
})
