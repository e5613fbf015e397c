/** That nothing is left of an erased record in the files of the embedded store. */
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Level } from 'level'
import { sha256Hex } from '../../../src/core/hash.ts'
import { openLevelStore } from '../../../src/store/level/level.ts'
import type { NewRecord } from '../../../src/store/port/log.ts'
import type { Store } from '../../../src/store/port/port.ts'
import { commitOf, text } from '../conformance/commits.ts'

/** A record with words and digests that nothing else has. */
function record(index: number): NewRecord {
  const salt = Buffer.from(sha256Hex(`salt ${index}`), 'hex').toString('base64url')
  return {
    index,
    statement: text(`{"title":"the title ${sha256Hex(`title ${index}`)}","salt":"${salt}"}`),
    identity: sha256Hex(`identity ${index}`),
    // Long, so that the rows that name many records fill tables of their own.
    subject: { agency: 'a.example', record: `the record ${['x', 'y', 'z'].map(of => sha256Hex(`record ${of} ${index}`)).join('')}` },
    digests: [sha256Hex(`document ${index}`), sha256Hex(`annex ${index}`)],
  }
}

/**
 * Bytes that must not be found: words, and the ends of digests, since a table may share their beginnings.
 */
function tracesOf({ statement, identity, subject, digests }: NewRecord): Buffer[] {
  const [, title, , salt] = /"the title (.*?)"(.*)"salt":"(.*?)"/.exec(Buffer.from(statement).toString()) ?? []
  const words = [title!, salt!, subject!.record.slice(-40)].map(word => Buffer.from(word))
  const hashes = [identity, ...digests]
  const binary = hashes.map(hash => Buffer.from(hash, 'hex').subarray(12))
  return [...words, ...binary, ...hashes.map(hash => Buffer.from(hash))]
}

/** The methods of Level by which a store changes its files. */
const methods = Level.prototype as unknown as { [name: string]: (...args: never[]) => unknown }

