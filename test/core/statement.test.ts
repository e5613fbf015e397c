/** Statements: what is accepted, their canonical bytes, and versions of one record. */

import { deepEqual, equal, notEqual, throws } from 'node:assert/strict'
import fc from 'fast-check'
import { canonicalJson, type Json, parseJson } from '../../src/core/json.ts'
import {
  canonicalStatement,
  compareVersions,
  identityOf,
  MAX_STATEMENT_BYTES,
  parseAnyStatement,
  parseStatement,
  type Statement,
  sameDocuments,
  spliceSalt,
  statementBody,
} from '../../src/core/statement.ts'
import { anyStatement, FULL, SALT } from './statements.ts'

const parse = (value: object) => parseStatement(value as unknown as Json, { salted: false })
const { reason: _reason, ...withoutReason } = FULL
const PUBLISH: Statement = { ...withoutReason, action: 'publish' }
const document = FULL.documents[0]!
const refuses = (change: object, message: RegExp, base: object = FULL) =>
  throws(() => parse({ ...base, ...change }), { code: 'STATEMENT_MALFORMED', message })

describe('core/statement: what is accepted', () => {
  it('accepts a statement with every member, and any valid one', () => {
    deepEqual(parse(FULL), FULL)
    fc.assert(fc.property(anyStatement, s => deepEqual(parseAnyStatement(parseJson(canonicalStatement(s))), s)))
  })

  it('wants a salt where one is due', () => {
    const { salt: _, ...unsalted } = FULL
    deepEqual(parse(unsalted), unsalted)
    throws(() => parseStatement(unsalted as unknown as Json, { salted: true }), { code: 'STATEMENT_MALFORMED', message: /lacks salt/ })
    throws(() => parseAnyStatement(unsalted as unknown as Json), { code: 'STATEMENT_MALFORMED', message: /lacks salt/ })
  })

  it('names the member that is missing', () => {
    for (const member of ['agency', 'kind', 'action', 'record', 'published', 'documents']) {
      const { [member]: _, ...rest } = FULL as unknown as Record<string, Json>
      throws(() => parse(rest), { code: 'STATEMENT_MALFORMED', message: new RegExp(`lacks ${member}`) })
    }
  })

  it('refuses unknown members at every depth', () => {
    refuses({ note: 'x' }, /unknown member "note"/)
    refuses({ documents: [{ ...document, url: 'x' }] }, /documents\[0\] has an unknown member "url"/)
    refuses({ identifiers: [{ scheme: 'ocid', value: 'x', uri: 'y' }] }, /identifiers\[0\] has an unknown member "uri"/)
    refuses({ reason: { code: 'other', why: 'x' } }, /reason has an unknown member "why"/)
    throws(() => parseStatement(parseJson(`{"__proto__":{},${JSON.stringify(FULL).slice(1)}`), { salted: true }), {
      message: /unknown member "__proto__"/,
    })
  })

  it('calls another type unsupported, never malformed', () => {
    for (const type of ['openseal/statement@v2', 'openseal/key@v2', 'openseal/erasure@v1', 'x']) {
      throws(() => parseAnyStatement({ ...(FULL as unknown as Record<string, Json>), type }), { code: 'STATEMENT_UNSUPPORTED' })
    }
    for (const value of ['x', 1, [], {}, { type: 1 }]) throws(() => parseAnyStatement(value as Json), { code: 'STATEMENT_MALFORMED' })
  })

  it('takes an agency only as a lower-case DNS name of two labels or more', () => {
    for (const agency of ['a.b', 'x1.y-2.z', `${'a'.repeat(63)}.example`]) equal(parse({ ...FULL, agency }).agency, agency)
    for (const agency of [
      '',
      'gov',
      'Gov.example',
      'a..b',
      '.a.b',
      'a.b.',
      '-a.b',
      'a-.b',
      'a_b.c',
      'ä.example',
      `${'a'.repeat(64)}.b`,
      'a.b\n',
      7,
    ]) {
      refuses({ agency }, /agency/)
    }
    refuses({ agency: `${'a.'.repeat(127)}b`.slice(0, 255) }, /agency/)
  })

  it('bounds record and revision by bytes of UTF-8, not by characters', () => {
    for (const member of ['record', 'revision']) {
      parse({ ...FULL, [member]: 'é'.repeat(256) })
      refuses({ [member]: `${'é'.repeat(256)}x` }, /513 bytes instead of 1 to 512/)
      refuses({ [member]: '' }, new RegExp(member))
      refuses({ [member]: '\ud800' }, /surrogate/)
    }
  })

  for (const [what, change] of [
    ['a kind that is not known', { kind: 'law' }],
    ['an action that is not known', { action: 'delete' }],
    ['a day that the calendar lacks', { published: '2026-02-30T00:00:00Z' }],
    ['a time with an offset', { published: '2026-02-03T00:00:00+01:00' }],
    ['a language that is no tag', { language: 'en_GB' }],
    ['an empty language', { language: '' }],
    ['a title that is no string', { title: 3 }],
    ['an identifier scheme in upper case', { identifiers: [{ scheme: 'OCID', value: 'x' }] }],
    ['an identifier scheme of 33 characters', { identifiers: [{ scheme: 'a'.repeat(33), value: 'x' }] }],
    ['an empty identifier', { identifiers: [{ scheme: 'ocid', value: '' }] }],
    ['identifiers that are no list', { identifiers: {} }],
    ['a salt of 31 bytes', { salt: 'A'.repeat(42) }],
    ['a salt whose last character is not canonical', { salt: `${'A'.repeat(42)}B` }],
    ['documents that are no list', { documents: {} }],
    ['257 documents', { documents: Array(257).fill(document) }],
    ['a document without a name', { documents: [{ ...document, name: '' }] }],
    ['a media type without a subtype', { documents: [{ ...document, mediaType: 'pdf' }] }],
    ['negative bytes', { documents: [{ ...document, bytes: -1 }] }],
    ['broken bytes', { documents: [{ ...document, bytes: 1.5 }] }],
    ['bytes beyond a safe integer', { documents: [{ ...document, bytes: 2 ** 53 }] }],
    ['a digest in upper case', { documents: [{ ...document, sha256: 'AB'.repeat(32) }] }],
    ['a digest of 63 digits', { documents: [{ ...document, sha256: 'a'.repeat(63) }] }],
    ['a jcs digest that is no digest', { documents: [{ ...document, jcs: '' }] }],
    ['a reason without a code', { reason: { text: 'x' } }],
    ['a reason whose code is not known', { reason: { code: 'because' } }],
    ['null', { title: null }],
  ] as const) {
    it(`refuses ${what}`, () => refuses(change, /./))
  }

  it('wants a reason to amend and to withdraw, and none to publish', () => {
    refuses({ action: 'amend' }, /reason is missing/, withoutReason)
    refuses({ action: 'withdraw' }, /reason is missing/, withoutReason)
    refuses({ action: 'publish' }, /reason belongs/)
  })

  it('lets only a withdrawal go without documents', () => {
    deepEqual(parse({ ...FULL, action: 'withdraw', documents: [] }).documents, [])
    refuses({ documents: [] }, /documents has 0 items/)
    refuses({ documents: [] }, /documents has 0 items/, PUBLISH)
  })

  it('finds a canonical form above 32 KiB whichever member makes it so', () => {
    const { title: _title, ...rest } = FULL
    const long = 'x'.repeat(33 * 1024)
    const [document] = FULL.documents
    const large: readonly object[] = [
      { title: long },
      { language: long },
      { reason: { code: 'other', text: long } },
      { identifiers: [{ scheme: 'local', value: long }] },
      { identifiers: Array.from({ length: 1200 }, () => ({ scheme: 'local', value: 'x' })) },
      { documents: [{ ...document, name: long }] },
      { documents: [{ ...document, mediaType: long }] },
      { documents: Array.from({ length: 256 }, () => document) },
    ]
    for (const change of large)
      throws(
        () => parse({ ...rest, ...change } as never),
        (error: { code?: string }) => error.code === 'STATEMENT_TOO_LARGE' || error.code === 'STATEMENT_MALFORMED',
        JSON.stringify(change).slice(0, 60),
      )
  })

  it('accepts 256 documents and refuses a canonical form above 32 KiB by one byte', () => {
    const small = { name: 'a', mediaType: 'a/b', bytes: 1, sha256: 'ab'.repeat(32) }
    parse({ ...FULL, documents: Array(256).fill(small) })
    const room = MAX_STATEMENT_BYTES - Buffer.byteLength(canonicalStatement({ ...FULL, title: '' }))
    for (const { salt, ...rest } of [FULL]) {
      parse({ ...rest, salt, title: 'x'.repeat(room) })
      parse({ ...rest, title: 'x'.repeat(room) })
      throws(() => parse({ ...rest, salt, title: 'x'.repeat(room + 1) }), { code: 'STATEMENT_TOO_LARGE' })
      throws(() => parse({ ...rest, title: 'x'.repeat(room + 1) }), { code: 'STATEMENT_TOO_LARGE' })
      throws(() => parse({ ...rest, title: 'é'.repeat(room / 2 + 1) }), { code: 'STATEMENT_TOO_LARGE' })
    }
    throws(() => parse({ ...FULL, title: 'x'.repeat(40 * 1024) }), { code: 'STATEMENT_TOO_LARGE' })
  })
})

