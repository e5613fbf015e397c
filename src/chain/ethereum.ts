/**
 * The anchorer's chain: one log in one CheckpointAnchor contract, and the key that writes to it.
 * Uses ethers to encode, decode and sign.
 */
import { getBytes, hexlify, Transaction } from 'ethers'
import type { AnchorChain, AnchoredHead, ChainBlock, ChainPoint, Closing, Finality, SignedTransaction, Standing } from '../anchor/chain.ts'
import type { Hash } from '../core/hash.ts'
import { anchorInterface } from './artifact.ts'
import { type Ask, openEndpoints, quantity, readBig, readHex, readQuantity, revertData } from './endpoints.ts'
import { ChainError } from './errors.ts'
import { bumpFees, type Fees, underCeiling } from './fees.ts'
import { signChecked, type TxSigner } from './signer.ts'

/** The limits on fees and waiting. Fees are per gas, in wei. */
export type ChainLimits = { readonly timeoutMs: number; readonly ceiling: Fees }

/** 200 gwei and a tip of 20: enough for a day of congestion, not for a day of panic. */
export const DEFAULT_LIMITS: ChainLimits = {
  timeoutMs: 10_000,
  ceiling: { maxFeePerGas: 200_000_000_000n, maxPriorityFeePerGas: 20_000_000_000n },
}

type Options = {
  /**
   * Simple reads ask the first endpoint that answers. Questions that a single endpoint could lie
   * about ask all, and transactions are sent to all.
   */
  readonly urls: readonly string[]
  readonly chainId: number
  readonly contract: string
  readonly logId: string
  readonly signer: TxSigner
  readonly finality: Finality
  readonly limits: ChainLimits
}

/** The gas of an anchor, rounded up, to compute how many more can be paid for. */
const ANCHOR_GAS = 100_000n

/** An endpoint whose newest block is older than this has stopped following the chain. */
const STUCK_MS = 3_600_000

/**
 * Opens the chain without asking it anything. Every call may throw CHAIN_UNREACHABLE. Closing it
 * closes the signer.
 */
