/**
 * The stored facts of erasures: what was erased, when, by which tombstone, and what it had done.
 */
import type { EffectKind, KeptEffect } from '../core/statements/effects.ts'
import type { ErasedBy, ErasureReason } from '../core/statements/erasure.ts'
import { type DocumentChange, type Documents, sizeKey } from '../store/port/documents.ts'
import { ERASURES } from './checked-statements.ts'

/** An erasure that was done: the index of its tombstone, and when and why it was made. */
export type ErasureFacts = {
  readonly tombstone: number
  readonly time: string
  readonly reason: { readonly code: ErasureReason }
  readonly by: ErasedBy
}

/** The effect of an erased statement on a version, with the index of its tombstone. */
export type LostChange = { readonly index: number; readonly what: EffectKind; readonly erased: number }

/** An erasure with the effects of the erased statement. */
export type RecordedErasure = ErasureFacts & { readonly index: number; readonly effects: readonly KeptEffect[] }

/**
 * Tombstone indexes → erased indexes, for lists of erasures in the order in which they were made.
 */
const TOMBSTONES = 'tombstones'
/** Indexes of versions and of erased statements → what the second did to the first. */
const EFFECTS = 'effects'
/** Above every index. */
const END = Number.MAX_SAFE_INTEGER
const PAGE = 1000

/** The documents of an erasure. They are written in the commit of its tombstone. */
export function erasureDocuments({ index, effects, ...facts }: RecordedErasure): DocumentChange[] {
  const lost = (what: EffectKind): Omit<LostChange, 'index'> => ({ what, erased: facts.tombstone })
  return [
    { collection: ERASURES, key: sizeKey(index), value: JSON.stringify({ ...facts, effects }) },
    { collection: TOMBSTONES, key: sizeKey(facts.tombstone), value: String(index) },
    ...effects.map(({ on, what }) => ({
      collection: EFFECTS,
      key: `${sizeKey(on)} ${sizeKey(index)}`,
      value: JSON.stringify(lost(what)),
    })),
  ]
}

/** The erasure of the statement at an index; undefined if it was not erased. */
export async function readErasure(store: Documents, index: number): Promise<RecordedErasure | undefined> {
  const row = await store.readDocument(ERASURES, sizeKey(index))
  const facts: Partial<RecordedErasure> | undefined = row === undefined ? undefined : JSON.parse(row)
  return facts?.tombstone === undefined ? undefined : ({ index, effects: [], ...facts } as RecordedErasure)
}

/** The effects of erased statements on a version. */
export async function readLostChanges(store: Documents, on: number): Promise<LostChange[]> {
  const prefix = `${sizeKey(on)} `
  const changes: LostChange[] = []
  for (let after = prefix; ; ) {
    const rows = await store.listDocuments(EFFECTS, { after, limit: PAGE })
    for (const { key, value } of rows) {
      if (!key.startsWith(prefix)) return changes
      changes.push({ index: Number(key.slice(prefix.length)), ...JSON.parse(value) })
    }
    if (rows.length < PAGE) return changes
    after = rows.at(-1)!.key
  }
}

/** Erasures whose tombstones are below `before`, newest first. */
export async function listErasures(store: Documents, before: number, limit: number): Promise<RecordedErasure[]> {
  const rows = await store.listNewestDocuments(TOMBSTONES, sizeKey(Math.min(before, END)), limit)
  return Promise.all(
    rows.map(async ({ key, value }) => {
      const found = await readErasure(store, Number(value))
      if (found === undefined) throw new Error(`bug: no erasure of the tombstone ${key}`)
      return found
    }),
  )
}

/** The index of the newest tombstone; undefined if nothing was erased. */
export async function newestTombstone(store: Documents): Promise<number | undefined> {
  const [row] = await store.listNewestDocuments(TOMBSTONES, sizeKey(END), 1)
  return row && Number(row.key)
}
