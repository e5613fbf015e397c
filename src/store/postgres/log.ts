/** The log in the database: one transaction a commit, which locks the head first and moves it last. */
import { equalBytes } from '../../core/bytes.ts'
import { HASH_BYTES } from '../../core/hash.ts'
import { headMoved, storeMoved } from '../port/errors.ts'
import type { Commit, ErasedRecord, LogStore } from '../port/log.ts'
import type { SharedStore } from '../port/port.ts'
import type { DatabaseStatement } from './connection.ts'
import type { PostgresDatabase, ResultRows, WriteStep } from './database.ts'
import { documentSteps, lockUnchanged } from './documents.ts'
import { createPurge, eraseSteps } from './erase.ts'
import { createGathered } from './gathered.ts'
import { corrupt, createHead, headOf, LOCK_HEAD, RETIRE } from './head.ts'
import { arrayOf, lookupKeys, packBytes, packHashes, RECORD, recordKey } from './packed.ts'

const PUT_STATEMENTS: DatabaseStatement = {
  name: 'put-statements',
  text: `INSERT INTO openseal.statement SELECT $1::bigint + o, substr($2::bytea, s, l)
    FROM unnest($3::integer[], $4::integer[], $5::integer[]) AS packed(o, s, l)`,
}
const PUT_IDENTITIES: DatabaseStatement = {
  name: 'put-identities',
  text: `INSERT INTO openseal.identity SELECT substr($2::bytea, ${HASH_BYTES} * (n::integer - 1) + 1, ${HASH_BYTES}), $1::bigint + o
    FROM unnest($3::integer[]) WITH ORDINALITY AS packed(o, n)`,
}
const PUT_LOOKUPS: DatabaseStatement = {
  name: 'put-lookups',
  text: `INSERT INTO openseal.lookup SELECT k, substr($2::bytea, ${HASH_BYTES} * (n::integer - 1) + 1, ${HASH_BYTES}), $1::bigint + o
    FROM unnest($3::integer[], $4::smallint[]) WITH ORDINALITY AS packed(o, k, n)`,
}
const PUT_TILES: DatabaseStatement = {
  name: 'put-tiles',
  text: `INSERT INTO openseal.tile SELECT v, i, substr($1::bytea, s, l)
    FROM unnest($2::integer[], $3::integer[], $4::smallint[], $5::bigint[]) AS packed(s, l, v, i)`,
}
const PUT_BUNDLES: DatabaseStatement = {
  name: 'put-bundles',
  text: `INSERT INTO openseal.bundle SELECT i, substr($1::bytea, s, l)
    FROM unnest($2::integer[], $3::integer[], $4::bigint[]) AS packed(s, l, i)`,
}
const PUT_BATCH: DatabaseStatement = { name: 'put-batch', text: 'INSERT INTO openseal.batch VALUES ($1, $2)' }

/**
 * One search of an index for each value. As a join, the plan could be to read the whole table.
 */
