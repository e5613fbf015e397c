/** Caches of a log's parts. */
import { LRUCache } from 'lru-cache'

/**
 * A cache of at most this many values; those used last stay. Each value counts as 1 of a size. With
 * `max` instead, the library would set room aside for all of them whenever a ledger is opened.
 */
export function keepLast<K extends {}, V extends {}>(most: number): LRUCache<K, V> {
  return new LRUCache({ maxSize: most, sizeCalculation: () => 1 })
}