describe('core/statement: canonical bytes', () => {
  it('equals RFC 8785 for every valid statement, with and without the salt', () => {
    fc.assert(
      fc.property(anyStatement, s => {
        const { salt, ...unsalted } = s
        equal(canonicalStatement(s), canonicalJson(s))
        equal(statementBody(s), canonicalJson(unsalted))
        equal(spliceSalt(statementBody(unsalted), salt, unsalted), canonicalJson(s))
      }),
      { numRuns: 500 },
    )
  })

  it('has one identity whatever the salt, and another for any other member', () => {
    const identity = (s: Statement) => identityOf(statementBody(s))
    equal(identity(FULL), identity({ ...FULL, salt: `${'B'.repeat(42)}A` }))
    for (const change of [{ record: 'x' }, { revision: 'x' }, { title: 'x' }, { published: '2026-11-23T10:00:01Z' }, { documents: [] }]) {
      notEqual(identity(FULL), identity({ ...FULL, ...change }))
    }
  })
})

describe('core/statement: a change of keys', () => {
  const change = {
    type: 'openseal/key@v1',
    origin: 'ledger.example/log',
    oldKey: 'ledger.example/log+00000001+Aa==',
    newKey: 'ledger.example/log+00000002+Ab==',
    fromSize: 3,
    created: '2026-11-24T00:00:00Z',
    salt: SALT,
  }

  it('is read as it stands, and written in its canonical form', () => {
    const read = parseAnyStatement(change)
    deepEqual(read, change)
    equal(canonicalStatement(read), canonicalJson(change))
  })

  it('is refused with any member missing, unknown or out of bounds', () => {
    const wrong: readonly object[] = [
      ...Object.keys(change)
        .filter(name => name !== 'type')
        .map(name => ({ [name]: undefined })),
      { more: 1 },
      { origin: '' },
      { origin: 'other.example' },
      { oldKey: 'other.example+00000001+Aa==' },
      { newKey: change.oldKey },
      { newKey: 'ledger.example/logs+00000002+Ab==' },
      { fromSize: 2 },
      { fromSize: 3.5 },
      { fromSize: '3' },
      { created: '2026-11-24' },
      { salt: 'short' },
    ]
    for (const damage of wrong) {
      const damaged = JSON.parse(JSON.stringify({ ...change, ...damage }))
      throws(() => parseAnyStatement(damaged), { code: 'STATEMENT_MALFORMED' }, JSON.stringify(damage))
    }
    const long = { ...change, newKey: `${change.newKey}${'A'.repeat(33 * 1024)}` }
    throws(() => parseAnyStatement(long), { code: 'STATEMENT_TOO_LARGE' })
  })
})

