/**
 * The doctor and the head row: changed, cut short or gone, it is derived again where the rest shows
 * what it was, and nowhere else.
 */
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { restoreBackup } from '../../src/care/backup.ts'
import { examine } from '../../src/care/doctor.ts'
import { encodeBackup } from '../../src/store/level/backup.ts'
import { openLevelStore } from '../../src/store/level/level.ts'
import type { EmbeddedStore } from '../../src/store/port/port.ts'
import { checkLog } from '../ledger/check-log.ts'
import { openTestLedger, statementOf } from '../ledger/fixtures.ts'
import { flipBit, indexBytes, layToRest, type Rest } from './world.ts'

const NO_KEY = new Uint8Array(0)
/** Level 1's only full tile lies under it. */
const LARGE = 256 * 256 + 300

describe('doctor: the head row', function () {
  this.timeout(60_000)
  let rest: Rest
  afterEach(() => rest.remove())

  const look = (repair = false) => examine({ dataDir: rest.dataDir, repair })
  const withStore = async <T>(act: (store: EmbeddedStore) => Promise<T>): Promise<T> => {
    const store = await openLevelStore(join(rest.dataDir, 'store'))
    return act(store).finally(() => store.close())
  }
  const headRow = () => withStore(store => store.readHead())
  type Change = (row: Uint8Array) => Uint8Array | undefined
  /** Changes the whole row, when it contains all of the head, as after some commits. */
  const changeHead = async (how: Change) => {
    await withStore(async store => {
      const { head, edge } = (await store.readHead())!
      await store.putHead(head, edge)
    })
    await rest.change('h', NO_KEY, how)
  }
  /** Changes the row with what the newest commit added to it, as most commits leave it. */
  const changeAddition = async (how: Change) => rest.change('g', (await rest.keys('g')).at(-1)!, how)
  const flipAt = (at: number) => (row: Uint8Array) => row.map((byte, i) => (i === (at + row.length) % row.length ? byte ^ 1 : byte))

  /**
   * Damages of the row: size (8 bytes), root (32), number of levels (1), tiles and bundle, each
   * after its length (4).
   */
  const damages: [string, Change][] = [
    ['of another size', flipAt(5)],
    ['of another root', flipAt(20)],
    ['with another number of levels', flipAt(40)],
    ['with another edge', flipAt(50)],
    ['cut short', row => row.slice(0, -1)],
    ['cut short in its root', row => row.slice(0, 30)],
    ['gone', () => undefined],
  ]
  /**
   * The same of an addition: the size before it (8), then as above, but each part behind how much
   * of the former one it keeps (4).
   */
  const additionDamages: typeof damages = [
    ['one to another size', flipAt(5)],
    ['of another size', flipAt(13)],
    ['of another root', flipAt(28)],
    ['with another number of levels', flipAt(48)],
    ['one that keeps more of a tile than there was', row => row.map((byte, i) => (i === 51 ? byte + 1 : byte))],
    ['with another edge', flipAt(60)],
    ['one with a byte too many', row => Buffer.concat([row, Uint8Array.of(0)])],
    ['cut short', row => row.slice(0, -1)],
    ['cut short in its root', row => row.slice(0, 30)],
    ['gone', () => undefined],
  ]
  const cases = [
    ...[5, 256, 257, 700].flatMap(size => damages.map(([what, how]) => [size, `that is ${what}`, () => changeHead(how)] as const)),
    ...[5, 257, 700].flatMap(size =>
      additionDamages.map(([what, how]) => [size, `whose newest addition is ${what}`, () => changeAddition(how)] as const),
    ),
  ]

  for (const [size, what, damage] of cases)
    it(`derives a head of ${size} entries again ${what}, and marks the ledger`, async () => {
      rest = await layToRest(size)
      const sound = await headRow()
      await damage()
      await assert.rejects(withStore(openTestLedger), /openseal doctor/)
      const found = await look()
      assert.deepEqual([found.exit, found.size, found.complaints.map(({ code }) => code)], [5, size, ['DOCTOR_HEAD']])
      assert.match(found.complaints[0]?.advice ?? '', new RegExp(`derived from the rest: ${size} entries`))

      const repaired = await look(true)
      assert.deepEqual([repaired.verdict, repaired.restored], ['repaired', { why: MARK, size }])
      assert.deepEqual(await headRow(), sound)
      assert.equal(await withStore(checkLog), size)
      const after = await look()
      assert.deepEqual([after.verdict, after.restored?.size], ['sound', size])
    })

  it('derives the head of a large ledger, even if tiles under its edge are damaged as well', async () => {
    rest = await layToRest(LARGE)
    const sound = await headRow()
    await changeHead(() => undefined)
    for (const [level, index] of [
      [1, 0],
      [0, 256],
    ] as const)
      await rest.change('t', Buffer.concat([Uint8Array.of(level), indexBytes(index)]), flipBit)
    const repaired = await look(true)
    assert.deepEqual([repaired.verdict, repaired.size], ['repaired', LARGE])
    assert.deepEqual(await headRow(), sound)
    assert.equal(await withStore(checkLog), LARGE)
  })

  it('puts the growing bundle back without a mark, for the root shows what it was', async () => {
    rest = await layToRest(700)
    const sound = await headRow()
    await changeHead(flipAt(-1))
    const found = await look()
    assert.deepEqual(
      found.complaints.map(({ detail }) => detail),
      ['entry bundle 2 does not match the tree'],
    )
    const repaired = await look(true)
    assert.deepEqual([repaired.verdict, repaired.restored], ['repaired', undefined])
    assert.deepEqual(await headRow(), sound)
  })

  it('takes the entry of an erased statement from the edge, where that is sound', async () => {
    rest = await layToRest(700)
    await withStore(store => store.writeDocuments([{ collection: 'erasures', key: '650'.padStart(16, '0'), value: '{}' }]))
    await rest.change('s', indexBytes(650), () => undefined)
    const sound = await headRow()
    await changeHead(flipAt(20))
    assert.equal((await look(true)).verdict, 'repaired')
    assert.deepEqual(await headRow(), sound)
  })

  describe('says that it cannot, and leaves the store as it is,', () => {
    const cannot = async (why: RegExp) => {
      const { verdict, complaints, restored } = await look(true)
      assert.deepEqual(
        [verdict, complaints.map(({ code, repaired }) => [code, repaired]), restored],
        ['damaged', [['DOCTOR_HEAD', false]], undefined],
      )
      assert.match(complaints[0]?.advice ?? '', why)
      assert.match(complaints[0]?.advice ?? '', /backup/)
    }
    beforeEach(async () => {
      rest = await layToRest(700)
    })

    it('where an entry behind the last full bundle is missing', async () => {
      await changeHead(() => undefined)
      await rest.change('s', indexBytes(699), () => undefined)
      await cannot(/Entry 699 is not in a full bundle/)
    })

    it('where a statement there is not the one that its look-ups were written for', async () => {
      await changeHead(() => undefined)
      await rest.change('s', indexBytes(600), statement =>
        Buffer.from(Buffer.from(statement).toString().replace('2026-01-01', '2026-01-02')),
      )
      await cannot(/Entry 600 .* not the committed one/)
    })

    it('where a statement contradicts what the row still says', async () => {
      await changeHead(flipAt(20))
      await rest.change('s', indexBytes(600), otherSalt)
      await cannot(/Entry 600/)
    })

    it('where neither the root nor the edge in the row is what the rest gives', async () => {
      await changeHead(row => flipAt(50)(flipAt(20)(row)))
      await cannot(/contradict both the root and the edge/)
    })

    it('where an anchor is of another root', async () => {
      const { head } = (await headRow())!
      const value = JSON.stringify({ size: 700, root: Buffer.from(head.root).toString('hex') })
      await withStore(store => store.writeDocuments([{ collection: 'anchors', key: '700'.padStart(16, '0'), value }]))
      await changeHead(() => undefined)
      await rest.change('s', indexBytes(600), otherSalt)
      await cannot(/The root of the anchor of size 700 does not follow from the rest/)
    })

    it('where the row of the newest commit is gone too', async () => {
      await changeHead(() => undefined)
      const sizes = await rest.keys('c')
      assert.ok(sizes.length > 1)
      await rest.change('c', sizes.at(-1)!, () => undefined)
      await cannot(/but there are more/)
    })

    it('where a full tile of the edge is gone with the bundle and a statement under it', async () => {
      await changeHead(() => undefined)
      await rest.change('t', Buffer.concat([Uint8Array.of(0), indexBytes(1)]), () => undefined)
      await rest.change('s', indexBytes(300), () => undefined)
      await cannot(/Tile 0\/1 is missing/)
    })
  })

  it('does not let the service seal on a head that is older than the newest commit', async () => {
    rest = await layToRest(5)
    await changeAddition(() => undefined)
    await assert.rejects(withStore(openTestLedger), { code: 'LEDGER_CORRUPT', message: /newer commit led to 5/ })
  })

  it('does not let the service begin a new log over one whose head is gone', async () => {
    rest = await layToRest(5)
    await changeHead(() => undefined)
    await assert.rejects(withStore(openTestLedger), { code: 'STORE_CORRUPT' })
    assert.equal((await look(true)).size, 5)
  })

  it('does not let the service sign a size that the edge does not match, even if the root is the same', async () => {
    rest = await layToRest(5)
    await changeHead(flipAt(5))
    await assert.rejects(withStore(openTestLedger), { code: 'LEDGER_CORRUPT' })
  })

  it('restores a backup whose head is damaged, marked and with its diagnosis', async () => {
    rest = await layToRest(5)
    await changeHead(() => undefined)
    const backup = join(rest.dataDir, 'backup')
    await mkdir(backup)
    const header = { origin: 'ledger.example/test', vkey: '', time: '2026-01-01T00:00:00Z' }
    const store = await openLevelStore(join(rest.dataDir, 'store'))
    await writeFile(join(backup, 'store.backup'), encodeBackup(header, store.rows()))
    await store.close()
    const { diagnosis } = await restoreBackup(backup, join(rest.dataDir, 'restored'))
    assert.deepEqual([diagnosis.size, diagnosis.restored?.size, diagnosis.complaints[0]?.code], [5, 5, 'DOCTOR_HEAD'])
  })

  it('finds a head that is older than the newest commit, and brings it up to that', async () => {
    rest = await layToRest(5)
    const old = (await headRow())!
    await withStore(async store => {
      const ledger = await openTestLedger(store)
      await ledger.submit(statementOf('later', 99))
    })
    const sound = await headRow()
    await withStore(store => store.putHead(old.head, old.edge))
    const repaired = await look(true)
    assert.deepEqual([repaired.verdict, repaired.size], ['repaired', 6])
    assert.match(repaired.complaints[0]?.detail ?? '', /has 5 entries, but a newer commit led to 6/)
    assert.deepEqual(await headRow(), sound)
  })
})

const MARK = 'had a damaged head that was derived from the rest'

/** The one part of a statement that its look-ups do not cover. */
function otherSalt(statement: Uint8Array): Uint8Array {
  const text = Buffer.from(statement).toString()
  const changed = text.replace(/"salt":"(.)/, (_, first) => `"salt":"${first === 'A' ? 'B' : 'A'}`)
  assert.notEqual(changed, text)
  return Buffer.from(changed)
}
