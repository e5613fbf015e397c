/** Submitting one record: exactly once, by the right agency, and every kind of bad input. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { parseReceipt } from '../../src/core/receipt.ts'
import { AGENCY, type Answer, linesOf, OPERATOR_KEY, OTHER_AGENCY, openService, type Service, statement } from './service.ts'
import { head, sendRaw } from './socket.ts'

describe('http: records', () => {
  let service: Service
  before(async () => {
    service = await openService()
  })
  after(() => service.close())

  const refused = (answer: Answer, status: number, code: string) => {
    deepEqual({ status: answer.status, code: answer.json?.code }, { status, code })
    equal(answer.headers['content-type'], 'application/problem+json')
    equal(answer.headers['cache-control'], 'no-store')
    deepEqual(Object.keys(answer.json), ['type', 'title', 'status', 'code', 'detail'])
    equal(answer.json.status, status)
  }

  it('answers a new statement with 201, its index, its receipt and its Location', async () => {
    const answer = await service.submit(statement(1))
    equal(answer.status, 201)
    equal(answer.headers.location, `/v1/records/${answer.json.index}`)
    const receipt = parseReceipt(JSON.stringify(answer.json.receipt))
    deepEqual(receipt.anchors, [])
    const { salt, ...rest } = receipt.statement as Record<string, unknown>
    deepEqual(rest, statement(1))
    equal(String(salt).length, 43)
    const again = await service.get(`/v1/records/${answer.json.index}/receipt`)
    deepEqual(again.json, answer.json.receipt)
  })

  it('answers the same statement again with 200, the same index and the stored salt, whatever salt it carries', async () => {
    const first = await service.submit(statement(2))
    const again = await service.submit(statement(2, { salt: 'A'.repeat(43) }))
    deepEqual([again.status, again.json.index], [200, first.json.index])
    equal(again.json.receipt.statement.salt, first.json.receipt.statement.salt)
    equal(again.headers.location, first.headers.location)
  })

  it('gives equal statements submitted at the same moment one index, new for exactly one of them', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => service.submit(statement(3))))
    equal(new Set(answers.map(answer => answer.json.index)).size, 1)
    deepEqual(answers.map(answer => answer.status).sort(), [...Array(19).fill(200), 201])
  })

  const ndjson = 'application/x-ndjson'
  const cases: [string, () => ReturnType<Service['ask']>, number, string][] = [
    ['no key', () => service.send('/v1/records', statement(9), undefined), 401, 'KEY_MISSING'],
    ['no key on a stream', () => service.send('/v1/records', '', undefined, ndjson), 401, 'KEY_MISSING'],
    ['an unknown key', () => service.submit(statement(9), 'osk_0123456789abcdef_'.padEnd(64, 'x')), 401, 'KEY_UNKNOWN'],
    ['the operator key', () => service.submit(statement(9), OPERATOR_KEY), 401, 'KEY_UNKNOWN'],
    ["another agency's name", () => service.submit(statement(9, { agency: OTHER_AGENCY })), 403, 'KEY_OTHER_AGENCY'],
    ['another type of body', () => service.send('/v1/records', 'x', service.key, 'text/plain'), 415, 'BODY_TYPE'],
    ['no type of body', () => service.send('/v1/records', 'x', service.key, ''), 415, 'BODY_TYPE'],
    ['an empty body', () => service.submit(''), 400, 'JSON_MALFORMED'],
    ['a body that is cut off', () => service.submit(JSON.stringify(statement(9)).slice(0, -5)), 400, 'JSON_MALFORMED'],
    ['a duplicate key', () => service.submit('{"agency":"a.example","agency":"a.example"}'), 400, 'JSON_DUPLICATE_KEY'],
    ['a lone surrogate', () => service.submit(JSON.stringify(statement(9, { title: 'x\ud800' }))), 400, 'JSON_SURROGATE'],
    ['null', () => service.submit(statement(9, { title: null })), 400, 'JSON_NULL'],
    ['text that is not UTF-8', () => service.submit(Buffer.from([0x22, 0xff, 0x22])), 400, 'JSON_NOT_UTF8'],
    ['a byte order mark', () => service.submit(`\ufeff${JSON.stringify(statement(9))}`), 400, 'JSON_NOT_UTF8'],
    ['too many brackets', () => service.submit('['.repeat(2000)), 400, 'JSON_DEPTH'],
    ['a list', () => service.submit('[]'), 400, 'STATEMENT_MALFORMED'],
    ['an unknown member', () => service.submit(statement(9, { extra: 1 })), 400, 'STATEMENT_MALFORMED'],
    ['an unknown type', () => service.submit(statement(9, { type: 'openseal/statement@v2' })), 400, 'STATEMENT_UNSUPPORTED'],
    ['a date that does not exist', () => service.submit(statement(9, { published: '2026-02-30T00:00:00Z' })), 400, 'STATEMENT_MALFORMED'],
    ['a withdrawal without a reason', () => service.submit(statement(9, { action: 'withdraw' })), 400, 'STATEMENT_MALFORMED'],
    ['no documents', () => service.submit(statement(9, { documents: [] })), 400, 'STATEMENT_MALFORMED'],
    ['a record id of 513 bytes', () => service.submit(statement(9, { record: 'é'.repeat(257) })), 400, 'STATEMENT_MALFORMED'],
    [
      'a hash in capitals',
      () => service.submit(statement(9, { documents: [{ name: 'a', mediaType: 'a/b', bytes: 1, sha256: 'AB'.repeat(32) }] })),
      400,
      'STATEMENT_MALFORMED',
    ],
    ['a title of 160 KiB', () => service.submit(statement(9, { title: 'x'.repeat(160 * 1024) })), 413, 'STATEMENT_TOO_LARGE'],
    ['a body of 300 KiB', () => service.submit(statement(9, { title: 'x'.repeat(300 * 1024) })), 413, 'BODY_TOO_LARGE'],
  ]
  for (const [what, send, status, code] of cases) {
    it(`refuses ${what} with ${status} ${code} and logs nothing in the tree`, async () => {
      const { size } = service.ledger.head()
      const answer = await send()
      refused(answer, status, code)
      equal(service.ledger.head().size, size)
      if (status === 401) equal(answer.headers['www-authenticate'], 'Bearer realm="openseal"')
    })
  }

  it('names the member that is wrong', async () => {
    match((await service.submit(statement(9, { extra: 1 }))).json.detail, /unknown member "extra"/)
    match((await service.submit(statement(9, { documents: [{ name: '' }] }))).json.detail, /documents\[0\] lacks mediaType/)
    match((await service.submit(statement(9, { record: 'a ' }))).json.detail, /record begins or ends with white space/)
  })

  it('takes a body that comes with its head, after it, in pieces or in chunks', async () => {
    const text = JSON.stringify(statement(990, { title: 'Ζώνη' }))
    const body = Buffer.from(text)
    const sent = ['Content-Type: application/json', `Authorization: Bearer ${service.key}`]
    const withLength = Buffer.from(head('POST', '/v1/records', [...sent, `Content-Length: ${body.length}`]))
    const chunked = head('POST', '/v1/records', [...sent, 'Transfer-Encoding: chunked'])
    const ways: [string, (string | Buffer)[]][] = [
      ['with its head', [Buffer.concat([withLength, body])]],
      ['behind its head', [withLength, body]],
      // A piece ends within a character.
      ['in pieces', [Buffer.concat([withLength, body.subarray(0, 9)]), ...Array.from(body.subarray(9), byte => Buffer.of(byte))]],
      ['in chunks', [Buffer.concat([Buffer.from(`${chunked}${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')])]],
    ]
    const answers = []
    for (const [way, pieces] of ways) answers.push({ way, answer: await sendRaw(service.port, pieces, way === 'behind its head' ? 50 : 1) })
    deepEqual(
      answers.map(({ way, answer }) => [way, answer.status]),
      ways.map(([way], at) => [way, at === 0 ? 201 : 200]),
    )
    const receipts = answers.map(({ answer }) => JSON.parse(answer.body.slice(answer.body.indexOf('{'), answer.body.lastIndexOf('}') + 1)))
    for (const { index, receipt } of receipts) deepEqual([index, receipt.statement.title], [receipts[0].index, 'Ζώνη'])
  })

  it('refuses a request without a body, however that is announced', async () => {
    const sent = ['Content-Type: application/json', `Authorization: Bearer ${service.key}`]
    for (const headers of [[], ['Content-Length: 0'], ['Transfer-Encoding: chunked']]) {
      const end = headers[0]?.startsWith('Transfer') ? ['0\r\n\r\n'] : []
      const answer = await sendRaw(service.port, [head('POST', '/v1/records', [...sent, ...headers]), ...end], 20)
      deepEqual([answer.status, JSON.parse(answer.body).code], [400, 'JSON_MALFORMED'])
    }
  })

  it('refuses a chunked body of unknown length that grows over the bound', async () => {
    const body = JSON.stringify(statement(9, { title: 'x'.repeat(300_000) }))
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${service.key}`, 'transfer-encoding': 'chunked' }
    refused(await service.ask('POST', '/v1/records', { body, headers }), 413, 'BODY_TOO_LARGE')
  })

  it('refuses a compressed body', async () => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${service.key}`, 'content-encoding': 'gzip' }
    refused(await service.ask('POST', '/v1/records', { body: 'x', headers }), 415, 'BODY_ENCODING')
  })

  it('refuses a key that was revoked, and one that has expired, and takes it until then', async () => {
    const { key, keyId } = await service.agencies.addKey(AGENCY, { expires: '2026-01-31T01:00:00Z' })
    equal((await service.submit(statement(10), key)).status, 201)
    service.clock.nowMs += 2 * 3_600_000
    refused(await service.submit(statement(10), key), 401, 'KEY_EXPIRED')
    await service.agencies.revokeKey(AGENCY, keyId)
    refused(await service.submit(statement(10), key), 401, 'KEY_REVOKED')
  })

  it('shows a record with its statement, state, versions and flags', async () => {
    const first = await service.submit(statement(20, { revision: 'r1' }))
    const second = await service.submit(statement(20, { revision: 'r1', documents: statement(21).documents }))
    const { json } = await service.get(`/v1/records/${second.json.index}`)
    deepEqual(json, {
      index: second.json.index,
      state: 'sealed',
      statement: second.json.receipt.statement,
      versions: [
        { index: first.json.index, action: 'publish', published: '2026-01-30T12:00:00Z', revision: 'r1', edited: true },
        {
          index: second.json.index,
          action: 'publish',
          published: '2026-01-30T12:00:00Z',
          revision: 'r1',
          flag: 'silent-edit',
          edited: true,
        },
      ],
      changes: [{ index: first.json.index, what: 'edited' }],
    })
  })

  it('shows a record as anchored, its receipt too, as soon as a final anchor covers it', async () => {
    const other = await openService()
    const { json } = await other.submit(statement(1))
    const anchor = {
      type: 'evm',
      chainId: 31337,
      contract: `0x${'11'.repeat(20)}`,
      logId: `0x${'33'.repeat(32)}`,
      size: 2,
      root: Buffer.from(other.ledger.head().root).toString('hex'),
      transaction: `0x${'44'.repeat(32)}`,
      block: { number: 7, hash: `0x${'55'.repeat(32)}`, time: '2026-01-31T00:00:00Z' },
    } as const
    await other.ledger.setFinal(anchor)
    await other.submit(statement(2))
    const shown = (await other.get(`/v1/records/${json.index}`)).json
    deepEqual([shown.state, shown.anchor], ['anchored', anchor])
    const { root: _, ...hint } = anchor
    deepEqual((await other.get(`/v1/records/${json.index}/receipt`)).json.anchors, [hint])
    equal((await other.get('/v1/records/2')).json.state, 'sealed')
    deepEqual((await other.get('/v1/anchors')).json, { latest: anchor, final: [anchor], pending: [] })
    deepEqual((await other.get('/v1/anchors/2')).json, anchor)
    refused(await other.get('/v1/anchors/1'), 404, 'ANCHOR_NOT_FOUND')
    deepEqual((await other.get('/v1/status')).json.anchored, { size: 2, time: '2026-01-31T00:00:00Z' })
    equal((await other.get('/v1/status')).json.behind, 1)
    await other.close()
  })

  for (const [path, status, code] of [
    ['/v1/records/007', 400, 'NUMBER_MALFORMED'],
    ['/v1/records/-1', 400, 'NUMBER_MALFORMED'],
    ['/v1/records/1e3', 400, 'NUMBER_MALFORMED'],
    ['/v1/records/99999999999999999999', 400, 'NUMBER_MALFORMED'],
    ['/v1/records/4000', 404, 'RECORD_NOT_FOUND'],
    ['/v1/records/4000/receipt', 404, 'RECORD_NOT_FOUND'],
    ['/v1/records?sha256=AA', 400, 'QUERY_MALFORMED'],
    ['/v1/records?record=x', 400, 'QUERY_MALFORMED'],
    ['/v1/records?limit=101', 400, 'QUERY_MALFORMED'],
    ['/v1/records?colour=red', 400, 'QUERY_MALFORMED'],
    ['/v1/records?cursor=1&cursor=2', 400, 'QUERY_MALFORMED'],
  ] as const) {
    it(`answers GET ${path} with ${status} ${code}`, async () => refused(await service.get(path), status, code))
  }

  it('finds records by the hash of a document, by agency and by record id, newest first', async () => {
    const { json } = await service.submit(statement(30))
    const { sha256 } = statement(30).documents[0]!
    for (const query of [`sha256=${sha256}`, `agency=${AGENCY}&record=local-30`, `agency=${AGENCY}&limit=1`, 'limit=1']) {
      const found = (await service.get(`/v1/records?${query}`)).json.records
      deepEqual([query, found.map((record: { index: number }) => record.index)], [query, [json.index]])
      deepEqual([found[0].record, found[0].state], ['local-30', 'sealed'])
    }
    deepEqual((await service.get(`/v1/records?sha256=${'00'.repeat(32)}`)).json, { records: [] })
    // Of SHA-1: why it is not looked up.
    match((await service.get(`/v1/records?sha256=${'00'.repeat(20)}`)).json.detail, /^sha256: .*other hashes are not recorded here$/)
  })

  it('finds any number of statements of one record, or of one document, over pages, newest first', async () => {
    const { documents } = statement(31)
    const lines = Array.from({ length: 25 }, (_, i) => ({ ...statement(31), revision: `v${i}`, documents }))
    await service.stream(lines.map(line => JSON.stringify(line)).join('\n'))
    for (const query of [`agency=${AGENCY}&record=${statement(31).record}`, `sha256=${documents[0]!.sha256}`]) {
      const seen: string[] = []
      for (let cursor = ''; ; ) {
        const page = (await service.get(`/v1/records?${query}&limit=10${cursor}`)).json
        seen.push(...page.records.map((record: { revision: string }) => record.revision))
        if (page.cursor === undefined) break
        cursor = `&cursor=${page.cursor}`
      }
      deepEqual(seen, lines.map(({ revision }) => revision).reverse())
    }
  })

  it('lists all records over pages, each once, the genesis last', async () => {
    const seen: number[] = []
    for (let cursor = ''; ; ) {
      const page = (await service.get(`/v1/records?limit=3${cursor}`)).json
      seen.push(...page.records.map((record: { index: number }) => record.index))
      if (page.cursor === undefined) break
      cursor = `&cursor=${page.cursor}`
    }
    deepEqual(seen, Array.from({ length: service.ledger.head().size }, (_, i) => i).reverse())
  })

  it('answers submissions with 503 and Retry-After while the chain is not compared, and goes on reading', async () => {
    const waiting = await openService({ notAccepting: () => 'Nobody answered for the chain yet.' })
    for (const answer of [await waiting.submit(statement(1)), await waiting.stream('{}\n')]) {
      refused(answer, 503, 'LEDGER_NOT_COMPARED')
      ok(Number(answer.headers['retry-after']) > 0)
    }
    equal((await waiting.get('/v1/records/0')).status, 200)
    deepEqual((await waiting.get('/readyz')).json, {
      status: 'stopped',
      alarms: ['Nobody answered for the chain yet.'],
      alarmCodes: ['LEDGER_NOT_COMPARED'],
      behind: 1,
      behindSeconds: 0,
    })
    equal((await waiting.get('/healthz')).status, 200)
    await waiting.close()
  })

  it('answers submissions with 503 once the ledger has stopped, on a stream line by line', async () => {
    const stopped = await openService()
    stopped.ledger.stop('the chain is ahead')
    refused(await stopped.submit(statement(1)), 503, 'LEDGER_STOPPED')
    const [line, summary] = linesOf(await stopped.stream(`${JSON.stringify(statement(1))}\n`))
    deepEqual([line.status, line.code, summary], [503, 'LEDGER_STOPPED', { accepted: 0, known: 0, rejected: 1 }])
    equal((await stopped.get('/readyz')).status, 503)
    await stopped.close()
  })

  it('answers submissions to a closed log with 410, which no program tries again, and names the log that goes on', async () => {
    const closed = await openService()
    const successor = `0x${'5c'.repeat(32)}`
    await closed.ledger.disown(31_337, { lastGoodSize: 1, successor })
    const answer = await closed.submit(statement(1))
    refused(answer, 410, 'LOG_CLOSED')
    deepEqual([answer.json.detail.includes(successor), answer.headers['retry-after']], [true, undefined])
    const [line] = linesOf(await closed.stream(`${JSON.stringify(statement(1))}\n`))
    deepEqual([line.status, line.code], [410, 'LOG_CLOSED'])
    const { status, alarms, alarmCodes } = (await closed.get('/readyz')).json
    deepEqual([status, alarmCodes, alarms[0].includes(successor)], ['stopped', ['LOG_CLOSED'], true])
    equal((await closed.get('/v1/records/0')).status, 200)
    await closed.close()
  })
})
