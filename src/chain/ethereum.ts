/** The anchorer's chain on ethers: one log in one CheckpointAnchor contract, and the key that writes to it. */
import { getBytes, hexlify, Transaction, Wallet } from 'ethers'
import type { AnchorChain, BlockTag, ChainBlock, Finality, SignedTransaction } from '../ledger/anchor-chain.ts'
import { anchorInterface } from './artifact.ts'
import { ChainError, openEndpoints, revertData } from './endpoints.ts'
import { bumpFees, type Fees, underCeiling } from './fees.ts'

/** What we pay and wait for at most. Fees are per gas, in wei. */
export type ChainLimits = { readonly timeoutMs: number; readonly ceiling: Fees }

/** 200 gwei and a tip of 20: a day of congestion, not of panic. */
export const DEFAULT_LIMITS: ChainLimits = {
  timeoutMs: 10_000,
  ceiling: { maxFeePerGas: 200_000_000_000n, maxPriorityFeePerGas: 20_000_000_000n },
}

type Options = {
  /** In the order in which they are asked. */
  readonly urls: readonly string[]
  readonly chainId: number
  readonly contract: string
  readonly logId: string
  /** Private key, 0x-hex, or a wallet out of a keystore. */
  readonly key: string | Pick<Wallet, 'address' | 'signTransaction'>
  readonly finality: Finality
  readonly limits: ChainLimits
}

type RpcBlock = { number: string; hash: string; timestamp: string; baseFeePerGas?: string }

