/**
 * The part of a store that holds the log: head, growing edge, full tiles, full entry bundles and
 * statements. It grows only by `commit`.
 */
import type { Hash } from '../../core/hash.ts'
import type { DocumentChange } from './documents.ts'

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

/** The subject of a statement: a record of an agency. */
export type RecordSubject = { readonly agency: string; readonly record: string }

/** One new record of a commit. */
export type NewRecord = {
  readonly index: number
  /** The canonical statement with its salt, as UTF-8. */
  readonly statement: Uint8Array
  /** SHA-256 of the canonical statement without its salt, in lower-case hex. */
  readonly identity: string
  /** Look-up keys. The genesis has no agency and no record. */
  readonly subject: RecordSubject | undefined
  /**
   * The distinct digests (`sha256`, `jcs`) of its documents, in lower-case hex as in the statement.
   */
  readonly digests: readonly string[]
}

/** An earlier record whose statement, identity and look-ups a commit removes. */
export type ErasedRecord = Omit<NewRecord, 'statement'>

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
  /**
   * One for each index from `previous.size` to `next.size`, ascending. Only where a whole log is
   * moved are those left out that were erased before.
   */
  readonly records: readonly NewRecord[]
  /**
   * When the batch was sealed, in milliseconds since 1970 by the sealing node's clock. Information
   * for people, never evidence.
   */
  readonly timeMs: number
  /** Records that are erased, earlier ones or those of this commit. Their entries stay. */
  readonly erase?: readonly ErasedRecord[]
  /** Documents that change with the batch, and those that must be as the caller read them. */
  readonly documents?: { readonly changes: readonly DocumentChange[]; readonly unless: readonly DocumentChange[] }
}

/** A head with its growing edge; undefined before the first commit. */
export type StoredTree = { readonly head: Head; readonly edge: Edge } | undefined

/** The size to which a commit led, and when it was made. */
export type CommitTime = { readonly size: number; readonly timeMs: number }

/** What a batch asks of the log before it is built. */
export type Questions = { readonly identities: readonly string[]; readonly records: readonly RecordSubject[] }

/** A commit that has begun: no node moves the head before it ends. */
export type BegunCommit = {
  /** The head that it builds on. It was only read: see `confirmHead`. */
  readonly stored: StoredTree
  /** The answers on that head, as `findIdentities` and `haveStatements` give them. */
  readonly known: readonly (number | undefined)[]
  readonly have: readonly boolean[]
  /**
   * Writes one batch, as the store's own `commit` does. Resolves to the head that the store reads
   * back after it. Called once at most.
   */
  commit(commit: Commit): Promise<StoredTree>
  /** Ends it. Does nothing after `commit`. */
  end(): void
}

export type LogStore = {
  /**
   * The committed head and its edge, or undefined before the first commit. Never older than the
   * last commit that was answered. After a failed commit it is what the disk holds.
   * @throws StoreError STORE_UNSETTLED while that is unknown: ask again later; STORE_CORRUPT if
   * something was committed and the head is unreadable or gone, so that nobody starts a new log
   * over an old one
   */
  readHead(): Promise<StoredTree>
  /**
   * The same, and no fail-over takes it back: a store of several servers writes the head row again
   * in the transaction that reads it under lock, and answers once that write is replicated. So is
   * everything before it. A store on one disk only reads. A node signs, publishes or acknowledges
   * what it has read, and not written itself, only after this.
   * @throws StoreError STORE_UNSETTLED also if the answer to that write is lost or odd
   */
  confirmHead(): Promise<StoredTree>
  /**
   * Begins a commit, after those that other nodes have begun before. Missing where one process has
   * the store. The caller must end it soon, because nobody else can write meanwhile.
   * @throws StoreError STORE_UNSETTLED also if others hold the head for too long
   */
  begin?(questions: Questions): Promise<BegunCommit>
  /**
   * Writes one batch. When it returns, all of it is on disk (fsync). When it throws
   * STORE_HEAD_MOVED or STORE_UNSETTLED, nothing is. After any other error the outcome is unknown
   * until `readHead` tells. A commit is refused if its `previous` is not the head, so two sealers
   * cannot fork the log. The first commit has an empty tree as `previous`.
   * @throws StoreError STORE_DOCUMENT_CHANGED if a document of `unless` has changed; then nothing
   * is written
   */
  commit(commit: Commit): Promise<void>
  /** Whether bytes of erased records may be left in the store's files. */
  hasRemains(): Promise<boolean>
  /**
   * Removes those bytes. May be slow. After a crash or a failure, `hasRemains` is still true, and
   * the next call goes on.
   */
  purge(): Promise<void>
  /**
   * The index of each identity, undefined if there is none. Sees every commit that was answered.
   */
  findIdentities(identities: readonly string[]): Promise<(number | undefined)[]>
  /** Whether there are statements about each record. Sees every commit that was answered. */
  haveStatements(records: readonly RecordSubject[]): Promise<boolean[]>
  /**
   * The size after the newest commit, by that commit's own row and not by the head; undefined
   * before the first.
   */
  lastSize(): Promise<number | undefined>
  /** The canonical statement at an index; undefined if it was erased or is beyond the head. */
  readStatement(index: number): Promise<Uint8Array | undefined>
  /**
   * The commits that added the indexes of [from, to), in order, by their own rows; none beyond the
   * head.
   */
  readCommits(from: number, to: number): Promise<readonly CommitTime[]>
  /** The statements of [from, to) in order, one item for each index. */
  readStatements(from: number, to: number): AsyncIterable<{ readonly index: number; readonly statement: Uint8Array | undefined }>
  /** A full tile; undefined while it is not full. */
  readTile(level: number, index: number): Promise<Uint8Array | undefined>
  /** A full entry bundle; undefined while it is not full. */
  readBundle(index: number): Promise<Uint8Array | undefined>
}
