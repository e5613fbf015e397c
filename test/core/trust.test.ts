/** Trust lists: policies of many ledgers. */

import { deepEqual, equal, throws } from 'node:assert/strict'
import { canonicalJson, type Json } from '../../src/core/json.ts'
import { formatPolicy, parsePolicy } from '../../src/core/policy.ts'
import { createSigner, formatVkey } from '../../src/core/tlog/note.ts'
import { fingerprintOf, formatTrustList, isTrustList, jsonOf, parseTrust, parseTrustList } from '../../src/core/trust.ts'
import { savedAs } from './saved-as.ts'

type Members = { readonly [member: string]: Json }

const policyOf = (origin: string, change: Members = {}): Members => ({
  type: 'openseal/policy@v1',
  origin,
  logKeys: [{ vkey: formatVkey(createSigner(origin, new Uint8Array(32).fill(7)).vkey) }],
  anchors: [
    {
      type: 'evm',
      chainId: 1,
      contract: `0x${'ab'.repeat(20)}`,
      codeSha256: 'cd'.repeat(32),
      logId: `0x${'ef'.repeat(32)}`,
      finality: 'finalized',
    },
  ],
  ...change,
})
const ENTRY = { name: 'Ruritania', ledger: 'https://ledger.ruritania.example', policy: policyOf('ruritania.example/log') }
const OTHER = { name: 'Κατάλογος', policy: policyOf('greece.example/log') }
const LIST = { type: 'openseal/trust@v1', name: 'National archive', entries: [ENTRY, OTHER] }
const listWith = (change: object) => JSON.stringify({ ...LIST, ...change })
const entryWith = (change: object) => listWith({ entries: [{ ...ENTRY, ...change }, OTHER] })

