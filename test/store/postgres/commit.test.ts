/** The fate of a commit when its answer is lost or odd, or when its node or another one stops. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { systemHost } from '../../../src/host.ts'
import { silentLog } from '../../../src/logger.ts'
import type { SharedStore } from '../../../src/store/port/port.ts'
import { parseAddress } from '../../../src/store/postgres/address.ts'
import { LIMITS } from '../../../src/store/postgres/connection.ts'
import { createDatabase } from '../../../src/store/postgres/database.ts'
import { createDocuments, LOCK_DOCUMENTS } from '../../../src/store/postgres/documents.ts'
import { createLinks } from '../../../src/store/postgres/link.ts'
import { createLog } from '../../../src/store/postgres/log.ts'
import { recordKey } from '../../../src/store/postgres/packed.ts'
import { openPostgresStore } from '../../../src/store/postgres/postgres.ts'
import { commitOf, hex, plain, record } from '../conformance/commits.ts'
import { failingOnce } from './failing.ts'
import { type LossyProxy, startProxy } from './proxy.ts'
import { startPostgres, type TestServer } from './server.ts'

const UNKNOWN = { code: 'STORE_WRITE_FAILED' }
const UNSETTLED = { code: 'STORE_UNSETTLED' }

describe('a commit to PostgreSQL', () => {
  let server: TestServer
  let proxy: LossyProxy
  let address: string
  let database: string
  const opened: SharedStore[] = []
  /** For what must be refused because something else never ends. */
  const SHORT = { lockMs: 300, answerMs: 2500 }
  const open = async (more: Partial<typeof LIMITS> = {}, port = server.port) => {
    const store = await openPostgresStore(address.replace(String(server.port), String(port)), systemHost(silentLog), { ...LIMITS, ...more })
    opened.push(store)
    return store
  }
  const sizeOf = async (store: SharedStore) => (await store.readHead())?.head.size
  const sql = (text: string) => server.sql(text, database)
  /** Resolves when a backend of the store waits for a standby. */
  const waitingForStandby = async (): Promise<number> => {
    for (;;) {
      const [row] = await sql("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'openseal'")
      if (row !== undefined) return row.pid
      await sleep(10)
    }
  }
  /** From now on every commit waits for a standby that is not there. */
  const loseStandby = () => server.set("synchronous_standby_names = 'FIRST 1 (standby)'")
  const endWithoutStandby = () => server.set("synchronous_standby_names = ''")
  const until = async (done: () => Promise<void>) => {
    for (let tries = 0; ; tries++) {
      try {
        return await done()
      } catch (error) {
        if (tries === 100) throw error
        await sleep(50)
      }
    }
  }

  before(async () => {
    server = await startPostgres()
    proxy = await startProxy(server.port)
  })
  after(async () => {
    proxy.stop()
    await server.stop()
  })
  beforeEach(async () => {
    address = await server.newDatabase()
    database = nameOf(address)
  })
  afterEach(async () => {
    proxy.next('pass')
    await endWithoutStandby()
    await Promise.all(opened.splice(0).map(store => store.close()))
  })

  for (const [fate, lands] of [
    ['answer', true],
    ['lose', false],
  ] as const)
    it(`is ${lands ? 'in' : 'not in'} by the head when ${lands ? 'only its answer' : 'it'} was lost, and others go on from there`, async () => {
      const store = await open({}, proxy.port)
      await store.commit(commitOf(0, 2))
      proxy.next(fate)
      await assert.rejects(store.commit(commitOf(2, 5)), UNKNOWN)
      assert.equal(await sizeOf(store), lands ? 5 : 2)
      assert.equal((await store.findIdentities([hex('identity 4')]))[0], lands ? 4 : undefined)
      await store.commit(commitOf(lands ? 5 : 2, 6))
      assert.equal(await sizeOf(store), 6)
    })

  it('writes nothing and says so when a statement of it fails: COMMIT is then answered with ROLLBACK, and no error', async () => {
    const store = await open()
    await store.commit(commitOf(0, 2))
    await sql(`INSERT INTO openseal.identity VALUES (decode('${hex('identity 3')}', 'hex'), 77)`)
    await assert.rejects(store.commit(commitOf(2, 5)), error => {
      assert.equal((error as { cause: { code: string } }).cause.code, '23505')
      return (error as { code: string }).code === UNKNOWN.code
    })
    assert.deepEqual([await sizeOf(store), await store.readStatement(2), await store.lastSize()], [2, undefined, 2])
    assert.deepEqual(await sql('SELECT beat FROM openseal.head'), [{ beat: '0' }])
    await store.commit(commitOf(2, 3))
  })

  it('is not taken for done where COMMIT is answered with ROLLBACK, also if no error is known', async () => {
    const all = createDatabase(createLinks({ address: parseAddress(address), limits: LIMITS, host: systemHost(silentLog) }))
    const swallowing = all.write(async ({ run }) => {
      await run([{ name: 'right', text: 'SELECT 1' }])
      await run([{ name: 'wrong', text: 'SELECT 1 / 0' }]).catch(() => {})
      return []
    })
    await assert.rejects(swallowing, UNKNOWN)
    await all.close()
  })

  it('is not confirmed where the answer to the confirmation is lost, and is the next time', async () => {
    const store = await open({}, proxy.port)
    await store.commit(commitOf(0, 2))
    proxy.next('answer')
    await assert.rejects(store.confirmHead(), UNSETTLED)
    assert.equal((await store.confirmHead())?.head.size, 2)
  })

  it('is forgotten with its connection, because the next server may not have it', async () => {
    const store = await open()
    await store.commit(commitOf(0, 2))
    await sql('CREATE TABLE public.head AS TABLE openseal.head; CREATE TABLE public.edge AS TABLE openseal.edge')
    await store.commit(commitOf(2, 5))
    assert.equal(await sizeOf(store), 5)
    await sql(`UPDATE openseal.head SET (size, root) = (SELECT size, root FROM public.head); DELETE FROM openseal.edge;
      INSERT INTO openseal.edge TABLE public.edge`)
    await sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'openseal'")
    assert.equal(await sizeOf(store), 2)
  })

  it('is unknown, and the head too, while COMMIT waits for a standby: no limit of the server ends that', async () => {
    const store = await open(SHORT)
    await store.commit(commitOf(0, 2))
    await sql("ALTER ROLE ledger SET transaction_timeout = '1s'")
    const limited = await open({ ...SHORT, idleMs: 1000, statementMs: 1000 })
    await sql('ALTER ROLE ledger RESET transaction_timeout')
    await loseStandby()
    const startMs = performance.now()
    await assert.rejects(limited.commit(commitOf(2, 5)), UNKNOWN)
    assert.ok(performance.now() - startMs > 2000)
    // The server still works on it, and holds the head's row. The outcome is unknown, and all wait.
    await assert.rejects(limited.readHead(), UNSETTLED)
    await assert.rejects(limited.commit(commitOf(2, 6)), UNSETTLED)
    await assert.rejects(store.commit(commitOf(2, 6)), UNSETTLED)
    await endWithoutStandby()
    await until(async () => assert.equal(await sizeOf(limited), 5))
    await limited.commit(commitOf(5, 6))
  })

  for (const [act, answer] of [
    ['pg_cancel_backend', /may not be on its standby/],
    ['pg_terminate_backend', /terminat/],
  ] as const)
    it(`is unknown after ${act} while it waits for its standby, and so is its head, although everyone can read it`, async () => {
      const store = await open(SHORT)
      await store.commit(commitOf(0, 2))
      const other = await open(SHORT)
      await loseStandby()
      const outcome = assert.rejects(store.commit(commitOf(2, 5)), error => {
        assert.match((error as { cause: Error }).cause.message, answer)
        return (error as { code: string }).code === UNKNOWN.code
      })
      await sql(`SELECT ${act}(${await waitingForStandby()})`)
      await outcome
      await until(async () => assert.deepEqual(await sql('SELECT size FROM openseal.head'), [{ size: '5' }]))
      await assert.rejects(store.readHead(), UNSETTLED)
      // A node that only reads sees it, and cannot confirm it.
      assert.equal(await sizeOf(other), 5)
      await assert.rejects(other.confirmHead(), UNSETTLED)
      await endWithoutStandby()
      await until(async () => assert.equal(await sizeOf(store), 5))
      await until(async () => assert.equal((await other.confirmHead())?.head.size, 5))
    })

  it('puts out a node that has stopped with the head locked, and the others go on', async () => {
    const [stopped, store] = [await open({ idleMs: 3000, answerMs: 4500 }, proxy.port), await open(SHORT)]
    await stopped.commit(commitOf(0, 2))
    proxy.next('stop')
    const outcome = assert.rejects(stopped.commit(commitOf(2, 9)), UNKNOWN)
    await until(async () => assert.ok((await sql("SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction'")).length > 0))
    // It waits no longer than its limit for a lock.
    await assert.rejects(store.commit(commitOf(2, 5)), error => {
      assert.equal((error as { cause: { code: string } }).cause.code, '55P03')
      return (error as { code: string }).code === UNSETTLED.code
    })
    await until(() => store.commit(commitOf(2, 5)))
    await outcome
    assert.equal(await sizeOf(stopped), 5)
    assert.deepEqual(await stopped.findIdentities([hex('identity 8')]), [undefined])
  })

  for (const isolation of ['read committed', 'repeatable read', 'serializable'])
    it(`is either in or refused when nodes commit and write documents at the same time, at ${isolation}`, async () => {
      await sql(`ALTER ROLE ledger SET default_transaction_isolation = '${isolation}'`)
      const nodes = [await open(), await open(), await open()]
      await sql('ALTER ROLE ledger RESET default_transaction_isolation')
      const kept = new Map<number, number>()
      let counted = 0
      await Promise.all(
        nodes.map(async (node, of) => {
          for (let round = 0; round < 12; round++) {
            const size = (await sizeOf(node)) ?? 0
            const next = { ...commitOf(size, size + 1), timeMs: of }
            await node.commit(next).then(
              () => kept.set(size, of),
              error => assert.equal(error.code, 'STORE_HEAD_MOVED'),
            )
            const value = (await node.readDocument('c', 'counter')) ?? null
            const at = { collection: 'c', key: 'counter' }
            const written = node.writeDocuments([{ ...at, value: String(Number(value) + 1) }], { unless: [{ ...at, value }] })
            await written.then(
              () => counted++,
              error => assert.equal(error.code, 'STORE_DOCUMENT_CHANGED'),
            )
          }
        }),
      )
      for (const node of nodes) assert.equal(await sizeOf(node), kept.size)
      for (const [index, of] of kept) assert.equal((await nodes[0]!.readCommits(index, index + 1))[0]?.timeMs, of)
      assert.equal(await nodes[0]!.readDocument('c', 'counter'), String(counted))
    })

  it('compares with what a document is after it got the lock, even where a transaction sees one moment only', async () => {
    await sql("ALTER ROLE ledger SET default_transaction_isolation = 'repeatable read'")
    const store = await open()
    await sql('ALTER ROLE ledger RESET default_transaction_isolation')
    const guard = { collection: 'c', key: 'guard', value: 'open' }
    await store.writeDocuments([guard])
    const other = new pg.Client(address)
    await other.connect()
    await other.query('BEGIN')
    await other.query(LOCK_DOCUMENTS.text)
    await other.query("UPDATE openseal.document SET value = 'closed' WHERE key = 'guard'")
    const outcome = assert.rejects(store.writeDocuments([{ ...guard, key: 'late' }], { unless: [guard] }), {
      code: 'STORE_DOCUMENT_CHANGED',
    })
    await until(async () => assert.ok((await sql("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")).length > 0))
    await other.query('COMMIT')
    await outcome
    await other.end()
    assert.equal(await store.readDocument('c', 'late'), undefined)
  })

  it('changes the head in place, keeps the edge out of it, and leaves few dead bytes', async () => {
    const store = await open()
    const edgeOf = (size: number) => ({
      tiles: [new Uint8Array(32 * (size % 256)).fill(1)],
      bundle: new Uint8Array(34 * (size % 256)).fill(2),
    })
    for (let size = 0; size < 64; size++) await store.commit({ ...commitOf(size, size + 1), edge: edgeOf(size + 1) })
    assert.deepEqual((await store.readHead())?.edge, edgeOf(64))
    // A connection reports its statistics when it ends.
    await store.close()
    await until(async () => {
      const [head] = await sql(
        "SELECT n_tup_upd::int AS all, n_tup_hot_upd::int AS hot FROM pg_stat_all_tables WHERE relid = 'openseal.head'::regclass",
      )
      assert.deepEqual(head, { all: 64, hot: 64 })
    })
    // As one row beside the head it would be 64 times 2 KB on average.
    const [{ bytes }] = await sql("SELECT pg_total_relation_size('openseal.edge')::int AS bytes")
    assert.ok(bytes < 110_000, `${bytes} bytes`)
  })

  it('finds each identity by its index, and never reads a whole table', async () => {
    const store = await open()
    await store.commit(commitOf(0, 3000))
    await sql('ANALYZE openseal.identity, openseal.lookup')
    const scans =
      "SELECT sum(seq_scan)::int AS n FROM pg_stat_all_tables WHERE schemaname = 'openseal' AND relname IN ('identity', 'lookup', 'statement')"
    for (let round = 0; round < 12; round++) {
      const asked = Array.from({ length: 1 + 40 * round }, (_, i) => i)
      assert.deepEqual(await store.findIdentities(asked.map(i => hex(`identity ${i}`))), asked)
      await store.haveStatements(asked.map(i => record(i).subject!))
      await store.digestsWithPrefix('a', { limit: 5, each: 4 })
      await store.listByAgency('a.example', 2000, 20)
    }
    await store.close()
    // Each table once, when its index was made. A connection reports its statistics when it ends.
    assert.deepEqual(await sql(scans), [{ n: 3 }])
  })

  it('takes no document for a record, whatever its digest is', async () => {
    const store = await open()
    const subject = { agency: 'a.example', record: 'another' }
    await store.commit(commitOf(0, 1, [{ ...record(0), digests: [Buffer.from(recordKey(subject)).toString('hex')] }]))
    assert.deepEqual(await store.haveStatements([subject]), [false])
  })

  it('says that bytes may remain while an open transaction can read erased rows, or the server has not swept them', async () => {
    const store = await open()
    await store.commit(commitOf(0, 4))
    const reader = new pg.Client(address)
    await reader.connect()
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
    await reader.query('SELECT * FROM openseal.statement')
    const erasedOf = (index: number) => {
      const { statement: _, ...erased } = record(index)
      return [erased]
    }
    await store.commit({ ...commitOf(4, 5), erase: erasedOf(1) })
    assert.equal(await store.hasRemains(), true)
    await assert.rejects(store.purge(), { code: 'STORE_REMAINS', message: /may still read them/ })
    assert.equal(await store.hasRemains(), true)
    await reader.end()
    await store.purge()
    assert.equal(await store.hasRemains(), false)
    assert.equal(plain(await store.readStatement(2)), 'statement 2')

    // If the server does not count, nobody knows what is left.
    await server.set('track_counts = off')
    await store.commit({ ...commitOf(5, 6), erase: erasedOf(2) })
    await assert.rejects(store.purge(), { code: 'STORE_REMAINS', message: /has not swept.*track_counts must be on/ })
    assert.equal(await store.hasRemains(), true)
    await server.set('track_counts = on')
    await store.purge()
    assert.equal(await store.hasRemains(), false)
  })

  for (const [isolation, state] of [
    ['read committed', '40P01'],
    ['repeatable read', 'CR000'],
    ['serializable', '40001'],
  ] as const)
    it(`begins again where the server wants that, at whichever statement and at COMMIT itself, at ${isolation}, with ${state}`, async () => {
      await sql(`ALTER ROLE ledger SET default_transaction_isolation = '${isolation}'`)
      const links = createLinks({ address: parseAddress(address), limits: LIMITS, host: systemHost(silentLog) })
      const failing = failingOnce(await links.get(), state)
      await sql('ALTER ROLE ledger RESET default_transaction_isolation')
      const all = createDatabase({ ...links, get: async () => failing.link })
      const [log, documents] = [createLog(all), createDocuments(all)]
      const erasedOf = (index: number) => {
        const { statement: _, ...erased } = record(index)
        return [erased]
      }
      let size = 0
      const work = async () => {
        const changes = [{ collection: 'c', key: 'size', value: String(size) }]
        await log.commit({
          ...commitOf(size, size + 2),
          documents: { changes, unless: [] },
          ...(size > 0 && { erase: erasedOf(size - 3) }),
        })
        const begun = await log.begin!({ identities: [hex(`identity ${size}`)], records: [{ agency: 'a.example', record: `r${size}` }] })
        assert.deepEqual([begun.stored?.head.size, begun.known, begun.have], [size + 2, [size], [true]])
        assert.equal((await begun.commit(commitOf(size + 2, size + 3)))?.head.size, size + 3)
        size += 3
        assert.equal((await log.confirmHead())?.head.size, size)
        assert.equal((await log.readHead())?.head.size, size)
        assert.deepEqual(await log.findIdentities([hex(`identity ${size - 1}`), hex('none')]), [size - 1, undefined])
        await documents.writeDocuments([{ ...changes[0]!, value: 'written' }], { unless: changes })
        assert.equal(await documents.readDocument('c', 'size'), 'written')
      }
      let statements = 0
      for (let isOver = false; !isOver; statements++) {
        failing.failAt(statements)
        await work()
        isOver = !failing.hasFailed()
      }
      assert.ok(statements > 20, `${statements} statements`)

      // At COMMIT, every other time: a sequence does not go back with its transaction.
      await sql(`CREATE SEQUENCE public.tried;
        GRANT USAGE ON SEQUENCE public.tried TO ledger;
        CREATE FUNCTION public.again() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN IF nextval('public.tried') % 2 = 1 THEN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END IF; RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON openseal.head DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.again()`)
      failing.failAt(-1)
      await work()
      assert.deepEqual(await sql('SELECT last_value > 2 AS often FROM public.tried'), [{ often: true }])

      const counts = ['identity', 'statement', 'batch'].map(table => `(SELECT count(*)::int FROM openseal.${table}) AS ${table}`)
      const rounds = size / 3
      const left = size - (rounds - 1)
      assert.deepEqual(await sql(`SELECT ${counts.join(', ')}`), [{ identity: left, statement: left, batch: 2 * rounds }])
      await all.close()
    })

  it('is at READ COMMITTED, where it gets its turn, whatever the database is set to', async () => {
    await sql("ALTER ROLE ledger SET default_transaction_isolation = 'serializable'")
    const links = createLinks({ address: parseAddress(address), limits: LIMITS, host: systemHost(silentLog) })
    await links.get()
    await sql('ALTER ROLE ledger RESET default_transaction_isolation')
    const all = createDatabase(links)
    let level: unknown
    await all.write(async ({ run }) => {
      level = await run([{ name: 'level', text: 'SHOW transaction_isolation' }])
      return []
    })
    assert.deepEqual(level, [[['read committed']]])
    await all.close()
  })

  it('takes a mistake of ours for no trouble of the database: it ends at once, and writes nothing', async () => {
    const store = await open()
    const [wrong, ...rest] = commitOf(0, 2).records
    const commit = { ...commitOf(0, 2), records: [{ ...wrong!, identity: 'zz' }, ...rest] }
    await assert.rejects(store.commit(commit), /^Error: bug: "zz" is not a hash/)
    assert.deepEqual(await sql('SELECT size, beat FROM openseal.head'), [{ size: '0', beat: '0' }])
    await store.commit(commitOf(0, 2))
  })

  it('refuses another database under the address that it began with', async () => {
    const [mine, other] = [address, await server.newDatabase()]
    const store = await open()
    const foreign = await openPostgresStore(other, systemHost(silentLog))
    await foreign.commit(commitOf(0, 7))
    await foreign.close()
    await store.commit(commitOf(0, 2))
    for (const [from, to] of [
      [nameOf(mine), 'gone'],
      [nameOf(other), nameOf(mine)],
    ] as const) {
      await server.sql(`SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '${from}'`)
      await server.sql(`ALTER DATABASE ${from} RENAME TO ${to}`)
    }
    await assert.rejects(store.readHead(), { code: 'STORE_UNSETTLED', message: /is not the one that this node began with/ })
    await assert.rejects(store.commit(commitOf(2, 3)), { code: 'STORE_UNSETTLED' })
  })
  const nameOf = (of: string) => new URL(of).pathname.slice(1)

  it('asks the database for nothing that lies across a fail-over or that other engines lack', () => {
    const folder = join(import.meta.dirname, '../../../src/store/postgres')
    const source = readdirSync(folder)
      .map(file => readFileSync(join(folder, file), 'utf8'))
      .join('\n')
    const code = source.replace(/\/\*\*[\s\S]*?\*\//g, '')
    for (const word of [
      'pg_xact_status',
      'advisory',
      'LISTEN',
      'NOTIFY',
      'TEMP',
      'SERIAL',
      'nextval',
      'SAVEPOINT',
      'PARTITION',
      'TRUNCATE',
      'pg_cancel',
      'pg_terminate',
    ])
      assert.ok(!code.includes(word), word)
  })
})
