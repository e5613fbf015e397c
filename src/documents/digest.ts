/** The digests of a file, as the verifier and a submitter compare them. Design §3.2. */

import { attempt } from '../core/attempt.ts'
import { toHex, toUtf8 } from '../core/bytes.ts'
import { sha256 } from '../core/hash.ts'
import { canonicalJson, parseJson } from '../core/json.ts'

/** What is known of a file: its length, the SHA-256 of its bytes and, of a JSON document, of its RFC 8785 form. Lower-case hex. */
export type FileDigest = {
  readonly bytes: number
  readonly sha256: string
  readonly jcs?: string
  /** Why there is no `jcs`, for people. */
  readonly jcsReason?: string
}

/** The digests of a file that fits in memory. */
export function digestsOf(bytes: Uint8Array): FileDigest {
  const digest = { bytes: bytes.length, sha256: toHex(sha256(bytes)) }
  const jcs = attempt(() => toHex(sha256(toUtf8(canonicalJson(parseJson(bytes, { allowNull: true, exactNumbers: true }))))))
  return jcs.error ? { ...digest, jcsReason: `${jcs.error.code}: ${jcs.error.message}` } : { ...digest, jcs: jcs.value }
}
