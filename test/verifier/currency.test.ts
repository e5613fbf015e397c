/** The last check, `currency`: which other statements count, and what they make of the version. */

import { deepEqual, equal, match } from 'node:assert/strict'
import { OpenSealError } from '../../src/core/errors.ts'
import type { AnyStatement } from '../../src/core/statements/registry.ts'
import type { Statement } from '../../src/core/statements/statement.ts'
import { createSigner, formatVkey } from '../../src/core/tlog/note.ts'
import { digestsOf } from '../../src/documents/digest.ts'
import type { CurrencyReader, Listed } from '../../src/verifier/currency.ts'
import { SENTENCES } from '../../src/verifier/sentence.ts'
import { type VerifyInput, verify } from '../../src/verifier/verify.ts'
import {
  AMENDMENT,
  ANCHOR,
  ANCHORED_AT,
  chainWith,
  createChain,
  createWorld,
  DATE,
  FILE,
  GENESIS,
  LOG,
  listingOf,
  ORIGIN,
  policyWith,
  STATEMENT,
  tombstoneOf,
  WITHDRAWAL,
  WITNESSES,
  type World,
} from './world.ts'

const [TENDER] = STATEMENT.documents
const OTHER = { name: 'annex.pdf', mediaType: 'application/pdf', bytes: 1, sha256: 'cd'.repeat(32) }
const EDITED: Statement = { ...STATEMENT, documents: AMENDMENT.documents }
const NEXT: Statement = { ...STATEMENT, revision: 'r-2', documents: AMENDMENT.documents }

/** Lists every other statement, as an honest ledger would; the damage is done to each. */
async function listed(world: World, own: number, damage: (entry: Listed) => Listed = entry => entry): Promise<Listed[]> {
  const others = Array.from({ length: world.size }, (_, at) => at).filter(at => at !== own && at > 0)
  return Promise.all(others.map(async index => damage({ index, receiptText: await world.receipt(index) })))
}

/** Checks the statement at `own` of a ledger that lists all others. */
async function ask(statements: readonly AnyStatement[], own = 1, change: Partial<VerifyInput> = {}, damage?: (entry: Listed) => Listed) {
  const world = createWorld(statements)
  return verify({
    file: digestsOf(FILE),
    receipt: await world.receipt(own),
    policy: policyWith(),
    chain: [chainWith(world)],
    currency: listingOf(world, await listed(world, own, damage)),
    trust: 'policy',
    ...change,
  })
}

/** The changes to STATEMENT at index 1 when these follow it. */
async function outcomeAfter(...later: Statement[]) {
  const { verdict, exit, isGreen, changes } = await ask([GENESIS, STATEMENT, ...later])
  return [verdict, exit, isGreen, changes.map(({ index, what }) => `${what} ${index}`).join(', ')]
}

const checkOf = ({ checks }: Awaited<ReturnType<typeof verify>>) => checks.find(({ name }) => name === 'currency')

