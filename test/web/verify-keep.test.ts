/**
 * Results that are kept, in a real Chromium: reports that are opened again, links, tables, archives
 * and folders.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { TextReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js'
import type { Page } from 'playwright-core'
import { assertAccessible } from './axe.ts'
import { check, given, textOf, useVerifyPage, verdicts } from './verify-tool.ts'

async function zipOf(files: readonly (readonly [string, string, string?])[]): Promise<Buffer> {
  const writer = new ZipWriter(new Uint8ArrayWriter(), { useWebWorkers: false })
  for (const [name, text, password] of files) await writer.add(name, new TextReader(text), password === undefined ? {} : { password })
  return Buffer.from(await writer.close())
}

const sha256Of = (text: string) => createHash('sha256').update(text).digest('hex')

describe('verify page: results that are kept', function () {
  this.timeout(120_000)
  const { receiptOf, saveOffline, state, withPage } = useVerifyPage()

  async function save(page: Page, button: string): Promise<string> {
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator(button).click()])
    return readFile(await download.path(), 'utf8')
  }
  const done = (page: Page) => page.waitForSelector('#results[data-done]', { state: 'attached' })

  it('saves a report that the offline verifier checks again, without the ledger, and quotes what it said', async () => {
    const zip = await zipOf([
      ['files/good.txt', 'good file'],
      ['files/gone.txt', 'withdrawn file'],
      ['files/changed.txt', 'good file, changed'],
      ['files/old.txt', 'old version'],
      ['files/never.txt', 'never seen'],
      ['secret.txt', 'x', 'password'],
      ['receipts/good.txt.receipt.json', await receiptOf(6)],
      ['receipts/gone.txt.receipt.json', await receiptOf(2)],
      ['receipts/changed.txt.receipt.json', await receiptOf(6)],
    ])
    let report = ''
    await withPage('/en/verify', async page => {
      await check(page, { ...given('source.zip', ''), buffer: zip })
      assert.deepEqual(await verdicts(page), ['anchored', 'withdrawn', 'invalid', 'superseded', 'unknown'])
      const sum = await textOf(page.locator('#results-sum'))
      assert.match(
        sum,
        /a password is needed: .*source\.zip\/secret\.txt.*Does not fit: 1 source\.zip\/files\/changed\.txt\s+No record: 1.*On the record, withdrawn: 1/s,
      )
      await assertAccessible(page)
      report = await save(page, '#save-report')
    })
    const path = join(state.folder, 'report.html')
    await writeFile(path, report)
    await withPage(pathToFileURL(path).href, async page => {
      await assertAccessible(page)
      assert.match(
        await textOf(page.locator('main')),
        /a password is needed.*Does not fit.*Checked by the rules that the ledger itself publishes/s,
      )
    })
    await withPage(pathToFileURL(await saveOffline()).href, async page => {
      const asked = new Set<string>()
      page.on('request', request => asked.add(new URL(request.url()).origin))
      await check(page, path)
      // The changed file had the receipt of the good one: it fits it no better now.
      assert.deepEqual((await verdicts(page)).sort(), ['anchored', 'anchored', 'anchored', 'invalid', 'none'])
      assert.deepEqual([...asked], [state.world.chain.url])
      const told = await textOf(page.locator('#notices'))
      assert.match(
        told,
        /is the report of a check of .*Does not fit: 1 · No record: 1 · On the record, withdrawn: 1 · On the record, replaced by a newer version: 1 · On the record: 1\. That is only quoted/,
      )
      assert.equal(await page.locator('article.good').count(), 0)
      assert.match(await textOf(page.locator('#results')), /We did not check for newer versions\. The file with this fingerprint/)
      assert.equal(await page.locator('#policy-part').isVisible(), true)
      await check(page, given('good.txt', 'good file'))
      assert.equal(await page.locator('#results article').count(), 5)
      assert.match(await textOf(page.locator('#results')), /This file has been on the record/)
    })
  })

  it('opens a link without a file, says so, and compares the file that is then given', async () => {
    const hash = `#sha256=${sha256Of('good file')}&entry=6`
    await withPage(`/en/verify${hash}`, async page => {
      const asked: string[] = []
      page.on('request', request => asked.push(request.url()))
      await done(page)
      assert.deepEqual(await verdicts(page), ['anchored'])
      assert.match(await textOf(page.locator('main')), /No file was checked here, only the fingerprint in the link/)
      assert.match(await textOf(page.locator('#results .sentence')), /The file with this fingerprint has been on the record/)
      assert.ok(
        asked.every(url => !url.includes(sha256Of('good file').slice(0, 16))),
        asked.join('\n'),
      )
      assert.match(await page.locator('a.copy').getAttribute('href').then(String), new RegExp(`/en/verify${hash}$`))
      await page.locator('a.copy').click()
      await page.waitForFunction(() => /Copied\.|This is the link/.test(document.querySelector('main')?.textContent ?? ''))
      await check(page, given('other.txt', 'another file'))
      assert.deepEqual(await verdicts(page), ['invalid'])
    })
    await withPage(`/en/verify#sha256=${sha256Of('old version')}&entry=6`, async page => {
      await done(page)
      assert.deepEqual(await verdicts(page), ['invalid'])
      assert.match(await textOf(page.locator('#results')), /none of the documents that the receipt lists has this fingerprint/)
    })
    await withPage(`/en/verify#sha256=${sha256Of('good file')}&entry=999`, async page => {
      await done(page)
      assert.match(await textOf(page.locator('#notices')), /The ledger gave no receipt for the entry 999/)
      assert.deepEqual(await verdicts(page), ['anchored'])
    })
    await withPage('/en/verify#sha256=abc&entry=-1', async page => {
      await page.waitForSelector('#notices p')
      assert.match(await textOf(page.locator('#notices')), /This link is damaged/)
    })
  })

  it('shows the gravest of many files first, finds the first of each verdict, and saves a table of all', async () => {
    const files = Array.from({ length: 260 }, (_, at) => given(`never-${at}.txt`, `never seen ${at}`))
    await withPage('/en/verify', async page => {
      await check(page, [
        ...files,
        given('good.txt', 'good file'),
        given('bad.txt', 'bad'),
        given('bad.txt.receipt.json', await receiptOf(6)),
      ])
      assert.match(
        await textOf(page.locator('#results-sum')),
        /^\s*Does not fit: 1 bad\.txt\s+No record: 260 never-\d+\.txt · never-\d+\.txt · never-\d+\.txt …\s+On the record: 1 good\.txt\s*$/,
      )
      assert.equal((await verdicts(page))[0], 'invalid')
      assert.equal((await verdicts(page)).length, 200)
      // The buttons come before the first of the many answers.
      const below = await page.locator('#results-keep').evaluate(keep => keep.nextElementSibling?.id)
      assert.equal(below, 'results')
      await page.locator('#results-sum a').nth(2).click()
      assert.equal(await page.evaluate(() => document.querySelector(':target article')?.getAttribute('data-verdict')), 'unknown')
      await page.locator('#results-sum a').last().click()
      assert.equal(await page.evaluate(() => document.querySelector(':target article')?.getAttribute('data-verdict')), 'anchored')
      const rows = (await save(page, '#save-csv')).split('\r\n')
      assert.equal(rows.length, 1 + 262 + 1)
      assert.ok(rows[0]?.startsWith('\ufeff"file","part"'))
    })
  })

  it('reads a folder that is chosen, and finds receipts in another folder of it', async () => {
    const folder = join(state.folder, 'chosen')
    await mkdir(join(folder, 'r'), { recursive: true })
    await writeFile(join(folder, 'a.txt'), 'changed')
    await writeFile(join(folder, 'b.txt'), 'old version')
    await writeFile(join(folder, 'r', 'a.txt.receipt.json'), await receiptOf(6))
    await withPage('/en/verify', async page => {
      await page.setInputFiles('#folder', folder)
      await done(page)
      assert.deepEqual((await verdicts(page)).sort(), ['invalid', 'superseded'])
      assert.match(await textOf(page.locator('#results-sum')), /chosen\/a\.txt/)
    })
  })

  it('offers to search for what a file says of itself, and sends nothing before a link is followed', async () => {
    const akn = `<akomaNtoso xmlns="http://docs.oasis-open.org/legaldocml/ns/akn/3.0"><act><meta><identification source="#x"><FRBRWork><FRBRthis value="/akn/gr/act/2026/12/!main"/><FRBRuri value="/akn/gr/act/2026/12"/></FRBRWork></identification></meta></act></akomaNtoso>`
    await withPage('/en/verify', async page => {
      await check(page, [given('law.xml', akn), given('plain.txt', 'says nothing'), given('good.txt', 'good file')])
      const asked: string[] = []
      page.on('request', request => asked.push(new URL(request.url()).pathname))
      assert.equal(await page.locator('button.search').count(), 2)
      await page.locator('button.search').first().click()
      const link = page.locator('#results a[href*="/records?q="]').first()
      assert.equal(await link.getAttribute('href'), `/en/records?q=${encodeURIComponent('/akn/gr/act/2026/12')}`)
      assert.match(
        await textOf(page.locator('#results article').first()),
        /If you follow one of these links, the ledger learns these words/,
      )
      await page.locator('button.search').click()
      await page.waitForSelector('#results p:has-text("says nothing about itself")')
      assert.ok(
        asked.every(path => path.startsWith('/assets/')),
        asked.join(),
      )
      assert.equal((await fetch(state.world.url + (await link.getAttribute('href')))).status, 200)
    })
  })

  it('gives a report and a table to a browser without JavaScript, from the answer or at once', async () => {
    await withPage(
      '/en/verify',
      async page => {
        assert.match(await textOf(page.locator('noscript')), /A link to a result needs JavaScript/)
        const files = [given('good.txt', 'good file'), given('gone.txt', 'withdrawn file')]
        await page.setInputFiles('#server-files', files)
        await page.locator('form[method=post] button').first().click()
        await page.waitForSelector('article')
        const report = await save(page, 'a[download="openseal-report.html"]')
        assert.match(report, /by the clock of the ledger’s server/)
        assert.match(await save(page, 'a[download="openseal-report.csv"]'), /"good\.txt",.*"anchored"/)
        await page.goto(`${state.world.url}/en/verify`)
        await page.setInputFiles('#server-files', files)
        assert.match(await save(page, 'button[value=report]'), /id="openseal-report">\{"type":"openseal\/report@v1"/)
        // A report is read here, too.
        await page.setInputFiles('#server-files', given('report.html', report))
        await page.locator('form[method=post] button').first().click()
        await page.waitForSelector('article')
        assert.match(
          await textOf(page.locator('main')),
          /is the report of a check .* It said: On the record, withdrawn: 1 · On the record: 1/,
        )
        assert.deepEqual(await page.locator('article').evaluateAll(cards => cards.map(card => card.getAttribute('data-verdict'))), [
          'withdrawn',
          'anchored',
        ])
      },
      { javaScriptEnabled: false },
    )
  })
})
