/**
 * The pages without a browser: every one in every language, hostile contents, feeds, the form
 * without JavaScript, weights.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { get } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { canonicalJson, parseJson } from '../../src/core/json.ts'
import { html } from '../../src/html.ts'
import { LANGUAGE_TAGS, speak } from '../../src/messages/language.ts'
import { aboutPage } from '../../src/web/pages/about.ts'
import { AGENCY, ANCHORED_MS, ORIGIN, openWorld, statementOf, type World } from './world.ts'

const PATHS = [
  '/',
  '/verify',
  '/records',
  '/records/0',
  '/records/1',
  '/records/1?history=all',
  '/changes',
  '/changes?kind=withdraw',
  '/agencies',
  `/agencies/${AGENCY}`,
  '/anchors',
  '/records?q=%3Cb%3E',
  '/about',
  '/legal',
  '/privacy',
]

describe('web/pages', () => {
  let world: World
  before(async () => {
    world = await openWorld()
    await world.submit('<i>1</i>', 'first', { identifiers: [{ scheme: 'local', value: '"><em>' }] })
    await world.anchor(ANCHORED_MS - 3_600_000)
    world.state.nowMs = ANCHORED_MS - 1_800_000
    await world.submit('<i>1</i>', 'second')
    await world.submit('r-2', '{"a":1}')
    await world.anchor()
    await world.submit('r-2', '{"a":2}', { action: 'withdraw', reason: { code: 'other', text: '<u>x</u>' } })
  })
  after(() => world.close())

  const read = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(world.url + path, { headers })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }

  it('serves every page in every language, well-formed and escaped', async () => {
    for (const tag of LANGUAGE_TAGS) {
      for (const path of PATHS) {
        const { status, text, headers } = await read(`/${tag}${path}`)
        assert.equal(status, 200, path)
        assert.match(text, new RegExp(`^<!doctype html>\\n<html lang="${tag}" dir="${tag === 'ar' ? 'rtl' : 'ltr'}">`))
        assert.equal(text.match(/<h1[ >]/g)?.length, 1, path)
        assert.doesNotMatch(text, /<script>|<i>1|<u>x|<em>|undefined|\[object|NaN|\{\w+\}(?![^<]*<\/script>)/, path)
        const ids = [...text.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id)
        assert.equal(new Set(ids).size, ids.length, path)
        assert.equal(
          text.match(/<(div|section|ul|ol|dl|table|article|details|p|form)[ >]/g)?.length,
          text.match(/<\/(div|section|ul|ol|dl|table|article|details|p|form)>/g)?.length,
          path,
        )
        assert.match(headers.get('content-security-policy') ?? '', /script-src 'self'/)
        assert.equal(headers.get('cache-control'), 'no-store')
      }
    }
  })

  it('chooses the language by URL, then by header', async () => {
    assert.match((await read('/verify', { 'accept-language': 'el' })).text, /<html lang="el"/)
    assert.match((await read('/fr/verify', { 'accept-language': 'el' })).text, /<html lang="fr"/)
    assert.match((await read('/fr', {})).text, /<html lang="fr"/)
  })

  it('leaves paths that are not pages to the interface', async () => {
    for (const path of ['/v1/records', '/v1/records/1', '/checkpoint', '/policy.json']) {
      const { status, headers } = await read(path)
      assert.equal(status, 200, path)
      assert.doesNotMatch(headers.get('content-type') ?? '', /html/)
    }
    for (const path of ['/xx/verify', '/xx', '/fr/v1/records', '/fr/nothing', '/__proto__/verify'])
      assert.equal((await read(path)).status, 404, path)
  })

  it('answers an unknown path with a page for people, and with a problem document for programs', async () => {
    for (const path of ['/nothing', '/fr/nothing', '/xx', '/records/1/x']) {
      const { status, text, headers } = await read(path, { accept: 'text/html,*/*;q=0.8', 'accept-language': 'fr' })
      assert.equal(status, 404, path)
      assert.match(text, /Il n’y a pas de page à cette adresse/)
      assert.match(headers.get('content-security-policy') ?? '', /script-src 'self'/)
      assert.match((await read(path)).text, /"code":"ROUTE_NOT_FOUND"/)
    }
    assert.match((await read('/v1/nothing', { accept: 'text/html' })).text, /"code":"ROUTE_NOT_FOUND"/)
  })

  it('answers 404 with a page for a record or an agency that is not there', async () => {
    for (const path of ['/records/999', '/records/01', '/records/-1', '/records/1e1', '/agencies/nobody.example', '/agencies/%3Cb%3E']) {
      const { status, text } = await read(path)
      assert.equal(status, 404, path)
      assert.match(text, /<h1>Not found<\/h1>/)
    }
  })

  it('marks the silent edit, the newer version, the withdrawal, and the time to the anchor', async () => {
    const [first, second, third] = await Promise.all([1, 2, 3].map(index => read(`/records/${index}`)))
    assert.match(first!.text, /changed without a new version\): <a href="\/records\/2">/)
    assert.match(first!.text, /60 minutes after the ledger accepted it/)
    assert.match(
      second!.text,
      /Changed without a new version: same version number and name, other content\. Published before as: <a href="\/records\/1">/,
    )
    assert.match(second!.text, /30 minutes after the ledger accepted it/)
    assert.match(third!.text, /withdrawn: <a href="\/records\/4">/)
    assert.match(first!.text, /<bdi lang="el" dir="auto">/)
  })

  it('finds by fingerprint, record, agency and title', async () => {
    const sha256 = createHash('sha256').update('first').digest('hex')
    for (const query of [sha256.toUpperCase(), 'r-2', '<i>1</i>', 'ανάθεση ΟΔΟΎ']) {
      assert.match((await read(`/records?q=${encodeURIComponent(query)}`)).text, /Results: [12]|Results: 4/, query)
    }
    assert.match((await read('/records?q=transport')).text, new RegExp(`href="/agencies/${AGENCY}"`))
    assert.match((await read(`/records?q=${'0'.repeat(64)}`)).text, /Nothing found/)
    assert.match((await read(`/records?q=${'0'.repeat(40)}`)).text, /looks like SHA-1\. We look up SHA-256 only/)
  })

  it('escapes text in elements, attributes and XML', () => {
    const hostile = `<a href="x" on='y'>&\u0000\ud800`
    assert.equal(html`<p title="${hostile}">${hostile}</p>`.safe.match(/[<>]/g)?.length, 4)
    assert.equal(html`${hostile}`.safe, '&lt;a href=&quot;x&quot; on=&#39;y&#39;&gt;&amp;[U+0000]\ufffd')
  })

  describe('the form for browsers without JavaScript', () => {
    const send = async (files: readonly File[], pasted = '', path = '/verify', policy?: File) => {
      const body = new FormData()
      if (policy) body.append('policy', policy)
      for (const each of files) body.append('files', each)
      body.append('pasted', pasted)
      const response = await fetch(world.url + path, { method: 'POST', body })
      return { status: response.status, text: await response.text() }
    }
    const file = (text: string, name = 'a.txt') => new File([text], name)
    const verdicts = (text: string) => [...text.matchAll(/<article[^>]* data-verdict="([^"]*)"/g)].map(([, verdict]) => verdict)

    it('checks files and receipts, several at once, and says that they left the machine', async () => {
      const { text } = await send([file('second', '<b>.txt')])
      assert.deepEqual(verdicts(text), ['edited'])
      assert.match(text, /What you sent left your device for this check. It was not kept./)
      assert.doesNotMatch(text, /<b>\.txt/)
      const receipt = file(await world.ledger.receipt(2), 'any.json')
      assert.deepEqual(verdicts((await send([file('second'), receipt])).text), ['edited'])
      assert.deepEqual(verdicts((await send([receipt, file('other')])).text), ['invalid'])
      assert.deepEqual(verdicts((await send([receipt])).text), ['edited'])
      const several = await send([file('second'), file('never seen', 'b.txt'), file('{"a":1}', 'c.json')])
      assert.deepEqual(verdicts(several.text), ['edited', 'unknown', 'withdrawn'])
    })

    it('checks a pasted fingerprint, which is no file, and a pasted receipt, which is more than one', async () => {
      const sha256 = createHash('sha256').update('second').digest('hex')
      const pasted = await send([file('', '')], ` ${sha256.toUpperCase()} `, '/ar/verify')
      assert.deepEqual(verdicts(pasted.text), ['edited'])
      assert.match(pasted.text, /<html lang="ar"/)
      assert.match((await send([], sha256)).text, /Only the fingerprint was sent/)
      const receipt = await world.ledger.receipt(2)
      const both = await send([file('second')], `${receipt}\n`)
      assert.deepEqual(verdicts(both.text), ['edited'])
      const damaged = await send([], receipt.replace('"publish"', '"amend"'))
      assert.deepEqual(verdicts(damaged.text), ['invalid'])
      assert.match(damaged.text, /left your device/)
    })

    it('judges by a policy only where the reader chose it in its own field, and says which it was', async () => {
      const other = { ...world.policy(), anchors: world.policy().anchors.map(anchor => ({ ...anchor, codeSha256: '0'.repeat(64) })) }
      const policy = file(JSON.stringify(other), 'p.json')
      const hash = createHash('sha256')
        .update(canonicalJson(parseJson(JSON.stringify(other))))
        .digest('hex')
      const among = await send([file('second'), policy])
      assert.deepEqual(verdicts(among.text), ['edited'])
      assert.match(among.text, /\u2068p\.json\u2069 is a policy and was not used/)
      const { text } = await send([file('second')], '', '/verify', policy)
      assert.deepEqual(verdicts(text), ['unsupported'])
      for (const told of [/The policy in \u2068p\.json\u2069 judges these results/, new RegExp(hash), new RegExp(ORIGIN)])
        assert.match(text, told)
      const refused = await send([file('second')], '', '/verify', file('{}', 'bad.json'))
      assert.match(refused.text, /\u2068bad\.json\u2069: This policy file was not used/)
    })

    it('says unknown, why a signed PDF may not match, and why another fingerprint is not looked up', async () => {
      const { text } = await send([file('%PDF-1.7 never seen /ByteRange')])
      assert.deepEqual(verdicts(text), ['unknown'])
      assert.match(text, /carries a digital signature/)
      assert.match((await send([], 'a'.repeat(40))).text, /This looks like SHA-1/)
      assert.match((await send([], '<b>')).text, /Choose a file, or paste/)
      assert.match((await send([])).text, /Choose a file, or paste/)
    })

    it('offers to search for what a file that is not on the record says of itself, and nothing for others', async () => {
      const akn = `<akomaNtoso xmlns="http://docs.oasis-open.org/legaldocml/ns/akn/3.0"><act><meta><identification source="#x"><FRBRWork><FRBRthis value="/akn/gr/act/2026/12/!main"/><FRBRuri value="/akn/gr/act/2026/12"/></FRBRWork></identification></meta></act></akomaNtoso>`
      const { text } = await send([file(akn, 'law.xml'), file('says nothing', 'plain.txt')])
      assert.deepEqual(verdicts(text), ['unknown', 'unknown'])
      const found = [...text.matchAll(/href="[^"]*\/records\?q=([^"]*)"/g)].map(([, word = '']) => decodeURIComponent(word))
      assert.deepEqual(found, ['/akn/gr/act/2026/12'])
      assert.ok(text.indexOf('download="openseal-report.html"') < text.indexOf('data-verdict='), 'saving comes before the cards')
    })

    it('looks at the first thousand releases of a package, and says that there are more', async () => {
      const releases = Array.from({ length: 1002 }, (_, id) => ({ ocid: 'a', id: String(id) }))
      const { text } = await send([file(JSON.stringify({ releases }), 'p.json')])
      assert.equal(text.match(/data-release-verdict="unknown"/g)?.length, 1000)
      assert.match(text, /1,000 releases were checked\. Not checked: 2\. The command “openseal verify” checks them all/)
    })

    it('refuses a form beyond its bounds, and names the bound', async () => {
      const many = await send(Array.from({ length: 21 }, (_, at) => file('x', `${at}.txt`)))
      assert.deepEqual([many.status, /At most 20 files.*A receipt without its file counts too/.test(many.text)], [413, true])
      const large = new File([new Uint8Array(33 * 1024 * 1024)], 'half')
      const heavy = await send([large, large])
      assert.deepEqual([heavy.status, /too large to check on our server \(limit 64 MB\)/.test(heavy.text)], [413, true])
    })

    it('answers a broken form with what to do', async () => {
      for (const [type, body] of [
        ['text/plain', 'x'],
        ['multipart/form-data; boundary=x', '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\ncut'],
        ['multipart/form-data', 'x'],
      ] as const) {
        const response = await fetch(`${world.url}/verify`, { method: 'POST', body, headers: { 'content-type': type } })
        assert.equal(response.status, 400, type)
        assert.match(await response.text(), /The form could not be read whole.*Send it again.*UPLOAD_MALFORMED/)
      }
    })
  })

  it('keeps the first page and the verify page within 50 KB over the wire, in any language', async () => {
    for (const tag of LANGUAGE_TAGS) {
      for (const path of ['/', '/verify']) {
        const { text } = await read(`/${tag}${path}`)
        const links = [...text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, link]) => link ?? '')
        const scripts = await Promise.all(links.filter(link => link.endsWith('.js')).map(async link => (await read(link)).text))
        // A script's static imports are loaded with it; its dynamic ones are not.
        const imported = scripts.flatMap(script =>
          [...script.matchAll(/(?:from|import)"\.(\/[^"]+)"/g)].map(([, name]) => `/assets${name}`),
        )
        const weights = await Promise.all([...links, ...imported].map(link => weightOf(world.url + link)))
        const total = (await weightOf(`${world.url}/${tag}${path}`)) + weights.reduce((sum, weight) => sum + weight, 0)
        assert.ok(total < 50 * 1024, `${tag}${path}: ${total} bytes`)
      }
    }
  })

  it('explains itself with numbers that anyone can compute, in every language', async () => {
    const sha256 = (...parts: (string | Uint8Array)[]) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
    for (const tag of LANGUAGE_TAGS) {
      const text = (await read(`/${tag}/about`)).text.replaceAll('&quot;', '"')
      const hashes = [...text.matchAll(/<span class="hash">([0-9a-f]{64})</g)].map(([, hash]) => hash)
      const statement = /<p class="raw" dir="ltr">(\{.*?\})<\/p>/.exec(text)?.[1] ?? ''
      const line = /echo "(.*?)" \| sha256sum/.exec(text)?.[1] ?? ''
      assert.deepEqual(
        hashes.slice(0, 3).filter((_, at) => at !== 1),
        [sha256(`${line}\n`), sha256(statement)].map(hash => hash.toString('hex')),
        tag,
      )
      assert.equal(JSON.parse(statement).documents[0].sha256, hashes[0], tag)
      // The drawing, from the leaves up to the root, and the block of the chain.
      const drawn = [...text.matchAll(/<text(?: class="(\w+)")?[^>]*>([0-9a-f]{8})<\/text>/g)].map(([, look, hash]) => ({ look, hash }))
      const leaf = sha256(Uint8Array.of(0, 1), sha256(statement)).toString('hex')
      assert.deepEqual(
        drawn.map(({ look }) => look),
        [undefined, undefined, 'lit', 'given', 'given', 'lit', 'lit', 'lit'],
        tag,
      )
      assert.equal(drawn[2]?.hash, leaf.slice(0, 8), tag)
      assert.equal(drawn[7]?.hash, drawn[6]?.hash, tag)
    }
  })

  it('says what a time stamp does not show, in every language, if the policy names an authority, and only then', () => {
    const noBanners = { testNetwork: false, stopped: false, notAccepting: false }
    for (const tag of LANGUAGE_TAGS) {
      const say = speak(tag)
      const frame = { say, base: '', path: '/about', origin: ORIGIN, styleHref: '', banners: noBanners }
      const main = (hasStamps: boolean) => (aboutPage(frame, { offlineSha256: 'ab', hasStamps }).main as { safe: string }).safe
      assert.deepEqual(
        [true, false].map(each => main(each).includes('eIDAS')),
        [true, false],
        tag,
      )
    }
  })

  it('makes the offline verifier one small file that names nothing to load, and publishes its fingerprint', async () => {
    const { text, headers } = await read('/openseal-verifier.html')
    assert.ok(Buffer.byteLength(text) <= 200 * 1024, `${Buffer.byteLength(text)} bytes`)
    assert.doesNotMatch(text.replace(/<script>.*<\/script>/s, ''), /(src|href|action)=|@import|url\(/)
    const sha256 = createHash('sha256').update(text).digest('hex')
    assert.match((await read('/about')).text, new RegExp(sha256))
    assert.ok(headers.has('repr-digest'))
    assert.equal((await read('/openseal-verifier.html')).text, text)
  })

  it('claims nothing of a file on a page that compared none, and calls no failed form a result', async () => {
    const record = await read('/records/1')
    assert.match(record.text, /This shows that the entry has not changed since that date/)
    for (const path of ['/records/1', '/verify', '/about', '/openseal-verifier.html'])
      assert.doesNotMatch((await read(path)).text, /<p class="limits">This shows that the file/, path)
    for (const path of ['/verify', '/about']) assert.match((await read(path)).text, /<p[^>]*>A check can show that a file/, path)
    const waiting = await world.submit('r-limits', 'waiting')
    assert.match((await read(`/records/${waiting}`)).text, /<p class="limits">This shows who submitted it according to the ledger/)
    world.state.production = false
    assert.match((await read('/records/1')).text, /<p class="limits">This shows who submitted it according to the ledger/)
    world.state.production = true
    const empty = await fetch(`${world.url}/verify`, { method: 'POST', body: new FormData() })
    assert.match(await empty.text(), /<h1>Check a file<\/h1>/)
  })

  it('sees a withdrawal behind hundreds of later publications, has no verdict if there are too many to read, and pages through all entries with one fingerprint', async () => {
    await world.submit('r-deep', 'deep')
    await world.submit('r-deep', 'other', { action: 'withdraw', reason: { code: 'other' } })
    for (const [length, verdict] of [
      [800, 'withdrawn'],
      [400, 'unchecked'],
    ] as const) {
      await Promise.all(Array.from({ length }, (_, i) => world.ledger.submit(statementOf('r-deep', `deep ${length} ${i}`))))
      await world.anchor()
      const body = new FormData()
      body.append('files', new File(['deep'], 'a.txt'))
      const checked = await (await fetch(`${world.url}/verify`, { method: 'POST', body })).text()
      assert.match(checked, new RegExp(`data-verdict="${verdict}"`))
    }
    const shared = createHash('sha256').update('shared').digest('hex')
    await Promise.all(Array.from({ length: 60 }, (_, i) => world.ledger.submit(statementOf(`r-shared-${i}`, 'shared'))))
    const entries = (text: string) => [...text.matchAll(/class="name" href="\/records\/(\d+)"/g)].map(([, index]) => index)
    const first = (await read(`/records?q=${shared}`)).text
    const next = first.match(/href="(\/records\?q=[0-9a-f]+&amp;before=\d+)"/)?.[1]?.replace('&amp;', '&') ?? ''
    assert.deepEqual([entries(first).length, new Set([...entries(first), ...entries((await read(next)).text)]).size], [50, 60])
  })

  it('publishes the digest of the offline verifier’s bytes as they are sent, compressed or not', async () => {
    for (const encoding of ['gzip', 'identity']) {
      const { sent, digest, coding } = await new Promise<{ sent: Buffer; digest: unknown; coding: string }>((resolve, reject) => {
        get(`${world.url}/openseal-verifier.html`, { headers: { 'accept-encoding': encoding } }, async answer =>
          resolve({
            sent: Buffer.concat(await answer.toArray()),
            digest: answer.headers['repr-digest'],
            coding: answer.headers['content-encoding'] ?? 'identity',
          }),
        ).on('error', reject)
      })
      assert.deepEqual([coding, digest], [encoding, `sha-256=:${createHash('sha256').update(sent).digest('base64')}:`])
    }
  })

  it('sends static files compressed and the same', async () => {
    const link = (await read('/verify')).text.match(/src="(\/assets\/[^"]+)"/)?.[1] ?? ''
    const plain = await read(link, { 'accept-encoding': 'identity' })
    const body = await new Promise<Buffer>((resolve, reject) => {
      get(world.url + link, { headers: { 'accept-encoding': 'gzip' } }, async answer => resolve(Buffer.concat(await answer.toArray()))).on(
        'error',
        reject,
      )
    })
    assert.equal(gunzipSync(body).toString(), plain.text)
  })
})

/** Bytes on the wire, as a browser would ask for them. */
function weightOf(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { 'accept-encoding': 'br, gzip' } }, async answer => resolve(Buffer.concat(await answer.toArray()).length)).on(
      'error',
      reject,
    )
  })
}
