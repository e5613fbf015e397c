/**
 * What vouches for the checkpoints of rounds, and which rounds are final by the ledger's own
 * policy. Each receipt carries everything that vouches for one round.
 *
 * The rows of final rounds are an index: a round that is read through it is judged again, so that a
 * row of an older policy, or of a log that its owner has closed since, makes no round final.
 */
import { createRow } from '../at-once.ts'
import type { Host } from '../host.ts'
import { type DocumentChange, type Documents, sizeKey } from '../store/port/documents.ts'
import type { Closing } from './chain.ts'
import { anchorChange, type FinalAnchor, type FinalAnchors, readFinalAnchors, withoutAnchor } from './final-anchors.ts'
import { createJudging } from './judging.ts'
import { type Judgement, judgeRound, type RoundRule, type Vouched } from './round-rule.ts'
import { createRounds } from './rounds.ts'
import { COSIGNATURES, type StoredCosignature, type StoredToken, TOKENS } from './stored.ts'

/** What vouches for a round, and whether that is enough. */
export type VouchedRound = Vouched & Judgement

/** A round that is final, and the time by which enough anchors agree. */
export type FinalRound = { readonly size: number; readonly time: string }

export type VouchedRounds = {
  /** The newest final round that this node knows. */
  latest(): FinalRound | undefined
  /** The newest final anchor that this node knows, of any chain. */
  latestAnchor(): FinalAnchor | undefined
  /**
   * The first final round that covers an index. It has the earliest date. After a change of the
   * policy it may be a later one, until the rounds before it are judged again.
   */
  covering(index: number): Promise<VouchedRound | undefined>
  /** The newest round that enough witnesses have signed, if it covers the index. */
  cosigned(index: number): Promise<VouchedRound | undefined>
  /** What vouches for a size; nothing if there is no round of this size. */
  at(size: number): Promise<VouchedRound>
  /** Final rounds in ascending order of size, only those above `after`. */
  listFinal(after: number, limit: number): Promise<readonly FinalRound[]>
  /** The anchor of a chain at a size. */
  anchorAt: FinalAnchors['of']
  listAnchors: FinalAnchors['list']
  /** On a log that was closed on its chain, none that its owner disowns. */
  newestAnchors: FinalAnchors['newest']
  /**
   * Stores a final anchor durably, replacing one of the same chain and size.
   * @throws StoreError STORE_DOCUMENT_CHANGED if a document of `unless` has changed
   */
  setFinal(anchor: FinalAnchor, unless?: readonly DocumentChange[]): Promise<void>
  /** Removes those of a chain at these sizes, which the chain no longer holds. Throws the same. */
  dropFinal(chainId: number, sizes: readonly number[], unless?: readonly DocumentChange[]): Promise<void>
  /** Stores a witness's signature. Throws the same. */
  addCosignature(cosignature: StoredCosignature, unless?: readonly DocumentChange[]): Promise<void>
  /** Stores an authority's time stamp. Throws the same. */
  addToken(token: StoredToken, unless?: readonly DocumentChange[]): Promise<void>
  /** The owner has closed the log on a chain: its anchors above the last good size do not count. */
  disown(chainId: number, closing: Closing): Promise<void>
  /** Reads again what another node may have added or removed. */
  refresh(): Promise<void>
  /**
   * Judges some more stored rounds again, if the policy is another than when they were judged.
   * Whether all are done. Throws what `setFinal` throws.
   */
  judgeAgain(unless: readonly DocumentChange[]): Promise<boolean>
}

type Options = {
  /** Missing: one anchor of any chain makes a round final. */
  readonly rule?: RoundRule | undefined
  /** Makes the store keep what was read from it, whichever of its servers fails. */
  readonly confirm?: () => Promise<void>
}

const FINAL = 'final-rounds'
const COSIGNED = 'cosigned-rounds'
const NEWEST = Number.MAX_SAFE_INTEGER
/** How many rounds are kept in memory for receipts. */
const CACHED = 4096
/** How long they are kept: then another node's are read too. */
const CACHED_MS = 1000
/** How many rounds are read at once when rows of the index may be of an older policy. */
const STEP = 64
/** After a change of the policy, a million rows may say too much: then this many pages are read. */
const PAGES = 2

