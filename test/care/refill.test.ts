/**
 * Filling up a ledger from another copy across changes of the log's key: each key is believed on
 * the word of the one before it, and on no other.
 */
import { deepEqual, equal, rejects } from 'node:assert/strict'
import type { Copy } from '../../src/care/copy.ts'
import { refill } from '../../src/care/refill.ts'
import { canonicalJson } from '../../src/core/json.ts'
import { formatReceipt, parseReceipt } from '../../src/core/receipt.ts'
import { encodeEntry } from '../../src/core/statements/entry.ts'
import { ERASURE } from '../../src/core/statements/erasure.ts'
import { formatCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { formatVkey, parseNote, signNote, verifyNote } from '../../src/core/tlog/note.ts'
import { parseTlogProof } from '../../src/core/tlog/tlog-proof.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { prepareOwn, recordOf } from '../../src/log/prepare.ts'
import { createSequencer } from '../../src/log/sequencer.ts'
import { createLogSigner } from '../../src/log/signer.ts'
import { openLogView } from '../../src/log/view.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import type { Store } from '../../src/store/port/port.ts'
import { checkLog } from '../ledger/check-log.ts'
import { ORIGIN, openTestLedger, signer, statementOf } from '../ledger/fixtures.ts'
import { testHost } from '../test-host.ts'

const SECOND = createLogSigner(ORIGIN, new Uint8Array(32).fill(2))
const THIRD = createLogSigner(ORIGIN, new Uint8Array(32).fill(3))
const host = testHost({ nowMs: () => 0 })

describe('filling up across a change of the log’s key', () => {
  const submit = async (ledger: Ledger, from: number, to: number) => {
    await Promise.all(Array.from({ length: to - from }, (_, i) => ledger.submit(statementOf(`r${from + i}`, from + i))))
  }
  /**
   * Genesis and 299 records; the change is entry 300. Then 1,499 records, another change (entry
   * 1800), and 10 more.
   */
  const rotateTwice = async (store: Store) => {
    const first = await openTestLedger(store)
    await submit(first, 0, 299)
    await first.changeKey(formatVkey(SECOND.vkey))
    const second = await openTestLedger(store, { signer: SECOND })
    await submit(second, 300, 1799)
    await second.changeKey(formatVkey(THIRD.vkey))
    const third = await openTestLedger(store, { signer: THIRD })
    await submit(third, 1800, 1810)
    return third
  }
  /** The first `size` entries of a store, and nothing else of it: what an old backup has. */
  const olderCopy = async (store: Store, size: number) => {
    const older = createMemoryStore()
    const batch = []
    for await (const { index, statement } of store.readStatements(0, size))
      batch.push({ ...recordOf(index, statement!), entry: encodeEntry(statement!) })
    const view = await openLogView({ store: older, signer, origin: ORIGIN })
    await createSequencer({ store: older, view, host }).seal(batch)
    return older
  }
  const copyOf = (ledger: Ledger): Copy => ({
    checkpoint: async () => ledger.head().note,
    keyReceipts: async () => (await ledger.keyReceipts()).map(({ receipt }) => receipt),
    bundle: async (index, width) => (await ledger.bundle(index, width))!,
    statements: (from, to) =>
      Promise.all(
        Array.from({ length: to - from }, async (_, i) => {
          const [text, erasure] = [await ledger.statement(from + i), await ledger.erasureOf(from + i)]
          if (erasure === undefined) return text === undefined ? undefined : Buffer.from(text, 'utf8')
          return { erased: erasure.tombstone, time: erasure.time, effects: erasure.effects }
        }),
      ),
  })

  let store: Store
  let newest: Ledger
  before(async () => {
    store = createMemoryStore()
    newest = await rotateTwice(store)
  })

  for (const size of [200, 301, 302, 1800, 1801, 1811])
    it(`fills up ${size} entries, with every change of the key and the checkpoint that proves it`, async () => {
      const older = await olderCopy(store, size)
      equal(await refill(older, copyOf(newest), host), 1811 - size)
      equal(await checkLog(older), 1811)
      const filled = await openTestLedger(older, { signer: THIRD })
      deepEqual(filled.logKeys(), newest.logKeys())
      deepEqual(await filled.keyReceipts(), await newest.keyReceipts())
      equal(filled.head().note, newest.head().note)
      equal(await refill(older, copyOf(newest), host), 0)
    })

  it('continues where it stopped after a change, which it has kept', async () => {
    const older = await olderCopy(store, 200)
    const broken: Copy = {
      ...copyOf(newest),
      statements: (from, to) => (from > 300 ? Promise.reject(new Error('gone')) : copyOf(newest).statements(from, to)),
    }
    await rejects(refill(older, broken, host), /gone/)
    equal((await older.readHead())?.head.size, 301)
    equal((await openTestLedger(older, { signer: SECOND })).logKeys().length, 2)
    equal(await refill(older, copyOf(newest), host), 1811 - 301)
  })

  const refused = async (changes: Partial<Copy>, code: string) => {
    const older = await olderCopy(store, 200)
    await rejects(refill(older, { ...copyOf(newest), ...changes }, host), { code })
    equal((await older.readHead())?.head.size, 200)
  }

  it('believes no key without a receipt that introduces it', () => refused({ keyReceipts: async () => [] }, 'REFILL_UNSIGNED'))

  it('believes no key whose introduction by the key before it is missing', async () => {
    const receipts = (await newest.keyReceipts()).map(({ receipt }) => receipt)
    await refused({ keyReceipts: async () => receipts.slice(1) }, 'REFILL_UNSIGNED')
    await refused({ keyReceipts: async () => receipts.slice(0, 1) }, 'REFILL_UNSIGNED')
  })

  it('takes no checkpoint that the log’s key signed for another log', async () => {
    const { size, root } = newest.head()
    const checkpoint = signNote(formatCheckpoint({ origin: 'ledger.example/other', size, root }), THIRD)
    await refused({ checkpoint: async () => checkpoint }, 'REFILL_UNSIGNED')
  })

  it('takes nothing that an ended key signed', async () => {
    const older = await olderCopy(store, 302)
    await refill(older, copyOf(newest), host)
    const checkpoint = signNote(formatCheckpoint({ origin: ORIGIN, size: 2000, root: new Uint8Array(32) }), signer)
    await rejects(refill(older, { ...copyOf(newest), checkpoint: async () => checkpoint }, host), { code: 'REFILL_UNSIGNED' })
  })

  describe('while the old key signs beside the new one', () => {
    /** The newest head with the signatures of all three keys, so that each reader finds one it knows. */
    const signedByAll = async () => {
      const { size, root } = newest.head()
      return signNote(formatCheckpoint({ origin: ORIGIN, size, root }), THIRD, SECOND, signer)
    }

    it('follows the changes of the key, although the one that it knows has signed', async () => {
      const older = await olderCopy(store, 200)
      equal(await refill(older, { ...copyOf(newest), checkpoint: signedByAll }, host), 1811 - 200)
      const filled = await openTestLedger(older, { signer: THIRD })
      deepEqual(filled.logKeys(), newest.logKeys())
      deepEqual(await filled.keyReceipts(), await newest.keyReceipts())
    })

    it('fills up from a ledger in the grace of its key, and signs with the new key alone afterwards', async () => {
      const full = createMemoryStore()
      const first = await openTestLedger(full)
      await submit(first, 0, 3)
      await first.changeKey(formatVkey(SECOND.vkey))
      const endedKey = { read: async () => signer, lacks: () => {}, done: () => {} }
      const ledger = await openTestLedger(full, { signer: SECOND, endedKey })
      await submit(ledger, 3, 5)
      equal(verifyNote(ledger.head().note, [signer.vkey, SECOND.vkey]).length, 2)
      const older = await olderCopy(full, 2)
      equal(await refill(older, copyOf(ledger), host), 7 - 2)
      const filled = await openTestLedger(older, { signer: SECOND, endedKey })
      deepEqual([filled.logKeys(), await filled.keyReceipts()], [ledger.logKeys(), await ledger.keyReceipts()])
      equal(parseNote(filled.head().note).signatures.length, 1)
    })

    for (const [what, size, kept, last] of [
      ['every change', 200, 0, 301],
      ['the change that its last entry began', 301, 0, 301],
      ['the second change', 200, 1, 1801],
    ] as const)
      it(`takes nothing above a change whose receipt the copy withholds: ${what}`, async () => {
        const older = await olderCopy(store, size)
        const keyReceipts = async () => (await newest.keyReceipts()).slice(0, kept).map(({ receipt }) => receipt)
        const withholding = { ...copyOf(newest), checkpoint: signedByAll, keyReceipts }
        await rejects(refill(older, withholding, host), { code: 'REFILL_MISSING', message: new RegExp(`entry ${last - 1}`) })
        equal((await older.readHead())?.head.size, last)
        // A copy that has the receipts completes it.
        equal(await refill(older, copyOf(newest), host), 1811 - last)
        deepEqual((await openTestLedger(older, { signer: THIRD })).logKeys(), newest.logKeys())
      })

    it('keeps no checkpoint of a change but the last one of the old key', async () => {
      const [change, ...others] = (await newest.keyReceipts()).map(({ index, receipt }) => ({ index, receipt: parseReceipt(receipt) }))
      const { size, root } = newest.head()
      const proof = (await newest.inclusion(300, size)).proof
      const later = formatReceipt({
        statementText: canonicalJson(change!.receipt.statement),
        proof: { index: 300, proof, note: signNote(formatCheckpoint({ origin: ORIGIN, size, root }), signer, THIRD) },
        anchors: [],
      })
      const keyReceipts = async () => [later, ...others.map(({ receipt }) => JSON.stringify(receipt))]
      await refused({ checkpoint: signedByAll, keyReceipts }, 'REFILL_UNSIGNED')
    })

    it('takes a checkpoint from before a change that the copy has logged since', async () => {
      const older = await olderCopy(store, 200)
      const checkpoint = async () => newest.keyReceipts().then(([first]) => parseTlogProof(parseReceipt(first!.receipt).proof).note)
      equal(await refill(older, { ...copyOf(newest), checkpoint }, host), 301 - 200)
      deepEqual((await openTestLedger(older, { signer: SECOND })).logKeys().length, 2)
    })
  })

  it('believes no key that another ledger’s key introduces', async () => {
    const strange = createMemoryStore()
    const thief = createLogSigner(ORIGIN, new Uint8Array(32).fill(9))
    const first = await openTestLedger(strange, { signer: thief })
    await first.changeKey(formatVkey(THIRD.vkey))
    const other = await openTestLedger(strange, { signer: THIRD })
    await refused({ keyReceipts: copyOf(other).keyReceipts }, 'REFILL_UNSIGNED')
  })

  describe('with erased statements', () => {
    const AGENCY = { by: 'agency', agency: 'transport.gov.example' } as const
    const withdrawal = statementOf('r1', 1, { action: 'withdraw', documents: [], reason: { code: 'other' } })
    const statements = [statementOf('r1', 1), withdrawal, statementOf('r3', 3), statementOf('r4', 4)]
    /** The same salts every time, so that all of these ledgers have one history. */
    const begin = async (at: Store, count: number) => {
      const begun = await openTestLedger(at, { host: { randomBytes: length => new Uint8Array(length) } })
      for (const statement of statements.slice(0, count)) await begun.submit(statement)
      return begun
    }
    let full: Store
    let ledger: Ledger
    /** Entry 2 withdraws 1; 5 and 6 erase 2 and 4; 7 is the statement of 4, which may come back. */
    beforeEach(async () => {
      full = createMemoryStore()
      ledger = await begin(full, 4)
      for (const index of [2, 4]) await ledger.requestErasure(index, 'personal-data', AGENCY)
      equal((await ledger.submit(statementOf('r4', 4))).index, 7)
    })

    for (const size of [1, 3, 5])
      it(`fills up ${size} entries, forgets what was erased since, and keeps what it had done`, async () => {
        const older = createMemoryStore()
        await begin(older, size - 1)
        equal(await refill(older, copyOf(ledger), host), 8 - size)
        const filled = await openTestLedger(older)
        equal(filled.head().note, ledger.head().note)
        for (const index of [2, 4]) {
          equal(await older.readStatement(index), undefined)
          deepEqual(await filled.erasureOf(index), await ledger.erasureOf(index))
        }
        deepEqual((await filled.history(1)).changes, [{ index: 2, what: 'withdrawn', erased: 5 }])
        deepEqual(await filled.listByRecord('transport.gov.example', 'r4', 100, 10), [7])
        equal(await filled.newestTombstone(), 6)
      })

    it('believes no erasure without a tombstone of that entry in the log', async () => {
      for (const erased of [0, 1, 3, 6, 7, 99, 1.5, -1]) {
        const older = await olderCopy(full, 2)
        const lying: Copy['statements'] = async (from, to) =>
          (await copyOf(ledger).statements(from, to)).map((said, i) => (from + i === 2 && to > from + 1 ? { erased } : said))
        await rejects(refill(older, { ...copyOf(ledger), statements: lying }, host), { code: 'REFILL_MISSING' })
        equal((await older.readHead())?.head.size, 2)
      }
    })
  })

  it('believes no tombstone that is not the entry of the log', async () => {
    const full = createMemoryStore()
    const ledger = await openTestLedger(full)
    for (const record of ['r1', 'r2', 'r3']) await ledger.submit(statementOf(record))
    const forged = prepareOwn({ type: ERASURE, index: 2, reason: { code: 'other' }, by: 'operator', salt: 'A'.repeat(43) }).statement
    // Only where it is asked for alone: in the range, the copy gives the statement of that entry.
    const lying: Copy['statements'] = async (from, to) => {
      if (from === 3 && to === 4) return [forged]
      const said = await copyOf(ledger).statements(from, to)
      return said.map((each, i) => (from + i === 2 ? { erased: 3 } : each))
    }
    const older = await olderCopy(full, 2)
    await rejects(refill(older, { ...copyOf(ledger), statements: lying }, host), { code: 'REFILL_MISSING' })
    equal((await older.readHead())?.head.size, 2)
  })

  it('refuses a change of the key from another history, even if the old key signed that too', async () => {
    const forked = await olderCopy(store, 100)
    const fork = await openTestLedger(forked)
    await submit(fork, 5000, 5010)
    await fork.changeKey(formatVkey(THIRD.vkey))
    const other = await openTestLedger(forked, { signer: THIRD })
    await refused({ keyReceipts: copyOf(other).keyReceipts }, 'REFILL_FORK')
  })
})
