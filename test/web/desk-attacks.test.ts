/** The sessions of the desk and of the operator's page, as an attacker tries them. */
import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict'
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDeskClient, type DeskClient, fieldsOf } from './desk-client.ts'
import { AGENCY, OPERATOR_KEY, openWorld, statementOf, type World } from './world.ts'

const COOKIE = 'openseal-desk'
const DRAFT = {
  action: 'publish',
  record: '2026/1',
  title: 'Typed for an hour',
  kind: 'decision',
  documents: JSON.stringify([{ name: 'a.txt', mediaType: 'text/plain', bytes: 1, sha256: 'ab'.repeat(32) }]),
}

describe('web/desk: attacks', () => {
  let world: World
  let client: DeskClient
  let key: string
  let keyId: string
  const startMs = Date.UTC(2026, 10, 20)

  before(async () => {
    world = await openWorld()
  })
  after(() => world.close())
  beforeEach(async () => {
    world.state.nowMs = startMs
    ;({ key, keyId } = await world.agencies.addKey(AGENCY, { role: 'admin' }))
    client = createDeskClient(world.url)
    equal((await client.signIn(key)).status, 303)
  })
  const isIn = async (who = client) => /Signed in for/.test((await who.get('/desk')).text)
  const size = () => world.ledger.head().size
  const shownStatus = async (index: number) => (await client.get(`/records/${index}`)).status

  it('cannot fix a session: the one before signing in is worth nothing afterwards', async () => {
    const victim = createDeskClient(world.url)
    const known = 'A'.repeat(43)
    victim.jar.set(COOKIE, known)
    await victim.signIn(key)
    notEqual(victim.jar.get(COOKIE), known)
    ok(await isIn(victim))
    ok(!(await isIn(createDeskClient(world.url, new Map([[COOKIE, known]])))))
    // Signing in again ends the session before.
    const before = victim.jar.get(COOKIE)!
    await victim.submit(await createDeskClient(world.url, victim.jar).get('/desk'), '/desk/sign-out')
    ok(!(await isIn(createDeskClient(world.url, new Map([[COOKIE, before]])))))
  })

  it('ends the session before when somebody signs in again without signing out', async () => {
    const before = client.jar.get(COOKIE)!
    const token = fieldsOf(await client.get('/desk'), '/desk/sign-out').token ?? ''
    equal((await client.post('/desk/sign-in', { token, key })).status, 303)
    notEqual(client.jar.get(COOKIE), before)
    ok(await isIn())
    ok(!(await isIn(createDeskClient(world.url, new Map([[COOKIE, before]])))))
  })

  it('lets nobody submit faster at the desk than by the key that signed in, and loses nothing typed', async () => {
    const slow = await openWorld({ key: { perSecond: 0.001, burst: 1 } })
    try {
      const { key: own } = await slow.agencies.addKey(AGENCY, {})
      const clerk = createDeskClient(slow.url)
      await clerk.signIn(own)
      const preview = async (record: string) =>
        clerk.submit(await clerk.submit(await clerk.get('/desk/new'), '/desk/form', DRAFT), '/desk/preview', { record, kind: 'decision' })
      equal((await clerk.submit(await preview('r-1'), '/desk/submit')).status, 303)
      const refused = await clerk.submit(await preview('r-2'), '/desk/submit')
      deepEqual([refused.status, fieldsOf(refused, '/desk/submit').record], [429, 'r-2'])
      const { token = '' } = fieldsOf(refused, '/desk/submit')
      const records = JSON.stringify([{ action: 'publish', record: 'r-3', kind: 'decision', documents: JSON.parse(DRAFT.documents) }])
      const many = await clerk.post('/desk/package', { token, records })
      deepEqual([many.status, fieldsOf(many, '/desk/package').records], [429, records])
      const lines = { 'content-type': 'application/x-ndjson', 'x-csrf-token': token, accept: 'application/json' }
      match((await clerk.send('POST', '/desk/lines', lines, '{}\n')).text, /RATE_KEY/)
      equal(slow.ledger.head().size, 2)
    } finally {
      await slow.close()
    }
  })

  it('lets no cache but the browser’s own keep a step, and tells other sites no address', async () => {
    const step = await client.submit(await client.get('/desk/new'), '/desk/form', DRAFT)
    for (const { headers } of [step, await client.submit(step, '/desk/preview')])
      deepEqual([headers['cache-control'], headers['referrer-policy']], ['private, no-cache', 'same-origin'])
    for (const path of ['/desk', '/desk/new', '/desk/done/0'])
      equal((await client.get(path)).headers['referrer-policy'], 'same-origin', path)
    equal((await client.get('/')).headers['referrer-policy'], 'no-referrer')
  })

  it('gives the cookie to no script, to no other site and, over TLS, to no other host', async () => {
    const plain = await createDeskClient(world.url).get('/desk')
    match(String(plain.headers['set-cookie']), /^openseal-desk=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Strict$/)
    const secure = await openWorld({ deskUrl: 'https://ledger.example' })
    const answer = await createDeskClient(secure.url).get('/desk')
    await secure.close()
    match(String(answer.headers['set-cookie']), /^__Host-openseal-desk=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/)
  })

  it('lets no page frame, store or script the desk, and lets no other origin read it', async () => {
    for (const path of ['/desk', '/desk/new', '/desk/folder', '/desk/keys', '/de/desk']) {
      const { headers, text } = await client.get(path)
      match(String(headers['content-security-policy']), /frame-ancestors 'none'/, path)
      match(String(headers['content-security-policy']), /script-src 'self'/, path)
      deepEqual(
        [headers['x-frame-options'], headers['cache-control'], headers['access-control-allow-origin']],
        ['DENY', 'no-store', undefined],
      )
      equal(headers['content-encoding'], undefined)
      // Data is the only thing within a script element.
      for (const [, attributes = ''] of text.matchAll(/<script([^>]*)>/g)) match(attributes, / src="| type="application\/json"/)
      ok(!/ on[a-z]+="|style="/.test(text), path)
    }
  })

  it('does nothing for a form of another site, of another session, after signing out, or without a token', async () => {
    const page = await client.submit(await client.get('/desk/new'), '/desk/form', DRAFT)
    const fields = { ...fieldsOf(page, '/desk/preview'), ...DRAFT }
    const before = size()
    const other = createDeskClient(world.url)
    await other.signIn(key)
    for (const [what, answer, status] of [
      ['another site', client.post('/desk/submit', fields, { 'sec-fetch-site': 'cross-site' }), 403],
      ['a neighbouring host', client.post('/desk/submit', fields, { 'sec-fetch-site': 'same-site' }), 403],
      [
        'another origin in an old browser',
        client.post('/desk/submit', fields, { 'sec-fetch-site': '', origin: 'https://evil.example' }),
        403,
      ],
      ['a page that hides its origin', client.post('/desk/submit', fields, { 'sec-fetch-site': '', origin: 'null' }), 403],
      ['neither header', client.post('/desk/submit', fields, { 'sec-fetch-site': '' }), 403],
      ['no token', client.post('/desk/submit', { ...fields, token: '' }), 200],
      ['the token of another session', other.post('/desk/submit', fields), 200],
    ] as const) {
      equal((await answer).status, status, what)
      equal(size(), before, what)
    }
    const upload = await client.send(
      'POST',
      '/desk/new',
      { 'content-type': 'multipart/form-data; boundary=x', 'sec-fetch-site': 'cross-site' },
      '--x--',
    )
    equal(upload.status, 403)
    await client.submit(await client.get('/desk'), '/desk/sign-out')
    equal((await client.post('/desk/submit', fields)).status, 403)
    equal(size(), before)
  })

  it('does not sign anybody in by a form of another site', async () => {
    const victim = createDeskClient(world.url)
    const page = await victim.get('/desk')
    const fields = { ...fieldsOf(page, '/desk/sign-in'), key }
    equal((await victim.post('/desk/sign-in', fields, { 'sec-fetch-site': 'cross-site' })).status, 403)
    equal((await victim.post('/desk/sign-in', { ...fields, token: 'A'.repeat(43) })).status, 403)
    ok(!(await isIn(victim)))
  })

  it('asks by a click whether somebody is signed in who comes by a link, and keeps their session', async () => {
    // A browser withholds a strict cookie then.
    const answer = await createDeskClient(world.url).get('/desk/new', { 'sec-fetch-site': 'cross-site' })
    match(answer.text, /href="\/desk\/new">Continue</)
    equal(answer.headers['set-cookie'], undefined)
  })

  it('ends all sessions of a key that is revoked, and those whose eight hours are over', async () => {
    ok(await isIn())
    world.state.nowMs += 8 * 3_600_000
    ok(!(await isIn()))
    world.state.nowMs = startMs
    ok(await isIn())
    await world.agencies.revokeKey(AGENCY, keyId)
    ok(!(await isIn()))
  })

  it('loses nothing typed if the session ends in the middle of a form', async () => {
    const page = await client.submit(await client.get('/desk/new'), '/desk/form', DRAFT)
    world.state.nowMs += 9 * 3_600_000
    const ended = await client.submit(page, '/desk/preview', { reasonText: '', title: 'Typed for an hour & more' })
    equal(ended.status, 403)
    match(ended.text, /Nothing that you typed is lost/)
    const wrong = await client.submit(ended, '/desk/sign-in', { key: 'osk_wrong' })
    const again = await client.submit(wrong, '/desk/sign-in', { key })
    const fields = fieldsOf(again, '/desk/preview')
    deepEqual(
      [fields.record, fields.title, fields.kind, fields.documents],
      [DRAFT.record, 'Typed for an hour & more', DRAFT.kind, DRAFT.documents],
    )
    match((await client.submit(again, '/desk/preview')).text, /Nothing is public yet/)
  })

  it('brings each form back as it was filled in when its session ended', async () => {
    const { index } = await world.ledger.submit(statementOf('ended', 'x'))
    const forms: readonly (readonly [path: string, fields: { readonly [name: string]: string }])[] = [
      [`/desk/erase/${index}`, { reason: 'court-order' }],
      ['/desk/keys', { label: 'Scanner & more', role: 'admin', expires: '2027-01-31' }],
      [`/desk/keys/${keyId}/revoke`, {}],
    ]
    for (const [path, typed] of forms) {
      const page = await client.get(path)
      world.state.nowMs += 9 * 3_600_000
      const ended = await client.submit(page, path, { ...typed, key })
      deepEqual([ended.status, /Nothing that you typed is lost/.test(ended.text), ended.text.includes(key)], [403, true, false], path)
      const again = await client.submit(ended, '/desk/sign-in', { key })
      const { token: _, key: _key, ...fields } = fieldsOf(again, path)
      deepEqual(fields, typed, path)
      match(again.text, /Nothing has been sent yet/, path)
    }
    equal(await shownStatus(index), 200)
    const operator = createDeskClient(world.url)
    await operator.signIn(OPERATOR_KEY, '/operator')
    const page = await operator.get('/operator/agencies')
    world.state.nowMs += 9 * 3_600_000
    const ended = await operator.submit(page, '/operator/agencies', { id: 'late.gov.example', name: 'Late & <b>' })
    const again = await operator.submit(ended, '/operator/sign-in', { key: OPERATOR_KEY })
    const { id, name } = fieldsOf(again, '/operator/agencies')
    deepEqual([id, name], ['late.gov.example', 'Late & <b>'])
  })

  it('goes on after signing in where a button was pressed that has no fields, and does nothing by itself', async () => {
    const { index } = await world.ledger.submit(statementOf('undo', 'x'))
    const token = fieldsOf(await client.get('/desk'), '/desk/sign-out').token ?? ''
    world.state.nowMs += 9 * 3_600_000
    const ended = await client.post(`/de/desk/erase/${index}/undo`, { token })
    const after = await client.submit(ended, '/de/desk/sign-in', { key })
    deepEqual([after.status, after.headers.location], [303, `/de/desk/erase/${index}`])
  })

  it('shows a form of another agency, or one for admin keys, to nobody else who signs in', async () => {
    const { index } = await world.ledger.submit(statementOf('others', 'x'))
    await world.agencies.add({ id: 'third.gov.example', name: 'Third' })
    const third = (await world.agencies.addKey('third.gov.example', { role: 'admin' })).key
    const submitter = (await world.agencies.addKey(AGENCY, {})).key
    for (const [who, status] of [
      [third, 404],
      [submitter, 403],
    ] as const) {
      const visitor = createDeskClient(world.url)
      const fields = { ...fieldsOf(await visitor.get('/desk'), '/desk/sign-in'), key: who, resume: `/desk/erase/${index}`, reason: 'other' }
      equal((await visitor.post('/desk/sign-in', fields)).status, status)
    }
    equal(await shownStatus(index), 200)
  })

  it('never acts for an agency other than the one whose page was filled in: a second tab', async () => {
    await world.agencies.add({ id: 'second.gov.example', name: 'Second' }).catch(() => {})
    const { key: secondKey } = await world.agencies.addKey('second.gov.example', {})
    const preview = await client.submit(await client.submit(await client.get('/desk/new'), '/desk/form', DRAFT), '/desk/preview', DRAFT)
    await client.submit(await client.get('/desk'), '/desk/sign-out')
    await client.signIn(secondKey)
    const before = size()
    const answer = await client.submit(preview, '/desk/submit')
    match(answer.text, /shown before you signed in/)
    match(answer.text, /Second/)
    equal(size(), before)
  })

  it('shows nothing to a reader who goes back after signing out', async () => {
    const { headers } = await client.get('/desk')
    equal(headers['cache-control'], 'no-store')
    await client.submit(await client.get('/desk'), '/desk/sign-out')
    for (const path of ['/desk', '/desk/new', '/desk/keys', '/desk/folder', '/desk/receipts.zip?of=0'])
      match((await client.get(path)).text, /API key/, path)
  })

  it('refuses a form of more fields or bytes than any of ours, whoever sends it, and one that is not UTF-8', async () => {
    const stranger = createDeskClient(world.url)
    const form = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' }
    for (const path of ['/desk/sign-in', '/desk/form', '/operator/sign-in'])
      for (const [body, code] of [
        ['a&'.repeat(290_000), 'BODY_MALFORMED'],
        [Array.from({ length: 65 }, (_, at) => `a${at}=`).join('&'), 'BODY_MALFORMED'],
        [`title=${'x'.repeat(200_000)}`, 'BODY_TOO_LARGE'],
        [Buffer.from('title=\xff', 'latin1'), 'BODY_MALFORMED'],
      ] as const)
        equal(JSON.parse((await stranger.send('POST', path, form, body)).text).code, code, path)
  })

  it('shows a form again whose carried parts were changed, without those parts', async () => {
    const page = await client.submit(await client.get('/desk/new'), '/desk/form', DRAFT)
    for (const carried of [
      { documents: '[null]' },
      { documents: '[{"name":{"toString":1}}]' },
      { documents: '[{"name":"a","mediaType":"text/plain","bytes":{"valueOf":1},"sha256":"0"}]' },
      { read: '[{"field":"record","at":{"toString":1},"of":"x"},{"field":{"toString":1},"at":"x","of":"x"}]' },
      { read: '[{"field":"action","at":["x"],"of":["x"]},null,7]', action: 'amend' },
      { read: '{}' },
      { remarks: '[{"code":"unread","name":{"toString":1}},{"code":{"toString":1}},null]' },
      { remarks: '[{"code":"unread","name":"a","value":{"toString":1}}]' },
      { remarks: 'null' },
    ])
      for (const path of ['/desk/form', '/desk/preview']) {
        const { status, text } = await client.post(path, { ...fieldsOf(page, '/desk/preview'), ...carried })
        ok(status < 500, JSON.stringify(carried))
        match(text, /Typed for an hour/)
      }
  })

  it('lets no agency hold the places of all uploads', async () => {
    await world.agencies.add({ id: 'slow.gov.example', name: 'Slow' })
    const slow: ReturnType<typeof request>[] = []
    const statuses: (number | undefined)[] = []
    const form = { 'content-type': 'multipart/form-data; boundary=x', 'sec-fetch-site': 'same-origin', accept: 'text/html' }
    for (let each = 0; each < 6; each++) {
      const { key: slowKey } = await world.agencies.addKey('slow.gov.example', {})
      const other = createDeskClient(world.url)
      await other.signIn(slowKey)
      const cookie = [...other.jar].map(pair => pair.join('=')).join(';')
      const sent = request(`${world.url}/desk/new`, { method: 'POST', headers: { ...form, cookie } }, answer =>
        statuses.push(answer.statusCode),
      )
      sent.on('error', () => {}).write('--x\r\n')
      slow.push(sent)
    }
    while (statuses.length < 4) await sleep(20)
    deepEqual(statuses, [429, 429, 429, 429])
    const { status } = await client.send('POST', '/desk/new', form, '--x--\r\n')
    for (const sent of slow) sent.destroy()
    // The form had no file, and was read.
    equal(status, 400)
  })

  it('is no key for programs: the interface ignores cookies', async () => {
    const lines = await client.send('POST', '/v1/records', { 'content-type': 'application/json', accept: 'application/json' }, '{}')
    match(lines.text, /KEY_MISSING/)
    match((await client.send('GET', '/v1/key', { accept: 'application/json' })).text, /KEY_MISSING/)
    const operator = createDeskClient(world.url)
    await operator.signIn(OPERATOR_KEY, '/operator')
    match((await operator.send('GET', `/v1/agencies/${AGENCY}/keys`, { accept: 'application/json' })).text, /OPERATOR_KEY_MISSING/)
  })

  it('does not let the cookie of the desk open the operator’s page, nor the other way round', async () => {
    const operator = createDeskClient(world.url)
    await operator.signIn(OPERATOR_KEY, '/operator')
    match((await operator.get('/operator')).text, /Signed in as the operator/)
    const swapped = (from: DeskClient, cookie: string) => createDeskClient(world.url, new Map([[cookie, [...from.jar.values()][0]!]]))
    match((await swapped(operator, COOKIE).get('/desk')).text, /Sign in to the desk/)
    match((await swapped(client, 'openseal-operator').get('/operator')).text, /Sign in as the operator/)
  })

  it('asks for the key again before keys are made or revoked, and lets only admin keys do that', async () => {
    const keys = async () => (await world.agencies.keys(AGENCY)).length
    const before = await keys()
    const page = await client.get('/desk/keys')
    const { key: other } = await world.agencies.addKey(AGENCY, { role: 'admin' })
    for (const wrong of ['', 'osk_wrong', other])
      equal((await client.submit(page, '/desk/keys', { key: wrong, label: 'mine' })).status, 403, wrong)
    equal(await keys(), before + 1)
    const made = await client.submit(page, '/desk/keys', { key, label: 'Scanner', role: 'submit', expires: '2027-01-31' })
    match(made.text, /value="osk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}"/)
    const newKey = /value="(osk_[^"]+)"/.exec(made.text)![1]!
    const { keyId: newId } = await world.agencies.authenticate(newKey)
    ok(!(await client.get('/desk/keys')).text.includes(newKey))

    const path = `/desk/keys/${newId}/revoke`
    equal((await client.submit(await client.get(path), path, { key: other })).status, 403)
    equal((await client.submit(await client.get(path), path, { key })).status, 303)
    const submitter = createDeskClient(world.url)
    await submitter.signIn((await world.agencies.addKey(AGENCY, {})).key)
    equal((await submitter.get('/desk/keys')).status, 403)
    equal((await submitter.submit(page, '/desk/keys', { key })).status, 403)
  })

  it('redirects nobody to another site', async () => {
    for (const next of ['https://evil.example', '//evil.example', '/\\evil.example', '/deskevil', '/desk\r\nx: y']) {
      const victim = createDeskClient(world.url)
      const { headers } = await victim.submit(await victim.get('/desk'), '/desk/sign-in', { key, next })
      equal(headers.location, '/desk', next)
    }
    for (const resume of ['https://evil.example/desk/form', 'x/desk/form', '/desk/form/', '/desk/formx', '/operator/agencies', '']) {
      const victim = createDeskClient(world.url)
      const answer = await victim.submit(await victim.get('/desk'), '/desk/sign-in', { key, resume })
      deepEqual([answer.status, answer.headers.location], [303, '/desk'], resume)
    }
    const victim = createDeskClient(world.url)
    equal((await victim.submit(await victim.get('/desk/new'), '/desk/sign-in', { key })).headers.location, '/desk/new')
  })

  it('counts wrong keys wherever the key is asked for again: at erasing, at keys, and of the operator', async () => {
    for (const path of ['/desk/erase/1', '/desk/keys', `/operator/agencies/${AGENCY}`]) {
      const guessed = await openWorld()
      try {
        await guessed.submit('r', 'x')
        const thief = createDeskClient(guessed.url)
        const isOperator = path.startsWith('/operator')
        await thief.signIn(
          isOperator ? OPERATOR_KEY : (await guessed.agencies.addKey(AGENCY, { role: 'admin' })).key,
          isOperator ? '/operator' : '/desk',
        )
        const fields = fieldsOf(await thief.get(path), path)
        const statuses: number[] = []
        for (let n = 0; n < 22; n++)
          statuses.push((await thief.post(path, { ...fields, reason: 'other', key: `guess-number-${n}` })).status)
        deepEqual([statuses[0], statuses.at(-1)], [403, 429], path)
      } finally {
        await guessed.close()
      }
    }
  })

  it('answers no page of the operator to a request that a proxy forwarded, or that names another host', async () => {
    const operator = createDeskClient(world.url)
    const { token = '' } = fieldsOf(await operator.get('/operator'), '/operator/sign-in')
    const signIn = await operator.post('/operator/sign-in', { token, key: OPERATOR_KEY }, { 'x-forwarded-for': '203.0.113.1' })
    deepEqual([signIn.status, /OPERATOR_ELSEWHERE/.test(signIn.text)], [403, true])
    equal((await operator.signIn(OPERATOR_KEY, '/operator')).status, 303)
    const page = await operator.get('/operator/agencies')
    for (const elsewhere of [{ via: '1.1 proxy' }, { 'x-forwarded-for': '127.0.0.1' }, { host: 'ledger.example' }]) {
      for (const path of ['/operator', '/operator/agencies', '/operator/alarms', `/operator/agencies/${AGENCY}`, '/de/operator'])
        equal((await operator.get(path, elsewhere)).status, 403, path)
      const added = await operator.submit(page, '/operator/agencies', { id: 'forwarded.gov.example', name: 'F' }, elsewhere)
      equal(added.status, 403)
    }
    ok(!(await world.agencies.list()).some(({ id }) => id === 'forwarded.gov.example'))
  })

  it('charges an archive by its receipts, so that the next request of its address waits', async () => {
    const slow = await openWorld({ address: { perSecond: 0.01, burst: 3 } })
    try {
      const clerk = createDeskClient(slow.url)
      await clerk.signIn((await slow.agencies.addKey(AGENCY, {})).key)
      await Promise.all(Array.from({ length: 200 }, (_, n) => slow.ledger.submit(statementOf(`r-${n}`, 'x'))))
      const from = (address: string) => ({ 'x-forwarded-for': address })
      for (const [of, address, next] of [
        ['1-200', '203.0.113.1', 429],
        ['1-10', '203.0.113.2', 200],
      ] as const) {
        equal((await clerk.get(`/desk/receipts.zip?of=${of}`, from(address))).status, 200)
        equal((await clerk.get('/desk', from(address))).status, next, of)
      }
    } finally {
      await slow.close()
    }
  })

  // Last, because all clients of these tests have one address.
  it('slows down clients that guess keys, and still accepts the right one', async () => {
    const guesser = createDeskClient(world.url)
    let page = await guesser.get('/operator')
    const statuses: number[] = []
    for (let n = 0; n < 22; n++) {
      page = await guesser.submit(page, '/operator/sign-in', { key: `guess-number-${n}-of-many` })
      statuses.push(page.status)
    }
    deepEqual([statuses[0], statuses.at(-1)], [403, 429])
    match(page.text, /Too many wrong keys/)
    equal((await guesser.submit(page, '/operator/sign-in', { key: OPERATOR_KEY })).status, 303)
  })
})
