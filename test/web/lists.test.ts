/** Lists of entries: whose date is shown, and what became of each entry, wherever it is listed. */
import assert from 'node:assert/strict'
import type { Statement } from '../../src/core/statements/statement.ts'
import { leastUsedMs, longestRoundMs } from '../thread-time.ts'
import { AGENCY, openWorld, type World } from './world.ts'

const HOUR_MS = 3_600_000
const MOST_MS = 50

describe('web/lists', () => {
  let world: World
  beforeEach(async () => {
    world = await openWorld()
  })
  afterEach(() => world.close())

  const read = async (path: string) => (await fetch(world.url + path)).text()
  /**
   * Everywhere entries are listed, but for the search and a record's history, which list some of
   * them.
   */
  const LISTS = ['/', '/records', `/agencies/${AGENCY}`]
  /** The items of a list or a history about an entry, without their markup. */
  const itemOf = (text: string, index: number) => {
    const items = [...text.matchAll(/<li[ >](?:(?!<\/li>)[\s\S])*<\/li>/g)].map(([each]) =>
      each.replace(/<[^>]+>/g, '').replace(/\s+/g, ' '),
    )
    const item = items.find(each => /Entry (\d+)/.exec(each)?.[1] === String(index))
    assert.ok(item, `no item for entry ${index}`)
    return item
  }
  const itemIn = async (path: string, index: number) => itemOf(await read(path), index)
  const amend = { action: 'amend', reason: { code: 'correction' } } as const
  const withdraw = { action: 'withdraw', reason: { code: 'other' } } as const
  const submit = (record: string, text: string, changes: Partial<Statement> = {}) => world.submit(record, text, changes)

  it('leads with the date of the ledger, calls the date of the agency so, and sorts by the first', async () => {
    await submit('future', 'a', { published: '2099-05-06T07:08:09Z' })
    world.state.nowMs += HOUR_MS
    await submit('past', 'b', { published: '1999-05-06T07:08:09Z' })
    await world.anchor()
    world.state.nowMs += 2 * HOUR_MS
    const index = await submit('none', 'c', { published: undefined } as never)
    for (const path of [...LISTS, '/records?q=future']) {
      const item = await itemIn(path, 1)
      assert.match(
        item,
        /On the record since 20 November 2026 at 10:00 UTC · Entry 1 ·.*Date given by the agency: 6 May 2099 at 07:08 UTC/,
        path,
      )
      assert.match(item, /The agency’s date is 72 years later than the ledger’s/, path)
    }
    for (const path of LISTS) {
      assert.match(await itemIn(path, 2), /The agency’s date is 28 years earlier than the ledger’s/, path)
      const undatedItem = await itemIn(path, index)
      assert.match(undatedItem, /Accepted 20 November 2026 at 11:00 UTC, according to the ledger · Entry 3/, path)
      assert.doesNotMatch(undatedItem, /agency:/, path)
      const order = [...(await read(path)).matchAll(/class="name" href="\/records\/(\d+)"/g)].map(([, at]) => Number(at))
      assert.deepEqual(order.slice(0, 3), [3, 2, 1], path)
    }
    for (const [path, at] of [
      ['/records/1', 1],
      ['/records/2', 2],
    ] as const)
      assert.match(
        await itemIn(path, at),
        /^ ?Entry \d \(this page\): On the record since 20 November 2026.*Date given by the agency: 6 May (1999|2099)/,
      )
    const feed = await read('/feed.atom')
    assert.doesNotMatch(feed, /<(updated|published)>(1999|2099)/)
    const updated = [...feed.matchAll(/<entry>[\s\S]*?<updated>(.*?)</g)].map(([, time]) => time)
    assert.deepEqual(updated, ['2026-11-20T11:00:00Z', '2026-11-20T10:00:00Z', '2026-11-20T10:00:00Z'])
    assert.match(feed, /Date given by the agency: 6 May 2099/)
  })

  it('does not mark a date of the agency that lies near the ledger’s', async () => {
    for (const [at, published] of ['2026-11-21T07:59:59Z', '2025-11-20T09:00:00Z'].entries()) {
      await submit(`near ${at}`, `near ${at}`, { published })
      assert.doesNotMatch(await itemIn('/records', at + 1), /The agency’s date/)
    }
  })

  it('says “on a test network” of an anchor that is no evidence', async () => {
    world.state.production = false
    await submit('r', 'a')
    await world.anchor()
    for (const path of [...LISTS, '/records/1']) assert.match(await itemIn(path, 1), /On a test network since 20 November 2026/, path)
    assert.match(await read('/feed.atom'), /On a test network since/)
  })

  it('marks what became of an entry wherever it is listed', async () => {
    await submit('withdrawn', 'a')
    await submit('superseded', 'b')
    await submit('edited', 'c')
    await submit('erased', 'd')
    await world.anchor()
    const [withdrawal, amendment, edit] = [
      await submit('withdrawn', 'a', withdraw),
      await submit('superseded', 'b2', amend),
      await submit('edited', 'c2'),
    ]
    world.erased.add(4)
    const expected = [
      [1, new RegExp(`Withdrawn: Entry ${withdrawal}`)],
      [2, new RegExp(`Replaced by a newer version: Entry ${amendment}`)],
      [3, /Changed without a new version/],
      [4, /^ ?Erased entry On the record since/],
      [edit, /Changed without a new version/],
      [edit, /Waiting for the chain/],
    ] as const
    for (const path of LISTS)
      for (const [index, mark] of expected)
        if (index !== 4 || path !== `/agencies/${AGENCY}`) assert.match(await itemIn(path, index), mark, path)
    for (const [index, mark] of expected) {
      if (index === 4) continue
      const record = ['', 'withdrawn', 'superseded', 'edited'][index] ?? 'edited'
      assert.match(await itemIn(`/records?q=${record}`, index), mark, `search for ${record}`)
      assert.match(await itemIn(`/records/${index}`, index), mark, `history of ${record}`)
      const feed = await read('/feed.atom')
      const summary = new RegExp(`<summary>Entry ${index}: [^<]*`).exec(feed)?.[0] ?? ''
      assert.match(summary, index === edit ? /Changed without|Waiting/ : mark, `feed, entry ${index}`)
    }
    for (const path of LISTS) assert.doesNotMatch(await itemIn(path, 1), /Changed|Replaced|Waiting/, path)
    const { records } = JSON.parse(await read('/v1/records'))
    const marks = (index: number) => {
      const {
        state,
        accepted,
        anchored,
        withdrawn: by,
        superseded,
        edited,
      } = records.find((record: { index: number }) => record.index === index)
      return { state, accepted, anchored, by, superseded, edited }
    }
    const anchored = { state: 'anchored', accepted: '2026-11-20T08:00:00Z', anchored: '2026-11-20T10:00:00Z' }
    const nothing = { by: undefined, superseded: undefined, edited: undefined }
    assert.deepEqual([1, 2, 3, edit].map(marks), [
      { ...anchored, ...nothing, by: withdrawal },
      { ...anchored, ...nothing, superseded: amendment },
      { ...anchored, ...nothing, edited: true },
      { state: 'sealed', accepted: '2026-11-20T08:00:00Z', anchored: undefined, ...nothing, edited: true },
    ])
    const changes = await read('/changes')
    assert.match(itemOf(changes, amendment), /Replaces: all earlier versions, the newest of them Entry 2/)
    assert.match(itemOf(changes, withdrawal), /Withdraws: all earlier versions, the newest of them Entry 1/)
  })

  it('names the version that an amendment replaces, or says that there is none', async () => {
    await submit('r', 'a', { revision: 'v1' })
    await submit('r', 'b', { revision: 'v2' })
    await submit('r', 'c', { revision: 'v3', target: 'v1', ...amend })
    await submit('r', 'd', { target: 'v9', ...withdraw })
    await submit('new', 'e', amend)
    const changes = await read('/changes')
    assert.match(itemOf(changes, 3), /Replaces: version v1 · Entry 1/)
    assert.match(itemOf(changes, 4), /Withdraws: version v9: no such version is on this ledger/)
    assert.match(itemOf(changes, 5), /Replaces: no such version is on this ledger/)
    assert.match(await itemIn('/records', 1), /Replaced by a newer version: Entry 3/)
    assert.doesNotMatch(await itemIn('/records', 2), /Replaced|Withdrawn/)
  })

  it('says that the newest changes were not read yet, while the finder is behind', async () => {
    await submit('r', 'a')
    await world.ledger.submit({ ...JSON.parse((await world.ledger.statement(1))!), ...withdraw })
    for (const path of [...LISTS, '/feed.atom']) assert.match(await read(path), /The newest entry has not been looked at yet\./, path)
    assert.equal(JSON.parse(await read('/v1/records')).behind, 1)
    await world.finder.tick()
    assert.equal(JSON.parse(await read('/v1/records')).behind, undefined)
    for (const path of LISTS) {
      assert.doesNotMatch(await read(path), /looked at yet/, path)
      assert.match(await itemIn(path, 1), /Withdrawn: Entry 2/, path)
    }
  })

  it(`holds up nobody for longer than ${MOST_MS} ms, and takes no more time, however long the histories of the listed records are`, async () => {
    await submit('long', 'x')
    const base = JSON.parse((await world.ledger.statement(1))!)
    const grow = async (versions: number) => {
      for (let at = world.ledger.head().size; at < versions; at++)
        await world.ledger.submit({ ...base, revision: `r${at}`, salt: undefined })
      await world.finder.tick()
    }
    const readAll = async () => {
      for (const path of [...LISTS, '/changes', '/feed.atom', '/records?q=long']) await read(path)
    }
    await grow(100)
    // The first pages of a process take longer: the formatters of dates, and code that was not
    // compiled yet.
    await readAll()
    const before = await leastUsedMs(readAll)
    await grow(3000)
    const longest = await longestRoundMs(MOST_MS, readAll)
    assert.ok(longest <= MOST_MS, `${longest} ms of processor time`)
    const after = await leastUsedMs(readAll)
    assert.ok(after < 3 * before, `${after} ms of processor time, and ${before} ms with histories of 100 versions`)
  })
})
