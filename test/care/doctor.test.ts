/**
 * The doctor: finds every kind of damage, puts back what the rest gives, and says of the others
 * what helps.
 */
import assert from 'node:assert/strict'
import { readdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { examine } from '../../src/care/doctor.ts'
import { fromHex } from '../../src/core/bytes.ts'
import { recordOf } from '../../src/log/prepare.ts'
import { openLevelStore } from '../../src/store/level/level.ts'
import { checkLog } from '../ledger/check-log.ts'
import { LOG_KEY, openTestLedger, statementOf } from '../ledger/fixtures.ts'
import { testHost } from '../test-host.ts'
import { flipBit, indexBytes, layToRest, type Rest } from './world.ts'

const SIZE = 700

describe('doctor', () => {
  let rest: Rest
  beforeEach(async () => {
    rest = await layToRest(SIZE)
  })
  afterEach(() => rest.remove())
  const look = (repair = false, elsewhere?: Uint8Array) =>
    examine({ dataDir: rest.dataDir, repair, refill: elsewhere && { copy: copyOf(elsewhere), host: testHost() } })
  /** Another copy that has the same head, and this for every statement. */
  const copyOf = (statement: Uint8Array) => ({
    checkpoint: async () => rest.note,
    keyReceipts: async () => [],
    bundle: () => Promise.reject(new Error()),
    statements: async () => [statement],
  })
  const withStore = async <T>(act: (store: Awaited<ReturnType<typeof openLevelStore>>) => Promise<T>): Promise<T> => {
    const store = await openLevelStore(join(rest.dataDir, 'store'))
    return act(store).finally(() => store.close())
  }

  it('finds a sound ledger sound, and leaves it as it is', async () => {
    assert.deepEqual(await look(true), { verdict: 'sound', exit: 0, size: SIZE, complaints: [] })
    assert.equal(await withStore(checkLog), SIZE)
  })

  const repairable: [string, string, Uint8Array][] = [
    ['DOCTOR_TILE', 't', Buffer.concat([Uint8Array.of(0), indexBytes(1)])],
    ['DOCTOR_BUNDLE', 'b', indexBytes(1)],
  ]
  for (const [code, letter, key] of repairable)
    for (const [what, how] of [
      ['changed', flipBit],
      ['gone', () => undefined],
    ] as const)
      it(`finds and repairs ${code}, ${what}`, async () => {
        await rest.change(letter, key, how)
        const found = await look()
        assert.deepEqual(
          [found.verdict, found.exit, found.complaints.map(({ code, repaired }) => [code, repaired])],
          ['damaged', 5, [[code, false]]],
        )
        const repaired = await look(true)
        assert.deepEqual([repaired.verdict, repaired.exit, repaired.complaints.map(({ repaired }) => repaired)], ['repaired', 0, [true]])
        assert.deepEqual((await look()).verdict, 'sound')
        assert.equal(await withStore(checkLog), SIZE)
      })

  it('repairs a tile and its bundle at once, from the statements', async () => {
    await rest.change('t', Buffer.concat([Uint8Array.of(0), indexBytes(1)]), flipBit)
    await rest.change('b', indexBytes(1), () => undefined)
    const { verdict, complaints } = await look(true)
    assert.deepEqual([verdict, complaints.map(({ code }) => code)], ['repaired', ['DOCTOR_TILE', 'DOCTOR_BUNDLE']])
    assert.equal(await withStore(checkLog), SIZE)
  })

  it('repairs a statement’s look-ups, so that it is still known when it is sent again', async () => {
    const identity = await withStore(async store => {
      const ledger = await openTestLedger(store)
      assert.deepEqual(await ledger.submit(statementOf('r9', 9)), { index: 10, known: true })
      return recordOf(10, (await store.readStatement(10))!).identity
    })
    await rest.change('i', fromHex(identity), () => undefined)
    assert.deepEqual(
      (await look()).complaints.map(({ code, detail }) => [code, detail]),
      [['DOCTOR_LOOKUPS', 'look-ups of 10 does not match the tree']],
    )
    assert.equal((await look(true)).verdict, 'repaired')
    await withStore(async store => {
      const ledger = await openTestLedger(store)
      assert.deepEqual(await ledger.submit(statementOf('r9', 9)), { index: 10, known: true })
    })
  })

  it('says that a statement cannot be derived, and takes it from another copy, but no other one', async () => {
    const original = await withStore(store => store.readStatement(300))
    await rest.change('s', indexBytes(300), flipBit)
    const alone = await look(true)
    assert.deepEqual([alone.verdict, alone.complaints[0]?.code], ['damaged', 'DOCTOR_STATEMENT'])
    assert.match(alone.complaints[0]?.advice ?? '', /--refill/)
    assert.equal((await look(true, new TextEncoder().encode('{}'))).verdict, 'damaged')
    assert.equal((await look(true, original)).verdict, 'repaired')
    assert.equal(await withStore(checkLog), SIZE)
  })

  it('says that the log key is missing or another one, or that there is no ledger', async () => {
    const empty = examine({ dataDir: join(rest.dataDir, 'nothing'), repair: false })
    await assert.rejects(empty, { code: 'DOCTOR_NO_LEDGER' })
    await unlink(join(rest.dataDir, 'keys', 'log.key'))
    assert.deepEqual(
      (await look(true)).complaints.map(({ code }) => code),
      ['DOCTOR_KEY'],
    )
    await writeFile(join(rest.dataDir, 'keys', 'log.key'), Buffer.from(LOG_KEY.toReversed()).toString('hex'))
    const [other] = (await look(true)).complaints
    assert.match(other?.detail ?? '', /is not the key that signs this log now \(ledger\.example\/test\+/)
  })

  it('refuses to start over a damaged journal, says so, and opens it only when told to, with a mark', async () => {
    const folder = join(rest.dataDir, 'store')
    const [journal] = (await readdir(folder)).filter(name => name.endsWith('.log'))
    const sound = await readFile(join(folder, journal!))
    await writeFile(join(folder, journal!), flipAt(sound, 100))
    await assert.rejects(openLevelStore(folder), { code: 'STORE_JOURNAL', message: /would drop acknowledged records/ })
    const found = await look()
    assert.deepEqual([found.exit, found.complaints.map(({ code }) => code)], [5, ['DOCTOR_JOURNAL']])
    await assert.rejects(openLevelStore(folder), { code: 'STORE_JOURNAL' })
    const salvaged = await look(true)
    assert.match(salvaged.restored?.why ?? '', /damaged journal/)
    await (await openLevelStore(folder)).close()
  })

  it('never ends in anything but a diagnosis or one of its codes, whichever byte on disk is changed', async () => {
    const folder = join(rest.dataDir, 'store')
    await (await openLevelStore(folder)).close() // which writes the journal out as a table
    const [table] = (await readdir(folder)).filter(name => name.endsWith('.ldb'))
    const path = join(folder, table!)
    const sound = await readFile(path)
    for (let at = 1000; at < sound.length; at += Math.floor(sound.length / 12)) {
      await writeFile(path, flipAt(sound, at))
      const verdict = await look().then(
        diagnosis => diagnosis.verdict,
        error => error.code,
      )
      assert.ok(['sound', 'damaged', 'STORE_UNREADABLE', 'STORE_DAMAGED'].includes(verdict), `byte ${at}: ${verdict}`)
    }
  })
})

function flipAt(bytes: Uint8Array, at: number): Uint8Array {
  const changed = bytes.slice()
  changed[at]! ^= 0x10
  return changed
}
