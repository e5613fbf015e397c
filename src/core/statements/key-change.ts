/** The change of the log's key. Design §3.2. */

import { canonicalJson, type Json } from '../json.ts'
import { byteLength, checkSalt, checkTime, MAX_STATEMENT_BYTES, malformed, members, text, tooLarge } from './members.ts'

/** The type of a change of the log's key. */
export const KEY_CHANGE = 'openseal/key@v1'

/** Replaces the log's key. It is the last entry under the old key. */
export type KeyChange = {
  readonly type: typeof KEY_CHANGE
  readonly origin: string
  readonly oldKey: string
  readonly newKey: string
  /** The first tree size that the new key signs. */
  readonly fromSize: number
  readonly created: string
  readonly salt: string
}

/** Parses a change of keys. Throws StatementError. */
export function parseKeyChange(value: Json): KeyChange {
  const k = members(value, 'the change of keys', ['type', 'origin', 'oldKey', 'newKey', 'fromSize', 'created', 'salt'], [])
  const origin = text(k.origin, 'origin')
  for (const name of ['oldKey', 'newKey'] as const)
    if (origin === '' || !text(k[name], name).startsWith(`${origin}+`)) throw malformed(`${name} is not a vkey of the origin`)
  if (k.oldKey === k.newKey) throw malformed('newKey is the same as oldKey')
  // The old key signs at least the genesis and this change.
  if (!Number.isSafeInteger(k.fromSize) || (k.fromSize as number) < 3) throw malformed('fromSize is not a tree size of 3 or more')
  checkTime(k.created, 'created')
  checkSalt(k.salt)
  const change = value as unknown as KeyChange
  if (byteLength(canonicalJson(change)) > MAX_STATEMENT_BYTES) throw tooLarge()
  return change
}
