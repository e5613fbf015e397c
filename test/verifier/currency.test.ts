/** The last check, `currency`: which later statements count, and what they make of the file. */

import { deepEqual, equal } from 'node:assert/strict'
import { OpenSealError } from '../../src/core/errors.ts'
import { createSigner } from '../../src/core/note.ts'
import type { AnyStatement, Statement } from '../../src/core/statement.ts'
import type { CurrencyReader } from '../../src/verifier/currency.ts'
import { digestsOf } from '../../src/verifier/digest.ts'
import { verify } from '../../src/verifier/verify.ts'
import { AMENDMENT, chainWith, createWorld, FILE, GENESIS, policyWith, STATEMENT, WITHDRAWAL, type World } from './world.ts'

const AGAIN: Statement = { ...STATEMENT, published: '2026-11-09T00:00:00Z' }
const EDITED: Statement = { ...STATEMENT, documents: AMENDMENT.documents }
const { target: _a, ...AMEND_ALL } = AMENDMENT
const { target: _w, ...WITHDRAW_ALL } = WITHDRAWAL

/** Answers with every later statement of the record, as an honest ledger would; the damage is done to each receipt. */
function honest(statements: readonly AnyStatement[], world: World, damage = (text: string) => text): CurrencyReader {
  return async (_, index) => {
    const later = statements.map((_, at) => at).filter(at => at > index)
    return Promise.all(later.map(async at => ({ index: at, receiptText: damage(await world.receipt(at)) })))
  }
}

/** What becomes of STATEMENT at index 1 when these follow it. */
async function outcomeAfter(...later: Statement[]) {
  return judge([GENESIS, STATEMENT, ...later], (statements, world) => honest(statements, world))
}

async function judge(
  statements: readonly AnyStatement[],
  reader: (statements: readonly AnyStatement[], world: World) => CurrencyReader,
  file: Uint8Array | undefined = FILE,
) {
  const world = createWorld(statements)
  const receipt = await world.receipt(1)
  const currency = reader(statements, world)
  const result = await verify({
    file: file && digestsOf(file),
    receipt,
    policy: policyWith(),
    chain: [chainWith(world)],
    currency,
    trust: 'policy',
  })
  const check = result.checks.find(({ name }) => name === 'currency')
  return [result.verdict, check?.status, check?.code ?? check?.detail]
}

const CURRENT = ['anchored', 'passed', 'no later statement about this version']
const SUPERSEDED = ['superseded', 'failed', 'CURRENCY_SUPERSEDED']
const WITHDRAWN = ['withdrawn', 'failed', 'CURRENCY_WITHDRAWN']

