/**
 * No request of a reader or a submitter holds the event loop for more than 50 ms at a stretch,
 * however heavy what it asks for is, and however many ask at once.
 */
import { deepEqual, ok } from 'node:assert/strict'
import { longestRoundMs } from '../thread-time.ts'
import { AGENCY, type Asking, type HeavyWorld, LONG, openHeavyWorld, statementOf } from './heavy-world.ts'

/**
 * The number of requests at once; fewer for slow routes, so that all together take no longer than
 * this.
 */
const AT_ONCE = { most: 40, least: 6, togetherMs: 750 }
const MOST_MS = 50

/** The heaviest request of each route. A route that is neither here nor below fails a test. */
type Heavy = { readonly [route: string]: readonly (string | ((world: HeavyWorld, n: number) => Asking))[] }

const post =
  (body: string, type = 'application/json') =>
  (world: HeavyWorld): Asking => ({
    method: 'POST',
    path: '/v1/records',
    headers: { authorization: `Bearer ${world.key}`, 'content-type': type },
    body,
  })
const fresh = (documents: number) => () => JSON.stringify(statementOf(`fresh-${fresher++}`, documents))
/** Lines of a record each, or publications of one version. */
const stream = (lines: number, documents: number, record?: string) => (world: HeavyWorld) => {
  const line = () => JSON.stringify(statementOf(record ?? '', documents, { title: `Line ${fresher++}` }))
  return post(Array.from({ length: lines }, record === undefined ? fresh(documents) : line).join('\n'), 'application/x-ndjson')(world)
}
let fresher = 0

