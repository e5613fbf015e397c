/**
 * The final anchors that the ledger shows. Once the owner has closed the log on its chain, those
 * above the last good size do not count.
 */
import type { AnchoredLedger } from '../anchor/anchored.ts'
import type { Closing } from '../anchor/chain.ts'
import { type FinalAnchor, openFinalAnchors, type Round } from '../anchor/final-anchors.ts'
import type { Host } from '../host.ts'
import type { LogView } from '../log/view.ts'
import type { Documents } from '../store/port/documents.ts'

export type ShownAnchors = Pick<
  AnchoredLedger,
  'latestAnchor' | 'anchorAt' | 'listAnchors' | 'newestAnchors' | 'setFinal' | 'dropFinal' | 'disown'
> & {
  /** The first round that covers an index. */
  covering(index: number): Promise<Round | undefined>
  /** The round of exactly this size. */
  roundAt(size: number): Promise<Round | undefined>
  /** How the log was closed, if it was. */
  closing(): Closing | undefined
  /** Reads again what another node may have added or removed. */
  refresh(): Promise<void>
}

type Deps = {
  readonly store: Documents
  readonly view: Pick<LogView, 'confirm'>
  readonly host: Host
  /** Told when the log was closed. */
  readonly onClosing: (found: Closing) => void
}

/** Opens them. */
export async function openShownAnchors({ store, view, host, onClosing }: Deps): Promise<ShownAnchors> {
  const final = await openFinalAnchors(store, host, view.confirm)
  let closing: Closing | undefined
  /** For a closed log: the newest final anchor up to its last good size. */
  let newestGood: FinalAnchor | undefined
  const findNewestGood = async ({ lastGoodSize }: Closing) => {
    newestGood = (await final.newest(lastGoodSize + 1, 1))[0]
  }
  const latestAnchor = () => (closing === undefined ? final.latest() : newestGood)

  return {
    latestAnchor,
    async covering(index) {
      const round = await final.covering(index)
      return round !== undefined && closing !== undefined && round.size > closing.lastGoodSize ? undefined : round
    },
    roundAt: final.at,
    anchorAt: final.of,
    listAnchors: final.list,
    newestAnchors: (before, limit) => final.newest(Math.min(before, (latestAnchor()?.size ?? 0) + 1), limit),
    async setFinal(anchor, unless) {
      await final.add(anchor, unless)
      if (closing !== undefined) await findNewestGood(closing)
    },
    dropFinal: final.remove,
    async disown(found) {
      closing = found
      onClosing(found)
      await findNewestGood(found)
    },
    closing: () => closing,
    refresh: final.refresh,
  }
}
