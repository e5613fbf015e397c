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
