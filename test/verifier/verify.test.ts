/** Every verdict and every check, on a real ledger and a chain in memory. */

import { deepEqual, doesNotMatch, equal, match, ok, rejects } from 'node:assert/strict'
import { toHex } from '../../src/core/bytes.ts'
import { OpenSealError } from '../../src/core/errors.ts'
import { sha256 } from '../../src/core/hash.ts'
import type { AnyStatement } from '../../src/core/statements/registry.ts'
import { formatTime } from '../../src/core/time.ts'
import { createSigner, formatVkey, signNote } from '../../src/core/tlog/note.ts'
import { digestsOf } from '../../src/documents/digest.ts'
import type { ChainReader } from '../../src/verifier/chain-reader.ts'
import type { CheckResult, Result } from '../../src/verifier/result.ts'
import { SENTENCES } from '../../src/verifier/sentence.ts'
import type { CheckName, VerdictCode } from '../../src/verifier/verdict.ts'
import { showsSomething, VERDICTS } from '../../src/verifier/verdict.ts'
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
  hintOf,
  LOG,
  listingOf,
  ORIGIN,
  policyWith,
  STATEMENT,
  WITHDRAWAL,
  WITNESSES,
} from './world.ts'

const WORLD = createWorld([GENESIS, STATEMENT, { ...STATEMENT, record: 'x' }, { ...STATEMENT, record: 'y' }, { ...STATEMENT, record: 'z' }])
const RECEIPT = await WORLD.receipt(1)
const GOOD: VerifyInput = { file: digestsOf(FILE), receipt: RECEIPT, policy: policyWith(), chain: [chainWith(WORLD)], trust: 'policy' }
const ask = (change: Partial<VerifyInput>) => verify({ ...GOOD, ...change })
const statusOf = (result: Result, name: CheckName) => result.checks.find(check => check.name === name)
const json = () => JSON.parse(RECEIPT)

/** The verdict, and the one check that is to blame. */
async function expectFailure(change: Partial<VerifyInput>, verdict: VerdictCode, name: CheckName, code: string | undefined) {
  const result = await ask(change)
  equal(result.verdict, verdict, JSON.stringify(result, null, 2))
  equal(statusOf(result, name)?.code, code, JSON.stringify(result, null, 2))
  return result
}

