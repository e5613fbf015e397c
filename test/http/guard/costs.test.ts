/** Limits by what a request costs: a client that takes much waits longer. */
import { deepEqual, equal } from 'node:assert/strict'
import { createLimits, PLACES } from '../../../src/http/guard/limits.ts'
import { createRates } from '../../../src/http/guard/rates.ts'
import { openService, type Service, statement } from '../service.ts'

describe('http: costs', () => {
  const clock = { nowMs: 0 }
  const nowMs = () => clock.nowMs
  let service: Service
  before(async () => {
    service = await openService({ limits: createLimits({ ...PLACES, address: { perSecond: 1, burst: 10 }, nowMs }), trustedProxies: 1 })
    await service.stream(Array.from({ length: 1000 }, (_, n) => JSON.stringify(statement(n))).join('\n'))
  })
  after(() => service.close())

  const get = async (path: string, address: string) => {
    const { status, headers } = await service.get(path, { 'x-forwarded-for': address })
    return [status, headers['retry-after']]
  }

  it('counts a range by its lines, so that the next request of its address waits', async () => {
    deepEqual(await get('/v1/receipts/0/1000', '203.0.113.1'), [200, undefined])
    deepEqual(await get('/healthz', '203.0.113.1'), [429, '11'])
    deepEqual(await get('/healthz', '203.0.113.2'), [200, undefined])
    deepEqual(await get('/v1/receipts/0/10', '203.0.113.2'), [200, undefined])
    deepEqual(await get('/v1/statements/0/1000', '203.0.113.3'), [200, undefined])
    deepEqual(await get('/healthz', '203.0.113.3'), [200, undefined])
  })

  it('lets nobody owe more than a full bucket', () => {
    const rates = createRates({ perSecond: 2, burst: 10 }, nowMs)
    rates.charge('a', 1_000_000)
    equal(rates.take('a'), 6)
    clock.nowMs += 5_500
    equal(rates.take('a'), 0)
  })
})
