/**
 * The scrub: finds each kind of damage, says what it found, takes off what was repaired, and goes
 * on where it was.
 */
import assert from 'node:assert/strict'
import { openScrub } from '../../src/care/scrub.ts'
import { systemHost } from '../../src/host.ts'
import { createLog } from '../../src/logger.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import { StoreError } from '../../src/store/port/errors.ts'
import type { EmbeddedStore } from '../../src/store/port/port.ts'
import { openTestLedger, statementOf } from '../ledger/fixtures.ts'
import { testHost } from '../test-host.ts'

const SIZE = 600

describe('scrub', () => {
  let sound: EmbeddedStore
  const logged: string[] = []
  const log = createLog({ write: line => logged.push(line), nowMs: () => 0 })
  const nowMs = () => Date.UTC(2026, 0, 2)
  before(async () => {
    sound = createMemoryStore()
    const ledger = await openTestLedger(sound)
    await Promise.all(Array.from({ length: SIZE - 1 }, (_, i) => ledger.submit(statementOf(`r${i}`, i))))
  })
  beforeEach(() => sound.writeDocuments([{ collection: 'scrub', key: 'state', value: null }]))

  const openOn = (changes: Partial<EmbeddedStore>) =>
    openScrub({ store: { ...sound, ...changes }, entriesPerSecond: 0, host: testHost({ nowMs }), log })
  const pass = async (scrub: Awaited<ReturnType<typeof openOn>>) => {
    for (let bundle = 0; bundle * 256 < SIZE; bundle++) await scrub.step()
    return scrub.state()
  }

  it('finds nothing in a sound ledger, and counts its passes', async () => {
    const scrub = await openOn({})
    await scrub.step()
    assert.deepEqual(scrub.state(), { at: 256, passes: 0, findings: [] })
    await scrub.step()
    await scrub.step()
    assert.deepEqual(scrub.state(), { at: 0, passes: 1, lastPass: '2026-01-02T00:00:00Z', findings: [] })
  })

  const flip = (bytes: Uint8Array | undefined) => bytes?.map((byte, i) => (i === 40 ? byte ^ 1 : byte))
  const damages: [string, Partial<EmbeddedStore>][] = [
    [
      'tile 0/1',
      { readTile: async (level, index) => (index === 1 ? flip(await sound.readTile(level, index)) : sound.readTile(level, index)) },
    ],
    ['entry bundle 0', { readBundle: async index => (index === 0 ? undefined : sound.readBundle(index)) }],
    [
      'statement 599',
      { readStatement: async index => (index === 599 ? flip(await sound.readStatement(index)) : sound.readStatement(index)) },
    ],
    ['statement 300', { readStatement: async index => (index === 300 ? undefined : sound.readStatement(index)) }],
    [
      'a document in agency-keys',
      {
        async *damagedDocuments() {
          for (const key of ['1', '2']) yield { collection: 'agency-keys', key }
        },
      },
    ],
    ['look-ups of 7', { findIncomplete: async records => records.map(({ index }) => index).filter(index => index === 7) }],
  ]
  for (const [part, changes] of damages)
    it(`reports a damaged ${part} once, and removes it from the list when it matches again`, async () => {
      logged.length = 0
      const damaged = await openOn(changes)
      assert.deepEqual((await pass(damaged)).findings, [part])
      assert.deepEqual((await pass(damaged)).findings, [part])
      assert.equal(logged.filter(line => line.includes('scrub found damage') && line.includes(part)).length, 1)
      await damaged.stop()
      const repaired = await openOn({})
      assert.deepEqual(repaired.state().findings, [part])
      assert.deepEqual((await pass(repaired)).findings, [])
    })

  it('does not report a recorded erasure', async () => {
    await sound.writeDocuments([{ collection: 'erasures', key: String(300).padStart(16, '0'), value: '{}' }])
    const scrub = await openOn({ readStatement: async index => (index === 300 ? undefined : sound.readStatement(index)) })
    assert.deepEqual((await pass(scrub)).findings, [])
    await sound.writeDocuments([{ collection: 'erasures', key: String(300).padStart(16, '0'), value: null }])
  })

  it('is not held up by an erasure that cannot be read: the statement counts as missing', async () => {
    const unreadable = async () => {
      throw new StoreError('STORE_DAMAGED', 'changed')
    }
    const readDocument: EmbeddedStore['readDocument'] = async (collection, key) =>
      collection === 'erasures' ? unreadable() : sound.readDocument(collection, key)
    const scrub = await openOn({ readDocument, readStatement: async index => (index === 300 ? undefined : sound.readStatement(index)) })
    assert.deepEqual((await pass(scrub)).findings, ['statement 300'])
  })

  it('begins again if its own place cannot be read', async () => {
    const readDocument: EmbeddedStore['readDocument'] = async () => {
      throw new StoreError('STORE_DAMAGED', 'changed')
    }
    assert.equal((await openOn({ readDocument })).state().at, 0)
  })

  it('goes on after a restart where it was', async () => {
    const first = await openOn({})
    await first.step()
    await first.stop()
    assert.equal((await openOn({})).state().at, 256)
  })

  it('shares its rounds between the nodes on one store: each goes on where another has come to, and knows what that one found', async () => {
    const damaged = { readBundle: async (index: number) => (index === 0 ? undefined : sound.readBundle(index)) }
    const [ours, theirs] = [await openOn(damaged), await openOn(damaged)]
    await ours.step()
    await theirs.step()
    assert.deepEqual([theirs.state().at, theirs.state().findings], [512, ['entry bundle 0']])
    await theirs.stop()
    await ours.step()
    assert.deepEqual([ours.state().at, ours.state().passes, ours.state().findings], [0, 1, ['entry bundle 0']])
  })

  it('leaves a place that another node saved in between as it is', async () => {
    let isOther = false
    const other = { bundle: 2, passes: 7, findings: {} }
    const writeDocuments: EmbeddedStore['writeDocuments'] = async (...write) => {
      // Another node saves between this one's look and its write.
      if (!isOther) await sound.writeDocuments([{ collection: 'scrub', key: 'state', value: JSON.stringify(other) }])
      isOther = true
      return sound.writeDocuments(...write)
    }
    const scrub = await openOn({ writeDocuments })
    await scrub.step()
    await scrub.stop()
    assert.deepEqual(JSON.parse((await sound.readDocument('scrub', 'state'))!), other)
    await scrub.step()
    assert.deepEqual([scrub.state().at, scrub.state().passes], [0, 8])
  })

  it('saves its place again if the stored one cannot be read', async () => {
    let isUnreadable = true
    const readDocument: EmbeddedStore['readDocument'] = async (collection, key) => {
      if (isUnreadable) throw new StoreError('STORE_DAMAGED', 'changed')
      return sound.readDocument(collection, key)
    }
    await sound.writeDocuments([{ collection: 'scrub', key: 'state', value: 'damaged' }])
    const scrub = await openOn({ readDocument })
    for (let step = 0; step < 3; step++) await scrub.step()
    isUnreadable = false
    assert.equal((await openOn({})).state().passes, 1)
  })

  it('paces itself by its host, tries again later after a failure, and ends while it sleeps', async () => {
    const slept: number[] = []
    const asleep = Promise.withResolvers<void>()
    const host = testHost({
      nowMs,
      sleep: async (ms, signal) => {
        if (slept.push(ms) < 4) return
        asleep.resolve()
        await systemHost(log).sleep(60_000, signal)
      },
    })
    let heads = 0
    const readHead: EmbeddedStore['readHead'] = () => (++heads === 2 ? Promise.reject(new Error('gone')) : sound.readHead())
    const scrub = await openScrub({ store: { ...sound, readHead }, entriesPerSecond: 128, host, log })
    scrub.start()
    await asleep.promise
    await scrub.stop()
    assert.deepEqual([slept, scrub.state().at], [[2000, 2000, 30_000, 2000], 512])
  })
})
