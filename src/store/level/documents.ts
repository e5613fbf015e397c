/**
 * The named documents in the embedded store, and their rows. The tree does not cover documents, so
 * each carries a checksum: an API key or an anchor that the disk has changed is never used.
 */
import { concatBytes, equalBytes, fromUtf8, toUtf8 } from '../../core/bytes.ts'
import { sha256 } from '../../core/hash.ts'
import { breathe } from '../../turns.ts'
import { type DocumentChange, type Documents, documentChanged, LOCAL, type StoredDocument } from '../port/documents.ts'
import { StoreError } from '../port/errors.ts'
import type { LevelDatabase } from './database.ts'
import { textKey } from './rows.ts'

/** The first byte of a row with a checksum. */
const CHECKED = 1
const OPENING_BRACE = 0x7b
const CHECKSUM_BYTES = 8
const LOCAL_KEY = textKey('x', LOCAL)

/** The range of documents' row keys. */
export const DOCUMENTS = { gte: textKey('x', ''), lt: textKey('y', '') }

/** The documents of a database. */
export function createDocuments(database: LevelDatabase): Documents {
  const { db, reading, write } = database
  return {
    readDocument: (collection, name) => readDocument(database, collection, name),
    async writeDocuments(changes, { unless = [] } = {}) {
      const rows = documentRows(changes)
      await write(async () => {
        await assertUnchanged(database, unless)
        await db.batch(rows, { sync: true })
      })
    },
    async listDocuments(collection, { after, limit = Number.POSITIVE_INFINITY } = {}) {
      const prefix = documentKey(collection, '')
      const end = textKey('x', `${collection}\x01`)
      const start = after === undefined ? { gte: prefix } : { gt: documentKey(collection, after) }
      const options = { ...start, lt: end, ...(Number.isFinite(limit) ? { limit } : {}) }
      return documentsIn(prefix, await reading(() => db.iterator(options).all()))
    },
    async listCollections() {
      const names: string[] = []
      for (let gte = DOCUMENTS.gte; ; gte = textKey('x', `${names.at(-1)}\x01`)) {
        const [row] = await reading(() => db.keys({ gte, lt: DOCUMENTS.lt, limit: 1 }).all())
        if (row === undefined) return names
        names.push(documentName(row).collection)
      }
    },
    async listNewestDocuments(collection, before, limit) {
      const prefix = documentKey(collection, '')
      const options = { gte: prefix, lt: documentKey(collection, before), reverse: true, limit }
      return documentsIn(prefix, await reading(() => db.iterator(options).all()))
    },
  }
}

/** The rows of changed documents, for a batch. */
export function documentRows(changes: readonly DocumentChange[]) {
  return changes.map(({ collection, key: name, value }) => {
    const rowKey = documentKey(collection, name)
    return value === null
      ? ({ type: 'del', key: rowKey } as const)
      : ({ type: 'put', key: rowKey, value: encodeDocument(rowKey, value) } as const)
  })
}

/**
 * Compares documents with what a writer has read. Only within `write`: writes come one after the
 * other, so that nothing changes between this look and the write.
 * @throws StoreError STORE_DOCUMENT_CHANGED
 */
export async function assertUnchanged(database: Pick<LevelDatabase, 'get'>, unless: readonly DocumentChange[]): Promise<void> {
  for (const { collection, key, value } of unless)
    if (((await readDocument(database, collection, key)) ?? null) !== value) throw documentChanged({ collection, key })
}

async function readDocument({ get }: Pick<LevelDatabase, 'get'>, collection: string, name: string): Promise<string | undefined> {
  const rowKey = documentKey(collection, name)
  const row = await get(rowKey)
  return row === undefined ? undefined : decodeDocument(rowKey, row)
}

/** Whether a row is a document of this store alone. */
export function isLocal(rowKey: Uint8Array): boolean {
  return Buffer.from(rowKey.subarray(0, LOCAL_KEY.length)).equals(LOCAL_KEY)
}

/** The row key of a document. */
function documentKey(collection: string, name: string): Uint8Array {
  return textKey('x', `${collection}\0${name}`)
}

/** The collection and key of a document, from its row key. */
export function documentName(rowKey: Uint8Array): { collection: string; key: string } {
  const [collection = '', ...rest] = Buffer.from(rowKey).toString('utf8').slice(1).split('\0')
  return { collection, key: rest.join('\0') }
}

/** A document's row: 1, the first 8 bytes of SHA-256(row key ‖ text), the text as UTF-8. */
function encodeDocument(rowKey: Uint8Array, text: string): Uint8Array {
  const bytes = toUtf8(text)
  return concatBytes(Uint8Array.of(CHECKED), checksum(rowKey, bytes), bytes)
}

/** Whether a row matches its checksum. */
export function isSoundDocument(rowKey: Uint8Array, row: Uint8Array): boolean {
  if (row[0] === OPENING_BRACE) return true
  const [found, text] = [row.subarray(1, 1 + CHECKSUM_BYTES), row.subarray(1 + CHECKSUM_BYTES)]
  return row[0] === CHECKED && equalBytes(found, checksum(rowKey, text))
}

/**
 * The text of a document.
 * @throws StoreError STORE_DAMAGED
 */
function decodeDocument(rowKey: Uint8Array, row: Uint8Array): string {
  if (isSoundDocument(rowKey, row)) return fromUtf8(row[0] === OPENING_BRACE ? row : row.subarray(1 + CHECKSUM_BYTES))
  const { collection, key } = documentName(rowKey)
  const advice = 'The operator can find out more with "openseal doctor".'
  throw new StoreError('STORE_DAMAGED', `The document ${collection}/${key} was changed on the disk. ${advice}`)
}

function checksum(rowKey: Uint8Array, text: Uint8Array): Uint8Array {
  return sha256(concatBytes(rowKey, text)).subarray(0, CHECKSUM_BYTES)
}

async function documentsIn(prefix: Uint8Array, rows: readonly (readonly [Uint8Array, Uint8Array])[]): Promise<StoredDocument[]> {
  const documents: StoredDocument[] = []
  for (const [rowKey, value] of rows) {
    await breathe()
    documents.push({ key: fromUtf8(rowKey.subarray(prefix.length)), value: decodeDocument(rowKey, value) })
  }
  return documents
}
