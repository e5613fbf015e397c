/** The guarantees of a store’s look-ups as tests. */
import assert from 'node:assert/strict'
import type { LogStore } from '../../../src/store/port/log.ts'
import type { Lookups } from '../../../src/store/port/lookups.ts'
import { commitOf, hex, record, TOP } from './commits.ts'

/** Runs the suite on the store that is open. */
export function lookupsConformance(opened: () => LogStore & Lookups): void {
  it('distinguishes records whose ids hold zero bytes, slashes or each other as a prefix', async () => {
    const ids = ['r', 'r\0', 'r\0\0\0\0\0\0\0\0\0\x01', 'r/1', 'R', '\u00e9', 'e\u0301', 'rr']
    await opened().commit(
      commitOf(
        0,
        ids.length,
        ids.map((id, i) => record(i, { agency: 'a.example', record: id })),
      ),
    )
    for (const [i, id] of ids.entries()) assert.deepEqual(await opened().listByRecord('a.example', id, TOP, 10), [i], JSON.stringify(id))
    assert.deepEqual(await opened().listByRecord('b.example', 'r', TOP, 10), [])
  })

  it('lists the statements of a record and of an agency, in their order and within the limit', async () => {
    const records = [0, 1, 2, 3, 4, 5].map(i => record(i, { agency: i % 2 === 0 ? 'a.example' : 'a.example.org', record: 'same' }))
    await opened().commit(commitOf(0, 6, records))
    for (const [before, expected] of [
      [TOP, [4, 2, 0]],
      [5, [4, 2, 0]],
      [4, [2, 0]],
      [3, [2, 0]],
      [1, [0]],
      [0, []],
    ] as const) {
      assert.deepEqual(await opened().listByRecord('a.example', 'same', before, 10), expected)
      assert.deepEqual(await opened().listByRecord('a.example', 'same', before, 2), expected.slice(0, 2))
    }
    assert.deepEqual(await opened().listByAgency('a.example', Number.MAX_SAFE_INTEGER, 10), [4, 2, 0])
    assert.deepEqual(await opened().listByAgency('a.example', 4, 1), [2])
    assert.deepEqual(await opened().listByAgency('example', Number.MAX_SAFE_INTEGER, 10), [])
  })

  it('lists an agency whose statements follow one another, over several commits and from anywhere among them', async () => {
    const of = (agency: string, ...indexes: number[]) => indexes.map(i => record(i, { agency, record: `r${i}` }))
    await opened().commit(commitOf(0, 5, [...of('a.example', 0, 1, 2), ...of('b.example', 3), ...of('a.example', 4)]))
    await opened().commit(commitOf(5, 8, of('a.example', 5, 6, 7)))
    assert.deepEqual(await opened().listByAgency('a.example', Number.MAX_SAFE_INTEGER, 10), [7, 6, 5, 4, 2, 1, 0])
    for (let before = 0; before <= 8; before++) {
      const expected = [7, 6, 5, 4, 2, 1, 0].filter(index => index < before)
      assert.deepEqual(await opened().listByAgency('a.example', before, 10), expected)
      assert.deepEqual(await opened().listByAgency('a.example', before, 2), expected.slice(0, 2))
    }
    assert.deepEqual(await opened().listByAgency('b.example', 8, 10), [3])
    const ofNobody = { ...record(9), subject: undefined }
    await opened().commit(commitOf(8, 11, [...of('b.example', 8), ofNobody, ...of('b.example', 10)]))
    assert.deepEqual(await opened().listByAgency('b.example', 11, 10), [10, 8, 3])
  })

  it('gives a document with several statements all their indexes', async () => {
    const shared = [0, 1, 2].map(i => ({ ...record(i), digests: [hex('shared'), hex(`own ${i}`)] }))
    await opened().commit(commitOf(0, 3, shared))
    assert.deepEqual(await opened().findByDigest(hex('shared'), 10), [0, 1, 2])
    assert.deepEqual(await opened().findByDigest(hex('shared'), 2), [0, 1])
    assert.deepEqual(await opened().findByDigest(hex('own 1'), 10), [1])
    assert.deepEqual(await opened().listByDigest(hex('shared'), TOP, 10), [2, 1, 0])
    assert.deepEqual(await opened().listByDigest(hex('shared'), TOP, 2), [2, 1])
    assert.deepEqual(await opened().listByDigest(hex('shared'), 2, 10), [1, 0])
    assert.deepEqual(await opened().listByDigest(hex('shared'), 0, 10), [])
  })

  it('lists the digests that begin with some hex digits, in order, and of each its oldest and newest statements', async () => {
    const [low, high, other] = ['abc0', 'abcf', 'abd0'].map(start => start.padEnd(64, '0')) as [string, string, string]
    const lists = [[low], [high, other], [low], [low, high], [low], [low], [low]]
    await opened().commit(
      commitOf(
        0,
        7,
        lists.map((digests, i) => ({ ...record(i), digests })),
      ),
    )
    const all = { limit: 10, each: 10 }
    const under = async (prefix: string, range: Parameters<Lookups['digestsWithPrefix']>[1]) =>
      (await opened().digestsWithPrefix(prefix, range)).digests
    const lowest = { digest: low, indexes: [0, 2, 3, 4, 5, 6] }
    const highest = { digest: high, indexes: [1, 3] }
    assert.deepEqual(await under('abc', all), [lowest, highest])
    assert.deepEqual(await under('abcf000', all), [highest])
    assert.deepEqual(await under('ab', all), [lowest, highest, { digest: other, indexes: [1] }])
    assert.deepEqual(await under('fff', all), [])
    assert.deepEqual(await opened().digestsWithPrefix('abc', { ...all, limit: 1 }), { digests: [lowest], more: true })
    assert.deepEqual(await opened().digestsWithPrefix('abc', { ...all, limit: 2 }), { digests: [lowest, highest] })
    assert.deepEqual(await under('abc', { ...all, after: low }), [highest])
    assert.deepEqual(await under('abc', { ...all, after: high }), [])
    const few = [{ digest: low, indexes: [0, 2, 5, 6], more: true }, highest]
    assert.deepEqual(await under('abc', { ...all, each: 4 }), few)
  })

  it('gives the oldest and newest statements of a digest that very many list, and goes on after it', async () => {
    const [many, next] = ['abc0', 'abc1'].map(start => start.padEnd(64, '0')) as [string, string]
    await opened().commit(
      commitOf(
        0,
        700,
        Array.from({ length: 700 }, (_, i) => ({ ...record(i), digests: i === 650 ? [many, next] : [many] })),
      ),
    )
    assert.deepEqual(await opened().digestsWithPrefix('abc', { limit: 200, each: 4 }), {
      digests: [
        { digest: many, indexes: [0, 1, 698, 699], more: true },
        { digest: next, indexes: [650] },
      ],
    })
  })
}