describe('verifier/currency: what other statements make of a version', () => {
  it('is green where the ledger was asked and nothing takes its place', async () => {
    deepEqual(await outcomeAfter(), ['anchored', 0, true, ''])
    deepEqual(await outcomeAfter({ ...NEXT, record: 'ocds-2' }), ['anchored', 0, true, ''])
    deepEqual(await outcomeAfter({ ...WITHDRAWAL, agency: 'other.gov.example' }), ['anchored', 0, true, ''])
  })

  it('is superseded by an amendment that covers it and does not list it, whatever revision the amendment has', async () => {
    deepEqual(await outcomeAfter(AMENDMENT), ['superseded', 8, false, 'superseded 2'])
    deepEqual(await outcomeAfter({ ...AMENDMENT, revision: 'r-2' }), ['superseded', 8, false, 'superseded 2'])
    deepEqual(await outcomeAfter({ ...AMENDMENT, target: 'r-1' }), ['superseded', 8, false, 'superseded 2'])
  })

  it('is withdrawn by a withdrawal that covers it, and nothing takes that back', async () => {
    deepEqual(await outcomeAfter(WITHDRAWAL), ['withdrawn', 8, false, 'withdrawn 2'])
    deepEqual(await outcomeAfter({ ...WITHDRAWAL, documents: STATEMENT.documents }), ['withdrawn', 8, false, 'withdrawn 2'])
    deepEqual((await outcomeAfter(AMENDMENT, WITHDRAWAL)).slice(0, 2), ['withdrawn', 8])
    deepEqual((await outcomeAfter(WITHDRAWAL, AMENDMENT)).slice(0, 2), ['withdrawn', 8])
    deepEqual((await outcomeAfter(WITHDRAWAL, STATEMENT)).slice(0, 2), ['withdrawn', 8])
  })

  it('is edited where the agency published other content under the same version, before it or after it', async () => {
    deepEqual(await outcomeAfter(EDITED), ['edited', 8, false, 'edited 2'])
    const result = await ask([GENESIS, EDITED, STATEMENT], 2)
    deepEqual([result.verdict, result.exit, result.isGreen, result.changes.map(({ index }) => index)], ['edited', 8, false, [1]])
    equal(
      result.sentence,
      `This file has been on the record since ${DATE}. The agency has published different content under the same version.`,
    )
    equal(checkOf(result)?.code, 'CURRENCY_EDITED')
  })

  it('is not green after an edit of another document, and ends with 8', async () => {
    const two = { ...STATEMENT, documents: [TENDER!, OTHER] }
    const later = { ...STATEMENT, documents: [TENDER!, { ...OTHER, sha256: 'ef'.repeat(32) }] }
    const result = await ask([GENESIS, two, later])
    deepEqual([result.verdict, result.exit, result.isGreen, result.changes[0]?.what], ['anchored', 8, false, 'edited-elsewhere'])
  })

  it('is not green after a later version', async () => {
    deepEqual(await outcomeAfter(NEXT), ['anchored', 0, false, 'published 2'])
  })

  it('is not green after an amendment of another version, even of the same revision', async () => {
    deepEqual(await outcomeAfter({ ...AMENDMENT, target: 'r-0' }), ['anchored', 0, false, 'published 2'])
    deepEqual(await outcomeAfter({ ...AMENDMENT, revision: 'r-1', target: 'r-0' }), ['anchored', 0, false, 'published 2'])
    // The amended version itself, amended once more as the same revision.
    const amended = { ...AMENDMENT, documents: STATEMENT.documents }
    const result = await ask([GENESIS, { ...STATEMENT, documents: [OTHER] }, amended, AMENDMENT], 2)
    deepEqual(
      [result.verdict, result.isGreen, result.changes],
      ['anchored', false, [{ index: 3, what: 'published', verified: true, published: '2026-11-02T00:00:00Z' }]],
    )
  })

  it('is not green if the source does not list the entry itself, because it does not know the record', async () => {
    const world = createWorld([GENESIS, STATEMENT, WITHDRAWAL])
    const { verdict, asked, isGreen, sentence } = await ask([GENESIS, STATEMENT], 1, {
      currency: listingOf(createWorld([GENESIS, STATEMENT]), [], { listed: [] }),
    })
    deepEqual([verdict, asked, isGreen], ['anchored', 'nobody', false])
    match(sentence, /^We did not check for newer versions\./)
    // The statements that it still lists count.
    const told = await ask([GENESIS, STATEMENT, WITHDRAWAL], 1, {
      currency: listingOf(world, [], { listed: [{ index: 2, receiptText: await world.receipt(2) }] }),
    })
    equal(told.verdict, 'withdrawn')
  })

  it('reports an annex and another format, and stays green', async () => {
    deepEqual(await outcomeAfter({ ...STATEMENT, documents: [OTHER] }), ['anchored', 0, true, 'added 2'])
    const reformatted = { ...STATEMENT, documents: [{ ...TENDER!, sha256: 'ef'.repeat(32) }] }
    deepEqual(await outcomeAfter(reformatted), ['anchored', 0, true, 'reformatted 2'])
  })

  it('is withdrawn if the file is in a withdrawal, without asking anyone', async () => {
    const world = createWorld([GENESIS, { ...WITHDRAWAL, documents: STATEMENT.documents }])
    const input = { file: digestsOf(FILE), receipt: await world.receipt(1), policy: policyWith(), chain: [chainWith(world)] }
    const result = await verify({ ...input, trust: 'policy' })
    deepEqual([result.verdict, result.asked, result.changes[0]?.when], ['withdrawn', 'nobody', DATE])
  })

  it('compares all documents of the statement if no file is given', async () => {
    const amended = { ...AMENDMENT, documents: [OTHER, ...STATEMENT.documents] }
    const kept = await ask([GENESIS, STATEMENT, amended], 1, { file: undefined })
    deepEqual([kept.verdict, kept.exit], ['anchored', 3])
    const two = { ...STATEMENT, documents: [TENDER!, OTHER] }
    const half = await ask([GENESIS, two, { ...AMENDMENT, documents: [TENDER!] }], 1, { file: undefined })
    deepEqual([half.verdict, half.exit, half.isGreen], ['superseded', 3, false])
  })

  it('says that a genesis has no versions, without asking anyone', async () => {
    const currency: CurrencyReader = () => Promise.reject(new Error('bug: asked'))
    const result = await ask([GENESIS, STATEMENT], 0, { file: undefined, currency })
    deepEqual(checkOf(result)?.remarks, [{ key: 'versionsNone', values: {} }])
  })

  it('is asked for a record that is only sealed, or only on a test network: a withdrawal is reported there too', async () => {
    const sealed = await ask([GENESIS, STATEMENT, WITHDRAWAL], 1, { chain: [createChain({})] })
    deepEqual([sealed.verdict, sealed.changes.map(({ what }) => what)], ['sealed', ['withdrawn']])
    const silent = await ask([GENESIS, STATEMENT, WITHDRAWAL], 1, { chain: [] })
    deepEqual([silent.verdict, silent.changes.map(({ what }) => what)], ['unchecked', ['withdrawn']])
    const test = await ask([GENESIS, STATEMENT, WITHDRAWAL], 1, { policy: policyWith({ production: false }) })
    deepEqual([test.verdict, test.finding], ['test-network', 'withdrawn'])
    match(test.sentence, /The agency withdrew it on .* But the chain is a test network/)
  })
})

