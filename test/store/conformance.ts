/** The port's guarantees as tests. Each implementation runs this suite with its own factory. */
import assert from 'node:assert/strict'
import { EMPTY_ROOT, sha256, sha256Hex } from '../../src/core/hash.ts'
import { type Commit, type NewRecord, type Store, StoreError } from '../../src/store/port/port.ts'

/** Above every index. */
const TOP = Number.MAX_SAFE_INTEGER
const text = (s: string) => new TextEncoder().encode(s)
const hash = (s: string) => sha256(text(s))
const hex = (s: string) => sha256Hex(s)
const plain = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1'))

function record(index: number, subject: NewRecord['subject'] = { agency: 'a.example', record: `r${index}` }): NewRecord {
  return {
    index,
    statement: text(`statement ${index}`),
    identity: hex(`identity ${index}`),
    subject,
    digests: [hex(`document ${index}`)],
  }
}

function commitOf(from: number, to: number, records = Array.from({ length: to - from }, (_, i) => record(from + i))): Commit {
  const rootOf = (size: number) => (size === 0 ? EMPTY_ROOT : hash(`root ${size}`))
  return {
    previous: { size: from, root: rootOf(from) },
    next: { size: to, root: rootOf(to) },
    edge: { tiles: [text(`edge ${to}`), new Uint8Array(0)], bundle: text(`bundle ${to}`) },
    tiles: [],
    bundles: [],
    records,
    timeMs: 1_700_000_000_000 + to,
  }
}

/**
 * Runs the suite. `open` opens a store in a new place, or again in the place of `previous`, which
 * was closed.
 */