/** A page of the desk, or a form that is sent there. */
const atDesk =
  (path: string, fields?: string | { readonly [name: string]: string }) =>
  (world: HeavyWorld): Asking => {
    const headers = world.asDesk
    if (fields === undefined) return { path: placed(path, world), headers }
    const body = typeof fields === 'string' ? fields : new URLSearchParams({ token: world.formToken, ...fields }).toString()
    return { method: 'POST', path: placed(path, world), headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' }, body }
  }
const DRAFT = { action: 'publish', record: 'desk', kind: 'decision', title: 'Road works' }
/** Records of a package, as its form carries them. */
const recordsOf = (count: number, record: string) =>
  JSON.stringify(
    Array.from({ length: count }, (_, n) => ({
      ...statementOf(record, 1, { revision: `${fresher++}-${n}`, title: `Road ${n}` }),
      type: undefined,
      agency: undefined,
    })),
  )
const documentsOf = (count: number) => ({ documents: JSON.stringify(statementOf('desk', count).documents) })
/** Forms that nobody fills in. Some need no key. */
const FORMS = [
  'a&'.repeat(390_000),
  Array.from({ length: 100_000 }, (_, at) => `a${at}`).join('&'),
  { title: '<'.repeat(190_000) },
  { title: '"'.repeat(95_000), reasonText: '\n'.repeat(95_000) },
  { ...DRAFT, documents: `[${'0,'.repeat(95_000)}0]` },
  { ...DRAFT, ...documentsOf(1000) },
  { ...DRAFT, identifiers: 'a=b\n'.repeat(45_000) },
  { ...DRAFT, ...documentsOf(2), remarks: `[${Array(6000).fill('{"name":"a","code":"other"}')}]` },
  { ...DRAFT, ...documentsOf(2), read: `[${Array(4000).fill('{"field":"title","at":"x","of":"0"}')}]` },
]
const asForms = (path: string) => FORMS.map(form => atDesk(path, form))

const HEAVY: Heavy = {
  '/checkpoint': ['/checkpoint'],
  '/tile/*path': ['/tile/0/000', '/tile/entries/000'],
  'POST /v1/records': [
    world => post(fresh(1)())(world),
    world => post(fresh(256)())(world),
    world => post(JSON.stringify(statementOf(LONG.record, 1, { revision: `again-${fresher++}` })))(world),
    post('['.repeat(60_000)),
    post(`{"a":[${'{},'.repeat(21_000)}{}]}`),
    post(`{${Array.from({ length: 7000 }, (_, at) => `"k${at}":1`).join(',')}}`),
    stream(300, 3),
    stream(14, 256),
    world => ({ ...stream(150, 256, 'dry')(world), path: '/v1/records?dry-run' }),
  ],
  '/v1/records': [
    '/v1/records?limit=100&state=current&kind=decision',
    '/v1/records?limit=100&text=road&state=edited',
    '/v1/records?limit=100',
    `/v1/records?agency=${AGENCY}&record=${LONG.record}&limit=100`,
  ],
  '/v1/records/:index': ['/v1/records/LAST', '/v1/records/MIDDLE', '/v1/records/LARGE'],
  '/v1/records/:index/receipt': ['/v1/records/MIDDLE/receipt', '/v1/records/LARGE/receipt'],
  '/v1/receipts/:from/:to': ['/v1/receipts/BACK/LAST', '/v1/receipts/LARGE/LARGE_END'],
  '/v1/statements/:from/:to': ['/v1/statements/2000/5000'],
  '/v1/proofs/inclusion/:index/:size': ['/v1/proofs/inclusion/7/LAST'],
  '/v1/proofs/consistency/:from/:to': ['/v1/proofs/consistency/3/LAST'],
  '/v1/digests/:prefix': ['/v1/digests/abc'],
  '/v1/anchors': ['/v1/anchors'],
  '/v1/anchors/:size': ['/v1/anchors/SIZE'],
  '/v1/rounds': ['/v1/rounds'],
  '/v1/rounds/:size': ['/v1/rounds/SIZE'],
  '/v1/keys': ['/v1/keys'],
  '/policy.json': ['/policy.json'],
  '/trust.json': ['/trust.json'],
  '/v1/agencies': ['/v1/agencies'],
  '/v1/agencies/:id': [`/v1/agencies/${AGENCY}`],
  '/v1/status': ['/v1/status'],
  '/healthz': ['/healthz'],
  '/readyz': ['/readyz'],
  '/openapi.json': ['/openapi.json'],
  '/': ['/'],
  '/records': [
    '/records',
    `/records?agency=${AGENCY}`,
    '/records?agency=agency',
    '/records?packages=only',
    '/records?kind=decision&state=current',
    '/records?state=withdrawn&sort=oldest',
    '/records?state=edited',
    '/records?from=2026-01-01&to=2099-01-01&kind=procurement&sort=oldest',
    '/records?q=road',
    '/records?q=Road+works+at+street+7&state=superseded',
    '/records?q=maintenancy',
    '/records?q=mantenance+bridg+strete+rod+wroks+wokrs',
    '/records?q=roa+road+wor+work+works+str+stre+stree+street+mai+maintenan+r',
    `/records?q=${LONG.record}`,
    '/records?q=agency',
  ],
  '/records/:index': ['/records/LAST', '/records/MIDDLE?history=all', '/records/LARGE'],
  '/records/:index/certificate': ['/records/LAST/certificate', '/records/MIDDLE/certificate', '/records/LARGE/certificate'],
  '/records/:index/receipt': ['/records/LARGE/receipt', '/records/MIDDLE/receipt'],
  '/records/:index/receipt/:document': ['/records/LARGE/receipt/1'],
  '/agencies': ['/agencies'],
  '/agencies/:id': [`/agencies/${AGENCY}`],
  '/changes': ['/changes'],
  '/anchors': ['/anchors', '/anchors?range=all'],
  '/verify': ['/verify'],
  '/about': ['/about'],
  '/for-agencies': ['/for-agencies'],
  '/removal': ['/removal'],
  '/legal': ['/legal'],
  '/privacy': ['/privacy'],
  '/feed.atom': ['/feed.atom'],
  '/agencies/:id/feed.atom': [`/agencies/${AGENCY}/feed.atom`],
  '/changes.atom': ['/changes.atom'],
  '/changes/all.atom': ['/changes/all.atom'],
  '/feed.json': ['/feed.json'],
  '/agencies/:id/feed.json': [`/agencies/${AGENCY}/feed.json`],
  '/changes.json': ['/changes.json'],
  '/changes/all.json': ['/changes/all.json'],
  '/robots.txt': ['/robots.txt'],
  '/sitemap.xml': ['/sitemap.xml'],
  '/sitemap/pages.xml': ['/sitemap/pages.xml'],
  '/sitemap/agencies.xml': ['/sitemap/agencies.xml'],
  '/sitemap/records-:list.xml': ['/sitemap/records-0.xml'],
  '/mcp': ['/mcp'],
  'POST /mcp': [
    call('tools/list'),
    call('tools/call', { name: 'find_records', arguments: { text: 'roa road wor work works str stre stree street mai maintenan r' } }),
    call('tools/call', { name: 'find_records', arguments: { agency: AGENCY } }),
    world => call('tools/call', { name: 'get_record', arguments: { index: world.large } })(world),
    call('tools/call', { name: 'verify_receipt', arguments: { receipt: `{"a":[${'{},'.repeat(15_000)}{}]}` } }),
    call('tools/call', { name: 'verify_receipt', arguments: { receipt: '['.repeat(60_000) } }),
    call('tools/call', Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`k${at}`, 1]))),
  ],
  '/openseal-verifier.html': ['/openseal-verifier.html'],
  '/assets/icon.svg': ['/assets/icon.svg'],
  '/desk': [atDesk('/desk')],
  '/desk/new': [atDesk('/desk/new')],
  '/desk/folder': [atDesk('/desk/folder')],
  '/desk/token': [atDesk('/desk/token')],
  '/desk/keys': [atDesk('/desk/keys')],
  '/desk/done/:index': [atDesk('/desk/done/LARGE')],
  '/desk/amend/:index': [atDesk('/desk/amend/LARGE')],
  '/desk/withdraw/:index': [atDesk('/desk/withdraw/MIDDLE')],
  '/desk/restate/:index': [atDesk('/desk/restate/LARGE')],
  '/desk/erase/:index': [atDesk('/desk/erase/LARGE')],
  'POST /desk/sign-in': asForms('/desk/sign-in'),
  'POST /desk/form': asForms('/desk/form'),
  'POST /desk/preview': [...asForms('/desk/preview'), atDesk('/desk/preview', { ...DRAFT, record: LONG.record, ...documentsOf(256) })],
  'POST /desk/submit': [
    ...asForms('/desk/submit'),
    world => atDesk('/desk/submit', { ...DRAFT, record: `desk-${fresher++}`, ...documentsOf(256) })(world),
  ],
  'POST /desk/package': [
    ...asForms('/desk/package'),
    world => atDesk('/desk/package', { records: recordsOf(250, `package-${fresher++}`) })(world),
    world => atDesk('/desk/package', { records: recordsOf(250, LONG.record) })(world),
  ],
  '/desk/published': [
    atDesk(`/desk/published?of=${'0-4999,'.repeat(1)}5000-9998`),
    atDesk(`/desk/published?of=${Array.from({ length: 3000 }, (_, n) => 2 * n)}`),
  ],
  'POST /desk/lines': [world => ({ ...stream(300, 3)(world), path: '/desk/lines', headers: linesOf(world) })],
  '/desk/receipts.zip': [atDesk(`/desk/receipts.zip?of=${'0-4999,'.repeat(2_000)}0`), atDesk('/desk/receipts.zip?of=LARGE-LAST')],
  'POST /desk/receipts.zip': [
    atDesk('/desk/receipts.zip', { of: `${'0-4999,'.repeat(25_000)}0` }),
    world => atDesk('/desk/receipts.zip', { of: `${world.size - 1000}-${world.size - 1}` })(world),
  ],
  none: ['/nowhere', '/v1/records/99999999'],
}

