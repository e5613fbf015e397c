/**
 * Failures: who is told by a page and who by a problem document, over HTTP, with the same status
 * and headers; and that every failure has words for people.
 */
import { deepEqual, doesNotMatch, equal, match, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createLimits, PLACES } from '../../src/http/guard/limits.ts'
import { openListener } from '../../src/http/listener.ts'
import { formOf, problemOf, RequestError } from '../../src/http/problem.ts'
import { recordOf } from '../../src/log/prepare.ts'
import { LANGUAGE_TAGS, speak } from '../../src/messages/language.ts'
import { isPageAsked } from '../../src/web/problem-page.ts'
import { type Answer, openService, type Service, statement } from './service.ts'

const CHROME = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'
const JAVA = 'text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2'
const LOOK = { styleHref: '/assets/site-0.css', origin: 'openseal.test/log' }

describe('http: failures', () => {
  let service: Service
  before(async () => {
    const nowMs = () => 0
    const limits = createLimits({ ...PLACES, nowMs, address: { perSecond: 1, burst: 1 } })
    const site = { routes: () => (_ctx: unknown, next: () => Promise<unknown>) => next(), look: LOOK }
    service = await openService({ limits, trustedProxies: 1, site })
    for (let n = 1; n <= 2; n++) await service.submit(statement(n))
    const text = new TextDecoder().decode(await service.store.readStatement(2)).replace('tender.pdf', 'winner.pdf')
    await service.store.putBack({ tiles: [], bundles: [], records: [recordOf(2, new TextEncoder().encode(text))] })
  })
  after(() => service.close())

  const both = async (method: string, path: string, headers: object) => {
    const program = await service.ask(method, path, { headers: { ...headers, accept: '*/*' } })
    return { program, person: await service.ask(method, path, { headers: { ...headers, accept: CHROME, 'accept-language': 'fr' } }) }
  }
  const kept = ({ status, headers }: Answer) => [
    status,
    ...['cache-control', 'retry-after', 'allow', 'x-content-type-options', 'x-frame-options', 'referrer-policy'].map(name => headers[name]),
  ]

  it('answers a browser with a page and a program with a problem document, with the same status and headers', async () => {
    await service.get('/healthz', { 'x-forwarded-for': '9.9.9.9' })
    for (const [method, path, headers, expected, sentence] of [
      ['GET', '/nothing', {}, '404 ROUTE_NOT_FOUND', 'Il n’y a pas de page à cette adresse'],
      ['GET', '/v1/records/99', {}, '404 RECORD_NOT_FOUND', 'Il n’y a pas d’entrée portant ce numéro'],
      ['GET', '/v1/records?limit=x', {}, '400 QUERY_MALFORMED', 'Cette demande n’a pas pu être comprise'],
      ['GET', '/v1/records/2/receipt', {}, '500 LEDGER_DAMAGED', 'Ceci ne peut pas être affiché'],
      ['GET', '/v1/agencies/transport.gov.example/keys', {}, '401 OPERATOR_KEY_MISSING', 'réservé aux administrations'],
      ['GET', '/v1/records', { 'x-forwarded-for': '9.9.9.9' }, '429 RATE_ADDRESS', 'Trop de demandes sont venues de votre adresse'],
      ['GET', '/v1/records', { host: 'a b' }, '400 HOST_MALFORMED', 'Cette demande n’a pas pu être comprise'],
      ['PUT', '/healthz', {}, '405 METHOD_NOT_ALLOWED', 'Cette adresse ne peut pas être utilisée ainsi'],
    ] as const) {
      const { program, person } = await both(method, path, headers)
      equal(`${program.status} ${program.json.code}`, expected, path)
      equal(program.headers['content-type'], 'application/problem+json')
      deepEqual(kept(person), kept(program), path)
      equal(person.headers['content-type'], 'text/html; charset=utf-8')
      equal(person.headers['content-language'], 'fr')
      match(String(person.headers['content-security-policy']), /^default-src 'none'; script-src 'self'/)
      ok(person.text.includes(sentence), path)
      ok(person.text.includes(`Code\u202f: ${program.json.code}`), path)
      // A path of the interface is not a page of the menu.
      if (path.startsWith('/v1/')) doesNotMatch(person.text, /aria-current="page"/)
      if (program.headers['retry-after']) match(person.text, /Réessayez dans 1\sseconde\./)
    }
  })

  it('decides by the path, the Accept header and the method whether a person or a program asks', () => {
    const asked = (method: string, path: string, accept: string) => isPageAsked({ method, path, search: '', accept, languages: '' })
    const pages: readonly (readonly [string, string, string, boolean])[] = [
      ['GET', '/records/7', '*/*', true],
      ['GET', '/fr/records/7', '', true],
      ['POST', '/verify', '', true],
      ['GET', '/records/7', 'application/json', false],
      ['GET', '/records/7', 'text/html;q=0.5, application/json', false],
      ['GET', '/nothing', '*/*', false],
      ['GET', '/nothing', CHROME, true],
      ['GET', '/records/7/x', '*/*', false],
      ['GET', '/v1/records/7', CHROME, true],
      ['HEAD', '/v1/records/7', CHROME, true],
      ['POST', '/v1/records', CHROME, false],
      ['GET', '/v1/records/7', JAVA, false],
      ['GET', '/tile/0/x', 'text/html', false],
      ['GET', '/checkpoint', 'application/problem+json, text/html;q=0.9', false],
    ]
    for (const [method, path, accept, expected] of pages) equal(asked(method, path, accept), expected, `${method} ${path} ${accept}`)
  })

  it('has a sentence in every language for every status of every code, with the code below it', () => {
    const source = readFileSync('src/http/problem.ts', 'utf8')
    const codes = [...source.matchAll(/^ {2}([A-Z_]+): [45]\d\d,$/gm)].map(([, code]) => code!)
    ok(codes.length > 50)
    for (const lang of LANGUAGE_TAGS)
      for (const code of [...codes, 'INTERNAL']) {
        const problem = problemOf(new RequestError(code, 'the detail'))
        const asked = { method: 'GET', path: `/${lang}/records`, search: '', accept: CHROME, languages: '' }
        const { body } = formOf(asked, problem, { look: LOOK })
        match(body, /<h1>[^<]{5,}<\/h1>\n<p>[^<]{20,}<\/p>/, code)
        ok(body.includes(speak(lang)('problem.code', { code })), code)
        // An internal fault is no answer to a client that did nothing wrong.
        if (problem.status >= 500) doesNotMatch(body, new RegExp(speak(lang)('problem.request.title')), code)
      }
  })

  it('has a page while the service starts', async () => {
    const listener = await openListener({ host: '127.0.0.1', port: 0 })
    try {
      const page = await fetch(`${listener.url}/?x=%22`, { headers: { accept: CHROME, 'accept-language': 'uk' } })
      deepEqual([page.status, page.headers.get('retry-after'), page.headers.get('cache-control')], [503, '1', 'no-store'])
      const text = await page.text()
      match(text, /Реєстр зараз не може відповісти/)
      match(text, /LEDGER_STARTING/)
      doesNotMatch(text, /stylesheet/)
      const program = await fetch(`${listener.url}/v1/records`)
      deepEqual([program.status, program.headers.get('content-type')], [503, 'application/problem+json'])
    } finally {
      await listener.close()
    }
  })
})
