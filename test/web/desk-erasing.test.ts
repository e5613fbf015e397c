/** Erasing at the desk and at the operator's page, and the page for people who want a removal. */
import { deepEqual, doesNotMatch, equal, match } from 'node:assert/strict'
import { unzip } from '../unzip.ts'
import { createDeskClient, type DeskClient, fieldsOf } from './desk-client.ts'
import { AGENCY, OPERATOR_KEY, openWorld, type World } from './world.ts'

const DAY_MS = 86_400_000
const OTHER = 'other.gov.example'

describe('web/desk: erasing', function () {
  this.timeout(60_000)
  let world: World
  let key: string
  let client: DeskClient

  beforeEach(async () => {
    world = await openWorld({ erasureDelayMs: DAY_MS })
    key = (await world.agencies.addKey(AGENCY, { role: 'admin' })).key
    client = await signIn(key)
    await world.submit('r-1', 'first')
  })
  afterEach(() => world.close())

  const signIn = async (with_: string, path = '/desk') => {
    const browser = createDeskClient(world.url)
    await browser.signIn(with_, path)
    return browser
  }
  const erase = async (index: number, fields: { readonly [name: string]: string } = {}) =>
    client.submit(await client.get(`/desk/erase/${index}`), `/desk/erase/${index}`, { key, reason: 'personal-data', ...fields })
  const shownStatus = async (index: number) => (await client.get(`/records/${index}`)).status

  it('hides a statement, says until when that can be taken back, and takes it back', async () => {
    const page = await client.get('/desk/erase/1')
    match(page.text, /After 24 hours it is destroyed/)
    match(page.text, /What stays/)
    const asked = await erase(1)
    deepEqual([asked.status, asked.headers.location], [303, '/desk/erase/1'])
    equal(await shownStatus(1), 410)
    match(
      (await client.get('/desk')).text,
      /It will be destroyed after <time[^>]*>21 November 2026[\s\S]*href="\/desk\/erase\/1">Take back/,
    )
    const waiting = await client.get('/desk/erase/1')
    match(waiting.text, /Until then the request can be taken back/)
    equal((await client.submit(waiting, '/desk/erase/1/undo')).status, 303)
    equal(await shownStatus(1), 200)
  })

  it('asks for the key again, for a reason, and for a form of this session', async () => {
    const other = (await world.agencies.addKey(AGENCY, { role: 'admin' })).key
    for (const wrong of ['', 'osk_wrong', other]) equal((await erase(1, { key: wrong })).status, 403, wrong)
    for (const reason of ['', 'because']) match((await erase(1, { reason })).text, /Fill in: Reason/)
    equal((await erase(1, { token: 'x' })).status, 403)
    const again = await erase(1, { key: 'osk_wrong', reason: 'court-order' })
    equal(fieldsOf(again, '/desk/erase/1').reason, 'court-order')
    doesNotMatch(again.text, /osk_wrong/)
    equal(await shownStatus(1), 200)
    await erase(1)
    equal((await client.submit(await client.get('/desk/erase/1'), '/desk/erase/1/undo', { token: 'x' })).status, 303)
    equal(await shownStatus(1), 410)
  })

  it('lets only admin keys of the same agency erase and take back', async () => {
    const submit = await signIn((await world.agencies.addKey(AGENCY, {})).key)
    doesNotMatch((await submit.get('/desk')).text, /desk\/erase/)
    equal((await submit.get('/desk/erase/1')).status, 403)
    const page = await client.get('/desk/erase/1')
    equal((await submit.post('/desk/erase/1', { ...fieldsOf(await submit.get('/desk'), '/desk/sign-out'), reason: 'other' })).status, 403)
    await world.agencies.add({ id: OTHER, name: 'Other' })
    const otherKey = (await world.agencies.addKey(OTHER, { role: 'admin' })).key
    const stranger = await signIn(otherKey)
    const { token = '' } = fieldsOf(await stranger.get('/desk'), '/desk/sign-out')
    equal((await stranger.post('/desk/erase/1', { token, key: otherKey, reason: 'other' })).status, 404)
    equal(await shownStatus(1), 200)
    await client.submit(page, '/desk/erase/1', { key, reason: 'other' })
    equal((await stranger.get('/desk/erase/1')).status, 404)
    equal((await stranger.post('/desk/erase/1/undo', { token })).status, 403)
    const own = fieldsOf(await submit.get('/desk'), '/desk/sign-out')
    equal((await submit.post('/desk/erase/1/undo', own)).status, 403)
    equal(await shownStatus(1), 410)
  })

  it('says so when an agency may ask for no more that day', async () => {
    for (let at = 0; at < 20; at++) {
      await world.ledger.requestErasure(1, 'other', { by: 'agency', agency: AGENCY })
      await world.ledger.takeBackErasure(1, { by: 'agency', agency: AGENCY })
    }
    const refused = await erase(1)
    equal(refused.status, 429)
    match(refused.text, /no more erasures today/)
  })

  it('offers to state a withdrawal or an amendment again, without what was written freely', async () => {
    doesNotMatch((await client.get('/desk/erase/1')).text, /restate/)
    const reason = { code: 'court-order', text: 'About Maria M.' } as const
    await world.submit('r-1', 'x', { action: 'withdraw', target: '1', title: 'Maria M.', reason })
    const page = await client.get('/desk/erase/2')
    match(page.text, /href="\/desk\/restate\/2"/)
    const form = await client.get('/desk/restate/2')
    doesNotMatch(form.text, /Maria/)
    const preview = await client.submit(form, '/desk/preview')
    equal((await client.submit(preview, '/desk/submit')).headers.location, '/desk/done/3')
    const { action, target, reason: restated } = JSON.parse((await world.ledger.statement(3))!)
    deepEqual({ action, target, restated }, { action: 'withdraw', target: '1', restated: { code: 'court-order' } })
    await world.submit('r-1', 'second', { action: 'amend', revision: '2', target: '1', reason })
    const amendment = fieldsOf(await client.get('/desk/restate/4'), '/desk/new')
    deepEqual([amendment.action, amendment.target, amendment.revision, amendment.reasonText], ['amend', '1', '2', undefined])
  })

  it('leaves a statement that waits to be erased out of the archive of receipts', async () => {
    await world.submit('r-2', 'second')
    await erase(1)
    const cookie = [...client.jar].map(pair => pair.join('=')).join('; ')
    const answer = await fetch(`${world.url}/desk/receipts.zip?of=1,2`, { headers: { cookie } })
    const files = await unzip(new Uint8Array(await answer.arrayBuffer()))
    equal(files?.length, 1)
  })

  it('shows the operator what waits, and lets only the operator take back their own request', async () => {
    const operator = await signIn(OPERATOR_KEY, '/operator')
    doesNotMatch((await operator.get('/operator')).text, /to erase/)
    await erase(1)
    await world.submit('r-2', 'second')
    await world.ledger.requestErasure(2, 'court-order', { by: 'operator' })
    const page = await operator.get('/operator')
    match(page.text, /2 requests to erase wait/)
    match(page.text, new RegExp(`Entry 1[\\s\\S]*${AGENCY}[\\s\\S]*21 November 2026[\\s\\S]*Entry 2[\\s\\S]*court order`))
    equal((await operator.submit(page, '/operator/erasures/1/undo', { token: 'x' })).status, 303)
    equal(await shownStatus(1), 410)
    equal((await operator.submit(page, '/operator/erasures/1/undo')).status, 303)
    equal(await shownStatus(1), 200)
    doesNotMatch((await client.get('/desk')).text, /href="\/desk\/erase\/2"/)
    const waiting = await client.get('/desk/erase/2')
    match(waiting.text, /Only the operator can take it back/)
    equal((await client.post('/desk/erase/2/undo', fieldsOf(waiting, '/desk/sign-out'))).status, 403)
    equal(await shownStatus(2), 410)
    await operator.submit(page, '/operator/erasures/2/undo')
    equal(await shownStatus(2), 200)
  })

  it('tells people on a public page what can be removed, what stays, and whom to ask', async () => {
    const page = await client.get('/removal')
    match(page.text, /<a href="[^"]*\/records">Find the record/)
    for (const said of [/After 24 hours it is destroyed/, /What stays/, /ledger@archive\.example/, /href="\/changes\?kind=erased"/])
      match(page.text, said)
    match((await client.get('/')).text, /<footer[\s\S]*href="\/removal"/)
  })

  it('says on the form that an erased statement cannot be submitted again, and keeps what was typed', async () => {
    const document = { name: 'a.txt', mediaType: 'text/plain', bytes: 1, sha256: 'ab'.repeat(32) }
    const form = await client.submit(await client.get('/desk/new'), '/desk/form', {
      action: 'publish',
      documents: JSON.stringify([document]),
    })
    const preview = await client.submit(form, '/desk/preview', { record: 'erased', kind: 'decision', title: 'Typed' })
    equal((await client.submit(preview, '/desk/submit')).headers.location, '/desk/done/2')
    await erase(2)
    world.state.nowMs += DAY_MS + 1
    await world.ledger.tendErasures()
    const clerk = await signIn(key)
    const { token = '' } = fieldsOf(await clerk.get('/desk'), '/desk/sign-out')
    for (const path of ['/desk/preview', '/desk/submit']) {
      const refused = await clerk.post(path, { ...fieldsOf(preview, '/desk/submit'), token })
      equal(refused.status, 409, path)
      match(refused.text, /This statement was erased from the ledger/)
      equal(fieldsOf(refused, '/desk/preview').title, 'Typed')
    }
  })

  it('names the periods that the operator has set, and none that was not set', async () => {
    match((await client.get('/removal')).text, /It is deleted after this time: 365 days\./)
    match((await client.get('/desk/erase/1')).text, /cannot be submitted again during this time: 365 days\./)
    for (const [suppressionMs, shown] of [
      [63_115_200_000, '2 years'],
      [0, undefined],
    ] as const) {
      const other = await openWorld({ suppressionMs })
      await other.submit('r-1', 'first')
      const admin = createDeskClient(other.url)
      await admin.signIn((await other.agencies.addKey(AGENCY, { role: 'admin' })).key)
      const [removal, form] = [await admin.get('/removal'), await admin.get('/desk/erase/1')]
      await other.close()
      match(removal.text, /It is destroyed as soon as/)
      match(form.text, /The statement is destroyed at once/)
      if (shown === undefined) for (const { text } of [removal, form]) doesNotMatch(text, /keyed fingerprint|submitted again/)
      else for (const { text } of [removal, form]) match(text, new RegExp(`this time: ${shown}`))
    }
  })

  it('says of a statement that waits to be erased that it is hidden, not that it was erased', async () => {
    await erase(1)
    const { text } = await client.get('/records/1')
    match(text, /It will be erased after/)
    doesNotMatch(text, /was erased\./)
    for (const path of ['/records', '/desk']) {
      const list = (await client.get(path)).text
      match(list, /href="\/records\/1">Being erased</, path)
      doesNotMatch(list, /Erased entry/, path)
    }
  })
})
