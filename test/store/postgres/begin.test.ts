/** Commits that have begun: nodes wait for each other, and a node that does nothing is put out. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemHost } from '../../../src/host.ts'
import { silentLog } from '../../../src/logger.ts'
import { withDeadlines } from '../../../src/store/deadlines.ts'
import type { Questions } from '../../../src/store/port/log.ts'
import type { SharedStore } from '../../../src/store/port/port.ts'
import { LIMITS } from '../../../src/store/postgres/connection.ts'
import { openPostgresStore } from '../../../src/store/postgres/postgres.ts'
import { commitOf, hex } from '../conformance/commits.ts'
import { startPostgres, type TestServer } from './server.ts'

const NOTHING: Questions = { identities: [], records: [] }

describe('a commit to PostgreSQL that has begun', () => {
  let server: TestServer
  let address: string
  const host = systemHost(silentLog)
  const opened: SharedStore[] = []
  const open = async (more: Partial<typeof LIMITS> = {}) => {
    const store = await openPostgresStore(address, host, { ...LIMITS, ...more })
    opened.push(store)
    return store
  }
  /** Resolves when this many transactions wait for the head. */
  const waiting = async (count: number) => {
    for (;;) {
      const rows = await server.sql("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'openseal'")
      if (rows.length === count) return
      await sleep(5)
    }
  }
  const begin = (store: SharedStore, questions = NOTHING) => store.begin!(questions)

  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())
  beforeEach(async () => {
    address = await server.newDatabase()
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(store => store.close()))
  })

  it('has the head and the answers of that head, and what it commits is read back', async () => {
    const [a, b] = [await open(), await open()]
    const questions = { identities: [hex('identity 1'), hex('none')], records: [{ agency: 'a.example', record: 'r0' }] }
    const first = await begin(a, questions)
    assert.deepEqual([first.stored, first.known, first.have], [undefined, [undefined, undefined], [false]])
    const second = begin(b, questions)
    await waiting(1)
    const { previous: _, ...next } = commitOf(0, 2)
    assert.deepEqual(await first.commit(commitOf(0, 2)), await a.readHead())
    const { stored, known, have, end } = await second
    assert.deepEqual([stored?.head, stored?.edge, known, have], [next.next, next.edge, [1, undefined], [true]])
    end()
    assert.equal((await b.readHead())?.head.size, 2)
  })

  it('comes one at a time, and everything else waits for its end', async () => {
    const [first, second, third, last] = [await open(), await open(), await open(), await open()]
    const begun = await begin(first)
    const done: string[] = []
    let inside = 0
    const turn = async (store: SharedStore) => {
      const { end } = await begin(store)
      assert.equal(++inside, 1)
      await sleep(20)
      inside--
      done.push('turn')
      end()
    }
    const committed = last.commit(commitOf(1, 2)).catch(error => done.push(error.code))
    await waiting(1)
    const turns = [turn(second), turn(third)]
    await waiting(3)
    assert.deepEqual(done, [])
    begun.end()
    await Promise.all([...turns, committed])
    assert.deepEqual(done.sort(), ['STORE_HEAD_MOVED', 'turn', 'turn'])
  })

  it('leaves nothing when it ends without a commit, and the same node goes on', async () => {
    const store = await open()
    const begun = await begin(store)
    begun.end()
    assert.equal(await store.readHead(), undefined)
    const again = await begin(store)
    await again.commit(commitOf(0, 3))
    again.end()
    assert.equal((await store.confirmHead())?.head.size, 3)
  })

  it('is refused if it was not built on the head', async () => {
    const store = await open()
    await store.commit(commitOf(0, 2))
    await assert.rejects((await begin(store)).commit(commitOf(0, 3)), { code: 'STORE_HEAD_MOVED' })
    assert.equal((await store.readHead())?.head.size, 2)
  })

  it('ends by itself if its node does nothing, and what that node commits then is not in', async () => {
    const [slow, store] = [await open({ idleMs: 1000 }), await open()]
    await slow.commit(commitOf(0, 2))
    const begun = await begin(slow)
    await store.commit(commitOf(2, 5))
    await assert.rejects(begun.commit(commitOf(2, 9)), { code: 'STORE_WRITE_FAILED' })
    assert.equal((await slow.confirmHead())?.head.size, 5)
    assert.deepEqual(await slow.findIdentities([hex('identity 8')]), [undefined])
  })

  it('is waited for until the database cuts its node off, with the limits of a service', async () => {
    const [stopped, store] = [await open(), await open()]
    const begun = await begin(stopped)
    const committed = store.commit(commitOf(0, 1))
    await waiting(1)
    await committed
    await assert.rejects(begun.commit(commitOf(0, 9)), { code: 'STORE_WRITE_FAILED' })
  })

  it('is given up if it begins after its deadline, and then keeps nobody out', async () => {
    const [holder, store] = [await open(), await open()]
    const begun = await begin(holder)
    const late = withDeadlines(store, host, 200)
    await assert.rejects(late.begin!(NOTHING), { code: 'STORE_LATE' })
    begun.end()
    await holder.commit(commitOf(0, 1))
    await store.commit(commitOf(1, 2))
  })

  it('is given up if its node does not go on in time, so that its own writes and its end do not wait forever', async () => {
    const store = await open()
    const late = withDeadlines(store, host, 1000)
    const begun = await late.begin!(NOTHING)
    await store.commit(commitOf(0, 1))
    await assert.rejects(begun.commit(commitOf(0, 3)))
    assert.equal((await store.confirmHead())?.head.size, 1)
  })

  it('says that the ledger was moved', async () => {
    const store = await open()
    await store.commit(commitOf(0, 2))
    await store.retire(true)
    await assert.rejects(begin(store), { code: 'STORE_MOVED' })
  })
})
