/** Valid statements, one by hand and arbitrary ones. */

import fc from 'fast-check'
import { REASON_CODES, type Statement } from '../../../src/core/statements/statement.ts'
import { formatTime } from '../../../src/core/time.ts'

/** A salt of 32 zero bytes. */
export const SALT = 'A'.repeat(43)

/** A statement with every member. */
export const FULL: Statement & { salt: string } = {
  type: 'openseal/statement@v1',
  agency: 'transport.gov.example',
  kind: 'procurement',
  action: 'amend',
  record: 'ocds-87SD3T-0001',
  revision: 'r-2',
  target: 'r-1',
  identifiers: [{ scheme: 'ocid', value: 'ocds-87SD3T-0001' }],
  title: 'Ремонт моста — Γέφυρα',
  language: 'uk-UA',
  published: '2026-11-23T10:00:00Z',
  documents: [{ name: 'tender.pdf', mediaType: 'application/pdf', bytes: 12, sha256: 'ab'.repeat(32), jcs: 'cd'.repeat(32) }],
  reason: { code: 'correction', text: 'A digit was wrong' },
  salt: SALT,
}

const text = (maxLength = 30) => fc.string({ unit: 'grapheme', maxLength })
const words = fc.string({ unit: 'binary', maxLength: 30 })
const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
  .filter(text => !/^\p{White_Space}|\p{White_Space}$|[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u.test(text))
const hex = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytes => Buffer.from(bytes).toString('hex'))
const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/)
const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })

const document = fc.record(
  {
    name,
    mediaType: fc.constantFrom('application/pdf', 'application/json; charset=utf-8', 'text/xml'),
    bytes: fc.maxSafeNat(),
    sha256: hex,
    jcs: hex,
  },
  { requiredKeys: ['name', 'mediaType', 'bytes', 'sha256'] },
)

/** Any valid statement, salted. */
export const anyStatement: fc.Arbitrary<Statement & { salt: string }> = fc
  .record({
    agency: fc.array(label, { minLength: 2, maxLength: 4 }).map(labels => labels.join('.')),
    kind: fc.constantFrom('procurement', 'decision'),
    action: fc.constantFrom('publish', 'amend', 'withdraw'),
    record: name,
    revision: some(name),
    target: some(name),
    identifiers: some(fc.array(fc.record({ scheme: fc.constantFrom('ocid', 'ada', 'x-1'), value: name }), { maxLength: 3 })),
    title: some(words),
    language: some(fc.constantFrom('en', 'el-GR', 'zh-Hant-TW', 'x-local')),
    published: some(fc.integer({ min: 0, max: 253_402_300_799 }).map(seconds => formatTime(seconds * 1000))),
    documents: fc.uniqueArray(document, { minLength: 1, maxLength: 4, selector: ({ name }) => name.normalize('NFC') }),
    code: fc.constantFrom(...REASON_CODES),
    words: some(text()),
    salt: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytes => Buffer.from(bytes).toString('base64url')),
  })
  .map(({ code, words, ...rest }) => {
    const { action } = rest
    const reason = action === 'publish' ? undefined : { code, text: words }
    const target = action === 'publish' ? undefined : rest.target
    const revision = action === 'withdraw' ? undefined : rest.revision
    // JSON leaves out what is undefined.
    return JSON.parse(JSON.stringify({ type: 'openseal/statement@v1', ...rest, reason, target, revision }))
  })
