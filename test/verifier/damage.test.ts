/** A receipt damaged anywhere gives an answer, and never a green one where it matters. */

import { equal, notEqual, ok } from 'node:assert/strict'
import fc from 'fast-check'
import { toHex } from '../../src/core/bytes.ts'
import { canonicalJson } from '../../src/core/json.ts'
import type { Policy } from '../../src/core/policy.ts'
import { parseReceipt } from '../../src/core/receipt.ts'
import type { Genesis } from '../../src/core/statements/genesis.ts'
import type { AnyStatement } from '../../src/core/statements/registry.ts'
import type { Statement } from '../../src/core/statements/statement.ts'
import { createSigner, formatVkey } from '../../src/core/tlog/note.ts'
import { digestsOf } from '../../src/documents/digest.ts'
import type { ChainReader } from '../../src/verifier/chain-reader.ts'
import { showsSomething, VERDICTS, type VerdictCode } from '../../src/verifier/verdict.ts'
import { verify } from '../../src/verifier/verify.ts'
import { chainWith, createChain, createWorld, FILE, GENESIS, hintOf, LOG, ORIGIN, policyWith, STATEMENT, WITNESSES } from './world.ts'

/** A thousand statements, each with what happens to be in it. */
const WORLD = createWorld([GENESIS, ...fc.sample(fc.gen().map(randomStatement), { numRuns: 1000, seed: 20261124 })])
const RECEIPTS = await Promise.all(Array.from({ length: WORLD.size - 1 }, (_, at) => WORLD.receipt(at + 1, { hints: [hintOf(WORLD)] })))
const POLICY = policyWith()
const CHAIN = [chainWith(WORLD)]
const ask = (receipt: string | Uint8Array, file = FILE) =>
  verify({ file: digestsOf(file), receipt, policy: POLICY, chain: CHAIN, trust: 'policy' })

describe('verifier: damage', () => {
  it('finds every one of the receipts good before it is damaged', async () => {
    for (const receipt of RECEIPTS) equal((await ask(receipt)).verdict, 'anchored')
  })

  it('answers a thousand random receipts with one byte damaged, and is green only where its meaning is whole', async () => {
    const verdicts = new Map<string, number>()
    const damages = fc.sample(fc.record({ at: fc.nat(), difference: fc.integer({ min: 1, max: 255 }) }), RECEIPTS.length)
    for (const [at, receipt] of RECEIPTS.entries()) {
      const { at: anywhere, difference } = damages[at]!
      const damaged = new TextEncoder().encode(receipt)
      const place = anywhere % damaged.length
      damaged[place] = ((damaged[place] ?? 0) + difference) % 256
      const result = await ask(damaged)
      ok(VERDICTS.some(({ code }) => code === result.verdict))
      verdicts.set(result.verdict, (verdicts.get(result.verdict) ?? 0) + 1)
      // Only white space and what the format ignores may differ.
      if (result.exit === 0) equal(essence(damaged), essence(receipt), `byte ${place} plus ${difference} of ${receipt}`)
    }
    ok((verdicts.get('invalid') ?? 0) > 500, JSON.stringify([...verdicts]))
  })

  it('answers a receipt that is cut off anywhere with `invalid`', async () => {
    const [receipt = ''] = RECEIPTS
    for (let length = 0; length < receipt.length - 1; length += 7) equal((await ask(receipt.slice(0, length))).verdict, 'invalid')
  })

  it('answers a file with one byte damaged with `invalid`', async () => {
    const [receipt = ''] = RECEIPTS
    for (let at = 0; at < FILE.length - 1; at++) {
      const file = FILE.slice()
      file[at] = (file[at] ?? 0) + 1
      const result = await ask(receipt, file)
      notEqual(result.matched, 'bytes')
      equal(result.verdict, 'invalid')
    }
  })

  it('answers any JSON whatever in the place of a receipt, a statement or a proof', async () => {
    const valid = JSON.parse(RECEIPTS[0] ?? '')
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.constantFrom('statement', 'proof', 'anchors', 'type', undefined), async (value, member) => {
        const result = await ask(JSON.stringify(member === undefined ? value : { ...valid, [member]: value }))
        ok(result.exit !== 0 || (member === 'anchors' && Array.isArray(value)))
      }),
      { numRuns: 300 },
    )
  })
})

