/** The desk without JavaScript: every step of a clerk, from signing in to the receipts. */
import { deepEqual, doesNotMatch, equal, match, ok } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Statement } from '../../src/core/statements/statement.ts'
import { createOcdsReader } from '../../src/documents/ocds/statements.ts'
import { unzip } from '../unzip.ts'
import { createDeskClient, type DeskAnswer, type DeskClient, fieldsOf, unescapeText } from './desk-client.ts'
import { AGENCY, openWorld, type World } from './world.ts'

const BOUNDARY = 'boundary-of-the-tests'

describe('web/desk', function () {
  this.timeout(60_000)
  let world: World
  let client: DeskClient
  let keyId: string

  before(async () => {
    world = await openWorld()
  })
  after(() => world.close())
  beforeEach(async () => {
    const made = await world.agencies.addKey(AGENCY, {})
    keyId = made.keyId
    client = createDeskClient(world.url)
    await client.signIn(made.key)
  })

  const upload = (fields: { readonly [name: string]: string }, files: { readonly [name: string]: string }) => {
    const part = (head: string, body: string) => `--${BOUNDARY}\r\nContent-Disposition: form-data; ${head}\r\n\r\n${body}\r\n`
    const parts = [
      ...Object.entries(fields).map(([name, value]) => part(`name="${name}"`, value)),
      ...Object.entries(files).map(([name, text]) => part(`name="files"; filename="${name}"`, text)),
    ]
    return client.send(
      'POST',
      '/desk/new',
      { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
      `${parts.join('')}--${BOUNDARY}--\r\n`,
    )
  }
  const choose = async (files: { readonly [name: string]: string }, path = '/desk/new') =>
    upload(fieldsOf(await client.get(path), '/desk/new'), files)
  const publish = async (record: string, text: string, more: { readonly [name: string]: string } = {}) => {
    const form = await choose({ 'a.txt': text })
    const preview = await client.submit(form, '/desk/preview', { record, kind: 'decision', ...more })
    return client.submit(preview, '/desk/submit')
  }
  const remarksOf = ({ text }: DeskAnswer) =>
    [...(/<ul class="remarks">([\s\S]*?)<\/ul>/.exec(text)?.[1] ?? '').matchAll(/<li>(.*?)<\/li>/g)].map(([, item = '']) =>
      unescapeText(item.replace(/<[^>]+>/g, '')),
    )
  const indexOf = ({ headers }: DeskAnswer) => Number(/\/desk\/done\/(\d+)$/.exec(String(headers.location))?.[1])

  it('takes files to the ledger in five steps, and shows before what becomes public', async () => {
    const form = await choose({ 'permit.txt': 'The permit is granted.', 'map.txt': 'A map.' })
    equal(form.status, 200)
    match(form.text, /The files reached our server/)
    match(form.text, new RegExp(createHash('sha256').update('A map.').digest('hex')))
    equal(world.ledger.head().size, 1)

    const preview = await client.submit(form, '/desk/preview', { record: '2026/1', revision: '1', kind: 'decision', title: 'Permit & <b>' })
    match(preview.text, /Nothing is public yet/)
    match(preview.text, /The ledger has no objection/)
    match(preview.text, /<dt>What you do<\/dt><dd>Publish<\/dd>/)
    match(preview.text, /Permit &amp; &lt;b&gt;/)
    equal(world.ledger.head().size, 1)

    const sent = await client.submit(preview, '/desk/submit')
    equal(sent.status, 303)
    const done = await client.get(String(sent.headers.location))
    match(done.text, /permit\.txt\.receipt\.json/)
    match(done.text, /Then save the receipt again/)
    await world.anchor()
    match((await client.get(String(sent.headers.location))).text, /The receipt that you save now is complete/)
    const { statement } = JSON.parse(await world.ledger.receipt(indexOf(sent)))
    deepEqual([statement.record, statement.title, statement.documents.length], ['2026/1', 'Permit & <b>', 2])
  })

  it('fills the form with what a file states, says where, and lets the clerk overrule it', async () => {
    const decision = {
      ada: 'ΩΡΦ4465ΧΘΞ-ΛΝ3',
      versionId: 'v-2',
      correctedVersionId: 'v-1',
      subject: 'Road works',
      submissionTimestamp: Date.UTC(2026, 0, 2),
    }
    const form = await choose({ 'decision.json': JSON.stringify(decision) })
    const { record, revision, target, reason, title, kind, published, action } = fieldsOf(form, '/desk/preview')
    deepEqual(
      { record, revision, target, reason, title, kind, published, action },
      {
        record: 'ΩΡΦ4465ΧΘΞ-ΛΝ3',
        revision: 'v-2',
        target: 'v-1',
        reason: 'correction',
        title: 'Road works',
        kind: 'decision',
        published: '2026-01-02T00:00:00',
        action: 'amend',
      },
    )
    match(form.text, /From the file: \u2068decision\.json \/ada\u2069/)
    const overruled = await client.post('/desk/form', { ...fieldsOf(form, '/desk/preview'), title: 'Typed', as: 'publish' })
    const after = fieldsOf(overruled, '/desk/preview')
    deepEqual([after.action, after.record, after.title, after.target], ['publish', 'ΩΡΦ4465ΧΘΞ-ΛΝ3', 'Typed', 'v-1'])
    const statement = (await client.submit(overruled, '/desk/preview')).text
    match(statement, /Nothing is public yet/)
    match((await choose({ 'broken.json': '{"ada":' })).text, /This file could not be read/)
    match((await choose({ 'page.html': '<!doctype html><p>unclosed' })).text, /What these files are/)
  })

  it('says what could not be read in the files, and why, until they are published', async () => {
    const decision = { ada: 'ΩΡΦ4465ΧΘΞ-ΛΝ3', submissionTimestamp: '<b>soon</b>', status: 'PENDING', privateData: true }
    const form = await choose({
      'decision.json': JSON.stringify(decision),
      'page.xml': '<!DOCTYPE a><a/>',
      'twice.json': '{"a":1,"a":1}',
      'other.json': JSON.stringify({ ada: 'ΨΨΨ', versionId: 'v-9', subject: 'Another' }),
    })
    equal(fieldsOf(form, '/desk/preview').title, '')
    const preview = await client.submit(form, '/desk/preview')
    match(preview.text, /Nothing is public yet/)
    for (const page of [form, preview, await client.post('/desk/form', fieldsOf(preview, '/desk/submit'))])
      deepEqual(remarksOf(page), [
        'decision.json: No date of publication was taken from the file: “⁨<b>soon</b>⁩” has no exact time with a time zone.',
        'decision.json: The file gives the status “⁨PENDING⁩”. It will be stated as a publication unless you choose otherwise.',
        'decision.json: The publisher says that this file holds private data. Check whether it may be published.',
        'page.xml: Nothing was read from this file. the XML has a document type declaration, which is not read (XML_DOCTYPE)',
        'twice.json: Nothing was read from this file. the member "a" appears twice in one object (line 1, character 8) (JSON_DUPLICATE_KEY)',
        'other.json: This file states another record or version, “⁨ΨΨΨ v-9⁩”. Nothing in the form is taken from this file.',
      ])
    const alone = await choose({ 'only.xml': '<!DOCTYPE a><a/>' })
    match(remarksOf(alone)[0] ?? '', /^Nothing was read from this file/)
    const preparing = await client.submit(alone, '/desk/preview', {
      remarks: JSON.stringify([null, 7, { name: 'a', code: 'NOT_OURS' }, { name: 'a', code: 'unread' }]),
    })
    deepEqual([preparing.status, remarksOf(preparing).length], [400, 1])
  })

  it('says on the form and in the preview what was read where, and no longer where it was changed', async () => {
    const form = await choose({
      'decision.json': JSON.stringify({ ada: 'Ω', subject: 'Road works', submissionTimestamp: Date.UTC(2026, 0, 2) }),
    })
    const preview = await client.submit(form, '/desk/preview', { title: 'Typed' })
    const places = ({ text }: DeskAnswer) =>
      [...text.matchAll(/From the file: \u2068decision\.json ([^\u2069]*)\u2069/g)].map(([, at]) => at)
    deepEqual(places(form), ['/ada', '/subject', '/submissionTimestamp', '/ada'])
    deepEqual(places(preview), ['/ada', '/submissionTimestamp', '/ada'])
    deepEqual(places(await client.post('/desk/form', fieldsOf(preview, '/desk/submit'))), ['/ada', '/submissionTimestamp', '/ada'])
  })

  describe('a package of many records', () => {
    const release = (ocid: string, id: string, title = 'T') => ({
      ocid,
      id,
      date: '2026-01-02T00:00:00Z',
      tag: ['tender'],
      tender: { title },
    })
    const packageOf = (releases: readonly object[]) => JSON.stringify({ uri: 'x', publishedDate: '2026-01-03T00:00:00Z', releases })
    const rowsOf = ({ text }: DeskAnswer) =>
      [...text.matchAll(/<tr><td([\s\S]*?)<\/tr>/g)].map(([, row = '']) =>
        [...row.matchAll(/data-label="[^"]*">([\s\S]*?)<\/td>/g)].map(([, cell = '']) => unescapeText(cell.replace(/<[^>]+>/g, ''))),
      )

    it('is taken apart, each record is shown, and one button publishes those that can be', async () => {
      await publish('known', 'x')
      const text = packageOf([release('ocds-1', '1', 'One <b>'), release('ocds-1', '2'), { id: 'none' }, release('ocds-1', '2', 'Other')])
      const expected: Statement[] = []
      const reader = createOcdsReader(AGENCY, 'package.json', '', statement => void expected.push(statement))
      await reader.push(Buffer.from(text))
      await reader.end()
      const { size } = world.ledger.head()
      const preview = await choose({ 'package.json': text })
      equal(preview.status, 200)
      match(preview.text, /Nothing is public yet[\s\S]*The files reached our server/)
      deepEqual(
        rowsOf(preview).map(([path, record, title, , state = '']) => [path, record, title, state.slice(0, 16)]),
        [
          ['package.json', 'ocds-1Version: 2', 'Other', 'Left out: This v'],
          ['package.json #3', '–', '–', 'Refused: the rel'],
          ['package.json', 'ocds-1Version: 1', 'One <b>', 'Can be published'],
          ['package.json', 'ocds-1Version: 2', 'T', 'Can be published'],
          ['package.json', expected.at(-1)!.record, '–', 'Can be published'],
        ],
      )
      equal(world.ledger.head().size, size)
      const sent = await client.submit(preview, '/desk/package')
      deepEqual([sent.status, sent.headers.location], [303, `/desk/published?of=${size}-${size + 2}`])
      const statements = await Promise.all([0, 1, 2].map(async at => JSON.parse((await world.ledger.statement(size + at))!)))
      deepEqual(
        statements.map(({ salt: _, ...statement }) => statement),
        JSON.parse(JSON.stringify([expected[0], expected[1], expected[3]])),
      )
      const done = await client.get(String(sent.headers.location))
      match(done.text, new RegExp(`receipts\\.zip\\?of=${size}-${size + 2}`))
      const again = await choose({ 'package.json': text })
      equal(rowsOf(again).filter(([, , , , state]) => /On the ledger already/.test(state ?? '')).length, 3)
      doesNotMatch(again.text, /action="\/desk\/package"/)
    })

    it('comes back as it was after the session has ended, and publishes nothing for another agency', async () => {
      const preview = await choose({ 'package.json': packageOf([release('ocds-2', '1')]) })
      const { size } = world.ledger.head()
      const { records = '' } = fieldsOf(preview, '/desk/package')
      const stale = await client.post('/desk/package', { token: 'x', records })
      match(stale.text, /Nothing has been sent yet/)
      await world.agencies.revokeKey(AGENCY, keyId)
      const ended = await client.submit(preview, '/desk/package')
      match(ended.text, /Nothing that you typed is lost/)
      await world.agencies.add({ id: 'packages.gov.example', name: 'Packages' })
      const { key } = await world.agencies.addKey('packages.gov.example', {})
      const back = await client.submit(ended, '/desk/sign-in', { key })
      deepEqual([rowsOf(back).length, world.ledger.head().size], [2, size])
      const sent = await client.submit(back, '/desk/package')
      equal(sent.status, 303)
      equal(JSON.parse((await world.ledger.statement(size))!).agency, 'packages.gov.example')
    })

    it('keeps the records while the ledger accepts nothing, and takes nothing of a form that was changed', async () => {
      const preview = await choose({ 'package.json': packageOf([release('ocds-3', '1')]) })
      const { size } = world.ledger.head()
      world.state.notAccepting = 'not compared'
      const refused = await client.submit(preview, '/desk/package').finally(() => {
        world.state.notAccepting = undefined
      })
      equal(refused.status, 503)
      match(refused.text, /action="\/desk\/package"/)
      for (const records of ['', 'null', '[null,7,{}]', '{"a":1}', '[{"record":"x","kind":"decision","action":"publish","documents":[]}]'])
        equal((await client.submit(preview, '/desk/package', { records })).status, 400, records)
      equal(world.ledger.head().size, size)
      const own = JSON.parse(fieldsOf(preview, '/desk/package').records ?? '')
      const others = JSON.stringify([{ ...own[0], agency: 'other.gov.example', type: 'openseal/genesis@v1' }])
      equal((await client.submit(preview, '/desk/package', { records: others })).status, 303)
      equal(JSON.parse((await world.ledger.statement(size))!).agency, AGENCY)
      equal((await client.get('/desk/published')).status, 400)
      equal((await client.get('/desk/published?of=1-99999')).status, 400)
    })

    it('is refused whole if it is broken, and names another way if it holds too many', async () => {
      const broken = await choose({ 'package.json': `${packageOf([release('ocds-4', '1')]).slice(0, -1)},"uri":"y"}` })
      doesNotMatch(broken.text, /action="\/desk\/package"/)
      const many = await choose({ 'package.json': packageOf(Array.from({ length: 260 }, (_, n) => release(`ocds-5-${n}`, '1'))) })
      equal(many.status, 400)
      match(many.text, /more records than a form can carry/)
      match((await choose({ 'p.json': packageOf([release('ocds-6', '1')]), 'a.txt': 'x' })).text, /Here it is published as one file/)
    })
  })

  it('shows a step in another language without losing what was typed, and sends a reader without a form to the start', async () => {
    const form = await choose({ 'a.txt': 'x' })
    match(form.text, /<button type="submit" class="link" form="step" formaction="\/de\/desk\/form" formnovalidate lang="de"/)
    const german = await client.post('/de/desk/form', { ...fieldsOf(form, '/desk/preview'), title: 'Getippt' })
    match(german.text, /<html lang="de"/)
    equal(fieldsOf(german, '/de/desk/preview').title, 'Getippt')
    const preview = await client.submit(german, '/de/desk/preview', { record: 'r', kind: 'decision' })
    match(preview.text, /form="step" formaction="\/ar\/desk\/preview"/)
    for (const path of ['form', 'preview', 'submit', 'package', 'sign-in']) {
      const { status, headers } = await client.get(`/el/desk/${path}`)
      deepEqual([status, headers.location], [303, '/el/desk'], path)
    }
  })

  it('says so if the server cannot read an upload at the moment', async () => {
    const page = await client.get('/desk/new')
    const answers = await Promise.all(Array.from({ length: 12 }, () => upload(fieldsOf(page, '/desk/new'), { 'a.txt': 'x' })))
    const refused = answers.filter(({ status }) => status !== 200)
    ok(refused.length > 0)
    for (const { text } of refused) match(text, /Our server could not read the files this time[\s\S]*action="\/desk\/new"/)
    ok(answers.some(({ status }) => status === 200))
  })

  it('says which fields are missing, beside each and at the top, and loses nothing typed', async () => {
    const form = await choose({ 'a.txt': 'x' })
    const again = await client.submit(form, '/desk/preview', { title: 'A title', record: ' ' })
    equal(again.status, 400)
    match(again.text, /<title>Error: /)
    match(again.text, /<a href="#record">Fill in: Number of the record</)
    match(again.text, /<a href="#kind">/)
    deepEqual(
      [fieldsOf(again, '/desk/preview').title, fieldsOf(again, '/desk/preview').documents],
      ['A title', fieldsOf(form, '/desk/preview').documents],
    )
    const refused = await client.submit(again, '/desk/preview', { record: 'r', kind: 'decision', language: 'not a tag' })
    match(refused.text, /<a href="#language">This cannot be used as it is/)
  })

  it('stops at a warning until its box is ticked', async () => {
    await publish('2026/2', 'first', { revision: '1' })
    await world.finder.tick()
    const preview = await client.submit(await choose({ 'a.txt': 'second' }), '/desk/preview', {
      record: '2026/2',
      revision: '1',
      kind: 'decision',
    })
    match(preview.text, /changed without a new version/)
    const size = world.ledger.head().size
    const stopped = await client.submit(preview, '/desk/submit')
    equal(stopped.status, 400)
    match(stopped.text, /href="#accept-SILENT_EDIT"/)
    equal(world.ledger.head().size, size)
    equal((await client.submit(stopped, '/desk/submit', { 'accept-SILENT_EDIT': 'yes' })).status, 303)
    equal(world.ledger.head().size, size + 1)
  })

  it('goes back from the preview with everything that was typed', async () => {
    const preview = await client.submit(await choose({ 'a.txt': 'x' }), '/desk/preview', {
      record: 'back',
      kind: 'procurement',
      identifiers: 'ecli=ECLI:1\nlocal=7',
    })
    const back = await client.post('/desk/form', fieldsOf(preview, '/desk/submit'))
    const fields = fieldsOf(back, '/desk/preview')
    deepEqual([fields.record, fields.kind, fields.identifiers], ['back', 'procurement', 'ecli=ECLI:1\nlocal=7'])
  })

  it('amends and withdraws an entry, aimed at its version', async () => {
    const first = indexOf(await publish('2026/3', 'first', { revision: '1', title: 'Road' }))
    const form = await choose({ 'a.txt': 'corrected' }, `/desk/amend/${first}`)
    const fields = fieldsOf(form, '/desk/preview')
    deepEqual([fields.record, fields.target, fields.title, fields.kind], ['2026/3', '1', 'Road', 'decision'])
    const preview = await client.submit(form, '/desk/preview', { revision: '2', reason: 'correction' })
    const second = indexOf(await client.submit(preview, '/desk/submit'))
    equal(JSON.parse((await world.ledger.statement(second))!).action, 'amend')

    const withdrawal = await client.get(`/desk/withdraw/${second}`)
    // No required field is below one that may be left out.
    ok(withdrawal.text.indexOf('id="reason"') < withdrawal.text.indexOf('id="title"'))
    const asked = await client.submit(withdrawal, '/desk/preview', { reason: 'court-order', reasonText: 'By order' })
    match(asked.text, /Withdraw now/)
    const third = indexOf(await client.submit(asked, '/desk/submit'))
    const { action, target, reason, documents } = JSON.parse((await world.ledger.statement(third))!)
    deepEqual(
      { action, target, reason, documents },
      { action: 'withdraw', target: '2', reason: { code: 'court-order', text: 'By order' }, documents: [] },
    )
  })

  it('lists own submissions with their state, and hands out their receipts as one archive', async () => {
    const index = indexOf(await publish('2026/4', 'listed'))
    await world.finder.tick()
    const home = await client.get('/desk')
    match(home.text, new RegExp(`/desk/withdraw/${index}"`))
    const path = /href="(\/desk\/receipts\.zip[^"]*)"/.exec(home.text)![1]!
    const bytes = await fetch(world.url + path, { headers: { cookie: [...client.jar].map(pair => pair.join('=')).join(';') } })
    equal(bytes.headers.get('content-disposition'), 'attachment; filename="receipts.zip"')
    const files = await unzip(new Uint8Array(await bytes.arrayBuffer()))
    const listed = [...home.text.matchAll(/\/v1\/records\/(\d+)\/receipt/g)].map(([, at]) => Number(at))
    equal(files?.length, listed.length)
    ok(files?.some(({ bytes }) => Buffer.from(bytes).toString().includes('"record":"2026/4"')))
  })

  it('gives each receipt in an archive a name of its own, on systems too that tell fewer names apart', async () => {
    const first = world.ledger.head().size
    // The second gets its index in front, and that is the name of the third.
    const names = ['A.txt', 'a.txt', `${first + 1}-a.txt`, 'e\u0301.txt', '\u00e9.txt', '../A.txt', '..\\A.txt']
    for (const [at, name] of names.entries())
      await world.ledger.submit({
        type: 'openseal/statement@v1',
        agency: AGENCY,
        kind: 'decision',
        action: 'publish',
        record: `archive-${at}`,
        documents: [{ name, mediaType: 'text/plain', bytes: 1, sha256: 'ab'.repeat(32) }],
      })
    const cookie = [...client.jar].map(pair => pair.join('=')).join(';')
    const answer = await fetch(`${world.url}/desk/receipts.zip?of=${first}-${first + names.length - 1}`, { headers: { cookie } })
    const files = await unzip(new Uint8Array(await answer.arrayBuffer()))
    deepEqual(new Set(files?.map(({ name }) => name.normalize('NFC').toLowerCase())).size, names.length)
    ok(files?.every(({ name }) => !/[\\/]/.test(name)))
  })

  it('sends nothing twice, however often the last step is repeated', async () => {
    const preview = await client.submit(await choose({ 'a.txt': 'once' }), '/desk/preview', { record: '2026/5', kind: 'decision' })
    const first = await client.submit(preview, '/desk/submit')
    const second = await client.submit(preview, '/desk/submit')
    equal(second.headers.location, first.headers.location)
    const again = await client.submit(await choose({ 'a.txt': 'once' }), '/desk/preview', { record: '2026/5', kind: 'decision' })
    match(again.text, /on the ledger already, as entry/)
  })

  it('keeps what was typed while the ledger accepts nothing', async () => {
    const preview = await client.submit(await choose({ 'a.txt': 'later' }), '/desk/preview', { record: '2026/6', kind: 'decision' })
    world.state.notAccepting = 'The chain was not asked yet.'
    const refused = await client.submit(preview, '/desk/submit')
    world.state.notAccepting = undefined
    equal(refused.status, 503)
    world.state.isClosing = true
    const closing = await client.submit(refused, '/desk/submit')
    world.state.isClosing = false
    equal(closing.status, 503)
    equal((await client.submit(closing, '/desk/submit')).status, 303)
  })

  it('refuses files that are too many, none, and a form that was cut off or says too much', async () => {
    const many = await choose(Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`${n}.txt`, 'x'])))
    match(many.text, /More than 20 files were chosen/)
    match((await choose({})).text, /Choose at least one file/)
    const fields = fieldsOf(await client.get('/desk/new'), '/desk/new')
    const cut = await client.send(
      'POST',
      '/desk/new',
      { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
      `--${BOUNDARY}\r\nContent-Disp`,
    )
    equal(cut.status, 400)
    ok(fields.token)
    // The next form would carry all of it.
    const long = await upload({ ...fields, title: 'x'.repeat(200_000) }, { 'a.txt': 'x' })
    equal(long.status, 400)
    match(long.text, /The ledger would refuse this form/)
    ok(long.text.length < 100_000)
  })

  it("shows nothing of another agency's entry", async () => {
    await world.agencies.add({ id: 'other.gov.example', name: 'Other' }).catch(() => {})
    const { key } = await world.agencies.addKey('other.gov.example', {})
    const index = indexOf(await publish('2026/7', 'own'))
    const other = createDeskClient(world.url)
    await other.signIn(key)
    for (const path of [`/desk/amend/${index}`, `/desk/withdraw/${index}`, `/desk/done/${index}`, '/desk/amend/0', '/desk/amend/999'])
      equal((await other.get(path)).status, 404, path)
    ok(!(await other.get('/desk')).text.includes('2026/7'))
  })

  it('takes lines from its own script, under the key of the session', async () => {
    const { text } = await client.send('GET', '/desk/token', { accept: 'application/json' })
    const { token, agency } = JSON.parse(text)
    const line = { type: 'openseal/statement@v1', agency, kind: 'decision', action: 'publish', record: 'line-1' }
    const documents = [{ name: 'a', mediaType: 'text/plain', bytes: 1, sha256: 'ab'.repeat(32) }]
    const sent = (path: string, headers: object) =>
      client.send('POST', path, { 'content-type': 'application/x-ndjson', ...headers }, `${JSON.stringify({ ...line, documents })}\n`)
    const size = world.ledger.head().size
    match((await sent('/desk/lines?dry-run', { 'x-csrf-token': token })).text, /"status":200/)
    equal(world.ledger.head().size, size)
    match((await sent('/desk/lines', { 'x-csrf-token': token })).text, /"status":201/)
    match((await sent('/desk/lines', { 'x-csrf-token': token })).text, /"status":200,"index"/)
    match((await sent('/desk/lines', { 'x-csrf-token': 'A'.repeat(43) })).text, /SESSION_ENDED/)
    await world.agencies.revokeKey(AGENCY, keyId)
    match((await sent('/desk/lines', { 'x-csrf-token': token })).text, /SESSION_ENDED/)
  })
})
