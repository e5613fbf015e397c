/** The log in the embedded store: one atomic, synced batch per commit. */
import { equalBytes } from '../../core/bytes.ts'
import { EMPTY_ROOT } from '../../core/hash.ts'
import { headMoved } from '../port/errors.ts'
import type { Commit, CommitTime, Edge, Head, LogStore } from '../port/log.ts'
import type { LevelDatabase } from './database.ts'
import { assertUnchanged, documentRows } from './documents.ts'
import { createPurge, eraseRows } from './erase.ts'
import { additionsTo, addTo, changeHead, decodeHead, encodeHead, HEAD_KEY, headUnreadable, type StoredHead } from './head.ts'
import { hexKey, key, namedKey, putCommit, readIndex, withIndex } from './rows.ts'

/** The log, and the writing of its head by the doctor. */
export type LevelLog = LogStore & { putHead(head: Head, edge: Edge): Promise<void> }

/**
 * Up to this many keys are read on this thread, because handing them to another one would take
 * longer.
 */
const FEW_KEYS = 128

/** The log of a database. */
export function createLog(database: LevelDatabase): LevelLog {
  const { db, get, reading } = database
  const head = createHead(database)
  return {
    readHead: head.read,
    confirmHead: head.read,
    putHead: head.put,
    commit: commit => database.write(() => head.commit(commit)),
    ...createPurge(database),
    lastSize: () => lastSize(database),
    async findIdentities(identities) {
      const keys = identities.map(identity => hexKey('i', identity))
      const rows =
        keys.length <= FEW_KEYS && db.status === 'open' ? keys.map(row => db.getSync(row)) : await reading(() => db.getMany(keys))
      return rows.map(row => (row === undefined ? undefined : readIndex(row, 0)))
    },
    haveStatements: records => Promise.all(records.map(async record => (await get(namedKey(record))) !== undefined)),
    readStatement: index => get(withIndex(key('s'), index)),
    async *readStatements(from, to) {
      for (let index = from; index < to; index++) yield { index, statement: await get(withIndex(key('s'), index)) }
    },
    readCommits: (from, to) =>
      reading(async () => {
        const commits: CommitTime[] = []
        const range = { gt: withIndex(key('c'), from), lt: withIndex(key('c'), Number.MAX_SAFE_INTEGER) }
        for await (const [row, value] of db.iterator(range)) {
          const size = readIndex(row, 1)
          commits.push({ size, timeMs: readIndex(value, 0) })
          if (size >= to) break
        }
        return commits
      }),
    readTile: (level, index) => get(withIndex(key('t', Uint8Array.of(level)), index)),
    readBundle: index => get(withIndex(key('b'), index)),
  }
}

/** The head, which is kept in memory, and the commits that move it. */
function createHead(database: LevelDatabase) {
  const { db, get, reading, settled, write } = database
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

  async function readWhole(): Promise<void> {
    const row = await get(HEAD_KEY)
    if (row === undefined && (await lastSize(database)) !== undefined) throw headUnreadable('is gone')
    if (row === undefined) {
      known = 'empty'
      return
    }
    const whole = decodeHead(row)
    const additions = await reading(() => db.iterator(additionsTo(whole.head.size)).all())
    known = additions.reduce((stored, [rowKey, addition]) => addTo(stored, rowKey, addition), whole)
  }

  async function readStored(): Promise<StoredHead | undefined> {
    while (known === undefined) {
      wholeReading ??= readWhole().finally(() => {
        wholeReading = undefined
      })
      await wholeReading
    }
    return known === 'empty' ? undefined : known
  }

  /** The head after a commit, from the one row that the commit wrote on top of `before`. */
  async function readWritten(before: StoredHead | undefined, rowKey: Uint8Array): Promise<StoredHead> {
    const row = await get(rowKey)
    if (row === undefined) throw headUnreadable('is gone')
    return before === undefined || rowKey === HEAD_KEY ? decodeHead(row) : addTo(before, rowKey, row)
  }

  return {
    async read() {
      await settled()
      const stored = await readStored()
      return stored && { head: stored.head, edge: stored.edge }
    },

    /** Only within `write`, which runs one commit at a time. */
    async commit(commit: Commit): Promise<void> {
      const stored = await readStored()
      const head = stored?.head ?? { size: 0, root: EMPTY_ROOT }
      if (head.size !== commit.previous.size || !equalBytes(head.root, commit.previous.root)) throw headMoved(commit.previous, head)
      const { changes, unless } = commit.documents ?? { changes: [], unless: [] }
      await assertUnchanged(database, unless)
      const erased = await eraseRows(database, commit.erase ?? [], commit.records)
      const batch = db.batch()
      putCommit(commit, (rowKey, value) => batch.put(rowKey, value))
      for (const each of [...erased, ...documentRows(changes)])
        if (each.type === 'del') batch.del(each.key)
        else batch.put(each.key, each.value)
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
    },

    put: (head: Head, edge: Edge): Promise<void> =>
      write(async () => {
        const batch = db.batch().put(HEAD_KEY, encodeHead(head, edge))
        for (const rowKey of await db.keys(additionsTo(0)).all()) batch.del(rowKey)
        await batch.write({ sync: true })
      }).finally(() => {
        known = undefined
      }),
  }
}

async function lastSize({ db, reading }: LevelDatabase): Promise<number | undefined> {
  const range = { gte: withIndex(key('c'), 0), lt: withIndex(key('c'), Number.MAX_SAFE_INTEGER), reverse: true, limit: 1 }
  const [row] = await reading(() => db.keys(range).all())
  return row === undefined ? undefined : readIndex(row, 1)
}
