/** What stands inside of files, on the verify page in a real Chromium: packages, signed PDFs, and very large files. */
import assert from 'node:assert/strict'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Page } from 'playwright-core'
import { check, given, PDF, textOf, useVerifyPage, verdicts } from './verify-tool.ts'

describe('verify page: inside of files', function () {
  this.timeout(120_000)
  const { receiptOf, saveOffline, state, withPage } = useVerifyPage()

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
    const path = join(state.folder, 'large.bin')
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
})