describe('verifier/currency: what later statements make of a file', () => {
  it('is superseded by an amendment of its revision or of the whole record', async () => {
    deepEqual(await outcomeAfter(AMENDMENT), SUPERSEDED)
    deepEqual(await outcomeAfter(AMEND_ALL), SUPERSEDED)
  })

  it('is withdrawn by a withdrawal of its revision or of the whole record, after an amendment too', async () => {
    deepEqual(await outcomeAfter(WITHDRAWAL), WITHDRAWN)
    deepEqual(await outcomeAfter(WITHDRAW_ALL), WITHDRAWN)
    deepEqual(await outcomeAfter(AMENDMENT, WITHDRAWAL), WITHDRAWN)
    deepEqual(await outcomeAfter(WITHDRAWAL, AMENDMENT), WITHDRAWN)
  })

  it('is withdrawn even by a withdrawal that lists what it withdraws', async () => {
    deepEqual(await outcomeAfter({ ...WITHDRAWAL, documents: STATEMENT.documents }), WITHDRAWN)
  })

  it('is current while the newest statement still lists it', async () => {
    const listing = { ...AMENDMENT, documents: [{ ...AMENDMENT.documents[0]!, name: 'annex.json' }, ...STATEMENT.documents] }
    deepEqual(await outcomeAfter(listing), ['anchored', 'passed', 'still listed by the statement at index 2'])
    deepEqual(await outcomeAfter(AMENDMENT, listing), ['anchored', 'passed', 'still listed by the statement at index 3'])
    deepEqual(await outcomeAfter(listing, AMENDMENT), SUPERSEDED)
    deepEqual(await outcomeAfter(WITHDRAWAL, AGAIN), ['anchored', 'passed', 'still listed by the statement at index 3'])
  })

  it('is untouched by other revisions, other records and other agencies', async () => {
    deepEqual(await outcomeAfter({ ...AMENDMENT, target: 'r-2' }), CURRENT)
    deepEqual(await outcomeAfter({ ...WITHDRAWAL, record: 'ocds-2' }), CURRENT)
    deepEqual(await outcomeAfter({ ...WITHDRAWAL, agency: 'other.gov.example' }), CURRENT)
    deepEqual(await outcomeAfter({ ...EDITED, revision: 'r-2' }), CURRENT)
  })

  it('takes the newest by its index, in whatever order the ledger answers', async () => {
    const listing = { ...AMENDMENT, documents: STATEMENT.documents }
    const backwards = (statements: readonly AnyStatement[], world: World): CurrencyReader => {
      const inOrder = honest(statements, world)
      return async (statement, index) => [...(await inOrder(statement, index))].reverse()
    }
    deepEqual(await judge([GENESIS, STATEMENT, AMENDMENT, listing], backwards), [
      'anchored',
      'passed',
      'still listed by the statement at index 3',
    ])
    deepEqual(await judge([GENESIS, STATEMENT, listing, AMENDMENT], backwards), SUPERSEDED)
  })

  it('is untouched by a publication that names no revision: only an amendment speaks of the whole record', async () => {
    const { revision: _, ...unversioned } = EDITED
    deepEqual(await outcomeAfter(unversioned), CURRENT)
  })

  it('asks of the file that was given only, where the statement lists others too', async () => {
    const [document] = STATEMENT.documents
    const other = { name: 'annex.pdf', mediaType: 'application/pdf', bytes: 1, sha256: 'cd'.repeat(32) }
    const two = { ...STATEMENT, documents: [document!, other] }
    const onlyFile = { ...AMENDMENT, documents: [document!] }
    const world = createWorld([GENESIS, two, onlyFile])
    const base = { receipt: await world.receipt(1), policy: policyWith(), chain: [chainWith(world)], trust: 'policy' } as const
    const currency = honest([GENESIS, two, onlyFile], world)
    equal((await verify({ ...base, currency, file: digestsOf(FILE) })).verdict, 'anchored')
    equal((await verify({ ...base, currency })).verdict, 'superseded')
  })

  it('lists nothing, for a withdrawal without documents: what follows it does not take it back', async () => {
    const statements = [GENESIS, WITHDRAWAL, AGAIN]
    const world = createWorld(statements)
    const base = { receipt: await world.receipt(1), policy: policyWith(), chain: [chainWith(world)], trust: 'policy' } as const
    equal((await verify({ ...base, currency: honest(statements, world) })).verdict, 'withdrawn')
  })

  it('says that a genesis has no versions, without asking anyone', async () => {
    const world = createWorld([GENESIS, STATEMENT])
    const currency: CurrencyReader = () => Promise.reject(new Error('bug: asked'))
    const input = { receipt: await world.receipt(0), policy: policyWith(), chain: [chainWith(world)], currency }
    const { checks } = await verify({ ...input, trust: 'policy' })
    deepEqual(checks.at(-1)?.notes, [{ key: 'versionsNone', values: {} }])
  })

  it('names a silent edit without calling the file superseded', async () => {
    const silent = 'published again with other documents at index 2, without an amendment: a silent edit'
    deepEqual(await outcomeAfter(EDITED), ['anchored', 'passed', silent])
  })

  it('says of a withdrawal itself, without asking anyone, that it withdraws', async () => {
    const own = { ...WITHDRAWAL, documents: STATEMENT.documents }
    const world = createWorld([GENESIS, own])
    const input = { file: digestsOf(FILE), receipt: await world.receipt(1), policy: policyWith(), chain: [chainWith(world)] }
    const result = await verify({ ...input, trust: 'policy' })
    deepEqual([result.verdict, result.withdrawn], ['withdrawn', WITHDRAWAL.published])
  })

  it('compares all documents of the statement where no file is given', async () => {
    const statements = [
      GENESIS,
      STATEMENT,
      { ...AMENDMENT, documents: [{ ...AMENDMENT.documents[0]!, name: 'annex.json' }, ...STATEMENT.documents] },
    ]
    const world = createWorld(statements)
    const base = { receipt: await world.receipt(1), policy: policyWith(), chain: [chainWith(world)], trust: 'policy' } as const
    deepEqual((await verify({ ...base, currency: honest(statements, world) })).verdict, 'anchored')
  })
})

describe('verifier/currency: what a ledger answers is believed only as far as it verifies', () => {
  const withdrawn = [GENESIS, STATEMENT, WITHDRAWAL]
  const forged = (damage: (text: string) => string) => judge(withdrawn, (statements, world) => honest(statements, world, damage))

  it('believes a withdrawal that verifies', async () => deepEqual(await forged(text => text), WITHDRAWN))

  it('believes nothing that does not fit its proof', async () => {
    deepEqual(await forged(text => text.replace('court-order', 'other')), CURRENT)
    deepEqual(await forged(text => text.replace('index 2', 'index 1')), CURRENT)
    deepEqual(await forged(() => 'no receipt'), CURRENT)
    deepEqual(await forged(text => text.replace('"statement":{', '"statement":{"x":1,')), CURRENT)
  })

  it('believes no other log and no other key', async () => {
    const signer = createSigner('log.example/one', new Uint8Array(32).fill(7))
    const reader = (_: unknown, world: World) => async () => [{ index: 2, receiptText: await world.receipt(2, { signer }) }]
    deepEqual(await judge(withdrawn, reader), CURRENT)
    const elsewhere = (_: unknown, world: World) => async () => [
      { index: 2, receiptText: await world.receipt(2, { origin: 'other.example' }) },
    ]
    deepEqual(await judge(withdrawn, elsewhere), CURRENT)
  })

  it('believes no index but that of the proof, and none before its own', async () => {
    const reader = (index: number) => (_: unknown, world: World) => async () => [{ index, receiptText: await world.receipt(2) }]
    deepEqual(await judge(withdrawn, reader(3)), CURRENT)
    const itself = (_: unknown, world: World) => async () => [{ index: 1, receiptText: await world.receipt(1) }]
    deepEqual(await judge([GENESIS, STATEMENT], itself), CURRENT)
    const earlier = createWorld([WITHDRAWAL, STATEMENT])
    const result = await judge([WITHDRAWAL, STATEMENT], () => async () => [{ index: 0, receiptText: await earlier.receipt(0) }])
    deepEqual(result, CURRENT)
  })

  it('is not run when the ledger does not answer, and the verdict stands', async () => {
    const gone: CurrencyReader = () => Promise.reject(new OpenSealError('LEDGER_UNREACHABLE', 'the ledger is gone'))
    deepEqual(await judge(withdrawn, () => gone), ['anchored', 'not-run', 'newer versions not checked: the ledger is gone'])
  })
})
