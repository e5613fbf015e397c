/**
 * The embedded store, on Level: one atomic, synced batch per commit.
 *
 * Rows, by the first byte of their key (numbers are big-endian, so keys sort as numbers do):
 *
 *   h                                the head and the growing edge, one row, rewritten by each commit
 *   s index                          a canonical statement
 *   i identity                       → index
 *   d digest index                   a document's digest, for look-ups
 *   r agency 0 record 0 index        a record's statements
 *   a agency 0 index                 an agency's statements
 *   t level index                    a full tile, written once
 *   b index                          a full entry bundle, written once
 *   c size                           → when the commit that led to this size was made, in milliseconds
 *   x collection 0 key               a named document
 */
import { Level } from 'level'
import { equalBytes, fromUtf8, toUtf8 } from '../core/bytes.ts'
import { EMPTY_ROOT } from '../core/hash.ts'
import { headMoved } from './memory.ts'
import { type Commit, type Edge, type Head, type Store, StoreError } from './port.ts'

type Database = Level<Uint8Array, Uint8Array>
type Put = { type: 'put'; key: Uint8Array; value: Uint8Array }

const HEAD_KEY = Uint8Array.of(0x68)
const NOTHING = new Uint8Array(0)
const FEW_KEYS = 16

/**
 * Opens, or creates, the store in a folder.
 * @throws StoreError STORE_LOCKED when another process has it open, STORE_UNREADABLE when it cannot be opened.
 */
export async function openLevelStore(folder: string): Promise<Store> {
  const db: Database = new Level(folder, { keyEncoding: 'view', valueEncoding: 'view' })
  try {
    await db.open()
  } catch (error) {
    throw openError(folder, error)
  }
  return levelStore(db)
}

function levelStore(db: Database): Store {
  /** The head as it was last read; undefined after every commit, whatever came of it, so that the next reader sees what is stored. */
  let known: { head: Head; edge: Edge } | 'empty' | undefined
  /** Commits run one after the other: the check of `previous` and the write are one step. */
  let lastCommit: Promise<unknown> = Promise.resolve()

  const readHead = () => {
    if (known === undefined) {
      const row = db.getSync(HEAD_KEY)
      known = row === undefined ? 'empty' : decodeHead(row)
    }
    return known === 'empty' ? undefined : known
  }

  const commitNow = async (commit: Commit) => {
    const head = readHead()?.head ?? { size: 0, root: EMPTY_ROOT }
    if (head.size !== commit.previous.size || !equalBytes(head.root, commit.previous.root)) throw headMoved(commit.previous, head)
    const rows = commitRows(commit)
    known = undefined
    await db.batch(rows, { sync: true })
  }

  const indexesUnder = async (prefix: Uint8Array, limit: number, options: { before?: number; reverse?: boolean } = {}) => {
    const found: number[] = []
    const range = {
      gte: withIndex(prefix, 0),
      lt: withIndex(prefix, options.before ?? Number.MAX_SAFE_INTEGER),
      reverse: options.reverse === true,
    }
    for await (const key of db.keys(range)) {
      // A record id that itself holds a zero byte can sort into this range: its key is longer.
      if (key.length === prefix.length + 8) found.push(readIndex(key, prefix.length))
      if (found.length >= limit) break
    }
    return found
  }

  return {
    async readHead() {
      return readHead()
    },
    commit(commit) {
      const done = lastCommit.then(() => commitNow(commit))
      lastCommit = done.catch(() => undefined)
      return done
    },
    async findIdentities(identities) {
      const keys = identities.map(identity => key('i', identity))
      // Many at once are read on another thread; for a few the way there costs more than the read.
      const rows = keys.length < FEW_KEYS ? keys.map(row => db.getSync(row)) : await db.getMany(keys)
      return rows.map(row => (row === undefined ? undefined : readIndex(row, 0)))
    },
    async readStatement(index) {
      return db.getSync(withIndex(key('s'), index))
    },
    async *readStatements(from, to) {
      for (let index = from; index < to; index++) yield { index, statement: db.getSync(withIndex(key('s'), index)) }
    },
    async committedMs(index) {
      for await (const row of db.values({ gt: withIndex(key('c'), index), lt: withIndex(key('c'), Number.MAX_SAFE_INTEGER), limit: 1 }))
        return readIndex(row, 0)
      return undefined
    },
    async readTile(level, index) {
      return db.getSync(withIndex(key('t', Uint8Array.of(level)), index))
    },
    async readBundle(index) {
      return db.getSync(withIndex(key('b'), index))
    },
    findByDigest: (digest, limit) => indexesUnder(key('d', digest), limit),
    findByRecord: (agency, record, limit) => indexesUnder(textKey('r', `${agency}\0${record}\0`), limit),
    listByAgency: (agency, before, limit) => indexesUnder(textKey('a', `${agency}\0`), limit, { before, reverse: true }),
    async readDocument(collection, name) {
      const row = db.getSync(documentKey(collection, name))
      return row === undefined ? undefined : fromUtf8(row)
    },
    async writeDocuments(changes) {
      const rows = changes.map(({ collection, key: name, value }) => {
        const rowKey = documentKey(collection, name)
        return value === null ? ({ type: 'del', key: rowKey } as const) : ({ type: 'put', key: rowKey, value: toUtf8(value) } as const)
      })
      await db.batch(rows, { sync: true })
    },
    async listDocuments(collection, { after, limit = Number.POSITIVE_INFINITY } = {}) {
      const prefix = documentKey(collection, '')
      const end = textKey('x', `${collection}\x01`)
      const start = after === undefined ? { gte: prefix } : { gt: documentKey(collection, after) }
      const rows: { key: string; value: string }[] = []
      for await (const [rowKey, value] of db.iterator({ ...start, lt: end, ...(Number.isFinite(limit) ? { limit } : {}) }))
        rows.push({ key: fromUtf8(rowKey.subarray(prefix.length)), value: fromUtf8(value) })
      return rows
    },
    async close() {
      await lastCommit
      await db.close()
    },
  }
}

