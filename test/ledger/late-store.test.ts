/**
 * A ledger whose store does not answer in time: what a late commit has done is learnt from the
 * head.
 */
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { withDeadlines } from '../../src/store/deadlines.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import type { Store } from '../../src/store/port/port.ts'
import { createTestClock } from '../test-host.ts'
import { checkLog } from './check-log.ts'
import { openTestLedger, statementOf } from './fixtures.ts'

const DEADLINE_MS = 1000

/** A ledger whose next commit hangs; `land` lets it reach the store. */
async function openHanging({ hangsReads = false } = {}) {
  const clock = createTestClock()
  const store = createMemoryStore()
  const hanging: (() => Promise<void>)[] = []
  let hangs = false
  const readHead: Store['readHead'] = () => (hangs && hangsReads ? new Promise(() => {}) : store.readHead())
  const slow: Store = {
    ...store,
    commit(commit) {
      if (!hangs) return store.commit(commit)
      return new Promise(answer => hanging.push(() => store.commit(commit).then(answer, () => answer())))
    },
    readHead,
    confirmHead: readHead,
  }
  const ledger = await openTestLedger(withDeadlines(slow, { ...clock, spawn: spawnNow }, DEADLINE_MS), { host: clock })
  hangs = true
  return {
    clock,
    store,
    ledger,
    recover: () => {
      hangs = false
    },
    land: async () => {
      for (const land of hanging.splice(0)) await land()
    },
  }
}

const spawnNow: Parameters<typeof withDeadlines>[1]['spawn'] = (_name, run) => {
  const controller = new AbortController()
  const ended = run(controller.signal).catch(() => {})
  return {
    async stop() {
      controller.abort()
      await ended
    },
  }
}

/** Moves the clock until the promise is settled. */
async function whileMoving<T>(clock: ReturnType<typeof createTestClock>, promise: Promise<T>): Promise<T> {
  let isSettled = false
  const settled = promise.finally(() => {
    isSettled = true
  })
  settled.catch(() => {})
  await until(clock, () => isSettled)
  return settled
}

/** Moves the clock until the condition holds. */
async function until(clock: ReturnType<typeof createTestClock>, holds: () => boolean): Promise<void> {
  for (let turns = 0; !holds(); turns++) {
    ok(turns < 1000, 'it never comes to that')
    await new Promise(setImmediate)
    clock.advance(DEADLINE_MS / 4)
  }
}

async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
}

describe('a store that answers late', () => {
  for (const hangsReads of [false, true]) {
    const what = hangsReads ? 'commit and head hang' : 'a commit hangs'
    it(`gives no index and claims nothing while ${what}, and finds the batch once it has landed`, async () => {
      const { clock, store, ledger, land, recover } = await openHanging({ hangsReads })
      await rejects(whileMoving(clock, ledger.submit(statementOf('one'))), { code: 'LEDGER_UNSETTLED', message: /safe to send/ })
      equal(ledger.head().size, 1)
      recover()
      await land()
      // The head shows it, without another submission.
      await until(clock, () => ledger.head().size === 2)
      equal(ledger.unsettled(), undefined)
      deepEqual(await ledger.submit(statementOf('one')), { index: 1, known: true })
      equal(ledger.stopped(), undefined)
      equal(await checkLog(store), 2)
    })

    it(`seals it again where ${what} for good`, async () => {
      const { clock, store, ledger, recover } = await openHanging({ hangsReads })
      await rejects(whileMoving(clock, ledger.submit(statementOf('one'))), { code: 'LEDGER_UNSETTLED' })
      recover()
      deepEqual(await whileMoving(clock, ledger.submit(statementOf('one'))), { index: 1, known: false })
      equal(ledger.stopped(), undefined)
      equal(await checkLog(store), 2)
    })
  }

  it('refuses the late batch where another one has taken its place', async () => {
    const { clock, store, ledger, land, recover } = await openHanging()
    await rejects(whileMoving(clock, ledger.submit(statementOf('one'))), { code: 'LEDGER_UNSETTLED' })
    recover()
    deepEqual(await ledger.submit(statementOf('two')), { index: 1, known: false })
    await land()
    deepEqual(await ledger.submit(statementOf('one')), { index: 2, known: false })
    equal(await checkLog(store), 3)
  })

  it('answers with the index where only the answer of the commit is lost', async () => {
    const { clock, store, ledger, land } = await openHanging()
    const submitting = ledger.submit(statementOf('one'))
    await turns()
    const { commit } = store
    store.commit = async batch => {
      await commit(batch)
      return new Promise<void>(() => {})
    }
    land().catch(() => {})
    deepEqual(await whileMoving(clock, submitting), { index: 1, known: false })
  })

  it('says while it waits why nothing is accepted', async () => {
    const { clock, ledger } = await openHanging({ hangsReads: true })
    await rejects(whileMoving(clock, ledger.submit(statementOf('one'))), { code: 'LEDGER_UNSETTLED' })
    match(ledger.unsettled() ?? '', /not answered in time/)
  })
})
