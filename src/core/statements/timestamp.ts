/** The entry that logs a time stamp, so that later time stamps cover it. Design §3.2. */

import type { Json } from '../json.ts'
import { checkSalt, checkTime, malformed, members, text } from './members.ts'

/** The type of an entry that logs a time stamp. */
export const TIMESTAMP = 'openseal/timestamp@v1'

/**
 * Logs an RFC 3161 token. A later time stamp covers this entry, and so shows that the token existed
 * before the certificate behind it ended.
 */
export type TimestampEntry = {
  readonly type: typeof TIMESTAMP
  /** The tree size whose checkpoint the token stamps. */
  readonly size: number
  /** SHA-256 of the DER TimeStampToken, lower-case hex. */
  readonly sha256: string
  readonly created: string
  readonly salt: string
}

/** Parses an entry of a time stamp. Throws StatementError. */
export function parseTimestamp(value: Json): TimestampEntry {
  const t = members(value, 'the time stamp', ['type', 'size', 'sha256', 'created', 'salt'], [])
  // The genesis is in every tree that can be stamped.
  if (!Number.isSafeInteger(t.size) || (t.size as number) < 1) throw malformed('size is not a tree size of 1 or more')
  if (!/^[0-9a-f]{64}$/.test(text(t.sha256, 'sha256'))) throw malformed('sha256 is not 32 bytes of lower-case hex')
  checkTime(t.created, 'created')
  checkSalt(t.salt)
  return value as unknown as TimestampEntry
}
