/**
 * A record whose statement the disk has changed, over HTTP: refused by its code, and no hindrance
 * to the others.
 */
import { deepEqual, equal, match } from 'node:assert/strict'
import { recordOf } from '../../src/log/prepare.ts'
import { openService, type Service, statement } from './service.ts'

describe('http: a damaged record', () => {
  let service: Service
  before(async () => {
    service = await openService()
    for (let n = 1; n <= 3; n++) await service.submit(statement(n))
    const text = new TextDecoder().decode(await service.store.readStatement(2)).replace('tender.pdf', 'winner.pdf')
    await service.store.putBack({ tiles: [], bundles: [], records: [recordOf(2, new TextEncoder().encode(text))] })
  })
  after(() => service.close())

  it('is answered with 500 LEDGER_DAMAGED, which says what to do and is never cached', async () => {
    for (const path of ['/v1/records/2', '/v1/records/2/receipt']) {
      const { status, headers, json } = await service.get(path)
      deepEqual([status, json.code, headers['cache-control']], [500, 'LEDGER_DAMAGED', 'no-store'], path)
      match(json.detail, /statement 2.*openseal doctor/)
    }
  })

  it('is marked in lists and ranges, where the others are as ever', async () => {
    const { json } = await service.get('/v1/records')
    deepEqual(
      json.records.map(({ index, damaged }: { index: number; damaged?: true }) => [index, damaged]),
      [
        [3, undefined],
        [2, true],
        [1, undefined],
        [0, undefined],
      ],
    )
    for (const [path, member] of [
      ['/v1/statements/1/4', 'statement'],
      ['/v1/receipts/1/4', 'receipt'],
    ] as const) {
      const lines = (await service.get(path)).text
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line))
      deepEqual(lines[1], { index: 2, damaged: true }, path)
      deepEqual([typeof lines[0][member], typeof lines[2][member]], ['object', 'object'])
    }
  })

  it('does not keep others from being proven, sealed or found known', async () => {
    equal((await service.get('/v1/proofs/inclusion/2/4')).status, 200)
    equal((await service.submit(statement(3))).json.index, 3)
    equal((await service.submit(statement(4))).status, 201)
  })
})
