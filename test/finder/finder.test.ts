/** The finder behind a real ledger, on a real Level database. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, open as openFile, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import type { Statement } from '../../src/core/statements/statement.ts'
import { formatTime } from '../../src/core/time.ts'
import { CHANGE_KINDS, listChangers } from '../../src/finder/changes.ts'
import { type Finder, openFinder } from '../../src/finder/finder.ts'
import type { FoundLedger } from '../../src/finder/ledger.ts'
import { jsonValue, openRows, type Rows, rowKey } from '../../src/finder/rows.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { silentLog } from '../../src/logger.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import { openTestLedger, statementOf } from '../ledger/fixtures.ts'
import { longestRoundMs } from '../thread-time.ts'

const ALL = Number.MAX_SAFE_INTEGER
const RECORDS = { a: 'unmistakable-a', b: 'unmistakable-b', c: 'unmistakable-c' }
const HOUR_MS = 3_600_000
const START_MS = Date.UTC(2026, 0, 1)

/** No request holds the event loop for longer. */
const MOST_MS = 50

describe('finder', () => {
  let folder: string
  let ledger: Ledger
  let clockMs: number
  const open: Finder[] = []

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-finder-'))
    clockMs = START_MS
    ledger = await openTestLedger(createMemoryStore(), { host: { nowMs: () => clockMs } })
  })
  afterEach(async () => {
    for (const finder of open.splice(0)) await finder.stop()
    await ledger.close()
    for (const name of [folder, `${folder}.next`]) await rm(name, { recursive: true, force: true })
  })

  const openOn = async (of: FoundLedger = ledger) => {
    const finder = await openFinder({ ledger: of, folder, steadyMs: () => performance.now(), log: silentLog })
    open.push(finder)
    return finder
  }
  const close = (finder: Finder) => {
    open.splice(open.indexOf(finder), 1)
    return finder.stop()
  }
  const submit = (record: string, content: number, changes: Partial<Statement> = {}) => ledger.submit(statementOf(record, content, changes))
  const find = async (finder: Finder, query: string) => (await finder.search({ text: query, before: ALL }, 50)).indexes

  it('finds by words, beginnings of words and whole numbers, newest first, in pages', async () => {
    await submit('ocds-1', 1, { title: 'Road works at Oak Street' })
    await submit('Δ-17', 2, { title: 'Κατασκευή οδού', identifiers: [{ scheme: 'ada', value: 'Ω1ΑΒ-Χ' }] })
    await submit('ocds-2', 3, { title: 'ROADSIDE works' })
    const finder = await openOn()
    assert.equal(finder.reached(), 0)
    await finder.tick()
    assert.equal(finder.reached(), 4)
    assert.deepEqual(await find(finder, 'works road'), [3, 1])
    assert.deepEqual(await find(finder, 'roadsi'), [3])
    assert.deepEqual(await find(finder, 'ΟΔΟΥ κατασ'), [2])
    assert.deepEqual(await find(finder, 'ω1αβ-χ'), [2])
    assert.deepEqual(await find(finder, 'ocds'), [3, 1])
    assert.deepEqual(await find(finder, 'OCDS-1'), [1])
    for (const nothing of ['', '—', 'street road bridge', 'oaks', '\u0000']) assert.deepEqual(await find(finder, nothing), [])
    const first = await finder.search({ text: 'ocds' }, 1)
    assert.deepEqual(first.indexes, [3])
    assert.deepEqual(await finder.search({ text: 'ocds', before: first.next ?? 0 }, 1), { indexes: [1] })
  })

  it('agrees with reading everything, across blocks and restarts', async () => {
    const streets = ['oak', 'elm', 'lime', 'ash', 'birch']
    const titles = Array.from({ length: 2500 }, (_, at) => `${streets[at % 5]} street ${streets[Math.floor(at / 5) % 5]} ${at % 97}`)
    const half = titles.length / 2
    for (const [at, title] of titles.entries()) {
      if (at === half) {
        const finder = await openOn()
        await finder.tick()
        await close(finder)
      }
      await submit(`r${at}`, at, { title })
    }
    const finder = await openOn()
    assert.equal(finder.reached(), half + 1)
    await finder.tick()
    for (const [query, test] of [
      ['oak elm', (title: string) => /oak/.test(title) && /elm/.test(title)],
      ['str 96', (title: string) => / 96$/.test(title)],
    ] as const) {
      const expected = titles.flatMap((title, at) => (test(title) ? [at + 1] : [])).reverse()
      const found: number[] = []
      for (let before: number | undefined = ALL; before !== undefined; ) {
        const { indexes, next } = await finder.search({ text: query, before }, 17)
        found.push(...indexes)
        before = next
      }
      assert.deepEqual(found, expected)
    }
  })

  it('leaves out what was erased', async () => {
    await submit('a', 1, { title: 'one word' })
    await submit('b', 2, { title: 'one word' })
    const erased = new Set<number>()
    const finder = await openOn({ ...ledger, statement: async index => (erased.has(index) ? undefined : ledger.statement(index)) })
    await finder.tick()
    erased.add(2)
    assert.deepEqual(await find(finder, 'word'), [1])
  })

  it('has no byte of what was erased in its files, and keeps what that did to others', async () => {
    const title = 'Unforgettable words of nobody'
    await submit('first', 1, { title: 'kept' })
    await submit('first', 1, { action: 'withdraw', documents: [], reason: { code: 'other' }, title })
    await submit('first', 2, { title: 'again' })
    await submit('second', 1)
    await submit('second', 2, { title })
    await submit('unmistakable', 1, { title: 'kept' })
    await submit('unmistakable', 9, { title, action: 'amend', reason: { code: 'correction' } })
    const finder = await openOn()
    await finder.tick()
    const stateOf = async (index: number) => finder.state(index, JSON.parse((await ledger.statement(index)) ?? ''))
    const states = () => Promise.all([1, 3, 4, 6].map(stateOf))
    const before = await states()
    assert.deepEqual(before, [{ withdrawn: 2 }, {}, { edited: true }, { superseded: 7 }])
    for (const index of [2, 5, 7, 6]) await ledger.requestErasure(index, 'other', { by: 'operator' })
    assert.equal(await finder.isClean(), false)
    await finder.tick()
    assert.equal(await finder.isClean(), true)
    assert.deepEqual(await Promise.all([1, 3, 4].map(stateOf)), before.slice(0, 3))
    assert.deepEqual(await find(finder, 'unforgettable'), [])
    for (const name of await readdir(folder)) {
      const bytes = await readFile(join(folder, name)).catch(() => Buffer.alloc(0))
      for (const word of ['unforgettable', 'UNFORGETTABLE', 'unmistakable', 'UNMISTAKABLE'])
        assert.equal(bytes.includes(word), false, `${word} in ${name}`)
    }
    // Entries that are added later are compared as before.
    await submit('second', 3)
    await finder.tick()
    assert.deepEqual(
      (await finder.changes(CHANGE_KINDS, ALL, 10)).map(({ kind, index, earlier }) => [kind, index, earlier]),
      [['silent-edit', 12, 4]],
    )
  })

  /** A ledger that counts how often entry 0 is read: once for each making of the rows. */
  const counted = () => {
    let count = 0
    const held: FoundLedger = {
      ...ledger,
      heldStatement(index) {
        if (index === 0) count++
        return ledger.heldStatement(index)
      },
    }
    return { held, reads: () => count }
  }

  /** A ledger whose entry 0 can be read only when it is let go. */
  const gated = () => {
    let isShut = false
    const waiting: (() => void)[] = []
    const held: FoundLedger = {
      ...ledger,
      async heldStatement(index) {
        if (index === 0 && isShut) await new Promise<void>(resolve => waiting.push(resolve))
        return ledger.heldStatement(index)
      },
    }
    const release = () => {
      isShut = false
      for (const go of waiting.splice(0)) go()
    }
    const shut = () => {
      isShut = true
    }
    return { held, release, shut, waits: () => waiting.length > 0 }
  }
  const until = async (holds: () => boolean | Promise<boolean>) => {
    while (!(await holds())) await new Promise(resolve => setTimeout(resolve, 1))
  }
  const erase = (index: number) => ledger.requestErasure(index, 'other', { by: 'operator' })
  /**
   * Whether a row holds this, in a copy of the files, where tables shorten and compress nothing.
   */
  const holds = async (word: string) => {
    const copy = `${folder}.copy`
    const rows: Uint8Array[] = []
    for (const name of [folder, `${folder}.next`].filter(existsSync)) {
      await cp(name, copy, { recursive: true })
      const db = new Level<Uint8Array, Uint8Array>(copy, { keyEncoding: 'view', valueEncoding: 'view' })
      for await (const row of db.iterator()) rows.push(...row)
      await db.close()
      await rm(copy, { recursive: true })
    }
    return rows.some(row => Buffer.from(row).includes(word))
  }

  it('answers whole, and finds what is new, while its rows are made again without what was erased', async () => {
    for (const record of Object.values(RECORDS)) await submit(record, 1, { title: 'word' })
    const { held, release, shut, waits } = gated()
    const finder = await openOn(held)
    await finder.tick()
    shut()
    await erase(2)
    const making = finder.tick()
    await until(waits)
    assert.deepEqual([await finder.isClean(), finder.reached()], [false, 5])
    assert.deepEqual(await find(finder, 'word'), [3, 1])
    await submit('d', 1, { title: 'word' })
    const asking = (async () => {
      for (let at = 0; at < 300; at++) {
        const found = await find(finder, 'word')
        assert.deepEqual(
          found.filter(index => index < 5),
          [3, 1],
          `asked for the ${at}th time`,
        )
        await new Promise(setImmediate)
      }
    })()
    release()
    await Promise.all([making, asking])
    assert.deepEqual([await finder.isClean(), await find(finder, 'word'), await holds(RECORDS.b)], [true, [5, 3, 1], false])
    assert.equal(await holds(RECORDS.c), true)
  })

  it('finds what is sealed while its rows are made again', async () => {
    for (let at = 0; at < 1100; at++) await submit(`r${at}`, 1)
    let isMaking = false
    let found: readonly number[] = []
    const finder = await openOn({
      ...ledger,
      async heldStatement(index) {
        if (isMaking && index === 5) await submit('new', 1)
        // In the next run of the new rows.
        if (isMaking && index === 1050) found = await find(finder, 'new')
        return ledger.heldStatement(index)
      },
    })
    await finder.tick()
    await erase(7)
    isMaking = true
    await finder.tick()
    assert.deepEqual([found, await finder.isClean()], [[1102], true])
  })

  it('makes its rows once more for an erasure of what they had read already, and not for what they had not', async () => {
    for (const record of [RECORDS.a, RECORDS.b]) await submit(record, 1)
    await erase(1)
    const { held, reads } = counted()
    const finder = await openOn(held)
    await finder.tick()
    assert.deepEqual([await finder.isClean(), reads()], [true, 1])
    await erase(2)
    await finder.tick()
    assert.deepEqual([await finder.isClean(), reads(), await holds(RECORDS.b)], [true, 2, false])
    await submit(RECORDS.c, 1)
    await erase(5)
    await finder.tick()
    assert.deepEqual([await finder.isClean(), reads()], [true, 2])
  })

  it('makes its rows once more if what they have read is erased while they are made', async () => {
    for (const record of Object.values(RECORDS)) await submit(record, 1)
    let isErased = false
    const { held, reads } = counted()
    const finder = await openOn({
      ...held,
      async rootAt(size) {
        // The new rows have read all entries, and are about to be written.
        if (!isErased && reads() === 2) {
          isErased = true
          await erase(1)
        }
        return ledger.rootAt(size)
      },
    })
    await finder.tick()
    await erase(2)
    await finder.tick()
    assert.deepEqual([isErased, await finder.isClean(), reads()], [true, true, 3])
    for (const word of [RECORDS.a, RECORDS.b]) assert.equal(await holds(word), false, word)
    assert.deepEqual(await find(finder, RECORDS.c), [3])
  })

  it('goes on with the making of its rows at the next start, and removes what is left of one that is not needed', async () => {
    for (let at = 0; at < 1500; at++) await submit(at === 5 ? RECORDS.a : `r${at}`, 1)
    const finder = await openOn()
    await finder.tick()
    await erase(6)
    let reads = 0
    const counting: FoundLedger = {
      ...ledger,
      heldStatement(index) {
        reads++
        return ledger.heldStatement(index)
      },
    }
    await close(finder)
    const stopped = await openOn({
      ...counting,
      heldStatement(index) {
        if (index === 1200) void stopped.stop()
        return counting.heldStatement(index)
      },
    })
    await stopped.tick()
    await close(stopped)
    assert.equal(await holds(RECORDS.a), true)
    reads = 0
    const again = await openOn(counting)
    await again.tick()
    assert.deepEqual([await again.isClean(), await holds(RECORDS.a)], [true, false])
    // The first block was written already.
    assert.ok(reads < 1000, `${reads} reads`)
    await close(again)
    await mkdir(`${folder}.next`)
    await writeFile(join(`${folder}.next`, 'left'), RECORDS.a)
    await openOn()
    assert.equal(existsSync(`${folder}.next`), false)
  })

  it('names no record id of a statement that waits to be erased', async () => {
    const waiting = await openTestLedger(createMemoryStore(), { erasure: { key: new Uint8Array(32), delayMs: HOUR_MS, periodMs: 0 } })
    await waiting.submit(statementOf('Case 1'))
    const finder = await openOn(waiting)
    await finder.tick()
    const alike = () => finder.recordsLike('transport.gov.example', 'case 1')
    assert.deepEqual(await alike(), ['Case 1'])
    await waiting.requestErasure(1, 'other', { by: 'operator' })
    assert.deepEqual(await alike(), [])
    await waiting.takeBackErasure(1, { by: 'operator' })
    assert.deepEqual(await alike(), ['Case 1'])
    await waiting.close()
  })

  it('lists a later publication as a silent edit, even if the earlier one was erased', async () => {
    await submit('a', 1)
    await submit('a', 2)
    const finder = await openOn()
    await finder.tick()
    await ledger.requestErasure(1, 'other', { by: 'operator' })
    await finder.tick()
    assert.deepEqual(await finder.changes(CHANGE_KINDS, ALL, 10), [{ index: 2, kind: 'silent-edit', earlier: 1 }])
    assert.deepEqual(await finder.state(2, statementOf('a', 2)), { edited: true, isSilentEdit: true })
  })

  it('keeps what a statement did that waits to be erased, because that can be taken back', async () => {
    const waiting = await openTestLedger(createMemoryStore(), { erasure: { key: new Uint8Array(32), delayMs: HOUR_MS, periodMs: 0 } })
    await waiting.submit(statementOf('a'))
    await waiting.submit(statementOf('a', 1, { action: 'withdraw', documents: [], reason: { code: 'other' }, title: 'hidden' }))
    await waiting.requestErasure(2, 'other', { by: 'operator' })
    const finder = await openOn(waiting)
    await finder.tick()
    assert.deepEqual(await finder.state(1, statementOf('a')), { withdrawn: 2 })
    assert.deepEqual(await find(finder, 'hidden'), [])
    await waiting.takeBackErasure(2, { by: 'operator' })
    assert.deepEqual(await find(finder, 'hidden'), [2])
    await waiting.close()
  })

  it('begins anew for another log, a shorter one, and where its files are damaged', async () => {
    await submit('a', 1, { title: 'first' })
    const first = await openOn()
    await first.tick()
    await close(first)
    const other = await openTestLedger(createMemoryStore())
    await other.submit(statementOf('b', 1, { title: 'other' }))
    const second = await openOn(other)
    assert.equal(second.reached(), 0)
    await second.tick()
    assert.deepEqual([await find(second, 'first'), await find(second, 'other')], [[], [1]])
    await close(second)
    for (const name of await readdir(folder)) await writeFile(join(folder, name), 'damaged')
    const third = await openOn()
    await third.tick()
    assert.deepEqual(await find(third, 'first'), [1])
    await other.close()
  })

  it('goes on where it was after a round that failed', async () => {
    for (let at = 0; at < 5; at++) await submit(`r${at}`, at, { title: 'word' })
    let broken = false
    const statement = async (index: number) => {
      if (broken) throw new Error('no answer')
      return ledger.statement(index)
    }
    const finder = await openOn({ ...ledger, heldStatement: statement })
    await finder.tick()
    await submit('r5', 5, { title: 'word' })
    broken = true
    await assert.rejects(finder.tick(), /no answer/)
    broken = false
    await finder.tick()
    assert.deepEqual(await find(finder, 'word'), [6, 5, 4, 3, 2, 1])
  })

  it('answers nothing while its rows are damaged, and makes them again', async () => {
    for (let at = 0; at < 300; at++) await submit(`r${at}`, at, { title: 'word' })
    for (let times = 0; times < 2; times++) {
      const finder = await openOn()
      await finder.tick()
      // Opened and closed again, its rows are in a table and no more in the journal.
      await close(finder)
    }
    const finder = await openOn()
    for (const name of (await readdir(folder)).filter(name => name.endsWith('.ldb'))) {
      // In place: Level has the file mapped into memory.
      const table = await openFile(join(folder, name), 'r+')
      const { size } = await table.stat()
      await table.write(Buffer.alloc(size - 1000, 0xff), 0, size - 1000, 0)
      await table.close()
    }
    assert.deepEqual(await find(finder, 'word'), [])
    assert.deepEqual(await finder.changes(CHANGE_KINDS, ALL, 5), [])
    assert.equal(finder.reached(), 0)
    await finder.tick()
    assert.equal((await find(finder, 'word')).length, 50)
  })

  it('lists changes as the history of each record flags them', async () => {
    await submit('a', 1, { revision: '1' })
    await submit('b', 2)
    await submit('a', 3, { revision: '1', title: 'silent' })
    await submit('a', 3, { revision: '1', title: 'repeat' })
    await submit('a', 4, { revision: '2', action: 'amend', reason: { code: 'correction' } })
    await submit('b', 5)
    const finder = await openOn()
    await finder.tick()
    await submit('b', 5, { action: 'withdraw', reason: { code: 'other' } })
    await submit('b', 6)
    await finder.tick()
    assert.deepEqual(await finder.changes(CHANGE_KINDS, ALL, 10), [
      { index: 7, kind: 'withdraw', earlier: 6 },
      { index: 6, kind: 'silent-edit', earlier: 2 },
      { index: 5, kind: 'amend', earlier: 4 },
      { index: 3, kind: 'silent-edit', earlier: 1 },
    ])
    assert.deepEqual(
      (await finder.changes(['silent-edit'], 6, 1)).map(({ index }) => index),
      [3],
    )
    const flags = await Promise.all(
      [1, 2, 3, 4, 5, 6, 7, 8].map(async index => (await ledger.history(index)).versions.find(v => v.index === index)?.flag),
    )
    assert.deepEqual(
      flags.flatMap((flag, at) => (flag === 'silent-edit' ? [at + 1] : [])),
      [3, 6],
    )
    assert.deepEqual(await finder.counts('transport.gov.example'), { entries: 8, 'silent-edit': 2, amend: 1, withdraw: 1 })
    assert.equal((await finder.counts('nobody.example')).entries, 0)
    const { agencies, all, others } = await finder.changers(10)
    assert.ok(agencies.some(({ agency, entries }) => agency === 'transport.gov.example' && entries === 8))
    assert.ok(all.entries >= 8 && all.amend >= 1)
    assert.equal(others, 0)
    const none = await finder.changers(0)
    assert.deepEqual([none.agencies, none.all, none.others], [[], all, agencies.length])
  })

  it('compares twenty thousand agencies once for each size of the log, and lets others work meanwhile', async () => {
    const rows = await openRows(join(folder, 'agencies'))
    try {
      const counts = Array.from({ length: 20_000 }, (_, at) => ({ entries: 100, 'silent-edit': at % 3, amend: at % 7, withdraw: at % 5 }))
      const kept = counts.map((each, at) => ({ key: rowKey('g', `agency-${at}.gov.example`), value: jsonValue(each) }))
      await rows.write(kept, async () => true)
      let read = 0
      const counted: Rows = {
        ...rows,
        range: (...asked) => {
          read++
          return rows.range(...asked)
        },
      }
      let [reached, answers]: [number, Awaited<ReturnType<typeof listChangers>>[]] = [5, []]
      const worstMs = await longestRoundMs(MOST_MS, async () => {
        reached++
        read = 0
        answers = await Promise.all(Array.from({ length: 10 }, () => listChangers(counted, reached, 10)))
      })
      const { agencies, all, others } = await listChangers(counted, reached, 10)
      assert.equal(read, 1)
      assert.ok(answers.every(each => each.agencies === agencies))
      assert.ok(worstMs < MOST_MS, `held the loop for ${worstMs.toFixed()} ms`)
      const most = counts.flatMap((each, at) =>
        each['silent-edit'] + each.amend + each.withdraw === 12 ? [`agency-${at}.gov.example`] : [],
      )
      assert.deepEqual(
        agencies.map(({ agency }) => agency),
        most.sort().slice(0, 10),
      )
      assert.deepEqual(
        [all.entries, others],
        [2_000_000, counts.filter(each => each['silent-edit'] + each.amend + each.withdraw > 0).length - 10],
      )
      await rows.write([{ key: rowKey('g', 'new.example'), value: jsonValue({ ...counts[0]!, amend: 1000 }) }], async () => true)
      assert.equal((await listChangers(counted, reached + 1, 10)).agencies[0]?.agency, 'new.example')
    } finally {
      await rows.close()
    }
  })

  it('accuses nobody of an annex, of a file that was withdrawn and published rightly, or of one that was amended', async () => {
    const reason = { reason: { code: 'publication-error' } } as const
    const named = (name: string, content: number) => ({ documents: [{ ...statementOf('x', content).documents[0]!, name }] })
    await submit('a', 1, named('decision.txt', 1))
    await submit('a', 2, named('annex.txt', 2))
    await submit('b', 1)
    await submit('b', 1, { action: 'withdraw', documents: [], ...reason })
    await submit('b', 2)
    await submit('c', 1, { revision: '1' })
    await submit('c', 1, { action: 'withdraw', documents: [], target: '1', ...reason })
    await submit('c', 2, { revision: '1' })
    const finder = await openOn()
    await finder.tick()
    assert.deepEqual(await finder.changes(['silent-edit'], ALL, 10), [])
    // Behind the annex the decision itself is changed.
    await submit('a', 3, named('decision.txt', 3))
    await submit('b', 3)
    await submit('c', 4, { revision: '1' })
    await finder.tick()
    assert.deepEqual(await finder.changes(['silent-edit'], ALL, 10), [
      { index: 11, kind: 'silent-edit', earlier: 8 },
      { index: 10, kind: 'silent-edit', earlier: 5 },
      { index: 9, kind: 'silent-edit', earlier: 1 },
    ])
  })

  it('names the statement that an amendment or withdrawal changes: the newest of its target, otherwise of the record', async () => {
    const reason = { reason: { code: 'correction' } } as const
    await submit('a', 1, { revision: '1' })
    await submit('a', 2, { revision: '2' })
    await submit('a', 3, { revision: '3', target: '1', action: 'amend', ...reason })
    await submit('a', 3, { target: '2', action: 'withdraw', documents: [], ...reason })
    await submit('a', 4, { action: 'withdraw', documents: [], ...reason })
    await submit('b', 4, { action: 'withdraw', documents: [], ...reason })
    await submit('a', 4, { target: '9', action: 'amend', ...reason })
    const finder = await openOn()
    await finder.tick()
    assert.deepEqual(
      (await finder.changes(CHANGE_KINDS, ALL, 10)).map(({ index, earlier }) => [index, earlier]),
      [
        [7, undefined],
        [6, undefined],
        // A withdrawal is not a version: the newest of the record is the amendment.
        [5, 3],
        [4, 2],
        [3, 1],
      ],
    )
  })

  it('sums up what was sealed when, and how long it waited for the chain', async () => {
    const finder = await openOn()
    const anchor = async (atMs: number) => {
      const block = { number: 1, hash: '0x', time: formatTime(atMs) }
      await ledger.setFinal({
        type: 'evm',
        chainId: 1,
        contract: '',
        logId: '',
        size: ledger.head().size,
        root: '',
        transaction: '',
        block,
      })
    }
    for (let at = 1; at <= 6; at++) {
      clockMs = START_MS + at * HOUR_MS
      await submit(`r${at}`, at)
      await submit(`s${at}`, at)
      if (at === 3) await anchor(clockMs + 600_000)
      if (at === 4) await finder.tick()
    }
    await finder.tick()
    const quarters = await finder.activity('quarter', START_MS + HOUR_MS, 10)
    assert.deepEqual(quarters, [
      { startMs: START_MS + HOUR_MS, records: 2, waitMs: 2 * HOUR_MS + 600_000 },
      { startMs: START_MS + 2 * HOUR_MS, records: 2, waitMs: HOUR_MS + 600_000 },
      { startMs: START_MS + 3 * HOUR_MS, records: 2, waitMs: 600_000 },
      ...[4, 5, 6].map(at => ({ startMs: START_MS + at * HOUR_MS, records: 2 })),
    ])
    await anchor(clockMs + 60_000)
    await finder.tick()
    assert.equal((await finder.activity('quarter', START_MS + 6 * HOUR_MS, 10))[0]?.waitMs, 60_000)
    assert.deepEqual(await finder.activity('day', 0, 10), [{ startMs: START_MS, records: 13, waitMs: 3 * HOUR_MS + 600_000 }])
  })

  it('follows the log by itself, and can be stopped in the middle', async () => {
    for (let at = 0; at < 50; at++) await submit(`r${at}`, at, { title: 'word' })
    const finder = await openOn()
    finder.start()
    while (finder.reached() < 51) await new Promise(resolve => setTimeout(resolve, 5))
    await close(finder)
    const slow = await openOn({ ...ledger, head: () => ({ size: 1e9 }), statement: async () => undefined })
    slow.start()
    await new Promise(resolve => setTimeout(resolve, 20))
    await close(slow)
  })
})
