/**
 * Erasing statements: who may ask, what is hidden at once, what one commit destroys, what stays.
 */
import { deepEqual, equal, match, notEqual, rejects } from 'node:assert/strict'
import { parseReceipt, receiptIndex } from '../../src/core/receipt.ts'
import type { Statement } from '../../src/core/statements/statement.ts'
import type { LedgerDeps } from '../../src/ledger/ledger.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import { StoreError } from '../../src/store/port/errors.ts'
import type { Store } from '../../src/store/port/port.ts'
import { openTestLedger, statementOf } from './fixtures.ts'

const KEY = new Uint8Array(32).fill(9)
const HOUR_MS = 3_600_000
const AGENCY = { by: 'agency', agency: 'transport.gov.example' } as const
const OPERATOR = { by: 'operator' } as const
const withdrawal = (record: string, changes: Partial<Statement> = {}): Statement => ({
  ...statementOf(record, 1, { action: 'withdraw', documents: [], reason: { code: 'other' }, ...changes }),
})

describe('ledger: erasing', () => {
  let store: Store
  let nowMs: number
  const open = (erasure: Partial<LedgerDeps['erasure']> = {}) =>
    openTestLedger(store, {
      host: { nowMs: () => nowMs, steadyMs: () => nowMs },
      erasure: { key: KEY, delayMs: 24 * HOUR_MS, periodMs: 1000 * HOUR_MS, ...erasure },
    })
  beforeEach(() => {
    store = createMemoryStore()
    nowMs = Date.UTC(2026, 0, 2)
  })

  /** The store, whose statement at an index is read after `before`: for what happens meanwhile. */
  const pausedAt = (wanted: number, before: () => Promise<void>): Store => ({
    ...store,
    async readStatement(index) {
      if (index === wanted) await before()
      return store.readStatement(index)
    },
  })

  it('hides a statement from the request on, and destroys it when it is due', async () => {
    const ledger = await open()
    await ledger.submit(statementOf('a'))
    const { index } = await ledger.submit(statementOf('b', 2))
    const receipt = await ledger.receipt(index)
    const due = '2026-01-03T00:00:00Z'
    deepEqual(await ledger.requestErasure(index, 'personal-data', AGENCY), { index, due })
    equal(await ledger.statement(index), undefined)
    notEqual(await ledger.heldStatement(index), undefined)
    await rejects(ledger.receipt(index), { code: 'RECORD_ERASING', message: /2026-01-03/ })
    equal(await ledger.erasureDue(index), due)
    await ledger.tendErasures()
    notEqual(await ledger.heldStatement(index), undefined)
    equal(await ledger.unfinishedErasures(), false)

    nowMs += 24 * HOUR_MS
    equal(await ledger.unfinishedErasures(), true)
    await ledger.tendErasures()
    equal(await ledger.unfinishedErasures(), false)
    deepEqual([await ledger.statement(index), await ledger.heldStatement(index)], [undefined, undefined])
    await rejects(ledger.receipt(index), { code: 'RECORD_ERASED' })
    deepEqual(await ledger.erasureOf(index), {
      ...{ index, tombstone: 3, time: due, reason: { code: 'personal-data' }, by: 'agency', effects: [] },
    })
    const tombstone = parseReceipt(await ledger.receipt(3))
    deepEqual(receiptIndex(tombstone), 3)
    match(JSON.stringify(tombstone.statement), /"index":2/)
    deepEqual(await ledger.requestErasure(index, 'other', OPERATOR), { index, erasure: 3 })
    // Nothing finds it, and the entry is still proven: the receipt that was handed out stays valid.
    const { sha256 } = statementOf('b', 2).documents[0]!
    deepEqual(await ledger.findByDigest(sha256, 10), [])
    deepEqual(await ledger.listByRecord('transport.gov.example', 'b', 100, 10), [])
    deepEqual(await ledger.listByAgency('transport.gov.example', 100, 10), [1])
    equal(parseReceipt(receipt).proof.length > 0, true)
  })

  it('erases at once with a delay of 0', async () => {
    let purges = 0
    const purge = async () => {
      purges++
    }
    store = { ...store, purge }
    const ledger = await open({ delayMs: 0 })
    await ledger.submit(statementOf('a'))
    deepEqual(await ledger.requestErasure(1, 'legal', OPERATOR), { index: 1, erasure: 2 })
    equal(await ledger.heldStatement(1), undefined)
    equal(purges, 1)
  })

  it('keeps the time of an earlier request, although one without a delay follows it', async () => {
    const ledger = await open()
    await ledger.submit(statementOf('a'))
    const { due } = (await ledger.requestErasure(1, 'other', AGENCY)) as { due: string }
    const hasty = await open({ delayMs: 0 })
    deepEqual(await hasty.requestErasure(1, 'other', OPERATOR), { index: 1, due })
    notEqual(await hasty.heldStatement(1), undefined)
  })

  it('can be taken back until it is due, by the one who asked or by the operator', async () => {
    const ledger = await open()
    await ledger.submit(statementOf('a'))
    await rejects(ledger.takeBackErasure(1, AGENCY), { code: 'ERASURE_NOT_FOUND' })
    await ledger.requestErasure(1, 'other', AGENCY)
    await rejects(ledger.takeBackErasure(1, { by: 'agency', agency: 'other.example' }), { code: 'ERASURE_OTHER_AGENCY' })
    await ledger.takeBackErasure(1, AGENCY)
    notEqual(await ledger.statement(1), undefined)
    nowMs += 48 * HOUR_MS
    await ledger.tendErasures()
    notEqual(await ledger.statement(1), undefined)
    await ledger.requestErasure(1, 'court-order', OPERATOR)
    await rejects(ledger.takeBackErasure(1, AGENCY), { code: 'ERASURE_OF_OPERATOR' })
    await ledger.takeBackErasure(1, OPERATOR)
    notEqual(await ledger.statement(1), undefined)
  })

  it('is only for statements about records, and for the agency that made them', async () => {
    const ledger = await open({ delayMs: 0 })
    await ledger.submit(statementOf('a'))
    await rejects(ledger.requestErasure(0, 'other', OPERATOR), { code: 'ERASURE_TYPE' })
    await rejects(ledger.requestErasure(7, 'other', OPERATOR), { code: 'RECORD_NOT_FOUND' })
    await rejects(ledger.requestErasure(1, 'other', { by: 'agency', agency: 'other.example' }), { code: 'ERASURE_OTHER_AGENCY' })
    await ledger.requestErasure(1, 'other', AGENCY)
    await rejects(ledger.requestErasure(2, 'other', OPERATOR), { code: 'ERASURE_TYPE' })
  })

  it('lets an agency ask for twenty a day, even with a stolen key; more needs the operator', async () => {
    const ledger = await open()
    for (let at = 0; at < 22; at++) await ledger.submit(statementOf(`r${at}`))
    const ask = (index: number) => ledger.requestErasure(index, 'other', AGENCY)
    for (let index = 1; index <= 20; index++) await ask(index)
    await rejects(ask(21), { code: 'ERASURES_MANY' })
    await ask(20)
    // Taking back one does not give another.
    await ledger.takeBackErasure(20, AGENCY)
    await rejects(ask(21), { code: 'ERASURES_MANY' })
    await ledger.requestErasure(21, 'other', OPERATOR)
    nowMs += 24 * HOUR_MS + 1
    await ask(22)
  })

  it('refuses an erased statement that is sent again, in a dry run too, until the period has ended', async () => {
    const ledger = await open({ delayMs: 0 })
    const statement = statementOf('a')
    await ledger.submit(statement)
    await ledger.requestErasure(1, 'personal-data', AGENCY)
    for (const again of [statement, { ...statement, salt: `${'B'.repeat(42)}A` }]) {
      await rejects(ledger.submit(again), { code: 'STATEMENT_ERASED' })
      await rejects(ledger.findKnown(again), { code: 'STATEMENT_ERASED' })
    }
    // Others of the same batch are logged.
    const [refused, logged] = await Promise.allSettled([ledger.submit(statement), ledger.submit(statementOf('b'))])
    deepEqual([refused.status, logged], ['rejected', { status: 'fulfilled', value: { index: 3, known: false } }])
    nowMs += 1000 * HOUR_MS
    await ledger.tendErasures()
    equal((await ledger.submit(statement)).index, 4)
  })

  it('keeps no identity but an HMAC of it, and drops the list with another key', async () => {
    const ledger = await open({ delayMs: 0 })
    await ledger.submit(statementOf('a'))
    await ledger.requestErasure(1, 'personal-data', AGENCY)
    equal((await store.listDocuments('local-suppressed')).length, 1)
    await ledger.close()
    const lost = await open({ key: KEY.map(byte => byte + 1) })
    await lost.tendErasures()
    deepEqual(await store.listDocuments('local-suppressed'), [])
  })

  it('lets nobody become clean: what an erased statement did stays, with the tombstone', async () => {
    const ledger = await open({ delayMs: 0 })
    await ledger.submit(statementOf('a', 1))
    await ledger.submit(withdrawal('a'))
    await ledger.submit(statementOf('e', 1))
    await ledger.submit(statementOf('e', 2))
    await ledger.requestErasure(2, 'other', AGENCY)
    await ledger.requestErasure(4, 'other', AGENCY)
    const withdrawn = await ledger.history(1)
    deepEqual(withdrawn.changes, [{ index: 2, what: 'withdrawn', erased: 5 }])
    const edited = await ledger.history(3)
    deepEqual([edited.changes, edited.versions[0]?.edited], [[{ index: 4, what: 'edited', erased: 6 }], true])
    // The other side of the edit can go too; then nobody is left to be told.
    await ledger.requestErasure(3, 'other', AGENCY)
    deepEqual(await ledger.lostChanges(3), [{ index: 4, what: 'edited', erased: 6 }])
    deepEqual(
      (await ledger.listErasures(Number.MAX_SAFE_INTEGER, 2)).map(({ index, tombstone }) => [index, tombstone]),
      [
        [3, 7],
        [4, 6],
      ],
    )
    deepEqual(
      (await ledger.listErasures(6, 10)).map(({ tombstone }) => tombstone),
      [5],
    )
  })

  it('shows what a statement does to others while it waits to be erased, and nothing else of it', async () => {
    const ledger = await open()
    await ledger.submit(statementOf('a', 1))
    await ledger.submit(withdrawal('a'))
    await ledger.requestErasure(2, 'other', AGENCY)
    const { changes, versions } = await ledger.history(1)
    deepEqual([changes, versions.map(({ index }) => index)], [[{ index: 2, what: 'withdrawn' }], [1]])
  })

  it('accuses nobody of an edit once the withdrawal between two publications is erased', async () => {
    const ledger = await open({ delayMs: 0 })
    await ledger.submit(statementOf('a', 1))
    await ledger.submit(withdrawal('a'))
    await ledger.submit(statementOf('a', 2))
    await ledger.requestErasure(2, 'other', AGENCY)
    const { changes, versions } = await ledger.history(3)
    deepEqual([changes, versions.map(({ flag, edited }) => flag ?? edited)], [[], [undefined, undefined]])
  })

  it('keeps a statement hidden where a reading of the requests ends after one that began later', async () => {
    let holds = false
    let release = () => {}
    const slow: Store = {
      ...store,
      async listDocuments(collection, range) {
        const rows = await store.listDocuments(collection, range)
        if (!holds || collection !== 'erasure-requests') return rows
        holds = false
        await new Promise<void>(resolve => {
          release = resolve
        })
        return rows
      },
    }
    const ledger = await openTestLedger(slow, {
      host: { nowMs: () => nowMs, steadyMs: () => nowMs },
      erasure: { key: KEY, delayMs: HOUR_MS, periodMs: 0 },
    })
    await ledger.submit(statementOf('a'))
    nowMs += 2000
    holds = true
    const before = ledger.statement(1)
    await ledger.requestErasure(1, 'other', AGENCY)
    release()
    await before
    equal(await ledger.statement(1), undefined)
    await ledger.close()
  })

  it('removes bytes that are left although the requests cannot be read, and tells of the failure', async () => {
    let purges = 0
    const damaged: Store = {
      ...store,
      listDocuments: (collection, range) =>
        collection === 'erasure-requests'
          ? Promise.reject(new StoreError('STORE_DAMAGED', 'a test'))
          : store.listDocuments(collection, range),
      async purge() {
        purges++
      },
    }
    const ledger = await openTestLedger(damaged)
    await rejects(ledger.tendErasures(), { code: 'STORE_DAMAGED' })
    equal(purges, 1)
    await ledger.close()
  })

  it('reads the whole list of what may not come back at the start, and once an hour', async () => {
    let reads = 0
    const counting: Store = {
      ...store,
      listDocuments(collection, range) {
        if (collection === 'local-suppressed' && range === undefined) reads++
        return store.listDocuments(collection, range)
      },
    }
    const ledger = await openTestLedger(counting, { host: { nowMs: () => nowMs, steadyMs: () => nowMs } })
    for (let second = 0; second < 3600; second += 60) {
      await ledger.tendErasures()
      nowMs += 60_000
    }
    equal(reads, 1)
    await ledger.tendErasures()
    equal(reads, 2)
    await ledger.close()
  })

  it('reads a long history while others submit, and finds the effects again if its record has grown', async () => {
    let whileReading = async () => {}
    // Statement 1 is read while the effects are looked for.
    const watched = pausedAt(1, () => whileReading())
    const ledger = await openTestLedger(watched, { erasure: { key: KEY, delayMs: 0, periodMs: 0 } })
    await ledger.submit(statementOf('a', 1))
    await ledger.submit(statementOf('a', 2))
    let submitted = 0
    whileReading = async () => {
      if (submitted === 5) return
      const at = ++submitted
      await Promise.all([ledger.submit(statementOf('b', at)), at < 3 ? ledger.submit(statementOf('a', 2 + at)) : undefined])
    }
    await ledger.requestErasure(2, 'other', OPERATOR)
    whileReading = async () => {}
    const effects = (await ledger.erasureOf(2))?.effects.map(({ on, what }) => `${what} ${on}`)
    deepEqual(effects?.toSorted(), ['edited 1', 'edited 4', 'edited 6'])
    await ledger.close()
  })

  it('erases nothing if the request is taken back while the erasure is prepared', async () => {
    let whileReading = async () => {}
    const watched = pausedAt(1, () => whileReading())
    const ledger = await openTestLedger(watched, {
      host: { nowMs: () => nowMs, steadyMs: () => nowMs },
      erasure: { key: KEY, delayMs: HOUR_MS, periodMs: HOUR_MS },
    })
    for (const content of [1, 2]) await ledger.submit(statementOf('a', content))
    await ledger.requestErasure(2, 'other', AGENCY)
    nowMs += HOUR_MS
    whileReading = async () => {
      whileReading = async () => {}
      await ledger.takeBackErasure(2, AGENCY)
    }
    await ledger.tendErasures()
    deepEqual([ledger.head().size, await ledger.erasureOf(2)], [3, undefined])
    notEqual(await ledger.statement(2), undefined)
    await ledger.close()
  })

  it('makes submitters wait if a record never rests, so that the erasure comes to an end', async () => {
    let isErasing = false
    let submitted = 0
    const watched: Store = {
      ...store,
      async readStatement(index) {
        if (index === 1 && isErasing) {
          const submitting = ledger.submit(statementOf('a', 10 + ++submitted))
          await Promise.race([submitting, new Promise(resolve => setTimeout(resolve, 100))])
        }
        return store.readStatement(index)
      },
    }
    const ledger = await openTestLedger(watched, { erasure: { key: KEY, delayMs: 0, periodMs: 0 } })
    await ledger.submit(statementOf('a', 1))
    await ledger.submit(statementOf('a', 2))
    isErasing = true
    await ledger.requestErasure(2, 'other', OPERATOR)
    isErasing = false
    equal(submitted, 4)
    equal((await ledger.erasureOf(2))?.effects.length, 4)
    await ledger.close()
  })

  it('goes on after a restart with what is due', async () => {
    const ledger = await open()
    await ledger.submit(statementOf('a'))
    await ledger.requestErasure(1, 'other', AGENCY)
    const again = await open()
    equal(await again.statement(1), undefined)
    nowMs += 24 * HOUR_MS
    await again.tendErasures()
    equal((await again.erasureOf(1))?.tombstone, 2)
    // The first node sees it within two seconds.
    nowMs += 2000
    await ledger.refresh()
    equal(await ledger.heldStatement(1), undefined)
  })

  it('finds the effects again if another node seals meanwhile, and erases once for all nodes', async () => {
    const [one, two] = [await open(), await open()]
    await one.submit(statementOf('a', 1))
    await one.submit(withdrawal('a'))
    await one.requestErasure(2, 'other', AGENCY)
    nowMs += 24 * HOUR_MS
    await Promise.all([one.tendErasures(), two.tendErasures(), two.submit(statementOf('x')), one.submit(statementOf('y'))])
    await one.refresh()
    equal(one.head().size, 6)
    deepEqual((await one.listErasures(100, 10)).length, 1)
    deepEqual(
      (await two.history(1)).changes.map(({ what }) => what),
      ['withdrawn'],
    )
  })
})
