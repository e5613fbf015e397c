/**
 * Reading from and writing to the database. Writes come one after another. A write whose outcome is
 * unknown leaves the database in doubt, and nothing is written or read of the head until a write of
 * the head's own row has been committed cleanly: it waits for whatever still holds that row, and
 * its log position is after everything that was shown before.
 */
import type pg from 'pg'
import { StoreError } from '../port/errors.ts'
import { type Connection, type DatabaseStatement, isConnectionError, sqlState } from './connection.ts'
import type { DatabaseLink, DatabaseLinks } from './link.ts'

/** A statement with its values, for sending several at once. */
export type WriteStep = readonly [statement: DatabaseStatement, ...values: unknown[]]

export type Transaction = {
  /** Sends statements at once. Resolves to the rows of each when all are answered. */
  run(...steps: readonly WriteStep[]): Promise<ResultRows[]>
}

export type ResultRows = readonly (readonly unknown[])[]

/** The beginning of a transaction, which returns its writes. */
type Begin = (transaction: Transaction) => Promise<readonly WriteStep[]>

export type PostgresDatabase = {
  /** The rows of one statement. It is repeated if its connection breaks, so it must only read. */
  read(statement: DatabaseStatement, ...values: unknown[]): Promise<ResultRows>
  /**
   * Runs a transaction after all earlier writes. `begin` runs first and may throw: then nothing is
   * written. It returns the steps that write, which are sent together with the COMMIT.
   * `begin` may run several times, because another node can come in between. `after` is read with
   * the answer to the COMMIT. Resolves to its rows; undefined if they did not come.
   * @throws StoreError STORE_UNSETTLED: nothing was written. STORE_WRITE_FAILED: the outcome is
   * unknown until `settled`
   */
  write(begin: Begin, after?: () => WriteStep): Promise<ResultRows | undefined>
  /** @throws StoreError STORE_UNSETTLED as long as the outcome of a write is unknown */
  settled(): Promise<void>
  /** Changes with each new link. Rows from an earlier link may be of another server. */
  epoch(): number
  /** Runs statements that may take long on a connection of their own. */
  apart<T>(work: (connection: Connection) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/**
 * Row locks are all that a write relies on. At a stricter level, which a database may have by default,
 * those that wait for the head would be sent back instead of getting their turn.
 */
const BEGIN: DatabaseStatement = { name: 'begin', text: 'BEGIN ISOLATION LEVEL READ COMMITTED' }
const COMMIT: DatabaseStatement = { name: 'commit', text: 'COMMIT' }
const ROLLBACK: DatabaseStatement = { name: 'rollback', text: 'ROLLBACK' }
/** Writes the head's row without changing the head. */
export const BEAT: DatabaseStatement = { name: 'beat', text: 'UPDATE openseal.head SET beat = beat + 1 WHERE id = 1' }

/** How often a transaction, or a read at SERIALIZABLE, is repeated because of another one. */
const TRIES = 20
/** How often a read is repeated because its connection broke. */
const READ_TRIES = 3
/** Serialization failure, deadlock, and what CockroachDB calls a restart. */
const AGAIN = ['40001', '40P01', 'CR000']
/** Codes for a row that another node holds: lock timeout, statement timeout, no such lock now. */
const BUSY = ['55P03', '57014']
/** The server lacks something, which its operator gives it. */
const LACKS: { readonly [state: string]: string } = {
  '53100': 'Its disk is full: make room there.',
  '53200': 'It is out of memory.',
  '53400': 'It has reached a limit of its configuration.',
}

/** Runs statements over the link of the moment. */
export function createDatabase(links: DatabaseLinks): PostgresDatabase {
  let inDoubt = false
  let last: Promise<unknown> = Promise.resolve()
  let link: DatabaseLink | undefined
  let epoch = 0

  async function linked(): Promise<DatabaseLink> {
    const found = await links.get().catch(cause => {
      throw unsettled(cause)
    })
    if (found !== link) {
      link = found
      epoch++
    }
    return found
  }

  async function transact(begin: Begin, after?: () => WriteStep): Promise<ResultRows | undefined> {
    for (let tries = 1; ; tries++) {
      const { writer } = await linked()
      const outcome = await attempt(writer, begin, after)
      if ('rows' in outcome) return outcome.rows
      if (outcome.isUnknown) {
        inDoubt = true
        // Nothing may follow on this connection: its server may be at the COMMIT for a long time.
        writer.drop()
        throw failed(outcome.cause)
      }
      if (outcome.cause instanceof StoreError) throw outcome.cause
      const state = sqlState(outcome.cause) ?? ''
      const isLost = isConnectionError(outcome.cause)
      // A broken invariant is no trouble of the database.
      if (!isLost && state === '') throw outcome.cause
      if (isLost) writer.drop()
      if ((isLost || AGAIN.includes(state)) && tries < TRIES) continue
      if (isLost || AGAIN.includes(state) || BUSY.includes(state) || LACKS[state] !== undefined) throw unsettled(outcome.cause)
      throw failed(outcome.cause)
    }
  }

  async function settleNow(): Promise<void> {
    if (!inDoubt) return
    try {
      await transact(async () => [[BEAT]])
    } catch (cause) {
      throw cause instanceof StoreError && cause.code === 'STORE_UNSETTLED' ? cause : unsettled(cause)
    }
    inDoubt = false
  }

  function queue<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work)
    last = done.catch(() => {})
    return done
  }

  return {
    async read(statement, ...values) {
      for (let tries = 1; ; tries++) {
        const { reader, drop } = await linked()
        try {
          return (await reader().run(statement, values)).rows
        } catch (cause) {
          if (cause instanceof StoreError) throw cause
          const isLost = isConnectionError(cause)
          if (isLost) drop()
          const state = sqlState(cause) ?? ''
          if (!isLost && state === '') throw cause
          const mostTries = isLost ? READ_TRIES : AGAIN.includes(state) ? TRIES : 1
          if (!isLost && mostTries === 1 && !BUSY.includes(state) && LACKS[state] === undefined) throw unreadable(cause)
          if (tries >= mostTries) throw unsettled(cause)
        }
      }
    },
    write: (begin, after) =>
      queue(async () => {
        await settleNow()
        return transact(begin, after)
      }),
    settled: async () => (inDoubt ? queue(settleNow) : undefined),
    epoch: () => epoch,
    async apart(work) {
      await linked()
      const connection = await links.unbounded().catch(cause => {
        throw unsettled(cause)
      })
      try {
        return await work(connection)
      } finally {
        await connection.end()
      }
    },
    async close() {
      await last
      await links.close()
    },
  }
}

