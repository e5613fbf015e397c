/** The headers of every answer: what a browser may do with it, and which caches may keep it. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { openWorld, AGENCY as PAGE_AGENCY, type World } from '../../web/world.ts'
import { OPERATOR_KEY, openService, type Service, statement } from '../service.ts'

const STRICT = "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

describe('http: headers', () => {
  let service: Service
  before(async () => {
    service = await openService()
    await service.submit(statement(1))
  })
  after(() => service.close())

  it('lets nothing run, load, frame or sniff in any answer of the interface, files and errors too', async () => {
    const answers = [
      ...['/', '/checkpoint', '/tile/0/000.p/1', '/tile/entries/000.p/1', '/v1/records', '/v1/records/1', '/v1/records/1/receipt'],
      ...[
        '/v1/receipts/0/2',
        '/v1/statements/0/2',
        '/v1/proofs/inclusion/0/1',
        '/v1/proofs/consistency/0/1',
        '/v1/anchors',
        '/policy.json',
      ],
      ...['/v1/agencies', '/v1/status', '/healthz', '/readyz', '/metrics', '/openapi.json', '/nowhere', '/v1/records/99', '/v1/records/x'],
    ].map(path => [`GET ${path}`, service.get(path)] as const)
    const others = [
      ['HEAD /checkpoint', service.ask('HEAD', '/checkpoint')],
      ['OPTIONS /v1/records', service.ask('OPTIONS', '/v1/records')],
      ['PATCH /v1/records', service.ask('PATCH', '/v1/records')],
      ['POST without a key', service.send('/v1/records', {}, undefined)],
      ['POST', service.submit(statement(2))],
      ['a stream', service.stream(JSON.stringify(statement(3)))],
      ['POST of the operator', service.send('/v1/agencies', { id: 'a.example', name: 'A' }, OPERATOR_KEY)],
    ] as const
    for (const [what, answer] of [...answers, ...others]) {
      const { headers } = await answer
      deepEqual(
        [
          what,
          headers['content-security-policy'],
          headers['x-content-type-options'],
          headers['x-frame-options'],
          headers['referrer-policy'],
        ],
        [what, STRICT, 'nosniff', 'DENY', 'no-referrer'],
      )
    }
  })

  it('lets caches keep only answers that never change', async () => {
    for (const path of ['/tile/0/000.p/1', '/tile/entries/000.p/1', '/v1/proofs/inclusion/0/1', '/v1/proofs/consistency/0/1'])
      match((await service.get(path)).headers['cache-control']!, /^public, max-age=31536000, immutable$/)
    for (const path of [
      '/checkpoint',
      '/tile/0/999',
      '/v1/proofs/inclusion/9/99',
      '/v1/records/1',
      '/v1/records/1/receipt',
      '/nowhere',
      '/',
    ])
      equal((await service.get(path)).headers['cache-control'], 'no-store', path)
  })

  it('lets no other origin read an answer that holds a key', async () => {
    const { json, headers } = await service.send('/v1/agencies/transport.gov.example/keys', {}, OPERATOR_KEY)
    match(json.key, /^osk_/)
    deepEqual([headers['access-control-allow-origin'], headers['cache-control']], [undefined, 'no-store'])
  })

  describe('of pages', () => {
    let world: World
    before(async () => {
      world = await openWorld()
      await world.submit('r-1', 'first')
    })
    after(() => world.close())

    const PAGES = [
      '/',
      '/verify',
      '/records',
      '/records/1',
      '/changes',
      '/agencies',
      `/agencies/${PAGE_AGENCY}`,
      '/anchors',
      '/records?q=a',
      '/about',
    ]

    it('run only our own script, load only from here, and are framed by nobody', async () => {
      for (const path of [...PAGES, '/fr/', '/records/99', '/openseal-verifier.html']) {
        const { headers } = await fetch(world.url + path)
        const policy = headers.get('content-security-policy') ?? ''
        match(policy, /^default-src 'none'; /, path)
        match(policy, / base-uri 'none';.*frame-ancestors 'none'/, path)
        ok(!/unsafe|\*|default-src (?!'none')/.test(policy), `${path}: ${policy}`)
        deepEqual(
          [path, headers.get('x-frame-options'), headers.get('x-content-type-options'), headers.get('referrer-policy')],
          [path, 'DENY', 'nosniff', 'no-referrer'],
        )
        deepEqual([path, headers.get('cross-origin-opener-policy')], [path, 'same-origin'])
        match(headers.get('permissions-policy') ?? '', /camera=\(\)/)
      }
    })

    it('differ by language and by compression, and say so', async () => {
      for (const path of PAGES) {
        const { headers } = await fetch(world.url + path)
        deepEqual(
          [path, (headers.get('vary') ?? '').split(/, */).sort(), headers.get('cache-control')],
          [path, ['Accept-Encoding', 'Accept-Language'], 'no-store'],
        )
      }
    })
  })

  it('holds a browser to TLS only where a trusted proxy says that it came over TLS', async () => {
    const behind = await openService({ trustedProxies: 1 })
    try {
      const sent = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'ledger.example' }
      equal((await behind.get('/healthz', sent)).headers['strict-transport-security'], 'max-age=31536000')
      equal((await behind.get('/healthz')).headers['strict-transport-security'], undefined)
      equal((await service.get('/healthz', sent)).headers['strict-transport-security'], undefined)
    } finally {
      await behind.close()
    }
  })
})
