/** Which policy of a trust list judges a receipt, and what is said if none does. */

import { deepEqual, equal, match } from 'node:assert/strict'
import { formatPolicy } from '../../src/core/policy.ts'
import { createSigner, formatVkey } from '../../src/core/tlog/note.ts'
import { parseTrustList } from '../../src/core/trust.ts'
import { digestsOf } from '../../src/documents/digest.ts'
import { readReceiptParts } from '../../src/verifier/checks.ts'
import { entryOf } from '../../src/verifier/judge.ts'
import { TRUSTS_LIST } from '../../src/verifier/sentence.ts'
import { type VerifyInput, verify } from '../../src/verifier/verify.ts'
import { ANCHOR, chainWith, createChain, createWorld, FILE, GENESIS, LOG, ORIGIN, policyWith, STATEMENT } from './world.ts'

const ELSEWHERE = 'log.example/two'
const OTHER_LOG = createSigner(ELSEWHERE, new Uint8Array(32).fill(8))
const WORLD = createWorld([GENESIS, STATEMENT])

/** The JSON of a policy for the other ledger. */
const elsewhere = (change: object = {}) => ({
  type: 'openseal/policy@v1',
  origin: ELSEWHERE,
  logKeys: [{ vkey: formatVkey(OTHER_LOG.vkey) }],
  anchors: [{ ...ANCHOR, chainId: 10 }],
  ...change,
})
const listOf = (...policies: readonly object[]) =>
  parseTrustList(
    JSON.stringify({
      type: 'openseal/trust@v1',
      name: 'Neighbours',
      entries: policies.map((policy, at) => ({ name: `Ledger ${at + 1}`, policy })),
    }),
  )
const own = JSON.parse(formatPolicy(policyWith()))
const LIST = listOf(own, elsewhere())

const check = async (policy: VerifyInput['policy'], receipt: string | undefined, change: Partial<VerifyInput> = {}) =>
  verify({ file: digestsOf(FILE), receipt, policy, chain: [chainWith(WORLD)], trust: 'policy', ...change })

