/** The guarantees of the part that only an embedded store has, as tests. */
import assert from 'node:assert/strict'
import type { EmbeddedStore } from '../../../src/store/port/port.ts'
import { commitOf, hex, plain, record, text } from './commits.ts'

/** Runs the suite on the store that is open. */
export function careConformance(opened: () => EmbeddedStore): void {
  it('reports records that are not there as they were committed, and puts them and their tiles back', async () => {
    const records = [0, 1, 2, 3].map(i => record(i, { agency: i === 2 ? 'b.example' : 'a.example', record: `r${i}` }))
    await opened().commit(commitOf(0, 2, records.slice(0, 2)))
    assert.deepEqual(await opened().findIncomplete(records.slice(0, 2)), [])
    assert.deepEqual(await opened().findIncomplete(records), [2, 3])
    assert.deepEqual(
      await opened().findIncomplete([
        { ...records[0]!, statement: text('another') },
        { ...records[1]!, identity: hex('x') },
      ]),
      [0, 1],
    )
    assert.deepEqual(await opened().findIncomplete([{ ...records[0]!, digests: [hex('another')] }]), [0])
    await opened().putBack({
      records: records.slice(2),
      tiles: [{ level: 1, index: 4, bytes: text('tile') }],
      bundles: [{ index: 4, bytes: text('b') }],
    })
    assert.deepEqual(await opened().findIncomplete(records), [])
    assert.deepEqual(
      [plain(await opened().readStatement(3)), plain(await opened().readTile(1, 4)), plain(await opened().readBundle(4))],
      ['statement 3', 'tile', 'b'],
    )
    assert.deepEqual(await opened().listByAgency('a.example', 10, 10), [3, 1, 0])
    assert.equal((await opened().readHead())?.head.size, 2)
  })

  it('lists a record once, in its place, after some of its rows were put back, and no more once it is erased', async () => {
    const records = [0, 1, 2, 3].map(index => record(index))
    await opened().commit(commitOf(0, 4, records))
    const parts = { tiles: [], bundles: [], records: [{ ...records[1]!, digests: [hex('document 1'), hex('annex')] }] }
    await opened().putBack(parts)
    assert.deepEqual(await opened().listByAgency('a.example', 10, 10), [3, 2, 1, 0])
    assert.deepEqual(await opened().listByRecord('a.example', 'r1', 10, 10), [1])
    assert.deepEqual(await opened().findByDigest(hex('document 1'), 10), [1])
    assert.deepEqual(await opened().findByDigest(hex('annex'), 10), [1])
    const { statement: _, ...erased } = parts.records[0]!
    await opened().eraseAgain([erased])
    assert.deepEqual(await opened().listByAgency('a.example', 10, 10), [3, 2, 0])
    assert.deepEqual(await opened().findByDigest(hex('document 1'), 10), [])
  })

  it('puts a head back, on which commits go on, while the size of the newest commit stays', async () => {
    await opened().commit(commitOf(0, 3))
    await opened().commit(commitOf(3, 4))
    assert.equal(await opened().lastSize(), 4)
    const { head, edge } = { head: commitOf(0, 2).next, edge: commitOf(0, 2).edge }
    await opened().putHead(head, edge)
    const row = await opened().readHead()
    assert.deepEqual([row?.head.size, plain(row?.head.root), plain(row?.edge.bundle)], [2, plain(head.root), 'bundle 2'])
    assert.equal(await opened().lastSize(), 4)
    await opened().commit(commitOf(2, 5))
    assert.equal((await opened().readHead())?.head.size, 5)
  })

  it('reports no document as damaged that was written, replaced or removed', async () => {
    await opened().writeDocuments([
      { collection: 'c', key: '1', value: '{"one":1}' },
      { collection: 'c', key: '\u00e9/\n', value: '' },
    ])
    await opened().writeDocuments([{ collection: 'c', key: '1', value: '{"one":2}' }])
    for await (const found of opened().damagedDocuments()) assert.fail(JSON.stringify(found))
  })
}
