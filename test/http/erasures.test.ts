/** Erasing over HTTP: who may ask, and what is answered in place of a statement. */
import { deepEqual, equal, match } from 'node:assert/strict'
import { statementOf } from '../ledger/fixtures.ts'
import { AGENCY, OPERATOR_KEY, OTHER_AGENCY, openService, type Service } from './service.ts'

const DAY_MS = 86_400_000
const REASON = { reason: { code: 'personal-data' } }

describe('http: erasing', () => {
  let service: Service
  let admin: string
  beforeEach(async () => {
    service = await openService({}, { delayMs: DAY_MS })
    admin = (await service.agencies.addKey(AGENCY, { role: 'admin' })).key
    await service.send('/v1/records', statementOf('a', 1, { agency: AGENCY }), service.key)
    await service.send('/v1/records', statementOf('b', 2, { agency: AGENCY, title: 'A title' }), service.key)
  })
  afterEach(() => service.close())
  const ask = (index: number | string, key?: string, body: unknown = REASON, method = 'POST') =>
    service.send(`/v1/records/${index}/erasure`, body, key, 'application/json', method)
  const pass = async () => {
    service.clock.nowMs += DAY_MS
    await service.ledger.tendErasures()
  }

  it('is asked for by an admin key of the agency or by the operator, and by nobody else', async () => {
    const other = (await service.agencies.addKey(OTHER_AGENCY, { role: 'admin' })).key
    const refused = async (key: string | undefined) => {
      const { status, json } = await ask(2, key)
      return [status, json.code]
    }
    deepEqual(await refused(undefined), [401, 'OPERATOR_KEY_MISSING'])
    deepEqual(await refused('wrong'), [401, 'OPERATOR_KEY_WRONG'])
    // A stolen submit key erases nothing, and takes nothing back.
    deepEqual(await refused(service.key), [403, 'KEY_ROLE'])
    deepEqual(await refused(other), [403, 'ERASURE_OTHER_AGENCY'])
    equal((await service.ask('GET', '/v1/records/2')).status, 200)
    const { status, json } = await ask(2, admin)
    deepEqual([status, json], [202, { index: 2, due: '2026-02-01T00:00:00Z' }])
    equal((await ask(2, service.key, '', 'DELETE')).status, 403)
    deepEqual((await ask(1, OPERATOR_KEY)).status, 202)
    equal((await ask(1, admin, '', 'DELETE')).json.code, 'ERASURE_OF_OPERATOR')
    match(service.logged.join('\n'), /erasure requested.*"by":"agency"|"by":"agency".*erasure requested/)
  })

  it('refuses a reason that is not one of the four, an entry of the log itself, and one that is not there', async () => {
    for (const body of [
      {},
      { reason: {} },
      { reason: { code: 'correction' } },
      { reason: { code: 'legal', text: 'x' } },
      { ...REASON, more: 1 },
    ])
      equal((await ask(2, admin, body)).json.code, 'ERASURE_MALFORMED')
    deepEqual([(await ask(0, OPERATOR_KEY)).status, (await ask(0, OPERATOR_KEY)).json.code], [409, 'ERASURE_TYPE'])
    equal((await ask(9, OPERATOR_KEY)).status, 404)
    equal((await ask('x', OPERATOR_KEY)).status, 400)
  })

  it('hides a statement from the request on, and shows it again when that is taken back', async () => {
    await ask(2, admin)
    const due = '2026-02-01T00:00:00Z'
    for (const path of ['/v1/records/2', '/v1/records/2/receipt']) {
      const { status, json, headers } = await service.ask('GET', path)
      deepEqual([status, json.code, json.index, json.erasing], [410, 'RECORD_ERASING', 2, due])
      deepEqual([headers['x-robots-tag'], headers['cache-control']], ['noindex', 'no-store'])
    }
    for (const path of ['/v1/receipts/2/3', '/v1/statements/2/3'])
      deepEqual(JSON.parse((await service.ask('GET', path)).text), { index: 2, erasing: due })
    const [listed] = (await service.ask('GET', '/v1/records')).json.records
    deepEqual([listed.index, listed.erasing, listed.title], [2, due, undefined])
    equal((await ask(2, admin, '', 'DELETE')).status, 204)
    equal((await service.ask('GET', '/v1/records/2')).json.statement.title, 'A title')
    equal((await ask(2, admin, '', 'DELETE')).status, 404)
  })

  it('answers 410 with time, reason and tombstone once it is erased, in lists and ranges too', async () => {
    await ask(2, admin)
    await pass()
    const erased = { time: '2026-02-01T00:00:00Z', reason: { code: 'personal-data' }, tombstone: 3 }
    for (const path of ['/v1/records/2', '/v1/records/2/receipt']) {
      const { status, json } = await service.ask('GET', path)
      deepEqual([status, json.code, json.erased], [410, 'RECORD_ERASED', erased])
    }
    deepEqual(JSON.parse((await service.ask('GET', '/v1/receipts/2/3')).text), { index: 2, erased: 3 })
    deepEqual(JSON.parse((await service.ask('GET', '/v1/statements/2/3')).text), { index: 2, erased: 3, time: erased.time })
    const records = (await service.ask('GET', '/v1/records')).json.records as { index: number; erased?: number; type?: string }[]
    deepEqual(
      records.map(({ index, erased, type }) => [index, erased ?? type]),
      [
        [3, 'openseal/erasure@v1'],
        [2, 3],
        [1, 'openseal/statement@v1'],
        [0, 'openseal/genesis@v1'],
      ],
    )
    deepEqual((await ask(2, admin)).json, { index: 2, erasure: 3 })
    equal((await ask(2, admin, '', 'DELETE')).json.code, 'ERASURE_NOT_FOUND')
    equal((await service.ask('GET', '/v1/records/3')).json.statement.index, 2)
  })

  it('refuses the erased statement, as a dry run and in a stream too', async () => {
    const statement = statementOf('b', 2, { agency: AGENCY, title: 'A title' })
    await ask(2, admin)
    await pass()
    for (const path of ['/v1/records', '/v1/records?dry-run']) {
      const { status, json } = await service.send(path, statement, service.key)
      deepEqual([status, json.code], [409, 'STATEMENT_ERASED'])
    }
    const stream = await service.send('/v1/records', `${JSON.stringify(statement)}\n`, service.key, 'application/x-ndjson')
    match(stream.text, /"status":409,"code":"STATEMENT_ERASED"/)
    match(stream.text, /"rejected":1/)
  })

  it('tells beside a version what an erased statement did to it', async () => {
    const withdrawal = statementOf('b', 2, { agency: AGENCY, action: 'withdraw', documents: [], reason: { code: 'other' } })
    await service.send('/v1/records', withdrawal, service.key)
    await ask(3, admin)
    await pass()
    const lost = { index: 3, what: 'withdrawn', erased: 4 }
    deepEqual((await service.ask('GET', '/v1/records/2')).json.changes, [lost])
    const query = `agency=${AGENCY}&record=b`
    deepEqual((await service.ask('GET', `/v1/records?${query}`)).json.records[0].changes, [lost])
    // And once, beside the erased statement itself, for copies of the ledger.
    const [line] = (await service.ask('GET', '/v1/statements/3/4')).text.split('\n')
    deepEqual(JSON.parse(line!).effects, [{ on: 2, what: 'withdrawn' }])
    await ask(2, admin)
    await pass()
    deepEqual((await service.ask('GET', '/v1/records/2')).json.changes, [lost])
  })
})