describe('verifier/verify: verdicts', () => {
  it('anchored: every check passed or said why not, with the date of the chain', async () => {
    const { checks, ...result } = await ask({ currency: listingOf(WORLD) })
    deepEqual(
      checks.map(({ remarks, ...check }) => ({ ...check, remarks: remarks.map(({ key }) => key) })),
      [
        { name: 'document', status: 'passed', detail: 'unchanged', remarks: ['fileUnchanged'] },
        { name: 'statement', status: 'passed', detail: 'openseal/statement@v1', remarks: ['statementType'] },
        { name: 'inclusion', status: 'passed', detail: 'index 1 of 5', remarks: ['included'] },
        { name: 'checkpoint', status: 'passed', detail: `size 5, signed by ${ORIGIN}+${LOG.vkey.id}`, remarks: ['signed'] },
        { name: 'cosignatures', status: 'not-run', detail: 'the policy asks for no witnesses', remarks: ['witnessesUnasked'] },
        {
          name: 'anchor',
          status: 'passed',
          detail: `chain 1: anchored at ${ANCHOR.contract} (1 of 1 endpoints answered)`,
          remarks: ['anchored'],
        },
        { name: 'finality', status: 'passed', detail: 'chain 1: final (1 of 1 endpoints answered)', remarks: ['final'] },
        { name: 'currency', status: 'passed', detail: 'no other statement changes this version', remarks: ['newest'] },
      ],
    )
    deepEqual(result, {
      verdict: 'anchored',
      finding: 'anchored',
      exit: 0,
      sentence: `This file has been on the record, unchanged, since ${DATE}.`,
      isGreen: true,
      limits: SENTENCES['limits.file'],
      trust: 'policy',
      subject: 'file',
      asked: 'ledger',
      changes: [],
      matched: 'bytes',
      date: DATE,
      index: 1,
      origin: ORIGIN,
      size: 5,
      agency: 'transport.gov.example',
      kind: 'procurement',
      action: 'publish',
      record: 'ocds-1',
      published: '2026-11-01T00:00:00Z',
      revision: 'r-1',
      title: 'Bridge',
    })
  })

  it('anchored by content, where only the formatting of the JSON changed', async () => {
    const result = await ask({ file: digestsOf(new TextEncoder().encode('{"a":"tender","b":1}')) })
    deepEqual(
      [result.verdict, result.matched, statusOf(result, 'document')?.detail],
      ['anchored', 'content', 'same content, formatted differently'],
    )
    // Its bytes are not on the record: only its content is called unchanged.
    equal(
      result.sentence,
      `We did not check for newer versions. The content of this file has been on the record, unchanged, since ${DATE}.`,
    )
    equal(result.limits, SENTENCES['limits.content'])
    deepEqual(statusOf(result, 'currency'), {
      name: 'currency',
      status: 'not-run',
      detail: 'newer versions not checked',
      remarks: [{ key: 'versionsUnasked', values: {} }],
    })
  })

  it('superseded: the file is on the record, and a newer version has replaced it', async () => {
    const world = createWorld([GENESIS, STATEMENT, AMENDMENT])
    const currency = listingOf(world, [{ index: 2, receiptText: await world.receipt(2) }])
    const result = await ask({ receipt: await world.receipt(1), chain: [chainWith(world)], currency })
    deepEqual(
      [result.verdict, result.exit, result.isGreen, result.sentence],
      ['superseded', 8, false, `This file has been on the record since ${DATE}. A newer version has replaced it.`],
    )
  })

  it('withdrawn: the file is on the record, and the day on which it was withdrawn', async () => {
    const world = createWorld([GENESIS, STATEMENT, AMENDMENT, WITHDRAWAL])
    const listed = await Promise.all([3, 2].map(async index => ({ index, receiptText: await world.receipt(index) })))
    const result = await ask({ receipt: await world.receipt(1), chain: [chainWith(world)], currency: listingOf(world, listed) })
    deepEqual([result.verdict, result.exit, result.isGreen], ['withdrawn', 8, false])
    deepEqual(result.changes, [
      { index: 2, what: 'superseded', verified: true, published: AMENDMENT.published },
      { index: 3, what: 'withdrawn', verified: true, when: DATE, published: WITHDRAWAL.published },
    ])
    equal(result.sentence, `This file has been on the record since ${DATE}. The agency withdrew it on ${DATE}.`)
  })

  it('sealed: the chain knows nothing of it yet', async () => {
    const result = await expectFailure({ chain: [createChain({})] }, 'sealed', 'anchor', 'ANCHOR_MISSING')
    deepEqual([result.exit, result.date, statusOf(result, 'finality')?.status], [3, undefined, 'not-run'])
    equal(result.sentence, 'The ledger has accepted this file. The chain does not vouch for it yet.')
  })

  it('sealed: the anchor is not final', async () => {
    const chain = [chainWith(WORLD, { finalized: 49 })]
    const result = await expectFailure({ chain }, 'sealed', 'finality', 'FINALITY_PENDING')
    equal(result.date, undefined)
    const confirmed = (confirmations: number) => ask({ policy: policyWith({ finality: { confirmations } }) })
    deepEqual(
      (await Promise.all([0, 50, 51, 101].map(confirmed))).map(({ verdict }) => verdict),
      ['anchored', 'anchored', 'sealed', 'sealed'],
    )
  })

  it('test-network: the sentence of the finding, and that it is no evidence', async () => {
    const world = createWorld([GENESIS, STATEMENT, WITHDRAWAL])
    const listed = [{ index: 2, receiptText: await world.receipt(2) }]
    const test = { receipt: await world.receipt(1), policy: policyWith({ production: false }), chain: [chainWith(world)] }
    const ending = 'But the chain is a test network, so this is no evidence.'
    const cases: readonly (readonly [Partial<VerifyInput>, VerdictCode, string])[] = [
      [{ currency: listingOf(world) }, 'anchored', `This file has been on the record, unchanged, since ${DATE}.`],
      [{}, 'anchored', `We did not check for newer versions. This file has been on the record, unchanged, since ${DATE}.`],
      [
        { currency: listingOf(world, listed) },
        'withdrawn',
        `This file has been on the record since ${DATE}. The agency withdrew it on ${DATE}.`,
      ],
      [{ chain: [createChain({})] }, 'sealed', 'The ledger has accepted this file. The chain does not vouch for it yet.'],
    ]
    for (const [change, finding, sentence] of cases) {
      const result = await ask({ ...test, ...change })
      deepEqual([result.verdict, result.finding, result.exit, result.isGreen], ['test-network', finding, 3, false])
      equal(result.sentence, `${sentence} ${ending}`)
    }
    deepEqual(
      statusOf(await ask(test), 'anchor')?.remarks.map(({ key }) => key),
      ['anchored', 'testNetwork'],
    )
  })

  it('unchecked: no endpoint, none that answers, none of that chain', async () => {
    const good = chainWith(WORLD)
    const halfDown = { ...good, codeSha256: chainWith(WORLD, { down: true }).codeSha256 }
    const chains: (readonly [readonly ChainReader[], string])[] = [
      [[], 'chainUnserved'],
      [[chainWith(WORLD, { down: true })], 'chainSilent'],
      [[chainWith(WORLD, { chainId: 2 })], 'chainUnserved'],
      [[halfDown], 'chainSilent'],
    ]
    for (const [chain, why] of chains) {
      const result = await expectFailure({ chain }, 'unchecked', 'anchor', undefined)
      deepEqual(
        statusOf(result, 'anchor')?.remarks.map(({ key }) => key),
        [why],
      )
      deepEqual([result.exit, statusOf(result, 'anchor')?.status], [6, 'not-run'])
      const what = SENTENCES[why === 'chainSilent' ? 'unchecked.silent' : 'unchecked.unserved']
      equal(result.sentence, `We could not check everything just now: ${what}`)
    }
  })

  it('unsupported: another ledger', async () => {
    const other = createSigner('other.example', new Uint8Array(32).fill(9))
    const receipt = await WORLD.receipt(1, { signer: other, origin: 'other.example' })
    const result = await expectFailure({ receipt }, 'unsupported', 'checkpoint', 'CHECKPOINT_ORIGIN')
    deepEqual([result.exit, result.sentence], [7, 'This proof is of a kind, or from a ledger, that your policy does not know.'])
    await expectFailure({ receipt: await WORLD.receipt(1, { origin: 'other.example' }) }, 'unsupported', 'checkpoint', 'CHECKPOINT_ORIGIN')
    const stranger = createSigner(ORIGIN, new Uint8Array(32).fill(9))
    const named = await WORLD.receipt(1, { signer: stranger, origin: 'other.example' })
    await expectFailure({ receipt: named }, 'unsupported', 'checkpoint', 'CHECKPOINT_ORIGIN')
    // Its witnesses are others, too, and too few of the policy's make no forgery of it.
    const policy = policyWith({}, { witnesses: WITNESSES.map(({ vkey }) => formatVkey(vkey)), quorum: 2 })
    await expectFailure({ receipt, policy }, 'unsupported', 'checkpoint', 'CHECKPOINT_ORIGIN')
  })

  it('unsupported: a type of statement that is logged but not known, other code, no anchor for that size', async () => {
    const world = createWorld([GENESIS, { ...GENESIS, type: 'openseal/key@v2' } as unknown as AnyStatement])
    const result = await expectFailure({ receipt: await world.receipt(1) }, 'unsupported', 'statement', 'STATEMENT_UNSUPPORTED')
    deepEqual([statusOf(result, 'inclusion')?.status, statusOf(result, 'document')?.status], ['passed', 'not-run'])
    await expectFailure({ chain: [chainWith(WORLD, { codeSha256: 'ff'.repeat(32) })] }, 'unsupported', 'anchor', 'ANCHOR_OTHER_CODE')
    await expectFailure({ policy: policyWith({ fromSize: 6 }) }, 'unsupported', 'anchor', 'ANCHOR_NONE')
    await expectFailure({ policy: policyWith({}, { requireAnchors: 2 }) }, 'unsupported', 'anchor', 'ANCHOR_NONE')
    await expectFailure(
      { receipt: JSON.stringify({ ...json(), type: 'openseal/receipt@v2' }) },
      'unsupported',
      'statement',
      'RECEIPT_UNSUPPORTED',
    )
  })

  it('unknown: no receipt was given', async () => {
    const result = await ask({ receipt: undefined })
    deepEqual([result.verdict, result.exit, result.sentence], ['unknown', 4, SENTENCES['unknown.file']])
    deepEqual(new Set(result.checks.flatMap(({ remarks }) => remarks.map(({ key }) => key))), new Set(['receiptNone']))
    equal(
      result.checks.every(check => check.status === 'not-run'),
      true,
    )
  })

  it('invalid: names the check that failed first, and says nothing of a date', async () => {
    const file = digestsOf(new TextEncoder().encode('another'))
    const result = await expectFailure({ file }, 'invalid', 'document', 'DOCUMENT_OTHER')
    deepEqual([result.exit, result.failed], [5, 'document'])
    for (const member of ['date', 'matched', 'limits']) equal(member in result, false, member)
    equal(result.sentence, `The proof does not fit: ${SENTENCES['invalid.document']}`)
    deepEqual(statusOf(result, 'anchor'), {
      name: 'anchor',
      status: 'not-run',
      detail: 'an earlier check did not pass',
      remarks: [{ key: 'earlier', values: {} }],
    })
  })

  it('reports each check as soon as its outcome is known, in order, whatever the verdict', async () => {
    for (const change of [{}, { receipt: undefined }, { receipt: 'torn' }, { chain: [] }]) {
      const told: CheckResult[] = []
      const result = await ask({ ...change, onCheck: check => told.push(check) })
      deepEqual(told, result.checks)
    }
  })

  it('reports the receipt’s own checks before the chain is asked, and the anchor before it is asked again', async () => {
    const told: string[] = []
    const good = chainWith(WORLD)
    const chain: ChainReader[] = [
      {
        ...good,
        anchoredAt: query => {
          told.push(`asked at ${query.block}`)
          return good.anchoredAt(query)
        },
      },
    ]
    await ask({ chain, onCheck: ({ name }) => told.push(name) })
    const alone = ['document', 'statement', 'inclusion', 'checkpoint', 'cosignatures']
    deepEqual(told, [...alone, 'asked at latest', 'anchor', 'asked at finalized', 'finality', 'currency'])
  })

  it('says where it takes the ledger at its word', async () => {
    const result = await ask({ trust: 'ledger' })
    equal(result.trust, 'ledger')
    match(result.sentence, / This file .* This trusts the policy that the ledger itself gave\.$/)
  })

  it('says what it does not show whenever it shows something, and names a date only if there is one', async () => {
    equal((await ask({})).limits, SENTENCES['limits.file'])
    equal((await ask({ subject: 'fingerprint' })).limits, SENTENCES['limits.fingerprint'])
    equal((await ask({ file: undefined })).limits, SENTENCES['limits.entry'])
    equal((await ask({ chain: [createChain({})] })).limits, SENTENCES['limits.undated'])
    equal((await ask({ chain: [] })).limits, undefined)
    // A test network is not evidence, so the result shows nothing since its date.
    equal((await ask({ policy: policyWith({ production: false }) })).limits, SENTENCES['limits.undated'])
    deepEqual(
      VERDICTS.filter(({ code }) => showsSomething(code)).map(({ code }) => code),
      ['test-network', 'sealed', 'withdrawn', 'edited', 'superseded', 'anchored'],
    )
  })

  it('does not call a fingerprint a file', async () => {
    const other = digestsOf(new TextEncoder().encode('another'))
    for (const change of [{}, { chain: [createChain({})] }, { file: other }, { receipt: undefined }]) {
      const { sentence, subject } = await ask({ ...change, subject: 'fingerprint' })
      equal(subject, 'fingerprint')
      doesNotMatch(sentence, /this file/i)
      match(sentence, /this fingerprint/)
    }
  })

  it('keeps the order and the exit codes of the table', () => {
    deepEqual(
      VERDICTS.map(({ code, exit }) => `${code} ${exit}`),
      [
        'invalid 5',
        'unknown 4',
        'unsupported 7',
        'disowned 7',
        'unchecked 6',
        'test-network 3',
        'sealed 3',
        'withdrawn 8',
        'edited 8',
        'superseded 8',
        'anchored 0',
      ],
    )
  })

  it('ends with 6 if nobody was asked for newer versions and the caller requires it', async () => {
    const silent = () => Promise.reject(new OpenSealError('LEDGER_UNREACHABLE', 'gone'))
    for (const currency of [undefined, silent]) {
      equal((await ask({ currency })).exit, 0)
      const strict = await ask({ currency, requireCurrent: true })
      deepEqual([strict.verdict, strict.exit], ['anchored', 6])
    }
    equal((await ask({ currency: listingOf(WORLD), requireCurrent: true })).exit, 0)
  })
})

