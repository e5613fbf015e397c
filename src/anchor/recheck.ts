/** Final anchors held against the chain again: their blocks can move (a rollback deeper than finality, a chain of a second layer, a network that was set up anew). */
import { fromHex } from '../core/bytes.ts'
import type { Log } from '../logger.ts'
import type { AnchoredLedger } from './anchored.ts'
import type { AnchorChain } from './chain.ts'
import type { FinalAnchor } from './final-anchors.ts'
import type { Trouble } from './lag.ts'
import type { AnchorRecord, AnchorRecords } from './records.ts'
import type { Found, Sender } from './sender.ts'

type Deps = {
  readonly ledger: Pick<AnchoredLedger, 'latestAnchor' | 'anchorAt' | 'listAnchors' | 'dropFinal'>
  readonly chain: Pick<AnchorChain, 'standing' | 'findAnchored' | 'isFinal'>
  readonly look: Sender['look']
  readonly nowMs: () => number
  readonly log: Log
  readonly note: (trouble: Trouble) => void
  /** Keeps an anchor as final, in the place of what was kept. */
  readonly keep: (records: AnchorRecords, anchor: AnchorRecord, found: Found) => Promise<void>
}

/** Behind a newest one that has moved, so many older ones are looked at in the same round. */
const AT_ONCE = 16

/** Makes it. A round looks at the newest final anchor, and at one of the others: all have their turn. */
export function createRecheck({ ledger, chain, look, nowMs, log, note, keep }: Deps) {
  /** Where the walk through all of them stands: it begins anywhere, so that a service that is often restarted comes to each of them. */
  let walkedTo: number | undefined

  return async function recheck(records: AnchorRecords): Promise<void> {
    const newest = ledger.latestAnchor()
    let anchor = newest
    for (let looked = 0; anchor !== undefined && looked < AT_ONCE; looked++) {
      if (await isInPlace(records, anchor)) break
      const before: number = (await records.read(anchor.size))?.previous ?? 0
      anchor = before === 0 ? undefined : await ledger.anchorAt(before)
    }
    walkedTo ??= Math.floor(Math.random() * (newest?.size ?? 0))
    const [next] = await ledger.listAnchors(walkedTo, 1)
    walkedTo = next?.size ?? 0
    if (next !== undefined && next.size !== newest?.size) await isInPlace(records, next)
  }

  /** Whether there is nothing to do about an anchor, nor about those before it. */
  async function isInPlace(records: AnchorRecords, anchor: FinalAnchor): Promise<boolean> {
    const { size, block } = anchor
    const standing = await chain.standing(block, size, fromHex(anchor.root))
    if (standing === 'gone') {
      log.error('the chain has lost a final anchor', { size, block: block.number })
      note({ code: 'ANCHOR_LOST', message: `The chain has lost the anchor of ${size} entries, which was final.` })
      await ledger.dropFinal([size])
    }
    if (standing === 'moved') await follow(records, anchor)
    return standing === 'there' || standing === 'unknown'
  }

  /** The contract holds it, in another block: that one is kept, once it is final. */
  async function follow(records: AnchorRecords, { size, root, block }: FinalAnchor): Promise<void> {
    const record = await records.read(size)
    const found = record === undefined ? await chain.findAnchored(size, fromHex(root)) : await look(record)
    if (record !== undefined && found && found !== 'refused' && (await chain.isFinal(found.block, nowMs()))) {
      await keep(records, record, found)
      log.warn('a final anchor is in another block now', { size, was: block.number, block: found.block.number })
    } else note({ code: 'ANCHOR_MOVED', message: `The chain has moved the anchor of ${size} entries out of its final block.` })
  }
}
