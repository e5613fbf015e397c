/**
 * Erasures that a store learns of: a restored ledger destroys what tombstones of its own log name,
 * and of what a copy says of an erasure, only what can be true is taken.
 */
import { deepEqual, equal, notEqual, ok } from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { restoreBackup, takeBackup } from '../../src/care/backup.ts'
import { examine } from '../../src/care/doctor.ts'
import { erasureOf, placeholderOf, replayTombstones } from '../../src/care/erased.ts'
import { sha256Hex } from '../../src/core/hash.ts'
import { ERASURE, type Erasure } from '../../src/core/statements/erasure.ts'
import { readErasure } from '../../src/log/erasures.ts'
import { type Prepared, prepare, prepareOwn, recordOf } from '../../src/log/prepare.ts'
import { createSequencer } from '../../src/log/sequencer.ts'
import { openLogView } from '../../src/log/view.ts'
import { encodeBackup } from '../../src/store/level/backup.ts'
import { openLevelStore } from '../../src/store/level/level.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import { ORIGIN, openTestLedger, signer, statementOf } from '../ledger/fixtures.ts'
import { testHost } from '../test-host.ts'

const WORD = sha256Hex('a word of the erased statement')

describe('restoring a backup whose rows still hold an erased statement', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openseal-replay-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  it('destroys it before anything is served, and keeps the others', async () => {
    const [data, restored] = [join(folder, 'data'), join(folder, 'restored')]
    const store = await openLevelStore(join(data, 'store'))
    const ledger = await openTestLedger(store)
    for (const [record, title] of [
      ['a', 'A title'],
      ['b', WORD],
      ['c', 'Another'],
    ] as const)
      await ledger.submit(statementOf(record, 1, { title }))
    const held = (await store.readStatement(2))!
    await ledger.requestErasure(2, 'legal', { by: 'operator' })
    await store.putBack({ tiles: [], bundles: [], records: [recordOf(2, held)] })
    const header = { origin: ORIGIN, vkey: ledger.vkey, time: '2026-01-02T00:00:00Z' }
    await takeBackup(encodeBackup(header, store.rows()), join(folder, 'backup'), undefined)
    await ledger.close()

    await restoreBackup(join(folder, 'backup'), restored)
    const again = await openLevelStore(join(restored, 'store'))
    equal(await again.readStatement(2), undefined)
    for (const index of [1, 3, 4]) notEqual(await again.readStatement(index), undefined)
    deepEqual(await again.listByRecord('transport.gov.example', 'b', 100, 10), [])
    await again.close()
    for (const name of await readdir(join(restored, 'store'))) {
      const bytes = await readFile(join(restored, 'store', name))
      equal(bytes.includes(WORD), false, name)
    }
    const { complaints } = await examine({ dataDir: restored, repair: false })
    deepEqual(
      complaints.map(({ code }) => code),
      ['DOCTOR_KEY'],
    )
  })
})

const SALT = 'A'.repeat(43)
const tombstoneOf = (index: number): Erasure => ({ type: ERASURE, index, reason: { code: 'legal' }, by: 'operator', salt: SALT })

describe('replaying tombstones', () => {
  it("records an erasure that the store forgot, at the time of the tombstone's commit", async () => {
    const store = createMemoryStore()
    const ledger = await openTestLedger(store, { host: { nowMs: () => Date.UTC(2026, 0, 5) } })
    for (const record of ['a', 'b', 'c']) await ledger.submit(statementOf(record))
    const held = (await store.readStatement(2))!
    await ledger.requestErasure(2, 'legal', { by: 'operator' })
    const known = await readErasure(store, 2)
    await store.putBack({ tiles: [], bundles: [], records: [recordOf(2, held)] })
    for (const collection of ['erasures', 'tombstones'])
      for (const { key } of await store.listDocuments(collection)) await store.writeDocuments([{ collection, key, value: null }])

    equal(await replayTombstones(store), 1)
    deepEqual(await readErasure(store, 2), known)
    const again = await openTestLedger(store)
    equal(await again.statement(2), undefined)
    for (const index of [1, 3, 4]) notEqual(await again.statement(index), undefined)
    equal(await replayTombstones(store), 0)
    deepEqual(await readErasure(store, 2), known)
  })

  it('keeps what a tombstone cannot have erased: a later entry, and one about the log itself', async () => {
    const store = createMemoryStore()
    await openTestLedger(store)
    const sequencer = createSequencer({ store, view: await openLogView({ store, signer, origin: ORIGIN }), host: testHost() })
    const statement = (record: string): Prepared => prepare(statementOf(record), () => SALT).prepared
    for (const entry of [prepareOwn(tombstoneOf(2)), statement('a'), prepareOwn(tombstoneOf(1))]) await sequencer.seal([entry])
    equal(await replayTombstones(store), 0)
    for (const index of [0, 1, 2, 3]) notEqual(await store.readStatement(index), undefined, `entry ${index}`)
  })
})

describe('what a copy says of an erasure', () => {
  const said = (more: object) => erasureOf(tombstoneOf(4), 9, Date.UTC(2026, 0, 2), { erased: 9, ...more })

  it('gives the time and the effects, and nothing that cannot be true', () => {
    const effects = [
      { on: 3, what: 'withdrawn' },
      { on: 8, what: 'edited' },
    ]
    const facts = { index: 4, tombstone: 9, reason: { code: 'legal' }, by: 'operator' }
    deepEqual(said({ time: '2026-01-01T10:00:00Z', effects }), { ...facts, time: '2026-01-01T10:00:00Z', effects })
    const wrong = [
      ...[9, 10, -1, 1.5, '3', null, undefined].map(on => ({ on, what: 'withdrawn' })),
      ...['erased', '', 7, undefined].map(what => ({ on: 3, what })),
      ...[null, 'withdrawn', 3, []],
    ]
    for (const time of [undefined, 7, 'yesterday', '2026-01-01', '2026-01-01T10:00:00Z<b>'])
      deepEqual(said({ time, effects: wrong }), { ...facts, time: '2026-01-02T00:00:00Z', effects: [] })
    deepEqual(said({ effects: 'none' }).effects, [])
  })

  it('puts an entry in its place that no other entry can be taken for', () => {
    const [one, other] = [placeholderOf(new Uint8Array(33).fill(1)), placeholderOf(new Uint8Array(33).fill(2))]
    ok(/^[0-9a-f]{64}$/.test(one.identity) && one.identity !== other.identity)
    deepEqual([one.statement.length, one.subject, one.digests, one.entry], [0, undefined, [], new Uint8Array(33).fill(1)])
  })
})