describe('verifier/judge', () => {
  it('judges each receipt by the policy of its own ledger, and names the list and the ledger', async () => {
    const here = await check(LIST, await WORLD.receipt(1))
    equal(here.verdict, 'anchored')
    deepEqual([here.trust, here.list], ['list', { name: 'Neighbours', sha256: LIST.sha256, entry: 'Ledger 1' }])
    match(here.sentence, /^We did not check.* This trusts the policy of “Ledger 1” in the list “Neighbours”\.$/)
    const there = await check(LIST, await WORLD.receipt(1, { origin: ELSEWHERE, signer: OTHER_LOG }), {
      chain: [chainWith(WORLD, { chainId: 10 })],
    })
    deepEqual([there.verdict, there.origin, there.list?.entry], ['anchored', ELSEWHERE, 'Ledger 2'])
  })

  it('gives the same result by a list as by the policy in it, except for whose word it is', async () => {
    for (const receipt of [await WORLD.receipt(1), (await WORLD.receipt(1)).replace('index 1', 'index 0'), 'no receipt', undefined])
      for (const chain of [[chainWith(WORLD)], [createChain({})], [createChain({ down: true })], []]) {
        const by = await check(policyWith(), receipt, { chain })
        const { list: _list, ...byList } = await check(LIST, receipt, { chain })
        deepEqual(
          {
            ...byList,
            trust: 'policy',
            sentence: byList.sentence.replace(` ${TRUSTS_LIST.replace('{entry}', 'Ledger 1').replace('{list}', 'Neighbours')}`, ''),
          },
          by,
        )
      }
  })

  it('accepts no key of one ledger for another', async () => {
    const forged = await check(LIST, await WORLD.receipt(1, { origin: ELSEWHERE, signer: LOG }))
    equal(forged.verdict, 'invalid')
    const stolen = await check(LIST, await WORLD.receipt(1, { origin: ORIGIN, signer: OTHER_LOG }))
    equal(stolen.verdict, 'invalid')
  })

  it('calls a damaged name of a ledger a bad signature, not an unknown ledger', async () => {
    const { verdict, failed } = await check(LIST, (await WORLD.receipt(1)).replace(`${ORIGIN}\\n2`, 'log.example/onf\\n2'))
    deepEqual([verdict, failed], ['invalid', 'checkpoint'])
  })

  it('says of an unknown ledger which ledgers the list knows', async () => {
    const stranger = createSigner('stranger.example', new Uint8Array(32).fill(9))
    const result = await check(LIST, await WORLD.receipt(1, { origin: 'stranger.example', signer: stranger }))
    deepEqual([result.verdict, result.exit, result.trust], ['unsupported', 7, 'list'])
    equal(result.sentence, 'This proof is from a ledger that the list “Neighbours” does not know. The list knows: Ledger 1, Ledger 2.')
    const { status, code, detail } = result.checks.find(({ name }) => name === 'checkpoint')!
    deepEqual([status, code], ['failed', 'CHECKPOINT_ORIGIN'])
    equal(detail, 'the checkpoint is from stranger.example, which the list “Neighbours” does not know')
    deepEqual(
      result.checks.filter(({ status: each }) => each !== 'not-run').map(({ name }) => name),
      ['document', 'statement', 'inclusion', 'checkpoint'],
    )
  })

  it('names the first ledgers only of a long list', async () => {
    const many = listOf(
      ...Array.from({ length: 12 }, (_, at) => ({
        ...elsewhere(),
        origin: `log-${at}.example`,
        logKeys: [{ vkey: formatVkey(createSigner(`log-${at}.example`, new Uint8Array(32).fill(3)).vkey) }],
      })),
    )
    const { list, sentence } = await check(many, await WORLD.receipt(1))
    deepEqual([list?.known?.length, list?.known?.at(-1)], [11, '…'])
    match(sentence, /Ledger 9, Ledger 10, …\.$/)
  })

  it('lets a policy of an unknown kind be the matter of its own ledger', async () => {
    const list = listOf(own, elsewhere({ anchors: [{ type: 'btc' }] }))
    equal((await check(list, await WORLD.receipt(1))).verdict, 'anchored')
    const there = await check(list, await WORLD.receipt(1, { origin: ELSEWHERE, signer: OTHER_LOG }))
    deepEqual([there.verdict, there.checks.find(({ name }) => name === 'checkpoint')?.code], ['unsupported', 'POLICY_UNSUPPORTED'])
    match(there.sentence, /of a kind, or from a ledger, that your policy does not know/)
  })

  it('fails what cannot be read, whatever the list knows', async () => {
    const receipt = await WORLD.receipt(1)
    for (const damaged of ['', '{}', receipt.replace('c2sp.org/tlog-proof@v1', 'x'), receipt.replace(ORIGIN, '')])
      equal((await check(LIST, damaged)).verdict, 'invalid', damaged.slice(0, 60))
  })

  it('says that there is no record by a list as by a policy', async () => {
    const { verdict, trust, sentence } = await check(LIST, undefined)
    deepEqual([verdict, trust], ['unknown', 'list'])
    match(sentence, /^There is no record of this file\./)
  })

  it('reads the keys of no ledger that a receipt does not name', async () => {
    const evidence = readReceiptParts(await WORLD.receipt(1, { origin: 'stranger.example', signer: OTHER_LOG }))
    const read: string[] = []
    const watched = LIST.entries.map(entry => ({
      ...entry,
      policy: new Proxy(entry.policy!, {
        get(policy, member) {
          if (member === 'logKeys') read.push(entry.name)
          return Reflect.get(policy, member)
        },
      }),
    }))
    equal(entryOf({ ...LIST, entries: watched }, evidence)?.name, 'Ledger 2')
    deepEqual(read, ['Ledger 2'])
  })
})
