/**
 * Erasures that a store learns of from its own log, or from another copy. The tombstone is proven:
 * it is an entry of the log. When it was made and what the erased statement had done are the copy's
 * word. A false word can make versions unchecked, and nothing green.
 */
import { toUtf8 } from '../core/bytes.ts'
import { hashLeaf } from '../core/hash.ts'
import { isJsonObject, type Json, parseJson } from '../core/json.ts'
import { EFFECT_KINDS, type KeptEffect } from '../core/statements/effects.ts'
import { ERASURE, type Erasure as Tombstone } from '../core/statements/erasure.ts'
import { parseAnyStatement } from '../core/statements/registry.ts'
import { formatTime } from '../core/time.ts'
import { erasureDocuments, type RecordedErasure, readErasure } from '../log/erasures.ts'
import type { Prepared } from '../log/prepare.ts'
import { recordOf } from '../log/prepare.ts'
import type { ErasedRecord, LogStore } from '../store/port/log.ts'
import type { EmbeddedStore } from '../store/port/port.ts'

/** A copy's words in place of an erased statement. They are not checked yet. */
export type SaidErased = { readonly erased: number; readonly time?: unknown; readonly effects?: unknown }

/** The tombstone in a statement; undefined if it is another statement. */
export function tombstoneIn(statement: Uint8Array): Tombstone | undefined {
  if (!Buffer.from(statement).includes(ERASURE)) return undefined
  const value = parseAnyStatement(parseJson(statement))
  return value.type === ERASURE ? value : undefined
}

/** The facts of an erasure. `said` is the copy's word; without it, only the tombstone is known. */
export function erasureOf(tombstone: Tombstone, at: number, timeMs: number, said?: SaidErased): RecordedErasure {
  const { index, reason, by } = tombstone
  const isTime = typeof said?.time === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(said.time)
  const time = isTime ? String(said.time) : formatTime(timeMs)
  const effects = Array.isArray(said?.effects) ? (said.effects as Json[]).filter(each => isEffect(each, at)) : []
  return { index, tombstone: at, time, reason, by, effects: effects as unknown as KeptEffect[] }
}

/**
 * A record in the place of an erased one. The commit that appends its entry removes it again, so
 * that the tree grows and nothing is kept.
 */
export function placeholderOf(entry: Uint8Array): Prepared {
  const identity = Buffer.from(hashLeaf(entry)).toString('hex')
  return { statement: toUtf8(''), entry, identity, subject: undefined, digests: [] }
}

/** The rows that an erasure has to remove from a store; undefined if there are no such rows. */
export async function heldRecord(store: Pick<LogStore, 'readStatement'>, index: number): Promise<ErasedRecord | undefined> {
  const statement = await store.readStatement(index)
  if (statement === undefined) return undefined
  const { statement: _, ...record } = recordOf(index, statement)
  // Only statements about records can be erased.
  return record.subject === undefined ? undefined : record
}

/**
 * Destroys what tombstones of this log name and the store still holds, by whatever accident.
 * Returns how many statements that were.
 */
export async function replayTombstones(store: EmbeddedStore): Promise<number> {
  const size = (await store.readHead())?.head.size ?? 0
  const held: ErasedRecord[] = []
  for await (const { index, statement } of store.readStatements(0, size)) {
    const tombstone = statement && tombstoneIn(statement)
    if (tombstone === undefined || tombstone.index >= index) continue
    if ((await readErasure(store, tombstone.index)) === undefined) {
      const timeMs = (await store.readCommits(index, index + 1))[0]?.timeMs ?? 0
      await store.writeDocuments(erasureDocuments(erasureOf(tombstone, index, timeMs)))
    }
    const record = await heldRecord(store, tombstone.index)
    if (record !== undefined) held.push(record)
  }
  if (held.length > 0) await store.eraseAgain(held)
  await store.purge()
  return held.length
}

function isEffect(value: Json, below: number): boolean {
  if (!isJsonObject(value)) return false
  const { on, what } = value
  return Number.isSafeInteger(on) && Number(on) >= 0 && Number(on) < below && EFFECT_KINDS.some(kind => kind === what)
}
