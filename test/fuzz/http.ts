/**
 * The HTTP surface as targets: the interface, and the pages, of real services that are asked for
 * anything in any way, with keys and without.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { type IncomingMessage, request } from 'node:http'
import fc from 'fast-check'
import { parseNote } from '../../src/core/tlog/note.ts'
import { AGENCY, OPERATOR_KEY, openService, statement } from '../http/service.ts'
import { openWorld, AGENCY as PAGES_AGENCY } from '../web/world.ts'
import { mutated, mutatedText } from './mutate.ts'
import { type Target, target } from './target.ts'

const DIGEST = 'ab'.repeat(32)
const PREFIX = DIGEST.slice(0, 3)
const KNOWN = `${DIGEST.slice(0, 63)}0`
const INTERFACE = [
  ...[
    '/checkpoint',
    '/tile/0/000.p/2',
    '/tile/entries/000.p/2',
    '/tile/1/000',
    '/policy.json',
    '/openapi.json',
    '/healthz',
    '/readyz',
    '/metrics',
  ],
  ...['/v1/records', '/v1/records/1', '/v1/records/1/receipt', '/v1/records?cursor=2&limit=3', `/v1/records?sha256=${DIGEST}`],
  ...[
    `/v1/records?agency=${AGENCY}&record=local-1`,
    `/v1/digests/${PREFIX}?after=${KNOWN}`,
    '/v1/receipts/0/2',
    '/v1/statements/0/2',
    '/v1/status',
    '/v1/anchors',
    '/v1/anchors/1',
  ],
  ...['/v1/anchors?after=0', '/v1/proofs/inclusion/1/2', '/v1/proofs/consistency/1/2', '/v1/agencies', `/v1/agencies/${AGENCY}/keys`],
]
const POSTS = ['/v1/records', '/v1/agencies', `/v1/agencies/${AGENCY}/keys`]
const SCRIPT = '<script>alert(1)</script>'
const PAGES = [
  ...[
    '/',
    '/el',
    '/verify',
    '/ar/verify',
    '/records',
    '/records?before=2',
    '/records/1',
    '/uk/records/2',
    '/agencies',
    `/agencies/${PAGES_AGENCY}`,
  ],
  ...[
    '/changes?kind=withdraw',
    '/anchors?range=day',
    '/about',
    '/feed.atom',
    '/fr/feed.atom?before=2',
    `/agencies/${PAGES_AGENCY}/feed.atom`,
  ],
  ...[
    '/records?q=1',
    `/records?q=${DIGEST}`,
    `/de/records?q=${encodeURIComponent(SCRIPT)}`,
    '/openseal-verifier.html',
    '/assets/icon.svg',
    `/verify?sha256=${DIGEST}`,
  ],
]
const LINES = [
  statement(1),
  statement(2, { action: 'withdraw', documents: [], reason: { code: 'other', text: 'x' } }),
  { id: 'a.example', name: 'A' },
].map(value => JSON.stringify(value))
const part = (name: string, file: string, text: string) => `--x\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n${text}\r\n`
const FORMS = [
  `${part('files', '; filename="a.txt"', 'hello')}${part('sha256', '', DIGEST)}--x--\r\n`,
  `sha256=${DIGEST}`,
  `${part('files', `; filename="${SCRIPT}"`, LINES[0]!)}--x--\r\n`,
]
const TYPES = [
  'application/json',
  'application/x-ndjson',
  'multipart/form-data; boundary=x',
  'application/x-www-form-urlencoded',
  'text/plain',
  '',
]

type Asked = {
  readonly method: string
  readonly path: string
  readonly bearer: string
  readonly type: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}
type Answer = { readonly status: number; readonly headers: IncomingMessage['headers']; readonly text: string }

/** Requests that read paths like `gets`, and post to paths like `posts`: one in `share` of them. */
function requests(gets: readonly string[], posts: readonly string[], bodies: readonly string[], share = 2): fc.Arbitrary<Asked> {
  const bearer = fc.constantFrom('agency', 'agency', 'operator', 'none', 'noise')
  const reading = fc.record({
    method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'OPTIONS', 'DELETE', 'PUT'),
    path: fc.oneof(fc.constantFrom(...gets), paths(gets)),
    bearer,
    type: fc.constant(''),
    headers: headersOf('accept-language', 'accept', 'if-none-match', 'range', 'x-forwarded-for', 'accept-encoding', 'cookie'),
    body: fc.constant(new Uint8Array(0)),
  })
  const writing = fc.record({
    method: fc.constant('POST'),
    path: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...posts) }, { weight: 1, arbitrary: paths(posts) }),
    bearer,
    type: fc.constantFrom(...TYPES),
    headers: headersOf('content-encoding', 'accept-language', 'origin', 'referer'),
    body: mutated(bodies),
  })
  return fc.oneof({ weight: share - 1, arbitrary: reading }, { weight: 1, arbitrary: writing })
}

/** Characters that a request line may have: node:http refuses to send others. */
function paths(samples: readonly string[]): fc.Arbitrary<string> {
  return mutatedText(samples).map(text => `/${written(text).replace(/^\/+/, '')}`.slice(0, 2000))
}

function written(text: string): string {
  return text.replace(/[^\u0021-\u007e]/gu, character => (character.isWellFormed() ? encodeURIComponent(character) : '%ED'))
}

