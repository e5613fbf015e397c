/** Policies. */

import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { toBase64 } from '../../src/core/bytes.ts'
import type { Json } from '../../src/core/json.ts'
import { formatPolicy, keysOf, parsePolicy } from '../../src/core/policy.ts'
import { countingAnchors, coversSize, isChain } from '../../src/core/policy-anchors.ts'
import type { PolicyError } from '../../src/core/policy-members.ts'
import { createSigner, formatVkey, parseVkey } from '../../src/core/tlog/note.ts'
import { issue } from '../timestamp/authority.ts'
import { savedAs } from './saved-as.ts'

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
const [CERTIFICATE, SECOND] = ['One', 'Two'].map(name => toBase64(issue({ name, ca: true }).der)) as [string, string]
const AUTHORITY = {
  type: 'rfc3161',
  name: 'Authority of Example',
  certificates: [CERTIFICATE],
  policies: ['1.2.3.4', '2.999.0'],
  production: true,
  fromSize: 0,
} as const
const OTHER = { ...AUTHORITY, certificates: [SECOND] }
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

  it('requires lists of keys, witnesses and anchors, and objects in them', () => {
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
      const [anchor] = parsePolicy(JSON.stringify({ ...FULL, anchors: [{ ...ANCHOR, finality: { confirmations } }] })).anchors.filter(
        isChain,
      )
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
    ['the log’s own key for a witness', { witnesses: [vkeyOf('witness.example', 1, 4)] }],
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
    ['a chain id of zero', { anchors: [{ ...ANCHOR, chainId: 0 }] }],
    ['a code hash with 0x', { anchors: [{ ...ANCHOR, codeSha256: `0x${'cd'.repeat(32)}` }] }],
    ['production that is no boolean', { anchors: [{ ...ANCHOR, production: 1 }] }],
    ['one log on one chain twice, so that it would count twice', { anchors: [ANCHOR, { ...ANCHOR, fromSize: 9, production: false }] }],
  ] as const) {
    it(`refuses ${what}`, () => throws(() => parsePolicy(JSON.stringify({ ...FULL, ...change })), { code: 'POLICY_MALFORMED' }))
  }

  it('takes an authority of time stamps, with its defaults', () => {
    const { policies: _policies, production: _, fromSize: __, ...bare } = AUTHORITY
    const anchors = [ANCHOR, AUTHORITY, { ...OTHER, toSize: 9 }]
    deepEqual(parsePolicy(JSON.stringify({ ...FULL, anchors })).anchors, anchors)
    deepEqual(parsePolicy(JSON.stringify({ ...FULL, anchors: [bare] })).anchors, [{ ...bare, production: false, fromSize: 0 }])
  })

  const eight = Array.from({ length: 9 }, (_, at) => toBase64(Uint8Array.of(0x30, 3, 2, 1, at)))
  for (const [what, change, message] of [
    ['an unknown member', { url: 'https://tsa.example' }, /url/],
    ['no name', { name: undefined }, /lacks name|name/],
    ['a blank name', { name: ' ' }, /\.name/],
    ['a name of 201 characters', { name: 'a'.repeat(201) }, /\.name/],
    ['a name that turns the line around', { name: 'a\u202eb' }, /\.name/],
    ['no certificates', { certificates: undefined }, /certificates/],
    ['an empty list of certificates', { certificates: [] }, /0 items instead of 1 to 8/],
    ['nine certificates', { certificates: eight }, /9 items instead of 1 to 8/],
    ['a certificate in PEM', { certificates: ['-----BEGIN CERTIFICATE-----'] }, /certificates\[0\] is not base64/],
    ['a certificate that is no text', { certificates: [7] }, /certificates\[0\] is not base64/],
    ['base64 of no DER', { certificates: [toBase64(Uint8Array.of(0x31, 0))] }, /certificates\[0\] is not a certificate/],
    [
      'a certificate with a byte behind it',
      { certificates: [toBase64(Buffer.concat([Buffer.from(CERTIFICATE, 'base64'), Buffer.of(0)]))] },
      /certificates\[0\] is not a certificate/,
    ],
    ['an empty certificate', { certificates: [''] }, /certificates\[0\] is not a certificate/],
    ['one certificate twice', { certificates: [CERTIFICATE, CERTIFICATE] }, /one certificate twice/],
    ['an empty list of policies', { policies: [] }, /policies is empty/],
    ['a policy that is no object identifier', { policies: ['1.2.3', '1.2.03'] }, /policies\[1\] is not an object identifier/],
    ['a policy of one arc', { policies: ['1'] }, /policies\[0\]/],
    ['a policy whose second arc is too large', { policies: ['1.40.1'] }, /policies\[0\]/],
    ['a policy that is no text', { policies: [1.2] }, /policies\[0\]/],
    ['production that is no boolean', { production: 1 }, /production/],
    ['a range that ends before it begins', { fromSize: 5, toSize: 4 }, /toSize/],
  ] as const) {
    it(`refuses an authority with ${what}`, () =>
      throws(() => parsePolicy(JSON.stringify({ ...FULL, anchors: [ANCHOR, { ...AUTHORITY, ...change }] })), {
        code: 'POLICY_MALFORMED',
        message,
      }))
  }

  it('refuses two authorities that share a certificate, at whatever sizes', () => {
    const anchors = [
      { ...AUTHORITY, toSize: 8 },
      { ...OTHER, certificates: [...OTHER.certificates, CERTIFICATE], fromSize: 9 },
    ]
    throws(() => parsePolicy(JSON.stringify({ ...FULL, anchors })), { code: 'POLICY_MALFORMED', message: /one certificate twice/ })
  })

  it('counts anchors for production alone if there are enough of them at a size, each chain once', () => {
    const count = (anchors: readonly object[], requireAnchors: number, size = 1) => {
      const counted = countingAnchors(parsePolicy(JSON.stringify({ ...FULL, anchors, requireAnchors })), size)
      return [counted.anchors.length, counted.isTest]
    }
    const test = { ...OTHER, production: false }
    const second = { ...ANCHOR, contract: `0x${'aa'.repeat(20)}` }
    deepEqual(count([ANCHOR, test], 1), [1, false])
    deepEqual(count([ANCHOR, test], 2), [2, true])
    deepEqual(count([ANCHOR, AUTHORITY, test], 2), [2, false])
    deepEqual(count([ANCHOR, second], 2), [2, true])
    deepEqual(count([ANCHOR, { ...AUTHORITY, fromSize: 2 }], 2), [1, true])
    deepEqual(count([ANCHOR, { ...AUTHORITY, fromSize: 2 }], 2, 2), [2, false])
  })

  it('tells two witnesses apart whose keys end alike', () => {
    // Both end in "+" as base64, and "+" also stands between the parts of a key.
    const witnesses = [38, 77].map((byte, at) => vkeyOf(`witness-${at}.example`, byte, 4))
    ok(witnesses.every(vkey => vkey.endsWith('+')))
    deepEqual(parsePolicy({ ...FULL, witnesses }).witnesses, witnesses)
  })

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

  it('reads what was saved with a byte order mark or in UTF-16', () => {
    for (const bytes of Object.values(savedAs(formatPolicy(FULL)))) deepEqual(parsePolicy(bytes), FULL)
    throws(() => parsePolicy(Uint8Array.of(0x7b, 0xff)), { code: 'TEXT_NOT_UTF8' })
  })

  it('keeps the beginning of a block explorer’s addresses, and takes nothing there that is not a web address', () => {
    const explorer = 'https://explorer.example/mainnet/'
    deepEqual(parsePolicy(JSON.stringify({ ...FULL, anchors: [{ ...ANCHOR, explorer }] })).anchors, [{ ...ANCHOR, explorer }])
    for (const wrong of [
      'javascript:alert(1)',
      'https://',
      '//a.example',
      'https://a.example/" onclick="',
      7,
      `https://${'a'.repeat(2000)}`,
    ])
      throws(() => parsePolicy(JSON.stringify({ ...FULL, anchors: [{ ...ANCHOR, explorer: wrong }] })), { code: 'POLICY_MALFORMED' })
  })

  it('takes 64 keys, witnesses and anchors and no more, and 64 KiB', () => {
    const many = (length: number) => Array.from({ length }, (_, at) => at)
    const lists = {
      logKeys: (length: number) => many(length).map(at => ({ vkey: KEY, fromSize: at, toSize: at })),
      witnesses: (length: number) => many(length).map(at => vkeyOf(`w${at}.example`, at + 3, 4)),
      anchors: (length: number) => many(length).map(at => ({ ...ANCHOR, chainId: at + 1 })),
    }
    for (const [name, make] of Object.entries(lists)) {
      equal(parsePolicy(JSON.stringify({ ...FULL, quorum: 0, [name]: make(64) })).type, FULL.type)
      throws(() => parsePolicy(JSON.stringify({ ...FULL, quorum: 0, [name]: make(65) })), { code: 'POLICY_MALFORMED', message: /64/ })
    }
    const spacious = `${JSON.stringify(FULL)}${' '.repeat(2 ** 16)}`
    throws(() => parsePolicy(spacious), { code: 'POLICY_MALFORMED', message: /65536/ })
    deepEqual(parsePolicy(spacious.slice(0, 2 ** 16)), FULL)
  })

  it('answers a policy of 7 MB with tens of thousands of anchors at once', () => {
    const anchors = Array.from({ length: 25_000 }, (_, at) => ({ ...ANCHOR, chainId: at + 1 }))
    const text = JSON.stringify({ ...FULL, anchors })
    for (const input of [text, JSON.parse(text)]) {
      const began = performance.now()
      throws(() => parsePolicy(input), { code: 'POLICY_MALFORMED' })
      ok(performance.now() - began < 1000)
    }
  })

  it('refuses a policy that time stamps alone could satisfy at some size: they stop no fork', () => {
    const code = (change: object) => {
      try {
        return parsePolicy(JSON.stringify({ ...FULL, quorum: 0, ...change })).type
      } catch (error) {
        return (error as PolicyError).code
      }
    }
    equal(code({ anchors: [AUTHORITY] }), 'POLICY_NO_FORK_GUARD')
    equal(code({ anchors: [ANCHOR, AUTHORITY] }), 'POLICY_NO_FORK_GUARD')
    equal(code({ anchors: [ANCHOR, AUTHORITY, { ...OTHER, fromSize: 9 }], requireAnchors: 2 }), 'POLICY_NO_FORK_GUARD')
    equal(code({ anchors: [ANCHOR, AUTHORITY], requireAnchors: 2 }), FULL.type)
    equal(code({ anchors: [ANCHOR, { ...AUTHORITY, toSize: 8 }, { ...OTHER, fromSize: 9 }], requireAnchors: 2 }), FULL.type)
    equal(code({ anchors: [AUTHORITY], quorum: 1 }), FULL.type)
  })

  it('reads its keys once, each with the sizes for which it counts', () => {
    const policy = parsePolicy(formatPolicy(FULL))
    const keys = keysOf(policy)
    deepEqual(keys.log, [{ vkey: KEY, fromSize: 0, toSize: 100, key: parseVkey(KEY) }])
    deepEqual(keys.witnesses, [parseVkey(WITNESS)])
    equal(keysOf(policy), keys)
  })

  it('refuses a damaged key with the code of keys', () => {
    throws(() => parsePolicy(JSON.stringify({ ...FULL, logKeys: [{ vkey: KEY.replace('+', '+0') }] })), { code: 'NOTE_KEY_MALFORMED' })
  })

  it('calls another version, and a key or an anchor of another kind, unsupported', () => {
    throws(() => parsePolicy(JSON.stringify({ ...FULL, type: 'openseal/policy@v2' })), { code: 'POLICY_UNSUPPORTED' })
    throws(() => parsePolicy(JSON.stringify({ ...FULL, anchors: [{ type: 'btc' }] })), { code: 'POLICY_UNSUPPORTED' })
    for (const bytes of [Uint8Array.of(6, 1, 2, 3), new Uint8Array(33).fill(2)]) {
      const vkey = `${ORIGIN}+01234567+${toBase64(bytes)}`
      throws(() => parsePolicy(JSON.stringify({ ...FULL, logKeys: [{ vkey }] })), { code: 'POLICY_UNSUPPORTED' })
      throws(() => parsePolicy(JSON.stringify({ ...FULL, witnesses: [vkey] })), { code: 'POLICY_UNSUPPORTED' })
    }
  })

  it('covers the sizes of a range, both ends included', () => {
    deepEqual(
      [4, 5, 6, 7].map(size => coversSize({ fromSize: 5, toSize: 6 }, size)),
      [false, true, true, false],
    )
    equal(coversSize({ fromSize: 5 }, 2 ** 53 - 1), true)
  })
})