function commitRows(commit: Commit): Put[] {
  const rows: Put[] = []
  const put = (rowKey: Uint8Array, value: Uint8Array) => rows.push({ type: 'put', key: rowKey, value })
  for (const record of commit.records) {
    put(withIndex(key('s'), record.index), record.statement)
    put(key('i', record.identity), withIndex(NOTHING, record.index))
    for (const digest of record.digests) put(withIndex(key('d', digest), record.index), NOTHING)
    if (record.subject === undefined) continue
    const { agency, record: id } = record.subject
    put(withIndex(textKey('r', `${agency}\0${id}\0`), record.index), NOTHING)
    put(withIndex(textKey('a', `${agency}\0`), record.index), NOTHING)
  }
  for (const tile of commit.tiles) put(withIndex(key('t', Uint8Array.of(tile.level)), tile.index), tile.bytes)
  for (const bundle of commit.bundles) put(withIndex(key('b'), bundle.index), bundle.bytes)
  put(withIndex(key('c'), commit.next.size), withIndex(NOTHING, commit.timeMs))
  put(HEAD_KEY, encodeHead(commit.next, commit.edge))
  return rows
}

/** The head row: size (8), root (32), number of tile levels (1), then each level's tile and the bundle, each with its length (4). */
function encodeHead(head: Head, edge: Edge): Uint8Array {
  const parts = [...edge.tiles, edge.bundle]
  const bytes = new Uint8Array(41 + parts.reduce((sum, part) => sum + 4 + part.length, 0))
  bytes.set(withIndex(NOTHING, head.size), 0)
  bytes.set(head.root, 8)
  bytes[40] = edge.tiles.length
  let at = 41
  for (const part of parts) {
    new DataView(bytes.buffer).setUint32(at, part.length)
    bytes.set(part, at + 4)
    at += 4 + part.length
  }
  return bytes
}

function decodeHead(row: Uint8Array): { head: Head; edge: Edge } {
  const view = new DataView(row.buffer, row.byteOffset, row.byteLength)
  try {
    const parts: Uint8Array[] = []
    let at = 41
    for (let part = 0; part <= view.getUint8(40); part++) {
      const length = view.getUint32(at)
      if (at + 4 + length > row.length) throw new RangeError('a part is longer than the row')
      parts.push(row.slice(at + 4, at + 4 + length))
      at += 4 + length
    }
    if (at !== row.length) throw new RangeError('bytes are left over')
    const bundle = parts.pop() ?? NOTHING
    return { head: { size: readIndex(row, 0), root: row.slice(8, 40) }, edge: { tiles: parts, bundle } }
  } catch (cause) {
    throw new StoreError('STORE_CORRUPT', 'the head row of the store cannot be read: restore the data folder from a backup', { cause })
  }
}

function key(letter: string, rest: Uint8Array = NOTHING): Uint8Array {
  const bytes = Buffer.allocUnsafe(1 + rest.length)
  bytes[0] = letter.charCodeAt(0)
  bytes.set(rest, 1)
  return bytes
}

function textKey(letter: string, text: string): Uint8Array {
  return Buffer.from(letter + text, 'utf8')
}

function documentKey(collection: string, name: string): Uint8Array {
  return textKey('x', `${collection}\0${name}`)
}

function withIndex(prefix: Uint8Array, index: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(prefix.length + 8)
  bytes.set(prefix)
  bytes.writeUInt32BE(Math.floor(index / 2 ** 32), prefix.length)
  bytes.writeUInt32BE(index % 2 ** 32, prefix.length + 4)
  return bytes
}

function readIndex(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 8)
  return view.getUint32(0) * 2 ** 32 + view.getUint32(4)
}

function openError(folder: string, error: unknown): StoreError {
  const cause = (error as { cause?: { code?: string } }).cause
  if (cause?.code === 'LEVEL_LOCKED')
    return new StoreError('STORE_LOCKED', `The data folder ${folder} is in use by another OpenSeal service: stop that one first.`, {
      cause: error,
    })
  return new StoreError(
    'STORE_UNREADABLE',
    `The store in ${folder} cannot be opened: ${String((cause as Error | undefined)?.message ?? error)}`,
    {
      cause: error,
    },
  )
}