describe('verifier/verify: statement, inclusion, checkpoint, cosignatures', () => {
  const damaged = (change: (receipt: ReturnType<typeof json>) => void) => {
    const receipt = json()
    change(receipt)
    return { receipt: JSON.stringify(receipt) }
  }

  it('a receipt that cannot be read fails at `statement`', async () => {
    for (const receipt of ['', 'x', '[]', RECEIPT.slice(0, -3), RECEIPT.replace('{', '{"proof":"",'), '{"type":"openseal/receipt@v1"}']) {
      const result = await ask({ receipt })
      deepEqual(
        [result.verdict, ...result.checks.map(({ status }) => status)],
        ['invalid', 'not-run', 'failed', 'not-run', 'not-run', 'not-run', 'not-run', 'not-run', 'not-run'],
        receipt,
      )
      equal(result.sentence, `The proof does not fit: ${SENTENCES['invalid.statement']}`)
    }
  })

  it('a statement with an unknown member fails at `statement`', () =>
    expectFailure(
      damaged(({ statement }) => Object.assign(statement, { more: 1 })),
      'invalid',
      'statement',
      'STATEMENT_MALFORMED',
    ))

  it('a statement of which one character changed fails at `inclusion`', () =>
    expectFailure(
      damaged(({ statement }) => Object.assign(statement, { title: 'bridge' })),
      'invalid',
      'inclusion',
      'PROOF_MISMATCH',
    ))

  it('a known type renamed to an unknown one is not merely unsupported', () =>
    expectFailure(
      damaged(({ statement }) => Object.assign(statement, { type: 'openseal/statement@v2' })),
      'invalid',
      'inclusion',
      'PROOF_MISMATCH',
    ))

  it('a proof with one hash too many, of another index, or past the size fails at `inclusion`', async () => {
    const proof: string = json().proof
    const [, , hash = ''] = proof.split('\n')
    await expectFailure(
      damaged(r => Object.assign(r, { proof: proof.replace(hash, `${hash}\n${hash}`) })),
      'invalid',
      'inclusion',
      'PROOF_LENGTH',
    )
    await expectFailure(
      damaged(r => Object.assign(r, { proof: proof.replace('index 1', 'index 2') })),
      'invalid',
      'inclusion',
      'PROOF_MISMATCH',
    )
    await expectFailure(
      damaged(r => Object.assign(r, { proof: proof.replace('index 1', 'index 5') })),
      'invalid',
      'inclusion',
      'PROOF_RANGE',
    )
    await expectFailure(
      damaged(r => Object.assign(r, { proof: proof.replace('index 1', 'index 01') })),
      'invalid',
      'inclusion',
      'TLOG_PROOF_MALFORMED',
    )
  })

  it('a tree size of 007 fails at `checkpoint`', async () => {
    const result = await ask(damaged(r => Object.assign(r, { proof: r.proof.replace('\n5\n', '\n007\n') })))
    deepEqual(
      [result.verdict, statusOf(result, 'checkpoint')?.code, statusOf(result, 'inclusion')?.status],
      ['invalid', 'CHECKPOINT_MALFORMED', 'not-run'],
    )
  })

  it('a note that cannot be read fails at `checkpoint`', () =>
    expectFailure(
      damaged(r => Object.assign(r, { proof: r.proof.replace('\n— ', '\n- ') })),
      'invalid',
      'checkpoint',
      'NOTE_MALFORMED',
    ))

  it('a wrong key fails at `checkpoint`, under the right name too', async () => {
    const signer = createSigner(ORIGIN, new Uint8Array(32).fill(9))
    await expectFailure({ receipt: await WORLD.receipt(1, { signer }) }, 'invalid', 'checkpoint', 'NOTE_UNSIGNED')
  })

  it('a damaged origin line or signature fails at `checkpoint`, and is not another ledger', async () => {
    await expectFailure(
      damaged(r => Object.assign(r, { proof: r.proof.replace('\n\nlog.', '\n\nlug.') })),
      'invalid',
      'checkpoint',
      'NOTE_SIGNATURE',
    )
    await expectFailure(
      damaged(r => Object.assign(r, { proof: r.proof.replace(/.{5}(=*\n)$/, 'AAAAA$1') })),
      'invalid',
      'checkpoint',
      'NOTE_SIGNATURE',
    )
  })

  it('names every key of the policy that signed', async () => {
    const other = createSigner(ORIGIN, new Uint8Array(32).fill(9))
    const policy = policyWith({}, { logKeys: [LOG, other].map(({ vkey }) => ({ vkey: formatVkey(vkey) })) })
    const { receipt } = damaged(r => {
      const [text = '', line = ''] = r.proof.split('\n\n').slice(1)
      const [, second = ''] = signNote(`${text}\n`, other).split('\n\n')
      Object.assign(r, { proof: r.proof.replace(line, line + second) })
    })
    const keys = [LOG, other].map(({ vkey }) => `${vkey.name}+${vkey.id}`).join(', ')
    const result = await ask({ receipt, policy })
    deepEqual([result.verdict, statusOf(result, 'checkpoint')?.detail], ['anchored', `size 5, signed by ${keys}`])
  })

  it('a key counts only for the sizes that the policy gives it', async () => {
    const key = (range: object) => ({ policy: policyWith({}, { logKeys: [{ vkey: formatVkey(LOG.vkey), ...range }] }) })
    for (const range of [{ toSize: 4 }, { fromSize: 6 }]) await expectFailure(key(range), 'invalid', 'checkpoint', 'NOTE_UNSIGNED')
    equal((await ask(key({ fromSize: 5, toSize: 5 }))).verdict, 'anchored')
  })

  it('fewer witnesses than the quorum fail at `cosignatures`, and one counts once', async () => {
    const policy = policyWith({}, { witnesses: WITNESSES.map(({ vkey }) => formatVkey(vkey)), quorum: 2 })
    const [first, second] = WITNESSES
    const receiptBy = async (...witnesses: typeof WITNESSES) => ({ policy, receipt: await WORLD.receipt(1, { witnesses }) })
    await expectFailure(await receiptBy(), 'invalid', 'cosignatures', 'COSIGNATURES_TOO_FEW')
    await expectFailure(await receiptBy(first!, first!), 'invalid', 'cosignatures', 'COSIGNATURES_TOO_FEW')
    const result = await ask(await receiptBy(first!, second!))
    deepEqual(
      [result.verdict, statusOf(result, 'cosignatures')?.remarks],
      ['anchored', [{ key: 'witnesses', values: { count: 2, quorum: 2 } }]],
    )
  })
})

