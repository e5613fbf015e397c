/** SHA-256 by node:crypto, for the server. A browser gets `sha256-pure.ts` under the same name, `#sha256`. */
import { createHash, hash } from 'node:crypto'

/** SHA-256 of the whole data, 32 bytes. */
export function sha256(data: Uint8Array): Uint8Array {
  return plain(hash('sha256', data, 'buffer'))
}

/** SHA-256 of the UTF-8 of a well-formed text, which is not written out for it. */
export function sha256Text(text: string): Uint8Array {
  return plain(hash('sha256', text, 'buffer'))
}

/** SHA-256 of data that arrives in chunks; `digest` ends it. */
export function createSha256(): { update(chunk: Uint8Array): void; digest(): Uint8Array } {
  const state = createHash('sha256')
  return {
    update: chunk => void state.update(chunk),
    digest: () => plain(state.digest()),
  }
}

/** The same memory as a plain Uint8Array: a Buffer slices and compares differently. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length)
}
