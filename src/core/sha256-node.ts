/**
 * SHA-256 with node:crypto, for the server. Browsers get `sha256-pure.ts` under the same name,
 * `#sha256`.
 */
import { createHash, hash } from 'node:crypto'

const DIGEST_BYTES = 32

/** SHA-256 of all the data, 32 bytes. */
export function sha256(data: Uint8Array): Uint8Array {
  return bytesOf(hash('sha256', data, 'binary'))
}

/** SHA-256 of a well-formed text as UTF-8, without encoding it in JavaScript. */
export function sha256Text(text: string): Uint8Array {
  return bytesOf(hash('sha256', text, 'binary'))
}

/** SHA-256 of a well-formed text as UTF-8, in lower-case hex. */
export function sha256Hex(text: string): string {
  return hash('sha256', text, 'hex')
}

/** SHA-256 of data that arrives in chunks. `soFar` returns the hash up to now; `digest` ends it. */
export function createSha256(): { update(chunk: Uint8Array): void; soFar(): Uint8Array; digest(): Uint8Array } {
  const state = createHash('sha256')
  return {
    update: chunk => void state.update(chunk),
    soFar: () => bytesOf(state.copy().digest('binary')),
    digest: () => bytesOf(state.digest('binary')),
  }
}

/**
 * Reads a digest from a `binary` string. This is several times faster than a Buffer, which is
 * allocated outside JavaScript.
 */
function bytesOf(characters: string): Uint8Array {
  const bytes = new Uint8Array(DIGEST_BYTES)
  for (let i = 0; i < DIGEST_BYTES; i++) bytes[i] = characters.charCodeAt(i)
  return bytes
}
