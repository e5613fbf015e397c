/**
 * The named documents in the database. Their writers lock one row. So the values that a writer
 * compares stay the same until it has written.
 */
import { fromUtf8, toUtf8 } from '../../core/bytes.ts'
import { type DocumentChange, type Documents, documentChanged, type StoredDocument } from '../port/documents.ts'
import { storeMoved } from '../port/errors.ts'
import type { DatabaseStatement } from './connection.ts'
import type { PostgresDatabase, ResultRows, Transaction, WriteStep } from './database.ts'

/**
 * Written, not only locked: a transaction that sees one moment (REPEATABLE READ and above) must not
 * compare with documents from before it got the lock.
 */
export const LOCK_DOCUMENTS: DatabaseStatement = {
  name: 'lock-documents',
  text: 'UPDATE openseal.document_lock SET beat = beat + 1 WHERE id = 1',
}
const RETIRED: DatabaseStatement = { name: 'retired', text: 'SELECT is_retired FROM openseal.head WHERE id = 1' }
const READ: DatabaseStatement = { name: 'document', text: 'SELECT value FROM openseal.document WHERE collection = $1 AND key = $2' }
const PUT: DatabaseStatement = {
  name: 'put-document',
  text: 'INSERT INTO openseal.document VALUES ($1, $2, $3) ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value',
}
const REMOVE: DatabaseStatement = { name: 'remove-document', text: 'DELETE FROM openseal.document WHERE collection = $1 AND key = $2' }
const LIST: DatabaseStatement = {
  name: 'documents',
  text: 'SELECT key, value FROM openseal.document WHERE collection = $1 AND key >= $2 ORDER BY key LIMIT $3',
}
const LIST_AFTER: DatabaseStatement = {
  name: 'documents-after',
  text: 'SELECT key, value FROM openseal.document WHERE collection = $1 AND key > $2 ORDER BY key LIMIT $3',
}
const COLLECTIONS: DatabaseStatement = {
  name: 'collections',
  text: 'SELECT DISTINCT collection FROM openseal.document ORDER BY collection',
}
const LIST_NEWEST: DatabaseStatement = {
  name: 'newest-documents',
  text: 'SELECT key, value FROM openseal.document WHERE collection = $1 AND key < $2 ORDER BY key DESC LIMIT $3',
}

/** The documents of a database. */
export function createDocuments({ read, write }: PostgresDatabase): Documents {
  return {
    async readDocument(collection, key) {
      const [row] = await read(READ, toUtf8(collection), toUtf8(key))
      return row && fromUtf8(row[0] as Uint8Array)
    },
    async writeDocuments(changes, { unless = [] } = {}) {
      await write(async transaction => {
        if (await lockUnchanged(transaction, unless)) throw storeMoved()
        return documentSteps(changes)
      })
    },
    async listDocuments(collection, { after, limit } = {}) {
      const range = limit === undefined || !Number.isFinite(limit) ? null : limit
      const [statement, from] = after === undefined ? [LIST, ''] : [LIST_AFTER, after]
      return documentsIn(await read(statement, toUtf8(collection), toUtf8(from), range))
    },
    listCollections: async () => (await read(COLLECTIONS)).map(([name]) => fromUtf8(name as Uint8Array)),
    listNewestDocuments: async (collection, before, limit) =>
      documentsIn(await read(LIST_NEWEST, toUtf8(collection), toUtf8(before), limit)),
  }
}

/**
 * Locks the documents, and compares some with what a writer has read. Whether the store is retired.
 * @throws StoreError STORE_DOCUMENT_CHANGED
 */
export async function lockUnchanged(transaction: Transaction, unless: readonly DocumentChange[]): Promise<boolean> {
  // The lock comes first, so the values read after it include those of earlier writers.
  const [, [retired] = [], ...found] = await transaction.run(
    [LOCK_DOCUMENTS],
    [RETIRED],
    ...unless.map(({ collection, key }): WriteStep => [READ, toUtf8(collection), toUtf8(key)]),
  )
  for (const [i, document] of unless.entries()) {
    const [row] = found[i]!
    const value = row === undefined ? null : fromUtf8(row[0] as Uint8Array)
    if (value !== document.value) throw documentChanged(document)
  }
  return retired?.[0] === true
}

/** The steps that change documents. */
export function documentSteps(changes: readonly DocumentChange[]): WriteStep[] {
  return changes.map(({ collection, key, value }) =>
    value === null ? [REMOVE, toUtf8(collection), toUtf8(key)] : [PUT, toUtf8(collection), toUtf8(key), toUtf8(value)],
  )
}

function documentsIn(rows: ResultRows): StoredDocument[] {
  return rows.map(([key, value]) => ({ key: fromUtf8(key as Uint8Array), value: fromUtf8(value as Uint8Array) }))
}
