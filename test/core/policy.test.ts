/** Policies. */

import { deepEqual, equal, throws } from 'node:assert/strict'
import type { Json } from '../../src/core/json.ts'
import { createSigner, formatVkey } from '../../src/core/note.ts'
import { coversSize, formatPolicy, parsePolicy } from '../../src/core/policy.ts'

const ORIGIN = 'log.example/one'
const vkeyOf = (name: string, byte: number, type = 1) => formatVkey(createSigner(name, new Uint8Array(32).fill(byte), type).vkey)
const KEY = vkeyOf(ORIGIN, 1)
const WITNESS = vkeyOf('witness.example', 2, 4)
const ANCHOR = {
  type: 'evm',
  chainId: 1,
  contract: `0x${'ab'.repeat(20)}`,
  codeSha256: 'cd'.repeat(32),
  logId: `0x${'ef'.repeat(32)}`,
  production: true,
  finality: 'finalized',
  fromSize: 0,
} as const
const FULL = {
  type: 'openseal/policy@v1',
  origin: ORIGIN,
  logKeys: [{ vkey: KEY, fromSize: 0, toSize: 100 }],
  witnesses: [WITNESS],
  quorum: 1,
  anchors: [ANCHOR],
  requireAnchors: 1,
} as const
const { production: _production, fromSize: _fromSize, ...bareAnchor } = ANCHOR

