/**
 * From files and receipts to answers: which receipt is used, which source it asks, and the answer
 * if there is no verdict.
 */
import assert from 'node:assert/strict'
import { OpenSealError } from '../../../src/core/errors.ts'
import type { Statement } from '../../../src/core/statements/statement.ts'
import { createSigner, formatVkey } from '../../../src/core/tlog/note.ts'
import type { TrustEntry, TrustList } from '../../../src/core/trust.ts'
import { digestsOf } from '../../../src/documents/digest.ts'
import { planChecks } from '../../../src/verifier/app/check-given.ts'
import type { ReadFile, Release } from '../../../src/verifier/app/file-reader.ts'
import { type Answers, type Means, partOf } from '../../../src/verifier/app/finding.ts'
import { type GivenFile, type GivenReceipt, readReceipt, readReceiptLine } from '../../../src/verifier/app/given.ts'
import { createLedgerReader, type LedgerReader } from '../../../src/verifier/app/ledger-reader.ts'
import {
  ANCHOR,
  ANCHORED_AT,
  chainWith,
  createChain,
  createWorld,
  DATE,
  FILE,
  GENESIS,
  listingOf,
  ORIGIN,
  policyWith,
  STATEMENT,
  WITHDRAWAL,
} from '../world.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const digestOf = (text: string) => digestsOf(utf8(text))
const fileOf = (name: string, bytes: Uint8Array, read: Partial<ReadFile> = {}): GivenFile => ({
  name,
  read: { digest: digestsOf(bytes), releases: [], releasesLeftOut: 0, ...read },
})
const releaseOf = (position: number, text: string): Release => ({ position, name: `release ${position}`, digest: digestOf(text) })
/** A statement of one document with these contents. */
const stating = (text: string, change: Partial<Statement> = {}): Statement => {
  const { bytes, sha256 } = digestOf(text)
  return { ...STATEMENT, documents: [{ name: 'd', mediaType: 'text/plain', bytes, sha256 }], ...change }
}

/** A ledger in memory: receipts by hash, and its current receipts by index. */
function ledgerOf(
  byHash: { [hash: string]: readonly string[] },
  byIndex: { [index: number]: string } = {},
): LedgerReader & { asked: unknown[] } {
  const asked: unknown[] = []
  return {
    name: 'ledger.example/log',
    asked,
    async findReceipts(hashes) {
      asked.push(hashes)
      return hashes.flatMap(hash => (byHash[hash] ?? []).map(newest => ({ newest })))
    },
    async readReceipt(index) {
      asked.push(index)
      const receipt = byIndex[index]
      if (receipt === undefined) throw new OpenSealError('LEDGER_UNREACHABLE', 'gone')
      return receipt
    },
    currency: async () => ({ source: 'ledger', checkpoint: '', listed: [], complete: true }),
  }
}
const goneLedger: LedgerReader = {
  name: 'gone.example/log',
  findReceipts: () => Promise.reject(new OpenSealError('LEDGER_UNREACHABLE', 'gone')),
  readReceipt: () => Promise.reject(new OpenSealError('LEDGER_UNREACHABLE', 'gone')),
  currency: () => Promise.reject(new OpenSealError('LEDGER_UNREACHABLE', 'gone')),
}

const STRANGER = createSigner('near.example/log', new Uint8Array(32).fill(9))
/** Another ledger of a list. */
function neighbour(): TrustEntry {
  const { name: origin } = STRANGER.vkey
  const policy = { ...policyWith(), origin, logKeys: [{ vkey: formatVkey(STRANGER.vkey), fromSize: 0 }] }
  return { name: 'Near', ledger: 'https://near.example', origin, sha256: '', policy }
}

