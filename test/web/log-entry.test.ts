/** The ledger's own entries, each shown as what it is, and a ledger that has no record yet. */
import { deepEqual, doesNotMatch, equal, match } from 'node:assert/strict'
import { LANGUAGE_TAGS, speak } from '../../src/messages/language.ts'
import { logEntryPage } from '../../src/web/pages/log-entry.ts'
import { ORIGIN, openWorld, type World } from './world.ts'

describe('web/log-entry', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world.close())
  const read = async (path: string) => {
    const response = await fetch(world.url + path, { headers: { accept: 'text/html' } })
    return { status: response.status, text: await response.text() }
  }

  it('welcomes readers, agencies and the operator where there is no record yet, and never afterwards', async () => {
    for (const tag of LANGUAGE_TAGS)
      for (const path of ['/', '/records']) {
        const { text } = await read(`/${tag}${path}`)
        match(text, new RegExp(`<section class="welcome">[\\s\\S]*href="/${tag}/records/0"[\\s\\S]*openseal agency add`), `${tag}${path}`)
        doesNotMatch(text, /\{page\}|\{command\}/)
      }
    await world.submit('r-1', 'first')
    for (const path of ['/', '/records']) doesNotMatch((await read(path)).text, /class="welcome"/)
  })

  it('shows the founding entry as what it is, and names it so in lists', async () => {
    const { status, text } = await read('/en/records/0')
    equal(status, 200)
    match(text, /<h1>First entry: the founding of this ledger<\/h1>\n<p class="lead">This entry founds the ledger\./)
    for (const fact of [ORIGIN, world.ledger.vkey]) match(text, new RegExp(fact.replace(/[+/]/g, '\\$&')))
    match(text, /<dt>Chain<\/dt><dd>none<\/dd>/)
    match((await read('/en/records')).text, /href="\/en\/records\/0">First entry: the founding of this ledger</)
  })

  it('shows the notice of an erasure with the entry, the reason and who asked', async () => {
    const index = await world.submit('r-2', 'second')
    await world.ledger.requestErasure(index, 'court-order', { by: 'operator' })
    await world.finder.tick()
    const { text } = await read(`/en/records/${world.ledger.head().size - 1}`)
    match(text, new RegExp(`<dt>Erased entry</dt><dd><a href="/en/records/${index}">Entry ${index}</a></dd>`))
    match(text, /<dd>court order<\/dd>\n?<dt>Asked for by<\/dt><dd>the operator of the ledger<\/dd>/)
  })

  it('shows the keys or chains of a change, a time stamp, and the chains that a founding binds, in every language', () => {
    const salt = 'AA'
    const created = '2026-11-20T10:00:00Z'
    const place = { type: 'evm', chainId: 1, contract: `0x${'c0'.repeat(20)}`, logId: `0x${'1d'.repeat(32)}` } as const
    const founding = { type: 'openseal/genesis@v1', origin: ORIGIN, logKey: 'k', anchors: [place, place], created, salt } as const
    const change = { type: 'openseal/key@v1', origin: ORIGIN, oldKey: '<old>', newKey: 'new', fromSize: 1234, created, salt } as const
    const logged = { ...place, codeSha256: 'c5'.repeat(32) }
    const anchors = { type: 'openseal/anchors@v1', origin: ORIGIN, anchors: [logged], created, salt } as const
    const stamp = { type: 'openseal/timestamp@v1', size: 5678, sha256: 'ab12'.repeat(16), created, salt } as const
    for (const tag of LANGUAGE_TAGS) {
      const frame = { say: speak(tag), base: '', path: '/records/9', origin: ORIGIN, styleHref: '', banners: noBanners }
      const main = (statement: typeof founding | typeof change | typeof anchors | typeof stamp) =>
        (logEntryPage(frame, { index: 9, statement, dates: { sealedMs: undefined } }).main as { safe: string }).safe
      match(main(change), /&lt;old&gt;[\s\S]*new[\s\S]*(1.?234|١.?٢٣٤)/u, tag)
      match(main(stamp), /(5.?678|٥.?٦٧٨)[\s\S]*(ab12){16}[\s\S]*2026/u, tag)
      deepEqual([main(founding).match(/c0c0/g)?.length, main(founding).match(/1d1d1d/g)?.length], [20, 20], tag)
      match(main(anchors), new RegExp(`${place.contract}[\\s\\S]*${logged.codeSha256}[\\s\\S]*${place.logId}`), tag)
    }
  })

  it('says that a damaged entry cannot be shown, and keeps it out of search engines', async () => {
    world.damaged.add(1)
    const { status, text } = await read('/en/records/1')
    world.damaged.clear()
    equal(status, 500)
    match(text, /<meta name="robots" content="noindex">[\s\S]*does not match the ledger’s own list/)
  })
})

const noBanners = { testNetwork: false, stopped: false, notAccepting: false }
