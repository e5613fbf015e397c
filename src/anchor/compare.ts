/**
 * Compares the ledger, its anchor records and the contract, to notice changes that the anchorer did
 * not make.
 */
import { equalBytes, toHex } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import type { Log } from '../logger.ts'
import type { Ages } from './ages.ts'
import type { AnchoredLedger } from './anchored.ts'
import type { AnchorChain, AnchoredHead } from './chain.ts'
import type { AnchorRecord, AnchorRecords } from './records.ts'

/**
 * Promise 7: stops the ledger if the contract is ahead of its store or contradicts it. Returns the
 * contract's newest checkpoint. All endpoints that answer must agree. If they contradict each
 * other, nobody knows which one is wrong or behind, so nothing is done until they agree.
 * @throws AnchorError CHAIN_CONTRADICTED
 */
export async function compareHeads(
  ledger: Pick<AnchoredLedger, 'head' | 'refresh' | 'rootAt' | 'stop' | 'disown'>,
  chain: Pick<AnchorChain, 'chainId' | 'heads' | 'closings'>,
): Promise<AnchoredHead | null> {
  // The chain is read first: the ledger's head, read after it, can only have grown.
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

/**
 * Stops the ledger for good if its owner has closed the log by all endpoints that answer.
 * @throws AnchorError CHAIN_CONTRADICTED
 */
export async function compareClosings(
  ledger: Pick<AnchoredLedger, 'disown'>,
  chain: Pick<AnchorChain, 'chainId' | 'closings'>,
): Promise<void> {
  const closings = await chain.closings()
  const [found] = closings.filter(closing => closing !== undefined)
  if (found === undefined) return
  if (closings.includes(undefined))
    throw new AnchorError('CHAIN_CONTRADICTED', 'The endpoints of the chain contradict each other: one says that the log was closed.')
  await ledger.disown(chain.chainId, found)
}

/** The largest head among the endpoints: one that is behind shows less, never more. */
export function newestOf(heads: readonly (AnchoredHead | null)[]): AnchoredHead | null {
  return heads.reduce((newest, head) => ((head?.size ?? 0) > (newest?.size ?? 0) ? head : newest), null)
}

/**
 * The conflict between the store and the contract's newest checkpoint, for people; undefined if
 * they agree.
 */
async function conflictOf(ledger: Pick<AnchoredLedger, 'head' | 'rootAt'>, onChain: AnchoredHead | null): Promise<string | undefined> {
  const { size } = ledger.head()
  if (onChain === null) return undefined
  if (onChain.size > size)
    return `the contract holds a checkpoint of ${onChain.size} entries, but this store only has ${size}: if no other chain and no witness contradicts it, restore the newest copy of the store`
  if (equalBytes(await ledger.rootAt(onChain.size), onChain.root)) return undefined
  return `the contract holds another root hash for ${onChain.size} entries than this store: this is another store, or somebody else anchors with the publisher key`
}

/**
 * Reopens final anchors that the chain has lost, so that their transactions are sent again in
 * order. An embedded chain that was killed loses its last blocks. On any other chain, an endpoint
 * that does not know a final block is behind.
 * @throws AnchorError CHAIN_BEHIND
 */
export async function reopenLost(
  records: AnchorRecords,
  onChain: AnchoredHead | null,
  {
    chain,
    ledger,
    log,
  }: { chain: Pick<AnchorChain, 'chainId' | 'losesBlocks' | 'blockHash'>; ledger: Pick<AnchoredLedger, 'dropFinal'>; log: Log },
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
  // After a crash before this line, receipts name the anchors until they are final again; their
  // state says that they are pending.
  await ledger.dropFinal(chain.chainId, sizes)
}

/**
 * Takes over a checkpoint that the contract holds and that the store has no record of, because the
 * store was restored from a backup.
 */
export async function adoptUnknown(
  records: AnchorRecords,
  { size, root }: AnchoredHead,
  { chain, ages, log }: { chain: Pick<AnchorChain, 'findAnchored'>; ages: Pick<Ages, 'stamp'>; log: Log },
): Promise<void> {
  const isKnown = records.lastFinal()?.size === size || records.open().some(open => open.size === size)
  if (isKnown || (await records.read(size)) !== undefined) return
  const found = await chain.findAnchored(size, root)
  if (found === null) return log.warn('anchor without a record, and its event cannot be found', { size })
  const times = { preparedMs: ages.stamp(), includedMs: ages.stamp() }
  const previous = records.lastFinal()?.size ?? 0
  await records.save({ size, root: toHex(root), previous, state: 'included', attempts: [], ...found, times })
  log.warn('anchor without a record was taken over', { size })
}

/** CHAIN_CONTRADICTED, CHAIN_BEHIND. */
export class AnchorError extends OpenSealError {}
