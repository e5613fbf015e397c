/** Asking a ledger over HTTP: a real server that answers as it is told. */
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createLedgerReader, giveUpWhenGone } from '../../../src/verifier/app/ledger-reader.ts'
import type { ListedEntry } from '../../../src/verifier/app/record-versions.ts'
import { STATEMENT } from '../world.ts'

type Reply = { status?: number; body?: unknown; retryAfter?: string }

describe('verifier/app/ledger-reader', () => {
  let server: Server
  let asked: string[] = []
  let reply: (path: string) => Reply

  before(done => {
    server = createServer((request, response) => {
      asked.push(request.url ?? '')
      const { status = 200, body = '', retryAfter } = reply(request.url ?? '')
      if (retryAfter !== undefined) response.setHeader('Retry-After', retryAfter)
      response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body))
    }).listen(0, '127.0.0.1', done)
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  beforeEach(() => {
    asked = []
  })
  const addressOf = () => ({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
  const reader = () => createLedgerReader({ ...addressOf(), origin: 'o', fetch, timeoutMs: 5000 })
  const hash = (start: string) => start.padEnd(64, '0')
  /**
   * A ledger that lists these digests under every prefix that they have, `limit` at most, and has a
   * receipt of each entry.
   */
  const knowing =
    (rows: { readonly [digest: string]: readonly number[] }, recordOf = (index: number) => `r-${index}`, limit = 4096) =>
    (path: string): Reply => {
      if (path === '/v1/status') return { body: { origin: 'o' } }
      const [, prefix] = /^\/v1\/digests\/([0-9a-f]{3,8})$/.exec(path) ?? []
      const index = Number(path.split('/')[3])
      if (prefix === undefined)
        return {
          body: { type: 'openseal/receipt@v1', statement: { agency: 'a', record: recordOf(index) }, proof: `p${index}`, anchors: [] },
        }
      const found = Object.keys(rows)
        .filter(digest => digest.startsWith(prefix))
        .sort()
      const digests = found.slice(0, limit).map(digest => ({ digest, indexes: rows[digest] }))
      return { body: { prefix, digests, ...(found.length > limit && { truncated: true }) } }
    }
  const indexesIn = (found: readonly { newest: string; earliest?: string }[]) =>
    found.map(({ newest, earliest }) => [newest, earliest].map(text => text && Number(/p(\d+)/.exec(text)?.[1])))

  it('sends the first three digits of a hash and compares on its own side, so that nobody learns which file is asked for', async () => {
    reply = knowing({ [hash('abc1')]: [4], [hash('abc2')]: [7], [hash('abd')]: [9] })
    deepEqual(indexesIn(await reader().findReceipts([hash('abc2')])), [[7, undefined]])
    deepEqual(asked, ['/v1/digests/abc', '/v1/records/7/receipt'])
    asked = []
    deepEqual(await reader().findReceipts([hash('abc3')]), [])
    deepEqual(asked, ['/v1/digests/abc', '/v1/status'])
  })

  it('sends one digit more only where the ledger left digests out, and gives up where that never ends', async () => {
    const many = Object.fromEntries(['abc1', 'abc2', 'abc3', 'abc9'].map((start, index) => [hash(start), [index]]))
    reply = knowing(many, undefined, 2)
    deepEqual(indexesIn(await reader().findReceipts([hash('abc9')])), [[3, undefined]])
    deepEqual(asked, ['/v1/digests/abc', '/v1/digests/abc9', '/v1/records/3/receipt'])
    asked = []
    // Any digest before the last one listed would have been listed.
    deepEqual(await reader().findReceipts([hash('abc11')]), [])
    deepEqual(asked, ['/v1/digests/abc', '/v1/status'])
    reply = path => ({ body: { digests: [{ digest: path.split('/')[3]!.padEnd(64, '0'), indexes: [1] }], truncated: true } })
    await rejects(reader().findReceipts(['f'.repeat(64)]), { code: 'LEDGER_TOO_MANY' })
  })

  it('asks for each prefix once, as long as it was answered', async () => {
    reply = knowing({ [hash('abc1')]: [4] })
    const asking = reader()
    await Promise.all([hash('abc2'), hash('abc3'), hash('abc4')].map(each => asking.findReceipts([each])))
    deepEqual(asked, ['/v1/digests/abc', '/v1/status'])
    reply = () => ({ status: 404 })
    await rejects(asking.findReceipts([hash('def')]), { code: 'LEDGER_REFUSED' })
    reply = knowing({})
    deepEqual(await asking.findReceipts([hash('def')]), [])
  })

  it('remembers only as much as it has room for, however many entries a ledger lists for one digest', async () => {
    const indexes = Array.from({ length: 150_000 }, (_, index) => index)
    reply = knowing({ [hash('abc1')]: indexes, [hash('def1')]: indexes })
    const asking = reader()
    for (const each of ['abc2', 'abc3', 'def2', 'abc2']) deepEqual(await asking.findReceipts([hash(each)]), [])
    deepEqual(asked, ['/v1/digests/abc', '/v1/status', '/v1/digests/def', '/v1/digests/abc'])
  })

  it('takes of each record the newest entry that names the file, and the earliest beside it, the oldest record first', async () => {
    reply = knowing({ [hash('abc')]: [9, 5, 7, 8] }, index => (index === 5 || index === 9 ? 'x' : `y${index}`))
    deepEqual(indexesIn(await reader().findReceipts([hash('abc')])), [
      [9, 5],
      [7, undefined],
      [8, undefined],
    ])
  })

  it('reads the other records if the receipt of one cannot be read', async () => {
    const known = knowing({ [hash('abc')]: [1, 2] })
    reply = path => (path.startsWith('/v1/records/1/') ? { status: 500 } : known(path))
    deepEqual(indexesIn(await reader().findReceipts([hash('abc')])), [[2, undefined]])
    reply = path => (path.endsWith('/receipt') ? { status: 500 } : known(path))
    await rejects(reader().findReceipts([hash('abc')]), { code: 'LEDGER_REFUSED' })
  })

  it('says that the entries of a file were erased only if that is true of each', async () => {
    const known = knowing({ [hash('abc')]: [1, 2] })
    const gone = { status: 410, body: { code: 'RECORD_ERASING', erasing: '2026-12-01T00:00:00Z' } }
    reply = path => (path.endsWith('/receipt') ? gone : known(path))
    await rejects(reader().findReceipts([hash('abc')]), { code: 'RECORD_ERASED' })
    for (const other of [1, 2]) {
      reply = path => (path.endsWith(`/${other}/receipt`) ? { status: 500 } : path.endsWith('/receipt') ? gone : known(path))
      await rejects(reader().findReceipts([hash('abc')]), { code: 'LEDGER_REFUSED' })
    }
  })

  it('asks by each hash, so that a record that knows the file by its bytes hides no other that knows its content', async () => {
    reply = knowing({ [hash('bbb')]: [1] })
    deepEqual(indexesIn(await reader().findReceipts([hash('aaa'), hash('bbb')])), [[1, undefined]])
    deepEqual(await reader().findReceipts([hash('aaa'), hash('ccc')]), [])
    reply = knowing({ [hash('aaa')]: [5], [hash('bbb')]: [1, 2, 5, 6] }, index => (index > 4 ? 'bytes' : `content${index}`))
    deepEqual(indexesIn(await reader().findReceipts([hash('aaa'), hash('bbb')])), [
      [5, undefined],
      [1, undefined],
      [2, undefined],
    ])
    const known = reply
    reply = path => (path === '/v1/records/5/receipt' ? { status: 500 } : known(path))
    deepEqual(indexesIn(await reader().findReceipts([hash('aaa'), hash('bbb')])), [
      [1, undefined],
      [2, undefined],
      [6, undefined],
    ])
  })

  it('reads the receipts of thirty-two entries at most, the oldest and the newest, of eight records', async () => {
    reply = knowing({ [hash('abc')]: Array.from({ length: 100 }, (_, index) => index) })
    deepEqual(
      indexesIn(await reader().findReceipts([hash('abc')])),
      Array.from({ length: 8 }, (_, index) => [index, undefined]),
    )
    const read = asked.filter(path => path.endsWith('/receipt')).map(path => Number(path.split('/')[3]))
    deepEqual(
      read.sort((a, b) => a - b),
      [...Array(16).keys(), ...Array.from({ length: 16 }, (_, at) => 84 + at)],
    )
  })

  it('ignores digests that were not asked for, and refuses any answer that no ledger gives', async () => {
    const row = { digest: hash('abc'), indexes: [1] }
    for (const digests of [
      [{ ...row, digest: hash('def') }],
      [{ ...row, digest: 'abc' }],
      [{ ...row, indexes: ['1'] }],
      [{ digest: row.digest }],
      [7],
      7,
    ]) {
      reply = () => ({ body: { prefix: 'abc', digests } })
      await rejects(reader().findReceipts([hash('abc')]), { code: 'LEDGER_ANSWER' }, JSON.stringify(digests))
    }
  })

  it('keeps one deadline for all that it asks, while it waits for a busy ledger too', async () => {
    const stop = AbortSignal.timeout(200)
    const slow = createLedgerReader({ ...addressOf(), origin: 'o', fetch, timeoutMs: 5000, signal: stop })
    reply = () => ({ status: 503, retryAfter: '10' })
    const before = performance.now()
    await rejects(slow.readReceipt(1), { code: 'LEDGER_UNREACHABLE', message: /time for the whole check ended/ })
    ok(performance.now() - before < 5000)
    asked = []
    await rejects(slow.readReceipt(2), { code: 'LEDGER_UNREACHABLE' })
    deepEqual(asked, [])
  })

  it('gives up at the deadline with a ledger that names one more page each time', async () => {
    let next = 2 ** 52
    reply = path =>
      path === '/v1/status'
        ? { body: { origin: 'o' } }
        : { body: { records: [{ index: next, action: 'publish' }], cursor: String(next--) } }
    const lying = createLedgerReader({ ...addressOf(), origin: 'o', fetch, timeoutMs: 5000, signal: AbortSignal.timeout(300) })
    const before = performance.now()
    equal((await lying.currency(STATEMENT, 1)).complete, false)
    ok(performance.now() - before < 5000)
  })

  /** A ledger that lists these entries as ours does: newest first, from a cursor on, 100 a page. */
  const listing = (entries: readonly ListedEntry[]) => (path: string) => {
    if (path === '/v1/status') return { body: { origin: 'o' } }
    if (path === '/checkpoint') return { body: 'a checkpoint' }
    if (path.endsWith('/receipt')) return { body: `receipt ${path.split('/')[3]}` }
    const before = Number(new URLSearchParams(path.split('?')[1]).get('cursor') ?? Number.MAX_SAFE_INTEGER)
    const below = entries.filter(({ index }) => index < before).sort((a, b) => b.index - a.index)
    return { body: { records: below.slice(0, 100), ...(below.length > 100 && { cursor: String(below[99]!.index) }) } }
  }
  it('reads every other statement of the record, earlier ones too, with the index asked about and the checkpoint that the ledger serves', async () => {
    reply = listing(Array.from({ length: 250 }, (_, index) => ({ index })))
    const { listed, ...rest } = await reader().currency(STATEMENT, 200)
    deepEqual(rest, { source: 'ledger', checkpoint: 'a checkpoint', complete: true })
    const indexes = Array.from({ length: 250 }, (_, at) => 249 - at)
    deepEqual(
      listed,
      indexes.map(index => (index === 200 ? { index } : { index, receiptText: `receipt ${index}` })),
    )
  })

  it('does not treat a list as complete if it is malformed, or has an entry that cannot be read', async () => {
    const answering = (page: object) => (path: string) => (path.includes('?') ? { body: page } : listing([])(path))
    for (const page of [{}, { records: {} }, { records: [{ index: '7' }] }, { records: [7] }]) {
      reply = answering(page)
      await rejects(async () => reader().currency(STATEMENT, 1), { code: 'LEDGER_ANSWER' })
    }
    reply = answering({ records: [{ index: 7 }, { index: '8' }, { index: 1 }] })
    const { listed, complete } = await reader().currency(STATEMENT, 1)
    deepEqual([listed, complete], [[{ index: 7, receiptText: 'receipt 7' }, { index: 1 }], false])
  })

  it('says that a list is not complete where a record has more statements than it reads, and reads a few of them', async () => {
    reply = listing(Array.from({ length: 2500 }, (_, index) => ({ index })))
    const { listed, complete } = await reader().currency(STATEMENT, 1)
    deepEqual([complete, listed.length, listed[0]?.index], [false, 64, 2499])
    ok(asked.length < 80)
  })

  it('forgets nothing that was listed: a receipt that cannot be had, one that was erased, and a list that breaks off', async () => {
    const list = listing([{ index: 3 }, { index: 4, erased: 9 }, { index: 5, erased: true }])
    reply = path => (path.endsWith('/3/receipt') ? { status: 500 } : list(path))
    deepEqual((await reader().currency(STATEMENT, 1)).listed, [
      { index: 5, erased: {} },
      { index: 4, erased: { index: 9, receiptText: 'receipt 9' } },
      { index: 3 },
    ])
    const many = listing(Array.from({ length: 150 }, (_, index) => ({ index: index + 10 })))
    reply = path => (path.includes('cursor=') ? { status: 500 } : many(path))
    const { listed, complete } = await reader().currency(STATEMENT, 1)
    deepEqual([complete, listed.length], [false, 64])
  })

  it('reads the tombstones of erased statements with their effects, even if the statements are not listed any more', async () => {
    const lost = [{ index: 5, what: 'withdrawn', erased: 9 }] as const
    const list = listing([
      { index: 1, changes: lost },
      { index: 3, changes: lost },
      { index: 4, erasing: '2026-12-01T00:00:00Z' },
    ])
    reply = path => (path.endsWith('/2') ? { status: 404 } : list(path))
    const effects = [
      { on: 3, what: 'withdrawn' },
      { on: 1, what: 'withdrawn' },
    ]
    deepEqual((await reader().currency(STATEMENT, 1)).listed, [
      { index: 4, erased: {} },
      { index: 3, receiptText: 'receipt 3' },
      { index: 1 },
      { index: 5, erased: { index: 9, receiptText: 'receipt 9', effects } },
    ])
    // The entry that was asked about is not listed, because it was erased too.
    const gone = { status: 410, body: { code: 'RECORD_ERASED', erased: { time: '', reason: {}, tombstone: 8 }, changes: lost } }
    reply = path => (path === '/v1/records/2' ? gone : list(path))
    const { listed, complete } = await reader().currency(STATEMENT, 2)
    deepEqual([listed[3], complete], [{ index: 2, erased: { index: 8, receiptText: 'receipt 8' } }, true])
    deepEqual(listed[4]?.erased?.effects?.at(-1), { on: 2, what: 'withdrawn' })
    // One that is being erased can still be restored.
    deepEqual((await reader().currency(STATEMENT, 4)).listed[0], { index: 4 })
  })

  it('lists no erasure of its own entry that the ledger does not state', async () => {
    const list = listing([{ index: 3 }])
    for (const answer of [
      { status: 404 },
      { status: 410, body: '<html>' },
      { status: 410, body: { erased: true } },
      { status: 410, body: { erased: { tombstone: '8' } } },
      { status: 410, body: { erased: { tombstone: 8 }, changes: [{ index: 5, what: 'added', erased: 9 }] } },
    ]) {
      reply = path => (path === '/v1/records/2' ? answer : list(path))
      deepEqual((await reader().currency(STATEMENT, 2)).listed, [{ index: 3, receiptText: 'receipt 3' }])
    }
  })

  it('treats a list as incomplete if it names an effect that no statement has', async () => {
    for (const changes of [7, [7], [{ index: 5, what: 'gone', erased: 9 }], [{ index: 5, what: 'withdrawn' }]]) {
      const page = { records: [{ index: 3, changes }, { index: 1 }] }
      reply = path => (path.includes('?') ? { body: page } : listing([])(path))
      const { listed, complete } = await reader().currency(STATEMENT, 1)
      deepEqual([listed, complete], [[{ index: 1 }], false])
    }
  })

  it('gives up on a list that does not advance, and soon on one without an end', async () => {
    const list = (page: () => object) => (path: string) => (path === '/v1/status' ? { body: { origin: 'o' } } : { body: page() })
    reply = list(() => ({ records: [], cursor: '1' }))
    await rejects(async () => reader().currency(STATEMENT, 1), { code: 'LEDGER_ANSWER', message: /does not advance/ })
    reply = list(() => ({ records: Array.from({ length: 500 }, (_, index) => ({ index: index + 2 })), cursor: '1' }))
    deepEqual((await reader().currency(STATEMENT, 1)).complete, false)
    let next = 2 ** 52
    const endless: typeof fetch = async address =>
      new Response(
        JSON.stringify(String(address).endsWith('/status') ? { origin: 'o' } : { records: [{ index: next }], cursor: String(next--) }),
      )
    const answer = await createLedgerReader({ url: '', origin: 'o', fetch: endless, timeoutMs: 1000 }).currency(STATEMENT, 1)
    deepEqual([answer.complete, answer.listed.length], [false, 64])
  })

  it('believes that there is no record of a file only if the ledger of the policy says so', async () => {
    const known = knowing({ [hash('abc1')]: [4] })
    reply = path => (path === '/v1/status' ? { body: { origin: 'another' } } : known(path))
    equal((await reader().findReceipts([hash('abc1')])).length, 1)
    await rejects(reader().findReceipts([hash('abc2')]), { code: 'LEDGER_OTHER' })
  })

  it('asks only the ledger that the policy names what became of a version', async () => {
    const ledger = listing([{ index: 3 }, { index: 1 }, { index: 2 }])
    reply = path => (path === '/v1/status' ? { body: { origin: 'other' } } : ledger(path))
    await rejects(async () => reader().currency(STATEMENT, 1), { code: 'LEDGER_OTHER' })
  })

  it('gives up on a busy ledger after four attempts', async () => {
    reply = () => ({ status: 503, retryAfter: '0' })
    await rejects(reader().readReceipt(1), { code: 'LEDGER_REFUSED', message: /503/ })
    equal(asked.length, 4)
  })

  it('asks a busy ledger again when told to, unless the wait is long', async () => {
    let busy = 2
    reply = () => (busy-- > 0 ? { status: busy === 0 ? 429 : 503, retryAfter: '0' } : { body: 'receipt' })
    equal(await reader().readReceipt(1), 'receipt')
    equal(asked.length, 3)
    for (const refusal of [
      { status: 503, retryAfter: '3600' },
      { status: 503, retryAfter: 'Tue' },
      { status: 404 },
      { status: 429, retryAfter: '0' },
    ]) {
      reply = () => refusal
      await rejects(reader().readReceipt(1), { code: 'LEDGER_REFUSED' })
    }
  })

  it('is not asked again once it was unreachable, but is if it only refused something', async () => {
    const alive = giveUpWhenGone(reader())
    reply = () => ({ status: 404 })
    for (let time = 0; time < 2; time++) await rejects(alive.readReceipt(1), { code: 'LEDGER_REFUSED' })
    equal(asked.length, 2)
    let calls = 0
    const dead = () => {
      calls++
      return Promise.reject(new TypeError('fetch failed'))
    }
    const gone = giveUpWhenGone(createLedgerReader({ url: 'http://gone.example', origin: 'o', fetch: dead, timeoutMs: 100 }))
    await rejects(gone.findReceipts([hash('aaa')]), { code: 'LEDGER_UNREACHABLE' })
    await rejects(gone.readReceipt(1), { code: 'LEDGER_UNREACHABLE' })
    await rejects(async () => gone.currency(STATEMENT, 1), { code: 'LEDGER_UNREACHABLE' })
    equal(calls, 1)
  })

  it('reads no more than the largest answer of a ledger', async () => {
    const filled = (megabytes: number) => ({ body: { origin: 'o', filling: 'x'.repeat(megabytes * 1024 * 1024) } })
    const known = listing([{ index: 1 }])
    reply = () => filled(2)
    await rejects(reader().findReceipts([hash('aaa')]), { code: 'LEDGER_ANSWER', message: /larger/ })
    await rejects(reader().readReceipt(1), { code: 'LEDGER_ANSWER', message: /larger/ })
    reply = path => (path.includes('?') ? { body: { records: [{ index: 1, filling: 'x'.repeat(2 * 1024 * 1024) }] } } : known(path))
    equal((await reader().currency(STATEMENT, 1)).complete, true)
    reply = path => (path.includes('?') ? filled(17) : known(path))
    await rejects(async () => reader().currency(STATEMENT, 1), { code: 'LEDGER_ANSWER', message: /larger/ })
  })

  it('is distinguished from other servers', async () => {
    reply = () => ({ body: '<html>' })
    await rejects(reader().findReceipts([hash('aaa')]), { code: 'LEDGER_ANSWER' })
    reply = () => ({ body: { digests: {} } })
    await rejects(reader().findReceipts([hash('aaa')]), { code: 'LEDGER_ANSWER' })
  })
})
