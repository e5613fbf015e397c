/** The view of the log: what it takes over from the store, and whom it tells. */
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { prepare } from '../../src/log/prepare.ts'
import { createSequencer } from '../../src/log/sequencer.ts'
import { grow } from '../../src/log/tree-state.ts'
import { openLogView } from '../../src/log/view.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import type { Store } from '../../src/store/port/port.ts'
import { ORIGIN, openTestLedger, signer, statementOf, withHead } from '../ledger/fixtures.ts'
import { testHost } from '../test-host.ts'

/** The same salts every time, so that two of these logs begin with one history. */
const begin = async (records: readonly string[]) => {
  const store = createMemoryStore()
  const ledger = await openTestLedger(store, { host: { randomBytes: length => new Uint8Array(length) } })
  for (const record of records) await ledger.submit(statementOf(record))
  return store
}
const prepared = (record: string) => prepare(statementOf(record), () => 'A'.repeat(43)).prepared

describe('log view', () => {
  it('takes over no head that does not extend what this node has sealed while it looked', async () => {
    const [own, other] = [await begin([]), await begin(['x', 'y'])]
    let shown: Store = own
    let whileLooking = async () => {}
    const store = withHead({ ...own, lastSize: () => shown.lastSize() }, () => shown.readHead())
    const signsUpTo = async () => {
      await whileLooking()
      return Number.POSITIVE_INFINITY
    }
    const view = await openLogView({ store, signer, origin: ORIGIN, signsUpTo })
    const sequencer = createSequencer({ store: own, view, host: testHost() })
    shown = other
    whileLooking = async () => {
      shown = own
      await sequencer.seal([prepared('mine')])
    }
    await rejects(view.refresh(), { code: 'LEDGER_CORRUPT' })
    equal(view.head().size, 2)
  })

  it('asks the store once for many reads beyond its head, whatever they ask for', async () => {
    const own = await begin([])
    let reads = 0
    const readHead = () => {
      reads++
      return own.readHead()
    }
    const view = await openLogView({ store: { ...own, readHead }, signer, origin: ORIGIN })
    const other = await openLogView({ store: own, signer, origin: ORIGIN })
    await createSequencer({ store: own, view: other, host: testHost() }).seal([prepared('one')])
    const asked = Array.from({ length: 500 }, (_, i) => view.reaches(i + 1))
    equal((await Promise.all(asked)).filter(there => there).length, 2)
    // The first read, and one more for those that came while it ran.
    deepEqual([view.head().size, reads], [2, 2])
  })

  it('tells of each head that it signs, whichever node has sealed it', async () => {
    const store = await begin([])
    const told: number[] = []
    const view = await openLogView({ store, signer, origin: ORIGIN, onSigned: () => told.push(view.head().size) })
    const other = await openLogView({ store, signer, origin: ORIGIN })
    await createSequencer({ store, view, host: testHost() }).seal([prepared('one')])
    await other.refresh()
    await createSequencer({ store, view: other, host: testHost() }).seal([prepared('two')])
    await view.refresh()
    await view.refresh()
    deepEqual(told, [2, 3])
  })

  it('never goes back where a batch ends while another node’s head is taken over, at any moment', async () => {
    for (let moments = 0; moments < 150; moments++) {
      const store = await begin([])
      const view = await openLogView({ store, signer, origin: ORIGIN })
      const other = createSequencer({ store, view: await openLogView({ store, signer, origin: ORIGIN }), host: testHost() })
      await other.seal([prepared('one')])
      const before = await view.treeAt(await store.readHead(), view.head())
      const growth = grow(before!, [prepared('two').entry])
      await other.seal([prepared('two')])
      await other.seal([prepared('three')])
      const refreshed = view.refresh()
      for (let i = 0; i < moments; i++) await undefined
      const advanced = view.advance(growth)
      await Promise.all([refreshed, advanced])
      equal(view.head().size, 4, `after ${moments} moments`)
    }
  })

  it('reads nothing of another node’s head again that it has built a batch on, and signs only its own', async () => {
    const store = await begin([])
    const reads: string[] = []
    const told: number[] = []
    const readTile: Store['readTile'] = (level, index) => {
      reads.push(`${level}/${index}`)
      return store.readTile(level, index)
    }
    const view = await openLogView({ store: { ...store, readTile }, signer, origin: ORIGIN, onSigned: () => told.push(view.head().size) })
    const others = Array.from({ length: 300 }, (_, i) => prepared(`other ${i}`))
    await createSequencer({ store, view: await openLogView({ store, signer, origin: ORIGIN }), host: testHost() }).seal(others)
    const before = await view.treeAt(await store.readHead(), view.tree().head)
    deepEqual(reads, ['0/0'])
    await view.advance(grow(before!, [prepared('own').entry]))
    deepEqual([view.head().size, told, reads], [302, [302], ['0/0']])
    equal((await view.nodes.read([{ level: 0, index: 301 }])).length, 1)
  })
})
