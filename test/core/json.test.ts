/** The strict reader and the RFC 8785 form. */

import { deepEqual, equal, throws } from 'node:assert/strict'
import fc from 'fast-check'
import { OpenSealError } from '../../src/core/errors.ts'
import { canonicalJson, type Json, type JsonOptions, parseJson } from '../../src/core/json.ts'
import vectors from './vectors/jcs.json' with { type: 'json' }

const refuses = (input: string | Uint8Array, code: string, options?: JsonOptions) => throws(() => parseJson(input, options), { code })
const bytes = (...values: number[]) => Uint8Array.from(values)

describe('core/json: the strict reader', () => {
  it('reads what JSON.parse reads, by its quick and by its careful path', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), value => {
        const text = JSON.stringify(value)
        if (text.includes('\\ud')) return
        deepEqual(parseJson(text, { allowNull: true }), JSON.parse(text))
        deepEqual(parseJson(` ${text}`, { allowNull: true }), JSON.parse(text))
        deepEqual(parseJson(JSON.stringify(value, null, 2), { allowNull: true }), JSON.parse(text))
      }),
    )
  })

  it('reads every escape and every kind of white space', () => {
    equal(parseJson(' \t\r\n"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00" '), '"\\/\b\f\n\r\té😀')
  })

  it('reads the escaped dash of receipts as the dash, and an escaped backslash before the same letters as these', () => {
    deepEqual(parseJson('{"a":"\\u2014 x"}'), { a: '— x' })
    deepEqual(parseJson('{"a":"\\\\u2014"}'), { a: '\\u2014' })
    deepEqual(parseJson('["—","\\u2014","\\\\\\u2014"]'), ['—', '—', '\\—'])
  })

  for (const [text, code] of [
    ['{"a":1,"a":2}', 'JSON_DUPLICATE_KEY'],
    ['{"—":1,"\\u2014":2}', 'JSON_DUPLICATE_KEY'],
    ['{"\\u2014":1,"\\u2014":1}', 'JSON_DUPLICATE_KEY'],
    ['{"a":1,"\\u0061":2}', 'JSON_DUPLICATE_KEY'],
    ['{"__proto__":1,"__proto__":2}', 'JSON_DUPLICATE_KEY'],
    ['{"a":{"b":[{"c":1,"c":1}]}}', 'JSON_DUPLICATE_KEY'],
    ['"\\ud800"', 'JSON_SURROGATE'],
    ['"\\udc00\\ud800"', 'JSON_SURROGATE'],
    ['{"\\ud800":1}', 'JSON_SURROGATE'],
    ['"\ud800"', 'JSON_SURROGATE'],
    ['null', 'JSON_NULL'],
    ['{"a":[null]}', 'JSON_NULL'],
    ['1e400', 'JSON_NUMBER'],
    ['[-1e400]', 'JSON_NUMBER'],
    ['\ufeff{}', 'JSON_NOT_UTF8'],
    ['', 'JSON_MALFORMED'],
    ['{', 'JSON_MALFORMED'],
    ['{"a"}', 'JSON_MALFORMED'],
    ['{"a":1,}', 'JSON_MALFORMED'],
    ['{a:1}', 'JSON_MALFORMED'],
    ['[1,]', 'JSON_MALFORMED'],
    ['[1 2]', 'JSON_MALFORMED'],
    ['01', 'JSON_MALFORMED'],
    ['+1', 'JSON_MALFORMED'],
    ['1.', 'JSON_MALFORMED'],
    ['.5', 'JSON_MALFORMED'],
    ['NaN', 'JSON_MALFORMED'],
    ['"a', 'JSON_MALFORMED'],
    ['"\n"', 'JSON_MALFORMED'],
    ['"\\x"', 'JSON_MALFORMED'],
    ['"\\u12"', 'JSON_MALFORMED'],
    ['"\\uzzzz"', 'JSON_MALFORMED'],
    ['"\\u12g4"', 'JSON_MALFORMED'],
    ['"\\u 123"', 'JSON_MALFORMED'],
    ['"\\u0x12"', 'JSON_MALFORMED'],
    ['"\\u123 "', 'JSON_MALFORMED'],
    ['{} {}', 'JSON_MALFORMED'],
    ['\u00a0{}', 'JSON_MALFORMED'],
    ['[1]//', 'JSON_MALFORMED'],
    ['{a":1}', 'JSON_MALFORMED'],
    ['{"a":1,b":1}', 'JSON_MALFORMED'],
    ['"\nn"', 'JSON_MALFORMED'],
    ['"\u0000n"', 'JSON_MALFORMED'],
  ] as const) {
    it(`refuses ${JSON.stringify(text)} with ${code}`, () => refuses(text, code))
  }

  it('refuses bytes that are not UTF-8, and a byte order mark', () => {
    refuses(bytes(0x22, 0xe9, 0x22), 'JSON_NOT_UTF8')
    refuses(bytes(0x22, 0xed, 0xa0, 0x80, 0x22), 'JSON_NOT_UTF8')
    refuses(bytes(0xef, 0xbb, 0xbf, 0x7b, 0x7d), 'JSON_NOT_UTF8')
  })

  it('reads a depth of 128, refuses 129 and survives a hundred thousand', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    equal(canonicalJson(parseJson(nested(128))), nested(128))
    refuses(nested(129), 'JSON_DEPTH')
    refuses(nested(100_000), 'JSON_DEPTH')
    refuses('{"a":'.repeat(100_000), 'JSON_DEPTH')
    const mixed = (pairs: number) => `${'{"a":['.repeat(pairs)}1${']}'.repeat(pairs)}`
    equal(canonicalJson(parseJson(mixed(64))), mixed(64))
    // With white space the careful path reads it.
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      const spaced = (depth: number) => `${`${open} `.repeat(depth)}1${close.repeat(depth)}`
      equal(canonicalJson(parseJson(spaced(128))), spaced(128).replaceAll(' ', ''))
      refuses(spaced(129), 'JSON_DEPTH')
    }
    for (const pairs of [65, 128, 200]) refuses(mixed(pairs), 'JSON_DEPTH')
    refuses(`${'{"a":'.repeat(129)}1${'}'.repeat(129)}`, 'JSON_DEPTH')
    equal((parseJson(`[${Array(1000).fill('[]').join()}]`) as Json[]).length, 1000)
  })

  it('lets null pass where a document may hold it', () =>
    deepEqual(parseJson('{"a":null,"b":[null]}', { allowNull: true }), { a: null, b: [null] }))

  it('takes __proto__ for an ordinary member', () => {
    for (const text of ['{"__proto__":{"polluted":1}}', ' {"__proto__":{"polluted":1}}']) {
      const value = parseJson(text)
      deepEqual(Object.keys(value as object), ['__proto__'])
      equal((value as { polluted?: unknown }).polluted, undefined)
      equal(canonicalJson(value), '{"__proto__":{"polluted":1}}')
    }
  })

  it('says where the text is wrong', () => {
    throws(() => parseJson('{\n  "a": 1,\n  "a": 2\n}'), { message: /"a" appears twice in one object \(line 3, character 3\)/ })
  })

  it('accepts numbers whose double is the same decimal value', () => {
    for (const text of [
      '10.0',
      '1e1',
      '1E+1',
      '0.10',
      '-0',
      '0e999',
      '1e-7',
      '312559198875000.0',
      '9007199254740992',
      '1e23',
      '12345678901234567000',
    ]) {
      equal(parseJson(text, { exactNumbers: true }), Number(text))
    }
  })

  it('refuses numbers whose double is another decimal value', () => {
    for (const text of ['9007199254740993', '12345678901234567890', '0.1000000000000000055', '1e-400', '333333333.33333329', '1e400']) {
      refuses(text, 'JSON_NUMBER', { exactNumbers: true })
      refuses(`[{"a":${text}}]`, 'JSON_NUMBER', { exactNumbers: true })
    }
    equal(parseJson('9007199254740993'), 9007199254740992)
  })

  it('judges whole numbers and doubles of any length exactly', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 20n }), n => {
        const same = BigInt(String(Number(n))) === n
        if (same) equal(parseJson(`${n}.00`, { exactNumbers: true }), Number(n))
        else refuses(`${n}`, 'JSON_NUMBER', { exactNumbers: true })
      }),
    )
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), d => {
        equal(parseJson(` ${d.toExponential()}`, { exactNumbers: true }), d + 0)
      }),
    )
  })

  it('ends every damaged text in a JsonError or in a value', () => {
    const text = '{"a":[1,-2.5e3,true,"x\\u00e9\\n"],"b":{"c":"d"}}'
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 0, max: 255 }), (at, value) => {
        const damaged = new TextEncoder().encode(text)
        damaged[at] = value
        try {
          parseJson(damaged)
        } catch (error) {
          if (!(error instanceof OpenSealError)) throw error
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('core/json: RFC 8785', () => {
  for (const { name, input, output } of vectors.documents) {
    it(`reproduces the vector ${name}`, () => equal(canonicalJson(parseJson(input, { allowNull: true })), output))
  }

  it('writes the numbers of appendix B', () => {
    for (const [bits = '', text] of vectors.numbers) {
      const view = new DataView(new ArrayBuffer(8))
      view.setBigUint64(0, BigInt(`0x${bits}`))
      equal(canonicalJson(view.getFloat64(0)), text)
    }
  })
})
