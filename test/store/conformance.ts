/** The port's guarantees as tests. Each implementation runs this suite with its own factory. */
import assert from 'node:assert/strict'
import type { EmbeddedStore, SharedStore, Store } from '../../src/store/port/port.ts'
import { careConformance } from './conformance/care.ts'
import { commitOf, hex, plain, text } from './conformance/commits.ts'
import { documentsConformance } from './conformance/documents.ts'
import { logConformance } from './conformance/log.ts'
import { lookupsConformance } from './conformance/lookups.ts'

/** Opens a store in a new place, or again in the place of one that was closed. */
type Open<S> = { readonly open: () => Promise<S>; readonly reopen?: (closed: S) => Promise<S> }

/** Runs the suites of every store. `more` adds others on the same store. */
export function storeConformance<S extends Store>({ open, reopen }: Open<S>, more: (opened: () => S) => void = () => {}): void {
  let store: S
  beforeEach(async () => {
    store = await open()
  })
  afterEach(() => store.close())

  logConformance(() => store)
  lookupsConformance(() => store)
  documentsConformance(() => store)
  more(() => store)

  if (reopen === undefined) return
  it('has everything again after it was closed and opened', async () => {
    await store.commit({ ...commitOf(0, 3), tiles: [{ level: 0, index: 7, bytes: text('tile') }] })
    await store.writeDocuments([{ collection: 'c', key: 'k', value: 'v' }])
    await store.close()
    store = await reopen(store)
    assert.equal((await store.readHead())?.head.size, 3)
    assert.equal(plain(await store.readTile(0, 7)), 'tile')
    assert.equal(await store.readDocument('c', 'k'), 'v')
    assert.equal(await store.lastSize(), 3)
    await store.commit(commitOf(3, 4))
    assert.deepEqual(await store.findIdentities([hex('identity 3')]), [3])
  })
}

/** The suite of a store that several nodes share, on two nodes with the same store. */
export function sharedConformance(opened: () => SharedStore, openAgain: () => Promise<SharedStore>): void {
  it('ends all commits of every node when it is retired, and permits them again', async () => {
    const other = await openAgain()
    try {
      await opened().commit(commitOf(0, 1))
      assert.equal((await other.confirmHead())?.head.size, 1)
      await opened().retire(true)
      for (const node of [other, opened()]) {
        await assert.rejects(node.commit(commitOf(1, 2)), { code: 'STORE_MOVED' })
        await assert.rejects(node.confirmHead(), { code: 'STORE_MOVED' })
        await assert.rejects(node.writeDocuments([{ collection: 'c', key: 'late', value: 'v' }]), { code: 'STORE_MOVED' })
        assert.equal((await node.readHead())?.head.size, 1)
      }
      const [before, after] = [null, 'v'].map(value => [{ collection: 'c', key: 'mark', value }])
      await opened().retire(true, after!, before!)
      await assert.rejects(other.retire(false, after!, before!), { code: 'STORE_DOCUMENT_CHANGED' })
      await assert.rejects(other.commit(commitOf(1, 2)), { code: 'STORE_MOVED' })
      assert.deepEqual(await opened().listDocuments('c'), [{ key: 'mark', value: 'v' }])
      await opened().retire(false, before!, after!)
      assert.equal(await other.readDocument('c', 'mark'), undefined)
      await other.commit(commitOf(1, 2))
      assert.equal((await opened().confirmHead())?.head.size, 2)
      assert.deepEqual(await other.history(), await opened().history())
    } finally {
      if (other !== opened()) await other.close()
    }
  })
}

/** Runs the suites of an embedded store. */
export function embeddedConformance(open: Open<EmbeddedStore>): void {
  storeConformance(open, careConformance)
}
