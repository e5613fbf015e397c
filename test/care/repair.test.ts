/**
 * Repairing tiles above the lowest level: from the tiles below, from the entries where those are
 * gone too, and never to another root.
 */
import assert from 'node:assert/strict'
import { describeDamage, inspectBundle } from '../../src/care/inspect.ts'
import { repair } from '../../src/care/repair.ts'
import { prepare } from '../../src/log/prepare.ts'
import { createSequencer } from '../../src/log/sequencer.ts'
import { openLogView } from '../../src/log/view.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import type { EmbeddedStore } from '../../src/store/port/port.ts'
import { ORIGIN, signer, statementOf } from '../ledger/fixtures.ts'
import { testHost } from '../test-host.ts'

const SIZE = 256 * 256 + 3

describe('repairing a large ledger', () => {
  let store: EmbeddedStore
  let committed: NonNullable<Awaited<ReturnType<EmbeddedStore['readHead']>>>
  before(async () => {
    store = createMemoryStore()
    const sequencer = createSequencer({ store, view: await openLogView({ store, signer, origin: ORIGIN }), host: testHost() })
    const salt = () => 'A'.repeat(43)
    for (let from = 0; from < SIZE; from += 8192) {
      const count = Math.min(8192, SIZE - from)
      await sequencer.seal(Array.from({ length: count }, (_, i) => prepare(statementOf(`r${from + i}`, from + i), salt).prepared))
    }
    committed = (await store.readHead())!
  })

  const damage = async (level: number, index: number) => {
    const bytes = (await store.readTile(level, index))!.slice()
    bytes[77]! ^= 1
    await store.putBack({ tiles: [{ level, index, bytes }], bundles: [], records: [] })
  }
  const look = async (bundle: number) => (await inspectBundle(store, committed, bundle)).map(describeDamage)

  it('finds a damaged tile of level 1 from any entry below it, and derives it from the tiles below', async () => {
    const sound = await store.readTile(1, 0)
    await damage(1, 0)
    assert.deepEqual([await look(0), await look(255), await look(256)], [['tile 1/0'], ['tile 1/0'], []])
    assert.equal(await repair(store, committed, { kind: 'tile', level: 1, index: 0 }), true)
    assert.deepEqual(await store.readTile(1, 0), sound)
    assert.deepEqual(await look(0), [])
  })

  it('derives it from the entries where a tile below it is damaged as well, and that one then', async () => {
    await damage(1, 0)
    await damage(0, 17)
    assert.equal(await repair(store, committed, { kind: 'tile', level: 0, index: 17 }), false)
    assert.equal(await repair(store, committed, { kind: 'tile', level: 1, index: 0 }), true)
    assert.deepEqual(await look(17), ['tile 0/17'])
    assert.equal(await repair(store, committed, { kind: 'tile', level: 0, index: 17 }), true)
    assert.deepEqual(await look(17), [])
  })

  it('writes nothing where neither tiles nor entries give the root', async () => {
    await damage(1, 0)
    await damage(0, 17)
    const bundle = (await store.readBundle(17))!
    await store.putBack({ tiles: [], bundles: [{ index: 17, bytes: bundle.map((byte, i) => (i === 9 ? byte ^ 1 : byte)) }], records: [] })
    const before = await store.readTile(1, 0)
    assert.equal(await repair(store, committed, { kind: 'tile', level: 1, index: 0 }), false)
    assert.deepEqual(await store.readTile(1, 0), before)
  })
})
