/** The publisher's transactions: signed at fees below the ceiling, and sent to every endpoint. */
import { hexlify, Transaction } from 'ethers'
import type { AnchorChain, SignedTransaction } from '../anchor/chain.ts'
import { anchorInterface } from './artifact.ts'
import { blockAt } from './blocks.ts'
import { type ChainEndpoints, readBig, readQuantity, revertData } from './endpoints.ts'
import { ChainError } from './errors.ts'
import { bumpFees, type Fees, underCeiling } from './fees.ts'
import type { LogAt } from './log-contract.ts'
import { signChecked, type TxSigner } from './signer.ts'

type Publisher = Pick<AnchorChain, 'publisher' | 'nextNonce' | 'prepare' | 'bump' | 'broadcast' | 'funds'>

/** The gas of an anchor, rounded up, to compute how many more can be paid for. */
const ANCHOR_GAS = 100_000n

/** The anchorer's use of the publisher's key. */
export function createPublisher({ request, each }: ChainEndpoints, signer: TxSigner, ceiling: Fees, at: LogAt): Publisher {
  const { chainId, contract, logId } = at

  async function suggestFees(): Promise<Fees> {
    const base = (await blockAt(request, 'latest'))?.baseFeePerGas ?? 0n
    const tip = await request('eth_maxPriorityFeePerGas', [], readBig).catch(() => 1_000_000_000n)
    // The rule that ethers uses: twice the base fee lasts through six full blocks in a row.
    return { maxFeePerGas: 2n * base + tip, maxPriorityFeePerGas: tip }
  }

  async function sign(fields: { to: string | null; data: string; nonce: number; gasLimit: bigint } & Fees): Promise<SignedTransaction> {
    const { hash, nonce, serialized, maxFeePerGas, maxPriorityFeePerGas } = await signChecked(
      signer,
      Transaction.from({ type: 2, chainId, ...fields }),
    )
    return { raw: serialized, hash, nonce, maxFeePerGas: String(maxFeePerGas), maxPriorityFeePerGas: String(maxPriorityFeePerGas) }
  }

  return {
    publisher: () => signer.address(),
    async nextNonce() {
      const from = await signer.address()
      return Math.max(...(await each(ask => ask('eth_getTransactionCount', [from, 'latest'], readQuantity))))
    },
    async prepare({ size, root, proof, nonce }) {
      const data = anchorInterface.encodeFunctionData('anchor', [logId, size, root, proof.map(hash => hexlify(hash))])
      const from = await signer.address()
      // An endpoint that is behind may refuse what others accept: one acceptance is enough.
      const estimates = await each(ask => ask('eth_estimateGas', [{ from, to: contract, data }, 'latest'], readQuantity)).catch(cause => {
        throw explainRevert(cause)
      })
      // A margin, because other slots may be warm or cold when the transaction is executed.
      const gasLimit = BigInt(Math.ceil(Math.max(...estimates) * 1.25))
      const fees = underCeiling(await suggestFees(), ceiling)
      return sign({ to: contract, data, nonce, gasLimit, ...fees })
    },
    async bump(raw) {
      const last = Transaction.from(raw)
      const { to, data, nonce, gasLimit, maxFeePerGas, maxPriorityFeePerGas } = last
      const paid = { maxFeePerGas: maxFeePerGas ?? 0n, maxPriorityFeePerGas: maxPriorityFeePerGas ?? 0n }
      const fees = bumpFees(paid, await suggestFees(), ceiling)
      return fees === undefined ? null : sign({ to, data, nonce, gasLimit, ...fees })
    },
    async broadcast(raw) {
      await each(async ask => {
        await ask('eth_sendRawTransaction', [raw], () => {}).catch(cause => {
          if (!(cause instanceof ChainError) || cause.code !== 'CHAIN_ALREADY_KNOWN') throw cause
        })
      })
    },
    async funds() {
      const balance = await request('eth_getBalance', [await signer.address(), 'latest'], readBig)
      const { maxFeePerGas } = underCeiling(await suggestFees(), ceiling)
      return { balanceWei: String(balance), anchors: Number(balance / (ANCHOR_GAS * (maxFeePerGas === 0n ? 1n : maxFeePerGas))) }
    },
  }
}

/** Names the contract's own error, if it was one: CheckpointAnchorSizeNotLarger(5, 7). */
function explainRevert(cause: unknown): unknown {
  const data = revertData(cause)
  const parsed = data === undefined ? null : anchorInterface.parseError(data)
  if (parsed === null) return cause
  const values = parsed.args.map(value => String(value)).join(', ')
  return new ChainError('CHAIN_REJECTED', `The contract refuses the anchor: ${parsed.name}(${values}).`, { cause })
}
