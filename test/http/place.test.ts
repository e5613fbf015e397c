/**
 * Where requests come in: no spelling of a path goes round a limit, and what is the operator's is
 * answered to the operator alone.
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { OPERATOR_KEY, openService, type Service, statement } from './service.ts'
import { sendRaw } from './socket.ts'

describe('http: place', () => {
  const services: Service[] = []
  afterEach(async () => {
    for (const service of services.splice(0)) await service.close()
  })
  const open = async (overrides: Parameters<typeof openService>[0] = {}) => {
    const service = await openService(overrides)
    services.push(service)
    return service
  }
  const ask = ({ port }: Service, first: string, headers: readonly string[], body = '') =>
    sendRaw(port, [[first, 'Connection: close', `Content-Length: ${Buffer.byteLength(body)}`, ...headers, '', body].join('\r\n')])

  describe('of a submission', () => {
    const body = JSON.stringify(statement(1))
    const TARGETS: readonly (readonly [string, number])[] = [
      ['/v1/records', 503],
      ['/v1/records?', 503],
      ['/v1/records?dry-run', 503],
      ['/v1/records?a=/v1/other', 503],
      ['http://ledger.example/v1/records', 503],
      ['HTTPS://ledger.example:8080/v1/records?x', 503],
      ['http://a@b/v1/records', 503],
      ['/v1/records#', 400],
      ['/v1/records#?', 400],
      ['/v1/records\xa0', 400],
      ['//v1/records', 404],
      ['/v1/records/', 404],
      ['/v1//records', 404],
      ['/v1/./records', 404],
      ['/x/../v1/records', 404],
      ['/v1/%72ecords', 404],
      ['/v1%2frecords', 404],
      ['/v1/Records', 404],
      ['/v1\\records', 404],
      ['/v1/records;a', 404],
    ]

    it('passes through admission, however its path is spelled', async () => {
      let isFull = true
      const hold = { refuse: (_: unknown, answer: () => void) => answer(), stop() {} }
      const admission = { busySeconds: () => (isFull ? 1 : 0), enter: () => () => {}, noteSeal() {}, stop() {}, hold }
      const service = await open({ admission })
      const post = (target: string) =>
        ask(service, `POST ${target} HTTP/1.1`, ['Host: a', `Authorization: Bearer ${service.key}`, 'Content-Type: application/json'], body)
      for (const [target, status] of TARGETS) {
        deepEqual([target, (await post(target)).status], [target, status])
      }
      equal(service.ledger.head().size, 1)
      isFull = false
      for (const [target, status] of TARGETS) {
        const answer = await post(target)
        // A query that is not known is refused, but not before admission was asked.
        if (status === 503) ok([200, 201, 400].includes(answer.status), `${target}: ${answer.status}`)
        else equal(answer.status, status, target)
      }
      equal(service.ledger.head().size, 2)
    })
  })

  it('refuses a request with two Hosts', async () => {
    const service = await open()
    const answer = await ask(service, 'GET /healthz HTTP/1.1', ['Host: a', 'HOST: b'])
    equal(answer.status, 400)
    match(answer.body, /HOST_MALFORMED/)
  })

  describe('of the operator', () => {
    const KEY = `Authorization: Bearer ${OPERATOR_KEY}`
    const ROUTES = [
      'GET /metrics',
      'GET /v1/backup',
      'POST /v1/agencies',
      'POST /v1/agencies/a.example/keys',
      'GET /v1/agencies/a.example/keys',
      'GET /v1/agencies/a.example/keys/1',
      'DELETE /v1/agencies/a.example/keys/1',
    ]
    const codeOf = async (service: Service, route: string, headers: readonly string[], version = '1.1') =>
      /"code":"(\w+)"/.exec(
        (await ask(service, `${route} HTTP/${version}`, [KEY, 'Content-Type: application/json', ...headers], '{}')).body,
      )?.[1]
    const isAnswered = (code: string | undefined) => code !== 'OPERATOR_ELSEWHERE'

    it('is answered to this machine, by its names and addresses', async () => {
      const service = await open()
      for (const route of ROUTES)
        for (const host of ['localhost', '127.0.0.1:8080', '[::1]:8080', 'LOCALHOST:1'])
          ok(isAnswered(await codeOf(service, route, [`Host: ${host}`])), `${route} ${host}`)
    })

    it('is read by no web page of another origin that is open in the browser of the operator', async () => {
      for (const operatorPlace of ['local', 'here', 'elsewhere'] as const) {
        const service = await open({ operatorPlace })
        for (const path of ['/metrics', '/v1/backup', '/v1/agencies/a.example/keys']) {
          const { headers } = await service.get(path, { host: 'localhost', origin: 'http://page.example' })
          equal(headers['access-control-allow-origin'], undefined, `${operatorPlace} ${path}`)
        }
      }
    })

    it('is answered to no request that a proxy forwarded, trusted or not, whatever it says of itself', async () => {
      for (const trustedProxies of [0, 1]) {
        const service = await open({ trustedProxies })
        for (const route of ROUTES) {
          for (const header of [
            'X-Forwarded-For: 127.0.0.1',
            'X-Forwarded-Proto: https',
            'x-forwarded: 1',
            'Forwarded: for=1',
            'Via: 1.1 a',
            'X-Real-IP: ::1',
          ])
            deepEqual([route, header, await codeOf(service, route, ['Host: localhost', header])], [route, header, 'OPERATOR_ELSEWHERE'])
          // nginx by default, and a proxy that passes on which host it was asked for.
          equal(await codeOf(service, route, ['Host: localhost'], '1.0'), 'OPERATOR_ELSEWHERE')
          equal(await codeOf(service, route, ['Host: ledger.example']), 'OPERATOR_ELSEWHERE')
          equal(await codeOf(service, route, ['Host: localhost.evil.example']), 'OPERATOR_ELSEWHERE')
        }
      }
    })

    it('is answered only at its own address, if there is one', async () => {
      const [open1, own] = await Promise.all([open({ operatorPlace: 'elsewhere' }), open({ operatorPlace: 'here' })])
      for (const route of ROUTES) {
        equal(await codeOf(open1, route, ['Host: localhost']), 'OPERATOR_ELSEWHERE', route)
        ok(isAnswered(await codeOf(own, route, ['Host: ledger.example', 'X-Forwarded-For: 192.0.2.1'])), route)
      }
    })

    it('tells nobody elsewhere whether a key is right, and counts no wrong ones there', async () => {
      const service = await open({ operatorPlace: 'elsewhere' })
      for (const key of [OPERATOR_KEY, 'wrong-key-of-the-operator'])
        deepEqual((await service.send('/v1/agencies', {}, key)).json.code, 'OPERATOR_ELSEWHERE')
    })
  })
})