/** Committed, with the rows of what was read after it, or not. */
type Outcome = { readonly rows: ResultRows | undefined } | { readonly cause: unknown; readonly isUnknown: boolean }

/** Runs a transaction once, in two round trips: first its beginning, then all its writes. */
async function attempt(writer: Connection, begin: Begin, after?: () => WriteStep): Promise<Outcome> {
  const send = (steps: readonly WriteStep[]) => writer.together(() => steps.map(([statement, ...values]) => writer.run(statement, values)))
  let isBegun = false
  let steps: readonly WriteStep[]
  try {
    steps = await begin({
      async run(...asked) {
        const answers = await allOf(send(isBegun ? asked : [[BEGIN], ...asked]))
        const rows = answers.map(answer => answer.rows as ResultRows)
        if (isBegun) return rows
        isBegun = true
        return rows.slice(1)
      },
    })
  } catch (cause) {
    // If this does not arrive, the server ends the transaction by itself.
    if (writer.isOpen()) await writer.run(ROLLBACK).catch(() => {})
    return { cause, isUnknown: false }
  }

  // From here on the server may commit, even if this node gets no answer.
  writer.doubts.clear()
  const written = [...(isBegun ? [] : ([[BEGIN]] as const)), ...steps, [COMMIT] as const]
  const sent = send(after === undefined ? written : [...written, after()])
  const all = await Promise.allSettled(sent)
  const answers = all.slice(0, written.length)
  const [first] = answers.flatMap(answer => (answer.status === 'rejected' ? [answer.reason] : []))
  const commit = answers.at(-1)!
  if (commit.status === 'fulfilled') {
    const { command } = commit.value as pg.QueryArrayResult
    if (command === 'COMMIT' && first === undefined)
      return writer.doubts.any()
        ? { cause: new Error('the commit may not be on its standby'), isUnknown: true }
        : { rows: rowsOf(all[written.length]) }
    // A transaction in which a statement has failed answers COMMIT with ROLLBACK, and no error.
    const cause = first ?? new Error(`COMMIT was answered with ${command}`)
    return { cause, isUnknown: command !== 'ROLLBACK' || first === undefined }
  }
  // An error that says "begin again" has undone everything, also if it is that of COMMIT itself.
  return { cause: first, isUnknown: !AGAIN.includes(sqlState(first) ?? '') }
}

/** The rows of an answer; undefined if it did not come. */
function rowsOf(answer: PromiseSettledResult<pg.QueryArrayResult> | undefined): ResultRows | undefined {
  return answer?.status === 'fulfilled' ? answer.value.rows : undefined
}

/** All answers, or the first error once everything that was sent is answered. */
async function allOf(sent: readonly Promise<pg.QueryArrayResult>[]): Promise<pg.QueryArrayResult[]> {
  await Promise.allSettled(sent)
  return Promise.all(sent)
}

function unsettled(cause: unknown): StoreError {
  const lacks = LACKS[sqlState(cause) ?? '']
  const why = cause instanceof StoreError ? ` ${cause.message}` : lacks === undefined ? '' : ` ${lacks}`
  return new StoreError(
    'STORE_UNSETTLED',
    `The database does not take writes now.${why} Nothing is written until it does. Try again later.`,
    {
      cause,
    },
  )
}

function failed(cause: unknown): StoreError {
  return new StoreError('STORE_WRITE_FAILED', 'The database has not confirmed a write. Try again in a moment.', { cause })
}

function unreadable(cause: unknown): StoreError {
  const state = sqlState(cause)
  // Data corrupted, index corrupted.
  const code = state === 'XX001' || state === 'XX002' ? 'STORE_DAMAGED' : 'STORE_UNREADABLE'
  return new StoreError(code, `This part of the ledger cannot be read from the database (${state}).`, { cause })
}
