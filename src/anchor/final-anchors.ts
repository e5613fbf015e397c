/**
 * The final anchors, one of which each receipt carries. Kept as documents of the store, by size.
 */
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
  /** The newest one. */
  latest(): FinalAnchor | undefined
  /** The first one that covers an index. It has the earliest date, and never changes. */
  covering(index: number): Promise<FinalAnchor | undefined>
  at(size: number): Promise<FinalAnchor | undefined>
  /** Those below a size, the newest first, at most `limit`. */
  newest(before: number, limit: number): Promise<FinalAnchor[]>
  /** In ascending order of size, only those above `after`, at most `limit`. */
  list(after: number, limit: number): Promise<FinalAnchor[]>
  /** Stores one durably, replacing one of the same size. */
  add(anchor: FinalAnchor): Promise<void>
  /** Removes those of these sizes, which the chain no longer holds. */
  remove(sizes: readonly number[]): Promise<void>
}

type StoredDocuments = Pick<Store, 'readDocument' | 'writeDocuments' | 'listDocuments' | 'listNewestDocuments'>

const COLLECTION = 'final-anchors'
const LATEST = { collection: 'ledger', key: 'latest-anchor' }
/** How many anchors are kept in memory for receipts. */
const CACHED = 4096

/** Opens them. Reads one document, however many there are. */
export async function openFinalAnchors(store: StoredDocuments): Promise<FinalAnchors> {
  const row = await store.readDocument(LATEST.collection, LATEST.key)
  let latest = row === undefined ? undefined : (JSON.parse(row) as FinalAnchor)
  /**
   * Anchors in ascending order of size, each with the lowest index for which it is known to be the
   * first that covers it.
   */
  const cache: { anchor: FinalAnchor; from: number }[] = []

  const list = async (after: number, limit: number) => {
    const rows = await store.listDocuments(COLLECTION, { after: sizeKey(after), limit })
    return rows.map(({ value }) => JSON.parse(value) as FinalAnchor)
  }

  const newest = async (before: number, limit: number) => {
    const rows = await store.listNewestDocuments(COLLECTION, sizeKey(before), limit)
    return rows.map(({ value }) => JSON.parse(value) as FinalAnchor)
  }

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
      if (latest === undefined || latest.size <= index) return undefined
      const position = positionOf(index)
      const cached = cache[position]
      if (cached !== undefined && cached.from <= index) return cached.anchor
      const [anchor] = await list(index, 1)
      if (anchor === undefined) return undefined
      if (cached?.anchor.size === anchor.size) cached.from = index
      else if (cache.length < CACHED) cache.splice(positionOf(index), 0, { anchor, from: index })
      return anchor
    },
    async at(size) {
      const found = await store.readDocument(COLLECTION, sizeKey(size))
      return found === undefined ? undefined : JSON.parse(found)
    },
    newest,
    list,
    async add(anchor) {
      const value = JSON.stringify(anchor)
      const change = { collection: COLLECTION, key: sizeKey(anchor.size), value }
      const isNewest = latest === undefined || anchor.size >= latest.size
      await store.writeDocuments(isNewest ? [change, { ...LATEST, value }] : [change])
      // An anchor between others covers indexes that a larger one covered so far. An anchor above
      // all of them does not.
      if (latest !== undefined && anchor.size <= latest.size) cache.length = 0
      if (isNewest) latest = anchor
    },
    async remove(sizes) {
      const removed = new Set(sizes)
      let stays = latest
      while (stays !== undefined && removed.has(stays.size)) stays = (await newest(stays.size, 1))[0]
      const changes = sizes.map(size => ({ collection: COLLECTION, key: sizeKey(size), value: null }))
      await store.writeDocuments([...changes, { ...LATEST, value: stays === undefined ? null : JSON.stringify(stays) }])
      latest = stays
      cache.length = 0
    },
  }
}

/** The anchor as a receipt shows it: hints for people. */
export function anchorHint({ type, chainId, contract, logId, size, transaction, block }: FinalAnchor) {
  return { type, chainId, contract, logId, size, transaction, block }
}