describe('verifier/verify: document', () => {
  it('is not run without a file, nothing is said of one, and nothing is green', async () => {
    const result = await ask({ file: undefined, currency: listingOf(WORLD) })
    equal(statusOf(result, 'document')?.status, 'not-run')
    equal(result.sentence, `This entry has been on the record, unchanged, since ${DATE}.`)
    deepEqual([result.verdict, result.exit, result.isGreen], ['anchored', 3, false])
  })

  it('fails for a file beside a statement that lists no documents: that vouches for no file', async () => {
    const emptied = createWorld([GENESIS, { ...WITHDRAWAL, documents: [] }])
    for (const [world, index] of [
      [WORLD, 0],
      [emptied, 1],
    ] as const) {
      const change = { receipt: await world.receipt(index), chain: [chainWith(world)], currency: listingOf(world) }
      const result = await expectFailure(change, 'invalid', 'document', 'DOCUMENT_NONE')
      deepEqual([result.exit, result.isGreen, result.matched], [5, false, undefined])
      equal(result.sentence, `The proof does not fit: ${SENTENCES['invalid.none']}`)
      const alone = await ask({ ...change, file: undefined })
      deepEqual([alone.exit, alone.isGreen], [3, false])
    }
  })
})

/** A reader that writes down which contracts it is asked about. */
function spied(reader: ChainReader, asked: unknown[]): ChainReader {
  return {
    ...reader,
    codeSha256: contract => {
      asked.push(contract)
      return reader.codeSha256(contract)
    },
    anchoredAt: query => {
      asked.push(query.contract)
      return reader.anchoredAt(query)
    },
  }
}

