/** What a receipt says of its anchors is no evidence, but must not contradict the proof or the chain. */

import { deepEqual, equal } from 'node:assert/strict'
import type { AnchorHint } from '../../src/core/receipt.ts'
import type { ChainReader } from '../../src/verifier/anchors.ts'
import { digestsOf } from '../../src/verifier/digest.ts'
import { verify } from '../../src/verifier/verify.ts'
import { ANCHORED_AT, chainWith, createWorld, FILE, GENESIS, hintOf, policyWith, STATEMENT } from './world.ts'

const WORLD = createWorld([GENESIS, STATEMENT])
const HINT = hintOf(WORLD)
const block = (change: object) => ({ block: { ...HINT.block!, ...change } })
const later = (hex: string) => `${hex.slice(0, -1)}${hex.endsWith('0') ? '1' : '0'}`

const ask = async (change: Partial<AnchorHint>, chain: readonly ChainReader[] = [chainWith(WORLD)]) => {
  const receipt = await WORLD.receipt(1, { hints: [{ ...HINT, ...change }] })
  const result = await verify({ file: digestsOf(FILE), receipt, policy: policyWith(), chain, trust: 'policy' })
  const anchor = result.checks.find(({ name }) => name === 'anchor')
  return [result.verdict, anchor?.code, anchor?.notes[0]?.values.member]
}

describe('verifier/hints', () => {
  it('lets a hint stand that fits', async () => {
    deepEqual(await ask({}), ['anchored', undefined, undefined])
  })

  const changes: readonly (readonly [string, Partial<AnchorHint>])[] = [
    ['chainId', { chainId: 2 }],
    ['contract', { contract: later(HINT.contract) }],
    ['logId', { logId: later(HINT.logId) }],
    ['size', { size: WORLD.size + 1 }],
    ['transaction', { transaction: later(HINT.transaction!) }],
    ['block.number', block({ number: 51 })],
    ['block.hash', block({ hash: later(HINT.block!.hash) })],
    ['block.time', block({ time: '2026-01-01T00:00:00Z' })],
  ]
  for (const [member, change] of changes) {
    it(`finds a ${member} that the proof or the chain contradicts`, async () => {
      deepEqual(await ask(change), ['invalid', 'ANCHOR_HINT', member])
    })
  }

  for (const [member, change] of [
    ['contract', { contract: HINT.contract.slice(0, -1) }],
    ['contract', { contract: HINT.contract.toUpperCase() }],
    ['logId', { logId: HINT.logId.replace('1', 'g') }],
    ['transaction', { transaction: HINT.transaction!.slice(1) }],
    ['contract', { contract: `x${HINT.contract}` }],
    ['contract', { contract: `${HINT.contract}0` }],
    ['logId', { logId: `x${HINT.logId}` }],
    ['logId', { logId: `${HINT.logId}0` }],
    ['block.hash', block({ hash: '' })],
    ['block.time', block({ time: '2026-02-30T00:00:00Z' })],
  ] as const) {
    it(`refuses a ${member} that cannot be, with no chain to ask`, async () => {
      deepEqual(await ask(change, []), ['invalid', 'ANCHOR_HINT', member])
    })
  }

  it('takes no word of a node that has thrown the block away, nor of one that does not answer, for a contradiction', async () => {
    for (const facts of [{ pruned: true }, { down: true }]) {
      const chain = [chainWith(WORLD, { pruned: true }), chainWith(WORLD, facts)]
      for (const [member, change] of changes.filter(([member]) => member !== 'size' && member !== 'block.time'))
        equal((await ask(change, chain))[0], 'anchored', member)
    }
    deepEqual(await ask(block({ time: '2026-01-01T00:00:00Z' }), [chainWith(WORLD, { pruned: true })]), [
      'invalid',
      'ANCHOR_HINT',
      'block.time',
    ])
  })

  it('refuses a size that is not that of the proof, with no chain to ask', async () => {
    deepEqual(await ask({ size: WORLD.size + 1 }, []), ['invalid', 'ANCHOR_HINT', 'size'])
  })

  it('asks nobody about a hint that names no transaction', async () => {
    const { transaction: _t, block: _b, ...bare } = HINT
    const asked: unknown[] = []
    const anchoredIn: ChainReader['anchoredIn'] = async place => {
      asked.push(place)
      return []
    }
    const receipt = await WORLD.receipt(1, { hints: [bare] })
    const chain = [{ ...chainWith(WORLD), anchoredIn }]
    const result = await verify({ file: digestsOf(FILE), receipt, policy: policyWith(), chain, trust: 'policy' })
    deepEqual([result.verdict, asked], ['anchored', []])
  })

  it('holds the time of the block against the anchor of its own chain, contract and log only', async () => {
    const time = block({ time: '2026-01-01T00:00:00Z' })
    const pruned = [chainWith(WORLD, { pruned: true })]
    deepEqual(await ask(time, pruned), ['invalid', 'ANCHOR_HINT', 'block.time'])
    for (const other of [{ chainId: 2 }, { contract: later(HINT.contract) }, { logId: later(HINT.logId) }])
      deepEqual(await ask({ ...time, ...other }, pruned), ['anchored', undefined, undefined])
  })

  it('names the member by the anchor that is most like the hint, among several of one transaction', async () => {
    const good = chainWith(WORLD)
    const [event] = (await good.anchoredIn?.({ transaction: HINT.transaction!, blockHash: HINT.block!.hash })) ?? []
    const other = { ...event!, contract: later(HINT.contract), logId: later(HINT.logId), size: 99 }
    const between = { ...event!, logId: later(HINT.logId), size: 98 }
    for (const events of [
      [other, between, event!],
      [event!, between, other],
      [between, event!, other],
    ]) {
      const chain = [{ ...good, anchoredIn: async () => events }]
      deepEqual(await ask({}, chain), ['anchored', undefined, undefined])
      deepEqual(await ask(block({ number: 51 }), chain), ['invalid', 'ANCHOR_HINT', 'block.number'])
    }
  })

  it('lets a hint stand that one of two endpoints confirms', async () => {
    const liar = { ...chainWith(WORLD), anchoredIn: async () => [] }
    deepEqual(await ask({}, [liar, chainWith(WORLD)]), ['anchored', undefined, undefined])
    deepEqual(await ask({}, [liar, liar]), ['invalid', 'ANCHOR_HINT', 'transaction'])
  })

  it('lets a hint of a chain stand that nobody was asked about', async () => {
    const elsewhere: AnchorHint = {
      ...HINT,
      chainId: 10,
      transaction: later(HINT.transaction!),
      ...block({ hash: later(HINT.block!.hash) }),
    }
    const receipt = await WORLD.receipt(1, { hints: [HINT, elsewhere] })
    const result = await verify({ file: digestsOf(FILE), receipt, policy: policyWith(), chain: [chainWith(WORLD)], trust: 'policy' })
    deepEqual([result.verdict, result.date], ['anchored', new Date(ANCHORED_AT * 1000).toISOString().replace('.000', '')])
  })
})
