/** The past of a PDF, by its bytes. */
import assert from 'node:assert/strict'
import { toUtf8 } from '../../src/core/bytes.ts'
import { createSha256 } from '../../src/core/sha256-node.ts'
import { digestsOf } from '../../src/documents/digest.ts'
import { createMarkFinder, createPdfReader } from '../../src/documents/pdf.ts'

const read = (bytes: Uint8Array, cuts: readonly number[] = []) => {
  const hash = createSha256()
  const reader = createPdfReader(hash)
  for (const [at, end] of [...cuts, bytes.length].entries()) reader.update(bytes.subarray(at === 0 ? 0 : cuts[at - 1], end))
  return { facts: reader.finish(), sha256: Buffer.from(hash.digest()).toString('hex') }
}
const state = (text: string) => ({ bytes: toUtf8(text).length, sha256: digestsOf(toUtf8(text)).sha256 })

describe('documents/pdf', () => {
  it('finds every beginning that ends with %%EOF, without and with its line end, wherever the chunks are cut', () => {
    const text = '%PDF-1.7 a %%%EOF\r\nb %%EOF\n/ByteRange [0 1]%%EO F%%EOF%%EOF\r'
    const expected = {
      isSigned: true,
      states: ['%%EOF', '%%EOF\r', '%%EOF\r\n', '%%EOF\r\nb %%EOF', '%%EOF\r\nb %%EOF\n'].map(end => state(`%PDF-1.7 a %${end}`)),
    }
    expected.states.push(state(text.slice(0, -6)), state(text.slice(0, -1)))
    const bytes = toUtf8(text)
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second += 3) {
        const { facts, sha256 } = read(bytes, [first, second])
        assert.deepEqual(facts, expected, `${first} ${second}`)
        assert.equal(sha256, digestsOf(bytes).sha256)
      }
    }
  })

  it('finds no states in other files, and does not call the whole PDF an earlier state', () => {
    assert.equal(read(toUtf8('a %%EOF b')).facts, undefined)
    assert.deepEqual(read(toUtf8('%PDF-1.0 %%EOF\n')).facts, { isSigned: false, states: [state('%PDF-1.0 %%EOF')] })
    assert.deepEqual(read(toUtf8(`${' '.repeat(1000)}%PDF-1.0 x`)).facts, { isSigned: false, states: [] })
  })

  it('looks for the head in the first 1024 bytes, in whatever chunks the file comes', () => {
    for (const [before, isPdf] of [
      [1019, true],
      [1020, false],
    ] as const) {
      const bytes = toUtf8(`${' '.repeat(before)}%PDF-1.0 x`)
      for (const cuts of [[], [1], [1020], [1000, 1024], [500, 1023]])
        assert.equal(read(bytes, cuts).facts !== undefined, isPdf, `${before} ${cuts}`)
    }
  })

  it('takes one line end, and only directly after the mark', () => {
    const ends = (text: string) => read(toUtf8(`%PDF-1.0 %%EOF${text}`)).facts?.states.map(({ bytes }) => bytes - 14)
    assert.deepEqual(ends('\n\nx'), [0, 1])
    assert.deepEqual(ends('\r\rx'), [0, 1])
    assert.deepEqual(ends('\r\n\nx'), [0, 1, 2])
    assert.deepEqual(ends('\n\rx'), [0, 1])
    assert.deepEqual(ends(' \nx'), [0])
  })

  it('gives up on a file that ends a thousand times, and still hashes all of it', () => {
    const bytes = toUtf8(`%PDF-1.0 ${'%%EOF\n'.repeat(1000)}`)
    const { facts, sha256 } = read(bytes)
    assert.equal(facts?.states.length, 256)
    assert.equal(sha256, digestsOf(bytes).sha256)
  })

  it('finds a mark across two chunks that come in the same memory', () => {
    const finder = createMarkFinder(toUtf8('/ByteRange'))
    const chunk = Buffer.alloc(12)
    for (const text of ['xxxxxxx/Byte', 'Rangexxxxxxx']) {
      chunk.write(text)
      finder.look(chunk)
    }
    assert.equal(finder.found(), true)
  })

  it('finds a mark across every border between chunks', () => {
    const mark = toUtf8('/ByteRange')
    const bytes = toUtf8('%PDF //ByteRange[0')
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) {
        const finder = createMarkFinder(mark)
        for (const part of [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)]) finder.look(part)
        assert.equal(finder.found(), true, `${first} ${second}`)
      }
    }
    const finder = createMarkFinder(mark)
    for (const byte of toUtf8('/ByteRang e')) finder.look(new Uint8Array([byte]))
    assert.equal(finder.found(), false)
  })
})
