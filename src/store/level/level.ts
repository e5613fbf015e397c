/**
 * The embedded store, on Level: one atomic, synced batch per commit. `rows.ts` describes its rows.
 */
import { equalBytes, fromUtf8, toHex } from '../../core/bytes.ts'
import { EMPTY_ROOT, HASH_BYTES } from '../../core/hash.ts'
import { breathe } from '../../turns.ts'
import { headMoved } from '../memory/memory.ts'
import { type Commit, type DigestIndexes, documentChanged, type Store, type StoredDocument, StoreError } from '../port/port.ts'
import type { Row } from './backup.ts'
import { damaged, type LevelDatabase, openLevelDatabase } from './database.ts'
import { DOCUMENTS, decodeDocument, documentKey, documentName, encodeDocument, isSoundDocument } from './documents.ts'
import { additionsTo, addTo, changeHead, decodeHead, encodeHead, HEAD_KEY, headUnreadable, type StoredHead } from './head.ts'
import { findDamagedJournal } from './journal.ts'
import { hexKey, key, putCommit, putParts, putRecords, readIndex, textKey, withIndex } from './rows.ts'

/** A store that can export its rows. */
export type LevelStore = Store & {
  /**
   * Every row, as of the moment when the first is asked for. Fails if the store has to be reopened
   * meanwhile.
   */
  rows(): AsyncIterable<Row>
}

const ROWS_AT_ONCE = 1000

/** Above every index. */
const LAST = Number.MAX_SAFE_INTEGER
/** Most digests have only a few rows. Beyond this many, the rest is skipped. */
const MANY_ROWS = 512
/** How many rows are read for each digest that is returned. */
const ROWS_OF_DIGEST = 4

/**
 * Up to this many keys are read on this thread, because handing them to another one would take
 * longer.
 */
const FEW_KEYS = 128

/**
 * Opens or creates the store in a folder.
 * @throws StoreError STORE_LOCKED if another process has it open, STORE_UNREADABLE if it cannot be
 * opened, STORE_JOURNAL if opening it would drop acknowledged records
 */
export async function openLevelStore(folder: string): Promise<LevelStore> {
  const journal = await findDamagedJournal(folder)
  if (journal === undefined) return salvageLevelStore(folder)
  throw new StoreError(
    'STORE_JOURNAL',
    `The journal ${journal} of the store in ${folder} is damaged, and starting now would drop acknowledged records. Run "openseal doctor".`,
  )
}

/**
 * Opens the store despite a damaged journal. Records that LevelDB cannot read are lost.
 * @throws StoreError STORE_LOCKED, STORE_UNREADABLE
 */
export async function salvageLevelStore(folder: string): Promise<LevelStore> {
  return levelStore(await openLevelDatabase(folder))
}

/**
 * Creates a store from exported rows.
 * @throws what reading the rows throws; the folder then holds an incomplete store
 */
export async function fillLevelStore(folder: string, rows: AsyncIterable<Row>): Promise<void> {
  const { db, write, close } = await openLevelDatabase(folder)
  const writeAll = async () => {
    let batch = db.batch()
    for await (const [rowKey, value] of rows) {
      batch.put(rowKey, value)
      if (batch.length < ROWS_AT_ONCE) continue
      await write(() => batch.write({ sync: true }))
      batch = db.batch()
    }
    await write(() => batch.write({ sync: true }))
  }
  await writeAll().finally(close)
}

