/**
 * The same check in other places: the file saved to disk, a browser without JavaScript, and a
 * keyboard alone.
 */
import assert from 'node:assert/strict'
import { pathToFileURL } from 'node:url'
import { stampedReceipt } from '../verifier/stamped.ts'
import { assertAccessible } from './axe.ts'
import { check, given, textOf, useEndpoints, usePolicy, useVerifyPage, verdicts } from './verify-tool.ts'

describe('verify page: offline, without JavaScript, by keyboard', function () {
  this.timeout(120_000)
  const { receiptOf, saveOffline, state, withPage } = useVerifyPage()

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
          await check(page, given('w.receipt.json', await receiptOf(12)))
          assert.deepEqual(await verdicts(page), ['anchored', 'withdrawn'])
          assert.deepEqual([...asked], [state.world.chain.url])
          await useEndpoints(page, `${state.world.chain.url}\n${state.world.liar.url}`)
          await page.waitForSelector('#results article[data-verdict="unchecked"]')
          assert.deepEqual([...asked], [state.world.chain.url, state.world.liar.url])
          await assertAccessible(page)
        },
        { locale, bypassCSP: false },
      )
    }
  })

  it('dates a receipt with witnesses and a time stamp by a reader’s policy, and asks nobody', async () => {
    const { receipt, policy, file } = await stampedReceipt()
    for (const href of [pathToFileURL(await saveOffline()).href, '/verify']) {
      await withPage(href, async page => {
        const asked: string[] = []
        await page.waitForSelector('#files', { state: 'attached' })
        await check(page, [given('policy.json', policy), given('tender.json', file), given('tender.json.receipt.json', receipt)])
        page.on('request', request => asked.push(new URL(request.url()).origin))
        await usePolicy(page)
        assert.deepEqual(await verdicts(page), ['anchored'])
        const told = (await page.locator('#results article').first().textContent()) ?? ''
        assert.match(told, /We did not check for newer versions. This file has been on the record, unchanged, since 24 November 2026/)
        assert.match(
          told,
          /One\u2069: time stamp of 24 November 2026.*not checked whether its certificate was revoked, or whether it is qualified/,
        )
        assert.deepEqual([...new Set(asked)], href.startsWith('file:') ? [] : [state.world.url])
        await check(page, [given('tender.json', file), given('bad.receipt.json', receipt.replace(/"token":"(.{400})./, '"token":"$1%'))])
        assert.ok((await verdicts(page)).includes('sealed'))
      })
    }
  })

  it('lets the reader of the offline file choose another language, and keeps what was given and found', async () => {
    const href = pathToFileURL(await saveOffline()).href
    await withPage(href, async page => {
      await check(page, [given('f', 'good file'), given('f.receipt.json', await receiptOf(6))])
      assert.equal(await page.locator('#offline-language').inputValue(), 'en')
      await page.selectOption('#offline-language', 'uk')
      await page.waitForSelector('#results article[data-verdict="anchored"] .sentence:has-text("перебуває в реєстрі")')
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
        await page.locator('form[method=post] button').first().click()
        await page.waitForSelector('article[data-verdict="unknown"]')
        assert.equal(await page.locator('article[data-verdict="anchored"]').count(), 1)
        assert.match(await textOf(page.locator('main')), /No record: 1 g\.txt\s+On the record: 1 f\.txt/)
        assert.match(await textOf(page.locator('main')), /It was not kept/)
        await page.goto(`${state.world.url}/en/verify`)
        await page.fill('#server-paste', await receiptOf(6))
        await page.locator('form[method=post] button').first().click()
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
