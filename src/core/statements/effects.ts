/**
 * The effects of a statement that is about to be erased on the other versions of its record. They
 * are kept after it, as numbers and words, so that an erasure changes nobody else's state. Design
 * §16.
 */

import { groupBy } from '../group-by.ts'
import { changesOf, covers, type Version, type VersionChange } from './versions.ts'

/** The effect of an erased statement on another version. */
export type EffectKind = (typeof EFFECT_KINDS)[number]

/** The kinds of effects, the gravest first. */
export const EFFECT_KINDS = ['withdrawn', 'edited', 'superseded', 'published'] as const

/** The statement at `index`, which was erased, did this to the version at `on`. */
export type Effect = KeptEffect & { readonly index: number }

/**
 * An effect on the version at `on`, as it is kept with the erasure of the statement that had it.
 */
export type KeptEffect = { readonly on: number; readonly what: EffectKind }

/** The kept word for each change. An added document or another format takes nothing away. */
const WORDS: { readonly [what in VersionChange['what']]?: EffectKind } = {
  withdrawn: 'withdrawn',
  edited: 'edited',
  'edited-elsewhere': 'edited',
  superseded: 'superseded',
  published: 'published',
}

/**
 * The effects of `own` on each other version of its record: undefined if none must be kept.
 * `others` are all statements of the record, `kept` the effects of those that were erased before.
 * Made once for `own`; each version then takes about the same time, however many there are.
 */
export function createEffects(own: Version, others: readonly Version[], kept: readonly Effect[]): (version: Version) => Effect | undefined {
  const keptOn = groupBy(kept, ({ on }) => on)
  const decisions = createDecisions(others)
  const later = others.filter(({ index, statement }) => index > own.index && statement.action === 'publish')
  const publishedLater = new Set(later.map(({ statement }) => statement.revision))
  /**
   * Whether `own` amends a version without taking anything away, and a later publication of the
   * same revision would look like an edit if the amendment were forgotten.
   */
  const separates = (version: Version) =>
    own.index > version.index && covers(own.statement, version.statement) && publishedLater.has(version.statement.revision)

  return version => {
    const [earlier, other] = [Math.min(own.index, version.index), Math.max(own.index, version.index)]
    // Only amendments and withdrawals decide whether two publications are compared, and one is
    // enough.
    const compared = [...decisions.between(earlier, other, version), own]
    const changes = withoutSeparated(version.index, changesOf(version, compared), keptOn.get(earlier) ?? [])
    const change = changes.find(({ index }) => index === own.index)
    const what = (change && WORDS[change.what]) ?? (separates(version) ? 'superseded' : undefined)
    return what && { index: own.index, on: version.index, what }
  }
}

/** The amendments and withdrawals of a record, found by their place and by what they cover. */
function createDecisions(others: readonly Version[]) {
  const deciding = others.filter(({ statement }) => statement.action !== 'publish').toSorted((a, b) => a.index - b.index)
  const byTarget = groupBy(deciding, ({ statement }) => statement.target)
  const firstAfter = (list: readonly Version[], index: number) => {
    let [low, high] = [0, list.length]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (list[middle]!.index > index) high = middle
      else low = middle + 1
    }
    return list[low]
  }
  return {
    /** Those between two indexes that cover a version: one without a target, one with it. */
    between(from: number, to: number, { statement: { revision } }: Version): Version[] {
      const targets = revision === undefined ? [undefined] : [undefined, revision]
      const found = targets.map(target => firstAfter(byTarget.get(target) ?? [], from))
      return found.filter(decision => decision !== undefined && decision.index < to) as Version[]
    },
  }
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
