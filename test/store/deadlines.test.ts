/** Calls of a store that hang, on a clock that the test moves. */
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { withDeadlines } from '../../src/store/deadlines.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import type { BegunCommit } from '../../src/store/port/log.ts'
import type { EmbeddedStore, Store } from '../../src/store/port/port.ts'
import { createTestClock, testHost } from '../test-host.ts'
import { commitOf } from './conformance/commits.ts'
import { storeConformance } from './conformance.ts'

const late = { code: 'STORE_LATE' }
const never = () => new Promise<never>(() => {})

function openOn(changes: Partial<EmbeddedStore>) {
  const clock = createTestClock()
  let tasks = 0
  const host = testHost(clock)
  const spawn: typeof host.spawn = (name, run) => {
    tasks++
    return host.spawn(name, run)
  }
  const store = withDeadlines({ ...createMemoryStore(), ...changes }, { ...host, spawn }, 100)
  return { clock, store, tasks: () => tasks }
}

describe('a store with deadlines', () => {
  storeConformance<Store>({ open: async () => withDeadlines(createMemoryStore(), testHost(), 60_000) })

  it('refuses a call without an answer when its time is over, and not before', async () => {
    const { clock, store } = openOn({ readStatement: never })
    let refused = false
    const reading = rejects(store.readStatement(1), late).then(() => {
      refused = true
    })
    clock.advance(99)
    await new Promise(setImmediate)
    equal(refused, false)
    clock.advance(1)
    await reading
  })

  it('gives each call its own time, watched by one task', async () => {
    const { clock, store, tasks } = openOn({ readStatement: never, readTile: never })
    const first = rejects(store.readStatement(1), late)
    clock.advance(60)
    const second = rejects(store.readTile(0, 0), late)
    clock.advance(40)
    await first
    await new Promise(setImmediate)
    clock.advance(60)
    await second
    equal(tasks(), 1)
    equal(await store.readBundle(0), undefined)
  })

  it('passes on answers and errors that come in time', async () => {
    const error = new Error('another')
    const { clock, store } = openOn({ readTile: () => Promise.reject(error) })
    await rejects(store.readTile(0, 0), error)
    await store.writeDocuments([{ collection: 'c', key: 'k', value: 'v' }])
    equal(await store.readDocument('c', 'k'), 'v')
    clock.advance(1000)
    equal(await store.readDocument('c', 'k'), 'v')
  })

  it('gives a purge the time that it takes', async () => {
    let finish = () => {}
    const purge = () =>
      new Promise<void>(resolve => {
        finish = resolve
      })
    const { clock, store } = openOn({ purge })
    const purging = store.purge()
    clock.advance(1000)
    await new Promise(setImmediate)
    finish()
    await purging
  })

  it('gives each step of a range its time', async () => {
    const { clock, store } = openOn({
      async *readStatements() {
        yield { index: 0, statement: undefined }
        await never()
      },
    })
    const read: number[] = []
    const reading = (async () => {
      for await (const { index } of store.readStatements(0, 2)) {
        read.push(index)
        setImmediate(() => clock.advance(100))
      }
    })()
    await rejects(reading, late)
    deepEqual(read, [0])
  })

  describe('where a commit begins', () => {
    const questions = { identities: [], records: [] }
    /** How often the store was told to end a commit, which gives up its lock. */
    let ends: number
    beforeEach(() => {
      ends = 0
    })
    const begunWith = (changes: Partial<BegunCommit> = {}): BegunCommit => ({
      ...{ stored: undefined, known: [], have: [], commit: async () => undefined },
      end: () => void ends++,
      ...changes,
    })
    const pass = async (clock: ReturnType<typeof createTestClock>, ms: number) => {
      clock.advance(ms)
      await new Promise(setImmediate)
    }

    it('refuses one that has not begun in time, and ends it if it begins late', async () => {
      const { promise, resolve } = Promise.withResolvers<BegunCommit>()
      const { clock, store } = openOn({ begin: () => promise })
      const beginning = rejects(store.begin!(questions), late)
      clock.advance(100)
      await beginning
      equal(ends, 0)
      resolve(begunWith())
      await new Promise(setImmediate)
      equal(ends, 1)
    })

    it('ends one whose caller does not go on in time, and not before', async () => {
      const { clock, store } = openOn({ begin: async () => begunWith() })
      await store.begin!(questions)
      await pass(clock, 99)
      equal(ends, 0)
      await pass(clock, 1)
      equal(ends, 1)
    })

    it('gives the commit its own time, and refuses it afterwards', async () => {
      const { clock, store } = openOn({ begin: async () => begunWith({ commit: never }) })
      const begun = await store.begin!(questions)
      await pass(clock, 60)
      let refused = false
      const committing = rejects(begun.commit(commitOf(0, 1)), late).then(() => {
        refused = true
      })
      await pass(clock, 99)
      deepEqual([refused, ends], [false, 0])
      clock.advance(1)
      await committing
    })

    it('ends once one that its caller ends', async () => {
      const { clock, store } = openOn({ begin: async () => begunWith() })
      const begun = await store.begin!(questions)
      begun.end()
      await pass(clock, 1000)
      equal(ends, 1)
    })
  })
})
