/** The entry: the bytes that the log stores for a statement. Design §3.2. */

import { concatBytes, toUtf8 } from '../bytes.ts'
import { OpenSealError } from '../errors.ts'
import { type Hash, sha256, sha256Text } from '../hash.ts'

const ENTRY_VERSION = 1
const ENTRY_BYTES = 33
const VERSION = Uint8Array.of(ENTRY_VERSION)

/** The 33 bytes logged for a canonical, salted statement: 0x01 ‖ SHA-256(JCS(statement)). */
export function encodeEntry(canonicalStatement: string | Uint8Array): Uint8Array {
  const isText = typeof canonicalStatement === 'string' && canonicalStatement.isWellFormed()
  const commitment = isText ? sha256Text(canonicalStatement) : sha256(bytesOf(canonicalStatement))
  return concatBytes(VERSION, commitment)
}

/**
 * The statement's commitment in an entry from a log. Throws EntryError. Another version is
 * unsupported, not malformed.
 */
export function decodeEntry(entry: Uint8Array): Hash {
  if (entry.length === 0) throw new EntryError('ENTRY_MALFORMED', 'the entry is empty')
  if (entry[0] !== ENTRY_VERSION) throw new EntryError('ENTRY_UNSUPPORTED', `entry version ${entry[0]} is not supported`)
  if (entry.length !== ENTRY_BYTES) throw new EntryError('ENTRY_MALFORMED', `the entry has ${entry.length} bytes instead of ${ENTRY_BYTES}`)
  return entry.slice(1)
}

function bytesOf(statement: string | Uint8Array): Uint8Array {
  return typeof statement === 'string' ? toUtf8(statement) : statement
}

/** ENTRY_MALFORMED or ENTRY_UNSUPPORTED. */
export class EntryError extends OpenSealError {}
