/**
 * Changes by agencies: silent edits, amendments, withdrawals; and how many of each an agency has.
 */

import type { KeptEffect } from '../core/statements/effects.ts'
import type { Statement } from '../core/statements/statement.ts'
import { breathe } from '../turns.ts'
import { type FinderRow, jsonValue, lastNumber, numberValue, type Rows, readJson, rowKey } from './rows.ts'
import { createThreads, type EntryState, readState } from './threads.ts'

/** The ways in which a later statement changes an earlier publication. */
export const CHANGE_KINDS = ['silent-edit', 'amend', 'withdraw'] as const
export type FoundChangeKind = (typeof CHANGE_KINDS)[number]

/** One change. `earlier` is the newest statement that it changes, if there is one. */
export type FoundChange = { readonly index: number; readonly kind: FoundChangeKind; readonly earlier?: number }

/** An agency's number of entries, and how many of them changed something. */
export type AgencyCounts = { readonly entries: number } & Readonly<Record<FoundChangeKind, number>>

/** The counts of an agency without entries. */
export const NO_COUNTS: AgencyCounts = { entries: 0, 'silent-edit': 0, amend: 0, withdraw: 0 }

/** Gathers the changes in a run of entries; `rows` returns the rows to write. */
export function gatherChanges(rows: Rows, ledger: { statement(index: number): Promise<string | undefined>; rest(): Promise<boolean> }) {
  const changed: FoundChange[] = []
  const threads = createThreads(rows, index => ledger.statement(index), ledger.rest)
  const counts = new Map<string, AgencyCounts>()

  return {
    async add(index: number, statement: Statement): Promise<void> {
      const { agency, action } = statement
      const earlier = await threads.add(index, statement)
      const kind = action === 'publish' && earlier !== undefined ? 'silent-edit' : action
      const count = counts.get(agency) ?? readCounts(rows, agency)
      counts.set(agency, { ...count, entries: count.entries + 1, ...(kind !== 'publish' && { [kind]: count[kind] + 1 }) })
      if (kind !== 'publish') changed.push({ index, kind, ...(earlier !== undefined && { earlier }) })
    },
    /** Adds what an erased statement did to others. */
    async addErased(index: number, effects: readonly KeptEffect[]): Promise<void> {
      for (const effect of effects) {
        const text = effect.on < index ? await ledger.statement(effect.on) : undefined
        await threads.addErased(index, effect, text === undefined ? undefined : JSON.parse(text))
      }
    },
    *rows(): Generator<FinderRow> {
      for (const { index, kind, earlier } of changed)
        yield { key: changeKey(kind, index), value: earlier === undefined ? new Uint8Array(0) : numberValue(earlier) }
      yield* threads.rows()
      for (const [agency, count] of counts) yield { key: rowKey('g', agency), value: jsonValue(count) }
    },
  }
}

/** Changes below `before` of the given kinds, newest first. */
export async function listChanges(rows: Rows, kinds: readonly FoundChangeKind[], before: number, limit: number): Promise<FoundChange[]> {
  const lists = await Promise.all(kinds.map(kind => listKind(rows, kind, before, limit)))
  return lists
    .flat()
    .sort((a, b) => b.index - a.index)
    .slice(0, limit)
}

/** The state of an entry, as far as the finder has read the log. */
export function stateOf(rows: Rows, index: number, statement: Statement): EntryState {
  const isSilentEdit = rows.get(changeKey('silent-edit', index)) !== undefined
  return { ...readState(rows, index, statement), ...(isSilentEdit && { isSilentEdit }) }
}

/** All zero for an agency without entries. */
export function readCounts(rows: Rows, agency: string): AgencyCounts {
  return readJson<AgencyCounts>(rows.get(rowKey('g', agency))) ?? NO_COUNTS
}

/**
 * The agencies that changed most of all, most changes first; all agencies together; and how many
 * agencies changed something but are not among the first `limit`.
 */
export type Changers = {
  readonly agencies: readonly (AgencyCounts & { readonly agency: string })[]
  readonly all: AgencyCounts
  readonly others: number
}

/** How many changes an agency made. */
const changesOf = (counts: AgencyCounts) => CHANGE_KINDS.reduce((sum, kind) => sum + counts[kind], 0)

type Remembered = { readonly size: number; readonly limit: number; readonly found: Promise<Changers> }

/** The last answer for these rows. It is the answer until the finder has read further. */
const remembered = new WeakMap<Rows, Remembered>()

/** The agencies that changed most. Every agency's row is read, once for each size of the log. */
export function listChangers(rows: Rows, size: number, limit: number): Promise<Changers> {
  const known = remembered.get(rows)
  if (known?.size === size && known.limit === limit) return known.found
  const found = readChangers(rows, limit)
  remembered.set(rows, { size, limit, found })
  found.catch(() => remembered.delete(rows))
  return found
}

async function readChangers(rows: Rows, limit: number): Promise<Changers> {
  const first: (AgencyCounts & { agency: string })[] = []
  const all = { ...NO_COUNTS }
  let changers = 0
  for await (const [key, value] of rows.range(rowKey('g'), rowKey('h'))) {
    await breathe()
    const counts = readJson<AgencyCounts>(value) ?? NO_COUNTS
    for (const name of ['entries', ...CHANGE_KINDS] as const) all[name] += counts[name]
    if (changesOf(counts) === 0) continue
    changers++
    // Rows come in the order of the ids, so of two that are equal the first stays before.
    const place = first.findLastIndex(each => changesOf(each) >= changesOf(counts)) + 1
    if (place >= limit) continue
    first.splice(place, 0, { ...counts, agency: Buffer.from(key.subarray(1)).toString('utf8') })
    if (first.length > limit) first.pop()
  }
  return { agencies: first, all, others: changers - first.length }
}

async function listKind(rows: Rows, kind: FoundChangeKind, before: number, limit: number): Promise<FoundChange[]> {
  const found: FoundChange[] = []
  for await (const [key, value] of rows.range(changeKey(kind, 0), changeKey(kind, before), { reverse: true })) {
    if (found.length >= limit) break
    found.push({ index: lastNumber(key), kind, ...(value.length > 0 && { earlier: lastNumber(value) }) })
  }
  return found
}

function changeKey(kind: FoundChangeKind, index: number): Uint8Array {
  return rowKey('k', kind.charAt(0), [{ value: index, bytes: 8 }])
}