describe('core/statement: the genesis', () => {
  const genesis = {
    type: 'openseal/genesis@v1',
    origin: 'log.example/one',
    logKey: 'log.example/one+00000000+AAAA',
    anchors: [{ type: 'evm', chainId: 1, contract: `0x${'ab'.repeat(20)}`, logId: `0x${'cd'.repeat(32)}` }],
    created: '2026-11-23T10:00:00Z',
    salt: SALT,
  }

  it('is read, and has its RFC 8785 form', () => {
    const read = parseAnyStatement(genesis)
    deepEqual(read, genesis)
    equal(canonicalStatement(read), canonicalJson(genesis))
  })

  it('refuses a key of another name, unknown members, a bad time, salt or anchor', () => {
    const [anchor] = genesis.anchors
    for (const change of [
      { logKey: 'other+00000000+AAAA' },
      { origin: '' },
      { more: 1 },
      { created: 'today' },
      { salt: 'A' },
      { anchors: {} },
      { anchors: [{ ...anchor, chainId: 0 }] },
      { anchors: [{ ...anchor, contract: `0x${'AB'.repeat(20)}` }] },
      { anchors: [{ ...anchor, logId: '0x' }] },
      { anchors: [{ ...anchor, x: 1 }] },
    ]) {
      throws(() => parseAnyStatement({ ...genesis, ...change } as Json), { code: 'STATEMENT_MALFORMED' })
    }
    throws(() => parseAnyStatement({ ...genesis, anchors: [{ ...anchor, type: 'btc' }] } as Json), { code: 'STATEMENT_UNSUPPORTED' })
  })
})

