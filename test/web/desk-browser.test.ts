/** The desk in a real browser: files are read there, and a whole folder is sent by one button. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page, Route } from 'playwright-core'
import type { Statement } from '../../src/core/statements/statement.ts'
import { readManifest } from '../../src/documents/manifest.ts'
import { createOcdsReader } from '../../src/documents/ocds/statements.ts'
import { unzip } from '../unzip.ts'
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

  it('keeps what was typed when the language is changed in the middle of a form', async () => {
    await page.goto(`${world.url}/en/desk/new`)
    await page.setInputFiles('#files', [{ name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from('x') }])
    await page.click('#choose button')
    await page.waitForSelector('#record')
    await page.fill('#record', '2026/7')
    await page.click('header summary')
    await page.click('header >> text=Deutsch')
    await page.waitForSelector('html[lang=de]')
    equal(await page.inputValue('#record'), '2026/7')
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
    // The second group hangs, and the tab is closed. A request that still hangs then would be sent.
    let groups = 0
    const held = new Promise<Route>(resolve => {
      void page.route('**/desk/lines', route => (++groups === 1 ? route.continue() : resolve(route)))
    })
    await page.click('#go')
    await status(page, /Sending 200/)
    await (await held).abort()
    await page.close({ runBeforeUnload: false })
    equal(await records(), before + 200)

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
    equal((await unzip(new Uint8Array(Buffer.concat(chunks))))?.length, FILES)
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
      ['changed.json', 'ΩΡΦ4465ΧΘΞ-ΛΝ4Version: v-2The file says that it changes an earlier version.', 'Road works', 'Decision', WARNED],
      ['deep/scan.txt', 'deep/scan.txt', '–', 'Decision', 'Can be published'],
    ])
    // A kind that is chosen after the files still counts, for those that state none.
    await page.selectOption('#folder-kind', 'procurement')
    await page.waitForFunction(() => /scan.txt.*Procurement/.test(document.querySelector('#rows')?.textContent ?? ''))
    await page.waitForSelector('#go:not([hidden])')
    const before = await records()
    await page.focus('#go')
    await page.keyboard.press('Enter')
    await status(page, /On the ledger: 1. Left out: 1/)
    // The button is gone, and who works by keyboard goes on from the outcome.
    await page.waitForFunction(() => document.activeElement?.id === 'status')
    equal(await records(), before + 1)
    deepEqual(
      (await rows()).map(([path, , , kind]) => [path, kind]),
      [
        ['changed.json', 'Decision'],
        ['deep/scan.txt', 'Procurement'],
      ],
    )
  })

  it('takes a package apart, shows each record before it is public, and makes the statements that submit makes', async () => {
    const release = (id: string, title: string) => ({
      ocid: 'ocds-213czf-1',
      id,
      date: '2026-01-02T00:00:00Z',
      tag: ['tender'],
      tender: { title },
    })
    const text = JSON.stringify({
      uri: 'x',
      publishedDate: '2026-01-03T00:00:00Z',
      releases: [release('1', 'One'), release('2', 'Two'), { id: 'no ocid' }, release('2', 'Other')],
    })
    const expected: Statement[] = []
    const reader = createOcdsReader(AGENCY, 'package.json', 'package.json', statement => void expected.push(statement))
    await reader.push(Buffer.from(text))
    await reader.end()

    await page.goto(`${world.url}/en/desk/new`)
    await page.setInputFiles('#files', [{ name: 'package.json', mimeType: '', buffer: Buffer.from(text) }])
    await page.click('#choose button')
    await page.waitForSelector('text=Publish 3 records')
    match((await page.textContent('#chosen'))!, /Each becomes a record of its own/)
    const rows = await page.locator('#rows tbody tr').allInnerTexts()
    deepEqual(
      rows.map(row => row.split('\t').slice(1).join(' ').replace(/\s+/g, ' ')),
      [
        'ocds-213czf-1 Version: 2 Other Procurement Left out: This version is on the ledger already with different content under the same name. If you go on, both are marked as “changed without a new version”, forever. Give the new version a name of its own instead, or amend the old one.',
        '– – – Refused: the release has no ocid (OCDS_RELEASE)',
        'ocds-213czf-1 Version: 1 One Procurement Can be published',
        'ocds-213czf-1 Version: 2 Two Procurement Can be published',
        `urn:sha256:${createHash('sha256').update(text).digest('hex')} – Procurement Can be published`,
      ],
    )
    equal((await world.ledger.listByRecord(AGENCY, 'ocds-213czf-1', 1e9, 10)).length, 0)
    await page.click('#go')
    await status(page, /On the ledger: 3\. Left out: 2\./)
    const sealed = await world.ledger.listByAgency(AGENCY, 1e9, 3)
    const statements = await Promise.all(sealed.toReversed().map(async index => JSON.parse((await world.ledger.statement(index))!)))
    deepEqual(
      statements.map(({ salt: _, ...statement }) => statement),
      [expected[0], expected[1], expected[3]].map(statement => JSON.parse(JSON.stringify(statement))),
    )
  })

  it('leaves out a contradiction inside a package that several requests carry, and a change of what is left out', async () => {
    const release = (id: string, title: string) => ({ ocid: 'ocds-many-1', id, date: '2026-01-02T00:00:00Z', tender: { title } })
    const releases = [...Array.from({ length: 210 }, (_, n) => release(String(n), 'T')), release('0', 'Other')]
    await page.goto(`${world.url}/en/desk/new`)
    await page.setInputFiles('#files', [
      { name: 'many.json', mimeType: '', buffer: Buffer.from(JSON.stringify({ publishedDate: 'x', releases })) },
    ])
    await page.click('#choose button')
    await page.waitForSelector('text=Publish 211 records')
    match((await page.locator('#rows tbody tr').first().textContent())!, /Other[\s\S]*Left out: This version is on the ledger already/)

    const decision = (more: object) => JSON.stringify({ ada: 'ΔΔΔ', ...more })
    await world.ledger.submit({
      ...{ type: 'openseal/statement@v1', agency: AGENCY, kind: 'decision', action: 'publish', record: 'ΔΔΔ', revision: 'v-1' },
      documents: [{ name: 'a.json', mediaType: 'application/json', bytes: 1, sha256: 'ab'.repeat(32) }],
    })
    await world.finder.tick()
    await page.goto(`${world.url}/en/desk/folder`)
    await chooseFiles(page, {
      'a.json': decision({ versionId: 'v-1' }),
      'b.json': decision({ versionId: 'v-2', correctedVersionId: 'v-1' }),
    })
    await status(page, /Left out: 2\./)
    const rows = await page.locator('#rows tbody tr').allInnerTexts()
    match(rows[0]!, /Left out: This version/)
    match(rows[1]!, /of which another file was left out \(EARLIER_LEFT_OUT\)/)
  })

  it('warns of no change whose record an earlier request of the same folder publishes', async () => {
    const decision = (more: object) => JSON.stringify({ ada: 'ΕΕΕ', ...more })
    await page.goto(`${world.url}/en/desk/folder`)
    await chooseFiles(page, {
      'a.json': decision({ versionId: 'v-1' }),
      'b.json': decision({ versionId: 'v-2', correctedVersionId: 'v-1' }),
      ...Object.fromEntries(Array.from({ length: 201 }, (_, n) => [`far-${n}.txt`, `far ${n}`])),
    })
    await page.waitForSelector('text=Publish 203 records')
  })

  it('sends nothing under the session of another agency that was begun in another tab', async () => {
    await page.goto(`${world.url}/en/desk/folder`)
    await chooseFiles(page, { 'mine.txt': 'of the first agency' })
    await page.waitForSelector('text=Publish 1 record')
    await context.clearCookies()
    await world.agencies.add({ id: 'tab.gov.example', name: 'Tab' })
    const tab = await context.newPage()
    await tab.goto(`${world.url}/en/desk`)
    await tab.fill('#key', (await world.agencies.addKey('tab.gov.example', {})).key)
    await tab.click('main button[type=submit]')
    await tab.waitForSelector('.desk-bar')
    const { size } = world.ledger.head()
    const asked = page.waitForResponse('**/desk/token')
    await page.click('#go')
    await asked
    await status(page, /Your session has ended/)
    equal(world.ledger.head().size, size)
  })

  it('takes a package as one file beside others, and says so', async () => {
    await page.goto(`${world.url}/en/desk/new`)
    await page.setInputFiles('#files', [
      { name: 'package.json', mimeType: '', buffer: Buffer.from('{"releases":[{"ocid":"a","id":"1"}]}') },
      { name: 'letter.txt', mimeType: '', buffer: Buffer.from('x') },
    ])
    await page.click('#choose button')
    await page.waitForSelector('#record')
    match((await page.textContent('.remarks'))!, /package\.json: This file holds many records\. Here it is published as one file/)
  })

  it('names records by their paths in the folder, puts changes last, and passes over receipts', async () => {
    const decision = (versionId: string, correctedVersionId?: string) =>
      JSON.stringify({ ada: 'ΒΒΒ', versionId, ...(correctedVersionId && { correctedVersionId }) })
    const made = join(folder, 'mixed')
    await mkdir(join(made, 'deep'), { recursive: true })
    for (const [name, text] of Object.entries({
      'a.json': decision('v-2', 'v-1'),
      'b.json': decision('v-1'),
      'deep/c.txt': 'plain',
      'deep/c.txt.receipt.json': '{}',
      '.hidden': 'x',
    }))
      await writeFile(join(made, name), text)
    await page.goto(`${world.url}/en/desk/folder`)
    await page.setInputFiles('#folder-files', made)
    await page.waitForSelector('text=Publish 3 records')
    await page.click('#go')
    await status(page, /On the ledger: 3\. Left out: 0\. Not sent: 0\. Together: 3\./)
    const sealed = await world.ledger.listByAgency(AGENCY, 1e9, 3)
    const statements = await Promise.all(sealed.map(async index => JSON.parse((await world.ledger.statement(index))!)))
    deepEqual(
      statements.map(({ record, revision, action }) => [record, revision, action]),
      [
        ['ΒΒΒ', 'v-2', 'amend'],
        ['deep/c.txt', undefined, 'publish'],
        ['ΒΒΒ', 'v-1', 'publish'],
      ],
    )
  })

  it('submits the files of a table with what the table says, and names what is in only one of the two', async () => {
    await page.goto(`${world.url}/en/desk/folder`)
    const table = (rows: string) => [{ name: 'table.csv', mimeType: 'text/csv', buffer: Buffer.from(rows) }]
    const files = { 'a.txt': 'a of the table', 'b.txt': 'b', 'c.txt': 'c', 'd.txt': 'd', 'e.txt': 'e' }
    await page.setInputFiles('#folder-manifest', table('name,record\na.txt,1\n'))
    await chooseFiles(page, files)
    await status(page, /This table could not be read: the first column of the manifest is not named "file"/)
    const rows = [
      'file,agency,record,revision,title,kind,identifiers,sha256',
      'a.txt,,T/1,2,A title,procurement,local=7,',
      'b.txt,other.gov.example,T/2,,,,,',
      `c.txt,,T/3,,,,,${'0'.repeat(64)}`,
      'gone.txt,,T/4,,,,,',
      'd.txt,,T/5',
    ]
    await page.setInputFiles('#folder-manifest', table(rows.join('\n')))
    await chooseFiles(page, files)
    await page.waitForSelector('text=Publish 1 record')
    const shown = (await page.locator('#rows tbody tr').allInnerTexts()).map(row => row.replace(/\s+/g, ' '))
    deepEqual(shown, [
      'gone.txt – – – The table names this file, but it is not in the folder.',
      'd.txt – – – Refused: row 6 has 3 cells instead of 8 (MANIFEST_ROW)',
      'e.txt – – – Not in the table: left out',
      `b.txt – – – Refused: you are signed in for ${AGENCY} (KEY_OTHER_AGENCY)`,
      'c.txt – – – Refused: the file has another SHA-256 than the manifest says (FILE_OTHER)',
      'a.txt T/1 Version: 2 A title Procurement Can be published',
    ])
    await page.click('#go')
    await status(page, /On the ledger: 1\./)
    const {
      salt: _,
      documents,
      ...statement
    } = JSON.parse((await world.ledger.statement((await world.ledger.listByAgency(AGENCY, 1e9, 1))[0]!))!)
    deepEqual(statement, {
      type: 'openseal/statement@v1',
      agency: AGENCY,
      kind: 'procurement',
      action: 'publish',
      record: 'T/1',
      revision: '2',
      title: 'A title',
      identifiers: [{ scheme: 'local', value: '7' }],
    })
    equal(documents[0].name, 'a.txt')
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
