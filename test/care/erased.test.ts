/** A restored ledger destroys what tombstones of its own log name, if the backup still held it. */
import { deepEqual, equal, notEqual } from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { restoreBackup, takeBackup } from '../../src/care/backup.ts'
import { examine } from '../../src/care/doctor.ts'
import { sha256Hex } from '../../src/core/hash.ts'
import { recordOf } from '../../src/log/prepare.ts'
import { encodeBackup } from '../../src/store/level/backup.ts'
import { openLevelStore } from '../../src/store/level/level.ts'
import { ORIGIN, openTestLedger, statementOf } from '../ledger/fixtures.ts'

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
