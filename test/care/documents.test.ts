/**
 * The doctor and the documents beside the log: each change is found; what can be made again or done
 * without is, and of the rest it says so.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { examine } from '../../src/care/doctor.ts'
import { markRestored } from '../../src/care/restored.ts'
import { createAgencies } from '../../src/ledger/agencies/agencies.ts'
import { openLevelStore } from '../../src/store/level/level.ts'
import type { Store } from '../../src/store/port/port.ts'
import { testHost } from '../test-host.ts'
import { flipBit, layToRest, type Rest } from './world.ts'

describe('doctor: documents', () => {
  let rest: Rest
  beforeEach(async () => {
    rest = await layToRest(5)
  })
  afterEach(() => rest.remove())

  const look = (repair = false) => examine({ dataDir: rest.dataDir, repair })
  const withStore = async <T>(act: (store: Store) => Promise<T>): Promise<T> => {
    const store = await openLevelStore(join(rest.dataDir, 'store'))
    return act(store).finally(() => store.close())
  }
  const write = (collection: string, key: string, value: string) => withStore(store => store.writeDocuments([{ collection, key, value }]))
  const damage = (collection: string, key: string) => rest.change('x', Buffer.from(`${collection}\0${key}`), flipBit)
  const expectComplaint = async (detail: string, advice: RegExp) => {
    const { exit, complaints } = await look()
    assert.deepEqual([exit, complaints.map(({ code, detail }) => [code, detail])], [5, [['DOCTOR_DOCUMENT', detail]]])
    assert.match(complaints[0]?.advice ?? '', advice)
  }

  it('lets the scrub begin anew', async () => {
    await write('scrub', 'state', '{"bundle":1,"passes":1,"findings":{}}')
    await damage('scrub', 'state')
    await expectComplaint('the document scrub/state was changed on the disk', /--repair/)
    assert.equal((await look(true)).verdict, 'repaired')
    assert.equal(await withStore(store => store.readDocument('scrub', 'state')), undefined)
  })

  it('removes an API key that cannot be read: it is refused from then on, and its agency needs another', async () => {
    const agencies = (store: Store) => createAgencies({ store, host: testHost({ randomBytes: count => new Uint8Array(count).fill(5) }) })
    const made = await withStore(async store => {
      await agencies(store).add({ id: 'a.example', name: 'A' })
      return agencies(store).addKey('a.example', {})
    })
    await damage('agency-keys', made.keyId)
    await assert.rejects(
      withStore(store => agencies(store).authenticate(made.key)),
      { code: 'STORE_DAMAGED' },
    )
    assert.equal((await look(true)).verdict, 'repaired')
    await assert.rejects(
      withStore(store => agencies(store).authenticate(made.key)),
      { code: 'KEY_UNKNOWN' },
    )
  })

  it('ends a session that cannot be read', async () => {
    await write('sessions', 'ab', '{"kind":"operator","key":"ab","openedMs":0}')
    await damage('sessions', 'ab')
    assert.equal((await look(true)).verdict, 'repaired')
    assert.equal(await withStore(store => store.readDocument('sessions', 'ab')), undefined)
  })

  it('replaces a mark that cannot be read by a new one, so that the operator still decides', async () => {
    await withStore(store => markRestored(store, { why: 'was restored', size: 5 }))
    await damage('ledger', 'restored')
    const { verdict, restored } = await look(true)
    assert.deepEqual([verdict, restored], ['repaired', { why: 'was marked, by a mark that can no longer be read', size: 5 }])
  })

  it('asks for a backup for any other document, and reports nothing that depends on it', async () => {
    await write('final-anchors', '5'.padStart(16, '0'), '{"size":5,"root":"00"}')
    await damage('final-anchors', '5'.padStart(16, '0'))
    await expectComplaint('the document final-anchors/0000000000000005 was changed on the disk', /backup/)
    assert.equal((await look(true)).verdict, 'damaged')
  })
})