/** Opens the rounds of a store. Reads a few documents, however many rounds there are. */
export async function openVouched(
  store: Documents,
  { steadyMs }: Pick<Host, 'steadyMs'>,
  { rule, confirm }: Options = {},
): Promise<VouchedRounds> {
  const rounds = createRounds(store)
  const anchors = readFinalAnchors(store)
  const closings = new Map<number, Closing>()
  const inRow = createRow(1)
  const again = createJudging(store, rule, judged)
  let latest: FinalRound | undefined
  let latestAnchor: FinalAnchor | undefined
  let latestCosigned: number | undefined
  let newestRows: string | undefined
  /**
   * Rounds in ascending order of size, each with the lowest index for which it is known to be the
   * first that covers it.
   */
  let cache: { round: VouchedRound; from: number }[] = []
  let readMs = 0
  let begun = 0
  let shown = 0

  const isOwned = ({ chainId, size }: FinalAnchor) => size <= (closings.get(chainId)?.lastGoodSize ?? NEWEST)
  async function readStored(size: number): Promise<Vouched> {
    const reading = [rounds.at(size), anchors.at(size), COSIGNATURES.read(store, size), TOKENS.read(store, size)] as const
    const [round, found, cosignatures, timestamps] = await Promise.all(reading)
    return { size, ...(round && { checkpoint: round.checkpoint }), anchors: found, cosignatures, timestamps }
  }
  async function at(size: number): Promise<VouchedRound> {
    const stored = await readStored(size)
    const owned = { ...stored, anchors: stored.anchors.filter(isOwned) }
    return { ...owned, ...judgeRound(rule, owned) }
  }

  /**
   * The first round of an index's rows that is what it says. Undefined if none of the first pages
   * has one: the rows after them wait to be judged again. Those of a closed log never are.
   */
  async function firstOf(
    rows: (from: number) => Promise<readonly number[]>,
    from: number,
    isSo: (round: VouchedRound) => boolean,
  ): Promise<VouchedRound | undefined> {
    let sizes = await rows(from)
    for (let page = 1; sizes.length > 0; page++) {
      for (const size of sizes) {
        const round = await at(size)
        if (isSo(round)) return round
      }
      if (page === PAGES && closings.size === 0) return undefined
      sizes = await rows(sizes.at(-1)!)
    }
    return undefined
  }
  const isFinal = ({ time }: VouchedRound) => time !== undefined
  const newestSizes = (collection: string) => async (before: number) =>
    sizesOf(await store.listNewestDocuments(collection, sizeKey(before), STEP))
  /** Above this size, no chain vouches for anything: each log was closed below it. */
  const lastOwned = () => {
    const chains = new Set([...closings.keys(), ...(rule?.anchors ?? []).flatMap(anchor => (anchor.type === 'evm' ? anchor.chainId : []))])
    return Math.max(...[...chains].map(chainId => closings.get(chainId)?.lastGoodSize ?? NEWEST - 1))
  }

  async function newestAnchors(before: number, limit: number): Promise<FinalAnchor[]> {
    const owned: FinalAnchor[] = []
    let from = closings.size === 0 ? before : Math.min(before, lastOwned() + 1)
    for (;;) {
      const read = await anchors.newest(from, limit)
      owned.push(...read.filter(isOwned))
      if (read.length < limit || owned.length >= limit) return owned
      from = read.at(-1)!.size
    }
  }

  async function readNewest(): Promise<void> {
    const from = closings.size === 0 ? NEWEST : lastOwned() + 1
    const round = await firstOf(newestSizes(FINAL), from, isFinal)
    latest = round && { size: round.size, time: round.time! }
    latestCosigned = rule?.quorum ? (await firstOf(newestSizes(COSIGNED), NEWEST, ({ isCosigned }) => isCosigned))?.size : undefined
    latestAnchor = (await newestAnchors(NEWEST, 1))[0]
  }
  const newestOfEach = async () =>
    JSON.stringify(await Promise.all([FINAL, COSIGNED, 'final-anchors'].map(name => store.listNewestDocuments(name, sizeKey(NEWEST), 1))))
  const refresh = async () => {
    const reading = ++begun
    readMs = steadyMs()
    const found = await newestOfEach()
    if (found !== newestRows) {
      await confirm?.()
      // A fail-over may have taken it back before that. The next reading looks again.
      if ((await newestOfEach()) !== found) return
    }
    // A reading that began later, after a write of this node, may have ended first.
    if (reading < shown) return
    shown = reading
    if (found !== newestRows) await readNewest()
    newestRows = found
    cache = []
  }
  await refresh()

  /** The position in the cache of the first round above an index. */
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

  /** What the index says of a round. */
  function judged(vouched: Vouched): DocumentChange[] {
    const { time, isCosigned } = judgeRound(rule, vouched)
    const key = sizeKey(vouched.size)
    const final = { collection: FINAL, key, value: time === undefined ? null : JSON.stringify({ size: vouched.size, time }) }
    return rule?.quorum ? [final, { collection: COSIGNED, key, value: isCosigned ? '1' : null }] : [final]
  }
  /** Writes changes with the rows of the index. One after the other: each judges all that came before. */
  async function write(
    changes: readonly DocumentChange[],
    sizes: readonly number[],
    become: (stored: Vouched) => Vouched,
    unless: readonly DocumentChange[],
  ): Promise<void> {
    await inRow(async () => {
      const rows = await Promise.all(sizes.map(async size => judged(become(await readStored(size)))))
      await store.writeDocuments([...changes, ...rows.flat()], { unless })
    })
    newestRows = undefined
    await refresh()
  }

  return {
    latest: () => latest,
    latestAnchor: () => latestAnchor,
    async covering(index) {
      if (steadyMs() - readMs >= CACHED_MS) await refresh()
      if (latest === undefined || latest.size <= index) return undefined
      const cached = cache[positionOf(index)]
      if (cached !== undefined && cached.from <= index) return cached.round
      const into = cache
      // Nearly always the first: the next ones are read only if it is final no longer.
      const first = await firstOf(
        async after => sizesOf(await store.listDocuments(FINAL, { after: sizeKey(after), limit: after === index ? 1 : STEP })),
        index,
        isFinal,
      )
      // A later one covers it too.
      const round = first ?? (await at(latest.size))
      if (!isFinal(round)) return undefined
      // If the cache was emptied meanwhile, an anchor may have been removed since.
      if (into !== cache) return round
      const position = positionOf(index)
      const next = cache[position]
      if (next?.round.size === round.size) next.from = Math.min(next.from, index)
      else if (cache.length < CACHED) cache.splice(position, 0, { round, from: index })
      return round
    },
    async cosigned(index) {
      return latestCosigned === undefined || latestCosigned <= index ? undefined : at(latestCosigned)
    },
    at,
    listFinal: (after, limit) => listFinal(store, after, limit),
    anchorAt: anchors.of,
    listAnchors: anchors.list,
    newestAnchors,
    setFinal: (anchor, unless = []) =>
      write(
        [anchorChange(anchor)],
        [anchor.size],
        stored => ({ ...stored, anchors: [...stored.anchors.filter(({ chainId }) => chainId !== anchor.chainId), anchor] }),
        unless,
      ),
    dropFinal: (chainId, sizes, unless = []) =>
      write(
        sizes.map(size => withoutAnchor(chainId, size)),
        sizes,
        stored => ({ ...stored, anchors: stored.anchors.filter(anchor => anchor.chainId !== chainId) }),
        unless,
      ),
    addCosignature: (cosignature, unless = []) =>
      write(
        COSIGNATURES.changes(cosignature),
        [cosignature.size],
        stored => ({ ...stored, cosignatures: [...stored.cosignatures.filter(({ vkey }) => vkey !== cosignature.vkey), cosignature] }),
        unless,
      ),
    addToken: (token, unless = []) =>
      write(
        TOKENS.changes(token),
        [token.size],
        stored => ({ ...stored, timestamps: [...stored.timestamps.filter(({ name }) => name !== token.name), token] }),
        unless,
      ),
    async disown(chainId, closing) {
      closings.set(chainId, closing)
      newestRows = undefined
      await refresh()
    },
    refresh,
    judgeAgain: unless => inRow(() => again(readStored, unless)),
  }
}

/** Final rounds in ascending order of size, only those above `after`, as the index has them. */
export async function listFinal(store: Documents, after: number, limit: number): Promise<readonly FinalRound[]> {
  return (await store.listDocuments(FINAL, { after: sizeKey(Math.max(0, after)), limit })).map(({ value }) => JSON.parse(value))
}

function sizesOf(rows: readonly { readonly key: string }[]): number[] {
  return rows.map(({ key }) => Number(key))
}
