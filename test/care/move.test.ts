/** Moving a ledger between a data folder and a real PostgreSQL, with interruptions at every commit. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { abortMove, moveLedger, type NamedStore, readMoveMark } from '../../src/care/move.ts'
import { toHex } from '../../src/core/bytes.ts'
import { systemHost } from '../../src/host.ts'
import { silentLog } from '../../src/logger.ts'
import { openLevelStore } from '../../src/store/level/level.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import type { Store } from '../../src/store/port/port.ts'
import { openPostgresStore } from '../../src/store/postgres/postgres.ts'
import { openTestLedger, statementOf } from '../ledger/fixtures.ts'
import { startPostgres, type TestServer } from '../store/postgres/server.ts'

/** More than one part of a move, and not a whole bundle at the end. */
const SIZE = 4500

const named = (name: string, store: Store): NamedStore => ({ name, store })

/** Makes a ledger of this size with an erased statement, and closes it with its store. */
async function fill(store: Store, size: number): Promise<void> {
  let nowMs = Date.UTC(2026, 0, 2)
  const ledger = await openTestLedger(store, { host: { nowMs: () => nowMs } })
  for (let sent = 0; sent < size - 2; ) {
    const part = Math.min(997, size - 2 - sent)
    await Promise.all(Array.from({ length: part }, (_, i) => ledger.submit(statementOf(`r${sent + i}`, sent + i))))
    sent += part
    nowMs += 60_000
  }
  await ledger.requestErasure(7, 'personal-data', { by: 'operator' })
  await ledger.close()
}

/** Everything that two stores of the same ledger must have in common. */
async function contentOf(store: Store) {
  const row = await store.readHead()
  const size = row?.head.size ?? 0
  const statements: string[] = []
  for await (const { statement } of store.readStatements(0, size))
    statements.push(statement === undefined ? '' : Buffer.from(statement).toString())
  const documents: unknown[] = []
  for (const collection of await store.listCollections())
    if (collection !== 'local-move')
      for (const { key, value } of await store.listDocuments(collection)) documents.push([collection, key, value])
  const times: number[] = []
  for (const { size, timeMs } of await store.readCommits(0, row!.head.size)) while (times.length < size) times.push(timeMs)
  return { size, root: toHex(row!.head.root), statements, documents, times }
}

/** A store whose writes end after this many, as if the process had been killed. */
function stopAfter(store: Store, writes: number): Store {
  let left = writes
  const spend = () => {
    if (left-- <= 0) throw new Error('ended')
  }
  return {
    ...store,
    async commit(commit) {
      spend()
      await store.commit(commit)
    },
    async writeDocuments(changes, options) {
      spend()
      await store.writeDocuments(changes, options)
    },
  }
}

