import { deepEqual, equal, throws } from 'node:assert/strict'
import fc from 'fast-check'
import {
  compareBytes,
  concatBytes,
  equalBytes,
  fromBase64,
  fromBase64Url,
  fromHex,
  fromUtf8,
  readBase64,
  toBase64,
  toBase64Url,
  toHex,
  toUtf8,
} from '../../src/core/bytes.ts'
import { code } from './damage.ts'

const bytes = fc.uint8Array({ maxLength: 100 })
const plain = (buffer: Buffer) => Uint8Array.from(buffer)

describe('bytes', () => {
  it('writes the texts that node writes, and reads them back', () => {
    fc.assert(
      fc.property(bytes, data => {
        const buffer = Buffer.from(data)
        deepEqual(
          [toHex(data), toBase64(data), toBase64Url(data)],
          [buffer.toString('hex'), buffer.toString('base64'), buffer.toString('base64url')],
        )
        deepEqual(
          [fromHex(toHex(data)), fromBase64(toBase64(data)), fromBase64Url(toBase64Url(data))],
          [plain(buffer), plain(buffer), plain(buffer)],
        )
        deepEqual([fromHex(toHex(data), data.length), fromBase64(toBase64(data), data.length)], [data, data])
      }),
    )
    const large = new Uint8Array(100_000).fill(7)
    deepEqual(fromBase64(toBase64(large)), large)
  })

  it('reads no text but the one that it writes', () => {
    const near = fc.string({ unit: fc.constantFrom(...'AQgwz09+/-_=\n aF') })
    fc.assert(
      fc.property(near, text => {
        const again = readBase64(text)
        if (again) equal(toBase64(again), text)
      }),
      { numRuns: 2000 },
    )
  })

  it('refuses other spellings of hex', () => {
    for (const text of ['A0', 'a', '0x00', 'g0', ' 00', '00\n']) throws(() => fromHex(text), code('HEX_MALFORMED'))
    throws(() => fromHex('0000', 1), code('HEX_MALFORMED'))
  })

  it('refuses other spellings of base64', () => {
    for (const text of ['AB==', 'AA', 'AA=', 'AAB=', 'AA==\n', ' AA==', 'A-==', 'AA==AA==', '=', 'A', 'A===']) {
      throws(() => fromBase64(text), code('BASE64_MALFORMED'))
    }
    throws(() => fromBase64('AA==', 2), code('BASE64_MALFORMED'))
  })

  it('refuses other spellings of base64url', () => {
    for (const text of ['AB', 'AA==', 'A', 'A+', 'A/', 'AAB', 'AA\n']) throws(() => fromBase64Url(text), code('BASE64_MALFORMED'))
    throws(() => fromBase64Url('AA', 2), code('BASE64_MALFORMED'))
  })

  it('reads long texts: 64 MiB of base64, and of hex', () => {
    const length = 48 * 1024 * 1024
    equal(fromBase64('AAAA'.repeat(length / 3)).length, length)
    equal(fromHex('00'.repeat(length)).length, length)
  })

  it('refuses text that is not exactly UTF-8', () => {
    for (const data of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf0, 0x9f]])
      throws(() => fromUtf8(Uint8Array.from(data)), code('UTF8_MALFORMED'))
    throws(() => fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)), code('UTF8_MALFORMED'))
    throws(() => toUtf8('a\ud800'), code('UTF8_MALFORMED'))
    fc.assert(fc.property(fc.string({ unit: 'binary' }), text => text.startsWith('\ufeff') || fromUtf8(toUtf8(text)) === text))
  })

  it('joins and compares by bytes', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        deepEqual(concatBytes(a, b), plain(Buffer.concat([a, b])))
        equal(Math.sign(compareBytes(a, b)), Buffer.compare(a, b))
        equal(equalBytes(a, b), Buffer.compare(a, b) === 0)
        equal(equalBytes(a, a.slice()), true)
      }),
    )
    const sorted = [[], [0], [0, 0], [0, 1], [1, 0], [1, 0, 0], [1, 1], [255]].map(list => Uint8Array.from(list))
    for (const [at, a] of sorted.entries())
      for (const [other, b] of sorted.entries()) {
        equal(Math.sign(compareBytes(a, b)), Math.sign(at - other))
        equal(equalBytes(a, b), at === other)
      }
    deepEqual(concatBytes(), new Uint8Array(0))
  })
})
