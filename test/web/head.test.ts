/** The heads of pages: what they tell search engines, and that nothing in a title can escape. */
import assert from 'node:assert/strict'
import { LANGUAGE_TAGS } from '../../src/messages/language.ts'
import { AGENCY, openWorld, SITE_URL, type World } from './world.ts'

const HOSTILE = '</script><script>alert(1)</script><!--\u2028\u202e" \'&lt;'

describe('web/head', () => {
  let world: World
  before(async () => {
    world = await openWorld()
    await world.submit('r-1', 'first', {
      title: HOSTILE,
      identifiers: [{ scheme: 'local', value: HOSTILE.replace(/[\u2028\u202e]/g, '') }],
    })
    await world.submit('r-1', 'first', { action: 'withdraw', reason: { code: 'other' }, documents: [] })
    await world.anchor()
    await world.submit('r-2', 'erased')
    world.erased.add(3)
    await world.agencies.add({ id: 'hostile.example', name: HOSTILE.replace(/[\u2028\u202e]/g, '') })
  })
  after(() => world.close())

  const read = async (path: string) => (await fetch(world.url + path, { headers: { 'X-Forwarded-Host': 'evil.example' } })).text()
  const headOf = async (path: string) => /<head>([\s\S]*)<\/head>/.exec(await read(path))?.[1] ?? ''
  const contentOf = (head: string, name: string) => new RegExp(`<meta (?:name|property)="${name}" content="([^"]*)">`).exec(head)?.[1]
  const blocksOf = (head: string) =>
    [...head.matchAll(/<script type="application\/ld\+json">([\s\S]*?)<\/script>/g)].map(([, json = '']) => json)

  it('describes each public page by its own content, with its address in each language', async () => {
    const descriptions = new Set<string>()
    for (const path of ['/', '/verify', '/records', '/records/1', '/changes', '/changes?kind=erased', '/agencies', '/anchors', '/about']) {
      for (const tag of ['en', 'ar'] as const) {
        const head = await headOf(`/${tag}${path}`)
        const description = contentOf(head, 'description') ?? ''
        assert.ok(description.length > 40, `${path}: ${description}`)
        assert.equal(contentOf(head, 'og:description'), description)
        descriptions.add(description)
        assert.equal(contentOf(head, 'og:url'), `${SITE_URL}/${tag}${path}`)
        assert.equal(contentOf(head, 'og:locale'), tag === 'en' ? 'en_GB' : 'ar_AR')
        assert.match(head, new RegExp(`<link rel="canonical" href="${SITE_URL}/${tag}${path.replace('?', '\\?')}">`))
        const alternates = [...head.matchAll(/<link rel="alternate" hreflang="([^"]+)" href="([^"]+)">/g)].map(([, lang, href]) => [
          lang,
          href,
        ])
        assert.deepEqual(alternates, [
          ...LANGUAGE_TAGS.map(each => [each, `${SITE_URL}/${each}${path}`]),
          ['x-default', `${SITE_URL}${path}`],
        ])
        assert.doesNotMatch(head, /evil\.example|localhost/)
      }
    }
    assert.equal(descriptions.size, 18)
  })

  it('names an image of its own for previews, and an icon for home screens', async () => {
    const head = await headOf('/en/records/1')
    const social = contentOf(head, 'og:image') ?? ''
    assert.ok(social.startsWith(`${SITE_URL}/assets/`), social)
    const icon = /<link rel="apple-touch-icon" href="([^"]+)">/.exec(head)?.[1] ?? ''
    for (const [path, width, height] of [
      [social.slice(SITE_URL.length), 1200, 630],
      [icon, 180, 180],
    ] as const) {
      const response = await fetch(world.url + path)
      const png = Buffer.from(await response.arrayBuffer())
      assert.deepEqual([response.headers.get('content-type'), png.readUInt32BE(16), png.readUInt32BE(20)], ['image/png', width, height])
      assert.match(response.headers.get('cache-control') ?? '', /immutable/)
    }
  })

  it('keeps hostile titles data, in the block and in the attributes', async () => {
    for (const path of ['/records/1', '/agencies/hostile.example']) {
      const text = await read(path)
      assert.doesNotMatch(text, /<script>|alert\(1\)<\/script>|<!--|[\u2028\u202e]/, path)
    }
    const [block = ''] = blocksOf(await headOf('/records/1'))
    assert.doesNotMatch(block, /</)
    assert.equal(JSON.parse(block).name, HOSTILE)
  })

  it('tells of a record who published it, its numbers, files, dates and state', async () => {
    const [block = ''] = blocksOf(await headOf('/en/records/1'))
    const { publisher, encoding, creativeWorkStatus, identifier, isPartOf, datePublished, dateModified } = JSON.parse(block)
    assert.deepEqual([publisher.identifier, publisher.name], [AGENCY, 'Υπουργείο Μεταφορών <b>&'])
    assert.match(encoding[0].sha256, /^[0-9a-f]{64}$/)
    assert.deepEqual([creativeWorkStatus, identifier[0].value], ['Withdrawn', 'r-1'])
    assert.deepEqual([datePublished, dateModified], ['2026-11-19T08:00:00Z', '2026-11-20T08:00:00Z'])
    const [ledger = ''] = blocksOf(await headOf('/en/records'))
    const data = JSON.parse(ledger)
    assert.deepEqual([data['@type'], data['@id']], ['Dataset', isPartOf['@id']])
    for (const { contentUrl } of data.distribution) {
      assert.equal((await fetch(contentUrl.replace(SITE_URL, world.url))).status, 200, contentUrl)
    }
  })

  it('tells nothing of what was erased, of failures and of the desk', async () => {
    for (const path of ['/records/3', '/nothing', '/desk']) {
      const response = await fetch(world.url + path, { headers: { accept: 'text/html' } })
      const text = await response.text()
      assert.match(text, /<head>/, path)
      assert.doesNotMatch(text, /ld\+json|og:|canonical|name="description"/, path)
    }
  })

  it('names no page of a list after the first as one to be found', async () => {
    for (const path of ['/changes?before=2', `/agencies/${AGENCY}?before=2`, '/anchors?before=2']) {
      const head = await headOf(path)
      assert.match(head, /<meta name="robots" content="noindex">/, path)
      assert.doesNotMatch(head, /canonical|hreflang/, path)
    }
  })
})
