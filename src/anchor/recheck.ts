/**
 * Compares final anchors with the chain again. Their blocks can move: by a rollback deeper than
 * finality, on a second-layer chain, or on a network that was set up anew.
 */
import { fromHex } from '../core/bytes.ts'
import type { Host } from '../host.ts'
import type { Log } from '../logger.ts'
import type { AnchoredLedger } from './anchored.ts'
import type { AnchorChain } from './chain.ts'
import type { FinalAnchor } from './final-anchors.ts'
import type { AnchorLook, Execution } from './look.ts'
import type { AnchorRecord, AnchorRecords } from './records.ts'
import type { Trouble } from './trouble.ts'

type Deps = {
  readonly ledger: Pick<AnchoredLedger, 'anchorAt' | 'listAnchors' | 'newestAnchors' | 'dropFinal'>
  readonly chain: Pick<AnchorChain, 'chainId' | 'standing' | 'findAnchored' | 'isFinal'>
  readonly look: AnchorLook
  readonly host: Pick<Host, 'nowMs' | 'randomBytes'>
  readonly log: Log
  readonly note: (trouble: Trouble) => void
  /** Stores an anchor as final, replacing the stored one. */
  readonly keep: (records: AnchorRecords, anchor: AnchorRecord, found: Execution) => Promise<void>
}

/** If the newest anchor has moved, this many older ones are checked in the same round. */
const AT_ONCE = 16

/**
 * Creates the recheck. Each round checks the newest final anchor and one of the others, in turn.
 */
export function createRecheck({ ledger, chain, look, host, log, note, keep }: Deps) {
  /**
   * The position of the walk through all anchors. It begins at a random one, so that a service that
   * restarts often still reaches each of them.
   */
  let walkedTo: number | undefined

  return async function recheck(records: AnchorRecords): Promise<void> {
    const isOurs = ({ chainId }: FinalAnchor) => chainId === chain.chainId
    // Other chains may have many newer ones.
    const last = await ledger.anchorAt(chain.chainId, records.lastFinal()?.size ?? 0)
    const newest = last ?? (await ledger.newestAnchors(Number.MAX_SAFE_INTEGER, AT_ONCE)).find(isOurs)
    let anchor = newest
    for (let looked = 0; anchor !== undefined && looked < AT_ONCE; looked++) {
      if (await isInPlace(records, anchor)) break
      const before: number = (await records.read(anchor.size))?.previous ?? 0
      anchor = before === 0 ? undefined : await ledger.anchorAt(chain.chainId, before)
    }
    walkedTo ??= Math.floor(fraction(host.randomBytes(4)) * (newest?.size ?? 0))
    const following = await ledger.listAnchors(walkedTo, AT_ONCE)
    const next = following.find(isOurs)
    walkedTo = (next ?? following.at(-1))?.size ?? 0
    if (next !== undefined && next.size !== newest?.size) await isInPlace(records, next)
  }

  /** Whether neither this anchor nor the ones before it need a change. */
  async function isInPlace(records: AnchorRecords, anchor: FinalAnchor): Promise<boolean> {
    const { size, block } = anchor
    const standing = await chain.standing(block, size, fromHex(anchor.root))
    if (standing === 'gone') {
      log.error('the chain has lost a final anchor', { size, block: block.number })
      note({ code: 'ANCHOR_LOST', message: `The chain has lost the anchor of ${size} entries, which was final.` })
      await ledger.dropFinal(chain.chainId, [size])
    }
    if (standing === 'moved') await follow(records, anchor)
    return standing === 'there' || standing === 'unknown'
  }

  /** The contract holds the anchor in another block. That block is stored once it is final. */
  async function follow(records: AnchorRecords, { size, root, block }: FinalAnchor): Promise<void> {
    const record = await records.read(size)
    const found = record === undefined ? await chain.findAnchored(size, fromHex(root)) : await look(record)
    if (record !== undefined && found && found !== 'refused' && (await chain.isFinal(found.block, host.nowMs()))) {
      await keep(records, record, found)
      log.warn('a final anchor is in another block now', { size, was: block.number, block: found.block.number })
    } else note({ code: 'ANCHOR_MOVED', message: `The chain has moved the anchor of ${size} entries out of its final block.` })
  }
}

/** Four random bytes as a number from 0 up to, and without, 1. */
function fraction({ buffer, byteOffset }: Uint8Array): number {
  return new DataView(buffer, byteOffset).getUint32(0) / 2 ** 32
}
