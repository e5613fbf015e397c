/**
 * Records, changes, feeds, anchors and certificates over HTTP: what each says, in pages, however
 * long and hostile the contents.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import QRCode from 'qrcode'
import { toHex } from '../../src/core/bytes.ts'
import { sendRaw } from '../http/socket.ts'
import { AGENCY, ANCHORED_MS, openWorld, SITE_URL, type World } from './world.ts'

const HOUR_MS = 3_600_000
const HEX = /[0-9a-f]{64}/

describe('web/looking around', () => {
  let world: World
  before(async () => {
    world = await openWorld()
    await world.submit('r-1', 'first')
    await world.submit('r-1', 'second')
    await world.submit('r-2', 'third', { action: 'amend', reason: { code: 'correction' } })
    await world.anchor(ANCHORED_MS - HOUR_MS)
    world.state.nowMs = ANCHORED_MS - 60_000
    for (let at = 0; at < 60; at++) await world.submit(`many-${at}`, `text ${at}`, { title: `Bridge ${at}` })
    await world.submit('r-2', 'gone', { action: 'withdraw', reason: { code: 'other' } })
    await world.anchor()
    await world.submit('waits', 'not anchored')
    world.state.nowMs = ANCHORED_MS
  })
  after(() => world.close())

  const read = async (path: string) => {
    const response = await fetch(world.url + path)
    return { status: response.status, type: response.headers.get('content-type') ?? '', text: await response.text() }
  }
  const linksTo = (text: string, path: string) =>
    [...text.matchAll(new RegExp(`href="${path}(\\d+)"`, 'g'))].map(([, index]) => Number(index))

  it('lists changes with what they replace, newest first, by kind', async () => {
    const { text } = await read('/changes')
    // The amendment at 3 was withdrawn by 64 since.
    assert.deepEqual(linksTo(text, '/records/'), [64, 3, 3, 64, 2, 1])
    assert.match(text, /Published before as: <a href="\/records\/1">Entry 1<\/a>/)
    assert.deepEqual(linksTo((await read('/changes?kind=amend')).text, '/records/'), [3, 64])
    assert.deepEqual(linksTo((await read('/changes?before=3')).text, '/records/'), [2, 1])
    assert.match((await read('/changes?kind=__proto__')).text, /All changes/)
    assert.equal((await read('/records?before=4')).text.match(/class="badge alert">Changed without/g)?.length, 2)
    assert.match((await read('/records/2')).text, /other content\. Published before as: <a href="\/records\/1">/)
  })

  it('says how much was changed afterwards, and by which agencies, without a bar for nothing', async () => {
    const { text } = await read('/changes')
    assert.match(text, /Of 65 entries in all, 3 change an earlier one\./)
    const [, row = ''] = /<tbody>(<tr><td data-label="Agency">[\s\S]*?)<\/tbody>/.exec(text) ?? []
    const cells = [...row.matchAll(/data-label="([^"]*)">(.*?)<\/td>/g)].map(([, label, cell]) => [label, cell!.replace(/<[^>]*>/g, '')])
    assert.deepEqual(cells, [
      ['Agency', 'Υπουργείο Μεταφορών &lt;b&gt;&amp;'],
      ['Entries accepted', '65'],
      ['Silent edits', '1'],
      ['Amendments', '1'],
      ['Withdrawals', '1'],
      ['Changes among its entries', '4.6%'],
    ])
    assert.equal(row.match(/<rect/g)?.length, 1)
    for (const path of ['/changes?kind=amend', '/changes?before=3']) assert.doesNotMatch((await read(path)).text, /Changes by agency/)
  })

  it('answers in words how long entries waited, before it draws it', async () => {
    const { text } = await read('/anchors')
    assert.match(
      text,
      /<p class="lead">At least half of these entries waited no longer than 60 seconds for the chain\. At least 95 of 100 waited no longer than 60 minutes\. The longest wait was 60 minutes, for an entry accepted after <time[^>]*>20 November 2026 at 08:00 UTC<\/time>\. 1 entry still waits\.<\/p>[\s\S]*<svg/,
    )
  })

  it('counts what an agency did', async () => {
    assert.match((await read(`/agencies/${AGENCY}`)).text, /Entries: 65\. Silent edits: 1\. Amendments: 1\. Withdrawals: 1\./)
  })

  it('lists agencies by name, a page at a time', async () => {
    for (let at = 0; at < 100; at++) await world.agencies.add({ id: `a${at}.example`, name: `Agency ${String(at).padStart(3, '0')}` })
    const { text } = await read('/agencies')
    assert.match(text, /Agency 000.*Agency 099.*href="\/agencies\?from=100">More agencies/s)
    assert.match((await read('/agencies?from=100')).text, /Υπουργείο.*First agencies/s)
  })

  it('goes on with a search, a list and the anchors page by page', async () => {
    const first = (await read('/records?q=bridge')).text
    assert.equal(linksTo(first, '/records/').length, 50)
    const next = first.match(/href="(\/records\?q=bridge&amp;before=\d+)"/)?.[1]?.replace('&amp;', '&') ?? ''
    assert.equal(linksTo((await read(next)).text, '/records/').length, 10)
    const older = (await read('/records')).text.match(/href="(\/records\?before=\d+)"/)?.[1] ?? ''
    assert.equal(Math.max(...linksTo((await read(older)).text, '/records/')), 40)
    const { text } = await read('/anchors')
    assert.match(text, /<td data-label="Longest wait of its entries">60 minutes<\/td>/)
    assert.match(text, /Longest wait for the chain: from .* The highest bar shows 60 minutes\./)
    for (const range of ['day', 'season', 'all', 'x']) assert.equal((await read(`/anchors?range=${range}`)).status, 200)
  })

  it('begins every link, feed and code with the address that the operator has named, whatever a request says', async () => {
    const evil = ['Host: evil.example', 'X-Forwarded-Host: evil.example', 'X-Forwarded-Proto: http', 'Forwarded: host=evil.example']
    const { port } = new URL(world.url)
    for (const path of [
      '/',
      '/records/1',
      '/ar/records/2',
      '/ar/records/2/certificate',
      '/feed.atom',
      '/changes.atom',
      '/verify',
      '/about',
      '/openseal-verifier.html',
      '/policy.json',
    ]) {
      const target = ['http://evil.example', ''].map(authority => `GET ${authority}${path} HTTP/1.1`)
      for (const first of target) {
        const { body } = await sendRaw(Number(port), [[first, ...evil, 'Connection: close', '', ''].join('\r\n')])
        assert.ok(body.length > 100 && !body.includes('evil.example') && !body.includes(`localhost:${port}`), path)
      }
    }
    const page = (await read('/records/1')).text
    const certificate = (await read('/records/1/certificate')).text
    assert.ok(page.includes(`${SITE_URL}/records/1<`) && certificate.includes(`${SITE_URL}/records/1<`))
    assert.ok(certificate.includes(`${SITE_URL}/v1/records/1/receipt`))
    const code = await QRCode.toString(`${SITE_URL}/records/1`, { type: 'svg', margin: 2, errorCorrectionLevel: 'M' })
    for (const each of [page, certificate]) assert.ok(each.includes(code.match(/d="([^"]{500,})"/)![1]!))
    assert.match((await read('/feed.atom')).text, new RegExp(`<link rel="alternate" type="text/html" href="${SITE_URL}/records/\\d+"/>`))
  })

  it('writes feeds in pages that lead through everything once, with ids that do not depend on the address', async () => {
    for (const [path, entries] of [
      ['/feed.atom', 65],
      [`/de/agencies/${AGENCY}/feed.atom`, 65],
      ['/changes.atom', 2],
      ['/ar/changes/all.atom', 3],
    ] as const) {
      const ids: string[] = []
      for (let next: string | undefined = path; next !== undefined; ) {
        const { text, type, status } = await read(next)
        assert.equal(status, 200, next)
        assert.match(type, /application\/atom\+xml/)
        ids.push(...[...text.matchAll(/<entry>\n<id>([^<]+)<\/id>/g)].map(([, id]) => id ?? ''))
        assert.match(text, /<updated>2026-11-20T0[89]:/)
        next = text.match(/<link rel="next" [^>]*href="https:\/\/ledger\.example(\/[^"]+)"/)?.[1]
      }
      assert.equal(ids.length, entries, path)
      assert.equal(new Set(ids).size, entries, path)
      assert.ok(
        ids.every(id => /^tag:openseal\.test,2026-11-20:web\/records\/\d+$/.test(id)),
        ids[0],
      )
    }
    assert.equal((await read('/agencies/nobody.example/feed.atom')).status, 404)
    assert.equal((await read('/feed.atom?before=4')).text.match(/<category term="silent-edit" label="Silent edits"\/>/g)?.length, 1)
    assert.match(
      (await read('/changes.atom')).text,
      /<summary>Entry 2: Changed without a new version: same version number and name, other content\. \u2068r-1\u2069\. On the record since/,
    )
  })

  it('writes the same feeds as JSON Feed, linked from every page', async () => {
    for (const [path, atom] of [
      ['/feed.json', '/feed.atom'],
      [`/de/agencies/${AGENCY}/feed.json`, `/de/agencies/${AGENCY}/feed.atom`],
      ['/changes.json', '/changes.atom'],
      ['/ar/changes/all.json', '/ar/changes/all.atom'],
    ] as const) {
      const { text, type } = await read(path)
      assert.match(type, /^application\/feed\+json/)
      const feed = JSON.parse(text)
      const { text: xml } = await read(atom)
      const ids = [...xml.matchAll(/<entry>\n<id>([^<]+)<\/id>/g)].map(([, id]) => id)
      assert.deepEqual(
        feed.items.map(({ id }: { id: string }) => id),
        ids,
      )
      const times = [...xml.matchAll(/<updated>([^<]+)<\/updated>\n<published>([^<]+)</g)].map(([, updated, published]) => [
        updated,
        published,
      ])
      assert.deepEqual(
        feed.items.map((item: { date_modified: string; date_published: string }) => [item.date_modified, item.date_published]),
        times,
      )
      assert.deepEqual([feed.version, feed.feed_url], ['https://jsonfeed.org/version/1.1', `${SITE_URL}${path}`])
      assert.equal(feed.next_url === undefined, !/<link rel="next"/.test(xml))
    }
    assert.match((await read('/changes')).text, /type="application\/feed\+json" href="\/changes\/all\.json"/)
    assert.equal((await read('/agencies/nobody.example/feed.json')).status, 404)
  })

  it('lists every record for search engines, and closes what is not for them', async () => {
    const robots = await read('/robots.txt')
    assert.match(robots.type, /^text\/plain/)
    for (const path of ['/desk', '/operator', '/search', '/v1/', '/mcp']) assert.ok(robots.text.includes(`\nDisallow: ${path}\n`), path)
    assert.ok(robots.text.endsWith(`\nSitemap: ${SITE_URL}/sitemap.xml\n`))
    const addressesOf = (xml: string) => [...xml.matchAll(/<loc>([^<]+)<\/loc>/g)].map(([, address]) => address!.replace(SITE_URL, ''))
    const lists = addressesOf((await read('/sitemap.xml')).text)
    assert.deepEqual(lists, ['/sitemap/pages.xml', '/sitemap/agencies.xml', '/sitemap/records-0.xml'])
    const addresses: string[] = []
    for (const list of lists) addresses.push(...addressesOf((await read(list)).text))
    const size = Math.max(...linksTo((await read('/records')).text, '/records/')) + 1
    assert.equal(addresses.filter(address => /^\/records\/\d+$/.test(address)).length, size)
    for (const address of addresses.filter(each => !/^\/records\/\d/.test(each))) assert.equal((await read(address)).status, 200, address)
    assert.ok(addressesOf((await read('/sitemap/agencies.xml')).text).includes(`/agencies/${AGENCY}`))
    for (const list of ['1', '00', '-1', 'x', '9999999999']) assert.equal((await read(`/sitemap/records-${list}.xml`)).status, 404, list)
  })

  it('says on every page that entries wait too long, or that none are accepted', async () => {
    world.state.lag = { alarm: 'no funds' }
    assert.match(
      (await read('/about')).text,
      /Entries waiting: 1, the oldest since <time datetime="2026-11-20T09:59:00.000Z">20 November 2026 at 09:59 UTC</,
    )
    world.state.lag = {}
    assert.doesNotMatch((await read('/about')).text, /Entries waiting/)
    world.state.notAccepting = 'not compared'
    assert.match((await read('/')).text, /New records are not accepted at the moment.*<dd>not accepted<\/dd>/s)
    world.state.notAccepting = undefined
    assert.match((await read('/')).text, /<dd>1 <span class="small soft">since <time/)
  })

  describe('the certificate', () => {
    it('leads from the statement to the anchored root with the printed values alone', async () => {
      for (const index of [1, 2, 40, 64, 65]) {
        const { text } = await read(`/records/${index}/certificate`)
        const steps = text.slice(text.indexOf('<ol class="steps">')).split(/\n<li>/)
        const raw = unescapeHtml(text.match(/<p class="raw" dir="ltr">(.*?)<\/p>/)?.[1] ?? '')
        assert.equal(sha256(Buffer.from(raw)), last(steps[1]), 'step 2')
        assert.equal(sha256(Buffer.from(`0001${last(steps[1])}`, 'hex')), last(steps[2]), 'step 3')
        let result = last(steps[2])
        const lines = [
          ...text.matchAll(
            /<td[^>]*>\d+<\/td><td[^>]*><span class="hash">(.{64})<\/span><\/td><td[^>]*>(left|right)<\/td><td[^>]*><span class="hash">(.{8})</g,
          ),
        ]
        for (const [, given = '', side, begins] of lines) {
          result = sha256(Buffer.from(`01${side === 'left' ? given + result : result + given}`, 'hex'))
          assert.equal(result.slice(0, 8), begins)
        }
        assert.ok(steps[4]?.includes(result), 'step 5')
        if (index < 65) assert.equal(result, (await world.ledger.roundOf(index))?.anchor?.root)
        else assert.equal(result, toHex(world.ledger.head().root))
      }
    })

    it('names commands that really lead from the receipt to the root', async () => {
      const { text } = await read('/records/40/certificate')
      const commands = [...text.matchAll(/<bdi>Linux<\/bdi> <code dir="ltr">(.*?)<\/code>/g)].map(([, command]) => unescapeHtml(command!))
      const run = (command: string, input = '') =>
        execFileSync('sh', ['-c', command], { input, encoding: 'utf8' }).match(HEX)?.[0] ?? 'none'
      const [, take = '', hash = ''] = commands
      const statementHash = run(take.replace(' RECEIPT', ''), await world.ledger.receipt(40))
      assert.ok(hash.includes(`0001${statementHash}`) && text.includes(`It must be: <span class="hash">${statementHash}`))
      const leafHash = run(hash)
      assert.ok(text.includes(`It must be: <span class="hash">${leafHash}`))
      let result = leafHash
      for (const [, given = '', side] of text.matchAll(/<span class="hash">(.{64})<\/span><\/td><td[^>]*>(left|right)</g))
        result = run(hash.replace(/0001[0-9a-f]{64}/, `01${side === 'left' ? given + result : result + given}`))
      assert.equal(result, (await world.ledger.roundOf(40))?.anchor?.root)
    })

    it('names commands for Windows that take the same parts of the same receipt', async () => {
      const { text } = await read('/records/40/certificate')
      const [, take = '', hash = ''] = [...text.matchAll(/<bdi>PowerShell<\/bdi> <code dir="ltr">([\s\S]*?)<\/code>/g)].map(([, each]) =>
        unescapeHtml(each!),
      )
      // The patterns are plain enough to mean the same in both languages.
      const [before = '', after = ''] = [...take.matchAll(/-creplace '([^']*)'/g)].map(([, pattern]) => pattern)
      const statement = (await world.ledger.receipt(40)).replace(new RegExp(before), '').replace(new RegExp(after), '')
      assert.equal(statement, await world.ledger.statement(40))
      assert.ok(hash.includes(`'0001${sha256(Buffer.from(statement))}'`))
    })

    it('shows one of many documents, and says how many there are', async () => {
      const one = { mediaType: 'text/plain', bytes: 1 }
      const documents = Array.from({ length: 200 }, (_, at) => ({ ...one, name: `d${at}`, sha256: sha256(Buffer.from(`d${at}`)) }))
      const index = await world.submit('documents', 'x', { documents })
      const names = (text: string) => [...text.matchAll(/data-label="Name"><bdi[^>]*>(d\d+)/g)].map(([, name]) => name)
      const page = (await read(`/records/${index}`)).text
      assert.equal(names(page).length, 200)
      assert.ok(page.includes(`href="/records/${index}/certificate?document=77"`))
      const all = (await read(`/records/${index}/certificate`)).text
      assert.equal(names(all).length, 200)
      assert.doesNotMatch(all, /Other documents/)
      const only = (await read(`/records/${index}/certificate?document=77`)).text
      assert.deepEqual(names(only), ['d76'])
      assert.match(only, /Other documents of this statement: 199\./)
      for (const wrong of ['0', '201', 'x', '1.5', '-1'])
        assert.equal(names((await read(`/records/${index}/certificate?document=${wrong}`)).text).length, 200)
    })

    it('is there in every language, and not where there is no statement', async () => {
      const page = await read('/records/1')
      assert.ok(page.text.includes('href="/records/1/certificate"'))
      assert.doesNotMatch(page.text, /class="steps"|class="sign"/)
      assert.match((await read('/de/records/1/certificate')).text, /<html lang="de"[\s\S]*class="steps"/)
      assert.equal((await read('/records/0/certificate')).status, 200)
      assert.equal((await read('/records/999999/certificate')).status, 404)
      assert.equal((await read('/records/1/certificates')).status, 404)
    })
  })

  describe('huge and hostile contents', () => {
    it('shortens titles of 32 KiB everywhere and shows the whole on the record page', async () => {
      const title = '<b>💥 &"\' '.repeat(1500)
      const index = await world.submit('huge', 'huge', {
        title,
        language: 'qq-<'.slice(0, 2),
        action: 'amend',
        reason: { code: 'other', text: 'x'.repeat(2000) },
      })
      for (const path of ['/', '/records', '/changes', `/agencies/${AGENCY}`, '/feed.atom', '/records?q=huge']) {
        const { text, status } = await read(path)
        assert.equal(status, 200)
        assert.doesNotMatch(text, /<b>💥|\ufffd/, path)
        assert.ok(text.length < 60_000, `${path}: ${text.length}`)
      }
      const { text } = await read(`/records/${index}`)
      assert.equal(text.match(/Whole text/g)?.length, 2)
      const certificate = (await read(`/records/${index}/certificate`)).text
      for (const each of [text, certificate]) assert.doesNotMatch(each, /lang="qq"|<b>💥|class="raw"/)
    })

    it('keeps writing in either direction apart, and marks it with its language', async () => {
      const index = await world.submit('\u202Ereversed', 'rtl', { title: 'مناقصة \u202E عامة', language: 'ar' })
      const { text } = await read(`/records/${index}`)
      assert.match(text, /<h1><bdi lang="ar" dir="auto">/)
      assert.match(text, /<bdi>\[U\+202E\]reversed<\/bdi>/)
      assert.doesNotMatch((await read(`/records/${index}/certificate`)).text, /class="raw"/)
    })

    it('shows the controls in text of others as marks, on every page, in every feed and in JSON', async () => {
      const steering = [0x85, 0x9b, 0x61c, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2069, 0x2068]
      const hostile = `7${String.fromCodePoint(...steering)}8`
      await world.agencies.add({ id: 'hostile.example', name: `0 ${hostile}` })
      const agency = { agency: 'hostile.example', title: `Hostile ${hostile}` }
      await world.submit('controls', 'controls 1', agency)
      const reason = { code: 'other', text: hostile } as const
      const documents = [{ name: `${hostile}.txt`, mediaType: 'text/plain', bytes: 1, sha256: '0'.repeat(64) }]
      const index = await world.submit('controls', 'controls 2', { ...agency, action: 'amend', reason, documents })
      const pages = [
        '/',
        '/records',
        '/changes',
        '/agencies',
        '/agencies/hostile.example',
        '/records?q=hostile',
        `/records/${index}`,
        `/records/${index}/certificate`,
      ]
      const feeds = ['/feed.atom', '/agencies/hostile.example/feed.atom', '/changes/all.atom']
      const json = [`/v1/records/${index}`, '/v1/records', '/v1/agencies', '/v1/agencies/hostile.example', `/v1/records?${hostile}`]
      for (const path of [...pages.flatMap(page => [page, `/ar${page}`]), ...feeds, ...json]) {
        const { text } = await read(path)
        // Isolates that are ours and closed may stay.
        const shown = text.replace(/\u2068\P{Bidi_Control}*\u2069/gu, '')
        assert.deepEqual(shown.match(/.{0,30}(?:[^\P{Cc}\n]|\p{Bidi_Control})/gu), null, path)
        assert.match(
          text,
          json.includes(path) ? /7\\u0085\\u009b\\u061c.*8/ : /7\[U\+0085\]\[U\+009B\]\[U\+061C\].*\[U\+2069\]\[U\+2068\]8/,
          path,
        )
      }
      const { text } = await read(`/records/${index}`)
      assert.match(text, /<title>\u2068Hostile 7\[U\+0085\][^\u2069]*8\u2069 \(Entry \d+\) – OpenSeal<\/title>/)
      assert.match(text, /<h1><bdi[^>]*>Hostile 7\[U\+0085\]/)
    })

    it('shows the newest part of a very long history, and this entry in it', async () => {
      for (let at = 0; at < 1100; at++) await world.ledger.submit({ ...LONG, revision: String(at) })
      await world.finder.tick()
      const size = world.ledger.head().size
      const last = size - 1
      await world.submit('long', 'x', { target: '0', action: 'withdraw', reason: { code: 'other' } })
      const middle = last - 600
      const { text } = await read(`/records/${middle}`)
      assert.deepEqual(linksTo(text.slice(text.indexOf('class="line"')), '/records/').slice(-3), [last - 1, last, last + 1])
      assert.match(text, new RegExp(`<b>Entry ${middle} \\(this page\\)</b>`))
      assert.ok(text.length < 40_000, String(text.length))
      assert.ok((await read(`/records/${middle}?history=all`)).text.length > 100_000)
      // The withdrawal is far beyond the first thousand versions, and applies only to the first
      // one.
      const first = (await read(`/records/${last - 1099}`)).text
      assert.match(first, new RegExp(`On the record, withdrawn: <a href="/records/${size}">`))
      assert.doesNotMatch(text, /On the record, withdrawn/)
      await world.anchor()
      const body = new FormData()
      body.append('pasted', await world.ledger.receipt(last - 1099))
      const checked = await (await fetch(`${world.url}/verify`, { method: 'POST', body })).text()
      // Nobody can read this many statements in bounded time: the check says so, and reports what
      // it saw.
      assert.match(checked, new RegExp(`data-verdict="unchecked"[\\s\\S]*Entry ${size} withdraws this version\\.`))
    })

    it('says when and why a statement was erased, on its page with 410 and in the list of removals', async () => {
      const index = await world.submit('to-erase', 'gone', { title: 'A title that goes' })
      await world.ledger.requestErasure(index, 'court-order', { by: 'operator' })
      await world.finder.tick()
      const response = await fetch(`${world.url}/records/${index}`)
      assert.deepEqual([response.status, response.headers.get('x-robots-tag')], [410, 'noindex'])
      const text = await response.text()
      assert.match(text, /Erased on .*Reason: court order/)
      const certificate = await fetch(`${world.url}/records/${index}/certificate`)
      assert.deepEqual([certificate.status, /A title that goes/.test(await certificate.text())], [410, false])
      assert.doesNotMatch(text, /A title that goes/)
      const list = (await read('/changes?kind=erased')).text
      assert.match(list, new RegExp(`Entry ${index}</a>`))
      assert.match(list, /Reason: court order/)
      assert.match((await read(`/records/${world.ledger.head().size - 1}`)).text, /Notice that an earlier entry was erased/)
    })

    it('keeps every page where a statement was erased or is damaged', async () => {
      world.erased.add(2)
      world.damaged.add(1)
      for (const path of [
        '/',
        '/records?before=4',
        '/changes',
        `/agencies/${AGENCY}?before=4`,
        '/records?q=r-1',
        '/feed.atom?before=4',
        '/changes.atom',
        '/records/3',
      ]) {
        assert.equal((await read(path)).status, 200, path)
      }
      const { text } = await read('/records/2')
      assert.match(text, /Entry 2: Erased entry/)
      assert.match((await read('/changes')).text, /Erased entry/)
      const damaged = await read('/records/1')
      assert.equal(damaged.status, 500)
      assert.match(damaged.text, /does not match the ledger’s own list/)
      world.erased.clear()
      world.damaged.clear()
    })
  })
})

const LONG = {
  type: 'openseal/statement@v1',
  agency: AGENCY,
  kind: 'decision',
  action: 'publish',
  record: 'long',
  published: '2026-11-19T08:00:00Z',
  documents: [{ name: 'a', mediaType: 'text/plain', bytes: 1, sha256: 'ab'.repeat(32) }],
} as const

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function last(step: string | undefined): string {
  return step?.replace(/<p .*/s, '').match(new RegExp(`${HEX.source}(?!.*${HEX.source})`, 's'))?.[0] ?? 'none'
}

function unescapeHtml(text: string): string {
  return text.replace(/&(lt|gt|quot|#39|amp);/g, (_, name: string) => ({ lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' })[name] ?? '')
}
