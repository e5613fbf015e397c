/** The contract's data on one log, asked at the endpoints of its chain. */
import { getBytes, hexlify } from 'ethers'
import type { AnchorChain, AnchoredHead, AnchorStanding, ChainBlock, ChainPoint, Closing, Finality } from '../anchor/chain.ts'
import type { Hash } from '../core/hash.ts'
import { anchorInterface } from './artifact.ts'
import { blockAt, finalizedNumber, firstBlockSince, plain } from './blocks.ts'
import { type Ask, type ChainEndpoints, quantity, readHex, readQuantity } from './endpoints.ts'
import { ChainError } from './errors.ts'

/** One log in one contract. */
export type LogAt = { readonly chainId: number; readonly contract: string; readonly logId: string; readonly finality: Finality }

type LogContract = Pick<AnchorChain, 'heads' | 'closings' | 'latest' | 'anchoredAt' | 'findAnchored' | 'standing'>

/**
 * Fast chains give many blocks the same time. Up to this many are examined, in one filtered query.
 */
const SAME_SECOND_BLOCKS = 1_000

/** The anchorer's questions about its log. */
export function createLogContract({ request, each, recheck }: ChainEndpoints, at: LogAt): LogContract {
  const { logId } = at
  return {
    async heads() {
      recheck()
      return each(ask => call(ask, at, 'latest', [logId], 'latest', readHead))
    },
    closings: () => each(ask => call(ask, at, 'logOf', [logId], 'latest', readClosing)),
    latest: () => call(request, at, 'latest', [logId], 'latest', readHead),
    async anchoredAt(size, root, tag) {
      return Math.max(...(await each(ask => anchoredAt(ask, at, size, root, tag))))
    },
    findAnchored: (size, root) => findAnchored(request, at, size, root),
    async standing(block, size, root) {
      const said = await each(ask => standingAt(ask, at, block, size, root))
      const clear = said.filter(one => one !== 'unknown')
      const [first = 'unknown'] = clear
      // An endpoint that is behind does not outweigh the others. But an anchor counts as gone only
      // if all of them say so.
      const isSaid = clear.every(one => one === first) && (first !== 'gone' || clear.length === said.length)
      return isSaid ? first : 'unknown'
    },
  }
}

async function call<T>(
  ask: Ask,
  { contract, chainId, finality }: LogAt,
  name: string,
  args: readonly unknown[],
  tag: ChainPoint,
  read: (values: readonly unknown[]) => T,
): Promise<T> {
  const block = tag === 'finalized' ? quantity(await finalizedNumber(ask, finality)) : typeof tag === 'number' ? quantity(tag) : tag
  const data = anchorInterface.encodeFunctionData(name, [...args])
  return ask('eth_call', [{ to: contract, data }, block], answer => {
    if (answer === '0x') throw new ChainError('CHAIN_NO_CONTRACT', `There is no contract at ${contract} on chain ${chainId}.`)
    return read(anchorInterface.decodeFunctionResult(name, readHex(answer)))
  })
}

function anchoredAt(ask: Ask, at: LogAt, size: number, root: Hash, tag: ChainPoint): Promise<number> {
  return call(ask, at, 'anchoredAt', [at.logId, size, root], tag, ([time]) => Number(time))
}

async function findAnchored(ask: Ask, at: LogAt, size: number, root: Hash): ReturnType<AnchorChain['findAnchored']> {
  const time = await anchoredAt(ask, at, size, root, 'latest')
  const first = time === 0 ? null : await firstBlockSince(ask, time)
  if (first === null) return null
  const topics = anchorInterface.encodeFilterTopics('CheckpointAnchored', [at.logId]) as string[]
  const newest = (await blockAt(ask, 'latest'))?.number ?? first
  const last = Math.min(newest, first + SAME_SECOND_BLOCKS)
  const filter = { address: at.contract, topics, fromBlock: quantity(first), toBlock: quantity(last) }
  for (const { data, transaction, blockNumber } of await ask('eth_getLogs', [filter], readLogs).catch(() => [])) {
    const [, eventSize, eventRoot] = anchorInterface.decodeEventLog('CheckpointAnchored', data, topics)
    const found = Number(eventSize) === size && eventRoot === hexlify(root) ? await blockAt(ask, blockNumber) : null
    if (found !== null) return { transaction, block: plain(found) }
  }
  return null
}

/** One endpoint's answer about an anchor that was final. */
async function standingAt(
  ask: Ask,
  at: LogAt,
  { number, hash }: Pick<ChainBlock, 'number' | 'hash'>,
  size: number,
  root: Hash,
): Promise<AnchorStanding> {
  const found = await blockAt(ask, number)
  if (found?.hash === hash) return 'there'
  // Above the endpoint's head, the block does not exist. Below it, the endpoint does not keep
  // blocks that long.
  if (found === null && number <= ((await blockAt(ask, 'latest'))?.number ?? 0)) return 'unknown'
  if ((await anchoredAt(ask, at, size, root, 'latest')) > 0) return 'moved'
  return found === null ? 'unknown' : 'gone'
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
export function readClosing([, , , closed, lastGoodSize, successor]: readonly unknown[]): Closing | undefined {
  if (closed !== true) return undefined
  const next = String(successor).toLowerCase()
  return { lastGoodSize: Number(lastGoodSize), ...(BigInt(next) === 0n ? {} : { successor: next }) }
}
