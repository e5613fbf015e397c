/** Where the log is anchored, and for which tree sizes, by its first entry and the changes after it. */
import type { SizeRange } from '../core/policy-anchors.ts'
import { nameOfPlace } from '../core/statements/anchors-change.ts'
import type { GenesisAnchor } from '../core/statements/genesis.ts'
import type { LoggedAnchorsChange } from '../log/log-anchors.ts'

/** A place of the log on a chain. */
export type BoundPlace = GenesisAnchor & SizeRange

/**
 * All places, in the order in which they were bound. One that a change adds counts from size
 * index + 2; one that it no longer lists ends at index + 1. Design §3.4.
 */
export function placesOf(first: readonly GenesisAnchor[], changes: readonly LoggedAnchorsChange[]): readonly BoundPlace[] {
  let places: readonly BoundPlace[] = first.map(place => ({ ...place, fromSize: 0 }))
  for (const { index, change } of changes) {
    const listed = new Set(change.anchors.map(nameOfPlace))
    const kept = places.map(place =>
      place.toSize === undefined && !listed.has(nameOfPlace(place)) ? { ...place, toSize: index + 1 } : place,
    )
    const open = new Set(kept.filter(({ toSize }) => toSize === undefined).map(nameOfPlace))
    const added = change.anchors.filter(place => !open.has(nameOfPlace(place))).map(place => ({ ...place, fromSize: index + 2 }))
    places = [...kept, ...added]
  }
  return places
}
