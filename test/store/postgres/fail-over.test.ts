/** A real fail-over: a synchronous standby is promoted, and the old server comes back. */
import assert from 'node:assert/strict'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { systemHost } from '../../../src/host.ts'
import { silentLog } from '../../../src/logger.ts'
import type { SharedStore } from '../../../src/store/port/port.ts'
import { LIMITS } from '../../../src/store/postgres/connection.ts'
import { openPostgresStore } from '../../../src/store/postgres/postgres.ts'
import { commitOf, record } from '../conformance/commits.ts'
import { processOf, startPostgres, type TestServer } from './server.ts'

const REPLICATED = "synchronous_standby_names = 'FIRST 1 (standby)'"

describe('the PostgreSQL store across a fail-over', () => {
  let primary: TestServer
  let standby: TestServer
  const opened: SharedStore[] = []
  before(async () => {
    primary = await startPostgres({ settings: ["wal_keep_size = '256MB'"] })
    await startStandby()
  })
  after(async () => {
    await standby?.stop()
    await primary.stop()
  })
  afterEach(() => Promise.all(opened.splice(0).map(store => store.close())))

  const open = async (address: string, more: Partial<typeof LIMITS> = {}, onMoved?: () => void) => {
    const store = await openPostgresStore(address, systemHost(silentLog), { ...LIMITS, lockMs: 500, answerMs: 1500, ...more }, onMoved)
    opened.push(store)
    return store
  }
  const sizeOf = async (store: SharedStore) => (await store.readHead())?.head.size ?? 0
  /** The same database at both servers, the standby first. */
  const atBoth = (address: string) => address.replace(`127.0.0.1:${primary.port}`, `127.0.0.1:${standby.port},127.0.0.1:${primary.port}`)
  const until = async (done: () => Promise<void>) => {
    for (;;) {
      try {
        return await done()
      } catch {
        await sleep(50)
      }
    }
  }
  /** Copies the stopped primary, and starts both. */
  const startStandby = async () => {
    await primary.end()
    standby = await startPostgres({
      settings: [
        `primary_conninfo = 'host=127.0.0.1 port=${primary.port} user=postgres application_name=standby'`,
        ...["wal_retrieve_retry_interval = '200ms'", 'hot_standby_feedback = on', "wal_receiver_status_interval = '1s'"],
      ],
      fill(data) {
        cpSync(primary.data, data, { recursive: true })
        writeFileSync(join(data, 'standby.signal'), '')
      },
    })
    await primary.start()
    await primary.set(REPLICATED)
    await until(async () => assert.deepEqual(await primary.sql('SELECT sync_state FROM pg_stat_replication'), [{ sync_state: 'sync' }]))
  }

  it('says that bytes may remain while a query on the standby can read erased rows, if the primary heeds it', async () => {
    const address = await primary.newDatabase()
    const store = await open(address)
    await store.commit(commitOf(0, 4))
    const database = new URL(address).pathname.slice(1)
    await until(async () => assert.equal((await standby.sql('SELECT 1 FROM openseal.statement', database)).length, 4))
    const reader = new pg.Client({ host: standby.data, port: standby.port, user: 'postgres', database })
    await reader.connect()
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
    await reader.query('SELECT * FROM openseal.statement')
    await until(async () =>
      assert.deepEqual(await primary.sql('SELECT backend_xmin IS NOT NULL AS is_heeded FROM pg_stat_replication'), [{ is_heeded: true }]),
    )
    const { statement: _, ...erased } = record(1)
    await store.commit({ ...commitOf(4, 5), erase: [erased] })
    await assert.rejects(store.purge(), { code: 'STORE_REMAINS', message: /a standby may still read them/ })
    assert.equal(await store.hasRemains(), true)
    await reader.end()
    await until(() => store.purge())
    assert.equal(await store.hasRemains(), false)
  })

  it('finds the server that writes, keeps every answered commit when it dies, and refuses it when it comes back', async () => {
    const address = await primary.newDatabase()
    let moves = 0
    const nodes = [await open(atBoth(address), {}, () => moves++), await open(atBoth(address)), await open(atBoth(address))]
    const begun = await nodes[0]!.history()
    await assert.rejects(open(address.replace(String(primary.port), String(standby.port))), {
      code: 'STORE_NO_PRIMARY',
      message: /accepts no writes: it is a standby/,
    })

    // A commit that only this server has: its standby is frozen, and the answer is unknown.
    await nodes[0]!.commit(commitOf(0, 1))
    const receiver = await processOf(standby, 'walreceiver')
    process.kill(receiver, 'SIGSTOP')
    await assert.rejects(nodes[0]!.commit(commitOf(1, 4)), { code: 'STORE_WRITE_FAILED' })
    await primary.kill()
    await primary.start()
    // Started again alone, it shows that commit to everyone, and nobody can confirm it.
    await until(async () => assert.equal(await sizeOf(nodes[1]!), 4))
    await assert.rejects(nodes[1]!.confirmHead(), { code: 'STORE_UNSETTLED' })
    await assert.rejects(nodes[0]!.readHead(), { code: 'STORE_UNSETTLED' })
    process.kill(receiver, 'SIGCONT')
    await until(async () => assert.equal((await nodes[1]!.confirmHead())?.head.size, 4))
    await until(async () => assert.equal(await sizeOf(nodes[0]!), 4))

    // The server dies under load, and its standby is promoted.
    const answered = new Map<number, number>()
    let isOver = false
    const working = nodes.map(async (node, of) => {
      while (!isOver) {
        const size = await sizeOf(node).catch(() => undefined)
        if (size === undefined) {
          await sleep(50)
          continue
        }
        await node.commit({ ...commitOf(size, size + 1), timeMs: of }).then(
          () => answered.set(size, of),
          error => assert.match(error.code, /^STORE_(HEAD_MOVED|WRITE_FAILED|UNSETTLED)$/),
        )
      }
    })
    await until(async () => assert.ok(answered.size > 30))
    await primary.kill()
    await standby.sql('SELECT pg_promote(true, 30)')
    const before = answered.size
    await until(async () => assert.ok(answered.size > before + 30))
    isOver = true
    await Promise.all(working)
    for (const [index, of] of answered) assert.equal((await nodes[0]!.readCommits(index, index + 1))[0]?.timeMs, of, `index ${index}`)
    const size = await sizeOf(nodes[0]!)
    for (const node of nodes) assert.equal((await node.confirmHead())?.head.size, size)

    assert.deepEqual([await nodes[0]!.history(), moves], [{ ...begun, timeline: begun.timeline + 1 }, 1])

    // The old server is back, and alone. These nodes know its timeline is too old.
    await standby.kill()
    await primary.start()
    await until(() =>
      assert.rejects(nodes[0]!.commit(commitOf(size, size + 1)), {
        code: 'STORE_UNSETTLED',
        message: /earlier history \(timeline 1\) than the one that this node has used \(2\).*shut it down/,
      }),
    )
    await standby.start()
    await until(() => nodes[0]!.commit(commitOf(size, size + 1)))
    // With both servers up, a new node uses the one with the newer history.
    const late = await open(atBoth(address))
    const reversed = await open(address.replace(`:${primary.port}`, `:${primary.port},127.0.0.1:${standby.port}`))
    assert.deepEqual([await sizeOf(late), await sizeOf(reversed)], [size + 1, size + 1])
  })
})
