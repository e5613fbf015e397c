/**
 * The final anchors, as documents of the store by chain and size. Those of one size vouch for the
 * checkpoint of one round.
 */
import { type DocumentChange, type Documents, type StoredDocument, sizeKey } from '../store/port/documents.ts'

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
  /** The anchors of a size, of one chain each, the earliest first. */
  at(size: number): Promise<readonly FinalAnchor[]>
  /** The anchor of a chain at a size. */
  of(chainId: number, size: number): Promise<FinalAnchor | undefined>
  /**
   * Anchors below a size, newest first: `limit`, and the others of the last one's size, so that
   * reading can continue from the last size. Returns fewer only if there are no others.
   */
  newest(before: number, limit: number): Promise<FinalAnchor[]>
  /** The same in ascending order of size, only those above `after`. */
  list(after: number, limit: number): Promise<FinalAnchor[]>
}

const COLLECTION = 'final-anchors'

/** The key of an anchor's document: those of all chains in the order of their sizes. */
export function anchorKey(chainId: number, size: number): string {
  return `${sizeKey(size)}-${chainId}`
}

/** The final anchors in a store. Keeps nothing in memory. */
export function readFinalAnchors(store: Documents): FinalAnchors {
  const list = (after: number, limit: number) =>
    wholeSizes((from, most) => store.listDocuments(COLLECTION, { after: from, limit: most }), sizeKey(after + 1), limit)
  return {
    async at(size) {
      const anchors = (await list(size - 1, 1)).filter(anchor => anchor.size === size)
      // Times of one format compare as text.
      return anchors.toSorted((a, b) => (a.block.time < b.block.time ? -1 : 1))
    },
    async of(chainId, size) {
      const found = await store.readDocument(COLLECTION, anchorKey(chainId, size))
      return found === undefined ? undefined : JSON.parse(found)
    },
    newest: (before, limit) => wholeSizes((from, most) => store.listNewestDocuments(COLLECTION, from, most), sizeKey(before), limit),
    list,
  }
}

/** The change that stores an anchor, replacing one of the same chain and size. */
export function anchorChange(anchor: FinalAnchor): DocumentChange {
  return { collection: COLLECTION, key: anchorKey(anchor.chainId, anchor.size), value: JSON.stringify(anchor) }
}

/** The change that removes the anchor of a chain at a size, which the chain no longer holds. */
export function withoutAnchor(chainId: number, size: number): DocumentChange {
  return { collection: COLLECTION, key: anchorKey(chainId, size), value: null }
}

/** `limit` anchors in the order of `read`, and those that complete the last one's size. */
async function wholeSizes(
  read: (from: string, limit: number) => Promise<readonly StoredDocument[]>,
  from: string,
  limit: number,
): Promise<FinalAnchor[]> {
  const anchors: FinalAnchor[] = (await read(from, limit)).map(({ value }) => JSON.parse(value))
  for (let last = anchors.at(-1); last !== undefined && anchors.length >= limit; last = anchors.at(-1)) {
    const [next] = await read(anchorKey(last.chainId, last.size), 1)
    const anchor: FinalAnchor | undefined = next && JSON.parse(next.value)
    if (anchor?.size !== last.size) break
    anchors.push(anchor)
  }
  return anchors
}

/** The anchor as a receipt shows it: hints for people. */
export function anchorHint({ type, chainId, contract, logId, size, transaction, block }: FinalAnchor) {
  return { type, chainId, contract, logId, size, transaction, block }
}