/** Opens the chain without asking it anything: every call may throw CHAIN_UNREACHABLE. */
export function openAnchorChain({ urls, chainId, key, finality, limits, ...options }: Options): AnchorChain {
  const contract = options.contract.toLowerCase()
  const logId = options.logId.toLowerCase()
  const wallet = typeof key === 'string' ? new Wallet(key) : key
  const { request, close } = openEndpoints(urls, chainId, limits.timeoutMs)

  async function call(name: string, args: readonly unknown[], tag: BlockTag) {
    const block = tag === 'finalized' ? quantity(await finalizedNumber()) : typeof tag === 'number' ? quantity(tag) : tag
    const data = anchorInterface.encodeFunctionData(name, [...args])
    const answer = String(await request('eth_call', [{ to: contract, data }, block]))
    if (answer === '0x') throw new ChainError('CHAIN_NO_CONTRACT', `There is no contract at ${contract} on chain ${chainId}.`)
    return anchorInterface.decodeFunctionResult(name, answer)
  }

  async function block(tag: string): Promise<RpcBlock | null> {
    return (await request('eth_getBlockByNumber', [tag, false])) as RpcBlock | null
  }

  async function finalizedNumber(): Promise<number> {
    if (finality === 'finalized') return Number((await block('finalized'))?.number ?? 0)
    return Math.max(0, Number(await request('eth_blockNumber', [])) - finality.confirmations)
  }

  async function chainBlock(number: string): Promise<ChainBlock> {
    const found = await block(number)
    if (found === null) throw new ChainError('CHAIN_UNREACHABLE', 'The block of a transaction has just left the chain.')
    return { number: Number(found.number), hash: found.hash, time: Number(found.timestamp) }
  }

  async function suggestFees(): Promise<Fees> {
    const base = BigInt((await block('latest'))?.baseFeePerGas ?? 0)
    const tip = await request('eth_maxPriorityFeePerGas', []).then(
      answer => BigInt(String(answer)),
      () => 1_000_000_000n,
    )
    // The same rule as ethers' own: twice the base fee lasts through six full blocks in a row.
    return { maxFeePerGas: 2n * base + tip, maxPriorityFeePerGas: tip }
  }

  async function sign(transaction: Transaction): Promise<SignedTransaction> {
    const raw = await wallet.signTransaction(transaction)
    const { hash, nonce, maxFeePerGas, maxPriorityFeePerGas } = Transaction.from(raw)
    if (hash === null) throw new Error('bug: a signed transaction without a hash')
    return { raw, hash, nonce, maxFeePerGas: String(maxFeePerGas), maxPriorityFeePerGas: String(maxPriorityFeePerGas) }
  }

  return {
    chainId,
    contract,
    logId,
    publisher: wallet.address.toLowerCase(),
    async latest(tag = 'latest') {
      const [size, root, time] = await call('latest', [logId], tag)
      return size === 0n ? null : { size: Number(size), root: getBytes(root), time: Number(time) }
    },
    async anchoredAt(size, root, tag) {
      return Number((await call('anchoredAt', [logId, size, root], tag))[0])
    },
    async nextNonce() {
      return Number(await request('eth_getTransactionCount', [wallet.address, 'latest']))
    },
    async prepare({ size, root, proof, nonce }) {
      const data = anchorInterface.encodeFunctionData('anchor', [logId, size, root, proof.map(hash => hexlify(hash))])
      const estimate = await request('eth_estimateGas', [{ from: wallet.address, to: contract, data }, 'latest']).catch(cause => {
        throw explainRevert(cause)
      })
      // Room for a head that has moved when it is executed: other slots are warm or cold then.
      const gasLimit = (BigInt(String(estimate)) * 5n) / 4n
      const fees = underCeiling(await suggestFees(), limits.ceiling)
      return sign(Transaction.from({ type: 2, chainId, to: contract, data, nonce, gasLimit, ...fees }))
    },
    async bump(raw) {
      const last = Transaction.from(raw)
      const { to, data, nonce, gasLimit, maxFeePerGas, maxPriorityFeePerGas } = last
      const paid = { maxFeePerGas: maxFeePerGas ?? 0n, maxPriorityFeePerGas: maxPriorityFeePerGas ?? 0n }
      const fees = bumpFees(paid, await suggestFees(), limits.ceiling)
      return fees === undefined ? null : sign(Transaction.from({ type: 2, chainId, to, data, nonce, gasLimit, ...fees }))
    },
    async broadcast(raw) {
      try {
        await request('eth_sendRawTransaction', [raw])
      } catch (cause) {
        if (!(cause instanceof ChainError) || cause.code !== 'CHAIN_ALREADY_KNOWN') throw cause
      }
    },
    async txReceipt(hash) {
      const found = (await request('eth_getTransactionReceipt', [hash])) as {
        blockNumber: string | null
        blockHash: string
        status: string
      } | null
      if (found === null || found.blockNumber === null) return null
      const at = await chainBlock(found.blockNumber)
      return at.hash === found.blockHash ? { block: at, succeeded: found.status === '0x1' } : null
    },
    async findAnchored(size, root) {
      const topics = anchorInterface.encodeFilterTopics('CheckpointAnchored', [logId])
      const filter = { address: contract, topics, fromBlock: '0x0', toBlock: 'latest' }
      const logs = (await request('eth_getLogs', [filter]).catch(() => [])) as {
        data: string
        transactionHash: string
        blockNumber: string
      }[]
      for (const { data, transactionHash, blockNumber } of logs.reverse()) {
        const [, eventSize, eventRoot] = anchorInterface.decodeEventLog('CheckpointAnchored', data, [topics[0], logId] as string[])
        if (Number(eventSize) === size && eventRoot === hexlify(root))
          return { transaction: transactionHash, block: await chainBlock(blockNumber) }
      }
      return null
    },
    async blockHash(number) {
      return (await block(quantity(number)))?.hash ?? null
    },
    finalizedNumber,
    async balanceWei() {
      return String(BigInt(String(await request('eth_getBalance', [wallet.address, 'latest']))))
    },
    close,
  }
}

/** The contract's own error by name, where that is what it was: CheckpointAnchorSizeNotLarger(5, 7). */
function explainRevert(cause: unknown): unknown {
  const data = revertData(cause)
  const parsed = data === undefined ? null : anchorInterface.parseError(data)
  if (parsed === null) return cause
  const values = parsed.args.map(value => String(value)).join(', ')
  return new ChainError('CHAIN_REJECTED', `The contract refuses the anchor: ${parsed.name}(${values}).`, { cause })
}

function quantity(number: number): string {
  return `0x${number.toString(16)}`
}
