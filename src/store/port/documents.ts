/**
 * The part of a store that holds small named documents: agencies, keys, anchors. Documents that two
 * nodes could write are written with `unless`, which compares before it writes.
 */
import { StoreError } from './errors.ts'

/** A document and its value; `null` removes it. */
export type DocumentChange = { readonly collection: string; readonly key: string; readonly value: string | null }

/** A document without its collection. */
export type StoredDocument = { readonly key: string; readonly value: string }

export type Documents = {
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
  /** The names of all collections that have documents, in ascending order. */
  listCollections(): Promise<string[]>
  /** In descending order, those before `before` only, at most `limit`. */
  listNewestDocuments(collection: string, before: string, limit: number): Promise<StoredDocument[]>
}

/** Begins the names of collections that are for this store alone: no copy of it has them. */
export const LOCAL = 'local-'

/** A size or an index as a document key that sorts as the numbers do. */
export function sizeKey(size: number): string {
  return String(size).padStart(16, '0')
}

/** The error of a write whose `unless` names a document that is another by now. */
export function documentChanged({ collection, key }: Pick<DocumentChange, 'collection' | 'key'>): StoreError {
  return new StoreError('STORE_DOCUMENT_CHANGED', `the document ${collection}/${key} has changed since it was read`)
}

/** Whether a write was refused because a document that it rests on has changed. */
export function isDocumentChanged(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'STORE_DOCUMENT_CHANGED'
}