describe('verifier: damage to every kind of receipt', () => {
  const release = new TextEncoder().encode('{"id":"r-1","ocid":"ocds-1","tender":{"title":"Bridge"}}')
  const { jcs = '' } = digestsOf(release)
  const KEY_CHANGE: AnyStatement = {
    type: 'openseal/key@v1',
    origin: ORIGIN,
    oldKey: formatVkey(LOG.vkey),
    newKey: formatVkey(createSigner(ORIGIN, new Uint8Array(32).fill(4)).vkey),
    fromSize: 4,
    created: '2026-11-20T00:00:00Z',
    salt: 'A'.repeat(43),
  }
  const TIMESTAMP: AnyStatement = {
    type: 'openseal/timestamp@v1',
    size: 3,
    sha256: 'ab'.repeat(32),
    created: '2026-11-20T00:00:00Z',
    salt: 'A'.repeat(43),
  }
  const documents = [{ name: 'r-1.json', mediaType: 'application/json', bytes: release.length, sha256: jcs, jcs }]
  const anchors = [{ type: 'evm', chainId: 1, contract: `0x${'c0'.repeat(20)}`, logId: `0x${'1d'.repeat(32)}` }] as const
  const world = createWorld([{ ...(GENESIS as Genesis), anchors }, STATEMENT, { ...STATEMENT, documents }, KEY_CHANGE, TIMESTAMP])
  const hints = [hintOf(world)]
  const cosigned = policyWith({}, { witnesses: WITNESSES.map(({ vkey }) => formatVkey(vkey)), quorum: WITNESSES.length })
  const known = [chainWith(world)]
  type Kind = { index: number; verdict: VerdictCode; file?: Uint8Array; policy?: Policy; chain?: ChainReader[]; more?: object }
  const kinds: { readonly [kind: string]: Kind } = {
    'the genesis': { index: 0, verdict: 'anchored', more: { hints } },
    'a change of keys': { index: 3, verdict: 'anchored', more: { hints } },
    'the entry of a time stamp': { index: 4, verdict: 'anchored', more: { hints } },
    'an OCDS release': { index: 2, verdict: 'anchored', file: release, more: { hints } },
    'an anchored record': { index: 1, verdict: 'anchored', file: FILE, more: { hints } },
    'a sealed record': { index: 1, verdict: 'sealed', file: FILE, chain: [createChain({})] },
    'a cosigned record': { index: 1, verdict: 'anchored', file: FILE, policy: cosigned, more: { hints, witnesses: WITNESSES } },
  }
  for (const [name, { index, verdict, file, policy = POLICY, chain = known, more = {} }] of Object.entries(kinds)) {
    it(`ends in one of our codes for ${name} with any byte changed, and shows something only where its meaning is whole`, async () => {
      const receipt = await world.receipt(index, more)
      const check = (given: string | Uint8Array) =>
        verify({ file: file && digestsOf(file), receipt: given, policy, chain, trust: 'policy' })
      equal((await check(receipt)).verdict, verdict)
      const bytes = new TextEncoder().encode(receipt)
      const [start = 0] = fc.sample(fc.nat({ max: 4 }), 1)
      const differences = fc.sample(fc.integer({ min: 1, max: 255 }), Math.ceil(bytes.length / 5))
      for (const [turn, difference] of differences.entries()) {
        const at = (start + 5 * turn) % bytes.length
        const damaged = bytes.slice()
        damaged[at] = ((damaged[at] ?? 0) + difference) % 256
        const result = await check(damaged)
        const place = `byte ${at} plus ${difference} of ${receipt}`
        ok(VERDICTS.some(row => row.code === result.verdict))
        for (const { status, code = '' } of result.checks) ok(status !== 'failed' || /^[A-Z0-9]+(_[A-Z0-9]+)+$/.test(code), place)
        if (showsSomething(result.verdict)) equal(essence(damaged), essence(receipt), place)
      }
    })
  }
})

/**
 * Of any action and kind, with whatever members it may have; it lists FILE, or the verdict would
 * say so.
 */
function randomStatement(gen: fc.GeneratorValue): Statement {
  const text = (maxLength: number) => gen(fc.string, { unit: 'grapheme', minLength: 1, maxLength })
  const name = (maxLength: number) =>
    text(maxLength)
      .replace(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '')
      .trim() || 'x'
  const action = gen(fc.constantFrom, 'publish', 'amend')
  const strays = gen(fc.array, fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 3 })
  return {
    ...STATEMENT,
    action,
    ...(gen(fc.boolean) && action === 'amend' ? { target: name(20) } : {}),
    kind: gen(fc.constantFrom, 'procurement', 'decision'),
    record: name(60),
    ...(gen(fc.boolean) ? { title: text(80) } : {}),
    ...(action === 'amend' ? { reason: { code: 'correction', text: text(40) } } : {}),
    documents: [
      ...STATEMENT.documents,
      ...strays.map((hash, at) => ({ name: `${at}-${name(20)}`, mediaType: 'text/plain', bytes: at, sha256: toHex(hash) })),
    ],
  }
}

/** All that a verdict may depend on: the anchors of a receipt are hints. */
function essence(receipt: string | Uint8Array): string {
  const { statement, proof } = parseReceipt(receipt)
  return canonicalJson({ statement, proof })
}
