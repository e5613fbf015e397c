/** Reading over HTTP: the log's own files, proofs, ranges, and what every answer carries. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { fromHex, toUtf8 } from '../../src/core/bytes.ts'
import { hashLeaf } from '../../src/core/hash.ts'
import { encodeEntry } from '../../src/core/statements/entry.ts'
import { parseCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { parseNote, parseVkey, verifyNote } from '../../src/core/tlog/note.ts'
import { verifyConsistency, verifyInclusion } from '../../src/core/tlog/proof.ts'
import { decodeBundle } from '../../src/core/tlog/tile.ts'
import { createMetrics } from '../../src/http/metrics.ts'
import { AGENCY, type AnyJson, linesOf, OTHER_AGENCY, openService, type Service, statement } from './service.ts'

const IMMUTABLE = 'public, max-age=31536000, immutable'
const SIZE = 301

describe('http: reads', () => {
  let service: Service
  before(async () => {
    service = await openService()
    await service.stream(Array.from({ length: SIZE - 1 }, (_, n) => JSON.stringify(statement(n))).join('\n'))
    equal(service.ledger.head().size, SIZE)
  })
  after(() => service.close())

  it('serves the checkpoint as a note that the log key signed, never cached', async () => {
    const { text, headers } = await service.get('/checkpoint')
    equal(verifyNote(text, [parseVkey(service.ledger.vkey)]).length, 1)
    equal(parseCheckpoint(parseNote(text).text).size, SIZE)
    deepEqual([headers['content-type'], headers['cache-control']], ['text/plain; charset=utf-8', 'no-store'])
  })

  it('lists the digests under a prefix with their entries, so that a reader names no file', async () => {
    const { sha256 } = statement(7).documents[0]!
    const { json, headers } = await service.get(`/v1/digests/${sha256.slice(0, 3)}`)
    equal(headers['cache-control'], 'no-store')
    equal(json.prefix, sha256.slice(0, 3))
    const all = Array.from({ length: SIZE - 1 }, (_, n) => ({ digest: statement(n).documents[0]!.sha256, indexes: [n + 1] }))
    const wanted = all.filter(({ digest }) => digest.startsWith(json.prefix)).sort((a, b) => (a.digest < b.digest ? -1 : 1))
    deepEqual(json.digests, wanted)
    deepEqual((await service.get(`/v1/digests/${sha256.slice(0, 8)}`)).json.digests, [{ digest: sha256, indexes: [8] }])
    deepEqual((await service.get(`/v1/digests/${sha256.slice(0, 8)}?after=${sha256}`)).json.digests, [])
  })

  it('says where more digests follow than one answer holds, and goes on after the last one', async () => {
    const start = '01234567'
    const digests = Array.from({ length: 4100 }, (_, n) => start + String(n).padStart(56, '0'))
    const documents = digests.map((sha256, n) => ({ name: `${n}.pdf`, mediaType: 'application/pdf', bytes: 3, sha256 }))
    const lines = Array.from({ length: 21 }, (_, n) => statement(1000 + n, { documents: documents.slice(n * 200, (n + 1) * 200) }))
    const crowded = await openService()
    await crowded.stream(lines.map(line => JSON.stringify(line)).join('\n'))
    const first = (await crowded.get(`/v1/digests/${start}`)).json
    deepEqual([first.digests.length, first.truncated], [4096, true])
    const rest = (await crowded.get(`/v1/digests/${start}?after=${first.digests.at(-1).digest}`)).json
    equal(rest.truncated, undefined)
    deepEqual(
      [...first.digests, ...rest.digests].map(({ digest }: AnyJson) => digest),
      digests,
    )
    await crowded.close()
  })

  it('keeps digests out of its log and its metrics, and repeats none in a refusal', async () => {
    const metrics = createMetrics({ ledger: service.ledger, host: service.host })
    const watched = await openService({ metrics })
    const { sha256 } = statement(7).documents[0]!
    for (const path of [`/v1/digests/${sha256}`, `/v1/digests/${sha256.slice(0, 9)}`, `/v1/digests/ab`, `/v1/digests/ABC`]) {
      const { status, json, text } = await watched.get(path)
      deepEqual([status, json.code, text.includes(sha256.slice(0, 9))], [400, 'DIGEST_PREFIX', false], path)
    }
    watched.store.digestsWithPrefix = watched.store.listByDigest = async () => {
      throw new Error('the disk is gone')
    }
    for (const path of [`/v1/digests/${sha256.slice(0, 4)}?after=${sha256}`, `/v1/records?sha256=${sha256}`])
      equal((await watched.get(path)).status, 500)
    equal(watched.logged.length, 2)
    const told = watched.logged.join('') + (await metrics.text())
    ok(!told.includes(sha256) && told.includes('/v1/digests/:prefix'))
    await watched.close()
  })

  it('serves a tile and an entry bundle at any width up to the committed one, immutably', async () => {
    const full = await service.ask('GET', '/tile/0/000')
    deepEqual([full.status, full.headers['content-length'], full.headers['cache-control']], [200, '8192', IMMUTABLE])
    equal(full.headers['content-type'], 'application/octet-stream')
    for (const [path, bytes] of [
      ['/tile/0/001.p/45', 45 * 32],
      ['/tile/0/001.p/1', 32],
      ['/tile/1/000.p/1', 32],
      ['/tile/0/000.p/255', 255 * 32],
    ] as const)
      equal((await service.get(path)).headers['content-length'], String(bytes), path)
    const bundle = await fetch(`http://127.0.0.1:${service.port}/tile/entries/001.p/45`)
    const text = await service.ledger.statement(300)
    deepEqual(decodeBundle(new Uint8Array(await bundle.arrayBuffer()), 45)[44], encodeEntry(toUtf8(text!)))
  })

  for (const path of [
    '/tile/0/000/',
    '/tile/0/0',
    '/tile/0/0000',
    '/tile/00/000',
    '/tile/0/x000/000',
    '/tile/0/000.p/256',
    '/tile/0/000.p/0',
    '/tile/0/000.p/01',
    '/tile/0/%30%30%30',
    '/tile//0/000',
    '//tile/0/000',
    '/TILE/0/000',
    '/tile/64/000',
    '/tile/entries/0',
    '/tile/0/001',
    '/tile/0/001.p/46',
    '/tile/0/002.p/1',
    '/tile/entries/001',
    '/tile/1/000',
    '/tile',
    '/tile/',
    '/Checkpoint',
    '/checkpoint/',
    '/tile/0/999999999999999999999',
  ]) {
    it(`answers ${path} with 404, never cached`, async () => {
      const answer = await service.get(path)
      deepEqual(
        [answer.status, answer.headers['cache-control'], answer.headers['content-type']],
        [404, 'no-store', 'application/problem+json'],
      )
    })
  }

  it('serves proofs that verify, immutably', async () => {
    for (const [index, size] of [
      [0, 1],
      [0, SIZE],
      [299, SIZE],
      [128, 200],
    ] as const) {
      const { json, headers } = await service.get(`/v1/proofs/inclusion/${index}/${size}`)
      equal(headers['cache-control'], IMMUTABLE)
      const proof = json.proof.map((hash: string) => fromHex(hash))
      verifyInclusion({ index, size, leafHash: fromHex(json.leafHash), root: fromHex(json.root), proof })
      equal(json.leafHash, Buffer.from(hashLeaf(encodeEntry(toUtf8((await service.ledger.statement(index))!)))).toString('hex'))
    }
    for (const [from, to] of [
      [0, SIZE],
      [SIZE, SIZE],
      [1, 256],
      [77, 301],
    ] as const) {
      const { json } = await service.get(`/v1/proofs/consistency/${from}/${to}`)
      const proof = json.proof.map((hash: string) => fromHex(hash))
      if (from === 0 || from === to) deepEqual(proof, [])
      verifyConsistency({ from, to, fromRoot: fromHex(json.fromRoot), toRoot: fromHex(json.toRoot), proof })
    }
  })

  for (const [path, status, code] of [
    ['/v1/proofs/consistency/5/4', 400, 'PROOF_RANGE'],
    ['/v1/proofs/consistency/9000/4', 400, 'PROOF_RANGE'],
    ['/v1/proofs/consistency/1/302', 404, 'SIZE_NOT_FOUND'],
    ['/v1/proofs/consistency/007/8', 400, 'NUMBER_MALFORMED'],
    ['/v1/proofs/inclusion/5/5', 400, 'PROOF_RANGE'],
    ['/v1/proofs/inclusion/5/302', 404, 'SIZE_NOT_FOUND'],
    ['/v1/proofs/inclusion/x/5', 400, 'NUMBER_MALFORMED'],
    ['/v1/receipts/0/10001', 400, 'RANGE_TOO_LARGE'],
    ['/v1/statements/5/10006', 400, 'RANGE_TOO_LARGE'],
    ['/v1/receipts/2/1', 400, 'RANGE_MALFORMED'],
    ['/v1/receipts/0/1e2', 400, 'NUMBER_MALFORMED'],
    ['/v1/anchors/1', 404, 'ANCHOR_NOT_FOUND'],
    ['/v1/anchors/01', 400, 'NUMBER_MALFORMED'],
    ['/v1/anchors?before=1', 400, 'QUERY_MALFORMED'],
    ['/v1/rounds/1', 404, 'ROUND_NOT_FOUND'],
    ['/v1/rounds/01', 400, 'NUMBER_MALFORMED'],
    ['/v1/rounds?limit=101', 400, 'QUERY_MALFORMED'],
    ['/v1/agencies/nobody.example', 404, 'AGENCY_NOT_FOUND'],
    ['/v1/agencies/%E0%A4%A', 404, 'AGENCY_NOT_FOUND'],
    ['/v1/nothing', 404, 'ROUTE_NOT_FOUND'],
    ['/v1/records/', 404, 'ROUTE_NOT_FOUND'],
    ['/V1/records', 404, 'ROUTE_NOT_FOUND'],
  ] as const) {
    it(`answers GET ${path} with ${status} ${code}, never cached`, async () => {
      const { status: got, json, headers } = await service.get(path)
      deepEqual([got, json.code, headers['cache-control']], [status, code, 'no-store'])
    })
  }

  it('serves receipts and statements of a range, one line an index, and leaves out what is not there yet', async () => {
    const receipts = linesOf(await service.get('/v1/receipts/298/10000'))
    deepEqual(
      receipts.map(({ index }) => index),
      [298, 299, 300],
    )
    for (const { index, receipt } of receipts) deepEqual(receipt, (await service.get(`/v1/records/${index}/receipt`)).json)
    const statements = linesOf(await service.get('/v1/statements/0/301'))
    equal(statements.length, 301)
    deepEqual(statements[0].statement.type, 'openseal/genesis@v1')
    deepEqual(statements[300], { index: 300, statement: JSON.parse((await service.ledger.statement(300))!) })
    equal((await service.get('/v1/receipts/301/301')).text, '')
  })

  it('answers HEAD as GET without the body, for cacheable answers too', async () => {
    for (const path of ['/checkpoint', '/tile/0/000', '/v1/records/1', '/v1/status', '/healthz', '/policy.json', '/']) {
      const [head, get] = [await service.ask('HEAD', path), await service.get(path)]
      deepEqual([path, head.status, head.text, head.headers['content-length']], [path, 200, '', get.headers['content-length']])
      equal(head.headers['cache-control'], get.headers['cache-control'])
    }
    equal((await service.ask('HEAD', '/v1/records/9999')).status, 404)
  })

  it('lets any origin read, errors too, and none write', async () => {
    for (const path of ['/v1/records/1', '/checkpoint', '/tile/0/000', '/v1/records/9999', '/nothing'])
      equal((await service.get(path, { origin: 'https://example.org' })).headers['access-control-allow-origin'], '*')
    const preflight = await service.ask('OPTIONS', '/v1/records', {
      headers: { origin: 'https://example.org', 'access-control-request-method': 'POST' },
    })
    deepEqual([preflight.status, preflight.headers['access-control-allow-methods']], [204, 'GET, HEAD, OPTIONS'])
    equal((await service.submit(statement(1))).headers['access-control-allow-origin'], undefined)
  })

  it('answers a wrong method with 405 and what is allowed', async () => {
    for (const [method, path, allow] of [
      ['DELETE', '/v1/records', 'GET, HEAD, OPTIONS, POST'],
      ['POST', '/checkpoint', 'GET, HEAD, OPTIONS'],
      ['PUT', '/v1/records/1', 'GET, HEAD, OPTIONS'],
    ] as const) {
      const answer = await service.ask(method, path)
      deepEqual([answer.status, answer.json.code, answer.headers.allow], [405, 'METHOD_NOT_ALLOWED', allow])
    }
  })

  it('shows a page at / that says how to verify and runs no foreign script', async () => {
    const { text, headers } = await service.get('/')
    match(text, /openseal verify/)
    match(String(headers['content-security-policy']), /default-src 'none'/)
    equal(headers['x-content-type-options'], 'nosniff')
  })

  it('counts requests by route and never by path', async () => {
    await service.get('/v1/records/7')
    await service.get('/never-seen-before')
    const { text, headers } = await service.get('/metrics')
    match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/)
    match(text, /openseal_http_requests_total\{method="GET",route="\/v1\/records\/:index",status="200"\} \d+/)
    match(text, /^openseal_tree_size 301$/m)
    match(text, /^openseal_submissions_total\{outcome="accepted"\} 300$/m)
    match(text, /^openseal_anchor_unanchored_entries 301$/m)
    ok(!text.includes('never-seen-before'))
  })

  it('hides the cause of an internal error and logs it', async () => {
    const secret = 'the password is swordfish'
    const broken = await openService({
      policy: () => {
        throw new Error(secret)
      },
    })
    const answer = await broken.get('/policy.json')
    deepEqual([answer.status, answer.json.code, answer.text.includes(secret)], [500, 'INTERNAL', false])
    ok(broken.logged.some(line => line.includes(secret)))
    await broken.close()
  })
})

describe('http: agencies', () => {
  let service: Service
  before(async () => {
    service = await openService()
  })
  after(() => service.close())
  const operate = (method: string, path: string, body: unknown = '', key: string | undefined = OPERATOR) =>
    service.send(path, body, key, 'application/json', method)
  const OPERATOR = 'operator-key-of-the-tests'

  it('registers an agency once, and shows it to anyone', async () => {
    const made = await operate('POST', '/v1/agencies', { id: 'court.example.org', name: 'The Court' })
    deepEqual([made.status, made.headers.location], [201, '/v1/agencies/court.example.org'])
    deepEqual((await service.get('/v1/agencies/court.example.org')).json, made.json)
    deepEqual((await operate('POST', '/v1/agencies', { id: 'court.example.org', name: 'Again' })).json.code, 'AGENCY_EXISTS')
    ok((await service.get('/v1/agencies')).json.agencies.some((agency: AnyJson) => agency.id === 'court.example.org'))
  })

  it('makes a key, shows it once, and revokes it at once', async () => {
    const made = await operate('POST', `/v1/agencies/${AGENCY}/keys`, { label: 'night import' })
    equal(made.status, 201)
    equal((await service.submit(statement(1), made.json.key)).status, 201)
    const listed = (await operate('GET', `/v1/agencies/${AGENCY}/keys`)).text
    ok(listed.includes(made.json.keyId) && !listed.includes(made.json.key))
    const path = `/v1/agencies/${AGENCY}/keys/${made.json.keyId}`
    deepEqual((await operate('GET', path)).json.label, 'night import')
    equal((await operate('DELETE', path)).status, 204)
    deepEqual((await service.submit(statement(2), made.json.key)).json.code, 'KEY_REVOKED')
    ok((await operate('GET', path)).json.revoked)
    ok(!service.logged.some(line => line.includes(made.json.key)))
  })

  it("lets an agency's admin key make and revoke keys of its own agency, from anywhere", async () => {
    const { json: admin } = await operate('POST', `/v1/agencies/${AGENCY}/keys`, { role: 'admin' })
    const made = await operate('POST', `/v1/agencies/${AGENCY}/keys`, { label: 'desk' }, admin.key)
    equal(made.status, 201)
    equal((await operate('GET', `/v1/agencies/${AGENCY}/keys/${made.json.keyId}`, '', admin.key)).json.role, 'submit')
    equal((await operate('DELETE', `/v1/agencies/${AGENCY}/keys/${made.json.keyId}`, '', admin.key)).status, 204)
    for (const method of ['GET', 'POST'])
      equal(
        (await operate(method, `/v1/agencies/${OTHER_AGENCY}/keys`, method === 'GET' ? '' : {}, admin.key)).json.code,
        'KEY_OTHER_AGENCY',
      )
    equal((await operate('DELETE', `/v1/agencies/${AGENCY}/keys/${admin.keyId}`)).status, 204)
    equal((await operate('GET', `/v1/agencies/${AGENCY}/keys`, '', admin.key)).json.code, 'KEY_REVOKED')
  })

  it('tells a key about itself', async () => {
    const { json } = await operate('GET', '/v1/key', '', service.key)
    deepEqual(json, { agency: AGENCY, keyId: service.keyId, role: 'submit', created: json.created })
    equal((await service.get('/v1/key')).json.code, 'KEY_MISSING')
  })

  for (const [what, ask, status, code] of [
    ['no operator key', () => service.send('/v1/agencies', { id: 'a.example', name: 'A' }, undefined), 401, 'OPERATOR_KEY_MISSING'],
    ['a wrong operator key', () => operate('POST', '/v1/agencies', { id: 'a.example', name: 'A' }, 'wrong'), 401, 'OPERATOR_KEY_WRONG'],
    ["an agency's key that may only submit", () => operate('GET', `/v1/agencies/${AGENCY}/keys`, '', service.key), 403, 'KEY_ROLE'],
    ["an agency's key as the operator's", () => operate('POST', '/v1/agencies', {}, service.key), 401, 'OPERATOR_KEY_WRONG'],
    ['a role that does not exist', () => operate('POST', `/v1/agencies/${AGENCY}/keys`, { role: 'root' }), 400, 'KEY_MALFORMED'],
    ['an id in capitals', () => operate('POST', '/v1/agencies', { id: 'A.example', name: 'A' }), 400, 'AGENCY_MALFORMED'],
    ['an id of one label', () => operate('POST', '/v1/agencies', { id: 'example', name: 'A' }), 400, 'AGENCY_MALFORMED'],
    ['an agency without a name', () => operate('POST', '/v1/agencies', { id: 'a.example' }), 400, 'AGENCY_MALFORMED'],
    ['an unknown member', () => operate('POST', '/v1/agencies', { id: 'a.example', name: 'A', admin: true }), 400, 'AGENCY_MALFORMED'],
    ['what is not JSON', () => operate('POST', '/v1/agencies', '{'), 400, 'JSON_MALFORMED'],
    ['a key for an unknown agency', () => operate('POST', '/v1/agencies/nobody.example/keys', {}), 404, 'AGENCY_NOT_FOUND'],
    [
      'a key that has expired already',
      () => operate('POST', `/v1/agencies/${AGENCY}/keys`, { expires: '2020-01-01T00:00:00Z' }),
      400,
      'KEY_MALFORMED',
    ],
    [
      'a date that does not exist',
      () => operate('POST', `/v1/agencies/${AGENCY}/keys`, { expires: '2027-02-30T00:00:00Z' }),
      400,
      'KEY_MALFORMED',
    ],
    ['an unknown key', () => operate('DELETE', `/v1/agencies/${AGENCY}/keys/0123`), 404, 'KEY_NOT_FOUND'],
  ] as const) {
    it(`refuses ${what} with ${status} ${code}`, async () => {
      const answer = await ask()
      deepEqual([answer.status, answer.json.code], [status, code])
    })
  }
})
