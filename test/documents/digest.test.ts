/** The digests of a file. */

import { deepEqual, equal, match } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { digestsOf } from '../../src/documents/digest.ts'

const hash = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex')
const bytes = (text: string) => new TextEncoder().encode(text)

describe('documents/digest', () => {
  it('is the SHA-256 of the bytes and of the RFC 8785 form', () => {
    const text = '{ "b": 1.0, "a": null }\n'
    deepEqual(digestsOf(bytes(text)), { bytes: text.length, sha256: hash(text), jcs: hash('{"a":null,"b":1}') })
  })

  for (const [what, text, code] of [
    ['is no JSON', '%PDF-1.7', 'JSON_MALFORMED'],
    ['is empty', '', 'JSON_MALFORMED'],
    ['has a duplicate key', '{"a":1,"a":1}', 'JSON_DUPLICATE_KEY'],
    ['has a number that is not exact', '{"a":9007199254740993}', 'JSON_NUMBER'],
    ['has half of a surrogate pair', '"\\ud800"', 'JSON_SURROGATE'],
    ['starts with a byte order mark', '\ufeff{}', 'JSON_NOT_UTF8'],
  ] as const) {
    it(`has no jcs for a file that ${what}, and says why`, () => {
      const digest = digestsOf(bytes(text))
      equal(digest.sha256, hash(bytes(text)))
      equal(digest.jcs, undefined)
      match(digest.jcsReason ?? '', new RegExp(`^${code}: `))
    })
  }

  it('has no jcs for bytes that are not UTF-8', () => match(digestsOf(Uint8Array.of(0xff, 0xfe)).jcsReason ?? '', /^JSON_NOT_UTF8/))
})
