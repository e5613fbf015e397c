/** The desk in a real browser: files are read there, and a whole folder is sent by one button. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { readManifest } from '../../src/documents/manifest.ts'
import { readReceiptZip } from '../../src/verifier/app/receipt-zip.ts'
import { launchBrowser } from './browser.ts'
import { AGENCY, OPERATOR_KEY, openWorld, type World } from './world.ts'

const FILES = 450
const WARNED = 'Left out: There is no such record of your agency yet. Look up its exact number.'

describe('web/desk in a browser', function () {
  this.timeout(180_000)
  let world: World
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let key: string
  let folder: string
  /** The bodies of all requests that the page sends. */
  let sent: string[]

  before(async () => {
    world = await openWorld()
    browser = await launchBrowser()
    folder = await mkdtemp(join(tmpdir(), 'openseal-desk-'))
    await mkdir(join(folder, 'decisions', 'deep'), { recursive: true })
    for (let n = 0; n < FILES; n++)
      await writeFile(join(folder, 'decisions', n % 2 === 0 ? 'deep' : '', `${n}.txt`), `decision ${n} SECRET`)
  })
  after(async () => {
    await browser?.close()
    await world?.close()
    await rm(folder, { recursive: true })
  })
  beforeEach(async () => {
    ;({ key } = await world.agencies.addKey(AGENCY, {}))
    context = await browser.newContext()
    page = await context.newPage()
    sent = []
    page.on('request', request => sent.push(request.postDataBuffer()?.toString('latin1') ?? ''))
    await signIn(page)
  })
  afterEach(() => context.close())

  const signIn = async (at: Page, path = '/en/desk') => {
    await at.goto(world.url + path)
    await at.fill('#key', key)
    await at.click('main button[type=submit]')
    await at.waitForSelector('.desk-bar')
  }
  const records = async () => (await world.ledger.listByAgency(AGENCY, Number.MAX_SAFE_INTEGER, 10_000)).length
  const chooseFolder = (at: Page) => at.setInputFiles('#folder-files', join(folder, 'decisions'))
  /** Chooses single files, as if they were a folder. */
  const chooseFiles = async (at: Page, files: { readonly [name: string]: string }) => {
    await at.evaluate(() => document.querySelector('#folder-files')!.removeAttribute('webkitdirectory'))
    const all = Object.entries(files).map(([name, text]) => ({ name, mimeType: '', buffer: Buffer.from(text) }))
    await at.setInputFiles('#folder-files', all)
  }
  const status = (at: Page, text: RegExp) =>
    at.waitForFunction(source => new RegExp(source).test(document.querySelector('#status')?.textContent ?? ''), text.source)

  it('reads the files in the browser: only their names, sizes and fingerprints are sent', async () => {
    await page.goto(`${world.url}/en/desk/new`)
    await page.setInputFiles('#files', [{ name: 'permit.txt', mimeType: 'text/plain', buffer: Buffer.from('Granted. SECRET') }])
    await page.click('#choose button')
    await page.waitForSelector('#record')
    ok(!sent.some(body => body.includes('SECRET')))
    match((await page.textContent('main'))!, /The files stayed on your device/)
    await page.fill('#record', '2026/1')
    await page.selectOption('#kind', 'decision')
    await page.click('main form[action$="/preview"] button')
    await page.click('text=Publish now')
    await page.waitForSelector('text=It is on the ledger')
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('main a.button:has-text("Save the receipt")')])
    equal(download.suggestedFilename(), 'permit.txt.receipt.json')
  })

  it('reads in the browser what a file states, as the server does', async () => {
    const decision = { ada: 'ΩΡΦ4465ΧΘΞ-ΛΝ3', versionId: 'v-2', correctedVersionId: 'v-1', subject: 'Road works' }
    await page.goto(`${world.url}/en/desk/new`)
    await page.setInputFiles('#files', [
      { name: 'decision.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(decision)) },
    ])
    await page.click('#choose button')
    await page.waitForSelector('#record')
    const values = await Promise.all(['record', 'revision', 'target', 'reason', 'title'].map(id => page.inputValue(`#${id}`)))
    deepEqual(values, ['ΩΡΦ4465ΧΘΞ-ΛΝ3', 'v-2', 'v-1', 'correction', 'Road works'])
    match((await page.textContent('#record-hint'))!, /decision\.json \/ada/)
    await page.click('text=Publish it as a version of its own instead')
    await page.waitForFunction(() => document.querySelector('#target') === null)
  })

  it('works by keyboard alone, and the browser goes back to what was typed', async () => {
    await page.goto(`${world.url}/en/desk/new`)
    await page.setInputFiles('#files', [{ name: 'key.txt', mimeType: 'text/plain', buffer: Buffer.from('by keyboard') }])
    await page.focus('#choose button')
    await page.keyboard.press('Enter')
    await page.waitForSelector('#record')
    await page.focus('#record')
    await page.keyboard.type('2026/keys')
    for (let at = 0; at < 10 && (await page.evaluate(() => document.activeElement?.id)) !== 'kind'; at++) await page.keyboard.press('Tab')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.evaluate(() => (document.activeElement as HTMLElement).blur())
    await page.focus('#record')
    await page.keyboard.press('Enter')
    await page.waitForSelector('text=Nothing is public yet')
    await page.goBack()
    await page.waitForFunction(() => (document.querySelector('#record') as HTMLInputElement | null)?.value === '2026/keys')
  })

  it('shows nothing of the desk by the back button after signing out', async () => {
    await page.goto(`${world.url}/en/desk/new`)
    await page.setInputFiles('#files', [{ name: 'back.txt', mimeType: 'text/plain', buffer: Buffer.from('back') }])
    await page.click('#choose button')
    await page.waitForSelector('#record')
    await page.click('.desk-bar button')
    await page.waitForSelector('#key')
    // The form is gone from the browser's memory, and the page before asks for the key.
    await page.goBack().catch(() => {})
    equal(await page.locator('#record').count(), 0)
    const other = await context.newPage()
    await other.goto(`${world.url}/en/desk/new`)
    await other.waitForSelector('#key')
  })

  it('sends a folder by one button, resumes after a closed tab, and sends nothing twice', async () => {
    const before = await records()
    await page.goto(`${world.url}/en/desk/folder`)
    await chooseFolder(page)
    await page.waitForSelector(`text=Publish ${FILES} records`)
    equal(await records(), before)
    // The second group hangs while the tab is closed.
    let groups = 0
    await page.route('**/desk/lines', route => (++groups === 1 ? route.continue() : undefined))
    await page.click('#go')
    await status(page, /Sending 200/)
    await page.close({ runBeforeUnload: false })

    const second = await context.newPage()
    await second.goto(`${world.url}/en/desk/folder`)
    await chooseFolder(second)
    await second.waitForSelector('#go:not([hidden])')
    const left = Number(/\d+/.exec((await second.textContent('#go'))!)![0])
    equal(left, FILES - 200)
    await second.click('#go')
    await status(second, new RegExp(`On the ledger: ${FILES}. Left out: 0. Not sent: 0. Together: ${FILES}.`))
    equal(await records(), before + FILES)

    const [zip] = await Promise.all([second.waitForEvent('download'), second.click('#zip button')])
    const chunks: Buffer[] = []
    for await (const chunk of await zip.createReadStream()) chunks.push(chunk as Buffer)
    equal((await readReceiptZip(new Uint8Array(Buffer.concat(chunks))))?.length, FILES)
    ok(!sent.some(body => body.includes('SECRET')))
  })

  it('goes on in the same tab after the session has ended, without reading the folder again', async () => {
    await page.goto(`${world.url}/en/desk/folder`)
    await page.selectOption('#folder-kind', 'procurement')
    await chooseFolder(page)
    await page.waitForSelector(`text=Publish ${FILES} records`)
    await context.clearCookies()
    await page.click('#go')
    await status(page, /Your session has ended/)
    const tab = await context.newPage()
    await signIn(tab)
    await page.click('#go')
    await status(page, new RegExp(`On the ledger: ${FILES}`))
  })

  it('leaves out a file with a problem, names it first, and sends the others', async () => {
    await page.goto(`${world.url}/en/desk/folder`)
    await page.selectOption('#folder-number', 'stated')
    await chooseFolder(page)
    await status(page, new RegExp(`On the ledger: 0. Left out: ${FILES}.`))
    match((await page.textContent('#rows tbody tr'))!, /States no number/)
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#results')])
    equal(download.suggestedFilename(), 'results.csv')
  })

  it('says in the table what could not be read in a file and why, and in the table that is saved', async () => {
    await page.goto(`${world.url}/en/desk/folder`)
    await chooseFiles(page, {
      'a.txt': 'plain',
      'b.xml': '<!DOCTYPE a><a/>',
      'c.json': JSON.stringify({ ada: 'ΩΡΦ4465ΧΘΞ-ΛΝ3', submissionTimestamp: '<b>soon</b>', privateData: true }),
      'd.json': '{"ada":',
    })
    await status(page, /Left out: 1. Not sent: 3/)
    const rows = await page.locator('#rows tbody tr').allInnerTexts()
    deepEqual(
      rows.map(row => row.split('\t')[0]),
      ['d.json', 'b.xml', 'c.json', 'a.txt'],
    )
    match(rows[1]!, /Can be published\s+Nothing was read from this file\. .*\(XML_DOCTYPE\)/)
    match(rows[2]!, /“\u2068<b>soon<\/b>\u2069” has no exact time[\s\S]*holds private data/)
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#results')])
    const table = readManifest(await readFile((await download.path())!))
    deepEqual(
      table.map(row => `${row.file} ${'code' in row}`),
      ['a.txt false', 'b.xml false', 'c.json false', 'd.json false'],
    )
    match(await readFile((await download.path())!, 'utf8'), /"c\.json","[0-9a-f]{64}","","checked","DATE_NOT_EXACT PRIVATE_DATA",""/)
  })

  it('shows what was read from each file before anything is sent, and names records by their paths inside the folder', async () => {
    const files = join(folder, 'inbox')
    await mkdir(join(files, 'deep'), { recursive: true })
    const changed = { ada: 'ΩΡΦ4465ΧΘΞ-ΛΝ4', versionId: 'v-2', correctedVersionId: 'v-1', subject: 'Road works' }
    await writeFile(join(files, 'changed.json'), JSON.stringify(changed))
    await writeFile(join(files, 'deep', 'scan.txt'), 'a scan')
    await page.goto(`${world.url}/en/desk/folder`)
    await page.setInputFiles('#folder-files', files)
    await page.waitForSelector('#go:not([hidden])')
    const rows = () => page.$$eval('#rows tbody tr', all => all.map(row => [...row.children].map(cell => cell.textContent)))
    deepEqual(await rows(), [
      ['changed.json', 'ΩΡΦ4465ΧΘΞ-ΛΝ4', 'v-2The file says that it changes an earlier version.', 'Road works', 'Decision', WARNED],
      ['deep/scan.txt', 'deep/scan.txt', '–', '–', 'Decision', 'Can be published'],
    ])
    // A kind that is chosen after the files still counts, for those that state none.
    await page.selectOption('#folder-kind', 'procurement')
    await page.waitForFunction(() => /scan.txt.*Procurement/.test(document.querySelector('#rows')?.textContent ?? ''))
    await page.waitForSelector('#go:not([hidden])')
    const before = await records()
    await page.click('#go')
    await status(page, /On the ledger: 1. Left out: 1/)
    equal(await records(), before + 1)
    deepEqual(
      (await rows()).map(([path, , , , kind]) => [path, kind]),
      [
        ['changed.json', 'Decision'],
        ['deep/scan.txt', 'Procurement'],
      ],
    )
  })

  it('lets the operator register an agency and make its first key', async () => {
    await page.goto(`${world.url.replace('127.0.0.1', 'localhost')}/en/operator`)
    await page.fill('#key', OPERATOR_KEY)
    await page.click('main button[type=submit]')
    await page.waitForSelector('text=First steps')
    await page.click('text=Agencies >> nth=1')
    await page.fill('#id', 'court.gov.example')
    await page.fill('#name', 'The Court')
    await page.click('main form[action$="/operator/agencies"] button')
    await page.waitForSelector('text=Keys of')
    await page.fill('#key', OPERATOR_KEY)
    await page.selectOption('#role', 'admin')
    await page.click('main form[action$="/court.gov.example"] button')
    const made = await page.inputValue('#made')
    deepEqual((await world.agencies.authenticate(made)).role, 'admin')
  })
})
