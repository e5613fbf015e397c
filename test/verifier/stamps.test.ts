/** Time stamps in checks 6 and 7. Design §3.4, §7.6, §7.7. */

import { deepEqual, equal, match, notEqual, rejects } from 'node:assert/strict'
import { toBase64 } from '../../src/core/bytes.ts'
import { type Policy, parsePolicy } from '../../src/core/policy.ts'
import type { ReceiptToken } from '../../src/core/receipt.ts'
import { formatTime } from '../../src/core/time.ts'
import { formatCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { createSigner, formatVkey } from '../../src/core/tlog/note.ts'
import { digestsOf } from '../../src/documents/digest.ts'
import type { ChainReader } from '../../src/verifier/chain-reader.ts'
import { extendPolicy } from '../../src/verifier/extend.ts'
import { SENTENCES } from '../../src/verifier/sentence.ts'
import { verify } from '../../src/verifier/verify.ts'
import {
  CODE_SIGNING,
  extension,
  type Issued,
  issue,
  issuedBy,
  newKey,
  POLICY,
  STAMPED_AT,
  type StampOptions,
  stamp,
  TIME_STAMPING,
} from '../timestamp/authority.ts'
import { sequence, tagged } from '../timestamp/der-writer.ts'
import {
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
  STATEMENT,
  WITHDRAWAL,
  WITNESSES,
  type World,
} from './world.ts'

const WORLD = createWorld([GENESIS, STATEMENT])
/** Another history under the same key, which only its owner has seen. */
const FORK = createWorld([{ ...GENESIS, salt: 'E'.repeat(43) }, STATEMENT])
const STAMP_DATE = formatTime(STAMPED_AT * 1000)

const authority = (name: string) => {
  const root = issue({ name: `${name} Root`, ca: true, usage: 0x06 })
  const tsa = issuedBy(root, { name: `${name} TSA`, serial: 2, purposes: [TIME_STAMPING], usage: 0xc0 })
  return { root, tsa }
}
const ONE = authority('One')
const TWO = authority('Two')

const tokenOf = ({ size, root }: World, { tsa }: { tsa: Issued }, change: Partial<StampOptions> = {}): ReceiptToken => {
  const data = Buffer.from(formatCheckpoint({ origin: ORIGIN, size, root }))
  return { type: 'rfc3161', size, token: toBase64(stamp({ data, signer: tsa, certificates: [tsa], ...change })) }
}
const anchorOf = (name: string, { root }: { root: Issued }, change: object = {}) => ({
  type: 'rfc3161',
  name,
  certificates: [toBase64(root.der)],
  production: true,
  ...change,
})
const policyOf = (change: object): Policy =>
  parsePolicy(JSON.stringify({ type: 'openseal/policy@v1', origin: ORIGIN, logKeys: [{ vkey: formatVkey(LOG.vkey) }], ...change }))
const witnessed = { witnesses: WITNESSES.map(({ vkey }) => formatVkey(vkey)), quorum: 2 }

type Given = {
  readonly world?: World
  readonly hints: readonly ReceiptToken[]
  readonly policy: Policy
  readonly chain?: readonly ChainReader[]
}
const ask = async ({ world = WORLD, hints, policy, chain = [] }: Given) =>
  verify({
    file: digestsOf(FILE),
    receipt: await world.receipt(1, { hints, witnesses: WITNESSES }),
    policy,
    chain,
    currency: listingOf(world),
    trust: 'policy',
  })
const remarksOf = (result: Awaited<ReturnType<typeof ask>>, name = 'anchor') =>
  result.checks.find(check => check.name === name)?.remarks.map(({ key }) => key)

describe('verifier: time stamps', () => {
  const byStamp = policyOf({ ...witnessed, anchors: [anchorOf('One', ONE)] })

  it('dates what witnesses vouch for, without any network, and says what is not checked', async () => {
    const result = await ask({ hints: [tokenOf(WORLD, ONE)], policy: byStamp })
    deepEqual([result.verdict, result.isGreen, result.date, result.exit], ['anchored', true, STAMP_DATE, 0])
    const details = Object.fromEntries(result.checks.map(({ name, detail }) => [name, detail]))
    equal(details.anchor, `One: time stamp of ${STAMP_DATE}; not checked whether its certificate was revoked, or whether it is qualified`)
    equal(details.finality, 'One: a time stamp is final')
  })

  it('adds the accuracy to the time, and rounds it up to the second', async () => {
    const accuracy = Buffer.from('30060201018001c8', 'hex')
    const plain = Buffer.from('3003020102', 'hex')
    for (const [change, seconds] of [
      [{ fraction: '.001' }, 1],
      [{ accuracy: plain }, 2],
      [{ accuracy: plain, fraction: '.999' }, 3],
    ] as const)
      equal((await ask({ hints: [tokenOf(WORLD, ONE, change)], policy: byStamp })).date, formatTime((STAMPED_AT + seconds) * 1000))
    // As a DER INTEGER, c8 alone is negative: 200 takes two bytes.
    equal((await ask({ hints: [tokenOf(WORLD, ONE, { accuracy })], policy: byStamp })).verdict, 'sealed')
  })

  it('speaks of the chain in its sentence only if one chain alone counts', async () => {
    const chain = [createChain({})]
    const sentenceBy = async (change: object) => {
      const { verdict, sentence } = await ask({ hints: [], policy: policyOf({ ...witnessed, ...change }), chain })
      equal(verdict, 'sealed')
      return sentence
    }
    equal(await sentenceBy({ anchors: [ANCHOR] }), 'The ledger has accepted this file. The chain does not vouch for it yet.')
    const others = 'The ledger has accepted this file. Not enough others vouch for it yet.'
    equal(await sentenceBy({ anchors: [anchorOf('One', ONE)] }), others)
    equal(await sentenceBy({ anchors: [ANCHOR, { ...ANCHOR, chainId: ANCHOR.chainId + 1 }], requireAnchors: 2 }), others)
    // An anchor that does not count for this size changes nothing.
    equal(await sentenceBy({ anchors: [ANCHOR, anchorOf('One', ONE, { fromSize: 1000 })] }), SENTENCES['sealed.file'])
  })

  it('is sealed and never invalid for a token that is missing or bad, and says why', async () => {
    const web = issuedBy(ONE.root, { name: 'Web', serial: 3, purposes: [CODE_SIGNING] })
    const limits = extension('2.5.29.30', sequence(tagged(0)))
    const limited = issuedBy(ONE.root, { name: 'Limited', ca: true, serial: 4, extensions: [limits] })
    const below = issuedBy(limited, { name: 'Below', serial: 5, purposes: [TIME_STAMPING] })
    const strict = policyOf({ ...witnessed, anchors: [anchorOf('One', ONE, { policies: ['1.2.3.4.2'] })] })
    const bad: readonly (readonly [string, readonly ReceiptToken[], Policy?])[] = [
      ['stampNone', []],
      ['stampNone', [tokenOf(WORLD, TWO)]],
      ['stampMalformed', [{ type: 'rfc3161', size: WORLD.size, token: 'MAA=' }]],
      ['stampOtherData', [tokenOf(WORLD, ONE, { data: Buffer.from('else') })]],
      ['stampOtherData', [{ ...tokenOf(FORK, ONE), size: WORLD.size }]],
      ['stampPolicy', [tokenOf(WORLD, ONE)], strict],
      ['stampCertificate', [tokenOf(WORLD, { tsa: web })]],
      ['stampChain', [tokenOf(WORLD, ONE, { seconds: 1_600_000_000 })]],
      // Limits of names count even if they are not critical.
      ['stampChain', [tokenOf(WORLD, { tsa: below }, { certificates: [below, limited] })]],
      ['stampSignature', [tokenOf(WORLD, ONE, { messageDigest: new Uint8Array(32) })]],
      ['stampUnsupported', [tokenOf(WORLD, ONE, { imprintHash: 'sha1' })]],
    ]
    for (const [key, hints, policy = byStamp] of bad) {
      const result = await ask({ hints, policy })
      deepEqual([result.verdict, result.isGreen, remarksOf(result), result.date], ['sealed', false, [key], undefined], key)
    }
    const under = policyOf({ ...witnessed, anchors: [anchorOf('One', ONE, { policies: ['1.2.3.4.2', POLICY] })] })
    equal((await ask({ hints: [tokenOf(WORLD, ONE)], policy: under })).verdict, 'anchored')
  })

  it('takes a good token among bad ones, and the earliest of several', async () => {
    const hints = [
      tokenOf(WORLD, ONE, { data: Buffer.from('else') }),
      tokenOf(WORLD, ONE, { seconds: STAMPED_AT + 60 }),
      tokenOf(WORLD, ONE),
      tokenOf(WORLD, TWO, { seconds: STAMPED_AT - 60 }),
    ]
    const result = await ask({ hints, policy: byStamp })
    deepEqual([result.verdict, result.date, remarksOf(result)], ['anchored', STAMP_DATE, ['stamped']])
  })

  it('dates by the time by which a chain and a time stamp agree', async () => {
    const both = policyOf({ anchors: [ANCHOR, anchorOf('One', ONE)], requireAnchors: 2 })
    const chain = [chainWith(WORLD)]
    const later = await ask({ hints: [tokenOf(WORLD, ONE)], policy: both, chain })
    deepEqual([later.verdict, later.date], ['anchored', STAMP_DATE])
    const earlier = await ask({ hints: [tokenOf(WORLD, ONE, { seconds: ANCHORED_AT - 60 })], policy: both, chain })
    deepEqual([earlier.verdict, earlier.date], ['anchored', DATE])
    equal((await ask({ hints: [], policy: both, chain })).verdict, 'sealed')
    equal((await ask({ hints: [tokenOf(WORLD, ONE)], policy: both, chain: [createChain({})] })).verdict, 'sealed')
    equal((await ask({ hints: [tokenOf(WORLD, ONE)], policy: both, chain: [] })).verdict, 'unchecked')
    const pending = await ask({ hints: [tokenOf(WORLD, ONE)], policy: both, chain: [chainWith(WORLD, { finalized: 10 })] })
    deepEqual([pending.verdict, remarksOf(pending, 'finality')], ['sealed', ['notFinal', 'stampFinal']])
  })

  it('counts two contracts on one chain once when it looks for final anchors and for the date', async () => {
    const second = { ...ANCHOR, contract: `0x${'c2'.repeat(20)}` }
    const policy = policyOf({ anchors: [ANCHOR, second, anchorOf('One', ONE)], requireAnchors: 2 })
    const chain = chainWith(WORLD)
    // Both contracts have the anchor.
    const both = {
      ...chain,
      anchoredAt: (question: Parameters<ChainReader['anchoredAt']>[0]) => chain.anchoredAt({ ...question, contract: ANCHOR.contract }),
    }
    const hints = [tokenOf(WORLD, ONE, { seconds: ANCHORED_AT + 60 })]
    const result = await ask({ hints, policy, chain: [both] })
    deepEqual([result.verdict, result.date], ['anchored', formatTime((ANCHORED_AT + 60) * 1000)])
    equal((await ask({ hints: [], policy, chain: [both] })).verdict, 'sealed')
  })

  it('is never green for a private fork with a genuine time stamp', async () => {
    const hints = [tokenOf(FORK, ONE), tokenOf(FORK, TWO)]
    const anchors = [anchorOf('One', ONE), anchorOf('Two', TWO)]
    const chain = [chainWith(WORLD)]
    const verdictOf = async (change: object, readers: readonly ChainReader[] = chain) => {
      const receipt = await FORK.receipt(1, { hints: [...hints, { ...hintOf(FORK) }] })
      const result = await verify({
        file: digestsOf(FILE),
        receipt,
        policy: policyOf(change),
        chain: readers,
        currency: listingOf(FORK),
        trust: 'policy',
      })
      equal(result.isGreen, false)
      notEqual(result.exit, 0)
      return result.verdict
    }
    equal(await verdictOf({ anchors: [ANCHOR, ...anchors], requireAnchors: 3 }), 'sealed')
    equal(await verdictOf({ anchors: [ANCHOR, ...anchors], requireAnchors: 3 }, []), 'unchecked')
    equal(await verdictOf({ ...witnessed, anchors, requireAnchors: 2 }), 'invalid')
    equal(await verdictOf({ ...witnessed, anchors, requireAnchors: 1 }), 'invalid')
    equal(await verdictOf({ anchors: [ANCHOR, anchors[0]], requireAnchors: 2 }), 'sealed')
    // Without the one or the other, no policy says so.
    for (const requireAnchors of [1, 2]) {
      let code: unknown
      try {
        policyOf({ anchors: [ANCHOR, ...anchors], requireAnchors })
      } catch (error) {
        code = (error as { code: unknown }).code
      }
      equal(code, 'POLICY_NO_FORK_GUARD')
    }
  })

  it('counts the tokens of one signer once, whatever certificates two authorities name', async () => {
    const middle = issuedBy(ONE.root, { name: 'Middle', ca: true, serial: 4 })
    const tsa = issuedBy(middle, { name: 'Shared TSA', serial: 5, purposes: [TIME_STAMPING] })
    const anchors = [anchorOf('Root', ONE), anchorOf('Middle', { root: middle })]
    const policy = policyOf({ ...witnessed, anchors, requireAnchors: 2 })
    const change = { certificates: [tsa, middle] }
    const twice = [tokenOf(WORLD, { tsa }, change), tokenOf(WORLD, { tsa }, { ...change, seconds: STAMPED_AT + 1 })]
    const result = await ask({ hints: twice, policy })
    deepEqual([result.verdict, remarksOf(result)], ['sealed', ['stamped', 'stampShared']])
    const other = issuedBy(middle, { name: 'Other TSA', serial: 6, purposes: [TIME_STAMPING] })
    const two = policyOf({ ...witnessed, anchors: [anchorOf('Root', TWO), anchorOf('Middle', { root: middle })], requireAnchors: 2 })
    const hints = [tokenOf(WORLD, TWO), tokenOf(WORLD, { tsa: other }, { certificates: [other] })]
    equal((await ask({ hints, policy: two })).verdict, 'anchored')
  })

  it('counts the tokens of one key once, whatever certificates two authorities give it', async () => {
    const key = newKey('p256')
    const [first, second] = [ONE, TWO].map(({ root }) => issuedBy(root, { name: 'Same TSA', serial: 7, key, purposes: [TIME_STAMPING] }))
    const policy = policyOf({ ...witnessed, anchors: [anchorOf('One', ONE), anchorOf('Two', TWO)], requireAnchors: 2 })
    const hints = [tokenOf(WORLD, { tsa: first! }, { seconds: STAMPED_AT + 1 }), tokenOf(WORLD, { tsa: second! })]
    const result = await ask({ hints, policy })
    deepEqual([result.verdict, remarksOf(result)], ['sealed', ['stampShared', 'stamped']])
  })

  it('counts only authorities for production if there are enough, and is no evidence otherwise', async () => {
    const test = anchorOf('Two', TWO, { production: false })
    const hints = [tokenOf(WORLD, ONE), tokenOf(WORLD, TWO, { seconds: ANCHORED_AT })]
    const enough = await ask({ hints, policy: policyOf({ ...witnessed, anchors: [anchorOf('One', ONE), test] }) })
    deepEqual([enough.verdict, enough.date, remarksOf(enough)], ['anchored', STAMP_DATE, ['stamped']])
    const alone = await ask({ hints, policy: policyOf({ ...witnessed, anchors: [test] }) })
    deepEqual(
      [alone.verdict, alone.finding, alone.isGreen, remarksOf(alone)],
      ['test-network', 'anchored', false, ['stamped', 'testAuthority']],
    )
    const few = await ask({ hints, policy: policyOf({ ...witnessed, anchors: [anchorOf('One', ONE), test], requireAnchors: 2 }) })
    deepEqual([few.verdict, few.finding, few.isGreen], ['test-network', 'anchored', false])
    // Only the test authority is called one.
    deepEqual(remarksOf(few), ['stamped', 'stamped', 'testAuthority'])
  })

  it('skips a cosignature of ML-DSA-44 without harm, beside those that it knows', async () => {
    const receipt = await WORLD.receipt(1, { hints: [tokenOf(WORLD, ONE)], witnesses: WITNESSES })
    // Type 0x06 of C2SP tlog-cosignature: a key id, a time, and 2,420 bytes.
    const line = `\\u2014 pq.example/witness ${Buffer.alloc(4 + 8 + 2420, 7).toString('base64')}\\n`
    const { proof } = JSON.parse(receipt) as { proof: string }
    const more = JSON.stringify({ ...JSON.parse(receipt), proof: `${proof}${JSON.parse(`"${line}"`)}` })
    const result = await verify({
      file: digestsOf(FILE),
      receipt: more,
      policy: byStamp,
      chain: [],
      currency: listingOf(WORLD),
      trust: 'policy',
    })
    deepEqual([result.verdict, result.isGreen, result.date], ['anchored', true, STAMP_DATE])
  })

  it('follows a change of keys that witnesses and a time stamp vouch for, and none that they do not', async () => {
    const next = createSigner(ORIGIN, new Uint8Array(32).fill(9))
    const changed = createWorld([
      GENESIS,
      {
        type: 'openseal/key@v1',
        origin: ORIGIN,
        oldKey: formatVkey(LOG.vkey),
        newKey: formatVkey(next.vkey),
        fromSize: 3,
        created: '2026-11-01T00:00:00Z',
        salt: 'A'.repeat(43),
      },
    ])
    const hints = [tokenOf(changed, ONE)]
    const extended = await extendPolicy(byStamp, [await changed.receipt(1, { hints, witnesses: WITNESSES })], [])
    deepEqual(
      extended.logKeys.map(({ vkey }) => vkey),
      [formatVkey(LOG.vkey), formatVkey(next.vkey)],
    )
    const none = await changed.receipt(1, { witnesses: WITNESSES })
    await rejects(extendPolicy(byStamp, [none], []), { code: 'EXTEND_NOT_ANCHORED' })
    const few = await changed.receipt(1, { hints, witnesses: WITNESSES.slice(1) })
    await rejects(extendPolicy(byStamp, [few], []), { code: 'EXTEND_UNPROVEN' })
  })

  it('counts an authority only for its sizes', async () => {
    const policy = policyOf({ ...witnessed, anchors: [anchorOf('One', ONE, { toSize: 1 })] })
    equal((await ask({ hints: [tokenOf(WORLD, ONE)], policy })).verdict, 'unsupported')
  })

  it('ignores a token of another size, and dates a change only by a time stamp of its own checkpoint', async () => {
    const grown = createWorld([GENESIS, STATEMENT, WITHDRAWAL])
    const ignored = await ask({ hints: [tokenOf(grown, ONE)], policy: byStamp })
    deepEqual([ignored.verdict, remarksOf(ignored)], ['sealed', ['stampNone']])
    const receipt = await WORLD.receipt(1, { hints: [tokenOf(WORLD, ONE)], witnesses: WITNESSES })
    const file = digestsOf(FILE)
    for (const [token, when] of [
      [tokenOf(grown, ONE, { seconds: STAMPED_AT + 60 }), formatTime((STAMPED_AT + 60) * 1000)],
      [{ ...tokenOf(WORLD, ONE), size: grown.size }, undefined],
    ] as const) {
      const currency = listingOf(grown, [{ index: 2, receiptText: await grown.receipt(2, { hints: [token], witnesses: WITNESSES }) }])
      const { verdict, date, changes } = await verify({ file, receipt, policy: byStamp, chain: [], currency, trust: 'policy' })
      deepEqual([verdict, date, changes[0]?.when], ['withdrawn', STAMP_DATE, when])
    }
  })

  it('is unchecked where this program has no cryptography, which says nothing about the time stamp', async () => {
    const { crypto } = globalThis
    const receipt = await WORLD.receipt(1, { hints: [tokenOf(WORLD, ONE)], witnesses: WITNESSES })
    Object.defineProperty(globalThis, 'crypto', { value: { ...crypto, subtle: undefined }, configurable: true })
    try {
      const result = await verify({ file: digestsOf(FILE), receipt, policy: byStamp, chain: [], trust: 'policy' })
      deepEqual([result.verdict, result.unchecked, remarksOf(result)], ['unchecked', 'unable', ['stampUnable']])
      match(result.sentence, /time stamps cannot be checked here. Open the page over https/)
    } finally {
      Object.defineProperty(globalThis, 'crypto', { value: crypto, configurable: true })
    }
  })
})
