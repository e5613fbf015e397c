/** The whole service with its log in PostgreSQL: the life of a record, and a start on the same data. */
import { deepEqual, doesNotMatch, equal, match, ok, rejects } from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { acceptLoss } from '../src/care/backup.ts'
import { type Config, readConfig } from '../src/config.ts'
import { systemHost } from '../src/host.ts'
import { defaultMarkFolder, openMarkFile } from '../src/mark.ts'
import { rotateLogKey } from '../src/server/rotate.ts'
import { type Service, startServer } from '../src/server/server.ts'
import { openPostgresStore } from '../src/store/postgres/postgres.ts'
import { openCommands, runAlone } from './cli/commands.ts'
import { statement } from './http/service.ts'
import { useServices } from './services.ts'
import { startPostgres, type TestServer } from './store/postgres/server.ts'
import { createDeskClient, type DeskClient } from './web/desk-client.ts'

describe('server with its log in PostgreSQL', () => {
  let postgres: TestServer
  let folder: string
  let config: Config
  const { start, log, logged } = useServices(() => config)
  before(async () => {
    postgres = await startPostgres()
    folder = await mkdtemp(join(tmpdir(), 'openseal-server-'))
    const env = { OPENSEAL_PORT: '0', OPENSEAL_CHAIN_PORT: '0', OPENSEAL_ANCHOR_INTERVAL: '200ms', OPENSEAL_ERASURE_DELAY: '0' }
    config = { ...readConfig({ ...env, OPENSEAL_STORE: await postgres.newDatabase() }), dataDir: join(folder, 'data') }
  })
  after(async () => {
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const markFolder = process.env.OPENSEAL_MARK ?? defaultMarkFolder()
  const database = (url: string) => ({ url, host: systemHost(log) })
  const ask = (service: Service, path: string, key?: string, body?: unknown) =>
    fetch(service.url + path, {
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
      headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
    })
  const json = async (...asked: Parameters<typeof ask>) => (await ask(...asked)).json()
  const keysOf = async (service: Service) => {
    const operatorKey = (await readFile(service.operatorKeyFile!, 'utf8')).trim()
    await json(service, '/v1/agencies', operatorKey, { id: 'transport.gov.example', name: 'Ministry of Transport' })
    const { key } = await json(service, '/v1/agencies/transport.gov.example/keys', operatorKey, {})
    return { operatorKey, key: key as string }
  }
  const until = async (done: () => Promise<boolean>) => {
    for (let tries = 0; !(await done()); tries++) {
      ok(tries < 400, 'in time')
      await sleep(50)
    }
  }

  it('takes, anchors, finds, shows, erases and forgets a record, and has the rest again at the next start', async () => {
    const first = await start()
    const { operatorKey, key } = await keysOf(first)
    equal((await json(first, '/v1/records', key, statement(1))).index, 1)
    equal((await json(first, '/v1/records', key, statement(1))).index, 1)
    equal((await json(first, '/v1/records', key, statement(2))).index, 2)
    for (const index of [1, 2]) await until(async () => (await json(first, `/v1/records/${index}`)).state === 'anchored')
    equal((await json(first, '/v1/records/1/receipt')).anchors.length, 1)
    for (const path of ['/', '/en/records/1', '/en/records/1/certificate', '/feed.atom', '/checkpoint', '/metrics']) {
      const { status } = await ask(first, path)
      equal(status, 200, path)
    }
    const { agency, record } = statement(1) as { agency: string; record: string }
    const find = async () => (await json(first, `/v1/records?agency=${agency}&record=${encodeURIComponent(record)}`)) as unknown
    match(JSON.stringify(await find()), /"index":1\b/)
    deepEqual(await json(first, '/v1/backup', operatorKey).then(({ status, code }) => [status, code]), [501, 'BACKUP_ELSEWHERE'])

    await json(first, '/v1/records/1/erasure', operatorKey, { reason: { code: 'court-order' } })
    await until(async () => (await json(first, '/readyz')).alarmCodes.length === 0)
    equal((await ask(first, '/v1/records/1')).status, 410)
    doesNotMatch(JSON.stringify(await find()), /"index":1\b/)
    const database = new URL(config.storeUrl!).pathname.slice(1)
    deepEqual(await postgres.sql('SELECT idx FROM openseal.statement ORDER BY idx', database), [{ idx: '0' }, { idx: '2' }, { idx: '3' }])
    deepEqual(await postgres.sql('SELECT idx FROM openseal.remains', database), [])
    await rejects(start({ port: 0 }), { code: 'STORE_LOCKED', message: /is in use by another OpenSeal service/ })
    const receipt = await json(first, '/v1/records/2/receipt')
    await first.close()

    const second = await start()
    deepEqual(await json(second, '/v1/records/2/receipt'), receipt)
    equal((await json(second, '/v1/records', key, statement(2))).index, 2)
    equal((await json(second, '/v1/records', key, statement(3))).index, 4)
    await second.close()
    await rejects(start({ origin: 'another.example/log' }), { code: 'LEDGER_ORIGIN_CHANGED' })
    await rejects(start({ storeUrl: config.storeUrl!.replace(':ledger@', ':geheim@') }), { code: 'STORE_LOGIN' })
    doesNotMatch(logged.join('\n'), /:ledger@|geheim/)
  })

  it('answers 503 while the database is away, and goes on when it is back', async () => {
    const service = await start()
    const { key } = await keysOf(service)
    await postgres.kill()
    const away = await ask(service, '/v1/records', key, statement(5))
    equal(away.status, 503)
    equal((await ask(service, '/checkpoint')).status, 200)
    await postgres.start()
    await until(async () => (await ask(service, '/v1/records', key, statement(5))).status < 300)
    await until(async () => (await json(service, '/readyz')).status === 'ok')
  })

  it('serves at each node what another has taken: pages, feeds, searches, sessions of the desk, receipts and erasures', async () => {
    const first = await start()
    const own = { dataDir: join(folder, 'second'), keysDir: join(config.dataDir, 'keys'), rpcUrls: first.chain.urls }
    const second = await start({ ...own, finality: { confirmations: 0 } })
    const { operatorKey } = await keysOf(first)
    const made = await json(first, '/v1/agencies/transport.gov.example/keys', operatorKey, { role: 'admin' })
    const { index } = await json(first, '/v1/records', made.key, statement(20, { title: 'Bridge of the second node' }))

    const { agency, record } = statement(20) as { agency: string; record: string }
    const pages = [
      '/',
      `/en/records/${index}`,
      `/en/records/${index}/certificate`,
      '/en/records',
      '/en/anchors',
      '/en/changes',
      '/sitemap.xml',
    ]
    for (const path of pages) equal((await ask(second, path)).status, 200, path)
    const shows = async (path: string) => (await (await ask(second, path)).text()).includes(`records/${index}`)
    for (const path of ['/feed.atom', '/feed.json', `/agencies/${agency}/feed.atom`]) await until(() => shows(path))
    const search = `/v1/records?agency=${agency}&text=bridge`
    const found = async () => JSON.stringify(await json(second, search)).includes(`"index":${index}`)
    await until(found)
    match(JSON.stringify(await json(second, `/v1/records?agency=${agency}&record=${record}`)), new RegExp(`"index":${index}\\b`))
    await until(async () => (await json(second, `/v1/records/${index}`)).state === 'anchored')
    await until(async () => (await json(first, `/v1/records/${index}`)).state === 'anchored')
    deepEqual(await json(second, `/v1/records/${index}/receipt`), await json(first, `/v1/records/${index}/receipt`))
    deepEqual(await json(second, '/policy.json'), await json(first, '/policy.json'))

    // A session that began at one node is one at the other, and ends with its key.
    const jar = new Map<string, string>()
    const [at, other] = [first, second].map(({ url }) => createDeskClient(url, jar)) as [DeskClient, DeskClient]
    equal((await at.signIn(made.key)).status, 303)
    match((await other.get('/desk')).text, /Ministry of Transport/)
    await fetch(`${first.url}/v1/agencies/${agency}/keys/${made.keyId}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${operatorKey}` },
    })
    await sleep(2000)
    doesNotMatch((await other.get('/desk')).text, /Ministry of Transport/)

    await json(first, `/v1/records/${index}/erasure`, operatorKey, { reason: { code: 'court-order' } })
    await until(async () => (await ask(second, `/v1/records/${index}`)).status === 410)
    await until(async () => !(await found()) && !(await shows('/feed.atom')))
    equal((await json(second, '/v1/backup', operatorKey)).code, 'BACKUP_ELSEWHERE')
  })

  it('ends with one sentence and its code where the database is not the right one, tells no password, and changes nothing', async () => {
    const ours = config.storeUrl!
    const nameOf = (url: string) => new URL(url).pathname.slice(1)
    const [empty, foreign, newer] = [await postgres.newDatabase(), await postgres.newDatabase(), await postgres.newDatabase()]
    await postgres.sql('CREATE SCHEMA openseal AUTHORIZATION ledger', nameOf(foreign))
    await postgres.sql("CREATE ROLE guest LOGIN PASSWORD 'geheim'")
    await (await openPostgresStore(newer, systemHost(log))).close()
    await postgres.sql('UPDATE openseal.ledger SET version = 2', nameOf(newer))
    const tables = async (name: string) =>
      (await postgres.sql("SELECT count(*)::int AS n FROM information_schema.tables WHERE table_schema = 'openseal'", name))[0].n
    const content = () =>
      postgres.sql(
        "SELECT size, (SELECT md5(string_agg(d::text, ',' ORDER BY d)) FROM openseal.document d) FROM openseal.head",
        nameOf(ours),
      )
    const before = await content()
    // The keys of another ledger, whose operator has named the database of this one.
    const others = join(folder, 'others', 'keys')
    const { storeUrl: _, ...alone } = config
    await (await startServer({ ...alone, dataDir: join(folder, 'others') }, { log })).close()
    const kept = await readdir(others)
    const keys = { OPENSEAL_KEYS: join(config.dataDir, 'keys') }
    const cases: readonly [code: string, sentence: RegExp, env: { [name: string]: string }][] = [
      ['CONFIG_MALFORMED', /OPENSEAL_STORE names no database/, { OPENSEAL_STORE: 'postgres://ledger:geheim@127.0.0.1:1/' }],
      ['STORE_UNREACHABLE', /cannot be reached/, { OPENSEAL_STORE: 'postgres://ledger:geheim@127.0.0.1:1/d' }],
      ['STORE_LOGIN', /wrong or expired password/, { OPENSEAL_STORE: ours.replace(':ledger@', ':geheim@') }],
      ['STORE_NO_DATABASE', /has no database none/, { OPENSEAL_STORE: ours.replace(nameOf(ours), 'none') }],
      ['STORE_RIGHTS', /may not create the schema/, { OPENSEAL_STORE: empty.replace('//ledger:ledger@', '//guest:geheim@') }],
      [
        'STORE_RIGHTS',
        /may not read, write and vacuum the tables/,
        { OPENSEAL_STORE: ours.replace('//ledger:ledger@', '//guest:geheim@') },
      ],
      ['STORE_TLS', /does not speak TLS/, { OPENSEAL_STORE: `${ours.replace(':ledger@', ':geheim@')}?sslmode=require` }],
      ['STORE_SCHEMA', /lacks ledger, head/, { OPENSEAL_STORE: foreign }],
      ['STORE_SCHEMA', /have version 2, not 1/, { OPENSEAL_STORE: newer }],
      ['KEY_FILE_MISSING', /log\.key is missing, and this ledger was begun with it/, { OPENSEAL_STORE: ours }],
      [
        'LEDGER_KEY_CHANGED',
        /not the one that signs this ledger .* another data folder or database/,
        { OPENSEAL_STORE: ours, OPENSEAL_KEYS: others },
      ],
      ['LEDGER_ORIGIN_CHANGED', /origin is .* forever/, { OPENSEAL_STORE: ours, OPENSEAL_ORIGIN: 'another.example/log', ...keys }],
    ]
    const commands = openCommands()
    try {
      for (const [i, [code, sentence, env]] of cases.entries()) {
        const place = {
          OPENSEAL_PORT: '0',
          OPENSEAL_CHAIN_PORT: '0',
          OPENSEAL_DATA: join(folder, `bad-${i}`),
          OPENSEAL_MARK: join(folder, 'bad-mark'),
        }
        const ran = await commands.run(['serve'], { env: { ...place, ...env } })
        const said = ran.err.split('\n').filter(line => line.startsWith('openseal: '))
        deepEqual([ran.code, ran.out, said.length], [1, '', 1], `${code}: ${ran.err}`)
        match(said[0]!, sentence)
        ok(said[0]!.includes(code), said[0])
        doesNotMatch(ran.err, /geheim|:ledger@/)
      }
    } finally {
      await commands.close()
    }
    deepEqual(await readdir(others), kept)
    deepEqual([await content(), await tables(nameOf(empty)), await tables(nameOf(foreign))], [before, 0, 0])
  })

  it('refuses a server that another one has replaced, even at its next start, until its operator has decided', async () => {
    const first = await start()
    const { size, vkey } = await json(first, '/v1/status')
    await first.close()
    // As a node leaves it that has seen the promotion of a standby.
    const { path } = openMarkFile(markFolder, { origin: config.origin, vkey })
    const mark = JSON.parse(await readFile(path, 'utf8'))
    equal(mark.database.timeline, 1)
    await writeFile(path, JSON.stringify({ ...mark, database: { ...mark.database, timeline: 2 } }))
    await rejects(start(), {
      code: 'STORE_TIMELINE',
      message: /timeline 1\) than the one that this key has signed \(2\).*accept-loss SIZE/,
    })
    await rejects(rotateLogKey(config), { code: 'STORE_TIMELINE' })
    deepEqual(await readFile(path, 'utf8'), JSON.stringify({ ...mark, database: { ...mark.database, timeline: 2 } }))
    await acceptLoss(config.dataDir, size, markFolder, database(config.storeUrl!))
    const decided = await start()
    equal((await json(decided, '/v1/status')).size, size)
    // The same tables at another cluster have timelines of their own.
    await decided.close()
    await writeFile(path, JSON.stringify({ ...mark, database: { system: '7', timeline: 2 } }))
    await (await start()).close()
    deepEqual(JSON.parse(await readFile(path, 'utf8')).database, mark.database)
  })

  it('serves a backup of the database for an audit, and adds nothing to it where its chain is out of reach', async () => {
    const name = new URL(config.storeUrl!).pathname.slice(1)
    const first = await start()
    const { key } = await keysOf(first)
    await json(first, '/v1/records', key, statement(30))
    const { size, root } = await json(first, '/v1/status')
    await until(async () => (await json(first, `/v1/records/${size - 1}`)).state === 'anchored')
    const { contract } = (await json(first, '/policy.json')).anchors[0]
    await first.close()
    await postgres.sql(`CREATE DATABASE backup TEMPLATE ${name} OWNER ledger`)
    const chain = await start()
    const copy = { storeUrl: config.storeUrl!.replace(name, 'backup'), dataDir: join(folder, 'checked'), rpcUrls: ['http://127.0.0.1:1'] }
    const checked = await start({ ...copy, keysDir: join(config.dataDir, 'keys'), contract })
    const asked = ['audit', '--trust-ledger', '--json', '--ledger', checked.url, '--rpc', chain.chain.urls[0]!]
    const { code, out, err } = await runAlone(asked)
    const found = JSON.parse(out)
    deepEqual([code, found.verdict, found.size, found.root], [0, 'clean', size, root], err)
    equal((await ask(checked, '/v1/records', key, statement(31))).status, 503)
    await checked.close()
  })

  it('accepts no records while the database lacks what was signed, until its operator has decided', async () => {
    const first = await start()
    const { key } = await keysOf(first)
    const { size } = await json(first, '/v1/status')
    const name = new URL(config.storeUrl!).pathname.slice(1)
    await first.close()
    await postgres.sql(`CREATE DATABASE before TEMPLATE ${name} OWNER ledger`)
    const second = await start()
    await json(second, '/v1/records', key, statement(6))
    await second.close()

    // As after a promotion of a standby that did not have it.
    const storeUrl = config.storeUrl!.replace(name, 'before')
    const behind = await start({ storeUrl })
    equal((await ask(behind, '/v1/records', key, statement(7))).status, 503)
    const ready = JSON.stringify(await json(behind, '/readyz'))
    match(ready, /"MARK_BEHIND"/)
    match(ready, /this database has only \d+: .* a standby or a backup that has them/)
    doesNotMatch(ready, /doctor/)
    deepEqual(await json(behind, '/v1/records/1').then(({ status, code }) => [status, code]), [503, 'STORE_BEHIND'])
    await behind.close()
    await acceptLoss(config.dataDir, size, markFolder, database(storeUrl))
    const decided = await start({ storeUrl })
    equal((await json(decided, '/v1/records', key, statement(7))).index, size)
  })
})