export function openAnchorChain({ urls, chainId, signer, finality, limits, ...options }: Options): AnchorChain {
  const contract = options.contract.toLowerCase()
  const logId = options.logId.toLowerCase()
  const { request, each, recheck, close } = openEndpoints(urls, chainId, limits.timeoutMs)

  async function call<T>(
    ask: Ask,
    name: string,
    args: readonly unknown[],
    tag: ChainPoint,
    read: (values: readonly unknown[]) => T,
  ): Promise<T> {
    const block = tag === 'finalized' ? quantity(await finalizedNumber(ask)) : typeof tag === 'number' ? quantity(tag) : tag
    const data = anchorInterface.encodeFunctionData(name, [...args])
    return ask('eth_call', [{ to: contract, data }, block], answer => {
      if (answer === '0x') throw new ChainError('CHAIN_NO_CONTRACT', `There is no contract at ${contract} on chain ${chainId}.`)
      return read(anchorInterface.decodeFunctionResult(name, readHex(answer)))
    })
  }

  const block = (ask: Ask, tag: string) => ask('eth_getBlockByNumber', [tag, false], readBlock)

  /**
   * One endpoint's finalized block. Counts back from a block that it shows, because a bare number
   * could be wrong.
   */
  async function finalizedNumber(ask: Ask): Promise<number> {
    if (finality === 'finalized') return (await block(ask, 'finalized'))?.number ?? 0
    return Math.max(0, ((await block(ask, 'latest'))?.number ?? 0) - finality.confirmations)
  }

  async function suggestFees(): Promise<Fees> {
    const base = (await block(request, 'latest'))?.baseFeePerGas ?? 0n
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

  /** One endpoint's receipt. It counts only if its block is part of the same endpoint's chain. */
  async function txReceiptAt(ask: Ask, hash: string) {
    const found = await ask('eth_getTransactionReceipt', [hash], readTxReceipt)
    const at = found === null ? null : await block(ask, quantity(found.blockNumber))
    return found === null || at === null || at.hash !== found.blockHash ? null : { block: plain(at), succeeded: found.succeeded }
  }

  /**
   * One endpoint's answer about a block, and the time of its newest block if it does not have that
   * one.
   */
  async function isFinalAt(ask: Ask, { number, hash }: ChainBlock): Promise<{ isFinal: boolean; newestMs: number; isThere: boolean }> {
    const found = await block(ask, quantity(number))
    const newestMs = ((await block(ask, 'latest'))?.time ?? 0) * 1000
    return { isFinal: found?.hash === hash && number <= (await finalizedNumber(ask)), newestMs, isThere: found !== null }
  }

  /** One endpoint's answer about an anchor that was final. */
  async function standingAt(ask: Ask, at: Pick<ChainBlock, 'number' | 'hash'>, size: number, root: Hash): Promise<Standing> {
    const found = await block(ask, quantity(at.number))
    if (found?.hash === at.hash) return 'there'
    // Above the endpoint's head, the block does not exist. Below it, the endpoint does not keep
    // blocks that long.
    if (found === null && at.number <= ((await block(ask, 'latest'))?.number ?? 0)) return 'unknown'
    if ((await call(ask, 'anchoredAt', [logId, size, root], 'latest', ([time]) => Number(time))) > 0) return 'moved'
    return found === null ? 'unknown' : 'gone'
  }

  return {
    chainId,
    contract,
    logId,
    losesBlocks: finality !== 'finalized' && finality.confirmations === 0,
    publisher: () => signer.address(),
    async heads() {
      recheck()
      return each(ask => call(ask, 'latest', [logId], 'latest', readHead))
    },
    closings: () => each(ask => call(ask, 'logOf', [logId], 'latest', readClosing)),
    latest: () => call(request, 'latest', [logId], 'latest', readHead),
    async anchoredAt(size, root, tag) {
      const times = await each(ask => call(ask, 'anchoredAt', [logId, size, root], tag, ([time]) => Number(time)))
      return Math.max(...times)
    },
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
      const fees = underCeiling(await suggestFees(), limits.ceiling)
      return sign({ to: contract, data, nonce, gasLimit, ...fees })
    },
    async bump(raw) {
      const last = Transaction.from(raw)
      const { to, data, nonce, gasLimit, maxFeePerGas, maxPriorityFeePerGas } = last
      const paid = { maxFeePerGas: maxFeePerGas ?? 0n, maxPriorityFeePerGas: maxPriorityFeePerGas ?? 0n }
      const fees = bumpFees(paid, await suggestFees(), limits.ceiling)
      return fees === undefined ? null : sign({ to, data, nonce, gasLimit, ...fees })
    },
    async broadcast(raw) {
      await each(async ask => {
        await ask('eth_sendRawTransaction', [raw], () => {}).catch(cause => {
          if (!(cause instanceof ChainError) || cause.code !== 'CHAIN_ALREADY_KNOWN') throw cause
        })
      })
    },
    async txReceipt(hash) {
      const found = await each(ask => txReceiptAt(ask, hash))
      return found.find(receipt => receipt !== null) ?? null
    },
    async findAnchored(size, root) {
      const time = await call(request, 'anchoredAt', [logId, size, root], 'latest', ([seconds]) => Number(seconds))
      const at = time === 0 ? null : await firstBlockSince(time)
      if (at === null) return null
      const topics = anchorInterface.encodeFilterTopics('CheckpointAnchored', [logId]) as string[]
      const newest = (await block(request, 'latest'))?.number ?? at
      const filter = { address: contract, topics, fromBlock: quantity(at), toBlock: quantity(Math.min(newest, at + SAME_SECOND_BLOCKS)) }
      for (const { data, transaction, blockNumber } of await request('eth_getLogs', [filter], readLogs).catch(() => [])) {
        const [, eventSize, eventRoot] = anchorInterface.decodeEventLog('CheckpointAnchored', data, topics)
        const found = Number(eventSize) === size && eventRoot === hexlify(root) ? await block(request, quantity(blockNumber)) : null
        if (found !== null) return { transaction, block: plain(found) }
      }
      return null
    },
    async standing(at, size, root) {
      const said = await each(ask => standingAt(ask, at, size, root))
      const clear = said.filter(one => one !== 'unknown')
      const [first = 'unknown'] = clear
      // An endpoint that is behind does not outweigh the others. But an anchor counts as gone only
      // if all of them say so.
      const isSaid = clear.every(one => one === first) && (first !== 'gone' || clear.length === said.length)
      return isSaid ? first : 'unknown'
    },
    async blockHash(number) {
      return (await block(request, quantity(number)))?.hash ?? null
    },
    async isFinal(anchored, atMs) {
      // One endpoint alone could be too early, so all that answer must agree. Lateness is measured
      // by the earlier of our clock and the newest block: neither a clock that was set forward nor
      // a single endpoint can silence the others.
      const said = await each(ask => isFinalAt(ask, anchored))
      const newestMs = Math.min(atMs, Math.max(...said.map(one => one.newestMs)))
      const heard = said.filter(one => one.isThere || one.newestMs >= newestMs - STUCK_MS)
      return heard.length > 0 && heard.every(({ isFinal }) => isFinal)
    },
    async funds() {
      const balance = await request('eth_getBalance', [await signer.address(), 'latest'], readBig)
      const { maxFeePerGas } = underCeiling(await suggestFees(), limits.ceiling)
      return { balanceWei: String(balance), anchors: Number(balance / (ANCHOR_GAS * (maxFeePerGas === 0n ? 1n : maxFeePerGas))) }
    },
    close() {
      close()
      signer.close()
    },
  }

  /**
   * The number of the first block at or after a time, null if there is none. Takes about twenty
   * headers; endpoints may refuse to search all events.
   */
  async function firstBlockSince(time: number): Promise<number | null> {
    const newest = await block(request, 'latest')
    if (newest === null || newest.time < time) return null
    let low = 0
    let high = newest.number
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const found = await block(request, quantity(middle))
      if (found !== null && found.time >= time) high = middle
      else low = middle + 1
    }
    return low
  }
}

