/**
 * Many values as one parameter. An array of byte strings would be sent as text, twice as long and
 * several times as slow; one byte string with all of them is sent as it is.
 */
import { concatBytes } from '../../core/bytes.ts'
import { HASH_BYTES, sha256 } from '../../core/hash.ts'
import type { NewRecord, RecordSubject } from '../port/log.ts'

/** Byte strings one after another, where each begins (from 1, as in SQL), and their lengths. */
export type PackedBytes = { readonly bytes: Uint8Array; readonly starts: string; readonly lengths: string }

/** Packs byte strings of any length. */
export function packBytes(parts: readonly Uint8Array[]): PackedBytes {
  let start = 1
  const starts = parts.map(part => {
    start += part.length
    return start - part.length
  })
  return { bytes: concatBytes(...parts), starts: arrayOf(starts), lengths: arrayOf(parts.map(part => part.length)) }
}

/** Packs hashes in hex. */
export function packHashes(hashes: readonly string[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(hashes.length * HASH_BYTES)
  for (const [i, hash] of hashes.entries())
    if (bytes.write(hash, i * HASH_BYTES, 'hex') !== HASH_BYTES) throw new Error(`bug: ${JSON.stringify(hash)} is not a hash in hex`)
  return bytes
}

/** Numbers as an array of PostgreSQL. */
export function arrayOf(numbers: readonly number[]): string {
  return `{${numbers.join(',')}}`
}

/** The kinds of look-ups. */
export const DIGEST = 0
export const RECORD = 1
export const AGENCY = 2

/** A look-up row without its index. */
export type LookupKey = { readonly kind: number; readonly key: Uint8Array }

/** Everything under which a record is looked up. */
export function lookupKeys({ digests, subject }: Pick<NewRecord, 'digests' | 'subject'>): LookupKey[] {
  const keys = digests.map(digest => ({ kind: DIGEST, key: digestKey(digest) }))
  if (subject === undefined) return keys
  return [...keys, { kind: RECORD, key: recordKey(subject) }, { kind: AGENCY, key: agencyKey(subject.agency) }]
}

/** A digest's key: the digest itself. */
export function digestKey(digest: string): Uint8Array {
  return packHashes([digest])
}

/** A record's key. The name of an agency has no zero byte. */
export function recordKey({ agency, record }: RecordSubject): Uint8Array {
  return sha256(Buffer.from(`${agency}\0${record}`, 'utf8'))
}

/** An agency's key. */
export function agencyKey(agency: string): Uint8Array {
  return sha256(Buffer.from(agency, 'utf8'))
}
