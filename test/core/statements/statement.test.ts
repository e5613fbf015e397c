/** Statements: what is accepted, and their canonical bytes. */

import { deepEqual, equal, notEqual, throws } from 'node:assert/strict'
import fc from 'fast-check'
import { canonicalJson, type Json, parseJson } from '../../../src/core/json.ts'
import { MAX_STATEMENT_BYTES } from '../../../src/core/statements/members.ts'
import { parseAnyStatement } from '../../../src/core/statements/registry.ts'
import {
  canonicalStatement,
  IDENTIFIER_SCHEMES,
  identityOf,
  parseStatement,
  type Statement,
  spliceSalt,
  statementBody,
} from '../../../src/core/statements/statement.ts'
import { anyStatement, FULL, SALT } from './statements.ts'

const parse = (value: object) => parseStatement(value as unknown as Json, { salted: false })
const { reason: _reason, ...withoutReason } = FULL
const { target: _target, ...withoutTarget } = withoutReason
const PUBLISH: Statement = { ...withoutTarget, action: 'publish' }
const { revision: _revision, ...WITHDRAW } = { ...FULL, action: 'withdraw' }
const document = FULL.documents[0]!
const refuses = (change: object, message: RegExp, base: object = FULL) =>
  throws(() => parse({ ...base, ...change }), { code: 'STATEMENT_MALFORMED', message })

