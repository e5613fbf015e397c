import { deepEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import { fromHex, toHex } from '../../src/core/bytes.ts'
import * as node from '../../src/core/sha256-node.ts'
import * as pure from '../../src/core/sha256-pure.ts'

for (const [name, { sha256, sha256Text, sha256Hex, createSha256 }] of Object.entries({ 'sha256-node': node, 'sha256-pure': pure })) {
  describe(name, () => {
    it('answers the vectors of FIPS 180-4', () => {
      deepEqual(sha256(new Uint8Array(0)), fromHex('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'))
      deepEqual(sha256(Uint8Array.from(Buffer.from('abc'))), fromHex('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'))
    })

    it('hashes a text by its UTF-8', () => {
      fc.assert(
        fc.property(fc.string({ unit: 'binary' }), text => {
          const hash = sha256(new TextEncoder().encode(text))
          deepEqual(sha256Text(text), hash)
          equal(sha256Hex(text), toHex(hash))
        }),
      )
    })

    it('gives plain bytes that share no memory', () => {
      const [a, b] = [sha256(Uint8Array.of(1)), sha256(Uint8Array.of(2))]
      equal(Object.getPrototypeOf(a), Uint8Array.prototype)
      equal(Object.getPrototypeOf(createSha256().digest()), Uint8Array.prototype)
      equal(a.buffer === b.buffer, false)
    })

    it('hashes chunks as the whole', () => {
      fc.assert(
        fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), chunks => {
          const state = createSha256()
          for (const [at, chunk] of chunks.entries()) {
            state.update(chunk)
            deepEqual(state.soFar(), sha256(Uint8Array.from(Buffer.concat(chunks.slice(0, at + 1)))))
          }
          deepEqual(state.digest(), sha256(Uint8Array.from(Buffer.concat(chunks))))
        }),
      )
    })
  })
}

describe('sha256', () => {
  it('is the same function on the server and in the browser', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), data => deepEqual(pure.sha256(data), node.sha256(data))))
  })
})
