/**
 * The history of a record: its statements in order, and how each relates to the others of its
 * version.
 */
import type { Statement } from '../core/statements/statement.ts'
import { changesOf, markHistory, type VersionChange, type VersionMarks } from '../core/statements/versions.ts'
import type { Host } from '../host.ts'
import type { Lookups } from '../store/port/lookups.ts'
import { type ReadStatement, readEach, statementIn } from './record-reader.ts'

/** One statement in the history of its record. */
export type Version = {
  readonly index: number
  readonly action: Statement['action']
  readonly revision?: string
  /** For an amendment or a withdrawal: the revision that it changes. */
  readonly target?: string
  readonly published?: string
} & VersionMarks

/**
 * How much of one record's history is read: its newest versions, and those before the requested
 * one.
 */
const MAX_VERSIONS = 1000
const VERSIONS_BEFORE = 100

/** The history of a record, as far as it was read. */
export type History = {
  /** Oldest first. Empty if the entry is not about a record. */
  readonly versions: readonly Version[]
  /** The changes to the requested version. */
  readonly changes: readonly VersionChange[]
  /**
   * Set if the record has more statements than were read, so there may be more changes to the
   * version.
   */
  readonly partial?: true
}

/**
 * The history of the record of the statement at an index; of a very long one, its newest part and
 * the part before that index.
 */
export async function readHistory(
  store: Pick<Lookups, 'listByRecord'>,
  index: number,
  read: ReadStatement,
  host: Pick<Host, 'breathe'>,
): Promise<History> {
  const own = statementIn(await read(index))
  if (own === undefined) return { versions: [], changes: [] }
  const { agency, record } = own
  const newest = await store.listByRecord(agency, record, Number.MAX_SAFE_INTEGER, MAX_VERSIONS + 1)
  const before = await store.listByRecord(agency, record, index, VERSIONS_BEFORE)
  // The omitted part is between the part before the index and the newest part.
  const { versions, isWhole } = await readEach(new Set([index, ...before, ...newest.slice(0, MAX_VERSIONS)]), read, host)
  const found = versions.toSorted((a, b) => a.index - b.index)
  return {
    versions: describe(found),
    changes: changesOf({ index, statement: own }, found),
    ...((!isWhole || newest.length > MAX_VERSIONS) && { partial: true }),
  }
}

function describe(found: readonly { readonly index: number; readonly statement: Statement }[]): Version[] {
  const marks = markHistory(found)
  return found.map(({ index, statement: { action, revision, target, published } }, at) => ({
    index,
    action,
    ...(revision !== undefined && { revision }),
    ...(target !== undefined && { target }),
    ...(published !== undefined && { published }),
    ...marks[at],
  }))
}
