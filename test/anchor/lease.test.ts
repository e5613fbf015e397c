/** The lease of the anchorer: one holder at a time, and nothing written by a former one. */
import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { createAnchoring } from '../../src/anchor/anchoring.ts'
import type { AnchorChain } from '../../src/anchor/chain.ts'
import { createLease } from '../../src/anchor/lease.ts'
import { formatVkey, type Signer } from '../../src/core/tlog/note.ts'
import { createLogSigner } from '../../src/log/signer.ts'
import { silentLog } from '../../src/logger.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import type { SharedStore } from '../../src/store/port/port.ts'
import { ORIGIN, openTestLedger, signer, statementOf } from '../ledger/fixtures.ts'
import { CHAIN_ID, createMemoryChain } from '../simulation/chain.ts'
import { createTestClock, testHost } from '../test-host.ts'

const MINUTE_MS = 60_000

function openClocked() {
  let nowMs = 1_000_000
  const store = createMemoryStore({ nowMs: () => nowMs })
  const leaseOf = (holder: string, on: SharedStore = store) => createLease({ store: on, name: 'anchorer', holder })
  return { store, leaseOf, pass: (ms: number) => (nowMs += ms) }
}

/** Nodes of one ledger with an anchorer each, on one chain. */
async function openNodes() {
  const { store, leaseOf, pass } = openClocked()
  const memory = createMemoryChain()
  const clock = createTestClock()
  let blockTime = 0
  const node = async (name: string, chain: AnchorChain = memory.chain, key: Signer = signer) => {
    const ledger = await openTestLedger(store, { signer: key })
    const host = testHost({ nowMs: () => 0, ...clock })
    const deps = { ledger, store, chains: [{ name: 'chain', chain }], intervalMs: 1000, minBatch: 1, host, log: silentLog }
    return { ledger, anchorer: createAnchoring({ ...deps, lease: leaseOf(name) }) }
  }
  return {
    store,
    memory,
    node,
    pass(ms: number) {
      pass(ms)
      clock.advance(ms)
      memory.mine(++blockTime)
    },
  }
}

describe('the lease of the anchorer', () => {
  it('is held by one node until it has not kept it for a minute, by the store’s clock', async () => {
    const { leaseOf, pass } = openClocked()
    const [a, b] = [leaseOf('a'), leaseOf('b')]
    deepEqual([await a.hold(), await b.hold()], [true, false])
    for (let i = 0; i < 10; i++) {
      pass(40_000)
      deepEqual([await a.hold(), await b.hold()], [true, false])
    }
    pass(MINUTE_MS)
    deepEqual([await b.hold(), await a.hold()], [true, false])
  })

  it('goes to one of several that reach for it at the same time', async () => {
    const { leaseOf } = openClocked()
    const held = await Promise.all(['a', 'b', 'c'].map(name => leaseOf(name).hold()))
    equal(held.filter(each => each).length, 1)
  })

  it('has the store refuse what its former holder writes, even after that one has held it again', async () => {
    const { store, leaseOf, pass } = openClocked()
    const [a, b] = [leaseOf('a'), leaseOf('b')]
    await a.hold()
    const change = [{ collection: 'c', key: 'k', value: 'v' }]
    const old = a.fence()
    await store.writeDocuments(change, { unless: old })
    pass(MINUTE_MS)
    await b.hold()
    await rejects(store.writeDocuments(change, { unless: a.fence() }), { code: 'STORE_DOCUMENT_CHANGED' })
    pass(MINUTE_MS)
    equal(await a.hold(), true)
    await rejects(store.writeDocuments(change, { unless: old }), { code: 'STORE_DOCUMENT_CHANGED' })
    await store.writeDocuments(change, { unless: a.fence() })
  })

  it('waits for no lease that ends later than one can: the clock was set back', async () => {
    const { leaseOf, pass } = openClocked()
    await leaseOf('a').hold()
    pass(-MINUTE_MS)
    equal(await leaseOf('b').hold(), true)
  })

  it('is given up at once by a node that stops', async () => {
    const { leaseOf } = openClocked()
    const a = leaseOf('a')
    await a.hold()
    await a.release()
    equal(await leaseOf('b').hold(), true)
    await a.release()
    equal(await leaseOf('c').hold(), false)
  })

  it('is known to a node whose answer was lost', async () => {
    const { store, leaseOf } = openClocked()
    let isLost = true
    const a = leaseOf('a', {
      ...store,
      async writeDocuments(...args) {
        await store.writeDocuments(...args)
        if (isLost) throw new Error('the connection was lost')
      },
    })
    await rejects(a.hold(), /connection/)
    isLost = false
    equal(await a.hold(), true)
    equal(a.fence().length, 1)
  })
})