describe('verifier/verify: anchor and finality', () => {
  const second = { ...ANCHOR, chainId: 2 }
  const both = (requireAnchors: number, change: object = {}) =>
    policyWith({}, { requireAnchors, anchors: [ANCHOR, { ...second, ...change }] })
  const other = (facts: object = {}) =>
    chainWith(WORLD, { chainId: 2, anchors: [{ world: WORLD, block: 50, time: ANCHORED_AT - 60 }], ...facts })

  it('never takes one of two endpoints that disagree at its word', async () => {
    for (const facts of [{ codeSha256: 'ff'.repeat(32) }, { anchors: [{ world: WORLD, block: 50, time: 1 }] }]) {
      const result = await ask({ chain: [chainWith(WORLD, { name: 'one' }), chainWith(WORLD, { name: 'two', ...facts })] })
      deepEqual([result.verdict, result.unchecked], ['unchecked', 'disagreement'])
      equal(statusOf(result, 'anchor')?.detail, 'chain 1: the endpoints one, two disagree')
    }
  })

  it('requires two answers if two or more endpoints are named, and says how many answered', async () => {
    const down = chainWith(WORLD, { name: 'two', down: true })
    const halfDown = { ...chainWith(WORLD, { name: 'two' }), anchoredAt: down.anchoredAt }
    const behind = chainWith(WORLD, { name: 'two', anchors: [] })
    const one = chainWith(WORLD, { name: 'one' })
    for (const two of [down, halfDown, behind]) {
      for (const chain of [
        [one, two],
        [two, one],
      ]) {
        const result = await expectFailure({ chain }, 'unchecked', 'anchor', undefined)
        match(statusOf(result, 'anchor')?.detail ?? '', /^chain 1: 1 of 2 endpoints answered/)
      }
      const third = await ask({ chain: [one, two, chainWith(WORLD, { name: 'three' })] })
      equal(third.verdict, 'anchored')
      match(statusOf(third, 'anchor')?.detail ?? '', /2 of 3 endpoints answered/)
    }
  })

  it('counts readers of one name as one endpoint', async () => {
    const one = () => chainWith(WORLD, { name: 'https://one.example' })
    const chain = [one(), one(), chainWith(WORLD, { name: 'https://two.example', down: true })]
    equal((await ask({ chain })).verdict, 'unchecked')
    const result = await ask({ chain: [one(), one()] })
    equal(result.verdict, 'anchored')
    match(statusOf(result, 'anchor')?.detail ?? '', /1 of 1 endpoints answered/)
  })

  it('lets the only endpoint of one chain fall silent without taking it for one of another', async () => {
    const two = { ...ANCHOR, chainId: 2 }
    const policy = policyWith({}, { anchors: [ANCHOR, two] })
    const chain = [chainWith(WORLD, { name: 'one' }), chainWith(WORLD, { name: 'two', chainId: 2, down: true })]
    equal((await ask({ policy, chain })).verdict, 'anchored')
    equal((await ask({ policy, chain: [...chain, chainWith(WORLD, { name: 'three', down: true })] })).verdict, 'unchecked')
  })

  it('counts an endpoint that is named for a chain for that chain alone, whatever it answers', async () => {
    const serving = (serves: number, facts: object) => ({ ...chainWith(WORLD, facts), serves })
    const policy = policyWith({}, { anchors: [ANCHOR, second] })
    const one = serving(1, { name: 'one' })
    const silent = await ask({ policy, chain: [one, serving(1, { name: 'two', down: true })] })
    equal(silent.verdict, 'unchecked')
    match(statusOf(silent, 'anchor')?.detail ?? '', /^chain 1: 1 of 2 endpoints answered/)
    equal((await ask({ policy, chain: [serving(2, { name: 'one' })] })).verdict, 'unchecked')
    const elsewhere = ['two', 'three'].map(name => serving(2, { name, down: true }))
    equal((await ask({ policy, chain: [one, ...elsewhere] })).verdict, 'anchored')
  })

  it('takes an endpoint that has not seen the final block yet for one that gave no answer', async () => {
    const chain = [chainWith(WORLD), chainWith(WORLD, { finalized: 10 })]
    await expectFailure({ chain }, 'unchecked', 'finality', undefined)
    equal((await ask({ chain: [...chain, chainWith(WORLD)] })).verdict, 'anchored')
    await expectFailure({ chain: [10, 10].map(finalized => chainWith(WORLD, { finalized })) }, 'sealed', 'finality', 'FINALITY_PENDING')
  })

  it('is disowned where the owner closed the log below the size, once that is final', async () => {
    const closed = (lastGoodSize: number, block = 60) => [chainWith(WORLD, { closed: { lastGoodSize, block } })]
    const result = await expectFailure({ chain: closed(WORLD.size - 1) }, 'disowned', 'anchor', 'ANCHOR_DISOWNED')
    deepEqual([result.exit, result.sentence, result.limits], [7, SENTENCES.disowned, undefined])
    equal((await ask({ chain: closed(WORLD.size) })).verdict, 'anchored')
    equal((await ask({ chain: closed(0, 95) })).verdict, 'anchored')
    const both = [chainWith(WORLD, { name: 'one' }), chainWith(WORLD, { name: 'two', closed: { lastGoodSize: 0, block: 60 } })]
    const split = await expectFailure({ chain: both }, 'unchecked', 'anchor', undefined)
    equal(split.unchecked, 'disagreement')
  })

  it('says in its own words that there is no contract', async () => {
    const none = toHex(sha256(new Uint8Array()))
    const result = await expectFailure({ chain: [chainWith(WORLD, { codeSha256: none })] }, 'unsupported', 'anchor', 'ANCHOR_NO_CODE')
    equal(statusOf(result, 'anchor')?.detail, `chain 1: there is no contract at ${ANCHOR.contract}`)
  })

  it('asks no other code than the policy’s for a time', async () => {
    const asked: unknown[] = []
    const other = chainWith(WORLD, { codeSha256: 'ff'.repeat(32) })
    const chain = [
      {
        ...other,
        anchoredAt: (query: Parameters<typeof other.anchoredAt>[0]) => {
          asked.push(query)
          return other.anchoredAt(query)
        },
      },
    ]
    equal((await ask({ chain })).verdict, 'unsupported')
    deepEqual(asked, [])
  })

  it('takes two times at the final block for two histories', async () => {
    const good = chainWith(WORLD)
    const forked = {
      ...good,
      anchoredAt: async (query: Parameters<typeof good.anchoredAt>[0]) => (query.block === 'latest' ? ANCHORED_AT : 1),
    }
    await expectFailure({ chain: [good, forked] }, 'unchecked', 'finality', undefined)
    await expectFailure({ chain: [forked] }, 'sealed', 'finality', 'FINALITY_PENDING')
  })

  it('names endpoints that disagree, those without a name by their number, at the final block too', async () => {
    const nameless = (time: number) => chainWith(WORLD, { anchors: [{ world: WORLD, block: 50, time }] })
    const first = await ask({ chain: [nameless(1), nameless(2)] })
    equal(statusOf(first, 'anchor')?.detail, 'chain 1: the endpoints endpoint 1, endpoint 2 disagree')
    const good = chainWith(WORLD, { name: 'one' })
    const forked = {
      ...good,
      name: 'two',
      anchoredAt: async (query: Parameters<typeof good.anchoredAt>[0]) => (query.block === 'latest' ? ANCHORED_AT : 1),
    }
    const result = await ask({ chain: [good, forked] })
    equal(statusOf(result, 'finality')?.detail, 'chain 1: the endpoints one, two disagree')
  })

  it('counts confirmations from the head, the first block included, and asks at no block below it', async () => {
    const asked: unknown[] = []
    const short = (head: number) => {
      const reader = chainWith(WORLD, { head, anchors: [{ world: WORLD, block: 0, time: ANCHORED_AT }] })
      return {
        ...reader,
        anchoredAt: (query: Parameters<typeof reader.anchoredAt>[0]) => {
          asked.push(query.block)
          return reader.anchoredAt(query)
        },
      }
    }
    const policy = policyWith({ finality: { confirmations: 5 } })
    equal((await ask({ policy, chain: [short(5)] })).verdict, 'anchored')
    equal((await ask({ policy, chain: [short(4)] })).verdict, 'sealed')
    equal((await ask({ policy, chain: [short(4), short(4)] })).verdict, 'sealed')
    deepEqual(new Set(asked), new Set(['latest', 0]))
  })

  it('is unchecked when the endpoint falls silent between the two questions', async () => {
    const good = chainWith(WORLD)
    const silent = chainWith(WORLD, { down: true })
    const chain = [
      { ...good, anchoredAt: (q: Parameters<typeof good.anchoredAt>[0]) => (q.block === 'latest' ? good : silent).anchoredAt(q) },
    ]
    await expectFailure({ chain }, 'unchecked', 'finality', undefined)
  })

  it('needs as many anchors as the policy requires', async () => {
    equal((await ask({ policy: both(2), chain: [chainWith(WORLD), other()] })).verdict, 'anchored')
    equal((await ask({ policy: both(1), chain: [chainWith(WORLD)] })).verdict, 'anchored')
    await expectFailure({ policy: both(2), chain: [chainWith(WORLD)] }, 'unchecked', 'anchor', undefined)
    await expectFailure({ policy: both(2), chain: [chainWith(WORLD), other({ anchors: [] })] }, 'sealed', 'anchor', 'ANCHOR_MISSING')
    await expectFailure(
      { policy: both(2), chain: [chainWith(WORLD), other({ codeSha256: 'ff' })] },
      'unsupported',
      'anchor',
      'ANCHOR_OTHER_CODE',
    )
    await expectFailure({ policy: both(2), chain: [chainWith(WORLD), other({ finalized: 0 })] }, 'sealed', 'finality', 'FINALITY_PENDING')
  })

  it('dates by the time by which as many final anchors as are required agree, so that no one of them sets it alone', async () => {
    const chainAt = (chainId: number, time: number, facts: object = {}) =>
      chainWith(WORLD, { chainId, anchors: [{ world: WORLD, block: 50, time }], ...facts })
    const policy = (requireAnchors: number) =>
      policyWith({}, { requireAnchors, anchors: [1, 2, 3].map(chainId => ({ ...ANCHOR, chainId })) })
    const lying = [chainAt(1, 1), chainAt(2, ANCHORED_AT), chainAt(3, ANCHORED_AT + 60)]
    const dates = await Promise.all([1, 2, 3].map(async r => (await ask({ policy: policy(r), chain: lying })).date))
    deepEqual(dates, ['1970-01-01T00:00:01Z', DATE, formatTime((ANCHORED_AT + 60) * 1000)])
    const pending = [chainAt(1, 1, { finalized: 0 }), ...lying.slice(1)]
    equal((await ask({ policy: policy(1), chain: pending })).date, DATE)
  })

  it('counts two logs on one chain once', async () => {
    const anchors = [ANCHOR, { ...ANCHOR, logId: `0x${'2d'.repeat(32)}` }]
    const good = chainWith(WORLD)
    const chain = [
      { ...good, anchoredAt: (query: Parameters<typeof good.anchoredAt>[0]) => good.anchoredAt({ ...query, logId: ANCHOR.logId }) },
    ]
    equal((await ask({ policy: policyWith({}, { anchors }), chain })).verdict, 'anchored')
    await expectFailure({ policy: policyWith({}, { anchors, requireAnchors: 2 }), chain }, 'unsupported', 'anchor', 'ANCHOR_NONE')
  })

  it('never lets a test network date what production vouches for, nor make up the number', async () => {
    const chain = [chainWith(WORLD), other()]
    const result = await ask({ policy: both(1, { production: false }), chain })
    deepEqual([result.verdict, result.date], ['anchored', DATE])
    equal((await ask({ policy: both(2, { production: false }), chain })).verdict, 'test-network')
  })

  it('takes a time that no block can have for no answer', async () => {
    const lastSecond = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000
    const at = (time: number) => [chainWith(WORLD, { anchors: [{ world: WORLD, block: 1, time }] })]
    equal((await ask({ chain: at(lastSecond) })).date, '9999-12-31T23:59:59Z')
    for (const time of [-1, 1.5, 2 ** 60, lastSecond + 1]) {
      await expectFailure({ chain: [chainWith(WORLD, { anchors: [{ world: WORLD, block: 1, time }] })] }, 'unchecked', 'anchor', undefined)
    }
  })

  it('takes no word of a receipt’s anchors for its verdict, however many they are and whatever they say', async () => {
    const hint = { ...hintOf(WORLD), transaction: `0x${'00'.repeat(32)}` }
    const odd = [
      { ...hint, block: { number: 1, hash: `0x${'ff'.repeat(32)}`, time: '1999-01-01T00:00:00Z' } },
      { ...hint, chainId: 2, contract: `0x${'00'.repeat(20)}` },
      { ...hint, contract: 'nowhere', logId: '', transaction: 'x', block: { number: 0, hash: '', time: 'never' } },
      { ...hint, size: WORLD.size + 1 },
    ]
    const expected = await ask({})
    for (const hints of [[hintOf(WORLD)], odd, Array.from({ length: 64 }, () => hint)]) {
      const asked: unknown[] = []
      const chain = [spied(chainWith(WORLD), asked)]
      deepEqual(await ask({ receipt: await WORLD.receipt(1, { hints }), chain }), expected)
      deepEqual(new Set(asked.filter(question => typeof question === 'string')), new Set([ANCHOR.contract]))
      ok(asked.length < 10)
    }
  })

  it('does not hide a bug of a reader', async () => {
    const chain = [{ ...chainWith(WORLD), chainId: () => Promise.reject(new TypeError('oops')) }]
    await rejects(ask({ chain }), TypeError)
  })
})