describe('verifier/currency: the date of a change', () => {
  const statements = [GENESIS, STATEMENT, WITHDRAWAL]
  const earlier = createWorld(statements.slice(0, 2))
  const world = createWorld(statements)
  const anchor = (of: World, time: number) => ({ world: of, block: 50, time })
  const askWith = async (chain: VerifyInput['chain'], change: Partial<VerifyInput> = {}) =>
    ask(statements, 1, {
      receipt: await earlier.receipt(1),
      chain,
      currency: listingOf(world, [{ index: 2, receiptText: await world.receipt(2) }]),
      ...change,
    })

  it('is that of the round in its own receipt', async () => {
    const chain = [createChain({ anchors: [anchor(earlier, ANCHORED_AT - 86_400), anchor(world, ANCHORED_AT)] })]
    const { verdict, date, changes, sentence } = await askWith(chain)
    deepEqual([verdict, date, changes[0]?.when], ['withdrawn', '2026-09-20T14:13:20Z', DATE])
    match(sentence, new RegExp(`withdrew it on ${DATE}\\.$`))
  })

  it('is the agency’s own, or missing, if the chain does not vouch for the change yet', async () => {
    const chain = [chainWith(earlier)]
    match((await askWith(chain)).sentence, /The agency withdrew it \(its own date: 2026-11-03T00:00:00Z\)\.$/)
    const { published: _, ...undated } = WITHDRAWAL
    const other = createWorld([GENESIS, STATEMENT, undated])
    const currency = listingOf(other, [{ index: 2, receiptText: await other.receipt(2) }])
    match((await askWith(chain, { currency })).sentence, /The agency withdrew it\.$/)
  })

  it('is asked only for the change that decides the sentence', async () => {
    const many = [GENESIS, STATEMENT, AMENDMENT, WITHDRAWAL, WITHDRAWAL]
    const whole = createWorld(many)
    const asked: number[] = []
    const reader = chainWith(whole)
    const counting = {
      ...reader,
      anchoredAt: (query: Parameters<typeof reader.anchoredAt>[0]) => {
        asked.push(query.size)
        return reader.anchoredAt(query)
      },
    }
    const { changes } = await ask(many, 1, { chain: [counting] })
    deepEqual(
      changes.map(({ what, when }) => [what, when]),
      [
        ['superseded', undefined],
        ['withdrawn', DATE],
        ['withdrawn', undefined],
      ],
    )
    equal(asked.length, 4)
  })

  it('is not that of a test network beside a production chain', async () => {
    const anchors = [
      { ...ANCHOR, toSize: 2 },
      { ...ANCHOR, production: false, fromSize: 3 },
    ]
    const chain = [createChain({ anchors: [anchor(earlier, ANCHORED_AT), anchor(world, ANCHORED_AT)] })]
    const { verdict, changes } = await askWith(chain, { policy: policyWith({}, { anchors }) })
    deepEqual([verdict, changes[0]?.when], ['withdrawn', undefined])
  })
})

