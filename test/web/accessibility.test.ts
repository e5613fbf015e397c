/**
 * Every page in every language in a real Chromium: axe, narrow and enlarged, dark and light, by
 * keyboard, wider letters, feeds as XML, and print.
 */
import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import type { Statement } from '../../src/core/statements/statement.ts'
import { LANGUAGE_TAGS, type Language, speak } from '../../src/messages/language.ts'
import { renderPage } from '../../src/web/layout.ts'
import { certificatePage } from '../../src/web/pages/certificate.ts'
import { renderProblemPage } from '../../src/web/problem-page.ts'
import type { PathLine } from '../../src/web/proof-path.ts'
import { STYLE } from '../../src/web/style.ts'
import { addAxe, assertAccessible, assertFits, lookIn } from './axe.ts'
import { launchBrowser } from './browser.ts'
import { readPages } from './pdf-text.ts'
import { AGENCY, ANCHORED_MS, openWorld, statementOf, type World } from './world.ts'

const PATHS = [
  '/',
  '/records',
  '/records/0',
  '/records/2',
  '/records/2/certificate',
  '/changes?kind=silent-edit',
  '/changes',
  '/agencies',
  `/agencies/${AGENCY}`,
  '/anchors',
  '/records?q=r&sort=oldest',
  '/records?q=nothing&packages=show',
  '/records?q=frist&kind=procurement&from=2026-11-01&to=x',
  '/records?agency=gov&state=withdrawn',
  '/records?agency=nobody',
  '/about',
  '/for-agencies',
  '/removal',
  '/legal',
  '/privacy',
  '/records/3',
  '/nothing',
]
/** One of each kind that is told apart. */
const FAILURES: readonly (readonly [number, string])[] = [
  ...[400, 401, 404, 405, 408, 410, 413, 415, 429, 500, 503].map(status => [status, 'REQUEST_MALFORMED'] as const),
  [500, 'STORE_DAMAGED'],
]
/** A logo that tries to run scripts and to call out, in each way that SVG has. */
const HOSTILE_LOGO = {
  path: '/assets/logo-hostile.svg',
  type: 'image/svg+xml',
  body: Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40" onload="fetch('/stolen?onload')">
<style>@import url(/stolen?style); rect{fill:url(/stolen?fill#a)}</style><script>fetch('/stolen?script');parent.document.title='stolen'</script>
<image href="/stolen?image" width="9" height="9"/><use href="/stolen?use#a"/><rect width="40" height="40" style="fill:#12324e"/>
<foreignObject width="9" height="9"><img xmlns="http://www.w3.org/1999/xhtml" src="/stolen?html" onerror="fetch('/stolen?error')"/></foreignObject></svg>`),
}
/** 1280 × 1024 pixels at 400 %. */
const ENLARGED = { width: 320, height: 256 }

describe('web/accessibility', function () {
  this.timeout(120_000)
  let world: World
  let browser: Browser

  before(async () => {
    world = await openWorld({ operator: { name: 'The Archive <b>', contact: 'ledger@archive.example', logo: HOSTILE_LOGO } })
    await world.submit('r-1', 'first', { title: 'مناقصة عامة', language: 'ar', identifiers: [{ scheme: 'ocid', value: 'x'.repeat(80) }] })
    await world.submit('r-1', 'second', { title: 'W'.repeat(300), language: 'xx-unknown' })
    await world.submit('r-2', 'erased')
    await world.submit('r-3', 'amended', { action: 'amend', reason: { code: 'personal-data', text: 'y'.repeat(500) } })
    await world.anchor(ANCHORED_MS - 3_600_000)
    await world.submit('r-3', 'gone', { action: 'withdraw', reason: { code: 'court-order' }, documents: [] })
    await world.anchor()
    await world.submit('r-4', 'fresh')
    world.erased.add(3)
    world.state.lag = { alarm: 'no funds' }
    browser = await launchBrowser()
  })
  after(async () => {
    await browser?.close()
    await world?.close()
  })

  const withPage = async (use: (page: Page) => Promise<void>, options: BrowserContextOptions = {}) => {
    const context = await browser.newContext(options)
    await addAxe(context)
    try {
      await use(await context.newPage())
    } finally {
      await context.close()
    }
  }

  for (const tag of LANGUAGE_TAGS) {
    it(`axe finds nothing on any page in ${tag}, and each fits a screen that is enlarged four times`, async () => {
      const { axe, colorScheme } = lookIn(tag)
      await withPage(
        async page => {
          for (const path of PATHS) {
            await page.goto(`${world.url}/${tag}${path}`)
            await assertAccessible(page, axe)
            await assertFits(page)
            assert.equal(await page.evaluate(() => document.getAnimations().length), 0)
          }
          await page.goto(`${world.url}/${tag}/verify`)
          await page.setInputFiles('#files', [
            { name: 'a', mimeType: 'text/plain', buffer: Buffer.from('first') },
            { name: 'b', mimeType: 'text/plain', buffer: Buffer.from('nowhere') },
            { name: 'damaged.receipt.json', mimeType: 'text/plain', buffer: Buffer.from('{"type":"openseal/receipt@v1"') },
            { name: 'policy.json', mimeType: 'text/plain', buffer: Buffer.from('{"type":"openseal/policy@v1"}') },
            { name: 'package.json', mimeType: 'text/plain', buffer: Buffer.from('{"releases":[{"id":"1","id":"2"},{"ocid":"a"}]}') },
          ])
          await page.waitForSelector('#results[data-done]')
          await page.evaluate(() => {
            for (const part of document.querySelectorAll('details')) part.open = true
          })
          assert.equal(await page.locator('#results article[data-verdict]').count(), 6)
          await assertAccessible(page, axe)
          await assertFits(page)
        },
        { viewport: ENLARGED, colorScheme, reducedMotion: 'reduce' },
      )
    })
  }

  for (const tag of ['en', 'ar', 'de'] as const)
    it(`axe finds nothing on the page of any failure in ${tag}, narrow and wide, dark and light`, async () => {
      const look = {
        styleHref: `${world.url}${/\/assets\/[^"]+css/.exec(await (await fetch(world.url)).text())?.[0]}`,
        origin: 'x.example',
      }
      for (const [colorScheme, width] of [
        ['dark', 320],
        ['light', 1280],
      ] as const)
        await withPage(
          async page => {
            for (const [status, code] of FAILURES) {
              const asked = { method: 'GET', path: `/${tag}/records/7`, search: '', accept: 'text/html', languages: '' }
              await page.setContent(renderProblemPage(asked, { status, code, detail: 'x'.repeat(200) }, { look, retrySeconds: 90 }).text)
              await assertAccessible(page, lookIn(tag).axe)
              await assertFits(page)
            }
          },
          { viewport: { width, height: 256 }, colorScheme },
        )
    })

  it('axe finds nothing on wide screens, in the other colours and in print', async () => {
    for (const colorScheme of ['dark', 'light'] as const) {
      await withPage(
        async page => {
          for (const path of ['/', '/records/2', '/anchors']) {
            await page.goto(`${world.url}/en${path}`)
            await assertAccessible(page)
          }
          await page.emulateMedia({ media: 'print' })
          for (const path of ['/records/2', '/records/2/certificate']) {
            await page.goto(`${world.url}/en${path}`)
            await assertAccessible(page)
          }
        },
        { viewport: { width: 1280, height: 900 }, colorScheme },
      )
    }
  })

  it('takes the block of data in the head as data: it is not run, and breaks no rule of the page', async () => {
    await withPage(async page => {
      const told: string[] = []
      page.on('console', message => told.push(message.text()))
      page.on('pageerror', error => told.push(error.message))
      for (const path of ['/en/records', '/en/records/1']) {
        await page.goto(world.url + path)
        const types = await page.evaluate(() =>
          [...document.querySelectorAll('script[type="application/ld+json"]')].map(node => JSON.parse(node.textContent ?? '')['@type']),
        )
        assert.deepEqual(types, [path.endsWith('1') ? 'CreativeWork' : 'Dataset'])
      }
      assert.deepEqual(told, [])
    })
  })

  it('runs nothing of a hostile logo and loads nothing for it, in a page and opened by itself', async () => {
    await withPage(async page => {
      const asked: string[] = []
      // A request that the policy refuses has no response.
      page.on('response', response => asked.push(response.url()))
      await page.goto(`${world.url}/en/about`)
      assert.deepEqual(await page.evaluate(() => [...document.images].map(({ naturalWidth }) => naturalWidth)), [40])
      const title = await page.title()
      await page.goto(world.url + HOSTILE_LOGO.path)
      await page.waitForTimeout(200)
      assert.notEqual(title, 'stolen')
      assert.deepEqual(
        asked.filter(url => url.includes('stolen')),
        [],
      )
      assert.ok(asked.some(url => url.endsWith(HOSTILE_LOGO.path)))
    })
  })

  it('holds wider letters, words and lines (WCAG 1.4.12)', async () => {
    await withPage(
      async page => {
        for (const path of PATHS) {
          await page.goto(`${world.url}/de${path}`)
          await page.evaluate(() => {
            for (const node of document.querySelectorAll<HTMLElement>('body *'))
              Object.assign(node.style, { lineHeight: '1.5', letterSpacing: '0.12em', wordSpacing: '0.16em' })
          })
          await assertFits(page, 'with wider letters')
        }
      },
      { viewport: { width: 320, height: 640 } },
    )
  })

  it('reaches everything by keyboard, in order, and shows where the reader is', async () => {
    await withPage(async page => {
      for (const path of ['/', '/changes', '/records/2', '/records/2/certificate', '/anchors', '/records?q=r']) {
        await page.goto(`${world.url}/en${path}`)
        const expected = await page.evaluate(
          () =>
            [...document.querySelectorAll<HTMLElement>('a[href], button, input, select, summary, [tabindex="0"]')].filter(node =>
              node.checkVisibility(),
            ).length,
        )
        for (let at = 0; at < expected; at++) {
          await page.keyboard.press('Tab')
          const outline = await page.evaluate(() => getComputedStyle(document.activeElement ?? document.body).outlineStyle)
          assert.notEqual(outline, 'none', `${path}, stop ${at}`)
        }
        const last = await page.evaluate(() => document.activeElement?.closest('footer') !== null)
        assert.ok(last, `${path}: the last stop is not at the end`)
      }
    })
  })

  it('writes feeds that an XML parser takes, with what RFC 4287 asks for', async () => {
    await withPage(async page => {
      await page.goto(`${world.url}/en/about`)
      for (const path of ['/feed.atom', '/ar/feed.atom', `/agencies/${AGENCY}/feed.atom`, '/changes.atom', '/changes/all.atom']) {
        const text = await (await fetch(world.url + path)).text()
        const missing = await page.evaluate(xml => {
          const feed = new DOMParser().parseFromString(xml, 'application/xml')
          if (feed.querySelector('parsererror')) return [feed.querySelector('parsererror')?.textContent]
          const isAbsolute = (uri: string | null | undefined) => /^(tag|https?):[^\s]+$/.test(uri ?? '')
          const times = [...feed.querySelectorAll('updated, published')].filter(
            node => !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(node.textContent ?? ''),
          )
          return [
            ...times.map(node => node.outerHTML),
            ...['feed', 'entry'].flatMap(parent =>
              [...feed.querySelectorAll(parent)].flatMap(node =>
                ['id', 'title', 'updated', 'author > name'].filter(child => !node.querySelector(`:scope > ${child}`)?.textContent),
              ),
            ),
            ...[...feed.querySelectorAll('id')].map(node => node.textContent).filter(id => !isAbsolute(id)),
            ...[...feed.querySelectorAll('link')].map(node => node.getAttribute('href')).filter(href => !isAbsolute(href)),
          ]
        }, text)
        assert.deepEqual(missing, [], path)
      }
    })
  })

  describe('times', () => {
    const read = async (tag: Language, path: string, timezoneId: string, more: BrowserContextOptions = {}) => {
      let found: string[] = []
      await withPage(
        async page => {
          await page.clock.setFixedTime(ANCHORED_MS + 3 * 3_600_000)
          await page.goto(`${world.url}/${tag}${path}`)
          found = await page.$$eval(path.endsWith('certificate') ? '.sheet time' : 'main time', times =>
            times.map(
              time => `${time.textContent}${time.nextElementSibling?.matches('.local') ? time.nextElementSibling.textContent : ''}`,
            ),
          )
        },
        { timezoneId, ...more },
      )
      return found
    }

    it('stand in UTC, with the time of the reader, its zone and how long ago it was beside them, in each language', async () => {
      const path = '/records/5'
      for (const [tag, timezoneId, said] of [
        ['en', 'Asia/Tehran', '20 November 2026 at 10:00 UTC (13:30 GMT+3:30 · 3 hours ago)'],
        ['de', 'America/St_Johns', '20. November 2026 um 10:00 UTC (06:30 GMT-3:30 · vor 3 Stunden)'],
        ['ar', 'Asia/Tehran', '20 نوفمبر 2026 في 10:00 ص UTC (01:30 م غرينتش+3:30 · قبل 3 ساعات)'],
        ['fr', 'UTC', '20 novembre 2026 à 10:00 UTC (il y a 3 heures)'],
        ['uk', 'Pacific/Kiritimati', '20 листопада 2026 р. о 10:00 UTC (21 листопада о 00:00 GMT+14 · 3 години тому)'],
      ] as const) {
        const times = await read(tag, path, timezoneId)
        assert.ok(times.includes(said), `${tag}: ${times.join(' | ')}`)
      }
      const alone = await read('en', path, 'Asia/Tehran', { javaScriptEnabled: false })
      assert.ok(alone.includes('20 November 2026 at 10:00 UTC'))
      const certificate = await read('en', '/records/5/certificate', 'Asia/Tehran')
      assert.ok(certificate.length > 1 && certificate.every(time => time.endsWith(' UTC')))
    })

    it('change no layout after the page was first shown, are not printed, and weigh less than 1.5 KB', async () => {
      await withPage(
        async page => {
          await page.addInitScript(() => {
            const shifts: number[] = []
            Object.assign(globalThis, { shifts })
            new PerformanceObserver(list => {
              for (const entry of list.getEntries()) shifts.push((entry as unknown as { value: number }).value)
            }).observe({ type: 'layout-shift', buffered: true })
          })
          // Slow enough that a browser which does not wait for it shows the page before it.
          await page.route(/\/times-/, async route => {
            await setTimeout(400)
            await route.continue()
          })
          await page.goto(`${world.url}/en/records`)
          await page.waitForFunction(() => performance.getEntriesByType('paint').length > 0)
          assert.ok((await page.locator('.local').count()) > 5)
          assert.deepEqual(await page.evaluate(() => (globalThis as unknown as { shifts: number[] }).shifts), [])
          await page.emulateMedia({ media: 'print' })
          assert.equal(await page.locator('.local:visible').count(), 0)
          const path = (await page.locator('script[src*="/times-"]').getAttribute('src')) ?? ''
          assert.ok((await (await fetch(world.url + path)).arrayBuffer()).byteLength < 1536)
        },
        { timezoneId: 'Asia/Tehran', viewport: { width: 320, height: 1600 } },
      )
    })
  })

  describe('print', () => {
    it('makes a tagged certificate of two sheets, with all that is needed to check by hand', async () => {
      await withPage(async page => {
        await page.goto(`${world.url}/en/records/1/certificate`)
        const pdf = await page.pdf({ preferCSSPageSize: true, tagged: true, outline: true })
        const sheets = readPages(pdf)
        assert.equal(sheets.length, 2)
        const { sha256 } = statementOf('r-1', 'first').documents[0]!
        for (const [at, sheet] of sheets.entries()) {
          assert.ok(sheet.startsWith(`Page${at + 1}of2`), sheet.slice(0, 60))
          assert.ok(sheet.includes(`SHA-256fingerprint${sha256}`) && sheet.includes('Certificateofrecord·Entry1·'), `sheet ${at + 1}`)
        }
        const tags = pdf.toString('latin1')
        for (const tag of [
          ...[/\/Lang \(en\)/, /\/DisplayDocTitle true/, /\/Title \(/, /\/Outlines/, /\/S \/H1/, /\/S \/H2/],
          ...[/\/S \/Table/, /\/S \/TH/, /\/Scope \/Column/, /\/S \/Figure/, /\/Alt/],
        ])
          assert.match(tags, tag)
        await page.emulateMedia({ media: 'print' })
        for (const part of [
          'Certificate of record',
          'sha256sum FILE',
          'shasum -a 256 FILE',
          'certutil -hashfile FILE SHA256',
          'Get-FileHash FILE',
          'anchoredAt(',
          'in block 105',
          'I computed the SHA-256 fingerprint of the attached copy',
          'I followed steps 1 to 6',
          'Signature and seal',
          'It does not show that what it says is true',
          'The Archive <b>',
        ])
          assert.ok(await page.locator('main').getByText(part).filter({ visible: true }).count(), part)
        assert.equal(await page.locator('svg.qr:visible').count(), 1)
      })
    })

    it('says first what became of a version, and asks nobody to sign for a copy where there is none', async () => {
      await withPage(async page => {
        await page.goto(`${world.url}/en/records/4/certificate`)
        const text = ((await page.locator('.sheet').textContent()) ?? '').replace(/\s+/g, ' ')
        assert.ok(text.indexOf('withdrawn: Entry 5') > 0 && text.indexOf('withdrawn: Entry 5') < text.indexOf('State of the ledger'))
        await page.goto(`${world.url}/en/records/5/certificate`)
        assert.equal(await page.getByText('I followed steps 2 to 6 for the statement').count(), 1)
        assert.equal(await page.getByText('Attached copy').count(), 0)
        await page.goto(`${world.url}/en/records/6/certificate`)
        assert.equal(await page.getByText('I followed steps 1 to 5').count(), 1)
      })
    })

    it('prints 256 documents and the longest proof on paper of either size, in every language, and no empty sheet', async () => {
      await withPage(async page => {
        const print = async (tag: Language, shape: Shape, format: 'A4' | 'Letter') => {
          await page.setContent(certificate(tag, shape))
          const sheets = readPages(await page.pdf({ format, preferCSSPageSize: false }))
          for (const [at, sheet] of sheets.entries()) {
            assert.ok(sheet.includes(shape.statement.documents.length === 1 ? DOCUMENT.sha256 : 'ab'.repeat(32)), `${tag}, sheet ${at + 1}`)
            // No heading is left alone at the end of a sheet.
            for (const heading of ['record.documents', 'cert.how', 'cert.sign'] as const)
              assert.ok(!sheet.endsWith(speak(tag)(heading).replace(/\s+/g, '')), `${tag}, sheet ${at + 1}: ${heading}`)
          }
          if (tag !== 'ar') assert.ok(sheets.at(-1)?.endsWith(speak(tag)('cert.signSignature').normalize('NFKC').replace(/\s+/g, '')))
          return sheets
        }
        const names = (sheets: readonly string[]) => new Set(sheets.join('').match(/\d+Bekanntmachung/g)).size
        for (const [tag, format] of [
          ['el', 'Letter'],
          ['en', 'A4'],
        ] as const) {
          const sheets = await print(tag, LONGEST, format)
          assert.equal(names(sheets), 256)
          assert.ok(sheets.length <= 16, `${tag}, ${format}: ${sheets.length} sheets`)
          const said = sheets.join('')
          if (tag !== 'en') continue
          for (const sentence of [/Thestatementhas[\d,]+bytes\.Itisnotprintedhere/, /Textsthatendin“\.\.\.”areshortenedhere/])
            assert.ok(sentence.test(said), String(sentence))
        }
        for (const [at, tag] of LANGUAGE_TAGS.entries()) {
          const sheets = await print(tag, ORDINARY, at % 2 === 0 ? 'A4' : 'Letter')
          assert.ok(sheets.length <= 3, `${tag}: ${sheets.length} sheets`)
        }
      })
    })
  })
})

type Shape = { readonly statement: Statement; readonly proofLength: number }

const DOCUMENT = {
  name: 'Bekanntmachung der Vergabe.json',
  mediaType: 'application/json',
  bytes: 123_456,
  sha256: 'ab'.repeat(32),
  jcs: 'cd'.repeat(32),
}

/** As long as anything may be: a tree of 2^53 entries, 256 documents, 32 KiB of title. */
const LONGEST: Shape = {
  statement: statementOf('r'.repeat(512), 'x', {
    action: 'amend',
    title: 'Vergabe von Bauleistungen '.repeat(1000),
    revision: 'v'.repeat(200),
    identifiers: Array.from({ length: 40 }, (_, at) => ({ scheme: 'local', value: `number-${at}` })),
    reason: { code: 'correction', text: 'Tippfehler '.repeat(500) },
    documents: Array.from({ length: 256 }, (_, at) => ({ ...DOCUMENT, name: `${at}${DOCUMENT.name}` })),
  }),
  proofLength: 53,
}

/** A ledger of a million entries, and seven documents. */
const ORDINARY: Shape = {
  statement: statementOf('case-17', 'x', { documents: Array.from({ length: 7 }, () => DOCUMENT) }),
  proofLength: 20,
}

function certificate(tag: Language, { statement, proofLength }: Shape): string {
  const hash = new Uint8Array(32).fill(0xab)
  const line: PathLine = { side: 'right', given: hash, result: hash }
  const frame = {
    say: speak(tag),
    base: '',
    path: '/records/7/certificate',
    origin: 'ledger.example/log',
    styleHref: '',
    banners: { testNetwork: true, stopped: false, notAccepting: false },
  }
  const html = renderPage(
    frame,
    certificatePage(frame, {
      index: 7,
      statement,
      agency: { id: AGENCY, name: 'Bundesministerium für Verkehr' },
      changes: [
        { index: 8, what: 'edited' },
        { index: 9, what: 'withdrawn' },
        { index: 10, what: 'superseded' },
        { index: 11, what: 'published' },
      ],
      state: {},
      anchor: {
        chainId: 1,
        contract: `0x${'c0'.repeat(20)}`,
        logId: `0x${'1d'.repeat(32)}`,
        size: 2 ** 53 - 1,
        root: 'ab'.repeat(32),
        transaction: `0x${'7a'.repeat(32)}`,
        block: { number: 20_000_000, hash: `0x${'b1'.repeat(32)}`, time: '2026-11-20T10:00:00Z' },
      },
      round: { size: 2 ** 53 - 1, time: '2026-11-20T10:00:00Z' },
      production: true,
      sealedMs: ANCHORED_MS - 60_000,
      nowMs: ANCHORED_MS,
      evidence: {
        statementText: JSON.stringify(statement),
        statementHash: hash,
        leafHash: hash,
        path: Array.from({ length: proofLength }, () => line),
        size: 2 ** 53 - 1,
        root: hash,
        note: '',
      },
      siteUrl: 'https://ledger.transport.gov.example',
      qrSvg: '<svg viewBox="0 0 33 33"></svg>',
      behind: 0,
      onlyDocument: undefined,
    }),
  )
  return html.replace('</head>', `<style>${STYLE}</style></head>`)
}
