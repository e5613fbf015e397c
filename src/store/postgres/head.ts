/**
 * The head and the growing edge in the database. The head's row has size and root. The edge is
 * beside it, in rows that are made as those of the embedded store are: most commits add a small row
 * with the difference.
 */
import { equalBytes } from '../../core/bytes.ts'
import { addTo, changeHead, decodeHead, HEAD_KEY, type StoredHead } from '../level/head.ts'
import { NOTHING } from '../level/rows.ts'
import { StoreError, storeMoved } from '../port/errors.ts'
import type { Commit, Head } from '../port/log.ts'
import type { DatabaseStatement } from './connection.ts'
import { BEAT, type PostgresDatabase, type ResultRows, type WriteStep } from './database.ts'

/** Locks the head until the transaction ends. */
export const LOCK_HEAD: DatabaseStatement = {
  name: 'lock-head',
  text: 'SELECT 1 FROM openseal.head WHERE id = 1 FOR UPDATE',
}
const READ_HEAD: DatabaseStatement = {
  name: 'head',
  text: `SELECT h.size, h.root, e.size, e.is_whole, e.row, h.is_retired FROM openseal.head h LEFT JOIN openseal.edge e ON e.size > $1
    WHERE h.id = 1 ORDER BY e.size`,
}
const ADD_EDGE: DatabaseStatement = { name: 'add-edge', text: 'INSERT INTO openseal.edge VALUES ($1, $2, $3)' }
const DROP_EDGE: DatabaseStatement = { name: 'drop-edge', text: 'DELETE FROM openseal.edge WHERE size < $1' }
/** Ends or permits all writes. The caller has locked the head and the documents. */
export const RETIRE: DatabaseStatement = { name: 'retire', text: 'UPDATE openseal.head SET is_retired = $1 WHERE id = 1' }
const MOVE_HEAD: DatabaseStatement = {
  name: 'move-head',
  text: 'UPDATE openseal.head SET size = $1, root = $2 WHERE id = 1 AND size = $3 AND root = $4',
}

/** The head of a database, of which this node remembers what it has read. */
export function createHead({ read, write, settled, epoch }: PostgresDatabase) {
  /** The result of the last reading, over the link with this epoch. */
  let known: { readonly stored: StoredHead; readonly epoch: number } | undefined

  /** A confirmation that has not begun yet, which all callers until then share. */
  let confirming: Promise<StoredHead | undefined> | undefined

  const knownNow = () => (known?.epoch === epoch() ? known.stored : undefined)

  /**
   * The head by these rows, which were read from after the known size over a link; 'again' if that
   * link is not the one of `known`.
   */
  function take(rows: ResultRows, before: StoredHead | undefined, over: number): StoredHead | undefined | 'again' {
    const [head, edges] = headIn(rows)
    if (over !== epoch()) return 'again'
    if (head.size === 0) return undefined
    const stored = follow(before, edges, head)
    // Another reader may have gone further meanwhile.
    if (stored.head.size >= (knownNow()?.head.size ?? 0)) known = { stored, epoch: over }
    return stored
  }

  async function readNow(): Promise<StoredHead | undefined> {
    await settled()
    for (;;) {
      const head = reading()
      const taken = head.taken(await read(...head.step))
      if (taken !== 'again') return taken
    }
  }

  /** How a transaction reads the head, and what it has read then. */
  function reading(): { readonly step: WriteStep; taken(rows: ResultRows): StoredHead | undefined | 'again' } {
    const [before, over] = [knownNow(), epoch()]
    return { step: [READ_HEAD, before?.head.size ?? -1], taken: rows => take(rows, before, over) }
  }

  /** Reads the head under its lock, in a transaction that writes its row. */
  async function confirmNow(): Promise<StoredHead | undefined> {
    for (;;) {
      let taken: StoredHead | undefined | 'again' = 'again'
      await write(async transaction => {
        confirming = undefined
        const head = reading()
        const [, rows = []] = await transaction.run([BEAT], head.step)
        refuseRetired(rows)
        taken = head.taken(rows)
        return []
      }).catch(cause => {
        // Whether the row was written again does not matter, only that this is not known to be so.
        throw isFailed(cause) ? new StoreError('STORE_UNSETTLED', cause.message, { cause }) : cause
      })
      if (taken !== 'again') return taken
    }
  }

  return {
    read: readNow,
    reading,
    confirm() {
      if (confirming !== undefined) return confirming
      const mine = confirmNow().finally(() => {
        if (confirming === mine) confirming = undefined
      })
      confirming = mine
      return mine
    },

    /** The steps that move the head. They come last. */
    steps({ previous, next, edge }: Commit): WriteStep[] {
      const stored = knownNow()
      const isKnown = stored !== undefined && stored.head.size === previous.size && equalBytes(stored.head.root, previous.root)
      const { row } = changeHead(isKnown ? stored : undefined, next, edge)
      const isWhole = row[0] === HEAD_KEY
      return [
        [ADD_EDGE, next.size, isWhole, row[1]],
        ...(isWhole ? [[DROP_EDGE, next.size] as const] : []),
        [MOVE_HEAD, next.size, next.root, previous.size, previous.root],
      ]
    },
  }
}

/** @throws StoreError STORE_MOVED if these rows of the head say that nothing is written any more */
export function refuseRetired(rows: ResultRows): void {
  if (rows[0]?.[5] === true) throw storeMoved()
}

function isFailed(error: unknown): error is StoreError {
  return error instanceof StoreError && error.code === 'STORE_WRITE_FAILED'
}

/**
 * The head's row, without its edge.
 * @throws StoreError STORE_CORRUPT
 */
function headOf(row: readonly unknown[] | undefined): Head {
  if (row === undefined) throw corrupt('is gone')
  return { size: row[0] as number, root: row[1] as Uint8Array }
}

function headIn(rows: ResultRows): [Head, ResultRows] {
  return [headOf(rows[0]), rows.filter(row => row[2] !== null)]
}

/** The edge of a head, from the rows after the known one. */
function follow(known: StoredHead | undefined, edges: ResultRows, head: Head): StoredHead {
  let stored = known
  for (const [, , , isWhole, row] of edges as [unknown, unknown, number, boolean, Uint8Array][]) {
    if (!isWhole && stored === undefined) throw corrupt('lacks the beginning of its edge')
    stored = reading(() => (isWhole ? decodeHead(row) : addTo(stored!, NOTHING, row)))
  }
  if (stored === undefined || stored.head.size !== head.size || !equalBytes(stored.head.root, head.root))
    throw corrupt('does not match its edge')
  return stored
}

function reading(read: () => StoredHead): StoredHead {
  try {
    return read()
  } catch (cause) {
    throw corrupt('has an edge that cannot be read', cause)
  }
}

/** The error for a head that cannot be used. */
export function corrupt(what: string, cause?: unknown): StoreError {
  const advice = 'Stop all nodes, and restore the database with its own tools.'
  return new StoreError('STORE_CORRUPT', `The head of the log in the database ${what}. ${advice}`, { cause })
}