describe('verifier/currency: statements that were erased', () => {
  const statements = [GENESIS, STATEMENT, WITHDRAWAL, tombstoneOf(2)]
  const world = createWorld(statements)
  type Erasure = NonNullable<Listed['erased']>
  const tombstone = async (change: Partial<Erasure> = {}): Promise<Erasure> => ({
    index: 3,
    receiptText: await world.receipt(3),
    effects: [{ on: 1, what: 'withdrawn' }],
    ...change,
  })
  /** Checks STATEMENT at 1 where an entry is listed as erased. */
  const askErased = (erased: Erasure, index = 2) => ask(statements, 1, { currency: listingOf(world, [{ index, erased }]) })

  it('is unchecked if one did something to the version, and says what', async () => {
    for (const what of ['withdrawn', 'edited', 'superseded', 'published'] as const) {
      const result = await askErased(await tombstone({ effects: [{ on: 1, what }] }))
      deepEqual([result.verdict, result.exit, result.isGreen, result.unchecked], ['unchecked', 6, false, `erased-${what}`])
      deepEqual(result.changes, [{ index: 2, what, verified: false, erased: 3 }])
      equal(result.sentence, SENTENCES.unchecked.replace('{what}', SENTENCES[`unchecked.erased-${what}`]))
      deepEqual(checkOf(result)?.remarks, [{ key: 'versionErased', values: { index: 2 } }])
    }
  })

  it('is unchecked if nobody says what one did', async () => {
    const { effects: _, ...silent } = await tombstone()
    const result = await askErased(silent)
    deepEqual([result.verdict, result.unchecked], ['unchecked', 'erased'])
    deepEqual(result.changes, [{ index: 2, what: 'erased', verified: true }])
    const bare = await askErased({})
    deepEqual([bare.verdict, bare.unchecked, bare.changes], ['unchecked', 'erased', [{ index: 2, what: 'erased', verified: false }]])
  })

  it('changes nothing for a version to which the erased statement did nothing', async () => {
    const result = await askErased(await tombstone({ effects: [{ on: 7, what: 'withdrawn' }] }))
    deepEqual([result.verdict, result.isGreen, result.changes], ['anchored', true, []])
  })

  it('believes no erasure without a tombstone that verifies, is of that entry, and comes after it', async () => {
    const stranger = createSigner(ORIGIN, new Uint8Array(32).fill(7))
    const ofOther = createWorld([GENESIS, STATEMENT, WITHDRAWAL, tombstoneOf(1)])
    const before = createWorld([GENESIS, tombstoneOf(2), WITHDRAWAL])
    const itself = createWorld([GENESIS, STATEMENT, tombstoneOf(2)])
    const { receiptText: _, ...unread } = await tombstone()
    const wrong: readonly Erasure[] = [
      unread,
      await tombstone({ receiptText: 'no receipt' }),
      await tombstone({ receiptText: await world.receipt(2) }),
      await tombstone({ receiptText: await world.receipt(3, { signer: stranger }) }),
      await tombstone({ receiptText: await ofOther.receipt(3) }),
      await tombstone({ index: 4 }),
      await tombstone({ index: 1, receiptText: await before.receipt(1) }),
      await tombstone({ index: 2, receiptText: await itself.receipt(2) }),
    ]
    for (const erased of wrong) {
      const result = await askErased({ ...erased, effects: [] })
      deepEqual([result.verdict, result.isGreen, result.unchecked], ['unchecked', false, 'unverified'], JSON.stringify(erased))
      deepEqual(result.changes, [{ index: 2, what: 'erased', verified: false }])
    }
    const own = await askErased(await tombstone(), 1)
    deepEqual([own.verdict, own.unchecked], ['unchecked', 'unverified'])
  })

  it('reports its own erasure, which takes the green away and leaves the verdict', async () => {
    const own = createWorld([GENESIS, STATEMENT, tombstoneOf(1)])
    const erased = { index: 2, receiptText: await own.receipt(2) }
    const result = await ask([GENESIS, STATEMENT, tombstoneOf(1)], 1, { currency: listingOf(own, [{ index: 1, erased }]) })
    deepEqual([result.verdict, result.exit, result.isGreen, result.asked], ['anchored', 0, false, 'ledger'])
    deepEqual(result.changes, [{ index: 1, what: 'erased', verified: true }])
  })

  it('accuses nobody of an edit if an erased statement came between, and is unchecked', async () => {
    const corrected = [GENESIS, STATEMENT, WITHDRAWAL, EDITED, tombstoneOf(2)]
    const between = createWorld(corrected)
    const effects = [{ on: 1, what: 'withdrawn' }] as const
    const erased = { index: 4, receiptText: await between.receipt(4), effects }
    const listing = async (other: number) => [
      { index: 2, erased },
      { index: other, receiptText: await between.receipt(other) },
    ]
    const later = await ask(corrected, 3, { file: undefined, currency: listingOf(between, await listing(1)) })
    deepEqual([later.verdict, later.unchecked, later.changes], ['unchecked', 'erased', []])
    const earlier = await ask(corrected, 1, { currency: listingOf(between, await listing(3)) })
    deepEqual([earlier.unchecked, earlier.changes.map(({ what }) => what)], ['erased-withdrawn', ['withdrawn']])
    // Here the erased statement did nothing to the earlier of the two.
    for (const on of [3, 7]) {
      const other = { ...erased, effects: [{ on, what: 'withdrawn' as const }] }
      const listed = [
        { index: 2, erased: other },
        { index: 3, receiptText: await between.receipt(3) },
      ]
      equal((await ask(corrected, 1, { currency: listingOf(between, listed) })).verdict, 'edited')
    }
  })
})

