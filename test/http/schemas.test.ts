/** The edge and core agree on what a statement is: a shape at the edge never refuses what core and every verifier accept. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import { parseStatement, StatementError } from '../../src/core/statement.ts'
import { RequestError } from '../../src/http/problem.ts'
import { readCount, readStatement } from '../../src/http/schemas.ts'

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

describe('http: schemas', () => {
  it('accept a statement exactly when core does, and refuse it by one of its codes', () => {
    let accepted = 0
    const outcome = (read: () => unknown) => {
      try {
        return { value: read() }
      } catch (error) {
        ok(error instanceof StatementError, String(error))
        return { code: error.code }
      }
    }
    fc.assert(
      fc.property(candidate, draft => {
        const value = JSON.parse(JSON.stringify(draft))
        const ours = outcome(() => readStatement(value))
        deepEqual(
          ours,
          outcome(() => parseStatement(value, { salted: false })),
        )
        if ('value' in ours) accepted++
      }),
      { numRuns: 5000, seed: 7 },
    )
    ok(accepted > 5, `only ${accepted} of the drafts were statements`)
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
