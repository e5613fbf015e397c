/** The finder's filters, counts and near spellings, compared with reading everything. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import type { Statement } from '../../src/core/statements/statement.ts'
import { countFacet, countRows, facetToken } from '../../src/finder/facets.ts'
import { type Finder, openFinder } from '../../src/finder/finder.ts'
import { BLOCK, postingRows } from '../../src/finder/postings.ts'
import { openRows } from '../../src/finder/rows.ts'
import type { WantedEntries } from '../../src/finder/search.ts'
import { distanceOf } from '../../src/finder/vocabulary.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { silentLog } from '../../src/logger.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import { openTestLedger, statementOf } from '../ledger/fixtures.ts'

const AGENCIES = ['transport.gov.example', 'courts.gov.example']
const STATES = ['current', 'waiting', 'withdrawn', 'superseded', 'edited'] as const

describe('finder: finding', () => {
  let folder: string
  let ledger: Ledger
  let finder: Finder

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-finding-'))
    ledger = await openTestLedger(createMemoryStore())
    finder = await openFinder({ ledger, folder, steadyMs: () => performance.now(), log: silentLog })
  })
  afterEach(async () => {
    await finder.stop()
    await ledger.close()
    await rm(folder, { recursive: true })
  })

  const submit = (record: string, content: number, changes: Partial<Statement> = {}) => ledger.submit(statementOf(record, content, changes))
  const packageFile = (content: number): Partial<Statement> => {
    const { documents } = statementOf('x', content)
    return { kind: 'procurement', record: `urn:sha256:${documents[0]!.sha256}`, documents: [{ ...documents[0]!, name: 'package.json' }] }
  }
  /** All pages of an answer, a few entries at a time. */
  const all = async (wanted: WantedEntries, limit = 7): Promise<number[]> => {
    const found: number[] = []
    for (let at: WantedEntries = wanted; ; ) {
      const { indexes, next } = await finder.search(at, limit)
      found.push(...indexes)
      if (next === undefined) return found
      at = wanted.isOldestFirst === true ? { ...wanted, from: next } : { ...wanted, before: next }
    }
  }

  const sketch = fc.record({
    action: fc.constantFrom<Statement['action']>('publish', 'publish', 'publish', 'amend', 'withdraw'),
    kind: fc.constantFrom<Statement['kind']>('procurement', 'decision'),
    agency: fc.constantFrom(...AGENCIES),
    record: fc.constantFrom('a', 'b', 'c'),
    revision: fc.constantFrom('1', '2', undefined),
    target: fc.constantFrom('1', '2', undefined),
    content: fc.integer({ min: 0, max: 3 }),
    isPackage: fc.constantFrom(true, false, false, false),
  })

  const filter = fc.record({
    agency: fc.constantFrom(undefined, ...AGENCIES),
    kind: fc.constantFrom(undefined, 'procurement', 'decision'),
    state: fc.constantFrom(undefined, ...STATES),
    packages: fc.constantFrom(undefined, 'hidden', 'only'),
  })

  it('agrees with reading every entry and its state, whatever the history and the filter, in both orders', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(sketch, { minLength: 5, maxLength: 40 }),
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.array(filter, { minLength: 15, maxLength: 15 }),
        async (sketches, erasedAt, tickAt, filters) => {
          await finder.stop()
          await rm(folder, { recursive: true })
          await ledger.close()
          ledger = await openTestLedger(createMemoryStore())
          finder = await openFinder({ ledger, folder, steadyMs: () => performance.now(), log: silentLog })
          for (const [at, { action, kind, agency, record, revision, target, content, isPackage }] of sketches.entries()) {
            const base = { agency, kind, action, title: `Title ${at}` }
            const change = action === 'publish' ? {} : { reason: { code: 'other' } as const, ...(target && { target }) }
            const version = action === 'withdraw' || revision === undefined ? {} : { revision }
            if (isPackage) await submit('x', 100 + at, { ...base, action: 'publish', kind: 'procurement', ...packageFile(100 + at) })
            else await submit(record, content, { ...base, ...change, ...version, ...(action === 'withdraw' && { documents: [] }) })
            if (at === tickAt) await finder.tick()
          }
          if (erasedAt > 0 && erasedAt < ledger.head().size) await ledger.requestErasure(erasedAt, 'other', { by: 'operator' })
          await finder.tick()
          const { size } = ledger.head()
          const anchored = Math.floor(size / 2)
          const entries = await Promise.all(
            Array.from({ length: size }, async (_, index) => {
              const text = await ledger.statement(index)
              const statement: Statement | undefined = text === undefined ? undefined : JSON.parse(text)
              const ofRecord = statement?.type === 'openseal/statement@v1' ? statement : undefined
              return { index, statement: ofRecord, state: ofRecord && (await finder.state(index, ofRecord)) }
            }),
          )
          for (const { agency, kind, state, packages } of filters) {
            const isAll = agency === undefined && kind === undefined && state === undefined && packages !== 'only'
            const expected = entries.flatMap(({ index, statement, state: is }) => {
              const isPackage = statement?.record.startsWith('urn:') === true
              if (isAll && statement === undefined) return [index]
              if (statement === undefined || is === undefined) return []
              if ((agency ?? statement.agency) !== statement.agency || (kind ?? statement.kind) !== statement.kind) return []
              if (packages !== undefined && isPackage !== (packages === 'only')) return []
              const isEdited = is.edited === true || is.isSilentEdit === true
              const isIn = {
                current: index < anchored && is.withdrawn === undefined && is.superseded === undefined && !isEdited,
                waiting: index >= anchored,
                withdrawn: is.withdrawn !== undefined,
                superseded: is.superseded !== undefined,
                edited: isEdited,
              }
              return state === undefined || isIn[state] ? [index] : []
            })
            const wanted = { agency, kind, state, packages, anchored }
            assert.deepEqual(await all({ ...wanted, isOldestFirst: true }), expected, JSON.stringify(wanted))
            assert.deepEqual(await all(wanted), expected.toReversed(), JSON.stringify(wanted))
            const between = { ...wanted, from: 3, before: size - 2 }
            const inside = expected.filter(index => index >= 3 && index < size - 2)
            assert.deepEqual(await all(between), inside.toReversed(), JSON.stringify(between))
            for (const [asked, list] of [
              [wanted, expected],
              [between, inside],
            ] as const) {
              const counted = await finder.count(asked)
              if (state === undefined || state === 'waiting' || state === 'withdrawn')
                assert.deepEqual(counted, { count: list.length, isExact: true }, JSON.stringify(asked))
              else assert.equal(counted, undefined)
            }
          }
        },
      ),
      { numRuns: 15 },
    )
  }).timeout(60_000)

  it('combines words and numbers with filters', async () => {
    await submit('r-1', 1, { title: 'Road works', kind: 'decision' })
    await submit('r-2', 2, { title: 'Road works', kind: 'procurement', agency: AGENCIES[1]! })
    await submit('r-3', 3, { title: 'Road signs', kind: 'procurement' })
    await submit('x', 4, { title: 'Road package', ...packageFile(4) })
    await finder.tick()
    const find = (wanted: WantedEntries) => all(wanted)
    assert.deepEqual(await find({ text: 'road' }), [4, 3, 2, 1])
    assert.deepEqual(await find({ text: 'road', packages: 'hidden' }), [3, 2, 1])
    assert.deepEqual(await find({ text: 'road works', kind: 'decision' }), [1])
    assert.deepEqual(await find({ text: 'r-2', agency: AGENCIES[0] }), [])
    assert.deepEqual(await find({ text: 'r-2', agency: AGENCIES[1] }), [2])
    assert.deepEqual(await find({ text: 'road', from: 2, before: 3 }), [2])
    const { entries, kinds, packages } = await finder.facets(AGENCIES[0])
    assert.deepEqual([entries, kinds, packages], [3, { procurement: 2, decision: 1 }, 1])
    assert.deepEqual((await finder.facets(undefined)).entries, 4)
  })

  it('counts in parts of a million entries as in all of their rows', async () => {
    const rows = await openRows(join(folder, 'counts'))
    const token = facetToken({})
    // Three blocks in each of four parts, at their edges and in the middle.
    const blocks = [0, 1, 511, 1023, 1024, 1500, 2047, 2048, 3000, 3071, 3072, 4095]
    for (const block of blocks) {
      const added = new Map([[token, Array.from({ length: 1 + (block % 5) }, (_, at) => block * BLOCK + at * 200)]])
      await rows.write([...countRows(rows, block * BLOCK, added), ...postingRows(rows, block, added)], async () => true)
    }
    const listed = blocks.flatMap(block => Array.from({ length: 1 + (block % 5) }, (_, at) => block * BLOCK + at * 200))
    for (const from of [0, 1, 201, 1024 * BLOCK, 1024 * BLOCK + 1, 2048 * BLOCK - 1])
      for (const to of [0, 1, 202, 1024 * BLOCK, 1024 * BLOCK + 1, 3072 * BLOCK, 4096 * BLOCK])
        assert.equal(await countFacet(rows, token, from, to), listed.filter(at => at >= from && at < to).length, `${from} ${to}`)
    await rows.close()
  })

  it('offers words that are spelled nearly alike, in any script, as the titles write them', async () => {
    for (const [at, title] of [
      'Κατασκευή οδού',
      'صيانة الطريق السريع',
      'Реконструкція мосту',
      'Straßenbau in München',
      'Road maintenance',
      'Hidden parliament',
    ].entries())
      await submit(`r-${at}`, at, { title })
    await finder.tick()
    const near = async (word: string) => (await finder.near(word, 3)).map(({ written }) => written)
    for (const [typed, written] of [
      ['κατασκεβη', 'Κατασκευή'],
      ['ΟΔΟΙ', 'οδού'],
      ['الطريف', 'الطريق'],
      ['реконструкцыя', 'Реконструкція'],
      ['мсоту', 'мосту'],
      ['Muenchen', 'München'],
      ['Strasenbau', 'Straßenbau'],
      ['raod', 'Road'],
      ['maintenence', 'maintenance'],
      ['maintanence', 'maintenance'],
      ['aintenance', 'maintenance'],
      ['maintenancee', 'maintenance'],
    ] as const)
      assert.deepEqual(await near(typed), [written], typed)
    for (const typed of ['road', 'xyz', 'unrelated', '', 'a'.repeat(200), '道路工事']) assert.deepEqual(await near(typed), [], typed)
    await ledger.requestErasure(6, 'other', { by: 'operator' })
    await finder.tick()
    assert.deepEqual(await near('parliamant'), [])
  })

  it('measures a distance as many single mistakes, never one less', () => {
    for (const [one, other, distance] of [
      ['road', 'raod', 1],
      ['road', 'roads', 1],
      ['road', 'rod', 1],
      ['road', 'rxad', 1],
      ['abcd', 'badc', 2],
      ['abc', 'xyz', 3],
    ] as const)
      assert.equal(distanceOf(one, other, 2), distance)
    fc.assert(
      fc.property(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), (one, other) => {
        const distance = distanceOf(one, other, 9)
        assert.equal(distance, distanceOf(other, one, 9))
        assert.equal(distance === 0, one === other)
        assert.equal(distanceOf(one, other, 2), Math.min(distance, 3))
      }),
    )
  })
})
