/** The Level store against the conformance suite, and what only a store on disk can get wrong. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Level } from 'level'
import { openLevelStore } from '../../src/store/level.ts'
import type { Store } from '../../src/store/port.ts'
import { openTestLedger } from '../ledger/fixtures.ts'
import { storeConformance } from './conformance.ts'

describe('Level store', () => {
  const folders = new Map<Store, string>()
  const openIn = async (folder: string) => {
    const store = await openLevelStore(folder)
    folders.set(store, folder)
    return store
  }
  const newFolder = () => mkdtemp(path.join(tmpdir(), 'openseal-level-'))
  after(() => Promise.all([...folders.values()].map(folder => rm(folder, { recursive: true, force: true }))))

  storeConformance(
    async () => openIn(await newFolder()),
    closed => openIn(folders.get(closed)!),
  )

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

  it('refuses a document of which the disk has changed any bit, or whose row stands under another key, and gives the others', async () => {
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
    // As LevelDB leaves it: the rename of CURRENT landed and was reported as failed, so that the manifest which it names was removed.
    await writeFile(path.join(folder, 'CURRENT'), 'MANIFEST-000999\n')
    const again = await openIn(folder)
    assert.equal(await again.readDocument('c', 'k'), 'v')
    await again.close()
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

/** Runs a process that commits one record after the other, kills it in the middle, and returns how many commits it had answered. */
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
