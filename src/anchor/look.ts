/** Where an anchor's transaction was executed, by what the chain shows. */
import { fromHex } from '../core/bytes.ts'
import type { AnchorChain, ChainBlock } from './chain.ts'
import type { AnchorRecord } from './records.ts'

/** Where an anchor was executed. */
export type Execution = { readonly transaction: string; readonly block: ChainBlock }

/**
 * Finds where an anchor was executed: in any of its attempts, or in a transaction that the contract
 * knows and our store does not. `refused`: executed, but the contract refused it.
 */
export type AnchorLook = (anchor: AnchorRecord) => Promise<Execution | 'refused' | undefined>

type Chain = Pick<AnchorChain, 'txReceipt' | 'anchoredAt' | 'findAnchored' | 'nextNonce'>

/** Creates the look at a chain. */
export function createLook(chain: Chain): AnchorLook {
  return async anchor => {
    let refused = false
    for (const hash of await executedHashes(chain, anchor)) {
      const receipt = await chain.txReceipt(hash)
      if (receipt?.succeeded) return { transaction: hash, block: receipt.block }
      refused ||= receipt !== null
    }
    const root = fromHex(anchor.root)
    if ((await chain.anchoredAt(anchor.size, root, 'latest')) > 0) return (await chain.findAnchored(anchor.size, root)) ?? undefined
    return refused ? 'refused' : undefined
  }
}

/**
 * The attempts that may have a receipt, likely ones first. While the nonce is free none has one, so
 * a single question saves one for each attempt.
 */
async function executedHashes(chain: Chain, { transaction, attempts }: AnchorRecord): Promise<readonly string[]> {
  const hashes = attempts.map(({ hash }) => hash).reverse()
  if (transaction !== undefined) return [transaction, ...hashes.filter(hash => hash !== transaction)]
  const [first] = attempts
  return first === undefined || (await chain.nextNonce()) <= first.nonce ? [] : hashes
}
