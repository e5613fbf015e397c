/** Text as people's machines save it. */

import { equal, throws } from 'node:assert/strict'
import { decodeText, isLonger } from '../../src/core/encoding.ts'
import { savedAs } from './saved-as.ts'

describe('core/encoding', () => {
  it('reads UTF-8 and UTF-16, with a byte order mark and without', () => {
    const text = '{"title":"Γέφυρα 𐀀"}\n'
    for (const [encoding, bytes] of Object.entries(savedAs(text))) equal(decodeText(bytes), text, encoding)
    equal(decodeText(`\ufeff${text}`), text)
    for (const short of ['', '{', '\n']) equal(decodeText(new TextEncoder().encode(short)), short)
  })

  it('leaves a second byte order mark to the strict reader', () => {
    equal(decodeText(Uint8Array.of(0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf, 0x7b)), '\ufeff{')
  })

  it('has its own code for what cannot be decoded, and says what to do', () => {
    for (const bytes of [[0x80], [0x7b, 0xff], [0xff, 0xfe, 0x00, 0xd8], [0xfe, 0xff, 0xd8, 0x00], [0xff, 0xfe, 0x00]])
      throws(() => decodeText(Uint8Array.from(bytes)), { code: 'TEXT_NOT_UTF8', message: /save it as UTF-8/ })
  })

  it('counts bytes of UTF-8, whatever the text was saved in', () => {
    for (const [text, bytes] of [
      ['abc', 3],
      ['яя', 4],
      ['—', 3],
      ['𐀀', 4],
    ] as const) {
      equal(isLonger(text, bytes), false)
      equal(isLonger(text, bytes - 1), true)
    }
  })
})
