/** The embedded store, on Level: one atomic, synced batch per commit. Its rows are those of level-rows. */
import { Level } from 'level'
import { equalBytes, fromUtf8, toUtf8 } from '../core/bytes.ts'
import { EMPTY_ROOT } from '../core/hash.ts'
import { decodeHead, HEAD_KEY, key, putCommit, readIndex, textKey, withIndex } from './level-rows.ts'
import { headMoved } from './memory.ts'
import { type Commit, type Edge, type Head, type Store, StoreError } from './port.ts'

type Database = Level<Uint8Array, Uint8Array>

/** Up to so many keys are read on this thread: for them the way to another one costs more than the read. */
const FEW_KEYS = 128
/** What Level gathers in memory before it writes a table: with its own 4 MB a bulk submission spends a third of its time on merging tables. */
const WRITE_BUFFER_BYTES = 16 * 1024 * 1024

/**
 * Opens, or creates, the store in a folder.
 * @throws StoreError STORE_LOCKED when another process has it open, STORE_UNREADABLE when it cannot be opened.
 */
export async function openLevelStore(folder: string): Promise<Store> {
  const db: Database = new Level(folder, { keyEncoding: 'view', valueEncoding: 'view', writeBufferSize: WRITE_BUFFER_BYTES })
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
    const batch = db.batch()
    putCommit(commit, (rowKey, value) => batch.put(rowKey, value))
    known = undefined
    await batch.write({ sync: true })
  }

  const indexesUnder = async (prefix: Uint8Array, limit: number) => {
    const found: number[] = []
    for await (const key of db.keys({ gte: withIndex(prefix, 0), lt: withIndex(prefix, Number.MAX_SAFE_INTEGER) })) {
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
      const rows = keys.length <= FEW_KEYS ? keys.map(row => db.getSync(row)) : await db.getMany(keys)
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
    async listByAgency(agency, before, limit) {
      const prefix = textKey('a', `${agency}\0`)
      const found: number[] = []
      for await (const [row, count] of db.iterator({ gte: withIndex(prefix, 0), lt: withIndex(prefix, before), reverse: true })) {
        const first = readIndex(row, prefix.length)
        const end = Math.min(before, first + readIndex(count, 0))
        for (let index = end - 1; index >= first && found.length < limit; index--) found.push(index)
        if (found.length >= limit) break
      }
      return found
    },
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

function documentKey(collection: string, name: string): Uint8Array {
  return textKey('x', `${collection}\0${name}`)
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
