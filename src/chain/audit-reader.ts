/**
 * A log's whole history on chain, from one endpoint: its events, in ranges as large as the endpoint
 * allows, and the contract's storage.
 */
import { createHash } from 'node:crypto'
import { getBytes, hexlify } from 'ethers'
import type { Hash } from '../core/hash.ts'
import type { PolicyChain } from '../core/policy-anchors.ts'
import { anchorInterface } from './artifact.ts'
import { createRpc, type Rpc } from './audit-rpc.ts'
import { ChainError } from './errors.ts'
import { hostOf } from './json-rpc.ts'

type Options = Pick<PolicyChain, 'chainId' | 'contract' | 'logId' | 'finality'> & {
  readonly url: string
  /** The block from which events are read: that of the deployment, or 0. */
  readonly firstBlock: number
  readonly timeoutMs: number
  readonly retries: number
  /** Aborts when the time for the whole audit has ended. */
  readonly ended?: AbortSignal | undefined
}

type RpcLog = {
  readonly address: string
  readonly topics: string[]
  readonly data: string
  readonly blockNumber: string
  readonly logIndex: string
  readonly transactionHash: string
}

/** Selects the events of one contract, one kind and one log. */
type Filter = { readonly address: string; readonly topics: readonly string[] }

/** 9999-12-31T23:59:59Z. */
const LAST_SECOND = 253_402_300_799
/** After this many accepted ranges, a wider one is tried again. */
const RETRY_WIDER = 64

/**
 * Opens a reader of one log at one endpoint, the `AuditChain` of an audit. It asks nothing before
 * the first call.
 */
export function openAuditReader({ url, chainId, finality, firstBlock, timeoutMs, retries, ended, ...log }: Options) {
  const contract = log.contract.toLowerCase()
  const logId = log.logId.toLowerCase()
  const rpc = createRpc({ url, chainId, timeoutMs, retries, ended })

  async function call(name: string, args: readonly unknown[], block: number | 'latest') {
    const data = anchorInterface.encodeFunctionData(name, [...args])
    const answer = String(await rpc('eth_call', [{ to: contract, data }, blockTag(block)]))
    return anchorInterface.decodeFunctionResult(name, answer)
  }

  /** Turns an answer that cannot be decoded into an error of the endpoint. */
  async function understood<T>(asking: Promise<T>): Promise<T> {
    return asking.catch(cause => {
      throw cause instanceof ChainError ? cause : unreadable(url, cause)
    })
  }

  async function block(tag: number | 'latest' | 'finalized') {
    const found = (await rpc('eth_getBlockByNumber', [blockTag(tag), false])) as { number: string; hash: string } | null
    if (found === null) return undefined
    if (!/^0x[0-9a-f]{64}$/i.test(String(found.hash)) || !Number.isSafeInteger(Number(found.number))) throw unreadable(url)
    return { number: Number(found.number), hash: found.hash.toLowerCase() }
  }

  async function readHeads() {
    const head = await block('latest')
    if (head === undefined) throw unreadable(url)
    if (finality === 'finalized') return { head, final: await block('finalized') }
    const final = head.number - finality.confirmations
    return { head, final: finality.confirmations === 0 ? head : final < 0 ? undefined : await block(final) }
  }

  return {
    name: hostOf(url),
    chainId,
    contract,
    logId,
    firstBlock,
    async codeSha256(): Promise<string> {
      const code = await understood(rpc('eth_getCode', [contract, 'latest']).then(answer => getBytes(String(answer))))
      return createHash('sha256').update(code).digest('hex')
    },
    heads: () => understood(readHeads()),
    blockHash: (number: number) => understood(block(number).then(found => found?.hash)),
    async *events(from: number, to: number) {
      const topics = anchorInterface.encodeFilterTopics('CheckpointAnchored', [logId]) as string[]
      for await (const part of readLogs(rpc, { address: contract, topics }, from, to))
        yield { to: part.to, events: await understood(Promise.resolve(part.logs).then(logs => logs.map(readEvent))) }
    },
    async anchoredAt(size: number, root: Hash, at: number | 'latest'): Promise<number> {
      const [time] = await understood(call('anchoredAt', [logId, size, hexlify(root)], at))
      return Number(time)
    },
    async stored(at: number) {
      const [latestSize] = await understood(call('latest', [logId], at))
      const { closed, lastGoodSize } = (await understood(call('logOf', [logId], at))).toObject()
      return { latestSize: Number(latestSize), ...(closed && { closedAt: Number(lastGoodSize) }) }
    },
  }
}

