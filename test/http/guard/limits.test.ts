/**
 * The limits of one address and one key: rates, places, wrong keys. Nobody gets more by claiming
 * another address.
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import Router from '@koa/router'
import type { Middleware } from 'koa'
import { createLimits, PLACES } from '../../../src/http/guard/limits.ts'
import { createRates } from '../../../src/http/guard/rates.ts'
import { networkOf } from '../../../src/http/place.ts'
import { type Answer, ORIGIN, openService, type Service, statement } from '../service.ts'
import { head } from '../socket.ts'

describe('http: limits', () => {
  const clock = { nowMs: 0 }
  const nowMs = () => clock.nowMs
  let service: Service | undefined
  afterEach(async () => {
    await service?.close()
    service = undefined
  })

  const open = async (limits: Partial<Parameters<typeof createLimits>[0]>, trustedProxies = 1) => {
    service = await openService({ limits: createLimits({ ...PLACES, nowMs, ...limits }), trustedProxies })
    return service
  }
  const from = (address: string) => ({ 'x-forwarded-for': address })
  const refused = ({ status, json, headers }: Answer) => [status, json?.code, headers['retry-after']]

  it('fills a bucket at its rate up to its burst, and never past it', () => {
    const rates = createRates({ perSecond: 2, burst: 3 }, nowMs)
    deepEqual(
      [1, 2, 3, 4].map(() => rates.take('a')),
      [0, 0, 0, 1],
    )
    equal(rates.take('b'), 0)
    clock.nowMs += 500
    deepEqual([rates.take('a'), rates.take('a')], [0, 1])
    clock.nowMs += 3_600_000
    deepEqual(
      [1, 2, 3, 4].map(() => rates.take('a')),
      [0, 0, 0, 1],
    )
    clock.nowMs -= 7_200_000
    equal(rates.take('a'), 1)
  })

  it('forgets the name that it has not seen for longest, so that a million names take little memory', () => {
    const rates = createRates({ perSecond: 1, burst: 1 }, nowMs)
    rates.take('first')
    for (let n = 0; n < 20_000; n++) rates.take(String(n))
    deepEqual([rates.take('19999') > 0, rates.take('first')], [true, 0])
  })

  it('takes all addresses of one IPv6 network, and both spellings of an IPv4 address, for one visitor', () => {
    deepEqual(
      [
        '::ffff:192.0.2.1',
        '192.0.2.1',
        '2001:db8::1',
        '2001:DB8:0:0:ffff::2',
        '2001:0db8:0000:0000:1:2:3:4',
        '2001:db8:0:1::1',
        'fe80::1%eth0',
        '::1',
      ].map(networkOf),
      [
        '192.0.2.1',
        '192.0.2.1',
        '2001:db8:0:0::/64',
        '2001:db8:0:0::/64',
        '2001:db8:0:0::/64',
        '2001:db8:0:1::/64',
        'fe80:0:0:0::/64',
        '0:0:0:0::/64',
      ],
    )
  })

  it('answers an address that asks too often with 429 and Retry-After, and every other address as before', async () => {
    const { get } = await open({ address: { perSecond: 1, burst: 2 } })
    deepEqual([(await get('/healthz', from('192.0.2.1'))).status, (await get('/healthz', from('192.0.2.1'))).status], [200, 200])
    deepEqual(refused(await get('/healthz', from('192.0.2.1'))), [429, 'RATE_ADDRESS', '1'])
    equal((await get('/healthz', from('192.0.2.2'))).status, 200)
    clock.nowMs += 1000
    equal((await get('/healthz', from('192.0.2.1'))).status, 200)
  })

  it('believes only what the trusted proxies wrote: an address that the client put before it is nobody', async () => {
    const { get } = await open({ address: { perSecond: 1, burst: 1 } })
    equal((await get('/healthz', from('203.0.113.1, 192.0.2.9'))).status, 200)
    deepEqual(refused(await get('/healthz', from('203.0.113.2, 192.0.2.9'))), [429, 'RATE_ADDRESS', '1'])
    deepEqual(refused(await get('/healthz', from('127.0.0.1, 192.0.2.9'))), [429, 'RATE_ADDRESS', '1'])
  })

  it('believes no forwarding header while no proxy is trusted', async () => {
    const { get } = await open({ address: { perSecond: 1, burst: 1 } }, 0)
    // All of these come from this machine, which is not counted.
    for (let n = 0; n < 5; n++) equal((await get('/healthz', from('192.0.2.9'))).status, 200)
  })

  it('counts the submissions of a key, wherever they come from, and no other key with it', async () => {
    const { submit, send, agencies } = await open({ key: { perSecond: 0.1, burst: 2 } })
    const other = await agencies.addKey('transport.gov.example', {})
    equal((await submit(statement(1))).status, 201)
    equal((await submit(statement(1))).status, 200)
    deepEqual(refused(await submit(statement(1))), [429, 'RATE_KEY', '10'])
    equal((await send('/v1/records', statement(1), other.key)).status, 200)
  })

  it('answers wrong keys with 429 after twenty, and still takes the right key from the same address', async () => {
    const { submit, send } = await open({})
    for (let n = 0; n < 20; n++) equal((await submit(statement(1), `osk_${'0'.repeat(16)}_${'x'.repeat(43)}`)).status, 401)
    deepEqual(refused(await submit(statement(1), 'osk_guess')), [429, 'KEY_ATTEMPTS', '3'])
    deepEqual(refused(await send('/v1/agencies', {}, 'guess-of-the-operator-key')), [429, 'KEY_ATTEMPTS', '3'])
    equal((await submit(statement(1))).status, 201)
  })

  it('gives an address a limited number of requests at once, and frees a place when one ends', async () => {
    const { port, get, key } = await open({ requestsPerAddress: 1 })
    const socket = connect(port, '127.0.0.1')
    socket.write(
      head('POST', '/v1/records', [
        `Authorization: Bearer ${key}`,
        'Content-Type: application/x-ndjson',
        'Content-Length: 1000000',
        'X-Forwarded-For: 192.0.2.1',
      ]),
    )
    socket.write(`${JSON.stringify(statement(1))}\n`)
    while (service!.ledger.head().size < 2) await sleep(1)
    deepEqual(refused(await get('/healthz', from('192.0.2.1'))), [429, 'REQUESTS_ADDRESS', '1'])
    equal((await get('/healthz', from('192.0.2.2'))).status, 200)
    socket.destroy()
    for (;;) if ((await get('/healthz', from('192.0.2.1'))).status === 200) break
  })

  it('gives an address a limited number of forms at once, in all languages together, and other requests beside them', async () => {
    const waiting: (() => void)[] = []
    const router = new Router()
    // A page whose check takes as long as we like.
    router.post('/{:lang/}verify', async ctx => {
      await new Promise<void>(done => waiting.push(done))
      ctx.body = 'done'
    })
    const site = { routes: () => router.routes() as unknown as Middleware, look: { styleHref: '', origin: ORIGIN } }
    service = await openService({ limits: createLimits({ ...PLACES, nowMs, formsPerAddress: 1 }), trustedProxies: 1, site })
    const { ask, get } = service
    const send = (path: string, address: string) =>
      ask('POST', path, { headers: { ...from(address), accept: 'application/json' }, body: 'x' })
    const first = send('/verify', '192.0.2.1')
    while (waiting.length === 0) await sleep(1)
    for (const path of ['/verify', '/el/verify']) deepEqual(refused(await send(path, '192.0.2.1')), [429, 'REQUESTS_ADDRESS', '1'])
    equal((await get('/healthz', from('192.0.2.1'))).status, 200)
    const other = send('/el/verify', '192.0.2.2')
    while (waiting.length === 1) await sleep(1)
    for (const done of waiting) done()
    deepEqual([(await first).status, (await other).status], [200, 200])
    const again = send('/el/verify', '192.0.2.1')
    while (waiting.length === 2) await sleep(1)
    waiting[2]!()
    equal((await again).status, 200)
  })

  describe('of streams', () => {
    let line = 0
    /** Begins a stream of one line under a key, and returns once that is sealed. */
    const hold = async ({ port, ledger }: Service, bearer: string) => {
      const socket = connect(port, '127.0.0.1')
      const held = { socket, isCut: false }
      socket
        .on('error', () => {})
        .once('close', () => {
          held.isCut = true
        })
      const headers = [`Authorization: Bearer ${bearer}`, 'Content-Type: application/x-ndjson', 'Content-Length: 1000000']
      const { size } = ledger.head()
      socket.write(`${head('POST', '/v1/records', headers)}${JSON.stringify(statement(line++))}\n`)
      while (ledger.head().size === size) await sleep(1)
      return held
    }
    const keys = async ({ agencies }: Service, count: number) =>
      Promise.all(Array.from({ length: count }, async () => (await agencies.addKey('transport.gov.example', {})).key))

    it('gives a key, and all keys together, a limited number at once', async () => {
      const service = await open({ streamsPerKey: 1, streams: 2 })
      const [second = '', third = ''] = await keys(service, 2)
      const first = await hold(service, service.key)
      deepEqual(refused(await service.stream('\n', service.key)), [429, 'STREAMS_KEY', '5'])
      const held = await hold(service, second)
      deepEqual(refused(await service.stream('\n', third)), [503, 'STREAMS_ALL', '5'])
      held.socket.destroy()
      first.socket.destroy()
      for (;;) if ((await service.stream('\n', third)).status === 200) break
    })

    it('gives a key two dry runs at once, which keep their lines in memory, beside its other streams', async () => {
      const service = await open({})
      const answerOf = (lines: string) => service.send('/v1/records?dry-run', lines, service.key, 'application/x-ndjson')
      const held = [1, 2].map(() => connect(service.port, '127.0.0.1'))
      const headers = [`Authorization: Bearer ${service.key}`, 'Content-Type: application/x-ndjson', 'Content-Length: 1000000']
      for (const socket of held) socket.on('error', () => {}).write(`${head('POST', '/v1/records?dry-run', headers)}\n`)
      for (;;) if ((await answerOf('\n')).status === 429) break
      deepEqual(refused(await answerOf('\n')), [429, 'STREAMS_KEY', '5'])
      equal((await service.stream('\n', service.key)).status, 200)
      for (const socket of held) socket.destroy()
      for (;;) if ((await answerOf('\n')).status === 200) break
    })

    it('lets four keys hold all places only until another key comes: the oldest stream of the key with the most makes room', async () => {
      const service = await open({})
      const few = await keys(service, 4)
      const held = []
      for (const key of few) for (let n = 0; n < 16; n++) held.push(await hold(service, key))
      const newcomer = await hold(service, service.key)
      while (!held[0]!.isCut) await sleep(1)
      equal(held.filter(({ isCut }) => isCut).length, 1)
      // Its places are shared until all have as many, and no further.
      for (let n = 1; n < 12; n++) await hold(service, service.key)
      while (held.filter(({ isCut }) => isCut).length < 12) await sleep(1)
      equal(newcomer.isCut, false)
      equal((await service.stream(JSON.stringify(statement(0)), service.key)).status, 503)
      for (const { socket } of held) socket.destroy()
    })
  })

  it('counts refusals at /metrics, by their code', async () => {
    const { get } = await open({ address: { perSecond: 1, burst: 1 } })
    await get('/healthz', from('192.0.2.1'))
    await get('/healthz', from('192.0.2.1'))
    match((await get('/metrics')).text, /openseal_problems_total\{code="RATE_ADDRESS"\} 1/)
    ok(!(await get('/metrics')).text.includes('192.0.2.1'))
  })
})
