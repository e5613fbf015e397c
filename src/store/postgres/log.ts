/** The log in the database. */
import type { LogStore } from '../port/log.ts'
import type { SharedStore } from '../port/port.ts'
import { createCommits } from './commit.ts'
import type { DatabaseStatement } from './connection.ts'
import type { PostgresDatabase, ResultRows } from './database.ts'
import { documentSteps, lockUnchanged } from './documents.ts'
import { createPurge } from './erase.ts'
import { createGathered } from './gathered.ts'
import { corrupt, createHead, LOCK_HEAD, RETIRE } from './head.ts'
import { arrayOf } from './packed.ts'
import { askIdentities, askRecords, indexesIn, presenceIn } from './questions.ts'

const LAST_SIZE: DatabaseStatement = { name: 'last-size', text: 'SELECT size FROM openseal.batch ORDER BY size DESC LIMIT 1' }
/** Those up to the first one that reaches the end, or all that there are. */
const COMMITS: DatabaseStatement = {
  name: 'commits',
  text: `SELECT size, time_ms FROM openseal.batch WHERE size > $1
    AND size <= coalesce((SELECT min(size) FROM openseal.batch WHERE size >= $2), $2) ORDER BY size`,
}
const STATEMENTS: DatabaseStatement = {
  name: 'statements',
  text: 'SELECT idx, body FROM openseal.statement WHERE idx >= $1 AND idx < $2 ORDER BY idx',
}
const EACH_STATEMENT: DatabaseStatement = {
  name: 'each-statement',
  text: 'SELECT idx, body FROM openseal.statement WHERE idx = ANY($1::bigint[])',
}
const TILE: DatabaseStatement = { name: 'tile', text: 'SELECT bytes FROM openseal.tile WHERE level = $1 AND idx = $2' }
const BUNDLE: DatabaseStatement = { name: 'bundle', text: 'SELECT bytes FROM openseal.bundle WHERE idx = $1' }

const STATEMENTS_AT_ONCE = 256

/** The log of a database. */
export function createLog(database: PostgresDatabase): LogStore & Pick<SharedStore, 'retire'> {
  const { read } = database
  const head = createHead(database)
  const lastSize = async () => first(await read(LAST_SIZE)) as number | undefined
  const readStatement = createGathered<number, Uint8Array | undefined>(async indexes => {
    const found = new Map((await read(EACH_STATEMENT, arrayOf(indexes))) as [number, Uint8Array][])
    return indexes.map(index => found.get(index))
  })
  /** The head, or undefined before the first commit. Throws STORE_CORRUPT if it is gone later. */
  const shown = async (ask: typeof head.read) => {
    for (let last: number | undefined; ; ) {
      const stored = await ask()
      if (stored !== undefined) return { head: stored.head, edge: stored.edge }
      if (last !== undefined) throw corrupt('is gone')
      // The first commit may have come in between: then there is a head now.
      last = await lastSize()
      if (last === undefined) return undefined
    }
  }
  const readHead = () => shown(head.read)
  return {
    readHead,
    confirmHead: () => shown(head.confirm),
    async retire(isRetired, changes = [], unless = []) {
      await database.write(async transaction => {
        // With both locks, each write of a node comes before this, or finds the store retired.
        await transaction.run([LOCK_HEAD])
        await lockUnchanged(transaction, unless)
        return [[RETIRE, isRetired], ...documentSteps(changes)]
      })
    },
    ...createCommits({ database, head, readHead }),
    ...createPurge(database),
    async findIdentities(identities) {
      if (identities.length === 0) return []
      return indexesIn(await read(...askIdentities(identities)))
    },
    async haveStatements(records) {
      if (records.length === 0) return []
      return presenceIn(await read(...askRecords(records)))
    },
    lastSize,
    readStatement,
    readCommits: async (from, to) => ((await read(COMMITS, from, to)) as [number, number][]).map(([size, timeMs]) => ({ size, timeMs })),
    async *readStatements(from, to) {
      for (let start = from; start < to; start += STATEMENTS_AT_ONCE) {
        const end = Math.min(to, start + STATEMENTS_AT_ONCE)
        const found = new Map((await read(STATEMENTS, start, end)) as [number, Uint8Array][])
        for (let index = start; index < end; index++) yield { index, statement: found.get(index) }
      }
    },
    readTile: async (level, index) => first(await read(TILE, level, index)) as Uint8Array | undefined,
    readBundle: async index => first(await read(BUNDLE, index)) as Uint8Array | undefined,
  }
}

function first(rows: ResultRows): unknown {
  return rows[0]?.[0]
}
