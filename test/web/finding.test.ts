/** The list of records: everything that a reader chooses is in its address, and no script is needed. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chooseAgency } from '../../src/web/agency-names.ts'
import { AGENCY, ANCHORED_MS, openWorld, type World } from './world.ts'

const DAY_MS = 86_400_000
const COURT = 'court.gov.example'

describe('web/finding', () => {
  let world: World
  before(async () => {
    world = await openWorld()
    await world.agencies.add({ id: COURT, name: 'Oberstes Gericht Köln' })
    await world.agencies.add({ id: 'tax.gov.example', name: 'Ministry of Finance' })
    await world.submit('r-1', 'first', { title: 'Κατασκευή οδού' })
    await world.submit('r-2', 'second', { title: 'Urteil über eine Straße', agency: COURT, kind: 'decision' })
    world.state.nowMs += 2 * DAY_MS
    await world.submit('r-3', 'third', { title: 'Реконструкція мосту' })
    const sha256 = createHash('sha256').update('package').digest('hex')
    await world.submit(`urn:sha256:${sha256}`, 'package', { title: 'صيانة الطريق', revision: undefined } as never)
    await world.submit('r-1', 'first', { action: 'withdraw', documents: [], reason: { code: 'other' }, title: 'Ανάκληση' })
    await world.anchor(ANCHORED_MS + 2 * DAY_MS)
    await world.submit('r-4', 'fourth', { title: 'Строительство', agency: COURT, kind: 'decision' })
  })
  after(() => world.close())

  const read = async (path: string) => (await fetch(world.url + path)).text()
  const entriesOf = (text: string) =>
    [...text.matchAll(/class="name" href="(?:\/\w\w)?\/records\/(\d+)"/g)].map(([, index]) => Number(index))
  const find = async (query: string) => entriesOf(await read(`/records${query}`))

  it('narrows down by every filter, together and in both orders', async () => {
    for (const [query, expected] of [
      ['', [6, 5, 3, 2, 1, 0]],
      ['?packages=show', [6, 5, 4, 3, 2, 1, 0]],
      ['?packages=only', [4]],
      ['?sort=oldest', [0, 1, 2, 3, 5, 6]],
      [`?agency=${COURT}`, [6, 2]],
      ['?agency=koln', [6, 2]],
      ['?kind=procurement', [5, 3, 1]],
      ['?kind=decision&sort=oldest', [2, 6]],
      ['?state=waiting', [6]],
      ['?state=withdrawn', [1]],
      ['?state=current', [5, 3, 2]],
      ['?state=edited', []],
      ['?from=2026-11-21', [6, 5, 3]],
      ['?to=2026-11-21', [2, 1, 0]],
      ['?from=2026-11-20&to=2026-11-20&kind=decision', [2]],
      ['?q=strasse', [2]],
      [`?q=strasse&agency=${AGENCY}`, []],
      ['?q=r-1&sort=oldest', [1, 5]],
      ['?before=3', [2, 1, 0]],
      ['?sort=oldest&after=2', [3, 5, 6]],
      ['?sort=oldest&before=3', [0, 1, 2, 3, 5, 6]],
      [`?q=${createHash('sha256').update('package').digest('hex')}`, [4]],
      [`?q=${createHash('sha256').update('third').digest('hex')}&kind=decision`, []],
    ] as const)
      assert.deepEqual(await find(query), expected, query)
  })

  it('has the whole state in the form, whatever the address says', async () => {
    const text = await read(
      '/de/records?q=stra%22%3E&agency=koln&kind=decision&state=waiting&from=2026-11-01&to=2026-11-30&sort=oldest&packages=show',
    )
    for (const part of [
      'value="stra&quot;&gt;"',
      '<option value="koln" selected>koln</option>',
      '<option value="decision" selected>',
      '<option value="waiting" selected>',
      'id="from" name="from" value="2026-11-01"',
      'id="to" name="to" value="2026-11-30"',
      '<option value="oldest" selected>',
      '<option value="show" selected>',
      '<details open>',
    ])
      assert.ok(text.includes(part), part)
    assert.doesNotMatch(await read('/records?before=3'), /<details open>/)
    assert.doesNotMatch(await read('/records'), /noindex/)
    for (const query of ['?kind=decision', '?q=a', '?before=3']) assert.match(await read(`/records${query}`), /content="noindex"/)
  })

  it('passes over what is not a choice, and says which text is no date', async () => {
    for (const query of [
      '?kind=x&state=__proto__&sort=constructor&packages=1&before=-1&after=x',
      '?q=&agency=&from=&to=',
      '?q=+&q=2&kind[]=decision',
    ])
      assert.deepEqual(await find(query), [6, 5, 3, 2, 1, 0], query)
    const text = await read('/records?from=2026-02-30&to=%3Cb%3E')
    assert.match(text, /not a day, so it was passed over: <bdi>2026-02-30<\/bdi>/)
    assert.match(text, /passed over: <bdi>&lt;b&gt;<\/bdi>/)
    assert.deepEqual(entriesOf(text), [6, 5, 3, 2, 1, 0])
  })

  it('counts what is there, exactly where it can, and never what it did not read', async () => {
    const all = await read('/records')
    assert.match(all, /<h2>Entries: 6<\/h2>/)
    assert.match(all, /1 package file is left out here/)
    assert.match(all, />Procurement – 3<\/option>/)
    assert.match(all, />Oberstes Gericht Köln \(court\.gov\.example\) – 2<\/option>/)
    assert.match(all, />Waiting for the chain – 1<\/option>.*>Withdrawn – 1<\/option>.*>Changed without a new version<\/option>/s)
    assert.match(await read('/records?kind=procurement'), />Oberstes Gericht Köln \(court\.gov\.example\) – 0<.*Results: 3</s)
    assert.match(await read('/records?from=2026-11-21'), /Results: 3</)
    const words = await read('/records?q=r')
    assert.match(words, /Results: \d</)
    assert.doesNotMatch(words, /<option[^>]*>[^<]* – \d/)
  })

  it('takes an agency by its whole id among many, and none of two with one name', async () => {
    const list = [
      ...Array.from({ length: 60 }, (_, at) => ({ id: `a${at}.ab.example`, name: `Office ${at}` })),
      ...['ab', 'twin-1.example', 'twin-2.example'].map(id => ({ id, name: id === 'ab' ? 'Short' : 'Twin' })),
    ]
    const agencies = { list: async () => list } as unknown as Parameters<typeof chooseAgency>[0]
    assert.equal((await chooseAgency(agencies, 'AB')).agency?.id, 'ab')
    assert.equal((await chooseAgency(agencies, 'short')).agency?.id, 'ab')
    const { agency, others } = await chooseAgency(agencies, 'twin')
    assert.deepEqual([agency, others.map(({ id }) => id)], [undefined, ['twin-1.example', 'twin-2.example']])
    assert.equal((await chooseAgency(agencies, 'twin-2')).agency?.id, 'twin-2.example')
  })

  it('names agencies, finds them by name, and asks which one is meant', async () => {
    const text = await read('/records')
    assert.match(
      text,
      /<a href="\/agencies\/court\.gov\.example"><bdi>Oberstes Gericht Köln<\/bdi><\/a> \(<bdi>court\.gov\.example<\/bdi>\)/,
    )
    assert.match(await read('/records?q=KOLN'), /<a class="name" href="\/agencies\/court\.gov\.example">/)
    assert.match(
      await read('/records?agency=gov.example'),
      /Several agencies match “<bdi>gov\.example<\/bdi>”.*href="\/records\?agency=tax\.gov\.example"/s,
    )
    assert.match(await read('/records?agency=%3Cnobody'), /No agency matches “<bdi>&lt;nobody<\/bdi>”/)
    for (const [path, name] of [
      ['/feed.atom', '<author><name>Oberstes Gericht Köln</name><uri>https://ledger.example/agencies/court.gov.example</uri></author>'],
      ['/feed.json', '"name":"Oberstes Gericht Köln","url":"https://ledger.example/agencies/court.gov.example"'],
      ['/v1/records', '"agencyName":"Oberstes Gericht Köln"'],
    ] as const)
      assert.ok((await read(path)).includes(name), path)
  })

  it('offers near spellings that find something, with the rest of the query', async () => {
    for (const [typed, written] of [
      ['κατασκεβη', 'Κατασκευή'],
      ['Strase', 'Straße'],
      ['реконструкцыя мосту', 'Реконструкція мосту'],
      ['Gericht Strase', undefined],
    ] as const) {
      const text = await read(`/records?q=${encodeURIComponent(typed)}&sort=oldest`)
      const offered = /Did you mean: <a href="\/records\?q=([^"&]+)&amp;sort=oldest"><bdi>([^<]+)</.exec(text)
      assert.deepEqual(offered?.slice(1), written && [encodeURIComponent(written), written], typed)
    }
    // The only title with the word is a package file's, which is left out.
    assert.doesNotMatch(await read(`/records?q=${encodeURIComponent('الطريف')}`), /Did you mean/)
    assert.match(await read(`/records?q=${encodeURIComponent('الطريف')}&packages=show`), /Did you mean.*الطريق/)
    assert.doesNotMatch(await read(`/records?q=${encodeURIComponent('Strase')}&kind=procurement`), /Did you mean/)
  })

  it('leads old addresses of the search to the list', async () => {
    for (const [from, to] of [
      ['/search?q=%3Cb%3E&before=3', '/records?q=%3Cb%3E&before=3'],
      ['/ar/search', '/ar/records'],
    ] as const) {
      const { status, headers } = await fetch(world.url + from, { redirect: 'manual' })
      assert.deepEqual([status, headers.get('location')], [301, to])
    }
    assert.equal((await fetch(`${world.url}/xx/search`)).status, 404)
    assert.equal((await fetch(`${world.url}//evil.example/search`, { redirect: 'manual' })).status, 404)
  })

  it('answers programs with the same filters', async () => {
    const ask = async (query: string) => {
      const response = await fetch(`${world.url}/v1/records?${query}`)
      const { records, code } = (await response.json()) as { records?: { index: number }[]; code?: string }
      return code ?? records?.map(({ index }) => index)
    }
    for (const [query, expected] of [
      ['kind=decision', [6, 2]],
      ['packages=hidden&agency=transport.gov.example', [5, 3, 1]],
      ['packages=only', [4]],
      ['state=withdrawn', [1]],
      ['state=current&packages=hidden', [5, 3, 2]],
      ['from=2026-11-21&kind=procurement', [5, 4, 3]],
      ['to=2026-11-20', [2, 1, 0]],
      [`text=strasse&agency=${COURT}`, [2]],
      ['state=waiting&cursor=6', []],
      ['from=2026-02-30', 'QUERY_MALFORMED'],
      ['kind=x', 'QUERY_MALFORMED'],
      [`sha256=${'0'.repeat(64)}&kind=decision`, 'QUERY_MALFORMED'],
    ] as const)
      assert.deepEqual(await ask(query), expected, query)
  })

  it('links package files with the procedures that the agency names, both ways, and nothing by order or by words', async () => {
    const ocid = 'ocds-x-1'
    const digest = (text: string) => createHash('sha256').update(text).digest('hex')
    const file = (text: string, changes: object) =>
      world.submit(`urn:sha256:${digest(text)}`, text, { title: undefined, revision: undefined, ...changes } as never)
    const release = await world.submit(ocid, 'release', { identifiers: [{ scheme: 'ocid', value: ocid }] })
    const named = await file('named', {
      identifiers: [
        { scheme: 'local', value: 'https://x.example/p' },
        { scheme: 'ocid', value: ocid },
      ],
    })
    const unnamed = await file('unnamed', {})
    const other = await file('other', { agency: COURT, identifiers: [{ scheme: 'ocid', value: ocid }] })
    const words = await file('words', { title: 'ocds-x-1 and more' })
    const [ofRelease, ofNamed, ofUnnamed] = await Promise.all([release, named, unnamed].map(index => read(`/records/${index}`)))
    assert.match(
      ofRelease!,
      new RegExp(`Package files that hold releases of this procedure, according to the agency: <a href="/records/${named}">`),
    )
    for (const index of [unnamed, other, words]) assert.doesNotMatch(ofRelease!, new RegExp(`/records/${index}"`))
    const query = /holds releases of the procedures below.*?<li><a href="([^"]+)"/s.exec(ofNamed!)?.[1]?.replaceAll('&amp;', '&')
    assert.deepEqual(entriesOf(await read(query ?? '')), [release])
    assert.match(ofUnnamed!, /The ledger does not know which entries are about the releases in it\. If you have the file, check it/)
    assert.doesNotMatch(await read('/records/3'), /package file|Package files/i)
    assert.match(await read(`/agencies/${AGENCY}`), /4 package files are left out here/)
    assert.doesNotMatch(entriesOf(await read('/')).join(), new RegExp(`\\b${named}\\b`))
  })

  it('shows the newest entries before the finder has read them', async () => {
    const { index } = await world.ledger.submit({ ...JSON.parse((await world.ledger.statement(6)) ?? ''), record: 'r-5', salt: undefined })
    assert.equal((await find(''))[0], index)
    assert.deepEqual(await find(`?agency=${COURT}`), [index, 6, 2])
    assert.deepEqual(await find('?kind=procurement'), [7, 5, 3, 1])
    assert.match(await read('/records?kind=decision'), /The newest entry has not been looked at yet/)
    await world.finder.tick()
    assert.deepEqual(await find(`?agency=${COURT}`), [index, 6, 2])
  })
})