export function storeConformance(open: () => Promise<Store>, reopen?: (closed: Store) => Promise<Store>): void {
  let store: Store
  beforeEach(async () => {
    store = await open()
  })
  afterEach(() => store.close())

  it('has no head before the first commit', async () => {
    assert.equal(await store.readHead(), undefined)
    assert.deepEqual(await store.findIdentities([hex('identity 0')]), [undefined])
    assert.equal(await store.readStatement(0), undefined)
  })

  it('keeps head, edge, statements, identities and look-ups of a commit', async () => {
    await store.commit(commitOf(0, 3))
    const row = await store.readHead()
    assert.equal(row?.head.size, 3)
    assert.deepEqual(Buffer.from(row!.head.root), Buffer.from(hash('root 3')))
    assert.deepEqual(row?.edge.tiles.map(plain), ['edge 3', ''])
    assert.equal(plain(row?.edge.bundle), 'bundle 3')
    assert.equal(plain(await store.readStatement(2)), 'statement 2')
    assert.deepEqual(await store.findIdentities([hex('identity 2'), hex('other'), hex('identity 0')]), [2, undefined, 0])
    assert.deepEqual(await store.findByDigest(hex('document 1'), 10), [1])
    assert.deepEqual(await store.listByRecord('a.example', 'r1', TOP, 10), [1])
  })

  it('returns for each index when its commit was made', async () => {
    assert.equal(await store.committedMs(0), undefined)
    await store.commit(commitOf(0, 3))
    await store.commit(commitOf(3, 4))
    const times = await Promise.all([0, 2, 3, 4].map(index => store.committedMs(index)))
    assert.deepEqual(times, [1_700_000_000_003, 1_700_000_000_003, 1_700_000_000_004, undefined])
  })

  it('reports the size of the newest commit, whatever the head says, and puts a head back', async () => {
    assert.equal(await store.lastSize(), undefined)
    await store.commit(commitOf(0, 3))
    await store.commit(commitOf(3, 4))
    assert.equal(await store.lastSize(), 4)
    const { head, edge } = { head: commitOf(0, 2).next, edge: commitOf(0, 2).edge }
    await store.putHead(head, edge)
    const row = await store.readHead()
    assert.deepEqual([row?.head.size, plain(row?.head.root), plain(row?.edge.bundle)], [2, plain(head.root), 'bundle 2'])
    assert.equal(await store.lastSize(), 4)
    await store.commit(commitOf(2, 5))
    assert.equal((await store.readHead())?.head.size, 5)
  })

  it('gives one head to all who ask for it at once, also while it is moved', async () => {
    for (let size = 1; size <= 80; size++) {
      const committed = store.commit(commitOf(size - 1, size))
      const meanwhile = await Promise.all(Array.from({ length: 4 }, () => store.readHead()))
      for (const row of meanwhile) assert.ok(row === undefined || row.head.size === size - 1 || row.head.size === size)
      await committed
      for (const row of await Promise.all(Array.from({ length: 4 }, () => store.readHead())))
        assert.deepEqual([row?.head.size, plain(row?.edge.bundle), plain(row?.edge.tiles[0])], [size, `bundle ${size}`, `edge ${size}`])
    }
  })

  it('finds many identities at once, each in its place', async () => {
    await store.commit(commitOf(0, 40))
    const asked = Array.from({ length: 80 }, (_, i) => hex(`identity ${79 - i}`))
    assert.deepEqual(
      await store.findIdentities(asked),
      asked.map((_, i) => (79 - i < 40 ? 79 - i : undefined)),
    )
  })

  it('refuses a commit that was not built on the head, and keeps nothing of it', async () => {
    await store.commit(commitOf(0, 3))
    for (const wrong of [commitOf(0, 4), commitOf(2, 4), { ...commitOf(3, 5), previous: { size: 3, root: hash('another root') } }])
      await assert.rejects(store.commit(wrong), (error: StoreError) => error instanceof StoreError && error.code === 'STORE_HEAD_MOVED')
    assert.equal((await store.readHead())?.head.size, 3)
    assert.equal(await store.readStatement(3), undefined)
    assert.deepEqual(await store.findIdentities([hex('identity 3')]), [undefined])
  })

  it('lets one of two commits on the same head through', async () => {
    const outcomes = await Promise.allSettled([store.commit(commitOf(0, 2)), store.commit(commitOf(0, 3))])
    assert.equal(outcomes.filter(outcome => outcome.status === 'fulfilled').length, 1)
    assert.equal((await store.readHead())?.head.size, outcomes[0].status === 'fulfilled' ? 2 : 3)
  })

  it('keeps full tiles and bundles by level and index', async () => {
    const tiles = [0, 1].flatMap(level => [0, 300].map(index => ({ level, index, bytes: text(`tile ${level}/${index}`) })))
    await store.commit({ ...commitOf(0, 1), tiles, bundles: [{ index: 2 ** 33, bytes: text('far bundle') }] })
    assert.equal(plain(await store.readTile(1, 300)), 'tile 1/300')
    assert.equal(plain(await store.readTile(0, 0)), 'tile 0/0')
    assert.equal(await store.readTile(2, 0), undefined)
    assert.equal(plain(await store.readBundle(2 ** 33)), 'far bundle')
    assert.equal(await store.readBundle(1), undefined)
  })

  it('reads a range of statements in order, erased ones as undefined', async () => {
    await store.commit(commitOf(0, 3))
    const items: [number, string | undefined][] = []
    for await (const { index, statement } of store.readStatements(1, 5)) items.push([index, plain(statement)])
    assert.deepEqual(items, [
      [1, 'statement 1'],
      [2, 'statement 2'],
      [3, undefined],
      [4, undefined],
    ])
  })

  it('tells records apart whose ids hold zero bytes, slashes or each other as a prefix', async () => {
    const ids = ['r', 'r\0', 'r\0\0\0\0\0\0\0\0\0\x01', 'r/1', 'R', '\u00e9', 'e\u0301', 'rr']
    await store.commit(
      commitOf(
        0,
        ids.length,
        ids.map((id, i) => record(i, { agency: 'a.example', record: id })),
      ),
    )
    for (const [i, id] of ids.entries()) assert.deepEqual(await store.listByRecord('a.example', id, TOP, 10), [i], JSON.stringify(id))
    assert.deepEqual(await store.listByRecord('b.example', 'r', TOP, 10), [])
  })

  it('lists the statements of a record and of an agency, in their order and within the limit', async () => {
    const records = [0, 1, 2, 3, 4, 5].map(i => record(i, { agency: i % 2 === 0 ? 'a.example' : 'a.example.org', record: 'same' }))
    await store.commit(commitOf(0, 6, records))
    for (const [before, expected] of [
      [TOP, [4, 2, 0]],
      [5, [4, 2, 0]],
      [4, [2, 0]],
      [3, [2, 0]],
      [1, [0]],
      [0, []],
    ] as const) {
      assert.deepEqual(await store.listByRecord('a.example', 'same', before, 10), expected)
      assert.deepEqual(await store.listByRecord('a.example', 'same', before, 2), expected.slice(0, 2))
    }
    assert.deepEqual(await store.listByAgency('a.example', Number.MAX_SAFE_INTEGER, 10), [4, 2, 0])
    assert.deepEqual(await store.listByAgency('a.example', 4, 1), [2])
    assert.deepEqual(await store.listByAgency('example', Number.MAX_SAFE_INTEGER, 10), [])
  })

  it('lists an agency whose statements follow one another, over several commits and from anywhere among them', async () => {
    const of = (agency: string, ...indexes: number[]) => indexes.map(i => record(i, { agency, record: `r${i}` }))
    await store.commit(commitOf(0, 5, [...of('a.example', 0, 1, 2), ...of('b.example', 3), ...of('a.example', 4)]))
    await store.commit(commitOf(5, 8, of('a.example', 5, 6, 7)))
    assert.deepEqual(await store.listByAgency('a.example', Number.MAX_SAFE_INTEGER, 10), [7, 6, 5, 4, 2, 1, 0])
    for (let before = 0; before <= 8; before++) {
      const expected = [7, 6, 5, 4, 2, 1, 0].filter(index => index < before)
      assert.deepEqual(await store.listByAgency('a.example', before, 10), expected)
      assert.deepEqual(await store.listByAgency('a.example', before, 2), expected.slice(0, 2))
    }
    assert.deepEqual(await store.listByAgency('b.example', 8, 10), [3])
    const ofNobody = { ...record(9), subject: undefined }
    await store.commit(commitOf(8, 11, [...of('b.example', 8), ofNobody, ...of('b.example', 10)]))
    assert.deepEqual(await store.listByAgency('b.example', 11, 10), [10, 8, 3])
  })

  it('gives a document with several statements all their indexes', async () => {
    const shared = [0, 1, 2].map(i => ({ ...record(i), digests: [hex('shared'), hex(`own ${i}`)] }))
    await store.commit(commitOf(0, 3, shared))
    assert.deepEqual(await store.findByDigest(hex('shared'), 10), [0, 1, 2])
    assert.deepEqual(await store.findByDigest(hex('shared'), 2), [0, 1])
    assert.deepEqual(await store.findByDigest(hex('own 1'), 10), [1])
    assert.deepEqual(await store.listByDigest(hex('shared'), TOP, 10), [2, 1, 0])
    assert.deepEqual(await store.listByDigest(hex('shared'), TOP, 2), [2, 1])
    assert.deepEqual(await store.listByDigest(hex('shared'), 2, 10), [1, 0])
    assert.deepEqual(await store.listByDigest(hex('shared'), 0, 10), [])
  })

  it('lists the digests that begin with some hex digits, in order, and of each its oldest and newest statements', async () => {
    const [low, high, other] = ['abc0', 'abcf', 'abd0'].map(start => start.padEnd(64, '0')) as [string, string, string]
    const lists = [[low], [high, other], [low], [low, high], [low], [low], [low]]
    await store.commit(
      commitOf(
        0,
        7,
        lists.map((digests, i) => ({ ...record(i), digests })),
      ),
    )
    const all = { limit: 10, each: 10 }
    const under = async (prefix: string, range: Parameters<Store['digestsWithPrefix']>[1]) =>
      (await store.digestsWithPrefix(prefix, range)).digests
    const lowest = { digest: low, indexes: [0, 2, 3, 4, 5, 6] }
    const highest = { digest: high, indexes: [1, 3] }
    assert.deepEqual(await under('abc', all), [lowest, highest])
    assert.deepEqual(await under('abcf000', all), [highest])
    assert.deepEqual(await under('ab', all), [lowest, highest, { digest: other, indexes: [1] }])
    assert.deepEqual(await under('fff', all), [])
    assert.deepEqual(await store.digestsWithPrefix('abc', { ...all, limit: 1 }), { digests: [lowest], more: true })
    assert.deepEqual(await store.digestsWithPrefix('abc', { ...all, limit: 2 }), { digests: [lowest, highest] })
    assert.deepEqual(await under('abc', { ...all, after: low }), [highest])
    assert.deepEqual(await under('abc', { ...all, after: high }), [])
    const few = [{ digest: low, indexes: [0, 2, 5, 6], more: true }, highest]
    assert.deepEqual(await under('abc', { ...all, each: 4 }), few)
  })

  it('gives the oldest and newest statements of a digest that very many list, and goes on after it', async () => {
    const [many, next] = ['abc0', 'abc1'].map(start => start.padEnd(64, '0')) as [string, string]
    await store.commit(
      commitOf(
        0,
        700,
        Array.from({ length: 700 }, (_, i) => ({ ...record(i), digests: i === 650 ? [many, next] : [many] })),
      ),
    )
    assert.deepEqual(await store.digestsWithPrefix('abc', { limit: 200, each: 4 }), {
      digests: [
        { digest: many, indexes: [0, 1, 698, 699], more: true },
        { digest: next, indexes: [650] },
      ],
    })
  })

  it('reports records that are not there as they were committed, and puts them and their tiles back', async () => {
    const records = [0, 1, 2, 3].map(i => record(i, { agency: i === 2 ? 'b.example' : 'a.example', record: `r${i}` }))
    await store.commit(commitOf(0, 2, records.slice(0, 2)))
    assert.deepEqual(await store.findIncomplete(records.slice(0, 2)), [])
    assert.deepEqual(await store.findIncomplete(records), [2, 3])
    assert.deepEqual(
      await store.findIncomplete([
        { ...records[0]!, statement: text('another') },
        { ...records[1]!, identity: hex('x') },
      ]),
      [0, 1],
    )
    assert.deepEqual(await store.findIncomplete([{ ...records[0]!, digests: [hex('another')] }]), [0])
    await store.putBack({
      records: records.slice(2),
      tiles: [{ level: 1, index: 4, bytes: text('tile') }],
      bundles: [{ index: 4, bytes: text('b') }],
    })
    assert.deepEqual(await store.findIncomplete(records), [])
    assert.deepEqual(
      [plain(await store.readStatement(3)), plain(await store.readTile(1, 4)), plain(await store.readBundle(4))],
      ['statement 3', 'tile', 'b'],
    )
    assert.deepEqual(await store.listByAgency('a.example', 10, 10), [3, 1, 0])
    assert.equal((await store.readHead())?.head.size, 2)
  })

  it('writes, replaces, removes and lists documents', async () => {
    await store.writeDocuments([
      { collection: 'c', key: '2', value: 'two' },
      { collection: 'c', key: '1', value: 'one' },
      { collection: 'cc', key: '1', value: 'another collection' },
    ])
    await store.writeDocuments([
      { collection: 'c', key: '1', value: 'ONE' },
      { collection: 'c', key: '3', value: 'three' },
      { collection: 'c', key: '2', value: null },
    ])
    assert.equal(await store.readDocument('c', '1'), 'ONE')
    assert.equal(await store.readDocument('c', '2'), undefined)
    assert.deepEqual(await store.listDocuments('c'), [
      { key: '1', value: 'ONE' },
      { key: '3', value: 'three' },
    ])
    assert.deepEqual(await store.listDocuments('c', { after: '1', limit: 1 }), [{ key: '3', value: 'three' }])
    assert.deepEqual(await store.listDocuments('c', { after: '3' }), [])
    assert.deepEqual(await store.listNewestDocuments('c', '4', 2), [
      { key: '3', value: 'three' },
      { key: '1', value: 'ONE' },
    ])
    assert.deepEqual(await store.listNewestDocuments('c', '3', 9), [{ key: '1', value: 'ONE' }])
    assert.deepEqual(await store.listNewestDocuments('c', '1', 9), [])
  })

  it('writes all documents, or none if one that the writer read has changed since', async () => {
    const write = (value: string, unless: { key: string; value: string | null }[]) =>
      store.writeDocuments(
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
    assert.deepEqual([await store.readDocument('c', '1'), await store.readDocument('c', '2')], ['a', 'a'])
    await write('b', [
      { key: '1', value: 'a' },
      { key: '3', value: null },
    ])
    assert.deepEqual([await store.readDocument('c', '1'), await store.readDocument('c', '2')], ['b', 'b'])
  })

  it('lets one of many writers through that read the same document', async () => {
    const unless = [{ collection: 'c', key: 'k', value: null }]
    const writes = Array.from({ length: 8 }, (_, i) => store.writeDocuments([{ collection: 'c', key: 'k', value: String(i) }], { unless }))
    const outcomes = await Promise.allSettled(writes)
    const through = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [String(i)] : []))
    assert.deepEqual([await store.readDocument('c', 'k')], through)
  })

  it('finds no document damaged that was written, replaced or removed', async () => {
    await store.writeDocuments([
      { collection: 'c', key: '1', value: '{"one":1}' },
      { collection: 'c', key: '\u00e9/\n', value: '' },
    ])
    await store.writeDocuments([{ collection: 'c', key: '1', value: '{"one":2}' }])
    for await (const found of store.damagedDocuments()) assert.fail(JSON.stringify(found))
  })

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
