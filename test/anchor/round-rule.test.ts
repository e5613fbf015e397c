/** When a round is final by the ledger's own policy, and which anchor stands for it. */
import { deepEqual } from 'node:assert/strict'
import type { FinalAnchor } from '../../src/anchor/final-anchors.ts'
import { judgeRound, type RoundRule } from '../../src/anchor/round-rule.ts'
import type { PolicyAnchor } from '../../src/core/policy-anchors.ts'

const CONTRACT = `0x${'c0'.repeat(20)}`
const LOG_ID = `0x${'1d'.repeat(32)}`
const chain = (chainId: number, production: boolean): PolicyAnchor => ({
  ...{
    type: 'evm',
    chainId,
    contract: CONTRACT,
    codeSha256: 'ab'.repeat(32),
    logId: LOG_ID,
    production,
    finality: 'finalized',
    fromSize: 0,
  },
})
const authority = { type: 'rfc3161', name: 'One', certificates: ['MAA='], production: true, fromSize: 0 } as const
const anchorAt = (chainId: number, time: string): FinalAnchor => ({
  ...{ type: 'evm', chainId, contract: CONTRACT, logId: LOG_ID, size: 5, root: 'ab', transaction: '0x1' },
  block: { number: 1, hash: '0x2', time },
})
const [EARLY, LATE] = ['2026-11-20T10:00:00Z', '2026-11-20T11:00:00Z']
const cosignature = { size: 5, vkey: 'w', line: '', time: LATE }
const token = { size: 5, name: 'One', token: '', time: LATE, sha256: '', signer: 'a', renewBy: LATE, created: LATE }

describe('the judgement of a round', () => {
  it('names the anchor of a chain that counts, and not an earlier one of a test network', () => {
    const rule: RoundRule = { witnesses: [], quorum: 0, anchors: [chain(1, false), chain(10, true)], requireAnchors: 1 }
    const counted = anchorAt(10, LATE)
    const found = judgeRound(rule, { size: 5, cosignatures: [], timestamps: [], anchors: [anchorAt(1, EARLY), counted] })
    deepEqual(found, { isCosigned: true, anchor: counted, time: LATE })
  })

  it('is final by witnesses and a time stamp alone, and then names no anchor', () => {
    const rule: RoundRule = { witnesses: ['w'], quorum: 1, anchors: [authority], requireAnchors: 1 }
    const found = judgeRound(rule, { size: 5, cosignatures: [cosignature], timestamps: [token], anchors: [] })
    deepEqual(found, { isCosigned: true, anchor: undefined, time: LATE })
  })

  it('is not final where witnesses are missing, whatever a chain says', () => {
    const rule: RoundRule = { witnesses: ['w'], quorum: 1, anchors: [chain(1, true)], requireAnchors: 1 }
    const anchor = anchorAt(1, EARLY)
    deepEqual(judgeRound(rule, { size: 5, cosignatures: [], timestamps: [], anchors: [anchor] }), { isCosigned: false, anchor })
  })

  it('counts the signatures of the witnesses that the policy names, and each once', () => {
    const rule: RoundRule = { witnesses: ['v', 'w'], quorum: 2, anchors: [chain(1, true)], requireAnchors: 1 }
    const isCosignedBy = (...vkeys: string[]) =>
      judgeRound(rule, { size: 5, cosignatures: vkeys.map(vkey => ({ ...cosignature, vkey })), timestamps: [], anchors: [] }).isCosigned
    deepEqual([isCosignedBy('w', 'w'), isCosignedBy('w', 'x'), isCosignedBy('x', 'w', 'v')], [false, false, true])
  })

  it('takes the time by which as many anchors agree as the policy requires, each voucher once, by its earliest', () => {
    const rule: RoundRule = { witnesses: [], quorum: 0, anchors: [chain(1, true), authority], requireAnchors: 2 }
    const timeOf = (anchors: FinalAnchor[], timestamps: (typeof token)[]) =>
      judgeRound(rule, { size: 5, cosignatures: [], timestamps, anchors }).time
    const early = { ...token, time: EARLY }
    deepEqual(timeOf([anchorAt(1, EARLY)], [token]), LATE)
    deepEqual(timeOf([anchorAt(1, EARLY)], []), undefined)
    deepEqual(timeOf([], [early, token]), undefined)
    deepEqual(timeOf([anchorAt(1, EARLY)], [early, token]), EARLY)
  })

  it('counts the tokens of one key once, by the earliest, whatever authorities gave them', () => {
    const anchors = [authority, { ...authority, name: 'Two', certificates: ['MAE='] }]
    const rule = (requireAnchors: number): RoundRule => ({ witnesses: [], quorum: 0, anchors, requireAnchors })
    const timeOf = (requireAnchors: number, signer: string) => {
      const timestamps = [token, { ...token, name: 'Two', time: EARLY, signer }]
      return judgeRound(rule(requireAnchors), { size: 5, cosignatures: [], timestamps, anchors: [] }).time
    }
    deepEqual([timeOf(1, 'a'), timeOf(2, 'a'), timeOf(2, 'b')], [EARLY, undefined, LATE])
    // A token of an authority that the policy does not name takes nothing away from another.
    const strange = { ...token, name: 'Strange', time: EARLY }
    deepEqual(judgeRound(rule(1), { size: 5, cosignatures: [], timestamps: [strange, token], anchors: [] }).time, LATE)
  })

  it('counts no anchor of another contract or log on the chain, and no token of another authority', () => {
    const rule: RoundRule = { witnesses: [], quorum: 0, anchors: [chain(1, true), authority], requireAnchors: 1 }
    const others = [
      { ...anchorAt(1, EARLY), contract: `0x${'c1'.repeat(20)}` },
      { ...anchorAt(1, EARLY), logId: `0x${'1e'.repeat(32)}` },
      anchorAt(2, EARLY),
    ]
    const found = judgeRound(rule, { size: 5, cosignatures: [], timestamps: [{ ...token, name: 'Two' }], anchors: others })
    deepEqual(found, { isCosigned: true, anchor: undefined })
  })
})
