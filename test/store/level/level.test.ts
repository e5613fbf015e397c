/** The Level store against the conformance suite, and what only a store on disk can get wrong. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Level } from 'level'
import { openLevelStore } from '../../../src/store/level/level.ts'
import type { Store } from '../../../src/store/port/port.ts'
import { checkLog } from '../../ledger/check-log.ts'
import { openTestLedger, statementOf } from '../../ledger/fixtures.ts'
import { commitOf } from '../conformance/commits.ts'
import { embeddedConformance } from '../conformance.ts'

describe('Level store', () => {
  const folders = new Map<Store, string>()
  const openIn = async (folder: string) => {
    const store = await openLevelStore(folder)
    folders.set(store, folder)
    return store
  }
  const newFolder = () => mkdtemp(path.join(tmpdir(), 'openseal-level-'))
  after(() => Promise.all([...folders.values()].map(folder => rm(folder, { recursive: true, force: true }))))

  embeddedConformance({
    open: async () => openIn(await newFolder()),
    reopen: closed => openIn(folders.get(closed)!),
  })

  it('refuses a folder that is open already, in one clear sentence', async () => {
    const folder = await newFolder()
    const store = await openIn(folder)
    await assert.rejects(openLevelStore(folder), { code: 'STORE_LOCKED', message: /in use by another OpenSeal service/ })
    await store.close()
  })

  it('says that a head row with a byte missing is corrupt', async () => {
    const folder = await newFolder()
    const store = await openIn(folder)
    await store.close()
    const raw = new Level<Uint8Array, Uint8Array>(folder, { keyEncoding: 'view', valueEncoding: 'view' })
    await raw.put(new TextEncoder().encode('h'), new Uint8Array(44))
    await raw.close()
    const damaged = await openIn(folder)
    await assert.rejects(damaged.readHead(), { code: 'STORE_CORRUPT' })
    await damaged.close()
  })

  it('says that a head row which is gone is corrupt, so that no new log is begun over an old one', async () => {
    const folder = await newFolder()
    const store = await openIn(folder)
    await openTestLedger(store)
    await store.close()
    const raw = new Level<Uint8Array, Uint8Array>(folder, { keyEncoding: 'view', valueEncoding: 'view' })
    await raw.del(new TextEncoder().encode('h'))
    await raw.close()
    const beheaded = await openIn(folder)
    await assert.rejects(openTestLedger(beheaded), { code: 'STORE_CORRUPT', message: /is gone.*openseal doctor/ })
    assert.equal(await beheaded.lastSize(), 1)
    await beheaded.close()
  })

  it('gives the head of each of many commits, then and when it is opened again, and keeps few rows of it', async () => {
    const folder = await newFolder()
    let store = await openLevelStore(folder)
    let ledger = await openTestLedger(store)
    for (let n = 1; n <= 300; n++) {
      // One at a time and in crowds, so that bundles and tiles fill up within a commit as well as
      // at its end.
      await Promise.all(Array.from({ length: n % 50 === 0 ? 300 : 1 }, (_, i) => ledger.submit(statementOf(`r${n}-${i}`, i))))
      const { size, root } = ledger.head()
      assert.deepEqual((await store.readHead())?.head, { size, root })
      if (n % 17 !== 0) continue
      await ledger.close()
      const rows = await rowsOf(folder, 'g')
      assert.ok(rows.length <= 32, `${rows.length} rows`)
      store = await openLevelStore(folder)
      ledger = await openTestLedger(store)
      assert.deepEqual([ledger.head().size, ledger.head().root], [size, root])
    }
    assert.equal(await checkLog(store), ledger.head().size)
    await ledger.close()
  })

  it('reads a head of a version without additions, and adds none to it, because that version would ignore them', async () => {
    const folder = await newFolder()
    const store = await openLevelStore(folder)
    await (await openTestLedger(store)).submit(statementOf('a', 1))
    const { head, edge } = (await store.readHead())!
    await store.putHead(head, edge)
    await store.close()
    const withoutFlag = (row: Uint8Array) => row.map((byte, at) => (at === 40 ? byte & 0x7f : byte))
    await changeRow(folder, 'h', withoutFlag)
    const again = await openTestLedger(await openLevelStore(folder))
    assert.equal((await again.submit(statementOf('b', 2))).index, 2)
    await again.close()
    assert.deepEqual(await rowsOf(folder, 'g'), [])
    const last = await openTestLedger(await openLevelStore(folder))
    assert.equal((await last.submit(statementOf('c', 3))).index, 3)
    await last.close()
    assert.equal((await rowsOf(folder, 'g')).length, 1)
  })

  it('refuses a document with any bit changed, or under another key, and returns the others', async () => {
    const folder = await newFolder()
    const store = await openIn(folder)
    await store.writeDocuments(['damaged', 'sound'].map(key => ({ collection: 'c', key, value: `{"of":"${key}"}` })))
    await store.close()
    const rowKey = (name: string) => new TextEncoder().encode(`xc\0${name}`)
    const change = async (how: (raw: Level<Uint8Array, Uint8Array>) => Promise<unknown>) => {
      const raw = new Level<Uint8Array, Uint8Array>(folder, { keyEncoding: 'view', valueEncoding: 'view' })
      await how(raw)
      await raw.close()
    }
    let row = new Uint8Array(0)
    await change(async raw => {
      row = (await raw.get(rowKey('damaged')))!.slice()
    })
    for (let bit = 0; bit < row.length * 8; bit += 3) {
      const changed = row.map((byte, i) => (i === Math.floor(bit / 8) ? byte ^ (2 ** (bit % 8)) : byte))
      await change(raw => raw.put(rowKey('damaged'), changed))
      const again = await openLevelStore(folder)
      await assert.rejects(again.readDocument('c', 'damaged'), { code: 'STORE_DAMAGED', message: /c\/damaged/ })
      if (bit === 0) {
        await assert.rejects(again.listDocuments('c'), { code: 'STORE_DAMAGED' })
        assert.equal(await again.readDocument('c', 'sound'), '{"of":"sound"}')
        for await (const found of again.damagedDocuments()) assert.deepEqual(found, { collection: 'c', key: 'damaged' })
      }
      await again.close()
    }
    await change(async raw => raw.put(rowKey('damaged'), (await raw.get(rowKey('sound')))!))
    const moved = await openIn(folder)
    await assert.rejects(moved.readDocument('c', 'damaged'), { code: 'STORE_DAMAGED' })
  })

  it('reads the documents of a store from before they had checksums', async () => {
    const folder = await newFolder()
    await (await openLevelStore(folder)).close()
    const raw = new Level<Uint8Array, Uint8Array>(folder, { keyEncoding: 'view', valueEncoding: 'view' })
    await raw.put(new TextEncoder().encode('xc\0k'), new TextEncoder().encode('{"old":1}'))
    await raw.close()
    assert.equal(await (await openIn(folder)).readDocument('c', 'k'), '{"old":1}')
  })

  it('finds its rows again when the disk failed while a manifest took the place of another', async () => {
    const folder = await newFolder()
    const store = await openIn(folder)
    await store.writeDocuments([{ collection: 'c', key: 'k', value: 'v' }])
    await store.close()
    // As LevelDB leaves it: the rename of CURRENT landed and was reported as failed, so that the
    // manifest which it names was removed.
    await writeFile(path.join(folder, 'CURRENT'), 'MANIFEST-000999\n')
    const again = await openIn(folder)
    assert.equal(await again.readDocument('c', 'k'), 'v')
    await again.close()
  })

  for (const lands of [true, false])
    it(`shows the head that the disk holds after a write that ${lands ? 'landed' : 'did not land'} and is told as failed`, async () => {
      const store = await openIn(await newFolder())
      await store.commit(commitOf(0, 2))
      const methods = Level.prototype as unknown as { batch: (...args: unknown[]) => { write(options: unknown): Promise<void> } }
      const { batch } = methods
      methods.batch = function (...args) {
        const chained = batch.apply(this, args)
        if (args.length > 0) return chained
        const write = chained.write.bind(chained)
        chained.write = async options => {
          if (lands) await write(options)
          throw new Error('the disk has failed')
        }
        return chained
      }
      await assert.rejects(store.commit(commitOf(2, 5)), { code: 'STORE_WRITE_FAILED' }).finally(() => {
        methods.batch = batch
      })
      assert.equal((await store.readHead())?.head.size, lands ? 5 : 2)
      await store.commit(commitOf(lands ? 5 : 2, 6))
      assert.equal((await store.readHead())?.head.size, 6)
      await store.close()
    })

  it('has every answered commit after kill -9', async () => {
    const folder = await newFolder()
    const answered = await runUntilKilled(folder)
    const store = await openIn(folder)
    const size = (await store.readHead())?.head.size ?? 0
    assert.ok(answered > 0)
    assert.ok(size >= answered, `answered ${answered}, found ${size}`)
    for (let index = 0; index < size; index++) assert.notEqual(await store.readStatement(index), undefined)
    await store.close()
  })
})

/** The keys of a closed store that begin with this letter. */
async function rowsOf(folder: string, letter: string): Promise<Uint8Array[]> {
  const raw = new Level<Uint8Array, Uint8Array>(folder, { keyEncoding: 'view', valueEncoding: 'view' })
  const keys = await raw.keys({ gte: Buffer.from(letter), lt: Buffer.from(String.fromCharCode(letter.charCodeAt(0) + 1)) }).all()
  await raw.close()
  return keys
}

/** Changes a row of a closed store. */
async function changeRow(folder: string, key: string, how: (row: Uint8Array) => Uint8Array): Promise<void> {
  const raw = new Level<Uint8Array, Uint8Array>(folder, { keyEncoding: 'view', valueEncoding: 'view' })
  await raw.put(Buffer.from(key), how((await raw.get(Buffer.from(key)))!))
  await raw.close()
}

/**
 * Runs a process that commits one record after the other, kills it in the middle, and returns how
 * many commits it had answered.
 */
function runUntilKilled(folder: string): Promise<number> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'commit-forever.ts'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', chunk => {
    output += chunk
    if (output.split('\n').length > 200) child.kill('SIGKILL')
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => resolve(Number(output.trimEnd().split('\n').at(-1))))
  })
}