describe('core/statement: what is accepted', () => {
  it('accepts a statement with every member, and any valid one', () => {
    deepEqual(parse(FULL), FULL)
    fc.assert(fc.property(anyStatement, s => deepEqual(parseAnyStatement(parseJson(canonicalStatement(s))), s)))
  })

  it('requires a salt where one is due', () => {
    const { salt: _, ...unsalted } = FULL
    deepEqual(parse(unsalted), unsalted)
    throws(() => parseStatement(unsalted as unknown as Json, { salted: true }), { code: 'STATEMENT_MALFORMED', message: /lacks salt/ })
    throws(() => parseAnyStatement(unsalted as unknown as Json), { code: 'STATEMENT_MALFORMED', message: /lacks salt/ })
  })

  it('names the member that is missing', () => {
    for (const member of ['agency', 'kind', 'action', 'record', 'documents']) {
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
    for (const type of ['openseal/statement@v2', 'openseal/key@v2', 'openseal/erasure@v2', 'x']) {
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
    ['a media type with something before it', { documents: [{ ...document, mediaType: ' a/b' }] }],
    ['a media type with something behind it', { documents: [{ ...document, mediaType: 'a/b c' }] }],
    ['a media type with a line behind it', { documents: [{ ...document, mediaType: 'a/b; c\n' }] }],
    ['a salt with something behind it', { salt: `${SALT}A` }],
    ['a salt with something before it', { salt: `A${SALT}` }],
    ['an identifier scheme with something before it', { identifiers: [{ scheme: ' ocid', value: 'x' }] }],
    ['an identifier scheme with something behind it', { identifiers: [{ scheme: 'ocid ', value: 'x' }] }],
    ['a digest with something behind it', { documents: [{ ...document, sha256: 'a'.repeat(65) }] }],
    ['a language with something behind it', { language: 'en ' }],
    ['a text of a reason that is no string', { reason: { code: 'other', text: 7 } }],
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

  it('names the member that is not what it must be', () => {
    const names = [
      'type',
      'agency',
      'kind',
      'action',
      'record',
      'revision',
      'target',
      'identifiers',
      'title',
      'language',
      'published',
      'documents',
      'reason',
      'salt',
    ]
    for (const name of names) refuses({ [name]: 7 }, new RegExp(`^${name} |^${name}$`))
    for (const name of ['scheme', 'value'])
      refuses({ identifiers: [{ scheme: 'ocid', value: 'x', [name]: 7 }] }, new RegExp(`^identifiers\\[0\\]\\.${name} `))
    for (const name of ['name', 'mediaType', 'bytes', 'sha256', 'jcs'])
      refuses({ documents: [document, { ...document, [name]: [] }] }, new RegExp(`^documents\\[1\\]\\.${name} `))
    for (const name of ['code', 'text']) refuses({ reason: { code: 'other', [name]: 7 } }, new RegExp(`^reason\\.${name} `))
    for (const name of ['identifiers', 'documents']) refuses({ [name]: [7] }, new RegExp(`^${name}\\[0\\] is not an object`))
    for (const value of [7, [], null, 'x'])
      throws(() => parseStatement(value as Json, { salted: false }), { message: /^the statement is not an object/ })
  })

  it('takes an empty file, and every kind of media type', () => {
    for (const mediaType of ['a/b', 'application/vnd.ms-excel', 'text/html; charset=utf-8', 'image/svg+xml;x', 'A/B'])
      equal(parse({ ...FULL, documents: [{ ...document, bytes: 0, mediaType }] }).documents[0]?.mediaType, mediaType)
  })

  it('requires a reason to amend and to withdraw, and none to publish', () => {
    refuses({ action: 'amend' }, /reason is missing/, withoutReason)
    refuses({}, /reason is missing/, { ...WITHDRAW, reason: undefined })
    refuses({ reason: FULL.reason }, /reason belongs/, PUBLISH)
  })

  it('lets an amendment and a withdrawal name their target, and nothing else', () => {
    for (const base of [FULL, WITHDRAW]) {
      const { target: _, ...whole } = base
      equal(parse(base).target, 'r-1')
      equal(parse(whole).target, undefined)
    }
    refuses({ target: 'r-1' }, /target belongs to amend and withdraw/, PUBLISH)
    refuses({ target: '' }, /target is empty/)
  })

  it('refuses the revision of a withdrawal, which is not a version', () => {
    refuses({ revision: 'r-2' }, /revision does not go with withdraw/, WITHDRAW)
  })

  it('takes a statement that names no date', () => {
    const { published: _, ...undated } = FULL
    equal(parse(undated).published, undefined)
    equal(canonicalStatement(undated), canonicalJson(undated))
  })

  it('refuses ids and names that begin or end with white space, or hold characters that nobody sees', () => {
    const { title: _, ...rest } = FULL
    const put: ((text: string) => object)[] = [
      ...['record', 'revision', 'target'].map(member => (text: string) => ({ ...rest, [member]: text })),
      text => ({ ...rest, identifiers: [{ scheme: 'local', value: text }] }),
      text => ({ ...rest, documents: [{ ...document, name: text }] }),
    ]
    for (const at of put) {
      for (const text of ['a b', 'Α β', '2026/117', 'é', 'a\u00a0b', '文書 1', 'a\u200bb']) parse(at(text))
      for (const text of [' a', 'a ', '\u00a0a', 'a\u3000', 'a\u2028', '\u0085a', ' '])
        throws(() => parse(at(text)), { code: 'STATEMENT_MALFORMED', message: /white space|control/ }, JSON.stringify(text))
      for (const text of [
        'a\nb',
        'a\u0000b',
        'a\u007fb',
        'a\u009bb',
        'a\u061cb',
        'a\u200eb',
        'a\u200fb',
        'a\u202eb',
        'a\u2066b',
        'a\u2069b',
      ])
        throws(() => parse(at(text)), { code: 'STATEMENT_MALFORMED', message: /control character/ }, JSON.stringify(text))
    }
  })

  it('refuses two documents of one name, however its accents are encoded', () => {
    const named = (...names: string[]) => ({ ...FULL, documents: names.map(name => ({ ...document, name })) })
    for (const names of [
      ['a.pdf', 'b.pdf', 'a.pdf'],
      ['\u00e9.pdf', 'e\u0301.pdf'],
    ])
      throws(() => parse(named(...names)), { code: 'STATEMENT_NAME_TWICE', message: /is used twice/ })
    parse(named('a.pdf', 'A.pdf'))
  })

  it('takes every known scheme of identifiers, and others', () => {
    for (const scheme of [...IDENTIFIER_SCHEMES, 'x-1']) parse({ ...FULL, identifiers: [{ scheme, value: 'x' }] })
  })

  it('knows six reasons', () => {
    for (const code of ['correction', 'legal-change', 'publication-error', 'personal-data', 'court-order', 'other'])
      equal(parse({ ...FULL, reason: { code } }).reason?.code, code)
  })

  it('lets only a withdrawal go without documents', () => {
    deepEqual(parse({ ...WITHDRAW, documents: [] }).documents, [])
    refuses({ documents: [] }, /documents has 0 items/)
    refuses({ documents: [] }, /documents has 0 items/, PUBLISH)
  })

  it('finds a canonical form above 128 KiB whichever member makes it so', () => {
    const { title: _title, ...rest } = FULL
    const long = 'x'.repeat(129 * 1024)
    const [document] = FULL.documents
    const large: readonly object[] = [
      { title: long },
      { language: long },
      { reason: { code: 'other', text: long } },
      { identifiers: [{ scheme: 'local', value: long }] },
      { identifiers: Array.from({ length: 4800 }, () => ({ scheme: 'local', value: 'x' })) },
      { documents: [{ ...document, name: long }] },
      { documents: [{ ...document, mediaType: long }] },
      { documents: Array.from({ length: 256 }, (_, at) => ({ ...document, name: `${at}`.padEnd(400, 'x') })) },
      { identifiers: Array(5200).fill({ scheme: 'a', value: 'b' }) },
    ]
    for (const change of large)
      throws(
        () => parse({ ...rest, ...change } as never),
        (error: { code?: string }) => error.code === 'STATEMENT_TOO_LARGE' || error.code === 'STATEMENT_MALFORMED',
        JSON.stringify(change).slice(0, 60),
      )
  })

  it('accepts 256 documents and refuses a canonical form above 128 KiB by one byte', () => {
    const small = { name: 'a', mediaType: 'a/b', bytes: 1, sha256: 'ab'.repeat(32) }
    parse({ ...FULL, documents: Array.from({ length: 256 }, (_, at) => ({ ...small, name: `${at}` })) })
    const room = MAX_STATEMENT_BYTES - Buffer.byteLength(canonicalStatement({ ...FULL, title: '' }))
    for (const { salt, ...rest } of [FULL]) {
      parse({ ...rest, salt, title: 'x'.repeat(room) })
      parse({ ...rest, title: 'x'.repeat(room) })
      throws(() => parse({ ...rest, salt, title: 'x'.repeat(room + 1) }), { code: 'STATEMENT_TOO_LARGE' })
      throws(() => parse({ ...rest, title: 'x'.repeat(room + 1) }), { code: 'STATEMENT_TOO_LARGE' })
      throws(() => parse({ ...rest, title: 'é'.repeat(room / 2 + 1) }), { code: 'STATEMENT_TOO_LARGE' })
    }
    throws(() => parse({ ...FULL, title: 'x'.repeat(160 * 1024) }), { code: 'STATEMENT_TOO_LARGE' })
  })
})

describe('core/statement: canonical bytes', () => {
  it('equals RFC 8785 for every valid statement, with and without the salt', () => {
    fc.assert(
      fc.property(anyStatement, s => {
        const { salt, ...unsalted } = s
        equal(canonicalStatement(s), canonicalJson(s))
        equal(statementBody(s), canonicalJson(unsalted))
        equal(canonicalStatement(unsalted), canonicalJson(unsalted))
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
