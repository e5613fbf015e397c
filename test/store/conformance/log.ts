/** The guarantees of a store’s log as tests. */
import assert from 'node:assert/strict'
import type { Documents } from '../../../src/store/port/documents.ts'
import { StoreError } from '../../../src/store/port/errors.ts'
import type { LogStore } from '../../../src/store/port/log.ts'
import type { Lookups } from '../../../src/store/port/lookups.ts'
import { commitOf, hash, hex, plain, record, TOP, text } from './commits.ts'

/** Runs the suite on the store that is open. */
export function logConformance(opened: () => LogStore & Lookups & Documents): void {
  it('has no head before the first commit', async () => {
    assert.equal(await opened().readHead(), undefined)
    assert.equal(await opened().confirmHead(), undefined)
    assert.deepEqual(await opened().findIdentities([hex('identity 0')]), [undefined])
    assert.equal(await opened().readStatement(0), undefined)
  })

  it('keeps head, edge, statements, identities and look-ups of a commit', async () => {
    await opened().commit(commitOf(0, 3))
    const row = await opened().readHead()
    assert.equal(row?.head.size, 3)
    assert.deepEqual(Buffer.from(row!.head.root), Buffer.from(hash('root 3')))
    assert.deepEqual(await opened().confirmHead(), row)
    assert.deepEqual(row?.edge.tiles.map(plain), ['edge 3', ''])
    assert.equal(plain(row?.edge.bundle), 'bundle 3')
    assert.equal(plain(await opened().readStatement(2)), 'statement 2')
    assert.deepEqual(await opened().findIdentities([hex('identity 2'), hex('other'), hex('identity 0')]), [2, undefined, 0])
    assert.deepEqual(await opened().findByDigest(hex('document 1'), 10), [1])
    assert.deepEqual(await opened().listByRecord('a.example', 'r1', TOP, 10), [1])
  })

  it('returns the commits of every range of indexes, with when each was made', async () => {
    assert.deepEqual(await opened().readCommits(0, 1), [])
    const sizes = [3, 4, 6]
    for (const [i, size] of sizes.entries()) await opened().commit(commitOf(sizes[i - 1] ?? 0, size))
    for (let from = 0; from < 8; from++)
      for (let to = from + 1; to <= 8; to++) {
        const adding = sizes.filter((size, i) => size > from && (sizes[i - 1] ?? 0) < to)
        const expected = adding.map(size => ({ size, timeMs: 1_700_000_000_000 + size }))
        assert.deepEqual(await opened().readCommits(from, to), expected, `[${from}, ${to})`)
      }
  })

  it('reports the size of the newest commit', async () => {
    assert.equal(await opened().lastSize(), undefined)
    await opened().commit(commitOf(0, 3))
    await opened().commit(commitOf(3, 4))
    assert.equal(await opened().lastSize(), 4)
  })

  it('gives one head to all simultaneous readers, also while it is moved', async () => {
    for (let size = 1; size <= 80; size++) {
      const committed = opened().commit(commitOf(size - 1, size))
      const meanwhile = await Promise.all(Array.from({ length: 4 }, () => opened().readHead()))
      for (const row of meanwhile) assert.ok(row === undefined || row.head.size === size - 1 || row.head.size === size)
      await committed
      for (const row of await Promise.all(Array.from({ length: 4 }, () => opened().readHead())))
        assert.deepEqual([row?.head.size, plain(row?.edge.bundle), plain(row?.edge.tiles[0])], [size, `bundle ${size}`, `edge ${size}`])
    }
  })

  it('confirms its head, before the first commit and after others, and changes nothing', async () => {
    assert.equal(await opened().confirmHead(), undefined)
    assert.equal(await opened().readHead(), undefined)
    await opened().commit(commitOf(0, 3))
    const row = await opened().confirmHead()
    assert.deepEqual(await opened().readHead(), row)
    assert.deepEqual([row?.head.size, plain(row?.head.root), plain(row?.edge.bundle)], [3, plain(hash('root 3')), 'bundle 3'])
    await opened().commit(commitOf(3, 4))
  })

  it('logs entries whose records are left out, because they were erased', async () => {
    const commit = commitOf(0, 4)
    await opened().commit({ ...commit, records: commit.records.filter(({ index }) => index !== 0 && index !== 2) })
    const statements = await Promise.all([0, 1, 2, 3].map(index => opened().readStatement(index)))
    assert.deepEqual(statements.map(plain), [undefined, 'statement 1', undefined, 'statement 3'])
    assert.deepEqual(await opened().findIdentities([hex('identity 2'), hex('identity 3')]), [undefined, 3])
    assert.deepEqual(await opened().listByAgency('a.example', TOP, 9), [3, 1])
    await opened().commit(commitOf(4, 5))
    assert.deepEqual(await opened().listByAgency('a.example', TOP, 9), [4, 3, 1])
    assert.equal((await opened().readHead())?.head.size, 5)
  })

  it('finds many identities at once, each in its place', async () => {
    await opened().commit(commitOf(0, 40))
    const asked = Array.from({ length: 80 }, (_, i) => hex(`identity ${79 - i}`))
    assert.deepEqual(
      await opened().findIdentities(asked),
      asked.map((_, i) => (79 - i < 40 ? 79 - i : undefined)),
    )
  })

  it('refuses a commit that was not built on the head, and keeps nothing of it', async () => {
    await opened().commit(commitOf(0, 3))
    for (const wrong of [commitOf(0, 4), commitOf(2, 4), { ...commitOf(3, 5), previous: { size: 3, root: hash('another root') } }])
      await assert.rejects(opened().commit(wrong), (error: StoreError) => error instanceof StoreError && error.code === 'STORE_HEAD_MOVED')
    assert.equal((await opened().readHead())?.head.size, 3)
    assert.equal(await opened().readStatement(3), undefined)
    assert.deepEqual(await opened().findIdentities([hex('identity 3')]), [undefined])
  })

  it('lets one of two commits on the same head through', async () => {
    const outcomes = await Promise.allSettled([opened().commit(commitOf(0, 2)), opened().commit(commitOf(0, 3))])
    assert.equal(outcomes.filter(outcome => outcome.status === 'fulfilled').length, 1)
    assert.equal((await opened().readHead())?.head.size, outcomes[0].status === 'fulfilled' ? 2 : 3)
  })

  it('keeps full tiles and bundles by level and index', async () => {
    const tiles = [0, 1].flatMap(level => [0, 300].map(index => ({ level, index, bytes: text(`tile ${level}/${index}`) })))
    await opened().commit({ ...commitOf(0, 1), tiles, bundles: [{ index: 2 ** 33, bytes: text('far bundle') }] })
    assert.equal(plain(await opened().readTile(1, 300)), 'tile 1/300')
    assert.equal(plain(await opened().readTile(0, 0)), 'tile 0/0')
    assert.equal(await opened().readTile(2, 0), undefined)
    assert.equal(plain(await opened().readBundle(2 ** 33)), 'far bundle')
    assert.equal(await opened().readBundle(1), undefined)
  })

  it('reads a range of statements in order, erased ones as undefined', async () => {
    await opened().commit(commitOf(0, 3))
    const items: [number, string | undefined][] = []
    for await (const { index, statement } of opened().readStatements(1, 5)) items.push([index, plain(statement)])
    assert.deepEqual(items, [
      [1, 'statement 1'],
      [2, 'statement 2'],
      [3, undefined],
      [4, undefined],
    ])
  })

  it('erases records in the same commit as it logs another, with all that finds them, and nothing else', async () => {
    await opened().commit(commitOf(0, 6))
    const { statement: _, ...erased } = record(2)
    await opened().commit({ ...commitOf(6, 7), erase: [erased] })
    assert.equal(await opened().readStatement(2), undefined)
    assert.deepEqual(await opened().findIdentities([hex('identity 2'), hex('identity 6')]), [undefined, 6])
    assert.deepEqual(await opened().findByDigest(hex('document 2'), 10), [])
    assert.deepEqual(await opened().listByRecord('a.example', 'r2', TOP, 10), [])
    assert.deepEqual(await opened().listByAgency('a.example', TOP, 10), [6, 5, 4, 3, 1, 0])
    assert.deepEqual([(await opened().readHead())?.head.size, plain(await opened().readStatement(3))], [7, 'statement 3'])
    assert.deepEqual(await opened().readCommits(2, 3), [{ size: 6, timeMs: 1_700_000_000_006 }])
  })

  it('logs an entry and keeps nothing of its record, for one that was erased elsewhere', async () => {
    await opened().commit(commitOf(0, 6))
    const { statement: _, ...erased } = record(7)
    await opened().commit({ ...commitOf(6, 8), erase: [erased] })
    assert.deepEqual([await opened().readStatement(7), (await opened().readHead())?.head.size], [undefined, 8])
    assert.deepEqual(await opened().findIdentities([record(6).identity, record(7).identity]), [6, undefined])
    assert.equal(plain(await opened().readStatement(6)), 'statement 6')
  })

  it('tells whether a record has statements, until its last one is erased', async () => {
    const ids = ['r', 'r\0', 'r\0\0\0\0\0\0\0\0\0\x01', 'R', 'other']
    const subjects = ids.map(id => ({ agency: 'a.example', record: id }))
    const have = () => opened().haveStatements(subjects)
    const erased = (index: number, id: string) => {
      const { statement: _, ...rest } = record(index, { agency: 'a.example', record: id })
      return rest
    }
    assert.deepEqual(await have(), [false, false, false, false, false])
    const of = (index: number, id: string) => record(index, { agency: 'a.example', record: id })
    await opened().commit(commitOf(0, 3, [of(0, 'r'), of(1, 'r\0'), of(2, 'r')]))
    assert.deepEqual(await have(), [true, true, false, false, false])
    assert.deepEqual(await opened().haveStatements([{ agency: 'b.example', record: 'r' }]), [false])
    await opened().commit({ ...commitOf(3, 4, [of(3, 'R')]), erase: [erased(0, 'r'), erased(1, 'r\0')] })
    assert.deepEqual(await have(), [true, false, false, true, false])
    await opened().commit({ ...commitOf(4, 6, [of(4, 'R'), of(5, 'other')]), erase: [erased(2, 'r'), erased(3, 'R'), erased(5, 'other')] })
    assert.deepEqual(await have(), [false, false, false, true, false])
  })

  it('takes erased records out of the list of their agency, wherever they are in it', async () => {
    await opened().commit(commitOf(0, 8))
    const left = new Set([0, 1, 2, 3, 4, 5, 6, 7])
    let size = 8
    for (const gone of [[0], [7], [3, 4], [5, 2], [6]]) {
      const erase = gone.map(index => record(index)).map(({ statement: _, ...rest }) => rest)
      await opened().commit({ ...commitOf(size, ++size, [record(size - 1, { agency: 'b.example', record: 'r' })]), erase })
      for (const index of gone) left.delete(index)
      assert.deepEqual(await opened().listByAgency('a.example', TOP, 10), [...left].reverse())
    }
  })

  it('takes several out of the list of their agency in one commit, in whatever order they are named', async () => {
    await opened().commit(commitOf(0, 24))
    const orders = [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ]
    const gone = orders.flatMap((order, at) => order.map(each => 4 * at + each))
    const erase = gone.map(index => record(index)).map(({ statement: _, ...rest }) => rest)
    await opened().commit({ ...commitOf(24, 25, [record(24, { agency: 'b.example', record: 'r' })]), erase })
    assert.deepEqual(await opened().listByAgency('a.example', TOP, 30), [23, 19, 15, 11, 7, 3])
  })

  it('writes documents with a commit, and nothing if one is not as the caller read it', async () => {
    await opened().writeDocuments([{ collection: 'c', key: 'k', value: '1' }])
    const changes = [
      { collection: 'c', key: 'k', value: null },
      { collection: 'c', key: 'new', value: '2' },
    ]
    const { statement: _, ...erased } = record(1)
    await opened().commit(commitOf(0, 3))
    const refused = { ...commitOf(3, 4), erase: [erased], documents: { changes, unless: [{ collection: 'c', key: 'k', value: 'other' }] } }
    await assert.rejects(opened().commit(refused), { code: 'STORE_DOCUMENT_CHANGED' })
    assert.deepEqual([(await opened().readHead())?.head.size, plain(await opened().readStatement(1))], [3, 'statement 1'])
    assert.deepEqual([await opened().readDocument('c', 'k'), await opened().readDocument('c', 'new')], ['1', undefined])
    await opened().commit({ ...refused, documents: { changes, unless: [{ collection: 'c', key: 'k', value: '1' }] } })
    assert.deepEqual([(await opened().readHead())?.head.size, await opened().readStatement(1)], [4, undefined])
    assert.deepEqual([await opened().readDocument('c', 'k'), await opened().readDocument('c', 'new')], [undefined, '2'])
  })

  it('has no remains of what it erased after a purge, and goes on as before', async () => {
    await opened().commit(commitOf(0, 3))
    assert.equal(await opened().hasRemains(), false)
    const { statement: _, ...erased } = record(1)
    await opened().commit({ ...commitOf(3, 4), erase: [erased] })
    await opened().purge()
    assert.equal(await opened().hasRemains(), false)
    await opened().commit(commitOf(4, 5))
    assert.deepEqual([plain(await opened().readStatement(0)), await opened().readStatement(1)], ['statement 0', undefined])
    assert.deepEqual(await opened().listByAgency('a.example', TOP, 10), [4, 3, 2, 0])
  })
}
