/** The schemas of the API's description and core agree on what a statement is. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import type { Json } from '../../src/core/json.ts'
import { parseStatement, StatementError } from '../../src/core/statements/statement.ts'
import { RequestError } from '../../src/http/problem.ts'
import { statement } from '../../src/http/schemas/statements.ts'
import { readCount } from '../../src/http/schemas/values.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const hash = fc.oneof({ weight: 9, arbitrary: fc.constant('ab'.repeat(32)) }, { weight: 1, arbitrary: text })
const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined })
const document = fc.record({
  name: text,
  mediaType: fc.constantFrom('a/b', 'application/pdf', 'text/html; charset=utf-8', 'x'),
  bytes: fc.constantFrom(0, 1, 2 ** 53 - 1, -1, 1.5),
  sha256: hash,
  jcs: maybe(hash),
})
const candidate = fc.record({
  type: fc.constantFrom('openseal/statement@v1', 'openseal/statement@v1', 'openseal/statement@v2'),
  agency: fc.constantFrom('a.example', 'transport.gov.example', 'xn--p1ai.gov.example', 'example', 'A.example'),
  kind: fc.constantFrom('procurement', 'decision', 'other'),
  action: fc.constantFrom('publish', 'amend', 'withdraw'),
  record: fc.oneof(text, fc.constant('é'.repeat(256)), fc.constant('é'.repeat(257))),
  revision: maybe(text),
  identifiers: maybe(fc.array(fc.record({ scheme: fc.constantFrom('ocid', 'x-1', 'X'), value: text }), { maxLength: 2 })),
  target: maybe(text),
  title: maybe(text),
  language: maybe(fc.constantFrom('en', 'de-AT', '!')),
  published: fc.constantFrom('2026-01-31T00:00:00Z', '0000-01-01T00:00:00Z', undefined, '2026-01-31'),
  documents: fc.array(document, { maxLength: 2 }),
  reason: maybe(fc.record({ code: fc.constantFrom('correction', 'other', 'x'), text: maybe(text) })),
  salt: maybe(fc.constantFrom('A'.repeat(43), 'A'.repeat(42))),
})

const SAMPLE = {
  type: 'openseal/statement@v1',
  agency: 'a.example',
  kind: 'decision',
  action: 'publish',
  record: 'r',
  documents: [{ name: 'a', mediaType: 'a/b', bytes: 0, sha256: 'ab'.repeat(32) }],
}

describe('http: schemas', () => {
  /**
   * Rules that no schema can express: the bytes of an id, names that are equal in another encoding,
   * days that no calendar has, the size of the whole.
   */
  const UNSAID = /has \d+ bytes instead of|is used twice|half of a surrogate|not a time|larger than/
  const refusalOf = (value: unknown): string | undefined => {
    try {
      parseStatement(value as Json, { salted: false })
    } catch (error) {
      ok(error instanceof StatementError, String(error))
      return error.message
    }
    return undefined
  }

  it('describe exactly the rules for statements that core enforces', () => {
    const counts = { accepted: 0, refused: 0 }
    fc.assert(
      fc.property(candidate, draft => {
        const value = JSON.parse(JSON.stringify(draft))
        const refusal = refusalOf(value)
        const parsed = statement.safeParse(value)
        if (refusal === undefined) ok(parsed.success, `${JSON.stringify(value)}: ${parsed.error}`)
        else if (!UNSAID.test(refusal)) ok(!parsed.success, `${refusal}: ${JSON.stringify(value)}`)
        counts[refusal === undefined ? 'accepted' : 'refused']++
      }),
      { numRuns: 5000, seed: 7 },
    )
    ok(counts.accepted > 5 && counts.refused > 5, JSON.stringify(counts))
  })

  it('describe names and ids without invisible characters or white space at either end', () => {
    const sample = JSON.parse(JSON.stringify(SAMPLE))
    for (let code = 0; code < 0x3100; code++) {
      const character = String.fromCodePoint(code)
      for (const record of [character, `a${character}b`, `${character}b`, `a${character}`]) {
        const value = { ...sample, record }
        equal(statement.safeParse(value).success, refusalOf(value) === undefined, `U+${code.toString(16)} in ${JSON.stringify(record)}`)
      }
    }
  })

  it('distinguish the three actions', () => {
    const { documents, ...rest } = SAMPLE
    const reason = { code: 'other' }
    for (const [wrong, what] of [
      [{ ...SAMPLE, target: 'r' }, 'a publication with a target'],
      [{ ...SAMPLE, reason }, 'a publication with a reason'],
      [{ ...rest, documents: [] }, 'a publication without documents'],
      [{ ...SAMPLE, action: 'amend' }, 'an amendment without a reason'],
      [{ ...SAMPLE, action: 'withdraw', reason, revision: 'r' }, 'a withdrawal with a revision'],
    ] as const) {
      ok(refusalOf(wrong) !== undefined, what)
      ok(!statement.safeParse(wrong).success, what)
    }
    for (const right of [
      SAMPLE,
      { ...SAMPLE, action: 'amend', reason, target: 'r' },
      { ...rest, action: 'withdraw', reason, documents: [] },
    ])
      deepEqual([refusalOf(right), statement.safeParse(right).success], [undefined, true])
    equal(documents.length, 1)
  })

  it('read whole numbers in one spelling', () => {
    for (const good of ['0', '7', '9007199254740991']) equal(readCount(good, 'size'), Number(good))
    for (const bad of ['', '007', '-1', '+1', '1.0', '1e3', ' 1', '1 ', '0x1', '9007199254740992', '٣'])
      try {
        readCount(bad, 'size')
        throw new Error(`${bad} was read`)
      } catch (error) {
        ok(error instanceof RequestError && error.code === 'NUMBER_MALFORMED', String(error))
      }
  })
})
