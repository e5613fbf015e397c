/**
 * The tombstone: an entry that says that the statement of an earlier entry was erased. Design §16.
 */

import type { Json } from '../json.ts'
import { checkSalt, malformed, members } from './members.ts'

/** The type of a tombstone. */
export const ERASURE = 'openseal/erasure@v1'

/** The codes of reasons for an erasure. */
export const ERASURE_REASONS = ['personal-data', 'court-order', 'legal', 'other'] as const

/** Why a statement was erased. */
export type ErasureReason = (typeof ERASURE_REASONS)[number]

/** The person who asked for an erasure: of the record's agency, or the ledger's operator. */
export type ErasedBy = 'agency' | 'operator'

/** A tombstone. It holds no name and no text, because it can never be erased. */
export type Erasure = {
  readonly type: typeof ERASURE
  /** The entry whose statement was erased, earlier than the tombstone. */
  readonly index: number
  readonly reason: { readonly code: ErasureReason }
  readonly by: ErasedBy
  readonly salt: string
}

/** Parses a tombstone. Throws StatementError. */
export function parseErasure(value: Json): Erasure {
  const e = members(value, 'the erasure', ['type', 'index', 'reason', 'by', 'salt'], [])
  // Entry 0 is the genesis, which is never erased.
  if (!Number.isSafeInteger(e.index) || (e.index as number) < 1) throw malformed('index is not that of an entry after the genesis')
  const { code } = members(e.reason, 'reason', ['code'], [])
  if (!isOneOf(ERASURE_REASONS, code)) throw malformed(`reason.code is not one of ${ERASURE_REASONS.join(', ')}`)
  if (!isOneOf(['agency', 'operator'], e.by)) throw malformed('by is neither agency nor operator')
  checkSalt(e.salt)
  return value as unknown as Erasure
}

function isOneOf(words: readonly string[], value: Json | undefined): boolean {
  return typeof value === 'string' && words.includes(value)
}