/** Of the operator alone, as everything at `/operator` is, or measured elsewhere. */
const OTHERS: { readonly [route: string]: string } = {
  'POST /v1/agencies': 'the operator',
  'POST /v1/agencies/:id/keys': 'the operator',
  '/v1/agencies/:id/keys': 'the operator',
  '/v1/agencies/:id/keys/:keyId': 'the operator',
  'DELETE /v1/agencies/:id/keys/:keyId': 'the operator',
  '/v1/key': 'an agency',
  'POST /v1/records/:index/erasure': 'an agency',
  'DELETE /v1/records/:index/erasure': 'an agency',
  '/v1/backup': 'the operator',
  '/metrics': 'the operator',
  'POST /verify': 'test/web/checker.test.ts',
  'POST /desk/new': 'test/web/checker.test.ts',
  '/search': 'a redirect',
  '/desk/form': 'a redirect',
  '/desk/preview': 'a redirect',
  '/desk/submit': 'a redirect',
  '/desk/package': 'a redirect',
  '/desk/sign-in': 'a redirect',
  'POST /desk/sign-out': 'takes the forms of /desk/form',
  'POST /desk/keys': 'takes the forms of /desk/form',
  '/desk/keys/:keyId/revoke': 'an agency',
  'POST /desk/keys/:keyId/revoke': 'takes the forms of /desk/form',
  'POST /desk/erase/:index': 'takes the forms of /desk/form',
  'POST /desk/erase/:index/undo': 'takes the forms of /desk/form',
}