function headersOf(...names: readonly string[]): fc.Arbitrary<Record<string, string>> {
  const value = mutatedText(['en, ar;q=0.5', 'text/html', 'bytes=0-', '"etag"', 'gzip', '127.0.0.1']).map(text =>
    text.replace(/[^\t\u0020-\u007e\u0080-\u00ff]/g, '?'),
  )
  return fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 3 })
}

/** Opened at the first input, and open for as long as the process runs. */
const open = {
  service: undefined as ReturnType<typeof openService> | undefined,
  world: undefined as ReturnType<typeof openPages> | undefined,
  digests: undefined as ReturnType<typeof openDigests> | undefined,
}

/** A ledger with some digests that begin alike. */
async function openDigests() {
  const service = await openService()
  const ends = ['0', '1', '5', 'ffff', '']
  const documents = ends.map((end, n) => ({
    name: `${n}.pdf`,
    mediaType: 'application/pdf',
    bytes: 1,
    sha256: `${DIGEST.slice(0, 64 - end.length)}${end}`,
  }))
  for (const record of ['a', 'b', 'c']) await service.submit(statement(1, { record, documents }))
  return service
}

async function openPages() {
  const world = await openWorld()
  for (const n of [1, 2, 3]) await world.submit(`record ${n}`, `text ${n}`)
  await world.anchor()
  await world.anchor()
  return world
}

/** The targets. */
export const HTTP: readonly Target[] = [
  // Looking up by the first digits of a hash: what begins so, in order, or a refusal that does not
  // repeat the digits.
  target('http digests', mutatedText([PREFIX, DIGEST.slice(0, 8), `${PREFIX}?after=${KNOWN}`, KNOWN]), async text => {
    open.digests ??= openDigests()
    const { port } = await open.digests
    const path = `/v1/digests/${written(text)}`.slice(0, 2000)
    const answer = await send(port, '', { method: 'GET', path, bearer: 'none', type: '', headers: {}, body: new Uint8Array(0) })
    checkAnswer(answer)
    if (answer.status !== 200) {
      ok(answer.status >= 400 && (/[?/#]/.test(text) || !/[0-9a-f]{9,}/.test(answer.text)), answer.text)
      return false
    }
    const { prefix, digests } = JSON.parse(answer.text)
    ok(/^[0-9a-f]{3,8}$/.test(prefix), prefix)
    const found = digests.map(({ digest }: { digest: string }) => digest)
    deepEqual(found, [...new Set(found)].sort())
    for (const { digest, indexes } of digests) {
      ok(/^[0-9a-f]{64}$/.test(digest) && digest.startsWith(prefix), digest)
      deepEqual(
        indexes,
        [...indexes].sort((a: number, b: number) => a - b),
      )
    }
    return found.length > 0
  }),
  target('http interface', requests(INTERFACE, POSTS, [...LINES, `${LINES.join('\n')}\n`]), async asked => {
    open.service ??= openService()
    const { port, key, ledger } = await open.service
    const answer = await send(port, key, asked)
    checkAnswer(answer)
    if (answer.status >= 400) checkRefusal(asked, answer)
    // After any request, the ledger's head is the one that its checkpoint signs.
    equal(Number(parseNote(ledger.head().note).text.split('\n')[1]), ledger.head().size)
    return answer.status < 400
  }),
  // Each form has a process of its own, which takes its time to start: what is in forms is a target
  // by itself.
  target('http pages', requests(PAGES, ['/verify', '/el/verify'], FORMS, 40), async asked => {
    open.world ??= openPages()
    const { url } = await open.world
    const answer = await send(Number(new URL(url).port), 'no key', asked)
    checkAnswer(answer)
    // Titles, queries and names of files with markup in them are shown as text.
    ok(!answer.text.includes(SCRIPT), 'markup of others')
    return answer.status < 400
  }),
]

function send(port: number, key: string, { method, path, bearer, type, headers, body }: Asked): Promise<Answer> {
  const keys: Readonly<Record<string, string>> = { agency: key, operator: OPERATOR_KEY, noise: 'x'.repeat(40) }
  const all = {
    ...headers,
    ...(keys[bearer] === undefined ? {} : { authorization: `Bearer ${keys[bearer]}` }),
    ...(type === '' ? {} : { 'content-type': type }),
    ...(body.length === 0 ? {} : { 'content-length': String(body.length) }),
  }
  return new Promise((resolve, reject) => {
    const sent = request({ port, host: '127.0.0.1', method, path, headers: all }, answer => {
      const chunks: Buffer[] = []
      answer.on('data', chunk => chunks.push(chunk)).on('error', reject)
      answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, text: Buffer.concat(chunks).toString() }))
    })
    sent.on('error', reject)
    sent.end(Buffer.from(body))
  })
}

function checkAnswer({ status, text }: Answer): void {
  ok(status !== 500 && status < 504, `${status}: ${text.slice(0, 500)}`)
  ok(!/\n\s+at .*\.ts:\d+/.test(text), 'a stack trace')
}

/** A refusal is a problem document with a code, and no cache keeps it. */
function checkRefusal({ method, path }: Asked, { status, headers, text }: Answer): void {
  equal(headers['cache-control'], 'no-store')
  if (method === 'HEAD' || text === '' || !String(headers['content-type']).startsWith('application/problem+json')) return
  const problem = JSON.parse(text)
  deepEqual([problem.status, typeof problem.detail], [status, 'string'], path)
  ok(/^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/.test(problem.code), problem.code)
}