describe('core/policy', () => {
  it('reads back from its text, its bytes and its value', () => {
    const text = formatPolicy(FULL)
    deepEqual(parsePolicy(text), FULL)
    deepEqual(parsePolicy(new TextEncoder().encode(text)), FULL)
    deepEqual(parsePolicy(FULL as unknown as { [member: string]: Json }), FULL)
  })

  it('fills in the defaults', () => {
    const least = { type: FULL.type, origin: ORIGIN, logKeys: [{ vkey: KEY }], anchors: [bareAnchor] }
    deepEqual(parsePolicy(JSON.stringify(least)), {
      ...least,
      logKeys: [{ vkey: KEY, fromSize: 0 }],
      witnesses: [],
      quorum: 0,
      anchors: [{ ...ANCHOR, production: false, fromSize: 0 }],
      requireAnchors: 1,
    })
  })

  it('wants lists of keys, witnesses and anchors, and objects in them', () => {
    for (const name of ['logKeys', 'witnesses', 'anchors'] as const)
      for (const value of ['x', 7, {}, true, [7], ['x'], [[]]])
        throws(
          () => parsePolicy(JSON.stringify({ ...FULL, [name]: value })),
          { code: /^(POLICY|NOTE)_/ },
          `${name}: ${JSON.stringify(value)}`,
        )
  })

  it('brings hex to lower case', () => {
    const { contract, logId, codeSha256 } = ANCHOR
    const upper = {
      ...ANCHOR,
      contract: `0x${contract.slice(2).toUpperCase()}`,
      logId: `0x${logId.slice(2).toUpperCase()}`,
      codeSha256: codeSha256.toUpperCase(),
    }
    deepEqual(parsePolicy(JSON.stringify({ ...FULL, anchors: [upper] })), FULL)
  })

  it('takes confirmations, zero too, for finality', () => {
    for (const confirmations of [0, 12]) {
      const [anchor] = parsePolicy(JSON.stringify({ ...FULL, anchors: [{ ...ANCHOR, finality: { confirmations } }] })).anchors
      deepEqual(anchor?.finality, { confirmations })
    }
  })

  for (const [what, change] of [
    ['an unknown member', { note: 'x' }],
    ['an unknown member of a key', { logKeys: [{ vkey: KEY, from: 1 }] }],
    ['an unknown member of an anchor', { anchors: [{ ...ANCHOR, rpc: 'x' }] }],
    ['an unknown member of finality', { anchors: [{ ...ANCHOR, finality: { confirmations: 1, x: 1 } }] }],
    ['another finality', { anchors: [{ ...ANCHOR, finality: 'latest' }] }],
    ['negative confirmations', { anchors: [{ ...ANCHOR, finality: { confirmations: -1 } }] }],
    ['no origin', { origin: undefined }],
    ['an origin with a space', { origin: 'log example' }],
    ['no keys', { logKeys: [] }],
    ['a key of another name', { logKeys: [{ vkey: vkeyOf('other', 1) }] }],
    ['a witness key for the log', { logKeys: [{ vkey: vkeyOf(ORIGIN, 1, 4) }] }],
    ['a log key for a witness', { witnesses: [vkeyOf('witness.example', 2)] }],
    ['a witness twice', { witnesses: [WITNESS, WITNESS] }],
    ['one witness key under two names', { witnesses: [WITNESS, vkeyOf('second.example', 2, 4)] }],
    ['a quorum that can never be reached', { quorum: 2 }],
    ['a range that ends before it begins', { logKeys: [{ vkey: KEY, fromSize: 5, toSize: 4 }] }],
    ['no requirement of an anchor', { requireAnchors: 0 }],
    ['a chain id that is no number', { anchors: [{ ...ANCHOR, chainId: '1' }] }],
    ['a contract of 19 bytes', { anchors: [{ ...ANCHOR, contract: `0x${'ab'.repeat(19)}` }] }],
    ['a log id without 0x', { anchors: [{ ...ANCHOR, logId: 'ef'.repeat(32) }] }],
    ['something before a contract', { anchors: [{ ...ANCHOR, contract: ` ${ANCHOR.contract}` }] }],
    ['something behind a contract', { anchors: [{ ...ANCHOR, contract: `${ANCHOR.contract}0` }] }],
    ['something before a log id', { anchors: [{ ...ANCHOR, logId: `0${ANCHOR.logId}` }] }],
    ['something behind a log id', { anchors: [{ ...ANCHOR, logId: `${ANCHOR.logId}0` }] }],
    ['something before a code hash', { anchors: [{ ...ANCHOR, codeSha256: `0${ANCHOR.codeSha256}` }] }],
    ['something behind a code hash', { anchors: [{ ...ANCHOR, codeSha256: `${ANCHOR.codeSha256}0` }] }],
    ['a chain id of nought', { anchors: [{ ...ANCHOR, chainId: 0 }] }],
    ['a code hash with 0x', { anchors: [{ ...ANCHOR, codeSha256: `0x${'cd'.repeat(32)}` }] }],
    ['production that is no boolean', { anchors: [{ ...ANCHOR, production: 1 }] }],
    ['one log on one chain twice, so that it would count twice', { anchors: [ANCHOR, { ...ANCHOR, fromSize: 9, production: false }] }],
  ] as const) {
    it(`refuses ${what}`, () => throws(() => parsePolicy(JSON.stringify({ ...FULL, ...change })), { code: 'POLICY_MALFORMED' }))
  }

  it('names the member that cannot be used', () => {
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ origin: 7 }, /origin/],
      [{ logKeys: {} }, /logKeys is not a list/],
      [{ logKeys: [7] }, /logKeys\[0\]/],
      [{ logKeys: [{ vkey: 7 }] }, /logKeys\[0\]\.vkey/],
      [{ logKeys: [{ vkey: KEY, fromSize: -1 }] }, /logKeys\[0\]\.fromSize/],
      [{ logKeys: [{ vkey: KEY, toSize: -1 }] }, /logKeys\[0\]\.toSize/],
      [{ witnesses: {} }, /witnesses is not a list/],
      [{ witnesses: [WITNESS, 7] }, /witnesses\[1\]/],
      [{ quorum: -1 }, /quorum/],
      [{ requireAnchors: '1' }, /requireAnchors/],
      [{ anchors: {} }, /anchors is not a list/],
      [{ anchors: [ANCHOR, 7] }, /anchors\[1\]/],
      ...['chainId', 'contract', 'codeSha256', 'logId', 'production', 'finality', 'fromSize', 'toSize'].map(
        name => [{ anchors: [{ ...ANCHOR, [name]: [] }] }, new RegExp(`anchors\\[0\\]\\.${name}`)] as const,
      ),
      [{ anchors: [{ ...ANCHOR, finality: { confirmations: '1' } }] }, /anchors\[0\]\.finality\.confirmations/],
    ]
    for (const [change, message] of wrong)
      throws(() => parsePolicy(JSON.stringify({ ...FULL, ...change })), { code: 'POLICY_MALFORMED', message }, String(message))
    throws(() => parsePolicy('[]'), { code: 'POLICY_MALFORMED', message: /the policy is not an object/ })
  })

  it('accepts one log twice for different sizes', () => {
    equal(
      parsePolicy(
        JSON.stringify({
          ...FULL,
          anchors: [
            { ...ANCHOR, toSize: 8 },
            { ...ANCHOR, fromSize: 9 },
          ],
        }),
      ).anchors.length,
      2,
    )
  })

  it('refuses a damaged key with the code of keys', () => {
    throws(() => parsePolicy(JSON.stringify({ ...FULL, logKeys: [{ vkey: KEY.replace('+', '+0') }] })), { code: 'NOTE_KEY_MALFORMED' })
  })

  it('calls another version, and an anchor of another kind, unsupported', () => {
    throws(() => parsePolicy(JSON.stringify({ ...FULL, type: 'openseal/policy@v2' })), { code: 'POLICY_UNSUPPORTED' })
    throws(() => parsePolicy(JSON.stringify({ ...FULL, anchors: [{ type: 'btc' }] })), { code: 'POLICY_UNSUPPORTED' })
  })

  it('covers the sizes of a range, both ends included', () => {
    deepEqual(
      [4, 5, 6, 7].map(size => coversSize({ fromSize: 5, toSize: 6 }, size)),
      [false, true, true, false],
    )
    equal(coversSize({ fromSize: 5 }, 2 ** 53 - 1), true)
  })
})
