/**
 * The rows of the embedded store: their keys, and what a commit writes.
 *
 * Rows by the first byte of their key (numbers are big-endian, so keys sort as numbers do):
 *
 *   h                          the head and the growing edge after some commit, see head.ts
 *   g size                     what a later commit changed of them
 *   s index                    a canonical statement
 *   i identity                 → index
 *   d digest index             a document's digest, for look-ups
 *   r agency 0 record 0 index  a record's statements
 *   n agency 0 record          there are statements of this record, which one read tells
 *   a agency 0 index           → how many statements of this agency follow each other from here
 *   t level index              a full tile, written once
 *   b index                    a full entry bundle, written once
 *   c size                     → when the commit that led to this size was made, in milliseconds
 *   x collection 0 key         a named document, see documents.ts
 *   e index                    an erased record whose bytes may be left in files, see erase.ts
 */
import { HASH_BYTES } from '../../core/hash.ts'
import type { Commit, NewRecord, RecordSubject } from '../port/log.ts'

/** The value of a row whose key says all. */
export const NOTHING = new Uint8Array(0)

const INDEX_BYTES = 8
/** Agency, record and index with what separates them. */
const MAX_RECORD_KEY_BYTES = 1024

/** The letter of a row, then the rest of its key. */
export function key(letter: string, rest: Uint8Array = NOTHING): Uint8Array {
  const bytes = Buffer.allocUnsafe(1 + rest.length)
  bytes[0] = letter.charCodeAt(0)
  bytes.set(rest, 1)
  return bytes
}

/** A row key: its letter, then a hash given in hex. */
export function hexKey(letter: string, hash: string): Uint8Array {
  const bytes = Buffer.allocUnsafe(1 + HASH_BYTES)
  bytes[0] = letter.charCodeAt(0)
  if (bytes.write(hash, 1, 'hex') !== HASH_BYTES) throw new Error(`bug: ${JSON.stringify(hash)} is not a hash in hex`)
  return bytes
}

/** A row key: its letter, then text as UTF-8. */
export function textKey(letter: string, text: string): Uint8Array {
  return Buffer.from(letter + text, 'utf8')
}

/** The row of a record that has statements. */
export function namedKey({ agency, record }: RecordSubject): Uint8Array {
  return textKey('n', `${agency}\0${record}`)
}

/** Appends an index to a key prefix. */
export function withIndex(prefix: Uint8Array, index: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(prefix.length + INDEX_BYTES)
  bytes.set(prefix)
  writeIndex(bytes, index, prefix.length)
  return bytes
}

/** The index at this byte of a key or value. */
export function readIndex(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, INDEX_BYTES)
  return view.getUint32(0) * 2 ** 32 + view.getUint32(4)
}

/**
 * Puts every row of a commit except the head's. Keys and small values are written into reused
 * memory, so `put` must copy them before it returns, as a Level batch does. A commit puts six rows
 * a record, and allocating each would take as long as the rest of sealing.
 */
export function putCommit(commit: Commit, put: (key: Uint8Array, value: Uint8Array) => void): void {
  putParts(commit, put)
  putRuns(commit.records, put)
  put(withIndex(key('c'), commit.next.size), withIndex(NOTHING, commit.timeMs))
}

/**
 * Puts only the rows of records, tiles and bundles, without the lists of agencies. `put` must copy,
 * as for `putCommit`.
 */
export function putParts(parts: Pick<Commit, 'tiles' | 'bundles' | 'records'>, put: (key: Uint8Array, value: Uint8Array) => void): void {
  putRecords(parts.records, put)
  for (const tile of parts.tiles) put(withIndex(key('t', Uint8Array.of(tile.level)), tile.index), tile.bytes)
  for (const bundle of parts.bundles) put(withIndex(key('b'), bundle.index), bundle.bytes)
}

/** Puts records, in ascending order, on the lists of their agencies, where they are not yet. */
export function putRuns(records: readonly NewRecord[], put: (key: Uint8Array, value: Uint8Array) => void): void {
  for (const { agency, index, count } of agencyRuns(records)) put(withIndex(textKey('a', `${agency}\0`), index), withIndex(NOTHING, count))
}

const statementKey = Buffer.from('s'.padEnd(1 + INDEX_BYTES))
const identityKey = Buffer.from('i'.padEnd(1 + HASH_BYTES))
const digestKey = Buffer.from('d'.padEnd(1 + HASH_BYTES + INDEX_BYTES))
const recordKey = Buffer.from('r'.padEnd(MAX_RECORD_KEY_BYTES))
const indexValue = Buffer.alloc(INDEX_BYTES)

/**
 * Puts the rows of records, except those of their agencies. `put` must copy, as for `putCommit`.
 */
export function putRecords(records: readonly NewRecord[], put: (key: Uint8Array, value: Uint8Array) => void): void {
  for (const { index, statement } of records) {
    writeIndex(statementKey, index, 1)
    put(statementKey, statement)
  }
  for (const { hash, index } of inOrder(records, ({ identity }) => [identity])) {
    identityKey.write(hash, 1, 'hex')
    writeIndex(indexValue, index, 0)
    put(identityKey, indexValue)
  }
  for (const { hash, index } of inOrder(records, ({ digests }) => digests)) {
    digestKey.write(hash, 1, 'hex')
    writeIndex(digestKey, index, 1 + HASH_BYTES)
    put(digestKey, NOTHING)
  }
  for (const { index, subject } of records) {
    if (subject === undefined) continue
    const end = 1 + recordKey.write(`${subject.agency}\0${subject.record}\0`, 1, 'utf8')
    writeIndex(recordKey, index, end)
    put(recordKey.subarray(0, end + INDEX_BYTES), NOTHING)
    // The key of its other row is the same text with another letter.
    recordKey.write('n')
    put(recordKey.subarray(0, end - 1), NOTHING)
    recordKey.write('r')
  }
}

/** Up to this many rows, sorting does not help: no two are near each other in a table. */
const FEW_ROWS = 128

/** A row under a hash in hex. */
type HashRow = { readonly hash: string; readonly index: number }

/**
 * The records' rows in the order of their hashes, for speed: Level finds each place faster next to
 * the previous one. In random order, finding the places takes longer than everything else about the
 * write. Sorts by the first 24 bits as numbers, because sorting strings would take as long as it
 * saves.
 */
function inOrder(records: readonly NewRecord[], hashesOf: (record: NewRecord) => readonly string[]): HashRow[] {
  const rows: HashRow[] = []
  for (const record of records) for (const hash of hashesOf(record)) rows.push({ hash, index: record.index })
  if (rows.length < FEW_ROWS) return rows
  const places = new Float64Array(rows.length)
  for (let at = 0; at < rows.length; at++) places[at] = Number.parseInt(rows[at]!.hash.slice(0, 6), 16) * 2 ** 29 + at
  return Array.from(places.sort(), place => rows[place % 2 ** 29]!)
}

/**
 * Consecutive statements of one agency share a row. In a bulk submission, that is one row a batch.
 */
function agencyRuns(records: readonly NewRecord[]): { agency: string; index: number; count: number }[] {
  const runs: { agency: string; index: number; count: number }[] = []
  for (const { index, subject } of records) {
    if (subject === undefined) continue
    const last = runs.at(-1)
    if (last?.agency === subject.agency && last.index + last.count === index) last.count++
    else runs.push({ agency: subject.agency, index, count: 1 })
  }
  return runs
}

function writeIndex(bytes: Buffer, index: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(index / 2 ** 32), at)
  bytes.writeUInt32BE(index % 2 ** 32, at + 4)
}
