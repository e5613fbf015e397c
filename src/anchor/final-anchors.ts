/**
 * The final anchors, as documents of the store by chain and size. Those of one size are a round's:
 * they vouch for the same checkpoint, and each receipt carries all of one round.
 */
import type { Host } from '../host.ts'
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

/**
 * A checkpoint's size, and the final anchors that vouch for it, of one chain each: the earliest and
 * the later ones.
 */
export type Round = { readonly size: number; readonly anchors: readonly [FinalAnchor, ...FinalAnchor[]] }

export type FinalAnchors = {
  /** The newest one that this node knows. */
  latest(): FinalAnchor | undefined
  /** The first round that covers an index. It has the earliest date. */
  covering(index: number): Promise<Round | undefined>
  /** The round of a size. */
  at(size: number): Promise<Round | undefined>
  /** The anchor of a chain at a size. */
  of(chainId: number, size: number): Promise<FinalAnchor | undefined>
  /**
   * Anchors below a size, newest first: `limit`, and the rest of the last one's round, so that
   * reading can continue from the last size. Returns fewer only if there are no others.
   */
  newest(before: number, limit: number): Promise<FinalAnchor[]>
  /** The same in ascending order of size, only those above `after`. */
  list(after: number, limit: number): Promise<FinalAnchor[]>
  /**
   * Stores one durably, replacing one of the same chain and size.
   * @throws StoreError STORE_DOCUMENT_CHANGED if a document of `unless` has changed
   */
  add(anchor: FinalAnchor, unless?: readonly DocumentChange[]): Promise<void>
  /** Removes those of a chain at these sizes, which the chain no longer holds. Throws the same. */
  remove(chainId: number, sizes: readonly number[], unless?: readonly DocumentChange[]): Promise<void>
  /** Reads again what another node may have added or removed. */
  refresh(): Promise<void>
}

const COLLECTION = 'final-anchors'
/** How many rounds are kept in memory for receipts. */
const CACHED = 4096
/** How long they are kept: then another node's are read too. */
const CACHED_MS = 1000

/** The key of an anchor's document: those of all chains in the order of their sizes. */
export function anchorKey(chainId: number, size: number): string {
  return `${sizeKey(size)}-${chainId}`
}

/**
 * Opens them. Reads one document, however many there are. `confirm` makes the store keep what was
 * read from it, even if one of its servers fails.
 */
export async function openFinalAnchors(
  store: Documents,
  { steadyMs }: Pick<Host, 'steadyMs'>,
  confirm: () => Promise<void> = async () => {},
): Promise<FinalAnchors> {
  let latest: FinalAnchor | undefined
  let latestRow: string | undefined
  /**
   * Rounds in ascending order of size, each with the lowest index for which it is known to be the
   * first that covers it.
   */
  let cache: { round: Round; from: number }[] = []
  let readMs = 0
  let begun = 0
  let shown = 0

  const list = (after: number, limit: number) =>
    wholeRounds((from, most) => store.listDocuments(COLLECTION, { after: from, limit: most }), sizeKey(after + 1), limit)

  const newest = (before: number, limit: number) =>
    wholeRounds((from, most) => store.listNewestDocuments(COLLECTION, from, most), sizeKey(before), limit)

  const refresh = async () => {
    const reading = ++begun
    readMs = steadyMs()
    const found = await newestRow()
    if (found !== latestRow) {
      await confirm()
      // A fail-over may have taken it back before that. The next reading looks again.
      if ((await newestRow()) !== found) return
    }
    // A reading that began later, after a write of this node, may have ended first.
    if (reading < shown) return
    shown = reading
    latestRow = found
    latest = found === undefined ? undefined : JSON.parse(found)
    cache = []
  }
  const newestRow = async () => (await store.listNewestDocuments(COLLECTION, sizeKey(Number.MAX_SAFE_INTEGER), 1))[0]?.value
  await refresh()

  /** The position in the cache of the first anchor above an index. */
  const positionOf = (index: number) => {
    let low = 0
    let high = cache.length
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (cache[middle]!.round.size <= index) low = middle + 1
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
      if (cached !== undefined && cached.from <= index) return cached.round
      const into = cache
      const round = roundOf(await list(index, 1))
      // If the cache was emptied meanwhile, an anchor may have been removed since.
      if (round === undefined || into !== cache) return round
      const position = positionOf(index)
      const next = cache[position]
      if (next?.round.size === round.size) next.from = Math.min(next.from, index)
      else if (cache.length < CACHED) cache.splice(position, 0, { round, from: index })
      return round
    },
    async at(size) {
      const round = roundOf(await list(size - 1, 1))
      return round?.size === size ? round : undefined
    },
    async of(chainId, size) {
      const found = await store.readDocument(COLLECTION, anchorKey(chainId, size))
      return found === undefined ? undefined : JSON.parse(found)
    },
    newest,
    list,
    async add(anchor, unless = []) {
      const row = { collection: COLLECTION, key: anchorKey(anchor.chainId, anchor.size), value: JSON.stringify(anchor) }
      await store.writeDocuments([row], { unless })
      await refresh()
    },
    async remove(chainId, sizes, unless = []) {
      const rows = sizes.map(size => ({ collection: COLLECTION, key: anchorKey(chainId, size), value: null }))
      await store.writeDocuments(rows, { unless })
      await refresh()
    },
    refresh,
  }
}

/** `limit` anchors in the order of `read`, and those that complete the last one's round. */
async function wholeRounds(
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

/** The anchors of one round, if there are any. */
function roundOf(anchors: readonly FinalAnchor[]): Round | undefined {
  // Times of one format compare as text.
  const [first, ...later] = anchors.toSorted((a, b) => (a.block.time < b.block.time ? -1 : 1))
  return first && { size: first.size, anchors: [first, ...later] }
}

/** The anchor as a receipt shows it: hints for people. */
export function anchorHint({ type, chainId, contract, logId, size, transaction, block }: FinalAnchor) {
  return { type, chainId, contract, logId, size, transaction, block }
}
