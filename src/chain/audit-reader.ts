/** A log's whole history on chain, read from one endpoint: events in ranges as large as it allows, and the contract's storage beside them. */
import { createHash } from 'node:crypto'
import { getBytes, hexlify } from 'ethers'
import type { Hash } from '../core/hash.ts'
import { anchorInterface } from './artifact.ts'
import { type Ask, openEndpoints, quantity, readHex, readQuantity } from './endpoints.ts'
import { ChainError } from './errors.ts'
import { hostOf } from './json-rpc.ts'

type Options = {
  readonly url: string
  readonly chainId: number
  readonly contract: string
  readonly logId: string
  /** The block to read events from: that of the deployment, or 0. */
  readonly fromBlock: number
  readonly timeoutMs: number
}

type RpcLog = {
  readonly address: string
  readonly topics: string[]
  readonly data: string
  readonly blockNumber: string
  readonly logIndex: string
  readonly transactionHash: string
}

/** 9999-12-31T23:59:59Z. */
const LAST_SECOND = 253_402_300_799

/** Opens a reader of one log at one endpoint, the `AuditChain` of an audit. Nothing is asked before the first call. */
export function openAuditReader({ url, chainId, fromBlock, timeoutMs, ...log }: Options) {
  const contract = log.contract.toLowerCase()
  const logId = log.logId.toLowerCase()
  const { request, close } = openEndpoints([url], chainId, timeoutMs)

  async function call(name: string, args: readonly unknown[], block: number) {
    const data = anchorInterface.encodeFunctionData(name, [...args])
    const answer = await request('eth_call', [{ to: contract, data }, quantity(block)], readHex)
    if (answer === '0x') throw new ChainError('CHAIN_NO_CONTRACT', `There is no contract at ${contract} on chain ${chainId}.`)
    return anchorInterface.decodeFunctionResult(name, answer)
  }

  /** What an endpoint answers that cannot be decoded is no answer. */
  async function understood<T>(asking: Promise<T>): Promise<T> {
    return asking.catch(cause => {
      if (cause instanceof ChainError) throw cause
      throw new ChainError('CHAIN_REJECTED', `The answer of ${hostOf(url)} is not one of this contract.`, { cause })
    })
  }

  async function readAll() {
    const block = await request('eth_blockNumber', [], readQuantity)
    const topics = anchorInterface.encodeFilterTopics('CheckpointAnchored', [logId]) as string[]
    const logs = await readLogs(request, { address: contract, topics }, Math.min(fromBlock, block), block)
    const [latestSize] = await call('latest', [logId], block)
    const { closed, lastGoodSize } = (await call('logOf', [logId], block)).toObject()
    const end = closed ? { closedAt: Number(lastGoodSize) } : {}
    return { block, events: logs.map(readEvent), latestSize: Number(latestSize), ...end }
  }

  return {
    name: hostOf(url),
    chainId,
    contract,
    logId,
    async codeSha256(): Promise<string> {
      const code = getBytes(await understood(request('eth_getCode', [contract, 'latest'], readHex)))
      return createHash('sha256').update(code).digest('hex')
    },
    /** Everything as of one block, the newest one: a chain that grows meanwhile does not make events and storage differ. */
    read: () => understood(readAll()),
    /** Unix seconds at which this size and root were anchored, 0 when they were not, as of a block. */
    async anchoredAt(size: number, root: Hash, block: number): Promise<number> {
      const [time] = await understood(call('anchoredAt', [logId, size, hexlify(root)], block))
      return Number(time)
    },
    close,
  }
}

/**
 * All logs of [from, to]. Endpoints refuse ranges or answers that are too large, each in its own words and with its own limit: what is
 * refused is asked again in half, and ranges grow again while they are accepted.
 */
async function readLogs(
  request: Ask,
  filter: { readonly address: string; readonly topics: readonly string[] },
  from: number,
  to: number,
): Promise<RpcLog[]> {
  const found: RpcLog[] = []
  let width = to - from + 1
  for (let start = from; start <= to; ) {
    const end = Math.min(start + width - 1, to)
    try {
      const range = { ...filter, fromBlock: quantity(start), toBlock: quantity(end) }
      const logs = await request('eth_getLogs', [range], answer => answer as RpcLog[])
      // An endpoint that ignores the filter must not add to the log.
      found.push(
        ...logs.filter(log => log.address.toLowerCase() === filter.address && log.topics.join() === filter.topics.join()).sort(inOrder),
      )
      start = end + 1
      width *= 2
    } catch (cause) {
      if (!(cause instanceof ChainError) || end === start) throw cause
      // An endpoint that is gone fails here too, and then the range was not the reason.
      await request('eth_blockNumber', [], readQuantity)
      width = Math.floor((end - start + 1) / 2)
    }
  }
  return found
}

function readEvent({ topics, data, blockNumber, transactionHash }: RpcLog) {
  const [, size, root, time] = anchorInterface.decodeEventLog('CheckpointAnchored', data, topics)
  const event = { size: Number(size), root: getBytes(root), time: Number(time), block: Number(blockNumber), transaction: transactionHash }
  // The contract cannot have emitted others, nor can times be shown that no calendar has.
  if (!Number.isSafeInteger(event.size) || !Number.isSafeInteger(event.block) || event.time > LAST_SECOND)
    throw new RangeError('an event out of range')
  return event
}

function inOrder(a: RpcLog, b: RpcLog): number {
  return Number(a.blockNumber) - Number(b.blockNumber) || Number(a.logIndex) - Number(b.logIndex)
}