describe('core/statement: versions of one record', () => {
  const other = { ...document, sha256: 'ef'.repeat(32) }
  const { jcs: _jcs, ...plain } = document
  const edited = { ...plain, sha256: '12'.repeat(32) }
  const { revision: _revision, ...unversioned } = PUBLISH

  it('calls the same revision with other documents a silent edit', () => {
    equal(compareVersions(PUBLISH, { ...PUBLISH, documents: [edited] }), 'silent-edit')
    equal(compareVersions(PUBLISH, { ...PUBLISH, documents: [document, edited] }), 'silent-edit')
    equal(compareVersions(FULL, { ...PUBLISH, documents: [edited] }), 'silent-edit')
  })

  it('calls equal content in other bytes reformatted', () => {
    equal(compareVersions(PUBLISH, { ...PUBLISH, documents: [other] }), 'reformatted')
    equal(compareVersions({ ...PUBLISH, documents: [document, edited] }, { ...PUBLISH, documents: [edited, other] }), 'reformatted')
    equal(compareVersions({ ...PUBLISH, documents: [document, document] }, { ...PUBLISH, documents: [other, edited] }), 'silent-edit')
  })

  it('calls the same documents again a repeat, in any order and under any name', () => {
    equal(compareVersions(PUBLISH, { ...PUBLISH, published: '2026-12-01T00:00:00Z' }), 'repeat')
    const two = { ...PUBLISH, documents: [edited, { ...document, name: 'b' }] }
    equal(compareVersions({ ...PUBLISH, documents: [document, edited] }, two), 'repeat')
    equal(sameDocuments(PUBLISH, two), false)
  })

  it('lets only publications collide where there is no revision', () => {
    equal(compareVersions(unversioned, { ...unversioned, documents: [edited] }), 'silent-edit')
    const { revision: _, ...amendment } = FULL
    equal(compareVersions(amendment, { ...unversioned, documents: [edited] }), 'none')
    equal(compareVersions(unversioned, { ...amendment, documents: [edited] }), 'none')
  })

  it('calls nothing an edit that is of another version, or says openly what it does', () => {
    equal(compareVersions(PUBLISH, { ...PUBLISH, revision: 'r-3', documents: [edited] }), 'none')
    equal(compareVersions(PUBLISH, { ...PUBLISH, record: 'x', documents: [edited] }), 'none')
    equal(compareVersions(PUBLISH, { ...PUBLISH, agency: 'a.b', documents: [edited] }), 'none')
    equal(compareVersions(PUBLISH, { ...FULL, documents: [edited] }), 'none')
    equal(compareVersions(PUBLISH, { ...FULL, action: 'withdraw', documents: [] }), 'none')
  })
})
