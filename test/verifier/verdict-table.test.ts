/** The whole table of design §7.6–8 against the verifier, and the page that shows it. */

import { deepEqual, equal, throws } from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { toBase64 } from '../../src/core/bytes.ts'
import type { Policy } from '../../src/core/policy.ts'
import type { ReceiptToken } from '../../src/core/receipt.ts'
import type { Statement } from '../../src/core/statements/statement.ts'
import { formatCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { formatVkey } from '../../src/core/tlog/note.ts'
import { digestsOf } from '../../src/documents/digest.ts'
import type { ChainReader } from '../../src/verifier/chain-reader.ts'
import type { CurrencyReader, Listed } from '../../src/verifier/currency.ts'
import type { ListedErasure } from '../../src/verifier/erased.ts'
import { verify } from '../../src/verifier/verify.ts'
import { issue, issuedBy, stamp as makeStamp, TIME_STAMPING } from '../timestamp/authority.ts'
import {
  allCases,
  allVoucherCases,
  type Case,
  type ChainCase,
  type ChangeOf,
  expect,
  expectVouched,
  formatPage,
  type Source,
  type VoucherCase,
} from './verdict-table.ts'
import {
  AMENDMENT,
  ANCHOR,
  chainWith,
  createChain,
  createWorld,
  FILE,
  GENESIS,
  listingOf,
  ORIGIN,
  policyWith,
  STATEMENT,
  tombstoneOf,
  WITHDRAWAL,
  WITNESSES,
  type World,
} from './world.ts'

const OTHER = { name: 'annex.pdf', mediaType: 'application/pdf', bytes: 1, sha256: 'cd'.repeat(32) }
const OWN: Statement = { ...STATEMENT, documents: [...STATEMENT.documents, OTHER] }
const NO_CODE = digestsOf(new Uint8Array()).sha256

/** The statement at index 2, which makes of the one at index 1 what it says. */
const LATER: { readonly [change in ChangeOf]: Statement | undefined } = {
  nothing: undefined,
  'a document was added': { ...OWN, documents: [{ ...OTHER, name: 'second annex.pdf' }] },
  'a later version': { ...OWN, revision: 'r-2' },
  edited: { ...OWN, documents: AMENDMENT.documents },
  'another document edited': { ...OWN, documents: [{ ...OTHER, sha256: 'ef'.repeat(32) }] },
  superseded: AMENDMENT,
  withdrawn: WITHDRAWAL,
  'a statement that does not verify': WITHDRAWAL,
  'a withdrawal that was erased': WITHDRAWAL,
  'a statement that was erased, nobody says what it did': WITHDRAWAL,
  'a statement that was erased, without a tombstone': WITHDRAWAL,
  'its own statement erased': undefined,
}

/** The erased entry, and what the ledger says of it. */
const ERASED: {
  readonly [change in ChangeOf]?: { readonly index: number; readonly effects?: ListedErasure['effects']; readonly bare?: true }
} = {
  'a withdrawal that was erased': { index: 2, effects: [{ on: 1, what: 'withdrawn' }] },
  'a statement that was erased, nobody says what it did': { index: 2 },
  'a statement that was erased, without a tombstone': { index: 2, bare: true },
  'its own statement erased': { index: 1 },
}

type Scene = { readonly world: World; readonly receipt: string; readonly listed: readonly Listed[] }

async function sceneOf(change: ChangeOf): Promise<Scene> {
  const later = LATER[change]
  const erased = ERASED[change]
  const world = createWorld([GENESIS, OWN, ...(later ? [later] : []), ...(erased ? [tombstoneOf(erased.index)] : [])])
  const receipt = await world.receipt(1)
  if (erased !== undefined) {
    const { index, effects, bare } = erased
    const tombstone = { index: world.size - 1, receiptText: await world.receipt(world.size - 1), ...(effects && { effects }) }
    return { world, receipt, listed: [{ index, erased: bare ? {} : tombstone }] }
  }
  if (later === undefined) return { world, receipt, listed: [] }
  const receiptText = await world.receipt(2)
  const damaged = { receiptText: change === 'a statement that does not verify' ? receiptText.replace('index 2', 'index 0') : receiptText }
  return { world, receipt, listed: [{ index: 2, ...damaged }] }
}

function readerOf(world: World, { state }: ChainCase, chainId: number): ChainReader {
  if (state === 'answers no') return createChain({ chainId })
  return chainWith(world, {
    chainId,
    down: state === 'does not answer',
    ...(state === 'disowned' && { closed: { lastGoodSize: 0, block: 1 } }),
    ...(state === 'no code' && { codeSha256: NO_CODE }),
  })
}

function currencyOf(source: Source, { world, listed }: Scene): CurrencyReader | undefined {
  return source === 'nobody' ? undefined : listingOf(world, listed, { source })
}

/** One policy object for each policy, as a caller has it: its keys are read once. */
const policies = new Map<string, Policy>()
function policyOf({ chains, requireAnchors }: Case): Policy {
  const anchors = chains.map(({ production }, at) => ({ ...ANCHOR, chainId: at + 1, production }))
  const key = JSON.stringify([anchors, requireAnchors])
  const policy = policies.get(key) ?? policyWith({}, { anchors, requireAnchors })
  policies.set(key, policy)
  return policy
}

describe('verifier: the table of verdicts', () => {
  it('answers every combination of chains, required number, change, source and file as the table says', async function () {
    this.timeout(240_000)
    const scenes = new Map<ChangeOf, Scene>()
    let count = 0
    for (const each of allCases()) {
      const scene = scenes.get(each.change) ?? (await sceneOf(each.change))
      scenes.set(each.change, scene)
      const { verdict, finding, exit, isGreen, sentence, limits } = await verify({
        ...(each.file && { file: digestsOf(FILE) }),
        receipt: scene.receipt,
        policy: policyOf(each),
        chain: each.chains.map((chain, at) => readerOf(scene.world, chain, at + 1)),
        currency: currencyOf(each.source, scene),
        trust: 'policy',
      })
      const about = `${JSON.stringify(each)}: ${sentence}`
      deepEqual({ verdict, finding, exit, isGreen }, expect(each), about)
      // No sentence says more than the verdict.
      if (!each.file) equal(/\bfile\b/.test(`${sentence} ${limits}`), false, about)
      if (verdict === 'test-network') equal(sentence.endsWith('But the chain is a test network, so this is no evidence.'), true, about)
      if (isGreen) equal(sentence.startsWith('This file has been on the record, unchanged, since '), true, about)
      if (finding === 'anchored' && each.source !== 'ledger')
        equal(sentence.startsWith('We did not check for newer versions.'), true, about)
      count++
    }
    equal(count, 65 * 2 * 25 * 2)
  })

  it('answers every combination of witnesses, up to two chains and up to two time stamps as the table says', async function () {
    this.timeout(120_000)
    const world = createWorld([GENESIS, OWN])
    const data = Buffer.from(formatCheckpoint({ origin: ORIGIN, size: world.size, root: world.root }))
    const authorities = ['One', 'Two'].map(name => {
      const root = issue({ name, ca: true })
      return { name, root, signer: issuedBy(root, { name: `TSA ${name}`, serial: 2, purposes: [TIME_STAMPING] }) }
    })
    const tokens = authorities.map(({ signer }) => {
      const tokenOf = (change: object): ReceiptToken[] => [
        { type: 'rfc3161', size: world.size, token: toBase64(makeStamp({ data, signer, certificates: [signer], ...change })) },
      ]
      return { holds: tokenOf({}), 'is missing': [], 'is bad': tokenOf({ imprint: new Uint8Array(32) }) }
    })
    const signed = { 'not asked for': [], 'enough signed': WITNESSES, 'too few signed': WITNESSES.slice(1) } as const
    const receipts = new Map<string, Promise<string>>()
    const receiptOf = ({ witnesses, stamps }: VoucherCase) => {
      const states = stamps.map(({ state }) => state)
      const key = [witnesses, ...states].join()
      const hints = states.flatMap((state, at) => tokens[at]![state])
      const made = receipts.get(key) ?? world.receipt(1, { witnesses: signed[witnesses], hints })
      receipts.set(key, made)
      return made
    }
    let [count, refused] = [0, 0]
    for (const each of allVoucherCases()) {
      const { witnesses, chains, stamps, requireAnchors } = each
      const anchors = [
        ...chains.map(({ production }, at) => ({ ...ANCHOR, chainId: at + 1, production })),
        ...stamps.map(({ production }, at) => {
          const { name, root } = authorities[at]!
          return { type: 'rfc3161', name, certificates: [toBase64(root.der)], production }
        }),
      ]
      const quorum = witnesses === 'not asked for' ? 0 : 2
      const change = { anchors, requireAnchors, witnesses: WITNESSES.map(({ vkey }) => formatVkey(vkey)), quorum }
      const expected = expectVouched(each)
      count++
      if (expected === 'policy refused') {
        throws(() => policyWith({}, change), { code: 'POLICY_NO_FORK_GUARD' })
        refused++
        continue
      }
      const { verdict, finding, exit, isGreen } = await verify({
        file: digestsOf(FILE),
        receipt: await receiptOf(each),
        policy: policyWith({}, change),
        chain: chains.map((chain, at) => readerOf(world, chain, at + 1)),
        currency: listingOf(world),
        trust: 'policy',
      })
      deepEqual({ verdict, finding, exit, isGreen }, expected, JSON.stringify(each))
    }
    deepEqual([count, refused], [(11 * 10 + 15 * 7) * 7, 11 * (6 * 1 + 3 * 2) + 15 * 6])
  })

  it('is in the docs', async () => {
    if (process.env.WRITE_DOCS) await writeFile('docs/verdicts.md', formatPage())
    equal(await readFile('docs/verdicts.md', 'utf8'), formatPage())
  })
})
