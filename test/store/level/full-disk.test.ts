/**
 * The Level store, and the ledger on it, when the disk takes no more: a real file system that is
 * full, and a real limit on files.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { toHex } from '../../../src/core/bytes.ts'
import { EMPTY_ROOT, sha256 } from '../../../src/core/hash.ts'
import { openLevelStore } from '../../../src/store/level/level.ts'
import type { Commit } from '../../../src/store/port/log.ts'
import type { Store } from '../../../src/store/port/port.ts'
import { checkLog } from '../../ledger/check-log.ts'
import { openTestLedger, statementOf } from '../../ledger/fixtures.ts'
import { testHost } from '../../test-host.ts'
import { canMount, mountSmallDisk, type SmallDisk } from './small-disk.ts'

const MIB = 1024 * 1024
const rootOf = (size: number) => (size === 0 ? EMPTY_ROOT : sha256(new TextEncoder().encode(`root ${size}`)))

/** A commit of one statement of this many bytes, which do not compress. */
function commitOf(size: number, bytes: number): Commit {
  const record = { index: size, statement: randomBytes(bytes), identity: toHex(rootOf(size + 1)), subject: undefined, digests: [] }
  const next = { size: size + 1, root: rootOf(size + 1) }
  const edge = { tiles: [], bundle: new Uint8Array(0) }
  return { previous: { size, root: rootOf(size) }, next, edge, tiles: [], bundles: [], records: [record], timeMs: 1 }
}

/** Every statement up to the head is there, and the head is where it is said to be. */
async function assertHolds(store: Store, size: number): Promise<void> {
  assert.equal((await store.readHead())?.head.size, size)
  for (let index = 0; index < size; index++) assert.notEqual(await store.readStatement(index), undefined, `statement ${index}`)
  assert.deepEqual(await store.findIdentities([toHex(rootOf(size)), toHex(rootOf(size + 1))]), [size - 1, undefined])
}

describe('full disk', () => {
  it('loses nothing that was answered after a write that the system cut short', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'openseal-limit-'))
    // No file may grow beyond a megabyte or so: the journal is cut off in the middle of a record,
    // again and again.
    const command = 'ulimit -f 2048; exec "$0" "$@"'
    const script = path.join(import.meta.dirname, 'commit-past-limit.ts')
    const { stdout, stderr } = spawnSync('sh', ['-c', command, process.execPath, script, folder], { encoding: 'utf8' })
    const { answered, refused } = JSON.parse(stdout.trim() || JSON.stringify({ stderr }))
    assert.ok(refused > 0 && answered.length > 10, `${stdout} ${stderr}`)
    const store = await openLevelStore(folder)
    const size = (await store.readHead())?.head.size ?? 0
    for (const index of answered)
      assert.ok(index < size && (await store.readStatement(index)) !== undefined, `statement ${index} of ${size}`)
    await store.close()
    await rm(folder, { recursive: true })
  })

  // the limit above is then the only real failure that this machine lets a test cause
  if (!canMount()) return
  let disk: SmallDisk
  before(() => {
    disk = mountSmallDisk(24 * MIB)!
  })
  afterEach(() => disk.empty())
  after(() => disk.remove())

  it('goes on when a full disk was freed, and what it answers then is there after a restart', async () => {
    const folder = path.join(disk.folder, 'store')
    let store = await openLevelStore(folder)
    await store.commit(commitOf(0, 1000))
    disk.fill(MIB / 4)
    await assert.rejects(store.commit(commitOf(1, MIB)), { code: 'STORE_WRITE_FAILED' })
    await assert.rejects(store.readHead(), { code: 'STORE_UNSETTLED' })
    await assert.rejects(store.commit(commitOf(1, 1000)), { code: 'STORE_UNSETTLED' })
    await assert.rejects(store.writeDocuments([{ collection: 'c', key: 'k', value: 'v' }]), { code: 'STORE_UNSETTLED' })
    assert.equal((await store.readStatement(0))?.length, 1000)
    disk.empty()
    assert.equal((await store.readHead())?.head.size, 1)
    for (let size = 1; size < 20; size++) await store.commit(commitOf(size, 1000))
    await store.close()
    store = await openLevelStore(folder)
    await assertHolds(store, 20)
    await store.close()
    await rm(folder, { recursive: true })
  })

  it('goes on with commits where there is no room to remove erased bytes, and removes them when there is', async () => {
    const folder = path.join(disk.folder, 'store')
    const store = await openLevelStore(folder)
    await store.commit(commitOf(0, 1000))
    const { statement: _, ...erased } = commitOf(0, 1000).records[0]!
    await store.commit({ ...commitOf(1, 1000), erase: [erased] })
    disk.fill(128 * 1024)
    await assert.rejects(store.purge(), { code: 'STORE_UNSETTLED' })
    await store.commit(commitOf(2, 1000))
    assert.equal((await store.readHead())?.head.size, 3)
    assert.equal(await store.hasRemains(), true)
    disk.empty()
    await store.purge()
    assert.equal(await store.hasRemains(), false)
    await store.commit(commitOf(3, 1000))
    await store.close()
    await rm(folder, { recursive: true })
  })

  it('makes the ledger refuse, serve what it has, and seal again by itself when there is room', async () => {
    const folder = path.join(disk.folder, 'ledger')
    const store = await openLevelStore(folder)
    const ledger = await openTestLedger(store, { host: { sleep: testHost().sleep } })
    assert.deepEqual(await ledger.submit(statementOf('one')), { index: 1, known: false })
    disk.fill(16 * 1024)
    const large = Array.from({ length: 40 }, (_, i) =>
      ledger.submit(statementOf(`large ${i}`, i, { title: randomBytes(2000).toString('hex') })),
    )
    const outcomes = await Promise.allSettled(large)
    const refused = outcomes.filter(outcome => outcome.status === 'rejected')
    assert.ok(refused.length > 0)
    for (const { reason } of refused) assert.equal(reason.code, 'LEDGER_UNSETTLED')
    assert.match(ledger.unsettled() ?? '', /still refuses writes/)
    assert.equal(ledger.stopped(), undefined)
    assert.ok(JSON.parse(await ledger.receipt(1)).proof.includes('index 1'))
    disk.empty()
    while (ledger.unsettled() !== undefined) await sleep(20)
    await Promise.all(outcomes.map((_, i) => ledger.submit(statementOf(`large ${i}`, i, { title: 'now it fits' }))))
    assert.equal(await checkLog(store), ledger.head().size)
    await ledger.close()
  })
})
