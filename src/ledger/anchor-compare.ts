/** The ledger, its anchor records and the contract, held against each other: what may have happened behind the anchorer's back. */
import { equalBytes, toHex } from '../core/bytes.ts'
import type { Log } from '../log.ts'
import type { AnchorChain, AnchoredHead } from './anchor-chain.ts'
import type { AnchorRecord, AnchorRecords } from './anchor-record.ts'
import type { Ledger } from './ledger.ts'

/** Promise 7: stops the ledger when the contract knows more, or other, than its store. Returns the contract's newest checkpoint. */
export async function compareHeads(
  ledger: Pick<Ledger, 'head' | 'rootAt' | 'stop'>,
  chain: Pick<AnchorChain, 'latest'>,
): Promise<AnchoredHead | null> {
  // The chain first: the head can only have grown when it is read after.
  const onChain = await chain.latest()
  const { size } = ledger.head()
  if (onChain === null) return null
  if (onChain.size > size) {
    ledger.stop(`the contract holds a checkpoint of ${onChain.size} entries, this store only ${size}: restore the newest copy of the store`)
  } else if (!equalBytes(await ledger.rootAt(onChain.size), onChain.root)) {
    ledger.stop(`the contract holds another root hash for ${onChain.size} entries than this store: it is not the store that was anchored`)
  }
  return onChain
}

/** Final anchors that the chain has lost all the same: put back, so that their transactions are sent again in their order. */
export async function reopenLost(records: AnchorRecords, onChain: AnchoredHead | null, log: Log): Promise<void> {
  const lost: AnchorRecord[] = []
  let anchor = records.lastFinal()
  while (anchor !== undefined && anchor.size > (onChain?.size ?? 0)) {
    const { block: _block, transaction: _transaction, ...waiting } = anchor
    lost.push({ ...waiting, state: 'submitted' })
    anchor = await records.read(anchor.previous)
  }
  if (lost.length === 0) return
  log.warn('the chain has lost final anchors', { sizes: lost.map(({ size }) => size) })
  await records.save(...lost)
}

/** A checkpoint of ours that the contract holds and the store has no record of, because the store came from a backup. */
export async function adoptUnknown(
  records: AnchorRecords,
  { size, root }: AnchoredHead,
  { chain, nowMs, log }: { chain: Pick<AnchorChain, 'findAnchored'>; nowMs: () => number; log: Log },
): Promise<void> {
  const isKnown = records.lastFinal()?.size === size || records.open().some(open => open.size === size)
  if (isKnown || (await records.read(size)) !== undefined) return
  const found = await chain.findAnchored(size, root)
  if (found === null) return log.warn('anchor without a record, and its event is not to be found', { size })
  const times = { preparedMs: nowMs(), includedMs: nowMs() }
  const previous = records.lastFinal()?.size ?? 0
  await records.save({ size, root: toHex(root), previous, state: 'included', attempts: [], ...found, times })
  log.warn('anchor without a record is taken over', { size })
}