/**
 * Fast chains give many blocks the same time. Up to this many are examined, in one filtered query.
 */
const SAME_SECOND_BLOCKS = 1_000

type Block = ChainBlock & { readonly baseFeePerGas: bigint }

function readBlock(value: unknown): Block | null {
  if (value === null) return null
  const { number, hash, timestamp, baseFeePerGas } = value as { [name: string]: unknown }
  const base = baseFeePerGas === undefined ? 0n : readBig(baseFeePerGas)
  return { number: readQuantity(number), hash: readHex(hash), time: readQuantity(timestamp), baseFeePerGas: base }
}

function plain({ number, hash, time }: Block): ChainBlock {
  return { number, hash, time }
}

function readTxReceipt(value: unknown) {
  const { blockNumber, blockHash, status } = (value ?? {}) as { [name: string]: unknown }
  // Some endpoints return a receipt without a block for pending transactions.
  if (value === null || blockNumber === null) return null
  return { blockNumber: readQuantity(blockNumber), blockHash: readHex(blockHash), succeeded: status === '0x1' }
}

function readLogs(value: unknown) {
  if (!Array.isArray(value)) throw new RangeError('logs are not a list')
  return value.map(({ data, transactionHash, blockNumber }) => ({
    data: readHex(data),
    transaction: readHex(transactionHash),
    blockNumber: readQuantity(blockNumber),
  }))
}

function readHead([size, root, time]: readonly unknown[]): AnchoredHead | null {
  return size === 0n ? null : { size: Number(size), root: getBytes(String(root)), time: Number(time) }
}

/**
 * Reads the closing from `logOf`: owner, pending owner, publisher, closed, last good size,
 * successor.
 */
function readClosing([, , , closed, lastGoodSize, successor]: readonly unknown[]): Closing | undefined {
  if (closed !== true) return undefined
  const next = String(successor).toLowerCase()
  return { lastGoodSize: Number(lastGoodSize), ...(BigInt(next) === 0n ? {} : { successor: next }) }
}

/** Names the contract's own error, if it was one: CheckpointAnchorSizeNotLarger(5, 7). */
function explainRevert(cause: unknown): unknown {
  const data = revertData(cause)
  const parsed = data === undefined ? null : anchorInterface.parseError(data)
  if (parsed === null) return cause
  const values = parsed.args.map(value => String(value)).join(', ')
  return new ChainError('CHAIN_REJECTED', `The contract refuses the anchor: ${parsed.name}(${values}).`, { cause })
}
