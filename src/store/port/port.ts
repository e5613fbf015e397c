/**
 * The store: what the ledger keeps, and the guarantees that it relies on. One conformance suite
 * (`test/store/conformance.ts`) runs against every implementation.
 *
 * A store holds the log (head, growing edge, full tiles, full entry bundles, statements and their
 * look-ups), which changes only by `commit`, and small named documents (agencies, keys, anchors),
 * which change by `writeDocuments`.
 */
import { OpenSealError } from '../../core/errors.ts'
import type { Hash } from '../../core/hash.ts'

/** A tree: its size in entries and its RFC 9162 root hash. */
export type Head = { readonly size: number; readonly root: Hash }

/**
 * The growing edge of the tree: everything that is not in a full tile or a full entry bundle yet.
 */
export type Edge = {
  /**
   * For each tile level from 0, the hashes of its partial tile, concatenated; empty if the level's
   * last tile is full.
   */
  readonly tiles: readonly Uint8Array[]
  /**
   * The partial entry bundle, encoded as C2SP tlog-tiles says; empty if the last bundle is full.
   */
  readonly bundle: Uint8Array
}

/** One new record of a commit. */
export type NewRecord = {
  readonly index: number
  /** The canonical statement with its salt, as UTF-8. */
  readonly statement: Uint8Array
  /** SHA-256 of the canonical statement without its salt, in lower-case hex. */
  readonly identity: string
  /** Look-up keys. The genesis has no agency and no record. */
  readonly subject: { readonly agency: string; readonly record: string } | undefined
  /**
   * The distinct digests (`sha256`, `jcs`) of its documents, in lower-case hex as in the statement.
   */
  readonly digests: readonly string[]
}

/**
 * A full tile: its 256 hashes, then the 128 nodes over pairs of them, then 64, down to 2. With its
 * inner nodes at hand, a proof takes no hashing.
 */
export type FullTile = { readonly level: number; readonly index: number; readonly bytes: Uint8Array }
/** A full entry bundle of 256 entries. */
export type FullBundle = { readonly index: number; readonly bytes: Uint8Array }

/** Everything that one batch changes. */
export type Commit = {
  /** The head that the batch builds on. */
  readonly previous: Head
  readonly next: Head
  readonly edge: Edge
  readonly tiles: readonly FullTile[]
  readonly bundles: readonly FullBundle[]
  /** Contiguous, from `previous.size` to `next.size`. */
  readonly records: readonly NewRecord[]
  /**
   * When the batch was sealed, in milliseconds since 1970 by the sealing node's clock. Information
   * for people, never evidence.
   */
  readonly timeMs: number
}

/** A document and its value; `null` removes it. */
export type DocumentChange = { readonly collection: string; readonly key: string; readonly value: string | null }

/** A document without its collection. */
export type StoredDocument = { readonly key: string; readonly value: string }

/**
 * A digest and the indexes, ascending, of statements that list it. `more` is set if there are
 * others between the oldest and the newest of them.
 */
export type DigestIndexes = { readonly digest: string; readonly indexes: readonly number[]; readonly more?: true }

