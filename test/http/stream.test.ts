/**
 * Submitting a stream: the answer begins when the request has ended and is in order, a bad line
 * rejects itself only, requests and memory stay bounded.
 */
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { request } from 'node:http'
import { connect } from 'node:net'
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { LineAnswer } from '../../src/http/line-answers.ts'
import { type AnswerLine, answerLines, createLineSplitter, type StreamBounds } from '../../src/http/ndjson.ts'
import { longestRoundMs } from '../thread-time.ts'
import { openProxy } from './proxy.ts'
import { type AnyJson, linesOf, OTHER_AGENCY, openService, type Service, statement } from './service.ts'

/** The longest time of one round of the event loop. */
const MOST_MS = 50

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
    [JSON.stringify(statement(1, { title: 'x'.repeat(150 * 1024) })), 413, 'STATEMENT_TOO_LARGE'],
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

  const HEAD = () =>
    `POST /v1/records HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${service.key}\r\ncontent-type: application/x-ndjson\r\nconnection: close\r\n`
  const sealed = async (size: number) => {
    while (service.ledger.head().size < size) await sleep(2)
  }
  /** A stream that is sent in pieces over a connection of its own. */
  const begin = () => {
    const socket = connect(service.port, '127.0.0.1')
    const got = { text: '' }
    socket.on('data', data => {
      got.text += data
    })
    const ended = new Promise<string>((resolve, reject) => socket.on('end', () => resolve(got.text)).on('error', reject))
    socket.write(`${HEAD()}transfer-encoding: chunked\r\n\r\n`)
    const send = (body: string) => socket.write(`${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n`)
    const end = () => {
      socket.write('0\r\n\r\n')
      return ended
    }
    return { got, send, end }
  }

  it('seals lines as they come, and begins the answer only when the request has ended', async () => {
    const { got, send, end } = begin()
    send(`${good(1)}\n${good(2)}\n`)
    await sealed(3)
    await sleep(100)
    equal(got.text, '')
    send(good(3))
    const text = await end()
    ok(text.includes('{"line":1,"status":201,"index":1}\n{"line":2,"status":201,"index":2}\n{"line":3,"status":201,"index":3}\n'))
    ok(text.includes('{"accepted":3,"known":0,"rejected":0}'))
  })

  it('answers 10,000 lines through a proxy that stops sending a request once the answer has begun', async () => {
    const proxy = await openProxy({ port: service.port, maxBodyBytes: 64 * 1024 * 1024 })
    try {
      const body = Array.from({ length: 10_000 }, (_, n) => good(n)).join('\n')
      const headers = { 'content-type': 'application/x-ndjson', authorization: `Bearer ${service.key}` }
      const answer = await fetch(`${proxy.url}/v1/records`, { method: 'POST', body, headers })
      const lines = (await answer.text()).trimEnd().split('\n')
      deepEqual([answer.status, lines.length, lines.at(-1)], [200, 10_001, '{"accepted":10000,"known":0,"rejected":0}'])
    } finally {
      proxy.close()
    }
  })

  it('stops taking lines under a key that is revoked while the stream runs', async () => {
    const { send, end } = begin()
    send(`${good(1)}\n`)
    await sealed(2)
    await sleep(1100)
    await service.agencies.revokeKey('transport.gov.example', service.keyId)
    send(`${good(2)}\n`)
    await sealed(3)
    send(`${good(3)}\n`)
    const answers = await end()
    ok(answers.includes('"line":1,"status":201'))
    ok(answers.includes('"line":3,"status":401,"code":"KEY_REVOKED"'))
  })

  it('survives a client that goes away in the middle, and keeps what was sealed', async () => {
    const socket = connect(service.port, '127.0.0.1')
    socket.write(`${HEAD()}content-length: 100000\r\n\r\n${good(1)}\n${good(2)}\n{"half`)
    await sealed(3)
    socket.resetAndDestroy()
    await sleep(20)
    equal((await service.get('/healthz')).status, 200)
    deepEqual(service.logged, [])
  })

  it('answers the line after 100,000 with 413, lists the answers before it, and reads nothing after it', async () => {
    const line = good(1)
    const { status, headers, text } = await service.stream(`${line}\n`.repeat(100_000) + `${good(2)}\n`.repeat(500))
    deepEqual([status, headers['content-type']], [413, 'application/x-ndjson'])
    const lines = text.trimEnd().split('\n')
    equal(lines.length, 100_002)
    deepEqual(JSON.parse(lines[99_999]!), { line: 100_000, status: 200, index: 1 })
    const { detail, ...last } = JSON.parse(lines[100_000]!)
    deepEqual(last, { line: 100_001, status: 413, code: 'STREAM_TOO_LONG' })
    ok(detail.includes('another request'))
    deepEqual(JSON.parse(lines[100_001]!), { accepted: 1, known: 99_999, rejected: 1 })
    equal(service.ledger.head().size, 2)
    // Blank lines count too.
    equal((await service.stream(`${line}${'\n'.repeat(100_000)}`)).status, 200)
    equal((await service.stream(`${line}${'\n'.repeat(100_000)}${line}`)).status, 413)
  })

  it('answers the line beyond 64 MiB likewise, and refuses a request that announces more without reading it', async () => {
    const { send, end } = begin()
    send(`${good(1)}\n`)
    const blank = ' '.repeat(1024 * 1024)
    for (let sent = 0; sent < 64; sent++) send(blank)
    const text = await end()
    ok(text.startsWith('HTTP/1.1 413 '), text.slice(0, 100))
    ok(text.includes('{"line":1,"status":201,"index":1}\n{"line":2,"status":413,"code":"STREAM_TOO_LONG"'))
    ok(text.includes('{"accepted":1,"known":0,"rejected":1}'))

    const headers = {
      authorization: `Bearer ${service.key}`,
      'content-type': 'application/x-ndjson',
      'content-length': 64 * 1024 * 1024 + 1,
    }
    const { status, json } = await new Promise<{ status: number; json: AnyJson }>((resolve, reject) => {
      const sent = request({ port: service.port, method: 'POST', path: '/v1/records', headers }, async answer => {
        const parts = await answer.toArray()
        sent.destroy()
        resolve({ status: answer.statusCode!, json: JSON.parse(Buffer.concat(parts).toString()) })
      })
      sent.on('error', reject).flushHeaders()
    })
    deepEqual([status, json.code], [413, 'STREAM_TOO_LONG'])
  })

  it('gives others their turn while 99,999 lines are refused', async () => {
    let answered: Awaited<ReturnType<typeof service.stream>>
    const longest = await longestRoundMs(MOST_MS, async () => {
      answered = await service.stream('{\n'.repeat(99_999))
    })
    equal(linesOf(answered!).length, 100_000)
    ok(longest <= MOST_MS, `${longest} ms of processor time in one round of the loop`)
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

  it('holds a line that comes byte by byte in little more memory than its length', async () => {
    const splitter = createLineSplitter(262_144)
    const before = await heldBytes()
    for (let byte = 0; byte < 200_000; byte++) splitter.push(Buffer.from('x'))
    const held = (await heldBytes()) - before
    // Each byte in a buffer of its own would be about 20 MB.
    ok(held < 8_000_000, `${held} bytes`)
    equal(splitter.end()[0]?.bytes?.length, 200_000)
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

  const BOUNDS: StreamBounds = { lines: 1_000_000, bytes: 100_000_000, lineBytes: 100, pendingLines: 4096, pendingBytes: 1_000_000 }
  const TOO_LONG = { status: 413, code: 'STREAM_TOO_LONG', detail: 'too long' }
  const answered = async (text: string, answerLine: AnswerLine, bounds: Partial<StreamBounds> = {}) => {
    const source = new PassThrough()
    source.end(text)
    return answerLines(source, { ...BOUNDS, ...bounds }, answerLine, TOO_LONG)
  }
  const linesIn = (pieces: Iterable<string>): AnyJson[] =>
    [...pieces]
      .join('')
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))

  it('keeps the order of lines whatever the order of their answers', async () => {
    const { pieces } = await answered('x\n'.repeat(50), ({ number }, settle) => {
      setTimeout(() => settle({ status: 201, index: number * 7 }), number % 3 === 0 ? 10 : 0)
    })
    deepEqual(linesIn(pieces()), [
      ...Array.from({ length: 50 }, (_, i) => ({ line: i + 1, status: 201, index: (i + 1) * 7 })),
      { accepted: 50, known: 0, rejected: 0 },
    ])
  })

  it('gives the warnings of a line by their codes', async () => {
    const { pieces } = await answered('x\ny\nz', ({ number }, settle) =>
      settle({ status: 201, index: number, ...(number === 2 && { warnings: ['SILENT_EDIT', 'EMPTY_DOCUMENT'] }) }),
    )
    deepEqual(linesIn(pieces()), [
      { line: 1, status: 201, index: 1 },
      { line: 2, status: 201, index: 2, warnings: ['SILENT_EDIT', 'EMPTY_DOCUMENT'] },
      { line: 3, status: 201, index: 3 },
      { accepted: 3, known: 0, rejected: 0 },
    ])
  })

  it('reads no further while its bound of open lines is reached', async () => {
    const open: ((answer: LineAnswer) => void)[] = []
    const all = answered('x\n'.repeat(20), (_line, settle) => open.push(settle), { pendingLines: 4 })
    for (let index = 0; index < 20; index++) {
      while (open.length <= index) await sleep(1)
      ok(open.length - index <= 4)
      open[index]!({ status: 201, index })
    }
    deepEqual(linesIn((await all).pieces()).at(-1), { accepted: 20, known: 0, rejected: 0 })
  })

  it('keeps 100,000 answers in little memory, and the reasons of refusals up to a bound; every line keeps its code', async () => {
    const reason = 'because of this and that, said at some length, as a reason is. '.repeat(8)
    const before = await heldBytes()
    const { pieces } = await answered('x\n'.repeat(100_000), ({ number }, settle) =>
      settle({ status: 400, code: 'JSON_MALFORMED', detail: `${reason}${number}` }),
    )
    const held = (await heldBytes()) - before
    // Half a kilobyte of text for each of 100,000 lines would be 50 MB.
    ok(held < 10_000_000, `${held} bytes`)
    let count = 0
    for (const piece of pieces()) count += piece.match(/"code":"JSON_MALFORMED"/g)?.length ?? 0
    equal(count, 100_000)
  })

  it('gives no answer to a stream that breaks off', async () => {
    const source = new PassThrough()
    let taken = 0
    const all = answerLines(
      source,
      BOUNDS,
      ({ number }, settle) => {
        taken++
        settle({ status: 201, index: number })
      },
      TOO_LONG,
    )
    const failed = rejects(all, { message: 'cut' })
    source.write('x\ny\n')
    while (taken < 2) await sleep(1)
    source.destroy(new Error('cut'))
    await failed
  })
})

/**
 * The memory still held after full collections. Buffers are counted until a helper thread has freed
 * them, so this waits until nothing more is freed.
 */
async function heldBytes(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  let least = Number.POSITIVE_INFINITY
  for (let unchanged = 0; unchanged < 3; unchanged++) {
    collect()
    await sleep(20)
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    if (heapUsed + arrayBuffers < least - 100_000) unchanged = -1
    least = Math.min(least, heapUsed + arrayBuffers)
  }
  return least
}
