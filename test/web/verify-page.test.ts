/** The pages in a real Chromium: every verdict, damage, silence, disagreement, the offline file, no JavaScript, keyboard, axe, print. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { createSigner, formatVkey } from '../../src/core/note.ts'
import { formatPolicy } from '../../src/core/policy.ts'
import { assertAccessible } from './axe.ts'
import { launchBrowser } from './browser.ts'
import { ANCHORED_MS, openWorld, type World } from './world.ts'

type Given = { name: string; mimeType: string; buffer: Buffer }
const given = (name: string, content: string | Buffer): Given => ({
  name,
  mimeType: 'application/octet-stream',
  buffer: Buffer.from(content),
})

/** Submitted as it stands; signed afterwards in the test. */
const PDF = '%PDF-1.7\n1 %%EOF'

describe('web in Chromium', function () {
  this.timeout(120_000)
  let world: World
  let browser: Browser
  let folder: string

  before(async () => {
    world = await openWorld()
    await world.submit('old', 'old version', { revision: '1' })
    await world.submit('gone', 'withdrawn file')
    await world.submit('json', '{"a":1,"b":[2]}')
    for (const id of ['r1', 'r2']) await world.submit('ocds-1', JSON.stringify({ id, ocid: 'ocds-1' }), { revision: id, title: id })
    await world.anchor(ANCHORED_MS - 3_600_000)
    await world.submit('good', 'good file')
    await world.submit('pdf', PDF)
    await world.submit('form-1', 'standard form', { title: 'First use' })
    await world.submit('form-2', 'standard form', { title: 'Second use' })
    await world.submit('form-2', 'standard form', { action: 'withdraw', reason: { code: 'other' }, documents: [] })
    await world.submit('old', 'new version', { action: 'amend', reason: { code: 'correction' } })
    await world.submit('gone', 'withdrawn file', { action: 'withdraw', reason: { code: 'court-order' }, documents: [] })
    await world.anchor()
    await world.submit('fresh', 'fresh file')
    browser = await launchBrowser()
    folder = await mkdtemp(join(tmpdir(), 'openseal-web-'))
  })
  after(async () => {
    await browser?.close()
    await world?.close()
    await rm(folder, { recursive: true, force: true })
  })
  beforeEach(() => {
    world.state.production = true
    world.chain.state.down = false
  })

  const withPage = async (path: string, use: (page: Page) => Promise<void>, options: BrowserContextOptions = {}) => {
    const context = await browser.newContext({ locale: 'en-GB', ...options })
    const page = await context.newPage()
    const errors: Error[] = []
    page.on('pageerror', error => errors.push(error))
    try {
      await page.goto(path.startsWith('file:') ? path : world.url + path)
      await use(page)
      assert.deepEqual(errors, [])
    } finally {
      await context.close()
    }
  }
  const check = async (page: Page, files: Given | Given[] | string) => {
    const before = await page.locator('#results').getAttribute('data-done')
    await page.setInputFiles('#files', files)
    await page.waitForFunction(last => (document.querySelector('#results') as HTMLElement).dataset.done !== last, before ?? undefined)
  }
  const verdicts = (page: Page) =>
    page.locator('#results article').evaluateAll(cards => cards.map(card => (card as HTMLElement).dataset.verdict))
  const useEndpoints = async (page: Page, endpoints: string) => {
    await page.locator('#endpoints').evaluate((node, value) => {
      ;(node as HTMLTextAreaElement).value = value
      node.closest('details')?.setAttribute('open', '')
    }, endpoints)
    await page.locator('#endpoints-form button').click()
  }
  const saveOffline = async () => {
    const path = join(folder, 'openseal-verifier.html')
    await writeFile(path, await (await fetch(`${world.url}/openseal-verifier.html`)).text())
    return path
  }
  const receiptOf = async (index: number) => world.ledger.receipt(index)

  it('gives each of the nine verdicts, with its own mark in words and in drawing', async () => {
    const bring = async (...files: Given[]) => {
      let seen: (string | undefined)[] = []
      await withPage('/en/verify', async page => {
        await check(page, files)
        seen = await verdicts(page)
        assert.match((await page.locator('#results .mark').first().textContent()) ?? '', /\S/)
        assert.equal(await page.locator('#results article > header svg').count(), files.filter(({ name }) => name.startsWith('f')).length)
      })
      return seen
    }
    const stranger = formatPolicy({ ...world.policy(), anchors: world.policy().anchors.map(a => ({ ...a, codeSha256: '0'.repeat(64) })) })
    const files = ['good file', 'old version', 'withdrawn file', 'fresh file', 'never seen'].map((text, at) => given(`f${at}`, text))
    assert.deepEqual(await bring(...files), ['anchored', 'superseded', 'withdrawn', 'sealed', 'unknown'])
    assert.deepEqual(await bring(given('f', 'good file!'), given('x.receipt.json', await receiptOf(6))), ['invalid'])
    assert.deepEqual(await bring(given('f', 'good file'), given('policy.json', stranger)), ['unsupported'])
    world.chain.state.down = true
    assert.deepEqual(await bring(given('f', 'good file')), ['unchecked'])
    world.chain.state.down = false
    world.state.production = false
    assert.deepEqual(await bring(given('f', 'good file')), ['test-network'])
  })

  it('lists the checks as they run, in their order and words, and never shows a verdict before they are done', async () => {
    await withPage('/en/verify', async page => {
      let release = () => {}
      const held = new Promise<void>(resolve => {
        release = resolve
      })
      await page.route(`${world.chain.url}/**`, async route => {
        await held
        await route.continue()
      })
      await page.setInputFiles('#files', [given('f', 'good file'), given('f.receipt.json', await receiptOf(6))])
      await page.waitForSelector('#results li.passed[data-check="cosignatures"]')
      const states = () =>
        page.locator('#results li[data-check]').evaluateAll(items => items.map(item => [item.className, item.getAttribute('data-check')]))
      const before = ['document', 'statement', 'inclusion', 'checkpoint', 'cosignatures'].map(name => ['passed', name])
      const after = ['anchor', 'finality', 'currency']
      assert.deepEqual(await states(), [...before, ...after.map(name => ['running', name])])
      assert.match(
        await textOf(page.locator('#results li[data-check=inclusion]')),
        /Inclusion: passed\s+– the statement is in the ledger’s list\s+index 6 of/,
      )
      assert.equal(await page.locator('#results [data-verdict]').count(), 0)
      release()
      await page.waitForSelector('#results article[data-verdict="anchored"]')
      assert.deepEqual(await states(), [...before, ...after.map(name => ['passed', name])])
    })
  })

  it('gives each verdict that needs no receipt, in the order in which files came', async () => {
    await withPage('/en/verify', async page => {
      await check(page, [
        given('renamed.bin', 'good file'),
        given('a', 'never seen'),
        given('b', 'old version'),
        given('c', 'withdrawn file'),
        given('d', 'fresh file'),
      ])
      assert.deepEqual(await verdicts(page), ['anchored', 'unknown', 'superseded', 'withdrawn', 'sealed'])
      const sentences = await page.locator('.sentence').allTextContents()
      assert.match(sentences[0] ?? '', /This file is on the record, unchanged since 20 November 2026 at 10:00 UTC\./)
      assert.match(sentences[3] ?? '', /and was withdrawn on 19 November 2026/)
    })
  })

  it('pairs files and receipts in any order, renamed or not, and asks no ledger for them', async () => {
    await withPage('/en/verify', async page => {
      const asked: string[] = []
      await page.route('**/v1/records?sha256=*', route => {
        asked.push(route.request().url())
        return route.continue()
      })
      await check(page, given('x.receipt.json', await receiptOf(6)))
      assert.match((await page.locator('.sentence').first().textContent()) ?? '', /This statement is on the record.*No file was compared/)
      await check(page, given('another name.txt', 'good file'))
      assert.deepEqual(await verdicts(page), ['anchored'])
      assert.deepEqual(asked, [])
    })
  })

  it('checks pasted fingerprints and receipts without any file', async () => {
    await withPage('/en/verify', async page => {
      const paste = async (text: string) => {
        await page.locator('#paste-part').evaluate(node => node.setAttribute('open', ''))
        await page.fill('#paste', text)
        await page.locator('#paste-form button').click()
      }
      const hash = (text: string) => createHash('sha256').update(text).digest('hex')
      await paste(`${hash('good file')}  good.txt\n${hash('never seen')}  never.txt\n`)
      await page.waitForSelector('#results[data-done="1"]', { state: 'attached' })
      assert.deepEqual(await verdicts(page), ['anchored', 'unknown'])
      await paste('a'.repeat(32))
      assert.match(await textOf(page.locator('#notices')), /This looks like MD5/)
      await paste(await receiptOf(8))
      await page.waitForSelector('#results[data-done="2"]', { state: 'attached' })
      assert.deepEqual((await verdicts(page)).length, 3)
    })
  })

  it('gives an answer for each record that names the file', async () => {
    await withPage('/en/verify', async page => {
      await check(page, given('form.txt', 'standard form'))
      assert.deepEqual(await verdicts(page), ['anchored', 'withdrawn'])
      const text = await textOf(page.locator('#results'))
      assert.match(text, /Record: First use.*Record: Second use/s)
    })
  })

  it('says that the content is the same where only the formatting of JSON changed', async () => {
    await withPage('/en/verify', async page => {
      await check(page, given('a.json', '{ "b": [2.0],\n "a": 1 }'))
      assert.deepEqual(await verdicts(page), ['anchored'])
      assert.match(await textOf(page.locator('#results')), /Same content, formatted differently/)
    })
  })

  it('refuses a damaged receipt and a changed file, and says which check failed', async () => {
    const receipt = await receiptOf(6)
    for (const [damaged, file] of [
      [receipt.replace('"record":"good"', '"record":"goog"'), 'good file'],
      [receipt.slice(0, 200), 'good file'],
      ['', 'good file'],
      [receipt, 'good file.'],
    ] as const) {
      await withPage('/en/verify', async page => {
        await check(page, [given('f.txt', file), given('f.txt.receipt.json', damaged)])
        assert.deepEqual(await verdicts(page), ['invalid'])
        assert.match(await textOf(page.locator('.sentence').first()), /The proof does not fit: (document|statement|inclusion)\./)
        assert.ok((await page.locator('li.failed').count()) > 0)
      })
    }
  })

  it('never shows a test network green', async () => {
    world.state.production = false
    await withPage('/en/verify', async page => {
      await check(page, given('f', 'good file'))
      assert.deepEqual(await verdicts(page), ['test-network'])
      assert.equal(await page.locator('article.good').count(), 0)
    })
  })

  it('checks by the policy that the reader brings: their own copy, and one of another ledger', async () => {
    const elsewhere = createSigner('other.example/log', new Uint8Array(32).fill(5)).vkey
    const other = formatPolicy({ ...world.policy(), origin: 'other.example/log', logKeys: [{ vkey: formatVkey(elsewhere), fromSize: 0 }] })
    for (const [policy, verdict] of [
      [formatPolicy(world.policy()), 'anchored'],
      [other, 'unsupported'],
    ] as const) {
      await withPage('/en/verify', async page => {
        await check(page, [given('my-policy.json', policy), given('f', 'good file'), given('f.receipt.json', await receiptOf(6))])
        assert.deepEqual(await verdicts(page), [verdict])
        assert.match(await textOf(page.locator('#results')), /Checked by your own copy of the rules/)
        assert.match(await textOf(page.locator('#notices')), /Your own policy file is in use: my-policy\.json/)
      })
    }
  })

  it('keeps the policy that it has when the one brought cannot be read', async () => {
    await withPage('/en/verify', async page => {
      await check(page, [given('p.json', '{"type":"openseal/policy@v1"}'), given('f', 'good file')])
      assert.deepEqual(await verdicts(page), ['anchored'])
      assert.match(await textOf(page.locator('#notices')), /cannot be read, so it was not used/)
    })
  })

  it('is unchecked when the chain is silent or two endpoints disagree, and finds again with one that answers', async () => {
    world.chain.state.down = true
    await withPage('/en/verify', async page => {
      await check(page, given('f', 'good file'))
      assert.deepEqual(await verdicts(page), ['unchecked'])
      world.chain.state.down = false
      await useEndpoints(page, `${world.chain.url}\n${world.liar.url}`)
      await page.waitForSelector('#results li.not-run[data-check="anchor"] .detail:has-text("disagree")', { state: 'attached' })
      assert.deepEqual(await verdicts(page), ['unchecked'])
      await useEndpoints(page, world.chain.url)
      await page.waitForSelector('#results article[data-verdict="anchored"]')
    })
  })

  it('still checks a receipt when the ledger is gone, and says so without one', async () => {
    await withPage('/en/verify', async page => {
      await page.route('**/v1/**', route => route.abort())
      await check(page, given('f', 'good file'))
      assert.match(await textOf(page.locator('#results')), /The ledger did not answer/)
      await check(page, given('f.receipt.json', await receiptOf(6)))
      assert.deepEqual(await verdicts(page), ['anchored'])
      assert.match(await textOf(page.locator('#results')), /Newer versions were not checked/)
    })
  })

  it('gives every release of a package its own verdict, by the ledger or by the receipts that came with it', async () => {
    const releases = ['r1', 'r2', 'r3'].map(id => ({ ocid: 'ocds-1', id }))
    const file = given('package.json', `${JSON.stringify({ uri: 'u', releases }).slice(0, -2)},{"id":"x","id":"x"}]}`)
    const found = (page: Page) =>
      page.locator('[data-release-verdict]').evaluateAll(nodes => nodes.map(node => (node as HTMLElement).dataset.releaseVerdict))
    await withPage('/en/verify', async page => {
      await check(page, file)
      assert.deepEqual(await found(page), ['anchored', 'anchored', 'unknown', 'none'])
      assert.match(await textOf(page.locator('#results')), /On the record: 2 · No record: 1 · not checked: 1/)
    })
    const path = await saveOffline()
    await withPage(pathToFileURL(path).href, async page => {
      const lines = [await receiptOf(4), await receiptOf(5)].join('')
      await check(page, [file, given('package.json.receipts.ndjson', lines)])
      assert.deepEqual(await found(page), ['anchored', 'anchored', 'none', 'none'])
    })
    await withPage(
      '/en/verify',
      async page => {
        await page.setInputFiles('#server-files', file)
        await page.locator('form[method=post] button').click()
        await page.waitForSelector('[data-release-verdict]')
        assert.deepEqual(await found(page), ['anchored', 'anchored', 'unknown', 'none'])
      },
      { javaScriptEnabled: false },
    )
  })

  it('explains why a signed PDF may not match, and finds the earlier state in it that is on the record', async () => {
    const signed = given('a.pdf', `${PDF}\n2 /ByteRange [0 1] %%EOF\n`)
    const expectExplained = async (page: Page) => {
      const text = await textOf(page.locator('main'))
      assert.match(text, /This PDF carries a digital signature/)
      assert.match(text, new RegExp(`an earlier state of this file is known, see below: what follows its first ${PDF.length} bytes`))
      assert.match(
        text,
        new RegExp(`Earlier state of the file: its first ${PDF.length} bytes:?\\s+Only an earlier state of this file is on the record`),
      )
      assert.match(text, /For that earlier state alone: This file is on the record, unchanged since/)
      assert.equal(await page.locator('article.good').count(), 0)
    }
    await withPage('/en/verify', async page => {
      await check(page, given('never.pdf', '%PDF-1.7 /ByteRange [0 1]'))
      assert.match(await textOf(page.locator('#results')), /This PDF carries a digital signature/)
      assert.deepEqual(await verdicts(page), ['unknown'])
    })
    for (const [others, verdict] of [
      [[], 'unknown'],
      [[given('any.json', await receiptOf(7))], 'invalid'],
    ] as const) {
      await withPage('/en/verify', async page => {
        await check(page, [signed, ...others])
        assert.deepEqual(await verdicts(page), [verdict, 'anchored'])
        await expectExplained(page)
      })
    }
    await withPage(
      '/en/verify',
      async page => {
        await page.setInputFiles('#server-files', signed)
        await page.locator('form[method=post] button').click()
        await page.waitForSelector('article[data-verdict="anchored"]')
        await expectExplained(page)
      },
      { javaScriptEnabled: false },
    )
  })

  it('hashes 300 MB in bounded memory, with progress', async () => {
    const path = join(folder, 'large.bin')
    const file = await open(path, 'w')
    await file.truncate(300 * 1024 * 1024)
    await file.close()
    await withPage('/en/verify', async page => {
      await page.evaluate(() => {
        const bar = document.querySelector('#progress') as HTMLProgressElement
        const seen = new Set<number>()
        Object.assign(window, { seen })
        new MutationObserver(() => seen.add(bar.value)).observe(bar, { attributes: true })
      })
      await check(page, path)
      assert.deepEqual(await verdicts(page), ['unknown'])
      assert.ok((await page.evaluate(() => (window as unknown as { seen: Set<number> }).seen.size)) > 10)
    })
  })

  it('works from disk as one file that asks only the chain', async () => {
    const path = await saveOffline()
    for (const locale of ['en-GB', 'ar']) {
      await withPage(
        pathToFileURL(path).href,
        async page => {
          const asked = new Set<string>()
          page.on('request', request => asked.add(new URL(request.url()).origin))
          await page.waitForSelector('#files', { state: 'attached' })
          assert.equal(await page.locator('html').getAttribute('dir'), locale === 'ar' ? 'rtl' : 'ltr')
          await check(page, given('f', 'good file'))
          assert.deepEqual(await verdicts(page), ['none'])
          await check(page, given('f.receipt.json', await receiptOf(6)))
          assert.deepEqual(await verdicts(page), ['anchored'])
          assert.deepEqual([...asked], [world.chain.url])
          await useEndpoints(page, `${world.chain.url}\n${world.liar.url}`)
          await page.waitForSelector('#results article[data-verdict="unchecked"]')
          assert.deepEqual([...asked], [world.chain.url, world.liar.url])
          await assertAccessible(page)
        },
        { locale, bypassCSP: false },
      )
    }
  })

  it('lets the reader of the offline file choose another language, and keeps what was given and found', async () => {
    const href = pathToFileURL(await saveOffline()).href
    await withPage(href, async page => {
      await check(page, [given('f', 'good file'), given('f.receipt.json', await receiptOf(6))])
      assert.equal(await page.locator('#offline-language').inputValue(), 'en')
      await page.selectOption('#offline-language', 'uk')
      await page.waitForSelector('#results article[data-verdict="anchored"] .sentence:has-text("зареєстровано")')
      assert.deepEqual(await page.evaluate(() => [document.documentElement.lang, location.hash]), ['uk', '#uk'])
      await page.selectOption('#offline-language', 'ar')
      await page.waitForSelector('html[dir=rtl] #results article[data-verdict="anchored"]')
    })
    await withPage(`${href}#el`, async page => {
      await page.waitForSelector('html[lang=el] #files', { state: 'attached' })
    })
  })

  it('works without JavaScript by upload and by pasted fingerprint, and says that the file leaves the machine', async () => {
    await withPage(
      '/en/verify',
      async page => {
        assert.match(await textOf(page.locator('main')), /This form sends your file to us: it leaves your device/)
        await page.setInputFiles('#server-files', [given('f.txt', 'good file'), given('g.txt', 'never seen')])
        await page.locator('form[method=post] button').click()
        await page.waitForSelector('article[data-verdict="unknown"]')
        assert.equal(await page.locator('article[data-verdict="anchored"]').count(), 1)
        assert.match(await textOf(page.locator('main')), /It was not kept/)
        await page.goto(`${world.url}/en/verify`)
        await page.fill('#server-paste', await receiptOf(6))
        await page.locator('form[method=post] button').click()
        await page.waitForSelector('article[data-verdict="anchored"]')
      },
      { javaScriptEnabled: false },
    )
  })

  it('is usable by keyboard alone', async () => {
    await withPage('/en/verify', async page => {
      await page.keyboard.press('Tab')
      assert.equal(await page.evaluate(() => document.activeElement?.className), 'skip')
      await page.keyboard.press('Enter')
      const chooser = page.waitForEvent('filechooser')
      for (let presses = 0; presses < 5 && (await page.evaluate(() => document.activeElement?.id)) !== 'files'; presses++)
        await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      await (await chooser).setFiles(given('f', 'good file'))
      await page.waitForSelector('article[data-verdict="anchored"]')
      await page.waitForFunction(() => document.activeElement?.id === 'results-heading')
      for (let presses = 0; presses < 4 && (await page.evaluate(() => document.activeElement?.tagName)) !== 'SUMMARY'; presses++)
        await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      assert.equal(await page.locator('#results details').first().getAttribute('open'), '')
    })
  })
})

/** What a reader sees of it. */
async function textOf(locator: Locator): Promise<string> {
  return (await locator.allInnerTexts()).join('\n')
}