describe('verifier/app/check-given', () => {
  const world = createWorld([GENESIS, STATEMENT, stating('one'), stating('two', { record: 'two' })])
  const means: Means = { policy: policyWith(), trust: 'policy', chain: [chainWith(world)] }
  const receiptAt = async (name: string, index: number): Promise<GivenReceipt> => readReceipt(name, await world.receipt(index))
  const runAll = async (files: readonly GivenFile[], receipts: readonly GivenReceipt[], over: Partial<Means> = {}) => {
    const answers: Answers[] = []
    for (const task of planChecks(files, receipts, { ...means, ...over })) answers.push(await task.run())
    return answers
  }
  /** Each own answer in short: verdict or problem, and which receipt it was checked by. */
  const short = (answers: readonly Answers[]) =>
    answers.map(({ own }) => own.map(({ finding, problem }) => [finding?.result.verdict ?? problem, finding?.receiptName]))

  it('gives a task for each file, with its receipt, and one for each receipt without a file', async () => {
    const files = [fileOf('a.json', FILE), fileOf('b.txt', utf8('two'))]
    const receipts = [await receiptAt('two.receipt.json', 3), await receiptAt('one.receipt.json', 2), await receiptAt('a.receipt.json', 1)]
    assert.deepEqual(
      planChecks(files, receipts, means).map(({ name }) => name),
      ['a.json', 'b.txt', 'one.receipt.json'],
    )
    assert.deepEqual(short(await runAll(files, receipts)), [
      [['anchored', 'a.receipt.json']],
      [['anchored', 'two.receipt.json']],
      [['anchored', 'one.receipt.json']],
    ])
  })

  it('needs a receipt where no ledger may be asked, and says so when the ledger is gone or erases the entry', async () => {
    const file = fileOf('a.json', FILE)
    assert.deepEqual(short(await runAll([file], [])), [[['need-receipt', undefined]]])
    assert.deepEqual(short(await runAll([file], [], { ledger: goneLedger })), [[['ledger-gone', undefined]]])
    const erasing = { ...goneLedger, findReceipts: () => Promise.reject(new OpenSealError('RECORD_ERASED', 'not shown')) }
    assert.deepEqual(short(await runAll([file], [], { ledger: erasing })), [[['erasing', undefined]]])
    const [answers] = await runAll([file], [])
    assert.deepEqual(answers?.own[0], { name: 'a.json', part: undefined, problem: 'need-receipt' })
  })

  it('asks the ledger by the hashes of bytes and content: one answer for each record, or unknown', async () => {
    const { sha256, jcs = '' } = digestsOf(FILE)
    const ledger = ledgerOf({ [sha256]: [await world.receipt(1), await world.receipt(1)] })
    const [answers] = await runAll([fileOf('a.json', FILE)], [], { ledger })
    assert.deepEqual(ledger.asked, [[sha256, jcs]])
    assert.deepEqual(
      answers?.own.map(({ finding }) => [finding?.fileName, finding?.result.verdict, finding?.receiptName, finding?.isFresher]),
      [
        ['a.json', 'anchored', undefined, false],
        ['a.json', 'anchored', undefined, false],
      ],
    )
    assert.deepEqual(short(await runAll([fileOf('b', utf8('b'))], [], { ledger })), [[['unknown', undefined]]])
  })

  it('asks every ledger with an address in the list once, names those that it cannot ask, and shows a receipt of two ledgers once', async () => {
    const { sha256 } = digestsOf(FILE)
    const receipt = await world.receipt(1)
    const entryOf = (at: number, change: Partial<TrustEntry> = {}): TrustEntry => ({
      ...{ name: `Ledger ${at}`, ledger: `https://l${at}.example`, origin: `l${at}.example/log`, sha256: '', policy: policyWith() },
      ...change,
    })
    const own = { ...ledgerOf({ [sha256]: [receipt] }), name: 'l0.example/log' }
    const opened = new Map<string, ReturnType<typeof ledgerOf>>()
    const open = ({ origin }: TrustEntry) => {
      const made = ledgerOf({ [sha256]: [receipt] })
      opened.set(origin, made)
      return made
    }
    const lookUpIn = async (entries: readonly TrustEntry[], files: readonly GivenFile[], over: Partial<Means> = {}) => {
      opened.clear()
      const others: TrustList = { type: 'openseal/trust@v1', name: 'List', entries, json: {}, sha256: '' }
      const answers = await runAll(files, [], { ledger: own, others, ledgerOf: open, ...over })
      return { asked: [...opened].filter(([, { asked }]) => asked.length > 0).map(([origin]) => origin), answers }
    }
    const file = fileOf('a.json', FILE)
    const { policy: _, ...newer } = entryOf(3)
    const { ledger: __, ...nowhere } = entryOf(4)
    const few = await lookUpIn([entryOf(0), entryOf(1, { origin: ORIGIN }), newer, nowhere], [file])
    assert.deepEqual(few.asked, [ORIGIN])
    assert.deepEqual(
      few.answers[0]!.own.map(({ finding }) => [finding?.result.verdict, finding?.lookedUp]),
      [['anchored', { answered: ['Ledger 0', 'Ledger 1'], silent: [], notAsked: ['Ledger 3', 'Ledger 4'] }]],
    )
    const many = await lookUpIn(
      Array.from({ length: 50 }, (_, at) => entryOf(at + 1)),
      [fileOf('b', utf8('b')), fileOf('c', utf8('c'))],
    )
    assert.deepEqual([many.asked.length, many.answers[0]!.own[0]!.finding?.lookedUp?.answered.length], [50, 51])
    const silent = await lookUpIn([entryOf(1)], [fileOf('b', utf8('b'))], { ledgerOf: () => goneLedger })
    assert.deepEqual(silent.answers[0]!.own, [
      {
        name: 'b',
        part: undefined,
        problem: 'ledger-gone',
        lookedUp: { answered: ['l0.example/log'], silent: ['Ledger 1'], notAsked: [] },
      },
    ])
    const alone = await lookUpIn([entryOf(0)], [file])
    assert.equal(alone.answers[0]!.own[0]!.finding?.lookedUp, undefined)
  })

  it('does not say that there is no record if the turn of a ledger did not come in time, and names it', async () => {
    const signal = AbortSignal.abort()
    const near = neighbour()
    const others: TrustList = { type: 'openseal/trust@v1', name: 'List', entries: [near], json: {}, sha256: '' }
    const late = createLedgerReader({ url: near.ledger!, origin: near.origin, fetch: () => assert.fail('asked'), timeoutMs: 1, signal })
    const told = async (ledger: LedgerReader | undefined, entry: TrustEntry = near) => {
      const list = { ...others, entries: [entry] }
      const [answers] = await runAll([fileOf('b', utf8('b'))], [], { ledger: ledgerOf({}), others: list, ledgerOf: () => ledger })
      const { finding, problem, lookedUp = finding?.lookedUp } = answers!.own[0]!
      return [finding?.result.verdict ?? problem, lookedUp?.silent, lookedUp?.notAsked]
    }
    assert.deepEqual(await told(late), ['ledger-gone', [], ['Near']])
    assert.deepEqual(await told(undefined), ['ledger-gone', [], ['Near']])
    // The list itself leaves it out: nothing will ever be asked there.
    const { ledger: _, ...nowhere } = near
    assert.deepEqual(await told(late, nowhere), ['unknown', [], ['Near']])
  })

  it('lets no neighbour speak for another ledger, or make a file that another ledger knows look forged', async () => {
    const { sha256 } = digestsOf(FILE)
    const receipt = await world.receipt(1)
    const near = neighbour()
    const others: TrustList = { type: 'openseal/trust@v1', name: 'List', entries: [near], json: {}, sha256: '' }
    const other = createWorld([GENESIS, STATEMENT, stating('another', { record: 'x' })])
    const made = [
      'no receipt',
      await other.receipt(1),
      await other.receipt(2),
      await world.receipt(1, { origin: near.origin }),
      await other.receipt(2, { origin: near.origin, signer: STRANGER }),
    ]
    for (const [at, text] of made.entries()) {
      const lookUpWith = async (own: readonly string[]) => {
        const ledger = ledgerOf({ [sha256]: own })
        const [answers] = await runAll([fileOf('a.json', FILE)], [], { ledger, others, ledgerOf: () => ledgerOf({ [sha256]: [text] }) })
        const told = answers!.own.map(answer => answer.finding?.result.verdict ?? answer.problem)
        const { finding, lookedUp = finding?.lookedUp } = answers!.own[0]!
        return [told, lookedUp?.silent]
      }
      assert.deepEqual(await lookUpWith([receipt]), [['anchored'], ['Near']], `${at}`)
      assert.deepEqual(await lookUpWith([]), [['ledger-gone'], ['Near']], `${at}`)
    }
  })

  it('looks the parts of a file up in one ledger: the one that has the file, or the one at hand', async () => {
    const { sha256 } = digestsOf(FILE)
    const entry: TrustEntry = { name: 'There', ledger: 'https://there.example', origin: ORIGIN, sha256: '', policy: policyWith() }
    const others: TrustList = { type: 'openseal/trust@v1', name: 'List', entries: [entry], json: {}, sha256: '' }
    const askedOf = async (bytes: Uint8Array) => {
      const [own, there] = [ledgerOf({}), ledgerOf({ [sha256]: [await world.receipt(1)] })]
      const file = fileOf('package.json', bytes, { releases: [releaseOf(1, 'one')] })
      await runAll([file], [], { ledger: own, others, ledgerOf: () => there })
      return [own, there].map(({ asked }) => asked.length)
    }
    assert.deepEqual(
      [await askedOf(FILE), await askedOf(utf8('unknown'))],
      [
        [1, 2],
        [2, 1],
      ],
    )
  })

  it('looks the parts of a file up also where only one ledger of a list can be asked, or the receipt was given', async () => {
    const { sha256 } = digestsOf(FILE)
    const receipt = await world.receipt(1)
    const entry: TrustEntry = { name: 'There', ledger: 'https://there.example', origin: ORIGIN, sha256: '', policy: policyWith() }
    const others: TrustList = { type: 'openseal/trust@v1', name: 'List', entries: [entry], json: {}, sha256: '' }
    for (const given of [[], [readReceipt('package.receipt.json', receipt, 'package.json')]]) {
      const there = ledgerOf({ [sha256]: [receipt] })
      const file = fileOf('package.json', FILE, { releases: [releaseOf(1, 'one')] })
      const [answers] = await runAll([file], given, { ledger: undefined, others, ledgerOf: () => there })
      assert.ok(!answers!.parts.some(({ problem }) => problem === 'need-receipt'), JSON.stringify(answers!.parts))
    }
  })

  it('looks the parts of a file up in the ledger at hand if that has the file, whatever a neighbour has', async () => {
    const { sha256 } = digestsOf(FILE)
    const [own, near] = [{ ...ledgerOf({ [sha256]: [await world.receipt(1)] }), name: ORIGIN }, neighbour()]
    // It is only sealed there, which is the graver answer.
    const sealed = await createWorld([GENESIS, STATEMENT]).receipt(1, { origin: near.origin, signer: STRANGER })
    const there = ledgerOf({ [sha256]: [sealed] })
    const file = fileOf('package.json', FILE, { releases: [releaseOf(1, 'one')] })
    const others: TrustList = { type: 'openseal/trust@v1', name: 'List', entries: [near], json: {}, sha256: '' }
    const [answers] = await runAll([file], [], { ledger: own, others, ledgerOf: () => there })
    assert.deepEqual([answers!.own.length, own.asked.length, there.asked.length], [2, 2, 2])
  })

  it('tells of a release what each ledger that has the package says of it, once if they say the same', async () => {
    const { sha256 } = digestsOf(FILE)
    const near = neighbour()
    const far: TrustEntry = { ...near, name: 'Far', origin: 'far.example/log', ledger: 'https://far.example' }
    const others: TrustList = { type: 'openseal/trust@v1', name: 'List', entries: [near, far], json: {}, sha256: '' }
    const elsewhere = createWorld([GENESIS, STATEMENT, stating('one')])
    const there = (index: number) => elsewhere.receipt(index, { origin: near.origin, signer: STRANGER })
    const releases = [releaseOf(1, 'one'), releaseOf(2, 'two'), releaseOf(3, 'none')]
    const tellParts = async (text: string | undefined) => {
      const byHash = { [sha256]: [await world.receipt(1)], [digestOf('one').sha256]: [await world.receipt(2)] }
      const own = { ...ledgerOf({ ...byHash, [digestOf('two').sha256]: [await world.receipt(3)] }), name: ORIGIN }
      const ofNear = ledgerOf({ [sha256]: [await there(1)], ...(text !== undefined && { [digestOf('one').sha256]: [text] }) })
      const file = fileOf('package.json', FILE, { releases, releasesLeftOut: 1 })
      const over = { ledger: own, others, ledgerOf: ({ name }: TrustEntry) => (name === 'Far' ? ledgerOf({}) : ofNear) }
      const [answers] = await runAll([file], [], over)
      const parts = answers!.parts.map(({ finding }) => [
        finding?.part?.kind === 'release' && finding.part.position,
        finding?.result.verdict,
      ])
      const silent = answers!.parts.map(({ finding }) => finding?.lookedUp?.silent)
      return { parts, left: answers!.partsLeftOut, silent, notAsked: answers!.partsNotAsked }
    }
    const same = [
      [1, 'anchored'],
      [2, 'anchored'],
      [3, 'unknown'],
    ]
    // Only sealed there, which must not hide what the ledger at hand says.
    const both = await tellParts(await there(2))
    assert.deepEqual([both.parts, both.left], [[[1, 'sealed'], ...same], 1])
    assert.deepEqual(await tellParts(undefined), { parts: same, left: 1, silent: [[], [], []], notAsked: ['Far'] })
    // A neighbour speaks only for itself of a part, too.
    assert.deepEqual((await tellParts(await world.receipt(2, { origin: near.origin }))).silent, [['Near'], [], []])
  })

  it('reports an earlier entry beside a production chain without the date of a test network', async () => {
    const before = createWorld([GENESIS, STATEMENT])
    const after = createWorld([GENESIS, STATEMENT, { ...STATEMENT, revision: 'r-2' }])
    const found = { newest: await after.receipt(2), earliest: await before.receipt(1) }
    const ledger = { ...ledgerOf({}), findReceipts: async () => [found] }
    const policy = policyWith(
      {},
      {
        anchors: [
          { ...ANCHOR, production: false, toSize: 2 },
          { ...ANCHOR, fromSize: 3 },
        ],
      },
    )
    const chain = [createChain({ anchors: [before, after].map(world => ({ world, block: 50, time: ANCHORED_AT })) })]
    const [answers] = await runAll([fileOf('a.json', FILE)], [], { ledger, policy, chain })
    const finding = answers?.own[0]?.finding
    assert.deepEqual([finding?.result.verdict, finding?.earlier], ['anchored', { index: 1 }])
    const pilot = policyWith({ production: false })
    assert.deepEqual((await runAll([fileOf('a.json', FILE)], [], { ledger, chain, policy: pilot }))[0]?.own[0]?.finding?.earlier, {
      index: 1,
      date: DATE,
    })
  })

  it('checks by every receipt that names the file', async () => {
    const receipts = [await receiptAt('x', 1), await receiptAt('y', 1)]
    assert.deepEqual(short(await runAll([fileOf('a.json', FILE)], receipts)), [
      [
        ['anchored', 'x'],
        ['anchored', 'y'],
      ],
    ])
  })

  it('leads with the gravest answer where several records name the file', async () => {
    const same = createWorld([
      GENESIS,
      { ...STATEMENT, record: 'package' },
      STATEMENT,
      stating('other', { action: 'amend', reason: { code: 'correction' } }),
    ])
    const listed = await Promise.all([0, 1, 2, 3].map(index => same.receipt(index)))
    const ledger: LedgerReader = {
      ...ledgerOf({}),
      findReceipts: async () => [{ newest: listed[1]! }, { newest: listed[2]! }],
      currency: listingOf(same, [{ index: 3, receiptText: listed[3]! }]),
    }
    const [answers] = await runAll([fileOf('a.json', FILE)], [], { ledger, chain: [chainWith(same)] })
    const told = answers?.own.map(({ finding }) => [finding?.result.index, finding?.result.verdict])
    assert.deepEqual(told, [
      [2, 'superseded'],
      [1, 'anchored'],
    ])
  })

  it('checks the newest entry of a record that names the file, and tells the date of the earliest', async () => {
    const twice = createWorld([GENESIS, STATEMENT, { ...STATEMENT, revision: 'r-2' }])
    const found = { newest: await twice.receipt(2), earliest: await twice.receipt(1) }
    const ledger = { ...ledgerOf({}), findReceipts: async () => [found] }
    const [answers] = await runAll([fileOf('a.json', FILE)], [], { ledger, chain: [chainWith(twice)] })
    const { finding } = answers?.own[0] ?? {}
    assert.deepEqual([finding?.result.verdict, finding?.result.index, finding?.earlier], ['anchored', 2, { index: 1, date: DATE }])
    const lying = { ...ledger, findReceipts: async () => [{ ...found, earliest: await world.receipt(2) }] }
    const [others] = await runAll([fileOf('a.json', FILE)], [], { ledger: lying, chain: [chainWith(twice)] })
    assert.equal(others?.own[0]?.finding?.earlier, undefined)
  })

  it('names the documents that the receipt lists if the file is not one of them', async () => {
    const [answers] = await runAll([fileOf('forged', utf8('forged'))], [await receiptAt('x', 2)])
    const { finding } = answers?.own[0] ?? {}
    const { sha256 } = digestOf('one')
    assert.deepEqual([finding?.result.verdict, finding?.result.failed, finding?.expected], ['invalid', 'document', [{ name: 'd', sha256 }]])
    assert.equal(finding?.digest?.sha256, digestOf('forged').sha256)
  })

  it('finds a file invalid by the receipt that lies beside it, though the ledger or another receipt knows the file', async () => {
    const file = fileOf('b.txt', utf8('two'))
    const ledger = ledgerOf({ [digestOf('two').sha256]: [await world.receipt(3)] })
    const beside = await receiptAt('b.txt.receipt.json', 2)
    assert.deepEqual(short(await runAll([file], [beside], { ledger })), [[['invalid', 'b.txt.receipt.json']]])
    assert.deepEqual(short(await runAll([file], [await receiptAt('x', 3), beside])), [
      [
        ['invalid', 'b.txt.receipt.json'],
        ['anchored', 'x'],
      ],
    ])
  })

  it('has no verdict by a receipt that cannot be decoded', async () => {
    const receipt = { name: 'a.json.receipt.json', of: 'a.json', text: undefined, documents: [], digests: [] }
    assert.deepEqual(short(await runAll([fileOf('a.json', FILE)], [receipt])), [[['receipt-encoding', undefined]]])
  })

  describe('a receipt that was only sealed', () => {
    const early = createWorld([GENESIS, STATEMENT])
    const file = fileOf('a.json', FILE)
    const hint = {
      type: 'evm',
      chainId: 1,
      contract: `0x${'c0'.repeat(20)}`,
      logId: `0x${'1d'.repeat(32)}`,
      size: world.size,
      transaction: `0x${'7a'.repeat(32)}`,
    }
    const hints = [
      {
        ...hint,
        block: { number: 50, hash: `0x${'b1'.repeat(32)}`, time: new Date(ANCHORED_AT * 1000).toISOString().replace('.000', '') },
      },
    ] as never

    it('is checked in its newer form when the ledger has one', async () => {
      const sealed = readReceipt('old', await early.receipt(1))
      const fresh = await world.receipt(1, { hints })
      const ledger = ledgerOf({}, { 1: fresh })
      const [answers] = await runAll([file], [sealed], { ledger })
      const finding = answers?.own[0]?.finding
      assert.deepEqual([finding?.result.verdict, finding?.isFresher, finding?.receiptName], ['anchored', true, 'old'])
      assert.deepEqual(ledger.asked, [1])
    })

    it('stays what it was when the ledger has no more, another record, or something that is refused, or is gone', async () => {
      const sealed = readReceipt('old', await early.receipt(1))
      const foreign = await world.receipt(1, { hints, signer: undefined as never, origin: 'other.example' })
      for (const ledger of [
        undefined,
        goneLedger,
        ledgerOf({}),
        ledgerOf({}, { 1: await world.receipt(1) }),
        ledgerOf({}, { 1: await world.receipt(2, { hints }) }),
        ledgerOf({}, { 1: 'rubbish' }),
        ledgerOf({}, { 1: foreign }),
        ledgerOf({}, { 1: (await world.receipt(1, { hints })).replace(/index 1/, 'index 0') }),
      ]) {
        const [answers] = await runAll([file], [sealed], ledger && { ledger })
        const finding = answers?.own[0]?.finding
        assert.deepEqual([finding?.result.verdict, finding?.isFresher, finding?.receiptName], ['sealed', false, 'old'])
      }
    })

    it('is not asked for when there is a verdict already', async () => {
      const ledger = ledgerOf({}, {})
      await runAll([file], [await receiptAt('x', 1)], { ledger })
      assert.deepEqual(ledger.asked, [])
    })
  })

  describe('releases of a package', () => {
    const pack = (releases: readonly Release[]) => fileOf('pack.json', utf8('pack'), { releases })

    it('takes the green from a package in which a release was withdrawn, and ends with 8', async () => {
      const whole = stating('pack', { record: 'urn:sha256:aa' })
      const one = stating('one')
      const world = createWorld([GENESIS, one, whole, { ...WITHDRAWAL, documents: [] }])
      const receipts = [await world.receipt(1), await world.receipt(2), await world.receipt(3)]
      const check = async (size: number) => {
        const listed = receipts.slice(0, size).map((receiptText, at) => ({ index: at + 1, receiptText }))
        const ledger = { ...ledgerOf({}), currency: listingOf(world, listed) }
        const lines = receipts.slice(0, 2).map((text, at) => readReceipt(`${at}`, text))
        const [answers] = await runAll([pack([releaseOf(1, 'one')])], lines, { ledger, chain: [chainWith(world)] })
        return [...(answers?.own ?? []), ...(answers?.parts ?? [])].map(({ finding }) => {
          const { verdict, exit, isGreen } = finding!.result
          return [verdict, exit, isGreen]
        })
      }
      assert.deepEqual(await check(2), [
        ['anchored', 0, true],
        ['anchored', 0, true],
      ])
      assert.deepEqual(await check(3), [
        ['anchored', 8, false],
        ['withdrawn', 8, false],
      ])
    })

    it('are each checked by their own receipt, else asked for, in their order; those receipts are not for the file', async () => {
      const refused = { position: 3, name: 'release 3', code: 'JSON_DUPLICATE_KEY', refused: 'a name appears twice' } as Release
      const ledger = ledgerOf({ [digestOf('two').sha256]: [await world.receipt(3)] })
      const told: [number, number][] = []
      const tasks = planChecks(
        [pack([releaseOf(1, 'one'), releaseOf(2, 'two'), refused, releaseOf(4, 'four')])],
        [await receiptAt('r', 2)],
        {
          ...means,
          ledger,
        },
      )
      assert.equal(tasks.length, 1)
      const { own, parts, partsLeftOut } = await tasks[0]!.run({ onPart: (done, total) => void told.push([done, total]) })
      assert.deepEqual(
        own.map(({ finding }) => finding?.result.verdict),
        ['unknown'],
      )
      assert.deepEqual(
        parts.map(({ finding, problem }) => [finding?.result.verdict ?? problem, finding?.receiptName]),
        [
          ['anchored', 'r'],
          ['anchored', undefined],
          ['release-refused', undefined],
          ['unknown', undefined],
        ],
      )
      assert.deepEqual(partOf(parts[0]!), { kind: 'release', position: 1, name: 'release 1' })
      assert.deepEqual(partOf(parts[2]!), { kind: 'release', position: 3, name: 'release 3' })
      assert.deepEqual([parts[2]?.code, parts[2]?.reason], ['JSON_DUPLICATE_KEY', 'a name appears twice'])
      assert.equal(partsLeftOut, 0)
      assert.deepEqual(told, [
        [1, 4],
        [2, 4],
        [3, 4],
        [4, 4],
      ])
    })

    it('and their package are checked against the receipts beside it, whatever the ledger knows', async () => {
      const ofPackage = (text: string) => stating(text, { record: `urn:sha256:${digestOf(text).sha256}` })
      const ofRelease = (text: string, revision: string) => stating(text, { record: 'ocds-1', revision })
      const packed = createWorld([GENESIS, ofRelease('one', '1'), ofRelease('two', '2'), ofPackage('pack'), ofRelease('forged', '1')])
      const lines = await Promise.all(
        [1, 2, 3].map(async index => readReceiptLine(`pack.json.receipts.ndjson:${index}`, await packed.receipt(index), 'pack.json')),
      )
      const ledger = ledgerOf({ [digestOf('forged').sha256]: [await packed.receipt(4)] })
      const release = (position: number, name: string, text: string) => ({ ...releaseOf(position, text), name })
      const check = async (text: string, ...releases: Release[]) => {
        const [answers, ...others] = await runAll([fileOf('pack.json', utf8(text), { releases })], lines, {
          chain: [chainWith(packed)],
          ledger,
        })
        assert.deepEqual(others, [])
        return [...(answers?.own ?? []), ...(answers?.parts ?? [])].map(({ finding }) => finding?.result.verdict)
      }
      const [one, two] = [release(1, 'ocds-1 1', 'one'), release(2, 'ocds-1 2', 'two')]
      assert.deepEqual(await check('pack', one, two), ['anchored', 'anchored', 'anchored'])
      assert.deepEqual(await check('forged', release(1, 'ocds-1 1', 'forged'), two), ['invalid', 'invalid', 'anchored'])
      assert.deepEqual(await check('cut', two), ['invalid', 'anchored'])
      assert.deepEqual(await check('longer', one, two, release(3, 'ocds-1 3', 'three')), ['invalid', 'anchored', 'anchored', 'unknown'])
    })

    it('are left out once the time for the whole check is over', async () => {
      const file = pack(Array.from({ length: 20 }, (_, at) => releaseOf(at + 1, `none ${at}`)))
      const stop = new AbortController()
      const [task] = planChecks([file], [], { ...means, ledger: ledgerOf({}), signal: stop.signal })
      const { parts, partsLeftOut } = await task!.run({ onPart: done => (done >= 8 ? stop.abort() : undefined) })
      assert.equal(parts.length + partsLeftOut, 20)
      assert.ok(parts.length < 12, String(parts.length))
    })

    it('are left out, and counted, once the check is stopped', async () => {
      const file = pack(Array.from({ length: 20 }, (_, at) => releaseOf(at + 1, `none ${at}`)))
      let done = 0
      const [task] = planChecks([file], [], { ...means, ledger: ledgerOf({}) })
      const { parts, partsLeftOut } = await task!.run({ onPart: () => void done++, isStopped: () => done >= 8 })
      assert.equal(parts.length + partsLeftOut, 20)
      assert.ok(parts.length >= 8 && parts.length < 12, String(parts.length))
    })

    it('keep their checks up to the requested number for each verdict', async () => {
      const file = pack([
        releaseOf(1, 'one'),
        ...Array.from({ length: 3 }, (_, at) => releaseOf(at + 2, `none ${at}`)),
        releaseOf(5, 'two'),
      ])
      const [task] = planChecks([file], [await receiptAt('r', 2), await receiptAt('s', 3)], { ...means, ledger: ledgerOf({}) })
      const { parts } = await task!.run({ maxWhole: 1 })
      assert.deepEqual(
        parts.map(({ finding }) => [finding?.result.verdict, finding?.result.checks.length]),
        [
          ['anchored', 8],
          ['unknown', 8],
          ['unknown', 0],
          ['unknown', 0],
          ['anchored', 0],
        ],
      )
    })

    it('beyond the number that was read are counted', async () => {
      const file = fileOf('pack.json', utf8('pack'), { releases: [releaseOf(1, 'a'), releaseOf(2, 'b')], releasesLeftOut: 1 })
      const [answers] = await runAll([file], [])
      assert.deepEqual([answers?.parts.length, answers?.partsLeftOut], [2, 1])
      assert.deepEqual(
        answers?.parts.map(({ problem }) => problem),
        ['need-receipt', 'need-receipt'],
      )
    })
  })

  describe('an earlier state of a PDF', () => {
    const states = (...texts: string[]) => texts.map(text => ({ bytes: text.length, sha256: digestOf(text).sha256 }))
    const pdf = (...texts: string[]) => fileOf('signed.pdf', utf8('signed'), { pdf: { isSigned: true, states: states(...texts) } })

    it('is found by a receipt that was given, the newest state first', async () => {
      const [answers] = await runAll([pdf('one', 'two', 'three')], [await receiptAt('r2', 2), await receiptAt('r3', 3)])
      assert.deepEqual(
        answers?.parts.map(({ finding }) => [finding?.result.verdict, finding?.receiptName, finding?.part]),
        [['anchored', 'r3', { kind: 'state', bytes: 3 }]],
      )
    })

    it('is asked for at the ledger when the file itself is unknown there, and not when it is known', async () => {
      const { sha256 } = digestOf('one')
      const ledger = ledgerOf({ [sha256]: [await world.receipt(2)] })
      const [answers] = await runAll([pdf('one', 'newer')], [], { ledger })
      assert.deepEqual(
        answers?.own.map(({ finding }) => finding?.result.verdict),
        ['unknown'],
      )
      assert.deepEqual(
        answers?.parts.map(answer => [answer.finding?.result.verdict, partOf(answer)]),
        [['anchored', { kind: 'state', bytes: 3 }]],
      )
      assert.deepEqual(ledger.asked, [[digestOf('signed').sha256], [digestOf('newer').sha256], [sha256]])
      const known = ledgerOf({ [digestsOf(FILE).sha256]: [await world.receipt(1)] })
      const file = fileOf('a.pdf', FILE, { pdf: { isSigned: true, states: states('one') } })
      assert.deepEqual((await runAll([file], [], { ledger: known }))[0]?.parts, [])
      assert.equal(known.asked.length, 1)
    })

    it('is not looked for at a ledger that is gone, nor beyond a receipt that was given', async () => {
      assert.deepEqual((await runAll([pdf('one')], [], { ledger: goneLedger }))[0]?.parts, [])
      const dies = {
        ...ledgerOf({}),
        findReceipts: async (hashes: readonly string[]) => (hashes[0] === digestOf('signed').sha256 ? [] : goneLedger.findReceipts(hashes)),
      }
      assert.deepEqual((await runAll([pdf('one', 'two')], [], { ledger: dies }))[0]?.parts, [])
      const ledger = ledgerOf({ [digestOf('one').sha256]: [await world.receipt(2)] })
      const [answers] = await runAll([pdf('one')], [await receiptAt('signed.pdf.receipt.json', 1)], { ledger })
      assert.deepEqual(answers?.parts, [])
    })

    it('is asked for forty-eight states back', async () => {
      const ledger = ledgerOf({})
      await runAll([pdf(...Array.from({ length: 60 }, (_, at) => `state ${at}`))], [], { ledger })
      assert.equal(ledger.asked.length, 1 + 48)
      assert.deepEqual(ledger.asked.at(-1), [digestOf('state 12').sha256])
    })
  })

  it('asks each endpoint each question once for all inputs, and reports each check', async () => {
    let asked = 0
    const chain = chainWith(world)
    const counting = { ...chain, chainId: () => chain.chainId().finally(() => asked++) }
    const checks: string[] = []
    const tasks = planChecks([fileOf('a.json', FILE), fileOf('b', utf8('one'))], [await receiptAt('x', 1), await receiptAt('y', 2)], {
      ...means,
      chain: [counting],
    })
    for (const task of tasks) await task.run({ onCheck: ({ name }) => checks.push(name) })
    assert.equal(asked, 1)
    assert.deepEqual([checks.filter(name => name === 'anchor').length, checks[0]], [2, 'document'])
  })

  it('says whose policy was used, and is unchecked if no chain answers', async () => {
    const [answers] = await runAll([fileOf('a.json', FILE)], [await receiptAt('x', 1)], {
      trust: 'ledger',
      chain: [createChain({ down: true })],
    })
    assert.deepEqual([answers?.own[0]?.finding?.result.trust, answers?.own[0]?.finding?.result.verdict], ['ledger', 'unchecked'])
  })
})
