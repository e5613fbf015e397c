/** Asking a ledger over HTTP: a real server that answers as it is told. */
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ListedEntry } from '../../src/verifier/later.ts'
import { createLedgerReader, giveUpWhenGone } from '../../src/verifier/ledger-reader.ts'
import { STATEMENT } from './world.ts'

type Reply = { status?: number; body?: unknown; retryAfter?: string }

describe('verifier/ledger-reader', () => {
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
  const reader = () =>
    createLedgerReader({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, origin: 'o', fetch, timeoutMs: 5000 })
  const receiptsFor = (records: readonly object[]) => (path: string) =>
    path.endsWith('/receipt') ? { body: `receipt ${path.split('/')[3]}` } : { body: { records } }

  it('takes of each record the earliest entry that names the file, the oldest first', async () => {
    reply = receiptsFor([
      { index: 9, agency: 'a', record: 'x' },
      { index: 7, agency: 'b', record: 'x' },
      { index: 5, agency: 'a', record: 'x' },
      { index: 4, erased: true },
      { index: 8, agency: 'a', record: 'y' },
    ])
    deepEqual(await reader().findReceipts(['aa']), ['receipt 5', 'receipt 7', 'receipt 8'])
  })

  it('is not kept from the other records by one whose receipt cannot be read', async () => {
    const records = [
      { index: 1, record: 'x' },
      { index: 2, record: 'y' },
    ]
    reply = path => (path.startsWith('/v1/records/1/') ? { status: 500 } : receiptsFor(records)(path))
    deepEqual(await reader().findReceipts(['aa']), ['receipt 2'])
    reply = path => (path.endsWith('/receipt') ? { status: 500 } : receiptsFor(records)(path))
    await rejects(reader().findReceipts(['aa']), { code: 'LEDGER_REFUSED' })
  })

  it('asks by the second hash only where the first is not known', async () => {
    reply = path => (path.includes('sha256=aa') ? { body: { records: [] } } : receiptsFor([{ index: 1 }])(path))
    deepEqual(await reader().findReceipts(['aa', 'bb']), ['receipt 1'])
    reply = () => ({ body: { records: [] } })
    deepEqual(await reader().findReceipts(['aa', 'bb']), [])
  })

  it('follows the pages of a list, and gives up on one without end', async () => {
    reply = path => {
      if (path.endsWith('/receipt')) return { body: 'r' }
      return path.includes('cursor=5')
        ? { body: { records: [{ index: 3, title: null }], cursor: null } }
        : { body: { records: [{ index: 5 }], cursor: '5' } }
    }
    equal((await reader().findReceipts(['aa'])).length, 1)
    deepEqual(asked.at(-1), '/v1/records/3/receipt')
    reply = () => ({ body: { records: Array.from({ length: 500 }, (_, index) => ({ index })), cursor: '1' } })
    await rejects(reader().findReceipts(['aa']), { code: 'LEDGER_ANSWER', message: /does not lead on/ })
    equal(asked.filter(path => path.includes('cursor')).length, 2)
    // Found by fuzzing: empty pages, each naming a next one.
    reply = () => ({ body: { records: [], cursor: '1' } })
    await rejects(reader().findReceipts(['aa']), { code: 'LEDGER_ANSWER', message: /does not lead on/ })
    let next = 2 ** 52
    const endless: typeof fetch = async () => new Response(JSON.stringify({ records: [{ index: next }], cursor: String(next--) }))
    await rejects(createLedgerReader({ url: '', origin: 'o', fetch: endless, timeoutMs: 1000 }).findReceipts(['aa']), {
      code: 'LEDGER_TOO_MANY',
    })
  })

  /** A ledger that lists these entries as ours does: newest first, from a cursor on, 100 a page. */
  const listing = (entries: readonly ListedEntry[]) => (path: string) => {
    if (path === '/v1/status') return { body: { origin: 'o' } }
    if (path.endsWith('/receipt')) return { body: `receipt ${path.split('/')[3]}` }
    const before = Number(new URLSearchParams(path.split('?')[1]).get('cursor') ?? Number.MAX_SAFE_INTEGER)
    const below = entries.filter(({ index }) => index < before).sort((a, b) => b.index - a.index)
    return { body: { records: below.slice(0, 100), ...(below.length > 100 && { cursor: String(below[99]!.index) }) } }
  }
  const { revision } = STATEMENT

  it('finds the earliest entry of each record among any number that name the file', async () => {
    const older = Array.from({ length: 2500 }, (_, i) => ({ index: i + 10, agency: 'a', record: `r${i % 3}` }))
    reply = listing([...older, { index: 5000, agency: 'a', record: 'new' }])
    deepEqual(await reader().findReceipts(['aa']), ['receipt 10', 'receipt 11', 'receipt 12', 'receipt 5000'])
  })

  it('sees a withdrawal and an amendment behind any number of later publications, and reads few receipts for it', async () => {
    const published = Array.from({ length: 2500 }, (_, i) => ({ index: i + 10, action: 'publish', revision }))
    reply = listing([
      { index: 2, action: 'withdraw' },
      { index: 3, action: 'withdraw' },
      { index: 4, action: 'amend', target: revision },
      ...published,
    ])
    const later = (await reader().currency(STATEMENT, 2)).map(({ index }) => index)
    deepEqual(later, [2509, 2508, 2507, 2506, 2505, 2504, 2503, 2502, 4, 3])
  })

  it('asks for no page beyond the statement that it asks about', async () => {
    reply = listing(Array.from({ length: 2500 }, (_, index) => ({ index, action: 'publish', revision })))
    deepEqual(
      (await reader().currency(STATEMENT, 2495)).map(({ index }) => index),
      [2499, 2498, 2497, 2496],
    )
    equal(asked.filter(path => path.includes('record=')).length, 2)
  })

  it('asks for later statements of the record only of the ledger that the policy names', async () => {
    const ledger = (origin: string) => (path: string) =>
      path === '/v1/status' ? { body: { origin } } : receiptsFor([{ index: 3 }, { index: 1 }, { index: 2 }])(path)
    reply = ledger('o')
    deepEqual(await reader().currency(STATEMENT, 1), [
      { index: 3, receiptText: 'receipt 3' },
      { index: 2, receiptText: 'receipt 2' },
    ])
    reply = ledger('other')
    await rejects(reader().currency(STATEMENT, 1), { code: 'LEDGER_OTHER' })
  })

  it('asks for whole pages, and for the first once', async () => {
    reply = () => ({ body: { records: [] } })
    await reader().findReceipts(['aa'])
    deepEqual(asked, ['/v1/records?sha256=aa&limit=100'])
  })

  it('follows a list through its pages to the oldest entry of a record', async () => {
    let newest = 2000
    reply = path => {
      if (path.endsWith('/receipt')) return { body: 'r' }
      const records = [{ index: newest, record: 'x' }]
      newest -= 100
      return { body: newest > 0 ? { records, cursor: String(newest + 1) } : { records } }
    }
    deepEqual(await reader().findReceipts(['aa']), ['r'])
    equal(asked.filter(path => path.includes('?sha256=')).length, 20)
    equal(asked.at(-1), '/v1/records/100/receipt')
  })

  it('reads the receipts of eight records at most, the oldest', async () => {
    reply = receiptsFor(Array.from({ length: 9 }, (_, index) => ({ index, record: `r-${index}` })))
    equal((await reader().findReceipts(['aa'])).length, 8)
    equal(asked.includes('/v1/records/8/receipt'), false)
  })

  it('gives up on a busy ledger after four attempts', async () => {
    reply = () => ({ status: 503, retryAfter: '0' })
    await rejects(reader().readReceipt(1), { code: 'LEDGER_REFUSED', message: /503/ })
    equal(asked.length, 4)
  })

  it('comes again when a busy ledger says so, not when it would take long', async () => {
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

  it('is not asked again once it was not reached, but is when it only refused something', async () => {
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
    await rejects(gone.findReceipts(['aa']), { code: 'LEDGER_UNREACHABLE' })
    await rejects(gone.readReceipt(1), { code: 'LEDGER_UNREACHABLE' })
    await rejects(async () => gone.currency(STATEMENT, 1), { code: 'LEDGER_UNREACHABLE' })
    equal(calls, 1)
  })

  it('reads no more than a ledger has to say', async () => {
    reply = () => ({ body: 'x'.repeat(17 * 1024 * 1024) })
    await rejects(reader().findReceipts(['aa']), { code: 'LEDGER_ANSWER', message: /larger/ })
  })

  it('is told apart from what is no ledger', async () => {
    reply = () => ({ body: '<html>' })
    await rejects(reader().findReceipts(['aa']), { code: 'LEDGER_ANSWER' })
    reply = () => ({ body: { records: 7 } })
    deepEqual(await reader().findReceipts(['aa']), [])
  })
})
