/**
 * The effects of a statement that is about to be erased on the other versions of its record. They
 * are kept after it, as numbers and words, so that an erasure changes nobody else's state. Design
 * §16.
 */

import { changesOf, covers, type Version, type VersionChange } from './versions.ts'

/** What an erased statement did to another version. */
export type EffectKind = (typeof EFFECT_KINDS)[number]

/** The kinds of effects, the gravest first. */
export const EFFECT_KINDS = ['withdrawn', 'edited', 'superseded', 'published'] as const

/** The statement at `index`, which was erased, did this to the version at `on`. */
export type Effect = { readonly index: number; readonly on: number; readonly what: EffectKind }

/** The kept word for each change. An added document or another format takes nothing away. */
const WORDS: { readonly [what in VersionChange['what']]?: EffectKind } = {
  withdrawn: 'withdrawn',
  edited: 'edited',
  'edited-elsewhere': 'edited',
  superseded: 'superseded',
  published: 'published',
}

/**
 * What `own` does to another version of its record; undefined if nothing that must be kept.
 * `others` are all statements of the record, `kept` the effects of those that were erased before.
 */
export function effectOn(version: Version, own: Version, others: readonly Version[], kept: readonly Effect[]): Effect | undefined {
  // Only amendments and withdrawals decide whether two publications are compared.
  const deciding = others.filter(({ statement }) => statement.action !== 'publish')
  const change = withoutSeparated(version.index, changesOf(version, [...deciding, own]), kept).find(({ index }) => index === own.index)
  const what = (change && WORDS[change.what]) ?? (separates(own, version, others) ? 'superseded' : undefined)
  return what && { index: own.index, on: version.index, what }
}

/**
 * Changes without the edits that an erased statement rules out: it withdrew or replaced the earlier
 * of the two versions before the later one was published.
 */
export function withoutSeparated<T extends Pick<VersionChange, 'index'> & { readonly what: string }>(
  own: number,
  changes: readonly T[],
  kept: readonly Effect[],
): T[] {
  return changes.filter(({ index, what }) => !what.startsWith('edited') || !isSeparated(Math.min(own, index), Math.max(own, index), kept))
}

/** Whether an erased statement between two versions withdrew or replaced the earlier one. */
function isSeparated(earlier: number, later: number, kept: readonly Effect[]): boolean {
  return kept.some(
    ({ index, on, what }) => on === earlier && index > earlier && index < later && (what === 'withdrawn' || what === 'superseded'),
  )
}

/**
 * Whether `own` amends a version without taking anything away, and a later publication of the same
 * revision would look like an edit if the amendment were forgotten.
 */
function separates(own: Version, version: Version, others: readonly Version[]): boolean {
  if (own.index < version.index || !covers(own.statement, version.statement)) return false
  const { revision } = version.statement
  return others.some(({ index, statement }) => index > own.index && statement.action === 'publish' && statement.revision === revision)
}
