/** Opening the PostgreSQL store: what it makes, and one clear sentence for each thing in the way. */
import assert from 'node:assert/strict'
import { chmodSync, chownSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { systemHost } from '../../../src/host.ts'
import { createLogSigner } from '../../../src/log/signer.ts'
import { silentLog } from '../../../src/logger.ts'
import { StoreError } from '../../../src/store/port/errors.ts'
import { parseAddress } from '../../../src/store/postgres/address.ts'
import { connect, LIMITS, prepare } from '../../../src/store/postgres/connection.ts'
import { openPostgresStore } from '../../../src/store/postgres/postgres.ts'
import { anchorOf, ORIGIN, openTestLedger } from '../../ledger/fixtures.ts'
import { commitOf } from '../conformance/commits.ts'
import { CERTIFICATE, CERTIFICATE_KEY, EXPIRED, EXPIRED_KEY } from './certificate.ts'
import { startPostgres, type TestServer } from './server.ts'

describe('opening the PostgreSQL store', () => {
  let server: TestServer
  let rootFile: string
  const open = (address: string, limits = LIMITS) => openPostgresStore(address, systemHost(silentLog), limits)
  const nameOf = (address: string) => new URL(address).pathname.slice(1)
  const tablesIn = async (address: string) =>
    (
      await server
        .sql("SELECT count(*)::int AS n FROM pg_class WHERE relnamespace = 'openseal'::regnamespace", nameOf(address))
        .catch(() => [{ n: 0 }])
    )[0].n as number

  before(async () => {
    server = await startPostgres()
    rootFile = join(server.data, '..', 'root.pem')
    writeFileSync(rootFile, CERTIFICATE)
  })
  after(() => server.stop())

  /** Refused with this code, in one line that holds no password. */
  const refused = (code: string, sentence: RegExp) => (error: StoreError) => {
    assert.deepEqual([error.code, error.message.split('\n').length], [code, 1], error.message)
    assert.match(error.message, sentence)
    const all = inspect(error, { depth: 4, showHidden: true })
    assert.doesNotMatch(all, /geheim/)
    return error instanceof StoreError
  }

  it('makes the tables once, however many nodes start at the same moment', async () => {
    const address = await server.newDatabase()
    const stores = await Promise.all(Array.from({ length: 6 }, () => open(address)))
    assert.deepEqual(await server.sql('SELECT version FROM openseal.ledger', nameOf(address)), [{ version: 1 }])
    assert.deepEqual(await server.sql('SELECT size, beat FROM openseal.head', nameOf(address)), [{ size: '0', beat: '0' }])
    const outcomes = await Promise.allSettled(stores.map(store => store.commit(commitOf(0, 2))))
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const outcome of outcomes) if (outcome.status === 'rejected') assert.equal(outcome.reason.code, 'STORE_HEAD_MOVED')
    await Promise.all(stores.map(store => store.close()))
  })

  it('has no sequences, triggers, functions, partitions, extensions or foreign keys of its own', async () => {
    const address = await server.newDatabase()
    await (await open(address)).close()
    const kinds = await server.sql(
      "SELECT DISTINCT relkind::text AS kind, relpersistence::text AS kept FROM pg_class WHERE relnamespace = 'openseal'::regnamespace ORDER BY 1",
      nameOf(address),
    )
    assert.deepEqual(kinds, [
      { kind: 'i', kept: 'p' },
      { kind: 'r', kept: 'p' },
    ])
    // Hashes do not compress, so nobody tries.
    const plain = await server.sql(
      "SELECT attrelid::regclass::text AS table FROM pg_attribute WHERE attname = 'bytes' AND attstorage = 'e' ORDER BY 1",
      nameOf(address),
    )
    assert.deepEqual(plain, [{ table: 'openseal.bundle' }, { table: 'openseal.tile' }])
    const [others] = await server.sql(
      `SELECT (SELECT count(*)::int FROM pg_trigger WHERE NOT tgisinternal) + (SELECT count(*)::int FROM pg_proc WHERE pronamespace = 'openseal'::regnamespace)
        + (SELECT count(*)::int FROM pg_extension WHERE extname <> 'plpgsql') + (SELECT count(*)::int FROM pg_constraint WHERE contype = 'f') AS n`,
      nameOf(address),
    )
    assert.deepEqual(others, { n: 0 })
  })

  it('refuses a wrong or expired password, and a user that does not exist, without telling the password', async () => {
    const address = await server.newDatabase()
    const login = refused('STORE_LOGIN', /does not let the user \w+ in: wrong or expired password/)
    await assert.rejects(open(address.replace(':ledger@', ':geheim@')), login)
    await assert.rejects(open(address.replace(':ledger@', '@')), login)
    await assert.rejects(open(address.replace('//ledger:', '//nobody:')), login)
    await server.sql("CREATE ROLE late LOGIN PASSWORD 'geheim' VALID UNTIL '2020-01-01'")
    await assert.rejects(open(address.replace('//ledger:ledger@', '//late:geheim@')), login)
    assert.equal(await tablesIn(address), 0)
  })

  it('refuses a database that does not exist, and a server that is not there or does not answer', async () => {
    const address = await server.newDatabase()
    await assert.rejects(open(address.replace(nameOf(address), 'none')), refused('STORE_NO_DATABASE', /has no database none: create it/))
    await assert.rejects(
      open('postgres://u:geheim@127.0.0.1:1/d'),
      refused('STORE_UNREACHABLE', /127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\)/),
    )
    await assert.rejects(
      open('postgres://u:geheim@nowhere.invalid/d?sslmode=disable'),
      refused('STORE_UNREACHABLE', /nowhere\.invalid:5432 cannot/),
    )
    const impatient = { ...LIMITS, connectMs: 300 }
    const mute = createServer(() => {})
    await new Promise<void>(resolve => mute.listen(0, '127.0.0.1', resolve))
    const { port } = mute.address() as { port: number }
    await assert.rejects(
      open(`postgres://u:geheim@127.0.0.1:${port}/d`, impatient),
      refused('STORE_UNREACHABLE', /cannot be reached \(no answer\)/),
    )
    await assert.rejects(
      open(`postgres://u:geheim@127.0.0.1:1,127.0.0.1:${port}/d`),
      refused('STORE_UNREACHABLE', /:1 cannot be .* cannot be reached \(no/),
    )
    mute.close()
  })

  it('refuses a user that may not make the tables, and one that may not use them, and leaves nothing half made', async () => {
    const address = await server.newDatabase()
    await server.sql("CREATE ROLE guest LOGIN PASSWORD 'geheim'")
    const asGuest = address.replace('//ledger:ledger@', '//guest:geheim@')
    await assert.rejects(open(asGuest), refused('STORE_RIGHTS', /may not create the schema openseal.*GRANT CREATE ON DATABASE/))
    assert.equal(await tablesIn(address), 0)
    await (await open(address)).close()
    await assert.rejects(open(asGuest), refused('STORE_RIGHTS', /may not read, write and vacuum the tables batch, bundle, /))
    await server.sql(
      'GRANT USAGE ON SCHEMA openseal TO guest; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA openseal TO guest',
      nameOf(address),
    )
    // It could not sweep what was erased, and PostgreSQL would only warn.
    await assert.rejects(open(asGuest), refused('STORE_RIGHTS', /vacuum the tables .*MAINTAIN/))
    await server.sql('GRANT MAINTAIN ON ALL TABLES IN SCHEMA openseal TO guest', nameOf(address))
    const store = await open(asGuest)
    await store.commit(commitOf(0, 2))
    await store.close()
  })

  it('refuses tables of another version, and a schema that is not ours', async () => {
    const address = await server.newDatabase()
    await (await open(address)).close()
    for (const version of [0, 2]) {
      await server.sql(`UPDATE openseal.ledger SET version = ${version}`, nameOf(address))
      await assert.rejects(open(address), refused('STORE_SCHEMA', /have version [02], not 1.*(another|newer) OpenSeal/))
    }
    await server.sql('UPDATE openseal.ledger SET version = 1; DROP TABLE openseal.lookup', nameOf(address))
    await assert.rejects(open(address), refused('STORE_SCHEMA', /lacks lookup/))
    const foreign = await server.newDatabase()
    await server.sql('CREATE SCHEMA openseal AUTHORIZATION ledger', nameOf(foreign))
    await assert.rejects(open(foreign), refused('STORE_SCHEMA', /lacks ledger, head, /))
    assert.equal(await tablesIn(foreign), 0)
  })

  it('refuses a server that is older, or answers otherwise than PostgreSQL, and a pooler before it', async () => {
    const address = await server.newDatabase()
    // What its user finds first, as if the server were another one.
    const shadowed = async (made: string, code: string, sentence: RegExp) => {
      await server.sql(`CREATE SCHEMA shadow; GRANT USAGE ON SCHEMA shadow TO ledger; ${made}`, nameOf(address))
      await server.sql('ALTER ROLE ledger SET search_path = shadow, pg_catalog')
      await assert.rejects(open(address), refused(code, sentence))
      await server.sql('ALTER ROLE ledger RESET search_path')
      await server.sql('DROP SCHEMA shadow CASCADE', nameOf(address))
    }
    await shadowed(
      `CREATE FUNCTION shadow.current_setting(text) RETURNS text LANGUAGE sql AS
        $$ SELECT CASE $1 WHEN 'server_version_num' THEN '130018' ELSE pg_catalog.current_setting($1) END $$`,
      'STORE_VERSION',
      /is not PostgreSQL 14 or newer/,
    )
    await shadowed(
      `CREATE FUNCTION shadow.pg_walfile_name(pg_lsn) RETURNS text LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'unknown function: pg_walfile_name()' USING ERRCODE = '42883'; END $$`,
      'STORE_VERSION',
      /is not PostgreSQL 14 or newer/,
    )
    await shadowed(
      "CREATE VIEW shadow.pg_settings AS SELECT 'lock_timeout' AS name, '0' AS setting; GRANT SELECT ON shadow.pg_settings TO ledger",
      'STORE_POOLER',
      /does not take the settings of a connection.*pgbouncer, name the database itself/,
    )
    const answer = Buffer.from('SFATAL\0C08P01\0Munsupported startup parameter: lock_timeout\0\0')
    const length = Buffer.alloc(4)
    length.writeInt32BE(answer.length + 4)
    const pooler = createServer(client => client.on('data', () => client.end(Buffer.concat([Buffer.from('E'), length, answer]))))
    await new Promise<void>(resolve => pooler.listen(0, '127.0.0.1', resolve))
    const { port } = pooler.address() as { port: number }
    await assert.rejects(open(`postgres://u:geheim@127.0.0.1:${port}/d`), refused('STORE_POOLER', /does not take the settings/))
    pooler.close()
    assert.equal(await tablesIn(address), 0)
    await (await open(address)).close()
  })

  it('refuses a ledger of another origin, key or contract in the same database', async () => {
    const address = await server.newDatabase()
    const first = await openTestLedger(await open(address))
    const { root } = first.head()
    await first.close()
    const other = await open(address)
    const { chainId, contract, logId } = anchorOf(1, '')
    for (const [deps, code] of [
      [{ origin: 'another.example/log' }, 'LEDGER_ORIGIN_CHANGED'],
      [{ signer: createLogSigner(ORIGIN, new Uint8Array(32).fill(7)) }, 'LEDGER_KEY_CHANGED'],
      [{ anchors: [{ type: 'evm', chainId, contract, codeSha256: '0'.repeat(64), logId }] }, 'LEDGER_ANCHOR_CHANGED'],
    ] as const)
      await assert.rejects(openTestLedger(other, deps), { code, message: /use another data folder or database/ })
    assert.deepEqual((await other.readHead())?.head, { size: 1, root })
    await other.close()
  })

  it('works whatever the user and the database are set to by default', async () => {
    const address = await server.newDatabase()
    const settings = {
      bytea_output: 'escape',
      search_path: 'nowhere',
      statement_timeout: '1ms',
      default_transaction_deferrable: 'on',
      TimeZone: 'Asia/Kolkata',
    }
    for (const [name, value] of Object.entries(settings)) await server.sql(`ALTER ROLE ledger SET ${name} = '${value}'`)
    const store = await open(address)
    await store.commit(commitOf(0, 3))
    assert.deepEqual((await store.readHead())?.head, commitOf(0, 3).next)
    assert.deepEqual(await store.readStatement(1), Buffer.from(commitOf(0, 3).records[1]!.statement))
    assert.ok(Math.abs((await store.nowMs()) - Date.now()) < 60_000)
    const { statement: _, ...erased } = commitOf(0, 3).records[1]!
    await store.commit({ ...commitOf(3, 4), erase: [erased] })
    await store.purge()
    assert.equal(await store.hasRemains(), false)
    await store.close()
    for (const name of Object.keys(settings)) await server.sql(`ALTER ROLE ledger RESET ${name}`)
  })

  it('refuses a server that can lose what it has confirmed', async () => {
    const address = await server.newDatabase()
    for (const setting of ['fsync', 'full_page_writes']) {
      await server.set(`${setting} = off`)
      await assert.rejects(open(address), refused('STORE_UNSAFE', new RegExp(`runs with ${setting} = off`)))
      await server.set(`${setting} = on`)
    }
    await (await open(address)).close()
  })

  it('checks the certificate of the server as sslmode says', async () => {
    const address = await server.newDatabase()
    const byName = address.replace('127.0.0.1', 'localhost')
    await assert.rejects(open(`${byName}?sslmode=require`), refused('STORE_TLS', /does not speak TLS.*sslmode=disable/))
    const certify = (certificate: string, key: string) => {
      for (const [name, text] of [
        ['server.crt', certificate],
        ['server.key', key],
      ] as const) {
        const file = join(server.data, name)
        writeFileSync(file, text)
        chmodSync(file, 0o600)
        if (process.getuid?.() === 0) chownSync(file, 65_534, 65_534)
      }
    }
    certify(CERTIFICATE, CERTIFICATE_KEY)
    await server.set('ssl = on')
    await (await open(`${byName}?sslmode=require`)).close()
    await assert.rejects(open(`${byName}?sslmode=verify-full`), refused('STORE_TLS', /is not trusted \(\w+\): set sslrootcert/))
    await (await open(`${byName}?sslmode=verify-full&sslrootcert=${rootFile}`)).close()
    await assert.rejects(open(`${address}?sslmode=verify-full&sslrootcert=${rootFile}`), refused('STORE_TLS', /is for another name/))
    await (await open(`${address}?sslmode=verify-ca&sslrootcert=${rootFile}`)).close()
    await assert.rejects(
      open(`${byName}?sslmode=verify-full&sslrootcert=/none.pem`),
      refused('STORE_TLS', /\/none\.pem.* cannot be read \(ENOENT\)/),
    )
    const rules = readFileSync(join(server.data, 'pg_hba.conf'), 'utf8')
    writeFileSync(join(server.data, 'pg_hba.conf'), rules.replace('host all all', 'hostssl all all'))
    certify(EXPIRED, EXPIRED_KEY)
    writeFileSync(rootFile, EXPIRED)
    // Both are read again with the settings.
    await server.set("work_mem = '5MB'")
    await assert.rejects(open(address), refused('STORE_TLS', /wants encrypted connections only: set sslmode/))
    await assert.rejects(open(`${byName}?sslmode=verify-full&sslrootcert=${rootFile}`), refused('STORE_TLS', /has expired: renew it/))
    await (await open(`${address}?sslmode=require`)).close()
    writeFileSync(join(server.data, 'pg_hba.conf'), rules)
    await server.set("work_mem = '4MB'")
  })

  it('bounds what a server does for a node that has stopped, and has every commit wait for the disk and the standby', async () => {
    const address = await server.newDatabase()
    const store = await open(address)
    const connections = "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'openseal'"
    assert.deepEqual(await server.sql(connections), [{ n: 5 }])
    await store.close()
    assert.deepEqual(await server.sql(connections), [{ n: 0 }])

    const names = [
      'statement_timeout',
      'lock_timeout',
      'idle_in_transaction_session_timeout',
      'tcp_keepalives_idle',
      'tcp_user_timeout',
      'synchronous_commit',
    ]
    for (const [configured, expected] of [
      ['off', 'on'],
      ['remote_write', 'on'],
      ['remote_apply', 'remote_apply'],
    ]) {
      await server.sql(`ALTER ROLE ledger SET synchronous_commit = '${configured}'`)
      const { hosts, ...parsed } = parseAddress(address)
      const connection = await connect({ hosts, ...parsed }, hosts[0]!, LIMITS)
      await prepare(connection, LIMITS)
      const { rows } = await connection.run({ text: `SELECT ${names.map(name => `current_setting('${name}')`).join(', ')}` })
      assert.deepEqual(rows, [['15s', '8s', '5s', '10', '15000', expected]])
      await connection.end()
    }
    await server.sql('ALTER ROLE ledger RESET synchronous_commit')
  })
})
