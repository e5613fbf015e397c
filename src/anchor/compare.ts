/** The ledger, its anchor records and the contract, held against each other: what may have happened behind the anchorer's back. */
import { equalBytes, toHex } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import type { Log } from '../logger.ts'
import type { Ages } from './ages.ts'
import type { AnchoredLedger } from './anchored.ts'
import type { AnchorChain, AnchoredHead } from './chain.ts'
import type { AnchorRecord, AnchorRecords } from './records.ts'

/**
 * Promise 7: stops the ledger when the contract knows more, or other, than its store. Returns the contract's newest checkpoint. Where several endpoints
 * answer, all have to say so: when they contradict each other one of them lies or is behind, nobody knows which, and nothing is done until
 * they agree. @throws AnchorError CHAIN_CONTRADICTED
 */
export async function compareHeads(
  ledger: Pick<AnchoredLedger, 'head' | 'refresh' | 'rootAt' | 'stop' | 'disown'>,
  chain: Pick<AnchorChain, 'heads' | 'closings'>,
): Promise<AnchoredHead | null> {
  // The chain first: the head can only have grown when it is read after.
  const heads = await chain.heads()
  if (heads.some(head => (head?.size ?? 0) > ledger.head().size)) await ledger.refresh()
  const found = await Promise.all(heads.map(head => conflictOf(ledger, head)))
  const conflicts = found.filter(conflict => conflict !== undefined)
  if (conflicts.length > 0 && conflicts.length < heads.length)
    throw new AnchorError('CHAIN_CONTRADICTED', `The endpoints of the chain contradict each other. One says: ${conflicts[0]}`)
  if (conflicts[0] !== undefined) ledger.stop(conflicts[0], 'LEDGER_AT_ODDS')
  else await compareClosings(ledger, chain)
  return newestOf(heads)
}

/** Stops the ledger for good when its owner has closed the log, as all endpoints that answer say it. @throws AnchorError CHAIN_CONTRADICTED */
export async function compareClosings(ledger: Pick<AnchoredLedger, 'disown'>, chain: Pick<AnchorChain, 'closings'>): Promise<void> {
  const closings = await chain.closings()
  const [found] = closings.filter(closing => closing !== undefined)
  if (found === undefined) return
  if (closings.includes(undefined))
    throw new AnchorError('CHAIN_CONTRADICTED', 'The endpoints of the chain contradict each other: one says that the log was closed.')
  await ledger.disown(found)
}

/** The largest of what the endpoints say: one that is behind says less, never more. */
export function newestOf(heads: readonly (AnchoredHead | null)[]): AnchoredHead | null {
  return heads.reduce((newest, head) => ((head?.size ?? 0) > (newest?.size ?? 0) ? head : newest), null)
}

/** What is wrong between the store and a newest checkpoint of the contract, for people; undefined when they fit. */
async function conflictOf(ledger: Pick<AnchoredLedger, 'head' | 'rootAt'>, onChain: AnchoredHead | null): Promise<string | undefined> {
  const { size } = ledger.head()
  if (onChain === null) return undefined
  if (onChain.size > size)
    return `the contract holds a checkpoint of ${onChain.size} entries, this store only ${size}: restore the newest copy of the store`
  if (equalBytes(await ledger.rootAt(onChain.size), onChain.root)) return undefined
  return `the contract holds another root hash for ${onChain.size} entries than this store: it is not the store that was anchored`
}

/**
 * Final anchors that the chain has lost all the same: put back, so that their transactions are sent again in their order. An embedded chain that was
 * killed loses its last blocks; of any other, an endpoint that does not know a final block is behind. @throws AnchorError CHAIN_BEHIND
 */
export async function reopenLost(
  records: AnchorRecords,
  onChain: AnchoredHead | null,
  { chain, ledger, log }: { chain: Pick<AnchorChain, 'losesBlocks' | 'blockHash'>; ledger: Pick<AnchoredLedger, 'dropFinal'>; log: Log },
): Promise<void> {
  const lost: AnchorRecord[] = []
  let anchor = records.lastFinal()
  const { block: at } = anchor ?? {}
  while (anchor !== undefined && anchor.size > (onChain?.size ?? 0)) {
    const { block: _block, transaction: _transaction, ...waiting } = anchor
    lost.push({ ...waiting, state: 'submitted', lost: true })
    anchor = await records.read(anchor.previous)
  }
  if (lost.length === 0) return
  const now = at === undefined || chain.losesBlocks ? undefined : await chain.blockHash(at.number)
  if (now === null || (now !== undefined && now === at?.hash))
    throw new AnchorError(
      'CHAIN_BEHIND',
      `The endpoints of the chain are behind: they do not show the anchor of block ${at?.number}, which was final.`,
    )
  const sizes = lost.map(({ size }) => size)
  log.error('the chain has lost final anchors', { sizes })
  await records.save(...lost)
  // A crash before this leaves receipts that name them, until they are final again; their state says that they are on their way.
  await ledger.dropFinal(sizes)
}

/** A checkpoint of ours that the contract holds and the store has no record of, because the store came from a backup. */
export async function adoptUnknown(
  records: AnchorRecords,
  { size, root }: AnchoredHead,
  { chain, ages, log }: { chain: Pick<AnchorChain, 'findAnchored'>; ages: Pick<Ages, 'stamp'>; log: Log },
): Promise<void> {
  const isKnown = records.lastFinal()?.size === size || records.open().some(open => open.size === size)
  if (isKnown || (await records.read(size)) !== undefined) return
  const found = await chain.findAnchored(size, root)
  if (found === null) return log.warn('anchor without a record, and its event is not to be found', { size })
  const times = { preparedMs: ages.stamp(), includedMs: ages.stamp() }
  const previous = records.lastFinal()?.size ?? 0
  await records.save({ size, root: toHex(root), previous, state: 'included', attempts: [], ...found, times })
  log.warn('anchor without a record is taken over', { size })
}

/** CHAIN_CONTRADICTED, CHAIN_BEHIND. */
export class AnchorError extends OpenSealError {}
