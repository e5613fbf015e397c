/**
 * The finder's state of each entry, compared with the rules of the core over the whole history of a
 * record.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import type { DocumentRef, Statement } from '../../src/core/statements/statement.ts'
import { changesOf, markHistory, type Version } from '../../src/core/statements/versions.ts'
import type { FinderRow } from '../../src/finder/rows.ts'
import { createThreads, readState } from '../../src/finder/threads.ts'

const documents = (text: string): DocumentRef[] =>
  text.split(' ').map(each => {
    const [name = '', content = '', jcs] = each.split(':')
    return {
      name,
      mediaType: 'text/plain',
      bytes: 1,
      sha256: content.repeat(64).slice(0, 64),
      ...(jcs && { jcs: jcs.repeat(64).slice(0, 64) }),
    }
  })

type Sketch = { action: Statement['action']; docs: string; revision?: string | undefined; target?: string | undefined; record: string }

const versionOf = ({ action, docs, revision, target, record }: Sketch, at: number): Version => {
  const names = { type: 'openseal/statement@v1', agency: 'a.example', kind: 'decision', action, record } as const
  const isPublish = action === 'publish'
  const version = action !== 'withdraw' && revision !== undefined && { revision }
  const rest = !isPublish && { ...(target !== undefined && { target }), reason: { code: 'other' as const } }
  return { index: at + 1, statement: { ...names, documents: documents(docs), ...version, ...rest } }
}

/** Rows in a map, as the finder writes them: in runs, each with one write. */
const keep = () => {
  const rows = new Map<string, Uint8Array>()
  let reads = 0
  const name = (key: Uint8Array) => Buffer.from(key).toString('latin1')
  return {
    get: (key: Uint8Array) => {
      reads++
      return rows.get(name(key))
    },
    write: (added: Iterable<FinderRow>) => {
      for (const { key, value } of added) rows.set(name(key), value)
    },
    reads: () => reads,
    size: () => rows.size,
  }
}

const takeIn = async (versions: readonly Version[], runLength: number, unread: ReadonlySet<number> = new Set()) => {
  const rows = keep()
  const earlier: (number | undefined)[] = []
  const read = async (index: number) =>
    unread.has(index) ? undefined : JSON.stringify(versions.find(each => each.index === index)?.statement)
  for (let from = 0; from < versions.length; from += runLength) {
    const threads = createThreads(rows, read, async () => true)
    for (const { index, statement } of versions.slice(from, from + runLength)) earlier.push(await threads.add(index, statement))
    rows.write(threads.rows())
  }
  return { rows, earlier }
}

const sketch = fc.record({
  action: fc.constantFrom<Statement['action']>('publish', 'publish', 'publish', 'amend', 'withdraw'),
  docs: fc.constantFrom('x:1', 'x:2', 'y:1', 'y:2', 'x:1 y:1', 'x:2 y:1', 'x:1:5', 'x:3:5', 'x:3:6', 'z:1 x:3'),
  revision: fc.constantFrom(undefined, undefined, 'r', 's'),
  target: fc.constantFrom(undefined, 'r', 's'),
  record: fc.constantFrom('one', 'one', 'one', 'two'),
})

describe('finder: what became of each entry', () => {
  it('follows the rules for the whole history, however the history was taken in', async () => {
    const history = fc.array(sketch, { maxLength: 14 })
    await fc.assert(
      fc.asyncProperty(history, fc.integer({ min: 1, max: 14 }), async (sketches, runLength) => {
        const versions = sketches.map(versionOf)
        const { rows, earlier } = await takeIn(versions, runLength)
        const records = Map.groupBy(versions, ({ statement }) => statement.record)
        for (const ofRecord of records.values()) {
          const marks = markHistory(ofRecord)
          for (const [at, own] of ofRecord.entries()) {
            const changes = changesOf(own, ofRecord).filter(({ index }) => index !== own.index)
            const did = (what: string) => changes.filter(change => change.what === what).map(({ index }) => index)
            const { withdrawn, superseded, edited } = readState(rows, own.index, own.statement)
            equal(withdrawn, did('withdrawn').at(-1))
            equal(superseded, did('superseded').at(-1))
            equal(edited === true, did('edited').length > 0)
            if (own.statement.action === 'publish') equal(earlier[own.index - 1] !== undefined, marks[at]?.flag === 'silent-edit')
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  it('names the statement that an amendment or withdrawal changes: the newest with its target, otherwise the newest of the record', async () => {
    const of = (action: Statement['action'], rest: Partial<Sketch> = {}): Sketch => ({ action, docs: 'x:1', record: 'one', ...rest })
    const versions = [
      of('publish', { revision: 'r' }),
      of('publish', { revision: 's', docs: 'x:2' }),
      of('amend', { revision: 't', target: 'r', docs: 'x:3' }),
      of('withdraw', { target: 's' }),
      of('withdraw', { target: 'nowhere' }),
      of('amend', { docs: 'x:4' }),
      of('withdraw'),
    ].map(versionOf)
    deepEqual((await takeIn(versions, 2)).earlier, [undefined, undefined, 1, 2, undefined, 3, 6])
  })

  it('reports a silent edit however many other publications lie between', async () => {
    const fillers = Array.from({ length: 300 }, (_, at) => ({ action: 'publish' as const, docs: `f${at}:1`, record: 'one' }))
    const versions = [
      { action: 'publish' as const, docs: 'x:1', record: 'one' },
      ...fillers,
      { action: 'publish' as const, docs: 'x:2', record: 'one' },
    ].map(versionOf)
    const { rows, earlier } = await takeIn(versions, 50)
    equal(earlier.at(-1), 1)
    equal(readState(rows, 1, versions[0]!.statement).edited, true)
    equal(readState(rows, 2, versions[1]!.statement).edited, undefined)
  })

  it('costs the same for each entry of a record, however long its history is', async () => {
    const size = 3000
    for (const [what, sketchOf] of [
      ['one version again and again', (at: number) => ({ action: 'publish', docs: `x:${at % 7}`, record: 'one' })],
      ['another version each time', (at: number) => ({ action: 'publish', docs: 'x:1', record: 'one', revision: String(at) })],
      ['amendments of everything', (at: number) => ({ action: at % 2 ? 'amend' : 'publish', docs: 'x:1', record: 'one' })],
      ['withdrawals of everything', (at: number) => ({ action: at % 2 ? 'withdraw' : 'publish', docs: 'x:1', record: 'one' })],
    ] as const) {
      const versions = Array.from({ length: size }, (_, at) => versionOf(sketchOf(at) as Sketch, at))
      const { rows } = await takeIn(versions, 100)
      ok(rows.reads() < size * 12, `${what}: ${rows.reads()} reads to take in ${size}`)
      const before = rows.reads()
      for (const { index, statement } of versions) readState(rows, index, statement)
      ok(rows.reads() - before < size * 14, `${what}: ${rows.reads() - before} reads to look at ${size}`)
    }
  })

  it('goes on where the first of two versions was erased', async () => {
    const versions = ['x:1', 'x:2', 'x:3'].map(docs => ({ action: 'publish' as const, docs, record: 'one' })).map(versionOf)
    const { rows, earlier } = await takeIn(versions, 1, new Set([1]))
    deepEqual(earlier, [undefined, undefined, 2])
    equal(readState(rows, 2, versions[1]!.statement).edited, true)
  })
})