const IDENTITIES: DatabaseStatement = {
  name: 'identities',
  text: `SELECT (SELECT idx FROM openseal.identity WHERE key = substr($1::bytea, ${HASH_BYTES} * n + 1, ${HASH_BYTES}))
    FROM generate_series(0, $2::integer - 1) AS n ORDER BY n`,
}
const RECORDS: DatabaseStatement = {
  name: 'records',
  text: `SELECT (SELECT idx FROM openseal.lookup WHERE kind = ${RECORD} AND key = substr($1::bytea, ${HASH_BYTES} * n + 1, ${HASH_BYTES})
      ORDER BY idx LIMIT 1) FROM generate_series(0, $2::integer - 1) AS n ORDER BY n`,
}
const LAST_SIZE: DatabaseStatement = { name: 'last-size', text: 'SELECT size FROM openseal.batch ORDER BY size DESC LIMIT 1' }
const COMMITTED: DatabaseStatement = {
  name: 'committed',
  text: 'SELECT time_ms FROM openseal.batch WHERE size > $1 ORDER BY size LIMIT 1',
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
  return {
    readHead: () => shown(head.read),
    confirmHead: () => shown(head.confirm),
    retire: (isRetired, changes = [], unless = []) =>
      database.write(async transaction => {
        // With both locks, each write of a node comes before this, or finds the store retired.
        await transaction.run([LOCK_HEAD])
        await lockUnchanged(transaction, unless)
        return [[RETIRE, isRetired], ...documentSteps(changes)]
      }),
    commit: commit =>
      database.write(async transaction => {
        const [[row]] = (await transaction.run([LOCK_HEAD])) as [ResultRows]
        const found = headOf(row)
        if (row?.[2] === true) throw storeMoved()
        const { previous, documents } = commit
        if (found.size !== previous.size || !equalBytes(found.root, previous.root)) throw headMoved(previous, found)
        if (documents !== undefined) await lockUnchanged(transaction, documents.unless)
        return [...commitSteps(commit), ...head.steps(commit)]
      }),
    ...createPurge(database),
    async findIdentities(identities) {
      if (identities.length === 0) return []
      const rows = await read(IDENTITIES, packHashes(identities), identities.length)
      return rows.map(([index]) => (index as number | null) ?? undefined)
    },
    async haveStatements(records) {
      if (records.length === 0) return []
      const rows = await read(RECORDS, Buffer.concat(records.map(recordKey)), records.length)
      return rows.map(([index]) => index !== null)
    },
    lastSize,
    readStatement,
    committedMs: async index => first(await read(COMMITTED, index)) as number | undefined,
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

/** The steps of a commit, except those of the head. */
function commitSteps(commit: Commit): WriteStep[] {
  const { previous, next, timeMs, erase = [], documents } = commit
  return [
    ...recordSteps(commit, erase),
    ...treeSteps(commit),
    [PUT_BATCH, next.size, timeMs],
    ...eraseSteps(erase.filter(({ index }) => index < previous.size)),
    ...documentSteps(documents?.changes ?? []),
  ]
}

/** A record that its own commit erases is not written at all: nothing of it can be left. */
function recordSteps({ previous, records }: Commit, erase: readonly ErasedRecord[]): WriteStep[] {
  const erased = new Set(erase.map(({ index }) => index))
  const kept = erased.size === 0 ? records : records.filter(({ index }) => !erased.has(index))
  if (kept.length === 0) return []
  const base = previous.size
  const offsets = arrayOf(kept.map(({ index }) => index - base))
  const statements = packBytes(kept.map(({ statement }) => statement))
  const keys = kept.flatMap(record => lookupKeys(record).map(({ kind, key }) => ({ kind, key, offset: record.index - base })))
  return [
    [PUT_STATEMENTS, base, statements.bytes, offsets, statements.starts, statements.lengths],
    [PUT_IDENTITIES, base, packHashes(kept.map(({ identity }) => identity)), offsets],
    ...(keys.length === 0
      ? []
      : [
          [
            PUT_LOOKUPS,
            ...[base, Buffer.concat(keys.map(({ key }) => key)), arrayOf(keys.map(({ offset }) => offset))],
            arrayOf(keys.map(({ kind }) => kind)),
          ] as WriteStep,
        ]),
  ]
}

function treeSteps({ tiles, bundles }: Commit): WriteStep[] {
  const steps: WriteStep[] = []
  if (tiles.length > 0) {
    const { bytes, starts, lengths } = packBytes(tiles.map(tile => tile.bytes))
    steps.push([PUT_TILES, bytes, starts, lengths, arrayOf(tiles.map(({ level }) => level)), arrayOf(tiles.map(({ index }) => index))])
  }
  if (bundles.length > 0) {
    const { bytes, starts, lengths } = packBytes(bundles.map(bundle => bundle.bytes))
    steps.push([PUT_BUNDLES, bytes, starts, lengths, arrayOf(bundles.map(({ index }) => index))])
  }
  return steps
}

function first(rows: ResultRows): unknown {
  return rows[0]?.[0]
}