describe('anchorers on one store', () => {
  it('anchor once between them, show the same state, and one goes on where the other ends', async () => {
    const { store, node, pass } = await openNodes()
    const [a, b] = [await node('a'), await node('b')]
    await a.ledger.submit(statementOf('one'))
    const rounds = async (count: number, ...nodes: (typeof a)[]) => {
      for (let i = 0; i < count; i++) {
        for (const { anchorer } of nodes) await anchorer.tick()
        pass(1000)
      }
    }
    await rounds(6, a, b)
    const sizes = () => [a, b].map(({ anchorer }) => anchorer.lag().lastFinalSize)
    deepEqual([sizes(), b.anchorer.compared()], [[2, 2], true])
    await a.anchorer.stop()
    await b.ledger.submit(statementOf('two'))
    await rounds(6, b)
    equal(b.anchorer.lag().lastFinalSize, 3)
    equal((await store.listDocuments('anchors')).length, 2)
  })

  it('show what the one before them anchored last, as soon as they take over', async () => {
    const { node, pass } = await openNodes()
    const [a, b] = [await node('a'), await node('b')]
    await a.ledger.submit(statementOf('one'))
    for (let i = 0; i < 6; i++) {
      await a.anchorer.tick()
      pass(1000)
    }
    await a.anchorer.stop()
    equal(b.ledger.latestAnchor(), undefined)
    await b.anchorer.tick()
    equal(b.ledger.latestAnchor()?.size, 2)
  })

  it('go on where the one that anchored has stopped, and let it take the lease no more', async () => {
    const { node, pass } = await openNodes()
    const [a, b] = [await node('a'), await node('b')]
    await a.anchorer.tick()
    a.ledger.stop('the log key was changed')
    await b.ledger.submit(statementOf('one'))
    for (let i = 0; i < 8; i++) {
      for (const { anchorer } of [a, b]) await anchorer.tick()
      pass(1000)
    }
    equal(b.anchorer.lag().lastFinalSize, 2)
  })

  it('go on where the one that anchored lacks the log’s new key', async () => {
    const { store, node, pass } = await openNodes()
    const [a, b] = [await node('a'), await node('b')]
    await a.anchorer.tick()
    const next = createLogSigner(ORIGIN, new Uint8Array(32).fill(7))
    await b.ledger.changeKey(formatVkey(next.vkey))
    const c = await node('c', undefined, next)
    await c.ledger.submit(statementOf('one'))
    for (let i = 0; i < 14; i++) {
      for (const { anchorer } of [a, c]) await anchorer.tick()
      pass(1000)
    }
    deepEqual([a.ledger.unsettledCode(), c.anchorer.lag().lastFinalSize], ['LEDGER_KEY_ENDED', 3])
    match((await store.readDocument('local-leases', 'anchorer'))!, /"holder":"c"/)
  })

  it('write nothing once they were paused and another has taken over', async () => {
    const { store, memory, node, pass } = await openNodes()
    let wake = () => {}
    let isPausing = false
    const paused: AnchorChain = {
      ...memory.chain,
      // Happens between the round's look at the chain and its first write.
      async prepare(call) {
        const transaction = await memory.chain.prepare(call)
        if (isPausing) await new Promise<void>(resolve => (wake = resolve))
        return transaction
      },
    }
    const [a, b] = [await node('a', paused), await node('b')]
    await a.ledger.submit(statementOf('one'))
    await a.anchorer.tick()
    pass(1000)
    isPausing = true
    const sleeping = a.anchorer.tick()
    for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate)
    pass(MINUTE_MS)
    for (let i = 0; i < 6; i++) {
      await b.anchorer.tick()
      pass(1000)
    }
    const written = async () => [await store.listDocuments('anchors'), await store.listDocuments('anchorer')]
    const before = await written()
    equal(b.anchorer.lag().lastFinalSize, 2)
    wake()
    await sleeping
    deepEqual(await written(), before)
    await a.anchorer.tick()
    equal(a.anchorer.lag().lastFinalSize, 2)
    equal((await memory.chain.heads())[0]?.size, 2)
    equal(memory.anchors().length, 1)
    equal(a.ledger.latestAnchor()?.chainId, CHAIN_ID)
  })
})
