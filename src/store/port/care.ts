/**
 * The part of a store that the scrub, the doctor and the restoring of backups need. Only an
 * embedded store has it: a database is cared for with its own tools.
 */
import type { DocumentChange } from './documents.ts'
import type { Commit, Edge, ErasedRecord, Head, NewRecord } from './log.ts'

export type CareStore = {
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
  /** Removes records that a tombstone of the committed log names, as its commit did. */
  eraseAgain(records: readonly ErasedRecord[]): Promise<void>
  /**
   * Writes the head again. It is on disk (fsync) when it returns. The caller has derived it from
   * the log's other rows and verified it against them.
   */
  putHead(head: Head, edge: Edge): Promise<void>
  /** Documents that do not match their checksum, which reading refuses. */
  damagedDocuments(): AsyncIterable<Pick<DocumentChange, 'collection' | 'key'>>
}
