/** Bytes as they stream by, kept within a bound. */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { createBytes, createUtf8Check } from '../../../src/documents/ocds/bytes.ts'

const counting = (length: number, from = 0) => Uint8Array.from({ length }, (_, at) => (from + at) % 251)

describe('documents/ocds/bytes', () => {
  for (const lossy of [false, true]) {
    it(`keeps all bytes as it grows${lossy ? ', where it may lose them too' : ''}`, () => {
      const bytes = createBytes(100_000, lossy)
      let size = 0
      for (const length of [0, 1, 100, 155, 1, 3000, 1500, 20_000]) {
        bytes.addAll(counting(length, size))
        size += length
        bytes.add(size % 251)
        size++
        equal(bytes.last(), (size - 1) % 251)
      }
      deepEqual([bytes.size(), bytes.overflowed()], [size, false])
      deepEqual(bytes.take(), counting(size))
      deepEqual(bytes.from(200), counting(size - 200, 200))
    })
  }

  it('takes as many bytes as its bound, and refuses one more', () => {
    const bytes = createBytes(10)
    bytes.addAll(counting(9))
    bytes.add(9)
    deepEqual(bytes.take(), counting(10))
    throws(() => bytes.add(1), { code: 'OCDS_TOO_LARGE' })
    throws(() => bytes.addAll(counting(1)), { code: 'OCDS_TOO_LARGE' })
    deepEqual(bytes.take(), counting(10))
  })

  it('drops everything beyond its bound if it may, says so, and takes nothing more', () => {
    const bytes = createBytes(10, true)
    bytes.addAll(counting(10))
    equal(bytes.overflowed(), false)
    bytes.add(1)
    bytes.addAll(counting(5))
    deepEqual([bytes.overflowed(), bytes.take().buffer.byteLength], [true, 0])
  })

  it('treats a byte order mark as a character, which its caller refuses', () => {
    const check = createUtf8Check()
    for (const byte of [0xef, 0xbb, 0xbf, 0x7b]) check.push(Uint8Array.of(byte))
    throws(() => check.push(Uint8Array.of(0xff)), { code: 'OCDS_NOT_UTF8', message: /the 1 bytes from byte 4\)/ })
  })
})
