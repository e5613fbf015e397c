/** /openapi.json says what the routes really do. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import type { z } from 'zod'
import { createRouter } from '../../src/http/app.ts'
import { createMetrics } from '../../src/http/metrics.ts'
import { OPERATIONS, type Operation } from '../../src/http/operations.ts'
import { problem } from '../../src/http/schemas/service.ts'
import { AGENCY, type Answer, type AnyJson, OPERATOR_KEY, openService, type Service, statement } from './service.ts'

describe('http: openapi', () => {
  let service: Service
  let keyId = ''
  before(async () => {
    service = await openService({}, { delayMs: 86_400_000 })
    await service.submit(statement(1, { revision: 'r', title: 'Title', language: 'en', identifiers: [{ scheme: 'local', value: '1' }] }))
    await service.submit(statement(1, { revision: 'r', documents: statement(2).documents }))
    await service.ledger.setFinal({
      type: 'evm',
      chainId: 31337,
      contract: `0x${'11'.repeat(20)}`,
      logId: `0x${'33'.repeat(32)}`,
      size: 2,
      root: Buffer.from(await service.ledger.rootAt(2)).toString('hex'),
      transaction: `0x${'44'.repeat(32)}`,
      block: { number: 7, hash: `0x${'55'.repeat(32)}`, time: '2026-01-31T00:00:00Z' },
    })
    keyId = (await service.agencies.addKey(AGENCY, { label: 'a', expires: '2030-01-01T00:00:00Z' })).keyId
  })
  after(() => service.close())

  /** The parameters in the path of each route, so that it is found. */
  const params = (path: string) =>
    path
      .replace('inclusion/:index/:size', 'inclusion/1/3')
      .replace('/:from/:to', '/0/3')
      .replace(':index', '1')
      .replace(':size', '2')
      .replace(':id', AGENCY)
      .replace(':keyId', keyId)
      .replace(':prefix', statement(1).documents[0]!.sha256.slice(0, 4))
      .replace(':level', '0')
      .replace(/\/:n1(\.p.*)?$/, '/000.p/3')
      .replace(/:n[123]/g, '001')
      .replace(':width', '3')
  const BODIES: { readonly [path: string]: unknown } = {
    '/v1/records': statement(3),
    '/v1/agencies': { id: 'new.example.org', name: 'New' },
    '/v1/agencies/:id/keys': { label: 'b' },
    '/v1/records/:index/erasure': { reason: { code: 'legal' } },
  }
  const call = ({ method, path, key, body }: Operation, type = 'application/json'): Promise<Answer> => {
    const bearer = key === 'operator' || key === 'admin' ? OPERATOR_KEY : key === 'agency' ? service.key : undefined
    if (method === 'get' && bearer === undefined) return service.get(params(path))
    const text = body ? JSON.stringify(BODIES[path]) : ''
    return service.send(params(path), text, bearer, type, method.toUpperCase())
  }

  it('documents every route of the router, and no other', () => {
    const { ledger, agencies, host } = service
    const metrics = createMetrics({ ledger, host })
    const deps = {
      ledger,
      agencies,
      metrics,
      policy: () => ({}) as never,
      operatorKey: '',
      log: { info() {}, warn() {}, error() {} },
      host,
    }
    const routes = createRouter(deps).stack.flatMap(({ methods, path }) =>
      methods.filter(method => method !== 'HEAD').map(method => `${method} ${path}`),
    )
    const documented = [...new Set(OPERATIONS.map(({ method, path, route = path }) => `${method.toUpperCase()} ${route}`))]
    deepEqual(documented.sort(), routes.filter(route => route !== 'GET /').sort())
  })

  // Deleting comes last: the others use what is there.
  const isFarTile = ({ path }: Operation) => path.includes('/x:n1')
  const asked = OPERATIONS.filter(operation => !isFarTile(operation))
  for (const operation of asked.toSorted((a, b) => Number(a.method === 'delete') - Number(b.method === 'delete'))) {
    for (const type of Object.keys(operation.body ?? { '': null })) {
      it(`${operation.method.toUpperCase()} ${operation.path} ${type} answers as documented`, async () => {
        const answer = await call(operation, type || undefined)
        const documented = operation.answers[answer.status]
        ok(documented !== undefined, `${answer.status} ${answer.text.slice(0, 300)}`)
        if (documented === null) return equal(answer.text, '')
        const sent = String(answer.headers['content-type']).split(';')[0]!
        ok(sent in documented, `${sent} is not documented`)
        const schema = documented[sent]
        if (!schema) return
        const values: AnyJson[] =
          sent === 'application/x-ndjson'
            ? answer.text
                .trimEnd()
                .split('\n')
                .map(line => JSON.parse(line))
            : [answer.json]
        ok(values.length > 0)
        for (const value of values) assertFits(schema, value)
      })
    }
  }

  it('spells the paths of tiles that only a large ledger has correctly', async () => {
    const far = OPERATIONS.filter(isFarTile)
    equal(far.length, 8)
    for (const operation of far) deepEqual((await call(operation)).json.code, 'TILE_NOT_FOUND', operation.path)
    equal((await service.get('/tile/0/x001/01')).json.code, 'TILE_PATH')
  })

  it('answers refusals with the documented problem', async () => {
    for (const path of ['/v1/records/x', '/v1/records/99', '/nothing', '/v1/proofs/consistency/2/1'])
      assertFits(problem, (await service.get(path)).json)
  })

  it('is an OpenAPI 3.1 document whose references all resolve', async () => {
    const { json } = await service.get('/openapi.json')
    equal(json.openapi, '3.1.0')
    const refs = [...JSON.stringify(json).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name!)
    ok(refs.length > 10)
    deepEqual(
      refs.filter(name => !(name in json.components.schemas)),
      [],
    )
    ok(!JSON.stringify(json).includes('#/$defs'))
    deepEqual(json.components.schemas.Publication.additionalProperties, false)
  })
})

function assertFits(schema: z.ZodType, value: unknown): void {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new Error(`${JSON.stringify(parsed.error.issues)} in ${JSON.stringify(value).slice(0, 500)}`)
}