/**
 * All logs of [from, to]. Endpoints refuse ranges or answers that are too large, each with its own
 * words and limit. A refused range is halved, and that width is not tried again for a while.
 */
async function* readLogs(rpc: Rpc, filter: Filter, from: number, to: number): AsyncGenerator<{ to: number; logs: RpcLog[] }> {
  let width = to - from + 1
  let refused = Number.POSITIVE_INFINITY
  let accepted = 0
  for (let start = from; start <= to; ) {
    const end = Math.min(start + width - 1, to)
    try {
      const logs = await readRange(rpc, filter, start, end)
      start = end + 1
      if (++accepted % RETRY_WIDER === 0) refused *= 2
      if (width * 2 < refused) width *= 2
      yield { to: end, logs }
    } catch (cause) {
      if (!(cause instanceof ChainError) || cause.code === 'CHAIN_UNREADABLE') throw cause
      // If this fails too, the endpoint is gone, and the range was not the reason.
      await rpc('eth_blockNumber', [])
      if (end === start) throw new ChainError('CHAIN_EVENTS', `The endpoint returns no events: ${cause.message}`, { cause })
      refused = end - start + 1
      width = Math.floor(refused / 2)
    }
  }
}

async function readRange(rpc: Rpc, filter: Filter, from: number, to: number): Promise<RpcLog[]> {
  const logs = await rpc('eth_getLogs', [{ ...filter, fromBlock: blockTag(from), toBlock: blockTag(to) }])
  if (!Array.isArray(logs)) throw new ChainError('CHAIN_UNREADABLE', 'The answer is not a list of events.')
  // Checks each event, in case an endpoint ignores the filter.
  const isAskedFor = ({ address, topics, blockNumber }: RpcLog) =>
    address.toLowerCase() === filter.address &&
    topics.slice(0, filter.topics.length).join().toLowerCase() === filter.topics.join().toLowerCase() &&
    Number(blockNumber) >= from &&
    Number(blockNumber) <= to
  return (logs as RpcLog[]).filter(isAskedFor).sort(inOrder)
}

function readEvent({ topics, data, blockNumber, transactionHash }: RpcLog) {
  const [, size, root, time] = anchorInterface.decodeEventLog('CheckpointAnchored', data, topics)
  const event = {
    size: Number(size),
    root: getBytes(root),
    time: Number(time),
    block: Number(blockNumber),
    transaction: String(transactionHash),
  }
  // The contract cannot have emitted other values, and times beyond the calendar cannot be shown.
  if (!Number.isSafeInteger(event.size) || !Number.isSafeInteger(event.block) || event.time > LAST_SECOND)
    throw new RangeError('an event out of range')
  return event
}

function inOrder(a: RpcLog, b: RpcLog): number {
  return Number(a.blockNumber) - Number(b.blockNumber) || Number(a.logIndex) - Number(b.logIndex)
}

function blockTag(block: number | 'latest' | 'finalized'): string {
  return typeof block === 'string' ? block : `0x${block.toString(16)}`
}

function unreadable(url: string, cause?: unknown): ChainError {
  return new ChainError('CHAIN_UNREADABLE', `The answer of ${hostOf(url)} is not from this contract.`, { cause })
}
