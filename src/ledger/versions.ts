/** The history of a record: its statements in order, and what each is to the others of its version. */
import type { AnyStatement, Statement } from '../core/statement.ts'
import { changesOf, markHistory, type VersionChange, type VersionMarks } from '../core/versions.ts'
import type { Store } from '../store/port.ts'
import { breathe } from '../turns.ts'

/** One statement in the history of its record. */
export type Version = {
  readonly index: number
  readonly action: Statement['action']
  readonly revision?: string
  /** Of an amendment or a withdrawal: the revision that it speaks of. */
  readonly target?: string
  readonly published?: string
} & VersionMarks

/** The canonical text of a statement, undefined where it was erased. */
type ReadStatement = (index: number) => Promise<string | undefined>

/** How much of one record's history is read: its newest versions, and those before the one that is asked for. */
const MAX_VERSIONS = 1000
const VERSIONS_BEFORE = 100
/** Statements of up to 64 KiB each, all in memory while they are compared. */
const MAX_BYTES = 8 * 1024 * 1024

/** The history of a record, as far as it was read. */
export type History = {
  /** Oldest first. Empty where the entry speaks of no record. */
  readonly versions: readonly Version[]
  /** What became of the version that was asked for. */
  readonly changes: readonly VersionChange[]
  /** There where the record has more statements than were read: more may have become of the version. */
  readonly partial?: true
}

/** The history of the record that the statement at an index speaks of; of a very long one its newest part, and what comes before that index. */
export async function readHistory(store: Pick<Store, 'listByRecord'>, index: number, read: ReadStatement): Promise<History> {
  const own = parseStatement(await read(index))
  if (own === undefined) return { versions: [], changes: [] }
  const { indexes, isMore } = await near(store, own, index)
  const found: { index: number; statement: Statement }[] = []
  let room = MAX_BYTES
  for (const each of indexes) {
    if (room <= 0) break
    await breathe()
    const text = await read(each)
    room -= text?.length ?? 0
    const statement = parseStatement(text)
    if (statement !== undefined) found.push({ index: each, statement })
  }
  found.sort((a, b) => a.index - b.index)
  return {
    versions: describe(found),
    changes: changesOf({ index, statement: own }, found),
    ...((isMore || room <= 0) && { partial: true }),
  }
}

/** Of a record's history the version that is asked for with those before it, then the newest ones, newest first: what is left out lies between them. */
async function near(store: Pick<Store, 'listByRecord'>, { agency, record }: Statement, index: number) {
  const newest = await store.listByRecord(agency, record, Number.MAX_SAFE_INTEGER, MAX_VERSIONS + 1)
  const before = await store.listByRecord(agency, record, index + 1, VERSIONS_BEFORE + 1)
  return { indexes: [...new Set([...before, ...newest.slice(0, MAX_VERSIONS)])], isMore: newest.length > MAX_VERSIONS }
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

/** Undefined where it was erased, or is not about a record. */
function parseStatement(text: string | undefined): Statement | undefined {
  // It has been held against the tree: what was sealed is history, by whatever rules.
  const statement: AnyStatement | undefined = text === undefined ? undefined : JSON.parse(text)
  return statement?.type === 'openseal/statement@v1' ? statement : undefined
}
