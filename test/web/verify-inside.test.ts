/**
 * Files with content inside, on the verify page in a real Chromium: packages, signed PDFs, and very
 * large files.
 */
import assert from 'node:assert/strict'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Page } from 'playwright-core'
import { assertAccessible } from './axe.ts'
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
      assert.deepEqual(await found(page), ['none', 'unknown', 'anchored', 'anchored'])
      assert.match(
        await textOf(page.locator('#results')),
        /No verdict: 1 · No record: 1 · On the record \(read the answer\): 1 · On the record: 1/,
      )
    })
    const path = await saveOffline()
    await withPage(pathToFileURL(path).href, async page => {
      const lines = [await receiptOf(4), await receiptOf(5)].join('')
      await check(page, [file, given('package.json.receipts.ndjson', lines)])
      assert.deepEqual(await found(page), ['none', 'none', 'anchored', 'anchored'])
    })
    await withPage(
      '/en/verify',
      async page => {
        await page.setInputFiles('#server-files', file)
        await page.locator('form[method=post] button').first().click()
        await page.waitForSelector('[data-release-verdict]')
        assert.deepEqual(await found(page), ['none', 'unknown', 'anchored', 'anchored'])
      },
      { javaScriptEnabled: false },
    )
  })

  it('checks every release of a large package, shows them in parts, the gravest first, and goes on where the reader is', async () => {
    const releases = Array.from({ length: 2345 }, (_, at) => ({ ocid: 'ocds-large', id: String(at) }))
    const r = (id: string) => ({ ocid: 'ocds-1', id })
    const file = given('large.json', JSON.stringify({ uri: 'u', releases: [r('r1'), ...releases, r('r2')] }))
    const receipts = given('large.json.receipts.ndjson', [await receiptOf(4), await receiptOf(5)].join(''))
    await withPage(pathToFileURL(await saveOffline()).href, async page => {
      await check(page, [file, receipts])
      assert.match(await textOf(page.locator('#results')), /No verdict: 2,345 · On the record \(read the answer\): 2/)
      const shown = page.locator('[data-release-verdict]')
      assert.equal(await shown.count(), 200)
      await assertAccessible(page)
      await page.locator('button.more').click()
      assert.equal(await shown.count(), 400)
      assert.equal(await page.evaluate(() => document.activeElement === document.querySelectorAll('.release')[200]), true)
      while ((await page.locator('button.more').count()) > 0)
        await page.evaluate(() => document.querySelector<HTMLElement>('.more')?.click())
      assert.equal(await shown.count(), 2347)
      const verdicts = await shown.evaluateAll(nodes => nodes.slice(-3).map(node => (node as HTMLElement).dataset.releaseVerdict))
      assert.deepEqual(verdicts, ['none', 'anchored', 'anchored'])
    })
  })

  it('stops within a package when told to, says how many releases were checked and how to check all, and goes on with the next file', async () => {
    const releases = Array.from({ length: 500 }, (_, at) => ({ ocid: 'ocds-slow', id: String(at) }))
    await withPage('/en/verify', async page => {
      let asked = 0
      const held: (() => void)[] = []
      await page.route('**/v1/digests/*', async route => {
        if (++asked > 40) await new Promise<void>(resolve => held.push(resolve))
        await route.continue()
      })
      await page.setInputFiles('#files', given('slow.json', JSON.stringify({ releases })))
      while (held.length < 4) await page.evaluate(() => new Promise(requestAnimationFrame))
      await page.locator('button.stop').click()
      for (const release of held) release()
      await page.waitForSelector('#results[data-done]')
      const text = await textOf(page.locator('#results'))
      const [, checked = '', left = ''] =
        /(\d+) releases were checked\. Not checked: (\d+)\. The command “openseal verify” checks them all/.exec(text) ?? []
      assert.equal(Number(checked) + Number(left), 500)
      assert.ok(Number(checked) < 100, checked)
      await page.unroute('**/v1/digests/*')
      await check(page, given('good.txt', 'good'))
      assert.ok((await verdicts(page)).length >= 1)
    })
  })

  it('starts again when files are added while a package is checked, without finishing the package first', async () => {
    const releases = Array.from({ length: 500 }, (_, at) => ({ ocid: 'ocds-slow', id: String(at) }))
    await withPage('/en/verify', async page => {
      let asked = 0
      const held: (() => void)[] = []
      await page.route('**/v1/digests/*', async route => {
        if (++asked > 40 && held.length < 4) await new Promise<void>(resolve => held.push(resolve))
        await route.continue()
      })
      await page.setInputFiles('#files', given('slow.json', JSON.stringify({ releases })))
      while (held.length < 4) await page.evaluate(() => new Promise(requestAnimationFrame))
      await page.setInputFiles('#files', given('good.txt', 'good file'))
      for (const release of held) release()
      await page.waitForSelector('#results[data-done]')
      assert.deepEqual((await verdicts(page)).slice(-1), ['anchored'])
      assert.match(await textOf(page.locator('#results')), /No record: 500/)
      assert.ok(asked < 700, `${asked} questions`)
    })
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
      assert.match(text, /For that earlier state alone: This file has been on the record, unchanged, since/)
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
        await page.locator('form[method=post] button').first().click()
        await page.waitForSelector('article[data-verdict="anchored"]')
        await expectExplained(page)
      },
      { javaScriptEnabled: false },
    )
  })

  it('shows how far it is with a file of 64 MB', async () => {
    const path = join(state.folder, 'large.bin')
    const file = await open(path, 'w')
    await file.truncate(64 * 1024 * 1024)
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
