/** Attacks by strangers, each over a real socket against the real listener, and the answers. */
import { deepEqual, doesNotMatch, equal, match, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request, STATUS_CODES } from 'node:http'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { type Listener, openListener } from '../../src/http/listener.ts'
import { AGENCY, OPERATOR_KEY, openService, type Service, statement } from './service.ts'
import { head, type RawAnswer, sendRaw } from './socket.ts'

describe('http: hostile clients', () => {
  let service: Service
  let listener: Listener
  let port: number
  before(async () => {
    service = await openService()
    listener = await openListener({ host: '127.0.0.1', port: 0, times: { headers: 400, idle: 700, rest: 3000, check: 50 } })
    listener.serve(service.handler)
    port = Number(new URL(listener.url).port)
  })
  after(async () => {
    await listener.close()
    await service.close()
  })

  const codeOf = ({ status, body, headers }: RawAnswer) => {
    equal(headers.get('content-type'), 'application/problem+json')
    deepEqual([headers.get('cache-control'), headers.get('x-content-type-options')], ['no-store', 'nosniff'])
    match(headers.get('content-security-policy') ?? '', /^default-src 'none';.* frame-ancestors 'none'$/)
    const problem = JSON.parse(body)
    deepEqual([problem.status, problem.title], [status, STATUS_CODES[status]])
    return `${status} ${problem.code}`
  }
  const bearer = () => `Authorization: Bearer ${service.key}`
  const post = (body: string | Buffer, headers: readonly string[] = [], path = '/v1/records') => [
    head('POST', path, [bearer(), 'Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`, ...headers]),
    body,
  ]
  const stillServes = async () => equal((await service.get('/healthz')).status, 200)

  const NOT_HTTP: readonly (readonly [string, string, string])[] = [
    ['two lengths', head('POST', '/v1/records', ['Content-Length: 4', 'Content-Length: 5']), '400 HTTP_MALFORMED'],
    ['a length and chunks', head('POST', '/v1/records', ['Content-Length: 4', 'Transfer-Encoding: chunked']), '400 HTTP_MALFORMED'],
    ['chunks that are not last', head('POST', '/v1/records', ['Transfer-Encoding: chunked, identity']), '400 HTTP_MALFORMED'],
    ['a length with a sign', head('POST', '/v1/records', ['Content-Length: +4']), '400 HTTP_MALFORMED'],
    ['a space before the colon', head('GET', '/healthz', ['Content-Length : 4']), '400 HTTP_MALFORMED'],
    ['a folded header', head('GET', '/healthz', ['X-A: b', ' c: d']), '400 HTTP_MALFORMED'],
    ['a bare line feed', 'GET /healthz HTTP/1.1\nHost: a\n\n', '400 HTTP_MALFORMED'],
    ['a zero byte in a header', head('GET', '/healthz', ['X-A: b\0c']), '400 HTTP_MALFORMED'],
    ['a space in the path', 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n', '400 HTTP_MALFORMED'],
    ['HTTP/0.9', 'GET /healthz\r\n\r\n', '400 HTTP_MALFORMED'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', '400 HTTP_MALFORMED'],
    ['a head of 20 KB', head('GET', '/healthz', [`X-A: ${'a'.repeat(20_000)}`]), '431 HEADERS_TOO_LARGE'],
    ['a path of 20 KB', head('GET', `/${'a'.repeat(20_000)}`), '431 HEADERS_TOO_LARGE'],
    ['an expectation', head('POST', '/v1/records', ['Expect: the unexpected', 'Content-Length: 0']), '417 EXPECT_UNKNOWN'],
  ]
  for (const [what, request, expected] of NOT_HTTP)
    it(`answers ${what} with ${expected}, and closes`, async () => {
      equal(codeOf(await sendRaw(port, [Buffer.from(request, 'latin1')])), expected)
      await stillServes()
    })

  it('ignores everything after a refused request on the same connection', async () => {
    const hidden = head('GET', '/v1/status')
    const { text } = await sendRaw(port, [
      ['POST /v1/records HTTP/1.1', 'Host: a', 'Content-Length: 4', 'Transfer-Encoding: chunked', '', `0\r\n\r\n${hidden}`].join('\r\n'),
    ])
    deepEqual(text.match(/^HTTP\/1\.1 \d+/gm), ['HTTP/1.1 400'])
  })

  it('closes the connection of a client that sends its head letter by letter, or none', async () => {
    const slow = [...head('GET', '/healthz')].map(letter => letter)
    equal(codeOf(await sendRaw(port, slow, 40)), '408 HEADERS_TIMEOUT')
    equal((await sendRaw(port, [''])).status, 408)
    await stillServes()
  })

  it('answers a refused request whose client still sends and wants its connection closed, and closes it', async () => {
    const body = Buffer.alloc(5_000_000, ' ')
    const statuses = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const sent = request({ port, method: 'POST', path: '/v1/records', agent: false, headers: { 'content-length': body.length } })
        sent.end(body)
        const [answer] = (await once(sent, 'response')) as [IncomingMessage]
        answer.resume()
        await once(answer.socket, 'close')
        return answer.statusCode
      }),
    )
    deepEqual(new Set(statuses), new Set([401]))
    await stillServes()
  })

  it('closes the connection of a client that was answered and sends the rest of its body byte by byte', async () => {
    const drip = Array.from({ length: 100 }, () => ' ')
    const held = async (how: string) => {
      const begun = ['POST /v1/records HTTP/1.1', 'Host: a', `Connection: ${how}`, 'Content-Length: 1000000', '', ''].join('\r\n')
      const startedMs = performance.now()
      equal((await sendRaw(port, [begun, ...drip], 100)).status, 401)
      return performance.now() - startedMs
    }
    ok(Math.max(...(await Promise.all(['close', 'keep-alive'].map(held)))) < 6000)
    await stillServes()
  })

  it('frees the connection of a client that wants it closed and does not close its own side', async () => {
    const sockets = () => process.getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap').length
    const before = sockets()
    const clients = Array.from({ length: 20 }, () => connect({ port, host: '127.0.0.1', allowHalfOpen: true }))
    for (const client of clients) client.resume().write(post('{}').join(''))
    await Promise.all(clients.map(client => once(client, 'end')))
    const deadlineMs = performance.now() + 10_000
    while (sockets() > before + clients.length && performance.now() < deadlineMs) await new Promise(resolve => setTimeout(resolve, 20))
    ok(sockets() <= before + clients.length)
    for (const client of clients) client.destroy()
  })

  it('closes the connection of a client that announces a body and sends none of it', async () => {
    const { status } = await sendRaw(port, post('{}').slice(0, 1))
    ok(status === 0 || status === 408)
    await stillServes()
  })

  it('refuses a Host that is no host name, before it could end up in a link', async () => {
    for (const host of ['a"><b>', 'a b', 'a/b', 'a@b', "a'b", 'a,b', '-', `${'a'.repeat(300)}`, 'a:b:c']) {
      const answer = await sendRaw(port, [`GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`])
      deepEqual([host, codeOf(answer)], [host, '400 HOST_MALFORMED'])
    }
    for (const host of ['ledger.example', 'ledger.example:8080', '127.0.0.1:1', '[::1]:8080'])
      equal((await sendRaw(port, [`GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`])).status, 200, host)
    equal((await sendRaw(port, ['GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n'])).status, 400)
  })

  it('refuses compressed bodies, small or exploding, by a code and with the form that it takes', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000))
    for (const [type, body] of [
      ['application/x-ndjson', bomb],
      ['application/json', gzipSync(JSON.stringify(statement(1)))],
    ] as const) {
      const answer = await sendRaw(port, [
        head('POST', '/v1/records', [bearer(), `Content-Type: ${type}`, 'Content-Encoding: gzip', `Content-Length: ${body.length}`]),
        body,
      ])
      deepEqual([codeOf(answer), answer.headers.get('accept-encoding')], ['415 BODY_ENCODING', 'identity'])
    }
    await stillServes()
  })

  it('refuses deep JSON wherever JSON is read', async () => {
    for (const brackets of ['['.repeat(60_000), `{"a":${'{"a":'.repeat(9000)}`]) {
      equal(codeOf(await sendRaw(port, post(brackets))), '400 JSON_DEPTH')
      const line = await service.stream(brackets)
      match(line.text, /^\{"line":1,"status":400,"code":"JSON_DEPTH"/)
      const operator = post(brackets, [], '/v1/agencies').map(piece =>
        String(piece).replace(service.key, OPERATOR_KEY).replace('Host: ledger.example', 'Host: localhost'),
      )
      match(codeOf(await sendRaw(port, operator)), /^400 /)
    }
    await stillServes()
  })

  it('sets no prototype, whatever members are sent', async () => {
    const evil = `{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"agency":"${AGENCY}"}`
    equal(codeOf(await sendRaw(port, post(evil))), '400 STATEMENT_MALFORMED')
    match((await service.stream(evil)).text, /"code":"STATEMENT_MALFORMED"/)
    equal((await service.send('/v1/agencies', evil, OPERATOR_KEY)).status, 400)
    for (const id of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      equal((await service.get(`/v1/agencies/${id}`)).status, 404)
      equal((await service.get(`/v1/records/${id}`)).status, 400)
      equal((await service.get(`/${id}`)).status, 404)
    }
    equal((await service.get('/v1/records?__proto__[polluted]=1')).status, 400)
    equal(({} as { polluted?: unknown }).polluted, undefined)
  })

  it('takes no other spelling of a path of the log, and none that leads elsewhere', async () => {
    await service.submit(statement(1))
    const tile = '/tile/0/000.p/1'
    equal((await sendRaw(port, [head('GET', tile)])).status, 200)
    const others = [
      '/tile/0/../0/000.p/1',
      '/tile/0/%30%30%30.p/1',
      '/tile/0/000.p%2f1',
      '/tile/0/000.p/1/',
      '/tile//0/000.p/1',
      '//tile/0/000.p/1',
      '/tile/0/000.p/01',
      '/tile/0/000.p/0',
      '/tile/0/000.p/256',
      '/tile/0/0.p/1',
      '/tile/0/x000/000.p/1',
      '/tile/00/000.p/1',
      '/tile/-1/000.p/1',
      '/tile/64/000.p/1',
      '/tile/0/000.p/1;a',
      '/tile/0/000.p/1%00',
      '/tile/entries/../../../../etc/passwd',
      '/tile/entries/%2e%2e/%2e%2e/keys/log.key',
      '/tile/..\\..\\keys\\log.key',
      `/tile/0/${'x999/'.repeat(200)}999`,
      '/TILE/0/000.p/1',
      '/checkpoint/',
      '/Checkpoint',
      '/./checkpoint',
      '/assets/../keys/log.key',
      '/%',
      '/%c0%ae%c0%ae/',
    ]
    for (const path of others) {
      const answer = await sendRaw(port, [head('GET', path)])
      deepEqual([path, answer.status], [path, 404])
      codeOf(answer)
    }
  })

  it('lets nobody write a header: nothing that was sent comes back in one', async () => {
    for (const path of [
      '/%0d%0aX-Evil:%201',
      '/v1/agencies/a%0d%0aX-Evil:1',
      '/v1/records/1%0d%0aX-Evil:1',
      '/v1/records?cursor=%0d%0aX-Evil:1',
    ]) {
      const { text } = await sendRaw(port, [head('GET', path)])
      doesNotMatch(text.slice(0, text.indexOf('\r\n\r\n')), /evil/i)
    }
    const id = 'evil.example%0d%0aX-Evil: 1'
    equal((await service.send('/v1/agencies', { id, name: 'x' }, OPERATOR_KEY)).status, 400)
    const location = await service.submit(statement(2, { record: 'a\r\nX-Evil: 1' }))
    equal(location.headers['x-evil'], undefined)
  })

  it('gives no answer that a cache could keep for another reader', async () => {
    const evil = [
      'X-Forwarded-Host: evil.example',
      'X-Forwarded-Proto: https',
      'X-Original-URL: /metrics',
      'X-HTTP-Method-Override: DELETE',
    ]
    for (const path of [
      '/',
      '/v1/status',
      '/v1/records',
      '/v1/records/0',
      '/checkpoint',
      '/policy.json',
      '/nowhere',
      '/tile/0/999',
      '/openapi.json',
    ]) {
      const plain = await sendRaw(port, [head('GET', path)])
      const sent = await sendRaw(port, [head('GET', path, evil)])
      equal(sent.body, plain.body, path)
      equal(sent.headers.get('cache-control'), 'no-store', path)
      equal(sent.headers.get('strict-transport-security'), undefined)
    }
    const kept = await sendRaw(port, [head('GET', '/v1/proofs/inclusion/0/1', evil)])
    match(kept.headers.get('cache-control') ?? '', /immutable/)
    equal(kept.body, (await sendRaw(port, [head('GET', '/v1/proofs/inclusion/0/1?size=9')])).body)
  })

  it('refuses only the line of 64 MB, and goes on after it', async () => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.on('data', data => {
      text += data
    })
    const closed = new Promise(resolve => socket.on('close', resolve).on('error', () => {}))
    socket.write(head('POST', '/v1/records', [bearer(), 'Content-Type: application/x-ndjson', 'Transfer-Encoding: chunked']))
    const piece = Buffer.alloc(1_000_000, 'x')
    for (let sent = 0; sent < 64; sent++) {
      const chunk = Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])
      if (!socket.write(chunk)) await new Promise(resolve => socket.once('drain', resolve))
    }
    const next = `\n${JSON.stringify(statement(3))}\n`
    socket.write(`${next.length.toString(16)}\r\n${next}\r\n0\r\n\r\n`)
    await closed
    match(text, /"line":1,"status":413,"code":"LINE_TOO_LONG"/)
    match(text, /"accepted":1,"known":0,"rejected":1/)
  })

  it('answers 70,000 equal lines in one stream with one index', async () => {
    const line = JSON.stringify(statement(77))
    const { text } = await service.stream(`${line}\n`.repeat(70_000))
    const lines = text.trimEnd().split('\n')
    equal(lines.length, 70_001)
    deepEqual(JSON.parse(lines.at(-1)!), { accepted: 1, known: 69_999, rejected: 0 })
    equal(new Set(lines.slice(0, -1).map(answer => JSON.parse(answer).index)).size, 1)
  })
})
