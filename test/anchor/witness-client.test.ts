/** The client of a witness, against servers that answer over HTTP as witnesses must not. */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { createWitnessClient, type WitnessClientOptions } from '../../src/anchor/witness-client.ts'
import { type Hash, hashLeaf } from '../../src/core/hash.ts'
import { parseAddCheckpoint } from '../../src/core/tlog/add-checkpoint.ts'
import { formatCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { cosign, createSigner, ED25519_COSIGNATURE, formatVkey, parseNote, signNote } from '../../src/core/tlog/note.ts'
import { listen, stop } from '../listen.ts'
import { testHost, untilAborted } from '../test-host.ts'

const NOW = 1_790_000_000
const log = createSigner('log.example/1', new Uint8Array(32).fill(1))
const witness = createSigner('witness.example/w1', new Uint8Array(32).fill(2), ED25519_COSIGNATURE)
const other = createSigner('witness.example/w2', new Uint8Array(32).fill(3), ED25519_COSIGNATURE)
const TEXT = formatCheckpoint({ origin: 'log.example/1', size: 8, root: hashLeaf(new Uint8Array(1)) })
const CHECKPOINT = { note: signNote(TEXT, log), size: 8 }
const LINE = cosign(TEXT, NOW, witness)
const SIZE = { 'content-type': 'text/x.tlog.size' }

describe('anchor/witness-client', () => {
  const servers: Server[] = []
  afterEach(() => {
    for (const server of servers.splice(0)) stop(server)
  })

  /** A client of a server; `asked` are the requests' bodies and `proven` the proofs made for them. */
  async function clientOf(answer: RequestListener, changes: Partial<WitnessClientOptions> = {}) {
    const asked: string[] = []
    const proven: string[] = []
    const server = createServer(async (request, response) => {
      asked.push(await text(request))
      answer(request, response)
    })
    servers.push(server)
    const url = await listen(server)
    const host = testHost({ nowMs: () => NOW * 1000 })
    const client = createWitnessClient({ vkey: formatVkey(witness.vkey), url, fetch, host, ...changes })
    const consistency = async (from: number, to: number): Promise<Hash[]> => {
      proven.push(`${from} ${to}`)
      return [hashLeaf(Uint8Array.of(from))]
    }
    const ask = (knownSize = 0, signal?: AbortSignal) => client.cosign(CHECKPOINT, knownSize, consistency, signal)
    return { client, ask, asked, proven, url, olds: () => asked.map(body => parseAddCheckpoint(body).oldSize) }
  }

  const answers =
    (status: number, body = '', headers: { [name: string]: string } = {}): RequestListener =>
    (_request, response) =>
      response.writeHead(status, headers).end(body)
  const refuses = (code: string) => (error: Error & { code?: string }) => {
    assert.equal(error.code, code, error.stack)
    assert.match(error.message, /^[A-Z"].*[.]$/)
    return true
  }

  it('sends the request of C2SP tlog-witness, and returns the line and its time', async () => {
    let seen: IncomingMessage | undefined
    const { ask, asked, proven } = await clientOf((request, response) => {
      seen = request
      response.end(LINE)
    })
    assert.deepEqual(await ask(), { line: LINE.trimEnd(), time: NOW })
    assert.deepEqual([seen?.method, seen?.url], ['POST', '/add-checkpoint'])
    assert.deepEqual([asked, proven], [[`old 0\n\n${CHECKPOINT.note}`], []])
  })

  it('keeps the path of a submission prefix', async () => {
    for (const path of ['/witness', '/witness/', '/witness//']) {
      let seen = ''
      const { url } = await clientOf((request, response) => {
        seen = request.url ?? ''
        response.end(LINE)
      })
      const { ask } = await clientOf(answers(500), { url: url + path })
      await ask()
      assert.equal(seen, '/witness/add-checkpoint')
    }
  })

  it('proves the step from the size that it knows, and none from 0 or from the same size', async () => {
    const { ask, olds, proven } = await clientOf(answers(200, LINE))
    for (const known of [5, 0, 8, 9]) await ask(known)
    assert.deepEqual([olds(), proven], [[5, 0, 8, 8], ['5 8']])
  })

  it('asks again from the size of an answer 409', async () => {
    const { ask, olds, proven } = await clientOf((_request, response) => {
      if (olds().length > 1) response.end(LINE)
      else response.writeHead(409, { 'content-type': 'Text/X.tlog.size; charset=utf-8' }).end('6\n')
    })
    assert.equal((await ask(5)).time, NOW)
    assert.deepEqual(
      [olds(), proven],
      [
        [5, 6],
        ['5 8', '6 8'],
      ],
    )
  })

  it('asks again without a proof if the witness has cosigned this very size', async () => {
    const { ask, olds, proven } = await clientOf((_request, response) => {
      if (olds().length > 1) response.end(LINE)
      else response.writeHead(409, SIZE).end('8\n')
    })
    assert.equal((await ask(5)).time, NOW)
    assert.deepEqual([olds(), proven], [[5, 8], ['5 8']])
  })

  it('ends a loop of answers 409 after four requests', async () => {
    const { ask, olds } = await clientOf((_request, response) => {
      response.writeHead(409, SIZE).end(`${olds().length % 7}\n`)
    })
    await assert.rejects(ask(), refuses('WITNESS_ANSWER'))
    assert.deepEqual(olds(), [0, 1, 2, 3])
  })

  it('reports a witness that has cosigned more than the checkpoint has', async () => {
    const { ask, olds } = await clientOf(answers(409, '9\n', SIZE))
    await assert.rejects(ask(), (error: Error & { size?: number }) => refuses('WITNESS_AHEAD')(error) && error.size === 9)
    assert.equal(olds().length, 1)
  })

  it('gives each refusal its code', async () => {
    const expected = [
      [404, 'WITNESS_UNKNOWN_LOG'],
      [403, 'WITNESS_REFUSED'],
      [400, 'WITNESS_REFUSED'],
      [413, 'WITNESS_REFUSED'],
      [422, 'WITNESS_CONTRADICTED'],
      [429, 'WITNESS_UNREACHABLE'],
      [500, 'WITNESS_UNREACHABLE'],
      [503, 'WITNESS_UNREACHABLE'],
      [201, 'WITNESS_ANSWER'],
      [204, 'WITNESS_ANSWER'],
    ] as const
    for (const [status, code] of expected) {
      const { ask, asked } = await clientOf(answers(status, status === 204 ? '' : '\u001b[31mlines\u202e of the witness'))
      await assert.rejects(ask(), (error: Error) => refuses(code)(error) && !error.message.includes('lines'))
      assert.equal(asked.length, 1)
    }
  })

  it('keeps the words of a refusal in its cause, without what steers a terminal', async () => {
    const { ask } = await clientOf(answers(403, `\u001b[31m${'word '.repeat(1000)}`))
    await assert.rejects(ask(), (error: Error) => {
      const { message } = error.cause as Error
      return message.startsWith('[U+001B][31mword') && message.length < 300
    })
  })

  it('follows no redirect', async () => {
    let followed = 0
    const { url } = await clientOf((_request, response) => {
      followed++
      response.end(LINE)
    })
    for (const status of [301, 302, 303, 307, 308]) {
      const { ask } = await clientOf(answers(status, '', { location: `${url}/add-checkpoint` }))
      await assert.rejects(ask(), refuses('WITNESS_ANSWER'))
    }
    assert.equal(followed, 0)
  })

  it('believes no answer without a valid cosignature by the key of the witness', async () => {
    const later = cosign(TEXT.replace('\n8\n', '\n9\n'), NOW, witness)
    const named = createSigner('witness.example/w1', new Uint8Array(32).fill(9), ED25519_COSIGNATURE)
    const bytes = Buffer.from(LINE.trimEnd().split(' ')[2]!, 'base64')
    const flipped = bytes.with(70, bytes[70]! ^ 1)
    const moved = bytes.with(11, bytes[11]! ^ 1)
    const lineOf = (raw: Uint8Array) => `— witness.example/w1 ${Buffer.from(raw).toString('base64')}\n`
    const bodies = {
      nothing: '',
      page: '<!doctype html>\n<title>Welcome to nginx!</title>\n',
      'the key of another witness': cosign(TEXT, NOW, other),
      'another key of the same name': cosign(TEXT, NOW, named),
      'another checkpoint': later,
      'the log itself': CHECKPOINT.note.split('\n').slice(-2).join('\n'),
      'the whole note': CHECKPOINT.note + LINE,
      'a flipped bit': lineOf(flipped),
      'another time': lineOf(moved),
      'no time': lineOf(Buffer.concat([bytes.subarray(0, 4), bytes.subarray(12)])),
      'one byte more': lineOf(Buffer.concat([bytes, Buffer.of(0)])),
      'a cut line': LINE.trimEnd(),
      'a line end of Windows': LINE.replace('\n', '\r\n'),
      'an empty line before it': `\n${LINE}`,
      'an empty line after it': `${LINE}\n`,
      'an empty line between': `${cosign(TEXT, NOW, other)}\n${LINE}`,
      'an empty line between two that are valid': `${LINE}\n${LINE}`,
      'a dash of another kind': LINE.replace('—', '-'),
      'a page around it': `<pre>\n${LINE}</pre>\n`,
      'a forged line before it': lineOf(flipped) + LINE,
      'a byte order mark': `\ufeff${LINE}`,
      'a hundred and one lines': cosign(TEXT, NOW, other).repeat(100) + LINE,
    }
    for (const [name, body] of Object.entries(bodies)) {
      const { ask } = await clientOf(answers(200, body))
      await assert.rejects(ask(), refuses('WITNESS_ANSWER'), name)
    }
  })

  it('leaves out the lines of other keys, even of types that it does not know', async () => {
    const mldsa = `— witness.example/w1 ${Buffer.alloc(4 + 8 + 2420, 7).toString('base64')}\n`
    for (const body of [cosign(TEXT, NOW, other) + LINE, LINE + mldsa, mldsa + cosign(TEXT, NOW, other) + LINE]) {
      const { ask } = await clientOf(answers(200, body))
      const { line } = await ask()
      assert.equal(`${line}\n`, LINE)
      assert.equal(parseNote(`${CHECKPOINT.note}${line}\n`).signatures.length, 2)
    }
  })

  it('refuses a time of 0, of the far future and of long ago', async () => {
    for (const time of [0, NOW + 601, NOW - 86_401, 2 ** 53 - 1]) {
      const { ask } = await clientOf(answers(200, cosign(TEXT, time, witness)))
      await assert.rejects(ask(), refuses('WITNESS_TIME'))
    }
    for (const time of [NOW + 600, NOW - 86_400]) {
      const { ask } = await clientOf(answers(200, cosign(TEXT, time, witness)))
      assert.equal((await ask()).time, time)
    }
  })

  it('believes no 409 that is not a size', async () => {
    const bodies = ['', '6', '06\n', '6\n\n', '-1\n', '1e1\n', '9007199254740993\n', '<html>\n', '0\n']
    for (const body of bodies) {
      const { ask, asked } = await clientOf(answers(409, body, SIZE))
      await assert.rejects(ask(), refuses('WITNESS_ANSWER'), body)
      assert.equal(asked.length, 1)
    }
    const { ask, asked } = await clientOf(answers(409, '6\n', { 'content-type': 'text/plain' }))
    await assert.rejects(ask(), refuses('WITNESS_ANSWER'))
    assert.equal(asked.length, 1)
  })

  it('stops reading an answer that is too long, unpacked too', async () => {
    let sent = 0
    const { ask } = await clientOf((_request, response) => {
      response.on('error', () => {})
      const more = () => {
        while (!response.destroyed && response.write(LINE.repeat(100))) sent++
      }
      response.on('drain', more)
      more()
    })
    await assert.rejects(ask(), refuses('WITNESS_ANSWER'))
    const packed = gzipSync(Buffer.alloc(30_000_000, LINE))
    const bomb = await clientOf((_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed))
    await assert.rejects(bomb.ask(), refuses('WITNESS_ANSWER'))
    assert.ok(sent < 10_000)
  })

  it('waits no longer than its time for an answer, its head or its end', async () => {
    const silent: RequestListener = () => {}
    const halting: RequestListener = (_request, response) => void response.writeHead(200).write(LINE.slice(0, 20))
    const cut: RequestListener = (_request, response) => {
      response.writeHead(200, { 'content-length': '1000' })
      response.write(LINE, () => response.destroy())
    }
    for (const answer of [silent, halting, cut]) {
      const { ask } = await clientOf(answer, { timeoutMs: 200 })
      await assert.rejects(ask(), refuses('WITNESS_UNREACHABLE'))
    }
  })

  it('reports a witness that cannot be reached', async () => {
    const { url } = await clientOf(answers(200, LINE))
    stop(servers.pop()!)
    const { ask } = await clientOf(answers(200), { url })
    await assert.rejects(ask(), refuses('WITNESS_UNREACHABLE'))
  })

  it('ends with the signal of its caller, and asks nothing after it', async () => {
    const ending = new AbortController()
    const reason = new Error('ended')
    const host = testHost({ sleep: untilAborted })
    const { ask, asked } = await clientOf(() => ending.abort(reason), { host })
    await assert.rejects(ask(0, ending.signal), error => error === reason)
    await assert.rejects(ask(0, ending.signal), error => error === reason)
    assert.equal(asked.length, 1)
  })

  it('asks one thing at a time, in the order of its calls', async () => {
    const open: ServerResponse[] = []
    const { ask, olds } = await clientOf((_request, response) => void open.push(response))
    const calls = [ask(3), ask(4), ask(5)]
    for (let at = 0; at < calls.length; at++) {
      while (open.length <= at) await new Promise(done => setTimeout(done, 5))
      assert.deepEqual(olds(), [3, 4, 5].slice(0, at + 1))
      open[at]!.end(LINE)
      await calls[at]
    }
  })

  it('goes on with the next call after one has failed', async () => {
    const { ask, olds } = await clientOf((_request, response) => response.writeHead(olds().length === 1 ? 500 : 200).end(LINE))
    const [first, second] = await Promise.allSettled([ask(), ask()])
    assert.deepEqual([first.status, second.status], ['rejected', 'fulfilled'])
  })

  it('passes on what the proof throws, and asks nothing', async () => {
    const { client, asked } = await clientOf(answers(200, LINE))
    const reason = new Error('no tile')
    await assert.rejects(
      client.cosign(CHECKPOINT, 3, () => Promise.reject(reason)),
      error => error === reason,
    )
    assert.equal(asked.length, 0)
  })

  it('refuses an address that is not one of HTTP, or that has parts which are not sent', () => {
    const host = testHost()
    const bad = [
      '',
      'witness.example',
      'ftp://w.example',
      'file:///etc/passwd',
      'https://u:p@w.example',
      'http://w.example/?a',
      'http://w.example/#a',
    ]
    for (const url of bad)
      assert.throws(() => createWitnessClient({ vkey: formatVkey(witness.vkey), url, fetch, host }), refuses('WITNESS_URL'), url)
  })

  it('refuses a key that is not the Ed25519 key of a witness', () => {
    const mldsa = `witness.example/w1+00000000+${Buffer.alloc(1313, 6).toString('base64')}`
    for (const vkey of ['', formatVkey(log.vkey), formatVkey(witness.vkey).replace(/\+.{8}\+/, '+00000000+'), mldsa])
      assert.throws(() => createWitnessClient({ vkey, url: 'http://w.example', fetch, host: testHost() }), refuses('WITNESS_KEY'), vkey)
  })
})
