/** Batches that begin with the head locked, on a store that nodes share. */
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { formatVkey } from '../../src/core/tlog/note.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { createSequencer } from '../../src/log/sequencer.ts'
import { createLogSigner } from '../../src/log/signer.ts'
import { openLogView } from '../../src/log/view.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import { StoreError } from '../../src/store/port/errors.ts'
import type { SharedStore } from '../../src/store/port/port.ts'
import { checkLog } from '../ledger/check-log.ts'
import { ORIGIN, openTestLedger, signer, statementOf } from '../ledger/fixtures.ts'
import { createReplicated } from '../store/replicated.ts'
import { testHost } from '../test-host.ts'

/** The disk of a database takes most of the time of a commit, so nodes wait for their turns. */
const COMMIT_MS = 3
const nextSigner = createLogSigner(ORIGIN, new Uint8Array(32).fill(7))

/**
 * A store on which each commit waits for those that have begun before, as on a database, and is
 * refused once it has ended.
 */
function createLockingStore(memory: SharedStore = createMemoryStore()): SharedStore {
  let last: Promise<void> = Promise.resolve()
  /** Takes the lock. Resolves to what gives it up. */
  const lock = async (): Promise<() => void> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const before = last
    last = promise
    await before
    return resolve
  }
  const locked = async <T>(work: () => Promise<T>): Promise<T> => {
    const end = await lock()
    return work().finally(end)
  }
  return {
    ...memory,
    commit: commit => locked(() => memory.commit(commit)),
    confirmHead: () => locked(memory.confirmHead),
    async begin({ identities, records }) {
      const giveUp = await lock()
      let hasEnded = false
      const end = () => {
        hasEnded = true
        giveUp()
      }
      return {
        stored: await memory.readHead(),
        known: await memory.findIdentities(identities),
        have: await memory.haveStatements(records),
        async commit(commit) {
          if (hasEnded) throw new Error('this commit has ended')
          await sleep(COMMIT_MS)
          await memory.commit(commit).finally(end)
          return memory.readHead()
        },
        end,
      }
    },
  }
}

describe('a batch that begins with the head locked', () => {
  it('is not sealed on a head that ends the key of its node', async () => {
    const store = createLockingStore()
    const [a, b] = [await openTestLedger(store), await openTestLedger(store)]
    const { change } = await a.changeKey(formatVkey(nextSigner.vkey))
    await rejects(b.submit(statementOf('one')), { code: 'LEDGER_KEY_ENDED' })
    equal(await checkLog(store), change.fromSize - 1)
  })

  it('is not sealed if the ledger was stopped while it waited', async () => {
    const store = createLockingStore()
    const a = await openTestLedger(store)
    const begun = await store.begin!({ identities: [], records: [] })
    const submitted = a.submit(statementOf('one'))
    await sleep(COMMIT_MS)
    a.stop('the store is at odds with its anchor', 'CHAIN_AHEAD')
    begun.end()
    await rejects(submitted, { code: 'LEDGER_STOPPED' })
    equal(await checkLog(store), 1)
  })

  it('begins one log where nodes start at the same time on an empty store', async () => {
    const store = createLockingStore()
    const nodes = await Promise.all([openTestLedger(store), openTestLedger(store), openTestLedger(store)])
    equal(await checkLog(store), 1)
    const answers = await Promise.all(nodes.map(node => node.submit(statementOf('one'))))
    deepEqual(answers.map(({ index, known }) => [index, known]).sort(), [
      [1, false],
      [1, true],
      [1, true],
    ])
  })

  for (const [what, others] of Object.entries({ '': [], ', and others have sealed since': ['two', 'three'] }))
    it(`is begun again where a fail-over has taken back the statements that it knew${what}`, async () => {
      const replicated = createReplicated()
      const { store, unreplicated } = replicated
      const confirmHead = async () => {
        if (replicated.atRisk() > 0) {
          await replicated.failOver()
          for (const record of others) await third.submit(statementOf(record))
        }
        return store.confirmHead()
      }
      const node = await openTestLedger(createLockingStore({ ...store, confirmHead }))
      const [other, third] = [await openTestLedger(unreplicated), await openTestLedger(store)]
      replicated.replicate()
      await other.submit(statementOf('one'))
      deepEqual(await node.submit(statementOf('one')), { index: 1 + others.length, known: false })
      equal(await checkLog(store), 2 + others.length)
    })

  it('stops the ledger where the head that it finds is damaged, and keeps no other node out', async () => {
    const store = createLockingStore()
    const begin: SharedStore['begin'] = async questions => {
      const begun = await store.begin!(questions)
      return { ...begun, stored: begun.stored && { ...begun.stored, edge: { ...begun.stored.edge, tiles: [] } } }
    }
    const [a, b] = [await openTestLedger(store), await openTestLedger({ ...store, begin })]
    await a.submit(statementOf('one'))
    await rejects(b.submit(statementOf('two')), { code: 'LEDGER_STOPPED' })
    equal(b.stopCode(), 'LEDGER_CORRUPT')
    deepEqual(await a.submit(statementOf('two')), { index: 2, known: false })
  })

  it('ends, and stops nothing, where what its entry depends on cannot be read', async () => {
    const store = createLockingStore()
    const view = await openLogView({ store, signer, origin: ORIGIN })
    const sequencer = createSequencer({ store, view, host: testHost() })
    const damaged = new StoreError('STORE_DAMAGED', 'this part cannot be read')
    await rejects(
      sequencer.sealNext(() => Promise.reject(damaged)),
      damaged,
    )
    equal(sequencer.stopped(), undefined)
    await store.confirmHead()
  })

  describe('while other nodes seal all the time', () => {
    let nodes: readonly Ledger[]
    let isOver: boolean
    let others: Promise<unknown>
    beforeEach(async () => {
      const store = createLockingStore()
      nodes = [await openTestLedger(store), await openTestLedger(store), await openTestLedger(store)]
      await nodes[0]!.submit(statementOf('one'))
      isOver = false
      const busy = async (node: Ledger, name: number) => {
        for (let i = 0; !isOver; i++) await node.submit(statementOf(`${name} ${i}`))
      }
      others = Promise.allSettled([0, 0, 1, 1].map((at, name) => busy(nodes[at]!, name)))
      await sleep(10 * COMMIT_MS)
    })
    afterEach(() => {
      isOver = true
      return others
    })

    it('is answered if it holds known statements only', async () => {
      deepEqual(await nodes[2]!.submit(statementOf('one')), { index: 1, known: true })
    })

    it('gets in if its entry depends on its index', async () => {
      const { index, change } = await nodes[2]!.changeKey(formatVkey(nextSigner.vkey))
      equal(change.fromSize, index + 2)
    })
  })
})