describe('care/move', () => {
  let server: TestServer
  let folder: string
  const host = systemHost(silentLog)
  const opened: Store[] = []
  const keep = <S extends Store>(store: S): S => {
    opened.push(store)
    return store
  }
  before(async () => {
    server = await startPostgres()
    folder = await mkdtemp(join(tmpdir(), 'openseal-move-'))
  })
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close()
  })
  after(async () => {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('moves a ledger into a database and back, with its times, its documents and its erasures, to the same root', async () => {
    await fill(await openLevelStore(join(folder, 'there')), SIZE)
    const level = keep(await openLevelStore(join(folder, 'there')))
    await level.writeDocuments([{ collection: 'local-suppressed', key: 'k', value: 'kept in no backup' }])
    const before = await contentOf(level)
    assert.equal(before.size, SIZE)
    assert.equal(before.statements[7], '')

    const address = await server.newDatabase()
    const database = await openPostgresStore(address, host)
    const steps = new Set<string>()
    const { root, ...moved } = await moveLedger(named('A', level), named('B', database), ({ step, done, total }) => {
      assert.ok(done <= total && total === SIZE)
      steps.add(step)
    })
    assert.deepEqual(moved, { size: SIZE, erased: 1, documents: before.documents.length })
    assert.equal(toHex(root), before.root)
    assert.deepEqual([...steps], ['copy', 'verify'])
    assert.deepEqual(await contentOf(database), before)
    assert.deepEqual(await readMoveMark(level), { role: 'source', other: 'B', isDone: true })
    assert.equal(await readMoveMark(database), undefined)
    await assert.rejects(abortMove(named('A', level)), { code: 'MOVE_DONE' })
    await assert.rejects(moveLedger(named('A', level), named('B', database)), { code: 'MOVE_DONE' })

    const ledger = await openTestLedger(database)
    assert.deepEqual(await ledger.submit(statementOf('r3', 3)), { index: 4, known: true })
    assert.equal((await ledger.submit(statementOf('new', 9999))).index, SIZE)
    await ledger.close()

    const again = keep(await openPostgresStore(address, host))
    const back = keep(await openLevelStore(join(folder, 'back')))
    await moveLedger(named('B', again), named('C', back))
    assert.deepEqual(await contentOf(back), await contentOf(again))
    assert.deepEqual(await back.findIncomplete([]), [])
    await assert.rejects(again.confirmHead(), { code: 'STORE_MOVED' })
  })

  it('goes on after it was ended at any commit or document, and never lets two stores open', async () => {
    const source = createMemoryStore()
    await fill(source, 1200)
    const whole = await contentOf(source)
    const target = createMemoryStore()
    const from = named('A', source)
    for (let calls = 0; ; calls++) {
      const moving = moveLedger(from, named('B', stopAfter(target, calls)))
      const isEnded = await moving.then(
        () => false,
        () => true,
      )
      if (!isEnded) break
      assert.equal((await readMoveMark(source))?.role, 'source', `ended at call ${calls}`)
      await assert.rejects(source.confirmHead(), { code: 'STORE_MOVED' })
      if (calls > 0) assert.equal((await readMoveMark(target))?.role, 'destination', `ended at call ${calls}`)
      assert.ok(calls < 50)
    }
    assert.deepEqual(await contentOf(target), whole)
    assert.deepEqual([(await readMoveMark(source))?.isDone, await readMoveMark(target)], [true, undefined])
  })

  it('is taken back before it has ended, and the ledger may grow before it is moved again', async () => {
    const [source, target] = [createMemoryStore(), createMemoryStore()]
    await fill(source, 1200)
    await source.writeDocuments([{ collection: 'c', key: 'gone', value: 'v' }])
    const [from, to] = [named('A', source), named('B', target)]
    await assert.rejects(moveLedger(from, named('B', stopAfter(target, 4))), /ended/)
    await assert.rejects(moveLedger(from, named('C', createMemoryStore())), { code: 'MOVE_ELSEWHERE' })
    await assert.rejects(moveLedger(to, named('C', createMemoryStore())), { code: 'MOVE_ELSEWHERE' })
    await abortMove(from)
    await assert.rejects(abortMove(from), { code: 'MOVE_NONE' })

    const ledger = await openTestLedger(source)
    await ledger.submit(statementOf('later', 5000))
    await ledger.close()
    await source.writeDocuments([{ collection: 'c', key: 'gone', value: null }])
    await moveLedger(from, to)
    assert.deepEqual(await contentOf(target), await contentOf(source))
  })

  it('does not end after another process has taken it back, nor is it taken back after it has ended', async () => {
    const [source, target] = [createMemoryStore(), createMemoryStore()]
    await fill(source, 300)
    const from = named('A', source)
    let isAborted = false
    const aborting = {
      ...target,
      async commit(commit: Parameters<Store['commit']>[0]) {
        if (!isAborted) await abortMove(from)
        isAborted = true
        await target.commit(commit)
      },
    }
    await assert.rejects(moveLedger(from, named('B', aborting)), { code: 'MOVE_CHANGED' })
    assert.deepEqual([await readMoveMark(source), (await readMoveMark(target))?.role], [undefined, 'destination'])
    await (await openTestLedger(source)).close()

    // The move ends between what taking it back reads and what it writes.
    await assert.rejects(moveLedger(from, named('B', stopAfter(target, 1))), /ended/)
    const late = {
      ...source,
      retire: (...change: Parameters<typeof source.retire>) => moveLedger(from, named('B', target)).then(() => source.retire(...change)),
    }
    await assert.rejects(abortMove(named('A', late)), { code: 'MOVE_CHANGED' })
    await assert.rejects(source.confirmHead(), { code: 'STORE_MOVED' })
    assert.equal(await readMoveMark(target), undefined)
  })

  it('marks no destination that another move has marked meanwhile', async () => {
    const [source, other, target] = [createMemoryStore(), createMemoryStore(), createMemoryStore()]
    await fill(source, 300)
    await fill(other, 200)
    const overtaken = {
      ...target,
      async listCollections() {
        const before = await target.listCollections()
        await moveLedger(named('C', other), named('B', stopAfter(target, 1))).catch(() => {})
        return before
      },
    }
    await assert.rejects(moveLedger(named('A', source), named('B', overtaken)), { code: 'MOVE_CHANGED' })
    assert.deepEqual(await readMoveMark(target), { role: 'destination', other: 'C', isDone: false })
  })

  it('refuses a store that is not empty, an empty source, and entries that are not those of the source', async () => {
    const [source, other] = [createMemoryStore(), createMemoryStore()]
    await assert.rejects(moveLedger(named('A', source), named('B', other)), { code: 'MOVE_EMPTY' })
    await fill(source, 300)
    await fill(other, 200)
    await assert.rejects(moveLedger(named('A', source), named('B', other)), { code: 'MOVE_TAKEN' })
    assert.equal(await readMoveMark(source), undefined)
    // The start of a move, on a store with another ledger.
    await other.writeDocuments([
      { collection: 'local-move', key: 'mark', value: JSON.stringify({ role: 'destination', other: 'A', isDone: false }) },
    ])
    await assert.rejects(moveLedger(named('A', source), named('B', other)), { code: 'MOVE_FORKED' })
  })

  it('finds whatever the destination has lost or changed, and stays open to neither', async () => {
    const lost: readonly [string, (store: Store) => Partial<Store>][] = [
      ['tile', store => ({ readTile: async (level, index) => (await store.readTile(level, index))?.fill(0) })],
      ['identity', store => ({ findIdentities: async all => (await store.findIdentities(all)).map(() => undefined) })],
      ['record', _store => ({ haveStatements: async all => all.map(() => false) })],
      ['document', store => ({ readDocument: async (name, key) => (name === 'c' ? 'another' : store.readDocument(name, key)) })],
      [
        'statement',
        store => ({
          async *readStatements(from, to) {
            for await (const each of store.readStatements(from, to)) yield each.index === 5 ? { index: 5, statement: undefined } : each
          },
        }),
      ],
    ]
    for (const [what, change] of lost) {
      const [source, target] = [createMemoryStore(), createMemoryStore()]
      await fill(source, 300)
      await source.writeDocuments([{ collection: 'c', key: 'k', value: 'v' }])
      const changed = { ...target, ...change(target) }
      await assert.rejects(moveLedger(named('A', source), named('B', changed)), { code: 'MOVE_DAMAGED' }, what)
      assert.equal((await readMoveMark(target))?.role, 'destination', what)
      assert.equal((await readMoveMark(source))?.isDone, false, what)
    }
  })
})