describe('core/trust', () => {
  it('reads a list from its text, its bytes in any encoding, and its value', () => {
    const list = parseTrustList(JSON.stringify(LIST))
    deepEqual(
      list.entries.map(({ name, ledger, origin, policy }) => [name, ledger, origin, policy?.origin]),
      [
        ['Ruritania', 'https://ledger.ruritania.example', 'ruritania.example/log', 'ruritania.example/log'],
        ['Κατάλογος', undefined, 'greece.example/log', 'greece.example/log'],
      ],
    )
    deepEqual(parseTrustList(LIST), list)
    for (const bytes of Object.values(savedAs(JSON.stringify(LIST)))) deepEqual(parseTrustList(bytes), list)
    deepEqual(parseTrustList(formatTrustList(list)), list)
  })

  it('has the fingerprint of its RFC 8785 form, however it is spelled, and so has each policy in it', () => {
    const list = parseTrustList(JSON.stringify(LIST, null, 3))
    equal(list.sha256, fingerprintOf(JSON.parse(canonicalJson(LIST))))
    equal(parseTrust(JSON.stringify(ENTRY.policy, null, 1)).sha256, list.entries[0]!.sha256)
  })

  it('tells a list and a policy apart by their type', () => {
    equal(isTrustList(parseTrust(JSON.stringify(LIST)).given), true)
    equal(isTrustList(parseTrust(JSON.stringify(ENTRY.policy)).given), false)
    throws(() => parseTrust('{"type":"openseal/trust@v2","name":"x","entries":[]}'), { code: 'TRUST_UNSUPPORTED' })
    throws(() => parseTrust('{"type":"openseal/policy@v2"}'), { code: 'POLICY_UNSUPPORTED' })
    throws(() => parseTrust(`"${' '.repeat(64)}"`), { code: 'POLICY_MALFORMED' })
  })

  it('keeps a policy that is not supported as the matter of its own ledger', () => {
    for (const change of [{ type: 'openseal/policy@v2' }, { anchors: [{ type: 'btc' }] }]) {
      const { entries } = parseTrustList(entryWith({ policy: policyOf('ruritania.example/log', change) }))
      deepEqual(
        entries.map(({ origin, policy }) => [origin, policy?.origin]),
        [
          ['ruritania.example/log', undefined],
          ['greece.example/log', 'greece.example/log'],
        ],
      )
    }
    const nameless = { type: 'openseal/policy@v2', name: 'of nobody' }
    throws(() => parseTrustList(entryWith({ policy: nameless })), { code: 'TRUST_MALFORMED', message: /entries\[0\]\.policy\.origin/ })
  })

  it('refuses a malformed policy, and names the entry', () => {
    const { logKeys: _, ...keyless } = ENTRY.policy
    throws(() => parseTrustList(entryWith({ policy: keyless })), { code: 'POLICY_MALFORMED', message: /entries\[0\] \("Ruritania"\)/ })
    throws(() => parseTrustList(entryWith({ policy: policyOf('a.example', { requireAnchors: 0 }) })), { code: 'POLICY_MALFORMED' })
    throws(() => parseTrustList(entryWith({ policy: policyOf('ruritania.example/log', { witnesses: ['x'.repeat(70_000)] }) })), {
      code: 'TRUST_MALFORMED',
      message: /larger than 65536 bytes/,
    })
  })

  it('refuses two policies for one ledger, even if one of them is not supported', () => {
    const twice = { name: 'again', policy: policyOf('ruritania.example/log', { type: 'openseal/policy@v2' }) }
    throws(() => parseTrustList(listWith({ entries: [ENTRY, OTHER, twice] })), { code: 'TRUST_ORIGIN_TWICE' })
  })

  it('refuses anything missing, unknown or out of bounds', () => {
    const many = (count: number) => Array.from({ length: count }, (_, at) => ({ name: `${at}`, policy: policyOf(`l${at}.example`) }))
    for (const text of [
      listWith({ type: undefined }),
      listWith({ name: undefined }),
      listWith({ entries: undefined }),
      listWith({ more: 1 }),
      listWith({ entries: [] }),
      listWith({ entries: {} }),
      listWith({ entries: many(257) }),
      listWith({ entries: [7] }),
      entryWith({ name: undefined }),
      entryWith({ policy: undefined }),
      entryWith({ policy: 'text' }),
      entryWith({ trust: true }),
      '7',
      '[]',
    ])
      throws(() => parseTrustList(text), { code: 'TRUST_MALFORMED' }, text.slice(0, 100))
    throws(() => parseTrustList(`{"name":"x",${JSON.stringify(LIST).slice(1)}`), { code: 'JSON_DUPLICATE_KEY' })
    throws(() => parseTrustList(JSON.stringify(LIST) + ' '.repeat(1024 * 1024)), { code: 'TRUST_MALFORMED' })
    equal(parseTrustList(listWith({ entries: many(256) })).entries.length, 256)
  })

  it('refuses names that steer or reorder the sentence around them', () => {
    for (const name of ['', ' x', 'x ', 'a\nb', 'a\tb', 'a\u202eb', '\u2068a', 'a\u2028b', 'a\u0000b', '\ud800', 'x'.repeat(201)])
      for (const text of [listWith({ name }), entryWith({ name })])
        throws(() => parseTrustList(text), { code: /^(?:TRUST_MALFORMED|JSON_SURROGATE)$/ }, JSON.stringify(name))
    throws(() => parseTrustList({ ...LIST, name: '\ud800' }), { code: 'TRUST_MALFORMED' })
  })

  it('takes the plain http(s) address of a ledger only', () => {
    const ledgerOf = (ledger: string) => parseTrustList(entryWith({ ledger })).entries[0]!.ledger
    equal(ledgerOf('http://127.0.0.1:8080/'), 'http://127.0.0.1:8080')
    equal(ledgerOf('https://copy.example/ledger'), 'https://copy.example/ledger')
    for (const ledger of [
      '',
      'ftp://a.example',
      'javascript:alert(1)',
      'https://',
      'https://user:secret@a.example',
      'https://a.example?x',
      'https://a.example#x',
      'https://a b',
      'https://a.example:70000',
      '//a.example',
      7,
    ])
      throws(() => parseTrustList(entryWith({ ledger })), { code: 'TRUST_MALFORMED' }, String(ledger))
  })

  it('is held for later beside the policy of a ledger that it does not know', () => {
    const list = parseTrustList(LIST)
    const own = parsePolicy(policyOf('own.example/log'))
    const held = parseTrustList(jsonOf(own, list))
    deepEqual(held.name, 'National archive + own.example/log')
    deepEqual(held.entries.at(-1)!.policy, own)
    equal(held.entries.at(-1)!.sha256, parseTrust(formatPolicy(own)).sha256)
    // Long names are cut, and stay names.
    const long = parsePolicy(policyOf(`${'o'.repeat(199)}🏛.example`))
    for (const length of [1, 196, 197, 198, 199, 200])
      for (const policy of [own, long]) {
        const { name, entries } = parseTrustList(jsonOf(policy, parseTrustList({ ...LIST, name: 'n'.repeat(length) })))
        deepEqual([name.startsWith('n'.repeat(length)), entries.at(-1)!.origin], [true, policy.origin])
      }
    const known = parsePolicy(ENTRY.policy)
    deepEqual([jsonOf(known, list), jsonOf(list, undefined)], [list.json, list.json])
    deepEqual(jsonOf(own, undefined), JSON.parse(JSON.stringify(own)))
  })
})
