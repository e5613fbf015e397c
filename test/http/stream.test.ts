/** Submitting a stream: answers in order, a bad line rejects itself only, nothing waits for ever, memory stays bounded. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { connect } from 'node:net'
import { PassThrough, type Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerLines, createLineSplitter, type LineAnswer } from '../../src/http/ndjson.ts'
import { type AnyJson, linesOf, OTHER_AGENCY, openService, type Service, statement } from './service.ts'

describe('http: a stream of records', () => {
  let service: Service
  beforeEach(async () => {
    service = await openService()
  })
  afterEach(() => service.close())

  const good = (n: number) => JSON.stringify(statement(n))
  const BAD: readonly (readonly [string, number, string])[] = [
    ['{', 400, 'JSON_MALFORMED'],
    [JSON.stringify(statement(1, { extra: true })), 400, 'STATEMENT_MALFORMED'],
    [JSON.stringify(statement(1, { agency: OTHER_AGENCY })), 403, 'KEY_OTHER_AGENCY'],
    [`{"a":1,"a":2}`, 400, 'JSON_DUPLICATE_KEY'],
    [JSON.stringify(statement(1, { title: 'x'.repeat(40 * 1024) })), 413, 'STATEMENT_TOO_LARGE'],
    ['x'.repeat(300_000), 413, 'LINE_TOO_LONG'],
  ]

  it('answers 2,000 lines in order, counts blank ones, and rejects bad ones alone; the same request again finds all known', async () => {
    const lines: string[] = []
    const expected: AnyJson[] = []
    let accepted = 0
    for (let line = 1; line <= 2000; line++) {
      const bad = line % 97 === 0 ? BAD[(line / 97) % BAD.length] : undefined
      const isBlank = line % 101 === 0
      lines.push(isBlank ? ' \r' : (bad?.[0] ?? good(line)))
      if (isBlank) continue
      expected.push(bad ? { line, status: bad[1], code: bad[2] } : { line, status: 201, index: ++accepted })
    }
    const body = lines.join('\n')
    const withoutDetail = (answer: AnyJson) => (({ detail: _, ...rest }) => rest)(answer)

    const first = await service.stream(body)
    deepEqual([first.status, first.headers['content-type']], [200, 'application/x-ndjson'])
    const rejected = expected.length - accepted
    deepEqual(linesOf(first).map(withoutDetail), [...expected, { accepted, known: 0, rejected }])

    const again = await service.stream(body)
    const known = expected.map(answer => (answer.status === 201 ? { ...answer, status: 200 } : answer))
    deepEqual(linesOf(again).map(withoutDetail), [...known, { accepted: 0, known: accepted, rejected }])
    equal(service.ledger.head().size, 1 + accepted)
  })

  it('gives each statement one index though two streams carry all of them at the same moment', async () => {
    const body = Array.from({ length: 500 }, (_, n) => good(n)).join('\n')
    const [a, b] = (await Promise.all([service.stream(body), service.stream(body)])).map(linesOf) as [AnyJson[], AnyJson[]]
    deepEqual(
      a.slice(0, -1).map(({ index }) => index),
      b.slice(0, -1).map(({ index }) => index),
    )
    equal(a.at(-1).accepted + b.at(-1).accepted, 500)
    equal(service.ledger.head().size, 501)
  })

  it('answers an empty stream with the summary alone', async () => {
    deepEqual(linesOf(await service.stream('\n\n')), [{ accepted: 0, known: 0, rejected: 0 }])
  })

  it('stops taking lines under a key that is revoked while the stream runs', async () => {
    const answers = await new Promise<string>((resolve, reject) => {
      const socket = connect(service.port, '127.0.0.1')
      let text = ''
      let sent = 0
      const line = () => `${good(++sent)}\n`
      const chunk = (body: string) => socket.write(`${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n`)
      socket.write(
        `POST /v1/records HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${service.key}\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n`,
      )
      chunk(line())
      socket.on('data', async data => {
        text += data
        if (sent === 1 && text.includes('"line":1')) {
          service.clock.nowMs += 5000
          await service.agencies.revokeKey('transport.gov.example', service.keyId)
          chunk(line())
        } else if (sent === 2 && text.includes('"line":2')) {
          chunk(line())
          socket.write('0\r\n\r\n')
        }
      })
      socket.on('end', () => resolve(text)).on('error', reject)
    })
    ok(answers.includes('"line":1,"status":201'))
    ok(answers.includes('"line":3,"status":401,"code":"KEY_REVOKED"'))
  })

  it('survives a client that goes away in the middle, logs no stack for it, and keeps what was answered', async () => {
    const socket = connect(service.port, '127.0.0.1')
    socket.write(
      `POST /v1/records HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${service.key}\r\ncontent-type: application/x-ndjson\r\ncontent-length: 100000\r\n\r\n${good(1)}\n${good(2)}\n{"half`,
    )
    await new Promise(resolve => socket.once('data', resolve))
    socket.resetAndDestroy()
    while (service.ledger.head().size < 3) await sleep(5)
    await sleep(20)
    equal((await service.get('/healthz')).status, 200)
    deepEqual(service.logged, [])
  })
})

describe('http: lines', () => {
  it('splits on bytes wherever the chunks are cut, in the middle of a character too', () => {
    const text = Buffer.from('{"a":"ä€😀"}\n\n \t\r\nb\r\nlast')
    for (let size = 1; size <= text.length; size++) {
      const splitter = createLineSplitter(100)
      const lines = []
      for (let at = 0; at < text.length; at += size) lines.push(...splitter.push(text.subarray(at, at + size)))
      lines.push(...splitter.end())
      deepEqual(
        lines.map(({ number, bytes }) => [number, Buffer.from(bytes!).toString()]),
        [
          [1, '{"a":"ä€😀"}'],
          [4, 'b\r'],
          [5, 'last'],
        ],
      )
    }
  })

  it('skips a line that is too long to its newline, and only that one', () => {
    const splitter = createLineSplitter(3)
    const lines = [
      ...splitter.push(Buffer.from('abc\nabcd')),
      ...splitter.push(Buffer.from('efgh')),
      ...splitter.push(Buffer.from('\nab\nabcd')),
      ...splitter.end(),
    ]
    deepEqual(
      lines.map(({ number, bytes }) => [number, bytes && Buffer.from(bytes).toString()]),
      [
        [1, 'abc'],
        [2, undefined],
        [3, 'ab'],
        [4, undefined],
      ],
    )
  })

  it('keeps the order of lines whatever the order of their answers', async () => {
    const source = new PassThrough()
    const out = answerLines(source, 100, ({ number }, settle) => {
      setTimeout(() => settle({ status: 201, index: number * 7 }), number % 3 === 0 ? 10 : 0)
    })
    source.end('x\n'.repeat(50))
    const lines = (await textOf(out))
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    deepEqual(lines, [
      ...Array.from({ length: 50 }, (_, i) => ({ line: i + 1, status: 201, index: (i + 1) * 7 })),
      { accepted: 50, known: 0, rejected: 0 },
    ])
  })

  it('reads no further while its bound of open lines is reached', async () => {
    const source = new PassThrough()
    const open: ((answer: LineAnswer) => void)[] = []
    const out = answerLines(source, 100, (_line, settle) => open.push(settle), {
      pendingLines: 4,
      pendingBytes: 1000,
      waitingRuns: 10,
    })
    const text = textOf(out)
    source.end('x\n'.repeat(20))
    for (let index = 0; index < 20; index++) {
      while (open.length <= index) await sleep(1)
      ok(open.length - index <= 4)
      open[index]!({ status: 201, index })
    }
    ok((await text).endsWith('{"accepted":20,"known":0,"rejected":0}\n'))
  })

  it('takes a whole stream from a client that reads nothing until it has sent all', async () => {
    const source = new PassThrough()
    let taken = 0
    const out = answerLines(source, 100, (_line, settle) => settle({ status: 201, index: taken++ }))
    const chunk = Buffer.from('x\n'.repeat(10_000))
    for (let i = 0; i < 50; i++) if (!source.write(chunk)) await new Promise(resolve => source.once('drain', resolve))
    source.end()
    while (taken < 500_000) await sleep(1)
    const lines = (await textOf(out)).trimEnd().split('\n')
    deepEqual([lines.length, lines.at(-1)], [500_001, '{"accepted":500000,"known":0,"rejected":0}'])
  })

  it('gives no summary to a stream that breaks off', async () => {
    const source = new PassThrough()
    const out = answerLines(source, 100, ({ number }, settle) => settle({ status: 201, index: number }))
    let text = ''
    out.on('data', data => {
      text += data
    })
    source.write('x\ny\n')
    while (!text.includes('"line":2')) await sleep(1)
    const closed = new Promise(resolve => out.on('error', () => {}).once('close', resolve))
    source.destroy(new Error('cut'))
    await closed
    ok(!text.includes('accepted'))
  })
})

async function textOf(stream: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += chunk
  return text
}