function levelStore({ db, write, settled, reading, close }: LevelDatabase): LevelStore {
  /**
   * The head as last read or written; undefined after a failed write, so that the next reader reads
   * the disk.
   */
  let known: StoredHead | 'empty' | undefined
  /**
   * The read of the whole head, shared by all callers. A commit waits for it too, so that no write
   * comes in between.
   */
  let wholeReading: Promise<void> | undefined

  const read = async (row: Uint8Array) => {
    if (db.status !== 'open') await settled()
    try {
      return db.getSync(row)
    } catch (cause) {
      throw damaged(cause)
    }
  }

  const lastSize = async () => {
    const range = { gte: withIndex(key('c'), 0), lt: withIndex(key('c'), Number.MAX_SAFE_INTEGER), reverse: true, limit: 1 }
    const [row] = await reading(() => db.keys(range).all())
    return row === undefined ? undefined : readIndex(row, 1)
  }

  const readWholeHead = async () => {
    const row = await read(HEAD_KEY)
    if (row === undefined && (await lastSize()) !== undefined) throw headUnreadable('is gone')
    if (row === undefined) {
      known = 'empty'
      return
    }
    const whole = decodeHead(row)
    const additions = await reading(() => db.iterator(additionsTo(whole.head.size)).all())
    known = additions.reduce((stored, [rowKey, addition]) => addTo(stored, rowKey, addition), whole)
  }

  /** The head after a commit, from the one row that the commit wrote on top of `before`. */
  const readWritten = async (before: StoredHead | undefined, rowKey: Uint8Array) => {
    const row = await read(rowKey)
    if (row === undefined) throw headUnreadable('is gone')
    return before === undefined || rowKey === HEAD_KEY ? decodeHead(row) : addTo(before, rowKey, row)
  }

  const readHead = async () => {
    while (known === undefined) {
      wholeReading ??= readWholeHead().finally(() => {
        wholeReading = undefined
      })
      await wholeReading
    }
    return known === 'empty' ? undefined : known
  }

  const commitNow = async (commit: Commit) => {
    const stored = await readHead()
    const head = stored?.head ?? { size: 0, root: EMPTY_ROOT }
    if (head.size !== commit.previous.size || !equalBytes(head.root, commit.previous.root)) throw headMoved(commit.previous, head)
    const batch = db.batch()
    putCommit(commit, (rowKey, value) => batch.put(rowKey, value))
    const { row, dropped } = changeHead(stored, commit.next, commit.edge)
    batch.put(...row)
    for (const rowKey of dropped) batch.del(rowKey)
    try {
      await batch.write({ sync: true })
      known = await readWritten(stored, row[0])
    } catch (cause) {
      known = undefined
      throw cause
    }
  }

  /** The indexes under a prefix: oldest first, or newest first below `before`. */
  const indexesUnder = async (prefix: Uint8Array, limit: number, before?: number) => {
    const found: number[] = []
    const range = { gte: withIndex(prefix, 0), lt: withIndex(prefix, before ?? Number.MAX_SAFE_INTEGER), reverse: before !== undefined }
    for await (const key of db.keys(range)) {
      // A longer key belongs to another record, whose id contains a zero byte and sorts into this
      // range.
      if (key.length === prefix.length + 8) found.push(readIndex(key, prefix.length))
      if (found.length >= limit) break
    }
    return found
  }

  const digestsWithPrefix: Store['digestsWithPrefix'] = async (prefix, { after, limit, each }) => {
    const digests: DigestIndexes[] = []
    const end = withIndex(hexKey('d', prefix.padEnd(2 * HASH_BYTES, 'f')), LAST)
    const first = withIndex(hexKey('d', prefix.padEnd(2 * HASH_BYTES, '0')), 0)
    const rows = db.keys({ ...(after === undefined ? { gte: first } : { gt: withIndex(hexKey('d', after), LAST) }), lt: end })
    let read: Uint8Array[] = []
    let looked = 0
    const nextRow = async () => {
      if (read.length === 0) {
        await breathe()
        read = (await rows.nextv(ROWS_AT_ONCE)).reverse()
      }
      return read.pop()
    }
    try {
      for (let row = await nextRow(); row !== undefined; ) {
        if (digests.length >= limit || looked > limit * ROWS_OF_DIGEST) return { digests, more: true }
        const digestKey = row.slice(0, 1 + HASH_BYTES)
        const indexes: number[] = []
        for (; row !== undefined && equalBytes(row.subarray(0, digestKey.length), digestKey); row = await nextRow()) {
          if (indexes.push(readIndex(row, digestKey.length)) > MANY_ROWS) break
        }
        looked += indexes.length
        const isCut = indexes.length > MANY_ROWS
        const newest = isCut ? (await indexesUnder(digestKey, each / 2, LAST)).reverse() : indexes.slice(-each / 2)
        const digest = toHex(digestKey.subarray(1))
        digests.push(
          indexes.length <= each ? { digest, indexes } : { digest, indexes: [...indexes.slice(0, each / 2), ...newest], more: true },
        )
        if (!isCut) continue
        // A digest can have as many rows as the log has entries, so the rest is skipped, not read.
        rows.seek(withIndex(digestKey, LAST))
        read = []
        row = await nextRow()
      }
    } finally {
      await rows.close()
    }
    return { digests }
  }

  const listByAgency = async (agency: string, before: number, limit: number) => {
    const prefix = textKey('a', `${agency}\0`)
    const found: number[] = []
    const range = { gte: withIndex(prefix, 0), lt: withIndex(prefix, before), reverse: true, limit }
    for (const [row, count] of await reading(() => db.iterator(range).all())) {
      const first = readIndex(row, prefix.length)
      const end = Math.min(before, first + readIndex(count, 0))
      for (let index = end - 1; index >= first && found.length < limit; index--) found.push(index)
    }
    return found
  }

  const readDocument = async (collection: string, name: string) => {
    const rowKey = documentKey(collection, name)
    const row = await read(rowKey)
    return row === undefined ? undefined : decodeDocument(rowKey, row)
  }

  return {
    async readHead() {
      await settled()
      const stored = await readHead()
      return stored && { head: stored.head, edge: stored.edge }
    },
    commit: commit => write(() => commitNow(commit)),
    async findIdentities(identities) {
      const keys = identities.map(identity => hexKey('i', identity))
      const rows =
        keys.length <= FEW_KEYS && db.status === 'open' ? keys.map(row => db.getSync(row)) : await reading(() => db.getMany(keys))
      return rows.map(row => (row === undefined ? undefined : readIndex(row, 0)))
    },
    lastSize,
    readStatement: index => read(withIndex(key('s'), index)),
    async *readStatements(from, to) {
      for (let index = from; index < to; index++) yield { index, statement: await read(withIndex(key('s'), index)) }
    },
    async committedMs(index) {
      const range = { gt: withIndex(key('c'), index), lt: withIndex(key('c'), Number.MAX_SAFE_INTEGER), limit: 1 }
      const [row] = await reading(() => db.values(range).all())
      return row === undefined ? undefined : readIndex(row, 0)
    },
    readTile: (level, index) => read(withIndex(key('t', Uint8Array.of(level)), index)),
    readBundle: index => read(withIndex(key('b'), index)),
    findByDigest: (digest, limit) => reading(() => indexesUnder(hexKey('d', digest), limit)),
    listByDigest: (digest, before, limit) => reading(() => indexesUnder(hexKey('d', digest), limit, before)),
    digestsWithPrefix: (prefix, range) => reading(() => digestsWithPrefix(prefix, range)),
    listByRecord: (agency, record, before, limit) => reading(() => indexesUnder(textKey('r', `${agency}\0${record}\0`), limit, before)),
    listByAgency,
    async findIncomplete(records) {
      const incomplete = new Set<number>()
      for (const record of records) {
        const rows: [Uint8Array, Uint8Array][] = []
        putRecords([record], (rowKey, value) => rows.push([rowKey.slice(), value.slice()]))
        for (const [rowKey, value] of rows) {
          const found = await read(rowKey)
          if (found === undefined || !equalBytes(found, value)) incomplete.add(record.index)
        }
      }
      for (const [agency, indexes] of Map.groupBy(records, ({ subject }) => subject?.agency)) {
        if (agency === undefined) continue
        const [first, last] = [indexes[0]!.index, indexes.at(-1)!.index]
        const listed = new Set(await listByAgency(agency, last + 1, last - first + 1))
        for (const { index } of indexes) if (!listed.has(index)) incomplete.add(index)
      }
      return [...incomplete].sort((a, b) => a - b)
    },
    putBack: parts =>
      write(async () => {
        const batch = db.batch()
        putParts(parts, (rowKey, value) => batch.put(rowKey, value))
        await batch.write({ sync: true })
      }),
    putHead: (head, edge) =>
      write(async () => {
        const batch = db.batch().put(HEAD_KEY, encodeHead(head, edge))
        for (const rowKey of await db.keys(additionsTo(0)).all()) batch.del(rowKey)
        await batch.write({ sync: true })
      }).finally(() => {
        known = undefined
      }),
    readDocument,
    async writeDocuments(changes, { unless = [] } = {}) {
      const rows = changes.map(({ collection, key: name, value }) => {
        const rowKey = documentKey(collection, name)
        return value === null
          ? ({ type: 'del', key: rowKey } as const)
          : ({ type: 'put', key: rowKey, value: encodeDocument(rowKey, value) } as const)
      })
      await write(async () => {
        // Writes come one after the other, so that nothing changes between this look and the write.
        for (const { collection, key: name, value } of unless)
          if (((await readDocument(collection, name)) ?? null) !== value) throw documentChanged({ collection, key: name })
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
    async listNewestDocuments(collection, before, limit) {
      const prefix = documentKey(collection, '')
      const options = { gte: prefix, lt: documentKey(collection, before), reverse: true, limit }
      return documentsIn(prefix, await reading(() => db.iterator(options).all()))
    },
    rows: () => db.iterator(),
    async *damagedDocuments() {
      for await (const [rowKey, row] of db.iterator(DOCUMENTS)) if (!isSoundDocument(rowKey, row)) yield documentName(rowKey)
    },
    close,
  }
}

async function documentsIn(prefix: Uint8Array, rows: readonly (readonly [Uint8Array, Uint8Array])[]): Promise<StoredDocument[]> {
  const documents: StoredDocument[] = []
  for (const [rowKey, value] of rows) {
    await breathe()
    documents.push({ key: fromUtf8(rowKey.subarray(prefix.length)), value: decodeDocument(rowKey, value) })
  }
  return documents
}
