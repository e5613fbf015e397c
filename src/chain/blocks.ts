/** The blocks of one chain, as its endpoints show them, and which of them are final. */
import type { AnchorChain, ChainBlock, Finality } from '../anchor/chain.ts'
import { type Ask, type ChainEndpoints, quantity, readBig, readHex, readQuantity } from './endpoints.ts'

type Block = ChainBlock & { readonly baseFeePerGas: bigint }

/** An endpoint whose newest block is older than this has stopped following the chain. */
const STUCK_MS = 3_600_000

/** One endpoint's block; null if it has none there. */
export function blockAt(ask: Ask, tag: number | 'latest' | 'finalized'): Promise<Block | null> {
  return ask('eth_getBlockByNumber', [typeof tag === 'number' ? quantity(tag) : tag, false], readBlock)
}

/**
 * One endpoint's finalized block. Counts back from a block that it shows, because a bare number
 * could be wrong.
 */
export async function finalizedNumber(ask: Ask, finality: Finality): Promise<number> {
  if (finality === 'finalized') return (await blockAt(ask, 'finalized'))?.number ?? 0
  return Math.max(0, ((await blockAt(ask, 'latest'))?.number ?? 0) - finality.confirmations)
}

/**
 * The number of the first block at or after a time, null if there is none. Takes about twenty
 * headers; endpoints may refuse to search all events.
 */
export async function firstBlockSince(ask: Ask, time: number): Promise<number | null> {
  const newest = await blockAt(ask, 'latest')
  if (newest === null || newest.time < time) return null
  let low = 0
  let high = newest.number
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const found = await blockAt(ask, middle)
    if (found !== null && found.time >= time) high = middle
    else low = middle + 1
  }
  return low
}

/** A block as it is stored. */
export function plain({ number, hash, time }: Block): ChainBlock {
  return { number, hash, time }
}

/** The anchorer's questions about blocks. */
export function createBlocks(
  { request, each }: ChainEndpoints,
  finality: Finality,
): Pick<AnchorChain, 'txReceipt' | 'blockHash' | 'isFinal'> {
  return {
    async txReceipt(hash) {
      const found = await each(ask => txReceiptAt(ask, hash))
      return found.find(receipt => receipt !== null) ?? null
    },
    async blockHash(number) {
      return (await blockAt(request, number))?.hash ?? null
    },
    async isFinal(anchored, atMs) {
      // One endpoint alone could be too early, so all that answer must agree. Lateness is measured
      // by the earlier of our clock and the newest block: neither a clock that was set forward nor
      // a single endpoint can silence the others.
      const said = await each(ask => isFinalAt(ask, anchored, finality))
      const newestMs = Math.min(atMs, Math.max(...said.map(one => one.newestMs)))
      const heard = said.filter(one => one.isThere || one.newestMs >= newestMs - STUCK_MS)
      return heard.length > 0 && heard.every(({ isFinal }) => isFinal)
    },
  }
}

/** One endpoint's receipt. It counts only if its block is part of the same endpoint's chain. */
async function txReceiptAt(ask: Ask, hash: string) {
  const found = await ask('eth_getTransactionReceipt', [hash], readTxReceipt)
  const at = found === null ? null : await blockAt(ask, found.blockNumber)
  return found === null || at === null || at.hash !== found.blockHash ? null : { block: plain(at), succeeded: found.succeeded }
}

/**
 * One endpoint's answer about a block, and the time of its newest block if it does not have that
 * one.
 */
async function isFinalAt(
  ask: Ask,
  { number, hash }: ChainBlock,
  finality: Finality,
): Promise<{ isFinal: boolean; newestMs: number; isThere: boolean }> {
  const found = await blockAt(ask, number)
  const newestMs = ((await blockAt(ask, 'latest'))?.time ?? 0) * 1000
  return { isFinal: found?.hash === hash && number <= (await finalizedNumber(ask, finality)), newestMs, isThere: found !== null }
}

function readBlock(value: unknown): Block | null {
  if (value === null) return null
  const { number, hash, timestamp, baseFeePerGas } = value as { [name: string]: unknown }
  const base = baseFeePerGas === undefined ? 0n : readBig(baseFeePerGas)
  return { number: readQuantity(number), hash: readHex(hash), time: readQuantity(timestamp), baseFeePerGas: base }
}

function readTxReceipt(value: unknown) {
  const { blockNumber, blockHash, status } = (value ?? {}) as { [name: string]: unknown }
  // Some endpoints return a receipt without a block for pending transactions.
  if (value === null || blockNumber === null) return null
  return { blockNumber: readQuantity(blockNumber), blockHash: readHex(blockHash), succeeded: status === '0x1' }
}
