/** What agencies changed: silent edits, amendments, withdrawals; and how many of each an agency has. */
import { createHash } from 'node:crypto'
import type { Statement } from '../core/statement.ts'
import { compareVersions } from '../core/versions.ts'
import { jsonValue, lastNumber, numberValue, type Row, type Rows, readJson, rowKey } from './rows.ts'

/** The ways in which a later statement changes what was published. */
export const CHANGE_KINDS = ['silent-edit', 'amend', 'withdraw'] as const
export type ChangeKind = (typeof CHANGE_KINDS)[number]

/** One change. `earlier` is the statement of the same version that came before, where there is one. */
export type Change = { readonly index: number; readonly kind: ChangeKind; readonly earlier?: number }

/** Entries of an agency, and how many of them changed something. */
export type AgencyCounts = { readonly entries: number } & Readonly<Record<ChangeKind, number>>

/** Of an agency that has sent nothing. */
export const NO_COUNTS: AgencyCounts = { entries: 0, 'silent-edit': 0, amend: 0, withdraw: 0 }

type Ledger = { statement(index: number): Promise<string | undefined> }

/** Gathers the changes in a run of entries; `rows` gives what is to be written. */
export function gatherChanges(rows: Rows, ledger: Ledger) {
  const changed: Change[] = []
  const newest = new Map<string, number>()
  const counts = new Map<string, AgencyCounts>()

  return {
    async add(index: number, statement: Statement): Promise<void> {
      const version = versionOf(statement)
      const row = newest.has(version) ? undefined : rows.get(rowKey('v', version))
      const earlier = newest.get(version) ?? (row && lastNumber(row))
      newest.set(version, index)
      const kind = earlier !== undefined && statement.action === 'publish' ? await editOf(earlier, statement, ledger) : statement.action
      const count = counts.get(statement.agency) ?? readCounts(rows, statement.agency)
      counts.set(statement.agency, { ...count, entries: count.entries + 1, ...(kind !== 'publish' && { [kind]: count[kind] + 1 }) })
      if (kind !== 'publish') changed.push({ index, kind, ...(earlier !== undefined && { earlier }) })
    },
    *rows(): Generator<Row> {
      for (const { index, kind, earlier } of changed)
        yield { key: changeKey(kind, index), value: earlier === undefined ? new Uint8Array(0) : numberValue(earlier) }
      for (const [version, index] of newest) yield { key: rowKey('v', version), value: numberValue(index) }
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

/** What publishing a version again is. An erased statement cannot be compared with. */
async function editOf(earlier: number, statement: Statement, ledger: Ledger): Promise<'silent-edit' | 'publish'> {
  const text = await ledger.statement(earlier)
  return text !== undefined && compareVersions(JSON.parse(text), statement) === 'silent-edit' ? 'silent-edit' : 'publish'
}

function changeKey(kind: ChangeKind, index: number): Uint8Array {
  return rowKey('k', kind.charAt(0), [{ value: index, bytes: 8 }])
}

/** A short name of one version of a record. */
function versionOf({ agency, record, revision }: Statement): string {
  return createHash('sha256')
    .update(JSON.stringify([agency, record, revision ?? null]))
    .digest('base64')
}
