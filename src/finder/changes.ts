/** What agencies changed: silent edits, amendments, withdrawals; and how many of each an agency has. */
import { createHash } from 'node:crypto'
import type { Statement } from '../core/statement.ts'
import { compareVersions, type Version } from '../core/versions.ts'
import { jsonValue, lastNumber, numberValue, type Row, type Rows, readJson, rowKey } from './rows.ts'

/** The ways in which a later statement changes what was published. */
export const CHANGE_KINDS = ['silent-edit', 'amend', 'withdraw'] as const
export type ChangeKind = (typeof CHANGE_KINDS)[number]

/** One change. `earlier` is the newest statement that it speaks of, where there is one. */
export type Change = { readonly index: number; readonly kind: ChangeKind; readonly earlier?: number }

/** Entries of an agency, and how many of them changed something. */
export type AgencyCounts = { readonly entries: number } & Readonly<Record<ChangeKind, number>>

/** Of an agency that has sent nothing. */
export const NO_COUNTS: AgencyCounts = { entries: 0, 'silent-edit': 0, amend: 0, withdraw: 0 }

/** So many publications of one version are kept to compare with. */
const MAX_OPEN = 64

type Ledger = {
  statement(index: number): Promise<string | undefined>
  /** Newest first, below `before`. */
  listByRecord(agency: string, record: string, before: number, limit: number): Promise<readonly number[]>
}

/** Gathers the changes in a run of entries; `rows` gives what is to be written. */
export function gatherChanges(rows: Rows, ledger: Ledger) {
  const changed: Change[] = []
  const histories = createHistories(rows)
  const counts = new Map<string, AgencyCounts>()

  /** What a statement is, and the one that it speaks of. */
  const changeOf = async (later: Version): Promise<Omit<Change, 'index' | 'kind'> & { kind: Statement['action'] | ChangeKind }> => {
    const { index, statement } = later
    const { agency, record, action, revision, target } = statement
    if (action === 'publish') {
      const edited = await findEdited(later, histories.openOf(statement, revision), ledger)
      histories.add(statement, index)
      return edited === undefined ? { kind: action } : { kind: 'silent-edit', earlier: edited }
    }
    const earlier = target === undefined ? (await ledger.listByRecord(agency, record, index, 1))[0] : histories.newestOf(statement, target)
    histories.cover(statement, index)
    if (action === 'amend') histories.add(statement, index)
    return { kind: action, ...(earlier !== undefined && { earlier }) }
  }

  return {
    async add(index: number, statement: Statement): Promise<void> {
      const { kind, earlier } = await changeOf({ index, statement })
      const count = counts.get(statement.agency) ?? readCounts(rows, statement.agency)
      counts.set(statement.agency, { ...count, entries: count.entries + 1, ...(kind !== 'publish' && { [kind]: count[kind] + 1 }) })
      if (kind !== 'publish') changed.push({ index, kind, ...(earlier !== undefined && { earlier }) })
    },
    *rows(): Generator<Row> {
      for (const { index, kind, earlier } of changed)
        yield { key: changeKey(kind, index), value: earlier === undefined ? new Uint8Array(0) : numberValue(earlier) }
      yield* histories.rows()
      for (const [agency, count] of counts) yield { key: rowKey('g', agency), value: jsonValue(count) }
    },
  }
}

/** Changes below `before` of the kinds wanted, newest first. */
export async function listChanges(rows: Rows, kinds: readonly ChangeKind[], before: number, limit: number): Promise<Change[]> {
  const lists = await Promise.all(kinds.map(kind => listKind(rows, kind, before, limit)))
  return lists
    .flat()
    .sort((a, b) => b.index - a.index)
    .slice(0, limit)
}

/** Whether an entry is a silent edit, as far as it has been looked at. */
export function isSilentEdit(rows: Rows, index: number): boolean {
  return rows.get(changeKey('silent-edit', index)) !== undefined
}

/** All zero for an agency that has sent nothing. */
export function readCounts(rows: Rows, agency: string): AgencyCounts {
  return readJson<AgencyCounts>(rows.get(rowKey('g', agency))) ?? NO_COUNTS
}

async function listKind(rows: Rows, kind: ChangeKind, before: number, limit: number): Promise<Change[]> {
  const found: Change[] = []
  for await (const [key, value] of rows.range(changeKey(kind, 0), changeKey(kind, before), { reverse: true })) {
    if (found.length >= limit) break
    found.push({ index: lastNumber(key), kind, ...(value.length > 0 && { earlier: lastNumber(value) }) })
  }
  return found
}

/** The newest of these publications of the same version that has other content under a name of the later one, each name in the newest that has it. */
async function findEdited({ statement }: Version, open: readonly number[], ledger: Ledger): Promise<number | undefined> {
  let rest = statement.documents
  for (const index of open.toReversed()) {
    if (rest.length === 0) return undefined
    const text = await ledger.statement(index)
    if (text === undefined) continue // erased: there is nothing to compare with
    const earlier: Statement = JSON.parse(text)
    const names = new Set(earlier.documents.map(({ name }) => name.normalize('NFC')))
    const [before, after] = [
      { index: 0, statement: earlier },
      { index: 1, statement: { ...statement, documents: rest } },
    ]
    if (compareVersions(before, after, []) === 'silent-edit') return index
    rest = rest.filter(({ name }) => !names.has(name.normalize('NFC')))
  }
  return undefined
}

/**
 * Of each version of a record its newest statement, and its newest publications that no amendment or withdrawal covers; of each record
 * the newest amendment or withdrawal that covers all of it.
 */
function createHistories(rows: Rows) {
  const written = new Map<string, readonly number[]>()
  const read = (key: string) => written.get(key) ?? numbersOf(rows.get(rowKey('v', key)))
  const versionOf = ({ agency, record }: Statement, revision: string | undefined) => hashOf([agency, record, revision ?? null])
  const recordOf = ({ agency, record }: Statement) => hashOf([agency, record])
  const openOf = (statement: Statement, revision: string | undefined): readonly number[] => {
    const [, ...open] = read(versionOf(statement, revision))
    if (open.length === 0) return open
    const [covered = -1] = read(recordOf(statement))
    return open.filter(index => index > covered)
  }

  return {
    newestOf: (statement: Statement, revision: string | undefined): number | undefined => read(versionOf(statement, revision))[0],
    openOf,
    add(statement: Statement, index: number): void {
      const { revision, action } = statement
      const open = openOf(statement, revision)
      written.set(versionOf(statement, revision), [index, ...(action === 'publish' ? [...open, index].slice(-MAX_OPEN) : open)])
    },
    cover(statement: Statement, index: number): void {
      if (statement.target === undefined) written.set(recordOf(statement), [index])
      else written.set(versionOf(statement, statement.target), read(versionOf(statement, statement.target)).slice(0, 1))
    },
    *rows(): Generator<Row> {
      for (const [key, numbers] of written) yield { key: rowKey('v', key), value: Buffer.concat(numbers.map(numberValue)) }
    },
  }
}

function numbersOf(value: Uint8Array | undefined): number[] {
  const count = (value?.length ?? 0) / 8
  return Array.from({ length: count }, (_, at) => lastNumber(value!.subarray(at * 8, at * 8 + 8)))
}

function changeKey(kind: ChangeKind, index: number): Uint8Array {
  return rowKey('k', kind.charAt(0), [{ value: index, bytes: 8 }])
}

/** A short name of a record, or of one version of it. */
function hashOf(names: readonly (string | null)[]): string {
  return createHash('sha256').update(JSON.stringify(names)).digest('base64')
}
