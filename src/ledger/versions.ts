/**
 * The history of a record: its statements in order, and how each relates to the others of its
 * version.
 */

import { type Effect, withoutSeparated } from '../core/statements/effects.ts'
import type { Statement } from '../core/statements/statement.ts'
import { changesOf, markHistory, type VersionChange, type VersionMarks } from '../core/statements/versions.ts'
import type { Host } from '../host.ts'
import type { LostChange } from '../log/erasures.ts'
import type { Lookups } from '../store/port/lookups.ts'
import type { Erasures } from './erasure/erasures.ts'
import { readEach, statementIn } from './record-reader.ts'
import type { Statements } from './statements.ts'

/** One statement in the history of its record. */
export type ShownVersion = {
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
  readonly versions: readonly ShownVersion[]
  /** The changes to the requested version, with the tombstone if the statement was erased since. */
  readonly changes: readonly (VersionChange | LostChange)[]
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
export async function readHistory(ledger: HistoryDeps, index: number): Promise<History> {
  const { heldStatement: read, host } = ledger
  const own = statementIn(await read(index))
  if (own === undefined) return { versions: [], changes: [] }
  const { agency, record } = own
  const newest = await ledger.listByRecord(agency, record, Number.MAX_SAFE_INTEGER, MAX_VERSIONS + 1)
  const before = await ledger.listByRecord(agency, record, index, VERSIONS_BEFORE)
  // The omitted part is between the part before the index and the newest part.
  const { versions, isWhole } = await readEach(new Set([index, ...before, ...newest.slice(0, MAX_VERSIONS)]), read, host)
  const found = versions.toSorted((a, b) => a.index - b.index)
  const kept = await keptEffects(
    ledger,
    found.map(version => version.index),
  )
  const lost = kept.filter(({ on }) => on === index).map(({ on: _, ...change }) => change)
  const changes = [...withoutSeparated(index, changesOf({ index, statement: own }, found), kept), ...lost]
  return {
    versions: await describe(found, kept, ledger),
    changes: changes.sort((a, b) => a.index - b.index),
    ...((!isWhole || newest.length > MAX_VERSIONS) && { partial: true }),
  }
}

type HistoryDeps = Pick<Lookups, 'listByRecord'> &
  Pick<Statements, 'heldStatement'> &
  Pick<Erasures, 'lostChanges' | 'newestTombstone' | 'erasureDue'> & { readonly host: Pick<Host, 'breathe'> }

/** The effects of erased statements on these versions. */
async function keptEffects(ledger: HistoryDeps, indexes: readonly number[]): Promise<(Effect & LostChange)[]> {
  if ((await ledger.newestTombstone()) === undefined) return []
  const kept: (Effect & LostChange)[] = []
  for (const on of indexes) {
    await ledger.host.breathe()
    for (const change of await ledger.lostChanges(on)) kept.push({ ...change, on })
  }
  return kept
}

/** The versions as they are shown: without those that wait to be erased. */
async function describe(
  found: readonly { readonly index: number; readonly statement: Statement }[],
  kept: readonly Effect[],
  ledger: HistoryDeps,
): Promise<ShownVersion[]> {
  const marks = markHistory(
    found,
    kept.filter(({ what }) => what === 'withdrawn' || what === 'superseded'),
  )
  const edited = new Set(kept.filter(({ what }) => what === 'edited').map(({ on }) => on))
  const versions: ShownVersion[] = []
  for (const [at, { index, statement }] of found.entries()) {
    if ((await ledger.erasureDue(index)) !== undefined) continue
    const { action, revision, target, published } = statement
    versions.push({
      index,
      action,
      ...(revision !== undefined && { revision }),
      ...(target !== undefined && { target }),
      ...(published !== undefined && { published }),
      ...marks[at],
      ...(edited.has(index) && { edited: true }),
    })
  }
  return versions
}