describe('http: the event loop', function () {
  this.timeout(300_000)
  let world: HeavyWorld
  before(async () => {
    world = await openHeavyWorld()
  })
  after(() => world.close())

  it('measures every route', () => {
    const routes = world.routes().map(({ methods, path }) => `${methods.includes('GET') ? '' : `${methods.at(-1)} `}${path}`)
    const known = [...Object.keys(HEAVY), ...Object.keys(OTHERS)]
    deepEqual(
      [...new Set(routes)].filter(route => !known.includes(route) && !/^\/assets\/|^(?:POST )?\/operator/.test(route)),
      [],
    )
  })

  for (const [route, askings] of Object.entries(HEAVY)) {
    it(`is never held for longer than ${MOST_MS} ms by ${AT_ONCE.most} requests at once: ${route}`, async () => {
      for (const [at, asking] of askings.entries()) {
        const make = (n: number): Asking =>
          typeof asking === 'string'
            ? { path: placed(asking, world), headers: { accept: 'text/html', 'accept-encoding': 'gzip' } }
            : asking(world, n)
        const startMs = performance.now()
        let statuses = await world.ask([make(0)])
        const together = Math.floor(AT_ONCE.togetherMs / (performance.now() - startMs))
        const atOnce = Math.min(AT_ONCE.most, Math.max(AT_ONCE.least, together))
        const longest = await longestRoundMs(MOST_MS, async () => {
          statuses = await world.ask(Array.from({ length: atOnce }, (_, n) => make(n)))
        })
        ok(
          longest <= MOST_MS,
          `${longest} ms of processor time in one round of the loop: ${typeof asking === 'string' ? asking : `${route}, number ${at + 1}`}`,
        )
        ok(
          statuses.every(status => status < 500),
          `${route}: ${statuses}`,
        )
      }
    })
  }
})

function linesOf({ asDesk, formToken }: HeavyWorld): object {
  return { ...asDesk, 'content-type': 'application/x-ndjson', 'x-csrf-token': formToken }
}

/** A call of an assistant. */
function call(method: string, params: object = {}): (world: HeavyWorld) => Asking {
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  return () => ({ method: 'POST', path: '/mcp', headers, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) })
}

function placed(path: string, { size, large }: HeavyWorld): string {
  const places = { LARGE_END: large.to, LARGE: large.from, BACK: size - 1001, LAST: size - 1, MIDDLE: size - 15_000, SIZE: size }
  return Object.entries(places).reduce((text, [name, at]) => text.replaceAll(name, String(at)), path)
}
