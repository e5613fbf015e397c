/**
 * Commits of the log: one transaction each, which locks the head first and moves it last. Nodes get
 * the lock nearly in the order in which they came: after a commit, two that wait may swap places.
 */
import { equalBytes } from '../../core/bytes.ts'
import { EMPTY_ROOT, HASH_BYTES } from '../../core/hash.ts'
import type { StoredHead } from '../level/head.ts'
import { headMoved, StoreError } from '../port/errors.ts'
import type { Commit, ErasedRecord, LogStore, Questions, StoredTree } from '../port/log.ts'
import type { DatabaseStatement } from './connection.ts'
import type { PostgresDatabase, Transaction, WriteStep } from './database.ts'
import { documentSteps, lockUnchanged } from './documents.ts'
import { eraseSteps } from './erase.ts'
import { type createHead, LOCK_HEAD, refuseRetired } from './head.ts'
import { arrayOf, lookupKeys, packBytes, packHashes } from './packed.ts'
import { askIdentities, askRecords, indexesIn, presenceIn } from './questions.ts'

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

const EMPTY_HEAD = { size: 0, root: EMPTY_ROOT }
/** Ends a transaction that has written nothing. */
const ENDED = new Error('the commit was not made')

type Deps = {
  readonly database: PostgresDatabase
  readonly head: ReturnType<typeof createHead>
  readonly readHead: () => Promise<StoredTree>
}

/** The commits to a database. */
export function createCommits({ database, head, readHead }: Deps): Required<Pick<LogStore, 'begin' | 'commit'>> {
  /** Locks the head, and then reads it and what is asked, in one round trip. */
  const locked = async ({ run }: Transaction, { identities, records }: Questions) => {
    const reading = head.reading()
    const [, rows = [], known = [], have = []] = await run([LOCK_HEAD], reading.step, askIdentities(identities), askRecords(records))
    refuseRetired(rows)
    const stored = reading.taken(rows)
    if (stored === 'again') throw new StoreError('STORE_UNSETTLED', 'The connection to the database has changed. Try again.')
    return { stored: shownOf(stored), known: indexesIn(known), have: presenceIn(have) }
  }
  /** The steps of a commit on the head that is locked. */
  const steps = async (transaction: Transaction, commit: Commit, stored: StoredTree) => {
    const { previous, documents } = commit
    const found = stored?.head ?? EMPTY_HEAD
    if (found.size !== previous.size || !equalBytes(found.root, previous.root)) throw headMoved(previous, found)
    if (documents !== undefined) await lockUnchanged(transaction, documents.unless)
    return [...commitSteps(commit), ...head.steps(commit)]
  }
  /** Writes a commit. Resolves to the head that is read back. */
  const written = async (begin: (transaction: Transaction) => Promise<readonly WriteStep[]>): Promise<StoredTree> => {
    let reading = head.reading()
    const rows = await database.write(begin, () => {
      reading = head.reading()
      return reading.step
    })
    const stored = rows === undefined ? 'again' : reading.taken(rows)
    return stored === 'again' || stored === undefined ? readHead() : shownOf(stored)
  }
  return {
    begin: questions =>
      new Promise((resolve, reject) => {
        const decided = Promise.withResolvers<Commit | undefined>()
        let commit: Commit | undefined
        const done = written(async transaction => {
          const found = await locked(transaction, questions)
          if (commit === undefined) {
            const end = () => decided.resolve(undefined)
            resolve({
              ...found,
              end,
              commit(given) {
                decided.resolve(given)
                return done
              },
            })
            commit = await decided.promise
            if (commit === undefined) throw ENDED
          }
          return steps(transaction, commit, found.stored)
        })
        // Once it has begun, `commit` gives the error to its caller.
        done.catch(reject)
      }),
    async commit(commit) {
      await written(async transaction => {
        const { stored } = await locked(transaction, { identities: [], records: [] })
        return steps(transaction, commit, stored)
      })
    },
  }
}

function shownOf(stored: StoredHead | undefined): StoredTree {
  return stored && { head: stored.head, edge: stored.edge }
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