describe('Level store: erasing', () => {
  let folder: string
  let store: Store
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'openseal-erase-'))
    store = await openLevelStore(folder)
  })
  afterEach(async () => {
    await store.close()
    await rm(folder, { recursive: true, force: true })
  })

  const filesWith = async (of: NewRecord) => {
    const found = new Set<string>()
    for (const name of await readdir(folder)) {
      const bytes = await readFile(path.join(folder, name)).catch(() => Buffer.alloc(0))
      if (tracesOf(of).some(trace => bytes.includes(trace))) found.add(name)
    }
    return [...found]
  }
  const records = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => record(from + at))
  const fill = (from: number, to: number) => store.commit(commitOf(from, to, records(from, to)))
  const erase = async (size: number, ...indexes: number[]) => {
    const gone = indexes.map(index => record(index)).map(({ statement: _, ...rest }) => rest)
    await store.commit({ ...commitOf(size, size + 1, records(size, size + 1)), erase: gone })
  }
  const reopen = async () => {
    await store.close()
    store = await openLevelStore(folder)
  }

  it('leaves no byte in any file, whether the record was in the journal, a young table or an old one', async () => {
    await fill(0, 300)
    await reopen()
    await fill(300, 500)
    await reopen()
    await fill(500, 600)
    for (const index of [7, 350, 599]) ok((await filesWith(record(index))).length > 0)
    await erase(600, 7, 350, 599, 0)
    ok((await filesWith(record(7))).length > 0)
    equal(await store.hasRemains(), true)
    await store.purge()
    for (const index of [7, 350, 599, 0]) deepEqual(await filesWith(record(index)), [], `record ${index}`)
    equal(await store.hasRemains(), false)
    await fill(601, 602)
    await reopen()
    for (const index of [7, 350, 599, 0]) deepEqual(await filesWith(record(index)), [], `record ${index}`)
    for (const index of [6, 8, 351, 598, 1, 601]) deepEqual(await store.readStatement(index), Buffer.from(record(index).statement))
  })

  it('leaves no byte where record and erasure lie in one table at the bottom', async () => {
    await fill(0, 50)
    await erase(50, 20)
    for (let size = 51; size < 55; size++) {
      await reopen()
      await fill(size, size + 1)
    }
    await store.purge()
    deepEqual(await filesWith(record(20)), [])
  })

  it('leaves no byte where each kind of row fills tables of its own', async () => {
    for (let size = 0; size < 20_000; size += 10_000) await fill(size, size + 10_000)
    await reopen()
    await erase(20_000, 9_000)
    await reopen()
    await store.purge()
    deepEqual(await filesWith(record(9_000)), [])
  })

  it('leaves no byte while others read lists that are long', async () => {
    await fill(0, 2000)
    const reading = store.digestsWithPrefix('', { limit: 1e6, each: 2 })
    await erase(2000, 1000)
    await store.purge()
    deepEqual(await filesWith(record(1000)), [])
    ok((await reading).digests.length >= 3998)
  })

  it('goes on with a purge that was interrupted, at the next start', async () => {
    await fill(0, 100)
    await erase(100, 42)
    await reopen()
    ok((await filesWith(record(42))).length > 0)
    equal(await store.hasRemains(), true)
    await store.purge()
    deepEqual([await filesWith(record(42)), await store.hasRemains()], [[], false])
  })

  it('fails no reading while it opens the database anew', async () => {
    await fill(0, 5000)
    let isDone = false
    let readings = 0
    const readAgain = async (read: () => Promise<unknown>) => {
      for (; !isDone; readings++) await read()
    }
    const reading = Promise.all([
      readAgain(() => store.digestsWithPrefix('', { limit: 2000, each: 2 })),
      readAgain(() => store.lastSize()),
      readAgain(() => store.listByAgency('a.example', 5000, 10)),
      readAgain(() => store.readCommits(7, 8)),
    ])
    const purging = (async () => {
      for (let size = 5000; size < 5004; size++) {
        await erase(size, size - 4000)
        await store.purge()
      }
    })().finally(() => {
      isDone = true
    })
    await Promise.all([reading, purging])
    ok(readings > 20, `${readings} readings`)
  })

  it('lets commits through while it compacts, and compacts many keys at once', async () => {
    await fill(0, 300)
    let compactions = 0
    const { compactRange } = methods
    methods.compactRange = async function (this: unknown, ...range: never[]) {
      if (compactions++ === 0) await fill(301, 302)
      return compactRange?.apply(this, range)
    }
    try {
      await erase(300, ...Array.from({ length: 200 }, (_, at) => 50 + at))
      await store.purge()
    } finally {
      methods.compactRange = compactRange!
    }
    ok(compactions < 10, `${compactions} compactions`)
    for (const index of [50, 249]) deepEqual(await filesWith(record(index)), [])
    for (const index of [49, 250, 301]) deepEqual(await store.readStatement(index), Buffer.from(record(index).statement))
  })

  it('leaves no byte where rows fill more tables than are worth compacting for a few keys', async () => {
    const large = (index: number) => ({ ...record(index), statement: Buffer.concat([record(index).statement, randomBytes(100_000)]) })
    for (let size = 0; size < 400; size += 50)
      await store.commit(
        commitOf(
          size,
          size + 50,
          Array.from({ length: 50 }, (_, at) => large(size + at)),
        ),
      )
    const ranges: (readonly Uint8Array[])[] = []
    const { compactRange } = methods
    methods.compactRange = function (this: unknown, ...range: never[]) {
      ranges.push(range)
      return compactRange?.apply(this, range)
    }
    await erase(400, 10, 390)
    await store.purge().finally(() => {
      methods.compactRange = compactRange!
    })
    const ofStatements = ranges.filter(([first]) => first?.[0] === 's'.charCodeAt(0))
    equal(ofStatements.length, 2)
    for (const [first, last] of ofStatements) deepEqual(first, last)
    for (const index of [10, 390]) deepEqual(await filesWith(record(index)), [])
  })

  it('begins again if the disk failed during a compaction, of which LevelDB says nothing', async () => {
    await fill(0, 100)
    await erase(100, 42)
    const { compactRange, batch } = methods
    let fails = true
    methods.compactRange = async () => {
      // The commit that meets the failure opens the database anew, and LevelDB forgets it.
      methods.batch = () => {
        throw new Error('the disk has failed')
      }
      await rejects(store.writeDocuments([{ collection: 'c', key: 'k', value: 'v' }]), { code: 'STORE_WRITE_FAILED' })
      methods.batch = batch!
      fails = false
    }
    await rejects(store.purge(), { code: 'STORE_UNSETTLED' })
    methods.compactRange = compactRange!
    deepEqual([fails, await store.hasRemains()], [false, true])
    ok((await filesWith(record(42))).length > 0)
    await store.purge()
    deepEqual([await filesWith(record(42)), await store.hasRemains()], [[], false])
  })

  it('exports no document that is for this store alone', async () => {
    const level = store as Awaited<ReturnType<typeof openLevelStore>>
    await store.writeDocuments([
      { collection: 'local-suppressed', key: 'secret', value: '{}' },
      { collection: 'locality', key: 'kept', value: '{}' },
    ])
    const keys: string[] = []
    for await (const [rowKey] of level.rows()) keys.push(Buffer.from(rowKey).toString('latin1'))
    deepEqual(keys, ['xlocality\0kept'])
  })

  it('exports nothing of a record that was erased, even before the purge', async () => {
    await fill(0, 10)
    await erase(10, 4)
    const level = store as Awaited<ReturnType<typeof openLevelStore>>
    const rows: Buffer[] = []
    for await (const [rowKey, value] of level.rows()) rows.push(Buffer.from(rowKey), Buffer.from(value))
    const all = Buffer.concat(rows)
    for (const trace of tracesOf(record(4))) equal(all.includes(trace), false)
    for (const trace of tracesOf(record(5)).slice(0, 6)) equal(all.includes(trace), true)
  })
})
