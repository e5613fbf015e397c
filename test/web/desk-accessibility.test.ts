/**
 * Every page of the desk and of the operator in every language: axe, and a screen enlarged four
 * times.
 */
import { equal } from 'node:assert/strict'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { LANGUAGE_TAGS, type Language } from '../../src/messages/language.ts'
import { addAxe, assertAccessible, assertFits, lookIn } from './axe.ts'
import { launchBrowser } from './browser.ts'
import { AGENCY, OPERATOR_KEY, openWorld, type World } from './world.ts'

const PAGES = [
  ...['/desk', '/desk/new', '/desk/folder', '/desk/keys', '/desk/amend/1', '/desk/withdraw/1', '/desk/done/1', '/for-agencies'],
  // Entry 3 is an amendment, 4 waits to be erased, and 5 waits by the operator's order.
  ...['/desk/erase/1', '/desk/erase/3', '/desk/restate/3', '/desk/erase/4', '/desk/erase/5', '/records/4', '/removal'],
]
const OPERATOR_PAGES = ['/operator', '/operator/agencies', `/operator/agencies/${AGENCY}`, '/operator/alarms']

describe('web/desk: accessibility', function () {
  this.timeout(180_000)
  let world: World
  let browser: Browser
  let key: string
  let keyId: string

  before(async () => {
    world = await openWorld({ production: false, erasureDelayMs: 86_400_000 })
    ;({ key, keyId } = await world.agencies.addKey(AGENCY, { role: 'admin', label: 'W'.repeat(100) }))
    await world.submit('r-1', 'first', { title: 'W'.repeat(200) })
    await world.submit('r-1', 'changed')
    await world.submit('r-2', 'amended', { action: 'amend', reason: { code: 'correction' } })
    for (const record of ['r-3', 'r-4']) await world.submit(record, record)
    await world.ledger.requestErasure(4, 'personal-data', { by: 'agency', agency: AGENCY })
    await world.ledger.requestErasure(5, 'court-order', { by: 'operator' })
    browser = await launchBrowser()
  })
  after(async () => {
    await browser?.close()
    await world?.close()
  })

  const look = async (page: Page, tag: Language) => {
    await assertAccessible(page, lookIn(tag).axe)
    await assertFits(page)
  }
  const open = async (use: (page: Page, context: BrowserContext) => Promise<void>, tag: Language) => {
    const { colorScheme } = lookIn(tag)
    const context = await browser.newContext({ viewport: { width: 320, height: 640 }, colorScheme, reducedMotion: 'reduce' })
    await addAxe(context)
    await use(await context.newPage(), context).finally(() => context.close())
  }
  const signIn = async (page: Page, tag: Language, path: string, with_: string) => {
    await page.goto(`${world.url}/${tag}${path}`)
    await look(page, tag)
    await page.fill('#key', with_)
    await page.click('main button[type=submit]')
    await page.waitForSelector('.desk-bar')
  }

  for (const tag of LANGUAGE_TAGS) {
    it(`axe finds nothing on any page of the desk in ${tag}, and each fits 320 pixels`, async () => {
      await open(async page => {
        await signIn(page, tag, '/desk', key)
        for (const path of PAGES) {
          await page.goto(`${world.url}/${tag}${path}`)
          await look(page, tag)
        }
        await page.goto(`${world.url}/${tag}/desk/keys/${keyId}/revoke`)
        await look(page, tag)
        await page.goto(`${world.url}/${tag}/desk/new`)
        await page.setInputFiles('#files', [{ name: 'απόφαση <1>.txt', mimeType: 'text/plain', buffer: Buffer.alloc(0) }])
        await page.click('#choose button')
        await page.waitForSelector('#record')
        await look(page, tag)
        await page.evaluate(() => (document.querySelector('main form[action$="/preview"]') as HTMLFormElement).submit())
        await page.waitForSelector('.problems')
        await look(page, tag)
        await page.fill('#record', 'r-1')
        await page.fill('#revision', '1')
        await page.selectOption('#kind', 'decision')
        await page.click('main form[action$="/preview"] button')
        await page.waitForSelector('.warnings')
        await look(page, tag)
        await page.goto(`${world.url}/${tag}/desk/folder`)
        await page.evaluate(() => document.querySelector('#folder-files')!.removeAttribute('webkitdirectory'))
        await page.setInputFiles('#folder-files', [{ name: 'x'.repeat(200), mimeType: '', buffer: Buffer.from(tag) }])
        await page.waitForSelector('#rows table')
        await page.waitForSelector('#go:not([hidden])')
        await look(page, tag)
        equal(await page.locator('#rows tbody tr').count(), 1)
        // As without JavaScript, a package is uploaded.
        await page.goto(`${world.url}/${tag}/desk/new`)
        const releases = [{ ocid: 'x'.repeat(200), id: tag }, { id: 'none' }]
        await page.setInputFiles('#files', [
          { name: 'package.json', mimeType: '', buffer: Buffer.from(JSON.stringify({ publishedDate: 'x', releases })) },
        ])
        await page.evaluate(() => (document.querySelector('#choose') as HTMLFormElement).submit())
        await page.waitForSelector('form[action$="/desk/package"]')
        await look(page, tag)
        await page.click('form[action$="/desk/package"] button')
        await page.waitForSelector('a[href*="receipts.zip"]')
        await look(page, tag)
      }, tag)
    })

    it(`axe finds nothing on any page of the operator in ${tag}, and each fits 320 pixels`, async () => {
      await open(async page => {
        await signIn(page, tag, '/operator', OPERATOR_KEY)
        for (const path of OPERATOR_PAGES) {
          await page.goto(`${world.url}/${tag}${path}`)
          await look(page, tag)
        }
      }, tag)
    })
  }
})
