/**
 * SHA-256 in plain JavaScript, for browsers: `crypto.subtle` is asynchronous and missing on pages
 * without HTTPS.
 */
import { sha256 as noble } from '@noble/hashes/sha2.js'
import { toHex } from './bytes.ts'

/** SHA-256 of all the data, 32 bytes. */
export function sha256(data: Uint8Array): Uint8Array {
  return noble(data)
}

/** SHA-256 of a well-formed text as UTF-8. */
export function sha256Text(text: string): Uint8Array {
  return noble(new TextEncoder().encode(text))
}

/** SHA-256 of a well-formed text as UTF-8, in lower-case hex. */
export function sha256Hex(text: string): string {
  return toHex(sha256Text(text))
}

/** SHA-256 of data that arrives in chunks. `soFar` returns the hash up to now; `digest` ends it. */
export function createSha256(): { update(chunk: Uint8Array): void; soFar(): Uint8Array; digest(): Uint8Array } {
  const state = noble.create()
  return {
    update: chunk => void state.update(chunk),
    soFar: () => state.clone().digest(),
    digest: () => state.digest(),
  }
}
