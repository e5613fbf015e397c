/** The guarantees of a store’s documents as tests. */
import assert from 'node:assert/strict'
import type { Documents } from '../../../src/store/port/documents.ts'

/** Runs the suite on the store that is open. */
export function documentsConformance(opened: () => Documents): void {
  it('writes, replaces, removes and lists documents', async () => {
    await opened().writeDocuments([
      { collection: 'c', key: '2', value: 'two' },
      { collection: 'c', key: '1', value: 'one' },
      { collection: 'cc', key: '1', value: 'another collection' },
    ])
    await opened().writeDocuments([
      { collection: 'c', key: '1', value: 'ONE' },
      { collection: 'c', key: '3', value: 'three' },
      { collection: 'c', key: '2', value: null },
    ])
    assert.equal(await opened().readDocument('c', '1'), 'ONE')
    assert.equal(await opened().readDocument('c', '2'), undefined)
    assert.deepEqual(await opened().listDocuments('c'), [
      { key: '1', value: 'ONE' },
      { key: '3', value: 'three' },
    ])
    assert.deepEqual(await opened().listDocuments('c', { after: '1', limit: 1 }), [{ key: '3', value: 'three' }])
    assert.deepEqual(await opened().listDocuments('c', { after: '3' }), [])
    assert.deepEqual(await opened().listNewestDocuments('c', '4', 2), [
      { key: '3', value: 'three' },
      { key: '1', value: 'ONE' },
    ])
    assert.deepEqual(await opened().listNewestDocuments('c', '3', 9), [{ key: '1', value: 'ONE' }])
    assert.deepEqual(await opened().listNewestDocuments('c', '1', 9), [])
  })

  it('lists the collections that have documents', async () => {
    assert.deepEqual(await opened().listCollections(), [])
    await opened().writeDocuments(['b', 'a', 'a-2', 'aa', 'ü'].map(collection => ({ collection, key: 'k', value: 'v' })))
    await opened().writeDocuments([
      { collection: 'a', key: 'l', value: 'v' },
      { collection: 'b', key: 'k', value: null },
    ])
    assert.deepEqual(await opened().listCollections(), ['a', 'a-2', 'aa', 'ü'])
  })

  it('writes all documents, or none if one that the writer read has changed since', async () => {
    const write = (value: string, unless: { key: string; value: string | null }[]) =>
      opened().writeDocuments(
        [
          { collection: 'c', key: '1', value },
          { collection: 'c', key: '2', value },
        ],
        { unless: unless.map(document => ({ collection: 'c', ...document })) },
      )
    const changed = { code: 'STORE_DOCUMENT_CHANGED' }
    await write('a', [{ key: '1', value: null }])
    await assert.rejects(write('b', [{ key: '1', value: null }]), changed)
    const unless = [
      { key: '1', value: 'a' },
      { key: '3', value: 'x' },
    ]
    await assert.rejects(write('b', unless), changed)
    assert.deepEqual([await opened().readDocument('c', '1'), await opened().readDocument('c', '2')], ['a', 'a'])
    await write('b', [
      { key: '1', value: 'a' },
      { key: '3', value: null },
    ])
    assert.deepEqual([await opened().readDocument('c', '1'), await opened().readDocument('c', '2')], ['b', 'b'])
  })

  it('lets one of many writers through that read the same document', async () => {
    const unless = [{ collection: 'c', key: 'k', value: null }]
    const writes = Array.from({ length: 8 }, (_, i) =>
      opened().writeDocuments([{ collection: 'c', key: 'k', value: String(i) }], { unless }),
    )
    const outcomes = await Promise.allSettled(writes)
    const through = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [String(i)] : []))
    assert.deepEqual([await opened().readDocument('c', 'k')], through)
  })
}