export type Store = {
  /**
   * The committed head and its edge, or undefined before the first commit. Never older than the
   * last commit that was answered. After a failed commit it is what the disk holds.
   * @throws StoreError STORE_UNSETTLED while that is unknown: ask again later; STORE_CORRUPT if
   * something was committed and the head is unreadable or gone, so that nobody starts a new log
   * over an old one
   */
  readHead(): Promise<{ readonly head: Head; readonly edge: Edge } | undefined>
  /**
   * Writes one batch. When it returns, all of it is on disk (fsync). When it throws
   * STORE_HEAD_MOVED or STORE_UNSETTLED, nothing is. After any other error the outcome is unknown
   * until `readHead` tells. A commit is refused if its `previous` is not the head, so two sealers
   * cannot fork the log. The first commit has an empty tree as `previous`.
   */
  commit(commit: Commit): Promise<void>
  /**
   * The index of each identity, undefined if there is none. Sees every commit that was answered.
   */
  findIdentities(identities: readonly string[]): Promise<(number | undefined)[]>
  /**
   * The size after the newest commit, by that commit's own row and not by the head; undefined
   * before the first.
   */
  lastSize(): Promise<number | undefined>
  /** The canonical statement at an index; undefined if it was erased or is beyond the head. */
  readStatement(index: number): Promise<Uint8Array | undefined>
  /**
   * When the commit that added an index was made, by that commit's own row; undefined beyond the
   * head.
   */
  committedMs(index: number): Promise<number | undefined>
  /** The statements of [from, to) in order, one item for each index. */
  readStatements(from: number, to: number): AsyncIterable<{ readonly index: number; readonly statement: Uint8Array | undefined }>
  /** A full tile; undefined while it is not full. */
  readTile(level: number, index: number): Promise<Uint8Array | undefined>
  /** A full entry bundle; undefined while it is not full. */
  readBundle(index: number): Promise<Uint8Array | undefined>
  /**
   * Indexes of the statements that list a document with this digest, oldest first, at most `limit`.
   * The first one dates the file.
   */
  findByDigest(digest: string, limit: number): Promise<number[]>
  /**
   * The same below `before`, newest first, at most `limit`. This and the next two read no more rows
   * than they return.
   */
  listByDigest(digest: string, before: number, limit: number): Promise<number[]>
  /**
   * Digests that begin with these hex digits, ascending, only those after `after`, at most `limit`;
   * fewer if many statements list them. `more` is set if others follow. A digest with more than
   * `each` indexes gets the oldest and the newest, half of `each` from either end.
   */
  digestsWithPrefix(
    prefix: string,
    range: { readonly after?: string | undefined; readonly limit: number; readonly each: number },
  ): Promise<{ readonly digests: readonly DigestIndexes[]; readonly more?: true }>
  /** Indexes of the statements about one record below `before`, newest first, at most `limit`. */
  listByRecord(agency: string, record: string, before: number, limit: number): Promise<number[]>
  /** Indexes of an agency's statements below `before`, newest first, at most `limit`. */
  listByAgency(agency: string, before: number, limit: number): Promise<number[]>
  /**
   * The indexes, among these records in ascending order, whose rows (statement, identity, look-ups)
   * are not all as a commit wrote them.
   */
  findIncomplete(records: readonly NewRecord[]): Promise<number[]>
  /**
   * Writes parts of the committed log again, unchanged. They are on disk (fsync) when it returns.
   * The caller has shown that they belong to the tree.
   */
  putBack(parts: Pick<Commit, 'tiles' | 'bundles' | 'records'>): Promise<void>
  /**
   * Writes the head again. It is on disk (fsync) when it returns. The caller has derived it from
   * the log's other rows and verified it against them.
   */
  putHead(head: Head, edge: Edge): Promise<void>
  readDocument(collection: string, key: string): Promise<string | undefined>
  /**
   * All or nothing. On disk (fsync) when it returns. `unless` holds documents as the caller read
   * them, `null` for one that was not there. If one of them has changed since, nothing is written.
   * @throws StoreError STORE_DOCUMENT_CHANGED
   */
  writeDocuments(changes: readonly DocumentChange[], options?: { readonly unless?: readonly DocumentChange[] }): Promise<void>
  /**
   * Documents of a collection in ascending order of their keys, only those after `after`, at most
   * `limit`.
   */
  listDocuments(collection: string, range?: { readonly after?: string; readonly limit?: number }): Promise<StoredDocument[]>
  /** In descending order, those before `before` only, at most `limit`. */
  listNewestDocuments(collection: string, before: string, limit: number): Promise<StoredDocument[]>
  /** Documents that do not match their checksum, which reading refuses. */
  damagedDocuments(): AsyncIterable<Pick<DocumentChange, 'collection' | 'key'>>
  close(): Promise<void>
}

/** A size or an index as a document key that sorts as the numbers do. */
export function sizeKey(size: number): string {
  return String(size).padStart(16, '0')
}

/**
 * STORE_HEAD_MOVED, STORE_DOCUMENT_CHANGED, STORE_LOCKED, STORE_CORRUPT, STORE_UNREADABLE,
 * STORE_DAMAGED (a row on the disk fails its checksum), STORE_JOURNAL (opening would drop
 * acknowledged records), STORE_WRITE_FAILED (a write was refused, its outcome is unknown),
 * STORE_UNSETTLED (an earlier write was refused, and the disk still refuses writes).
 */
export class StoreError extends OpenSealError {}

/** The error of a write whose `unless` names a document that is another by now. */
export function documentChanged({ collection, key }: Pick<DocumentChange, 'collection' | 'key'>): StoreError {
  return new StoreError('STORE_DOCUMENT_CHANGED', `the document ${collection}/${key} has changed since it was read`)
}

/** Whether a write was refused because a document that it rests on has changed. */
export function isDocumentChanged(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'STORE_DOCUMENT_CHANGED'
}
