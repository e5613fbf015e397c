/** The digests of a file, which the verifier and submitters compare. Design §3.2. */

import { attempt } from '../core/attempt.ts'
import { toHex, toUtf8 } from '../core/bytes.ts'
import { sha256 } from '../core/hash.ts'
import { canonicalJson, parseJson } from '../core/json.ts'

/**
 * A file's length, the SHA-256 of its bytes and, for JSON, of its RFC 8785 form. Lower-case hex.
 */
export type FileDigest = {
  readonly bytes: number
  readonly sha256: string
  readonly jcs?: string
  /** Why there is no `jcs`, in words. */
  readonly jcsReason?: string
}

/** The digests of a file that fits in memory. */
export function digestsOf(bytes: Uint8Array): FileDigest {
  const digest = { bytes: bytes.length, sha256: toHex(sha256(bytes)) }
  const jcs = attempt(() => toHex(sha256(toUtf8(canonicalJson(parseJson(bytes, { allowNull: true, exactNumbers: true }))))))
  return jcs.error ? { ...digest, jcsReason: `${jcs.error.code}: ${jcs.error.message}` } : { ...digest, jcs: jcs.value }
}