describe('verifier/currency: what is reported is never passed over', () => {
  const withdrawn = [GENESIS, STATEMENT, WITHDRAWAL]
  const damaged = (damage: (entry: Listed) => Listed, statements: readonly AnyStatement[] = withdrawn) =>
    ask(statements, 1, {}, entry => (entry.index === 2 ? damage(entry) : entry))
  const text = (change: (text: string) => string) => (entry: Listed) => ({ ...entry, receiptText: change(entry.receiptText ?? '') })

  it('is unchecked where a reported statement does not verify, whatever is wrong with it', async () => {
    const stranger = createSigner(ORIGIN, new Uint8Array(32).fill(7))
    const world = createWorld(withdrawn)
    const byOther = await world.receipt(2, { signer: stranger })
    const elsewhere = await world.receipt(2, { origin: 'other.example' })
    const ofOther = createWorld([GENESIS, STATEMENT, { ...WITHDRAWAL, record: 'ocds-2' }])
    const damages: readonly ((entry: Listed) => Listed)[] = [
      text(receipt => receipt.replace('court-order', 'other')),
      text(receipt => receipt.replace('index 2', 'index 1')),
      text(() => 'no receipt'),
      text(receipt => receipt.replace('"statement":{', '"statement":{"x":1,')),
      ({ index }) => ({ index }),
      entry => ({ ...entry, index: 3 }),
      entry => ({ ...entry, receiptText: byOther }),
      entry => ({ ...entry, receiptText: elsewhere }),
    ]
    for (const damage of damages) {
      const result = await damaged(damage)
      deepEqual([result.verdict, result.exit, result.isGreen, result.unchecked], ['unchecked', 6, false, 'unverified'], String(damage))
      deepEqual(
        [checkOf(result)?.status, result.sentence],
        ['not-run', SENTENCES.unchecked.replace('{what}', SENTENCES['unchecked.unverified'])],
      )
    }
    const unsigned = await ofOther.receipt(2, { signer: stranger })
    equal((await damaged(entry => ({ ...entry, receiptText: unsigned }))).verdict, 'unchecked')
    // A proof that a statement is of another record says nothing about this one.
    const foreign = await ofOther.receipt(2)
    equal((await damaged(entry => ({ ...entry, receiptText: foreign }))).isGreen, true)
  })

  it('reports the claim of such a statement as not verified', async () => {
    const world = createWorld(withdrawn)
    const byOther = await world.receipt(2, { signer: createSigner(ORIGIN, new Uint8Array(32).fill(7)) })
    const { changes } = await damaged(entry => ({ ...entry, receiptText: byOther }))
    deepEqual(changes, [{ index: 2, what: 'withdrawn', verified: false, published: WITHDRAWAL.published }])
  })

  it('keeps a withdrawal that a pinned policy can no longer verify, because the log’s key changed', async () => {
    const world = createWorld(withdrawn)
    const next = createSigner(ORIGIN, new Uint8Array(32).fill(9))
    const earlier = createWorld(withdrawn.slice(0, 2))
    const currency: CurrencyReader = async () => ({
      source: 'ledger',
      checkpoint: '',
      listed: [{ index: 2, receiptText: await world.receipt(2, { signer: next }) }],
      complete: true,
    })
    const policy = policyWith({}, { logKeys: [{ vkey: formatVkey(LOG.vkey), toSize: 2 }] })
    const result = await ask(withdrawn, 1, { receipt: await earlier.receipt(1), chain: [chainWith(earlier)], policy, currency })
    deepEqual([result.verdict, result.isGreen, result.changes[0]?.what], ['unchecked', false, 'withdrawn'])
  })

  it('believes news that lowers a verdict without the witnesses that the policy asks of the receipt itself', async () => {
    const world = createWorld(withdrawn)
    const [witness] = WITNESSES
    const policy = policyWith({}, { witnesses: [formatVkey(witness!.vkey)], quorum: 1 })
    const result = await ask(withdrawn, 1, { receipt: await world.receipt(1, { witnesses: [witness!] }), policy })
    equal(result.verdict, 'withdrawn')
  })

  it('is unchecked if not all statements were read, and reports those that were', async () => {
    const world = createWorld([GENESIS, STATEMENT, NEXT])
    const some = [{ index: 2, receiptText: await world.receipt(2) }]
    const result = await ask([GENESIS, STATEMENT, NEXT], 1, { currency: listingOf(world, some, { complete: false }) })
    deepEqual([result.verdict, result.unchecked, result.changes[0]?.what], ['unchecked', 'many', 'published'])
  })

  it('takes a source whose checkpoint does not verify, or is behind the receipt, for one that did not answer', async () => {
    const statements = [GENESIS, STATEMENT, NEXT]
    const world = createWorld(statements)
    const behind = createWorld(statements.slice(0, 2))
    for (const [checkpoint, key] of [
      [behind.checkpoint, 'versionsBehind'],
      [world.checkpoint.replace('\n3\n', '\n4\n'), 'versionsUnsigned'],
      [createWorld([STATEMENT]).checkpoint.replaceAll(ORIGIN, 'other.example'), 'versionsUnsigned'],
      ['', 'versionsUnsigned'],
    ] as const) {
      const result = await ask(statements, 1, { currency: listingOf(world, [], { checkpoint }) })
      deepEqual([result.verdict, result.asked, result.isGreen, checkOf(result)?.status], ['anchored', 'nobody', false, 'not-run'])
      equal(checkOf(result)?.remarks[0]?.key, key)
      const told = await ask(statements, 1, {
        currency: listingOf(world, [{ index: 2, receiptText: await world.receipt(2) }], { checkpoint }),
      })
      deepEqual(
        told.changes.map(({ what }) => what),
        ['published'],
      )
    }
  })

  it('is neutral, and says so first, if nobody was asked, nobody answered, or only a copy did', async () => {
    const world = createWorld([GENESIS, STATEMENT])
    const readers: readonly (readonly [CurrencyReader | undefined, string])[] = [
      [undefined, 'nobody'],
      [() => Promise.reject(new OpenSealError('LEDGER_UNREACHABLE', 'gone')), 'nobody'],
      [listingOf(world, [], { source: 'copy' }), 'copy'],
    ]
    for (const [currency, asked] of readers) {
      const result = await ask([GENESIS, STATEMENT], 1, { currency })
      deepEqual([result.verdict, result.exit, result.isGreen, result.asked], ['anchored', 0, false, asked])
      match(result.sentence, /^We did not check for newer versions\. This file has been on the record, unchanged, since /)
    }
  })

  it('does not hide a bug of a reader', async () => {
    const result = ask([GENESIS, STATEMENT], 1, { currency: () => Promise.reject(new TypeError('oops')) })
    equal(await result.catch(error => error.name), 'TypeError')
  })

  it('answers for a record with a thousand statements in seconds', async function () {
    this.timeout(20_000)
    const statements = [GENESIS, STATEMENT, ...Array.from({ length: 1000 }, (_, at) => ({ ...NEXT, revision: `r-${at + 2}` }))]
    const world = createWorld(statements)
    const currency = listingOf(world, await listed(world, 1))
    const began = performance.now()
    const result = await ask(statements.slice(0, 2), 1, { receipt: await world.receipt(1), chain: [chainWith(world)], currency })
    deepEqual([result.verdict, result.changes.length], ['anchored', 1000])
    equal(performance.now() - began < 5000, true)
  })
})
