/** When the disk has changed something, the ledger serves nothing that does not match its tree. */
import assert from 'node:assert/strict'
import { verifyConsistency, verifyInclusion } from '../../src/core/tlog/proof.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import type { Store } from '../../src/store/port/port.ts'
import { openTestLedger, statementOf } from './fixtures.ts'

const SIZE = 700
/** Its proofs need the hash that `flipBit` changes in tile 0/1. */
const NEIGHBOUR = 256 + 171

function flipBit(bytes: Uint8Array | undefined): Uint8Array | undefined {
  const changed = bytes?.slice()
  if (changed !== undefined) changed[Math.floor(changed.length / 3)]! ^= 4
  return changed
}

describe('a damaged store', () => {
  let sound: Store
  before(async () => {
    sound = createMemoryStore()
    const ledger = await openTestLedger(sound)
    await Promise.all(Array.from({ length: SIZE - 1 }, (_, i) => ledger.submit(statementOf(`r${i}`, i))))
  })

  const openOn = (changes: Partial<Store>): Promise<Ledger> => openTestLedger({ ...sound, ...changes })
  const refused = (read: Promise<unknown>, part: RegExp) => assert.rejects(read, { code: 'LEDGER_DAMAGED', message: part })

  for (const [what, change] of [
    ['changed', flipBit],
    ['cut short', (bytes: Uint8Array | undefined) => bytes?.slice(0, -1)],
    ['gone', () => undefined],
  ] as const) {
    it(`refuses every proof and receipt that needs a tile which is ${what}, and gives the others`, async () => {
      const readTile: Store['readTile'] = async (level, index) => {
        const bytes = await sound.readTile(level, index)
        return level === 0 && index === 1 ? change(bytes) : bytes
      }
      const ledger = await openOn({ readTile })
      for (const read of [
        ledger.receipt(NEIGHBOUR),
        ledger.inclusion(NEIGHBOUR, SIZE),
        ledger.inclusion(NEIGHBOUR - 1, SIZE),
        ledger.consistency(NEIGHBOUR, SIZE),
        ledger.tile(0, 1, 256),
        ledger.bundle(1, 256),
      ])
        await refused(read, /tile 0\/1/)
      for (const index of [0, 255, 512, 699]) {
        const { leafHash, root, proof } = await ledger.inclusion(index, SIZE)
        verifyInclusion({ index, size: SIZE, leafHash, root, proof })
      }
      const { fromRoot, toRoot, proof } = await ledger.consistency(256, SIZE)
      verifyConsistency({ from: 256, to: SIZE, fromRoot, toRoot, proof })
      assert.equal((await ledger.tile(0, 0, 256))?.length, 8192)
    })

    it(`refuses an entry bundle which is ${what}`, async () => {
      const readBundle: Store['readBundle'] = async index => (index === 1 ? change(await sound.readBundle(index)) : sound.readBundle(index))
      const ledger = await openOn({ readBundle })
      await refused(ledger.bundle(1, 256), /entry bundle 1/)
      assert.equal((await ledger.bundle(0, 256))?.length, 256 * 35)
    })

    it(`refuses a statement which is ${what}, its receipt and its history`, async () => {
      const readStatement: Store['readStatement'] = async index =>
        index === 5 ? change(await sound.readStatement(index)) : sound.readStatement(index)
      const ledger = await openOn({ readStatement })
      for (const read of [ledger.statement(5), ledger.receipt(5), ledger.history(5)]) await refused(read, /statement 5/)
      assert.ok(await ledger.receipt(6))
    })
  }

  it('serves only proofs that verify, whichever byte of a tile was changed, and refuses the tile itself', async () => {
    const outcomes = new Set<string>()
    for (let at = 7; at < 16_320; at += 509) {
      const readTile: Store['readTile'] = async (level, index) => {
        const bytes = (await sound.readTile(level, index))?.slice()
        if (bytes !== undefined && index === 1) bytes[at]! ^= 1
        return bytes
      }
      const ledger = await openOn({ readTile })
      for (const index of [256, 300, 427, 511, 600]) {
        const inclusion = await ledger.inclusion(index, SIZE).catch(error => error)
        outcomes.add(inclusion.code ?? 'served')
        if (inclusion.code === undefined) verifyInclusion(inclusion)
        else assert.equal(inclusion.part, 'tile 0/1')
      }
      for (const [from, to] of [
        [300, SIZE],
        [100, 400],
      ] as const) {
        const consistency = await ledger.consistency(from, to).catch(error => error)
        if (consistency.code === undefined) verifyConsistency(consistency)
        else assert.equal(consistency.part, 'tile 0/1')
      }
      await refused(ledger.tile(0, 1, 256), /tile 0\/1/)
    }
    assert.deepEqual([...outcomes].sort(), ['LEDGER_DAMAGED', 'served'])
  })

  it('signs no checkpoint of a former size over a tile that was changed', async () => {
    const readTile: Store['readTile'] = async (level, index) =>
      index === 1 ? flipBit(await sound.readTile(level, index)) : sound.readTile(level, index)
    const ledger = await openOn({ readTile })
    await refused(ledger.checkpointAt(NEIGHBOUR), /tile 0\/1/)
    await refused(ledger.rootAt(NEIGHBOUR), /tile 0\/1/)
    assert.ok(await ledger.checkpointAt(256))
  })

  it('serves a proof again once the tile is put right, without a new start', async () => {
    let isDamaged = true
    const readTile: Store['readTile'] = async (level, index) => {
      const bytes = await sound.readTile(level, index)
      return isDamaged && index === 1 ? flipBit(bytes) : bytes
    }
    const ledger = await openOn({ readTile })
    await refused(ledger.receipt(NEIGHBOUR), /tile 0\/1/)
    isDamaged = false
    assert.ok(await ledger.receipt(NEIGHBOUR))
    assert.ok(await ledger.tile(0, 1, 256))
    isDamaged = true
    await refused(ledger.tile(0, 1, 256), /tile 0\/1/)
    assert.ok(await ledger.receipt(NEIGHBOUR), 'from the tile in memory')
  })

  it('calls a statement erased only where its erasure was recorded', async () => {
    const readStatement: Store['readStatement'] = async index => (index === 5 || index === 6 ? undefined : sound.readStatement(index))
    const readDocument: Store['readDocument'] = async (collection, key) =>
      collection === 'erasures' && Number(key) === 6 ? '{}' : sound.readDocument(collection, key)
    const ledger = await openOn({ readStatement, readDocument })
    await refused(ledger.statement(5), /statement 5/)
    assert.equal(await ledger.statement(6), undefined)
    await assert.rejects(ledger.receipt(6), { code: 'RECORD_ERASED' })
  })
})
