/**
 * The final anchors, one of which each receipt carries. Kept as documents of the store, by chain
 * and size.
 */
import type { Host } from '../host.ts'
import { type Store, sizeKey } from '../store/port/port.ts'

/**
 * A checkpoint that the contract holds and the chain will not take back. `root` and hashes are hex;
 * hashes of the chain begin with 0x.
 */
export type FinalAnchor = {
  readonly type: 'evm'
  readonly chainId: number
  readonly contract: string
  readonly logId: string
  readonly size: number
  readonly root: string
  readonly transaction: string
  readonly block: { readonly number: number; readonly hash: string; readonly time: string }
}

export type FinalAnchors = {
  /** The newest one that this node knows. */
  latest(): FinalAnchor | undefined
  /** The first one that covers an index. It has the earliest date, and never changes. */
  covering(index: number): Promise<FinalAnchor | undefined>
  /** That of a chain at a size. */
  of(chainId: number, size: number): Promise<FinalAnchor | undefined>
  /** Those below a size, the newest first, at most `limit`. */
  newest(before: number, limit: number): Promise<FinalAnchor[]>
  /** In ascending order of size, only those above `after`, at most `limit`. */
  list(after: number, limit: number): Promise<FinalAnchor[]>
  /** Stores one durably, replacing one of the same chain and size. */
  add(anchor: FinalAnchor): Promise<void>
  /** Removes those of a chain at these sizes, which the chain no longer holds. */
  remove(chainId: number, sizes: readonly number[]): Promise<void>
  /** Reads again what another node may have added or removed. */
  refresh(): Promise<void>
}

type StoredDocuments = Pick<Store, 'readDocument' | 'writeDocuments' | 'listDocuments' | 'listNewestDocuments'>

const COLLECTION = 'final-anchors'
/** How many anchors are kept in memory for receipts. */
const CACHED = 4096
/** How long they are kept: then another node's are read too. */
const CACHED_MS = 1000

/** The key of an anchor's document: those of all chains in the order of their sizes. */
export function anchorKey(chainId: number, size: number): string {
  return `${sizeKey(size)}-${chainId}`
}

/** Opens them. Reads one document, however many there are. */
export async function openFinalAnchors(store: StoredDocuments, { steadyMs }: Pick<Host, 'steadyMs'>): Promise<FinalAnchors> {
  let latest: FinalAnchor | undefined
  /**
   * Anchors in ascending order of size, each with the lowest index for which it is known to be the
   * first that covers it.
   */
  let cache: { anchor: FinalAnchor; from: number }[] = []
  let readMs = 0
  let begun = 0
  let shown = 0

  const list = async (after: number, limit: number) => {
    const rows = await store.listDocuments(COLLECTION, { after: sizeKey(after + 1), limit })
    return rows.map(({ value }) => JSON.parse(value) as FinalAnchor)
  }

  const newest = async (before: number, limit: number) => {
    const rows = await store.listNewestDocuments(COLLECTION, sizeKey(before), limit)
    return rows.map(({ value }) => JSON.parse(value) as FinalAnchor)
  }

  const refresh = async () => {
    const reading = ++begun
    readMs = steadyMs()
    const [found] = await newest(Number.MAX_SAFE_INTEGER, 1)
    // A reading that began later, after a write of this node, may have ended first.
    if (reading < shown) return
    shown = reading
    latest = found
    cache = []
  }
  await refresh()

  /** The position in the cache of the first anchor above an index. */
  const positionOf = (index: number) => {
    let low = 0
    let high = cache.length
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (cache[middle]!.anchor.size <= index) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    latest: () => latest,
    async covering(index) {
      if (steadyMs() - readMs >= CACHED_MS) await refresh()
      if (latest === undefined || latest.size <= index) return undefined
      const cached = cache[positionOf(index)]
      if (cached !== undefined && cached.from <= index) return cached.anchor
      const into = cache
      const [anchor] = await list(index, 1)
      // If the cache was emptied meanwhile, this anchor may have been removed since.
      if (anchor === undefined || into !== cache) return anchor
      const position = positionOf(index)
      const next = cache[position]
      if (next?.anchor.size === anchor.size) next.from = Math.min(next.from, index)
      else if (cache.length < CACHED) cache.splice(position, 0, { anchor, from: index })
      return anchor
    },
    async of(chainId, size) {
      const found = await store.readDocument(COLLECTION, anchorKey(chainId, size))
      return found === undefined ? undefined : JSON.parse(found)
    },
    newest,
    list,
    async add(anchor) {
      await store.writeDocuments([{ collection: COLLECTION, key: anchorKey(anchor.chainId, anchor.size), value: JSON.stringify(anchor) }])
      await refresh()
    },
    async remove(chainId, sizes) {
      await store.writeDocuments(sizes.map(size => ({ collection: COLLECTION, key: anchorKey(chainId, size), value: null })))
      await refresh()
    },
    refresh,
  }
}

/** The anchor as a receipt shows it: hints for people. */
export function anchorHint({ type, chainId, contract, logId, size, transaction, block }: FinalAnchor) {
  return { type, chainId, contract, logId, size, transaction, block }
}
