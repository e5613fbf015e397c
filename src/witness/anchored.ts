/**
 * The checkpoints of a log in a contract, as one endpoint shows them: the newest one from the
 * contract's storage, and those before it from its events.
 */
import { fromHex } from '../core/bytes.ts'
import type { PolicyChain } from '../core/policy-anchors.ts'
import type { Mark } from '../mark.ts'
import { createRpcEndpoint, RpcError } from '../rpc/endpoint.ts'
import { createJsonRpcReader } from '../verifier/index.ts'

export type Anchored = {
  /** What the contract holds, without what the log's owner has disowned. */
  readonly marks: readonly Mark[]
  /** Why older ones may be missing among them. */
  readonly missed?: unknown
}

export type AnchoredReader = {
  /** Rejects if the endpoint does not answer, or serves another chain or another contract. */
  read(anchor: PolicyChain): Promise<Anchored>
}

type RpcLog = { readonly address: string; readonly topics: readonly string[]; readonly data: string; readonly blockNumber: string }
type Event = Mark & { readonly block: number }
/** The events of the blocks before `next`, the oldest first. */
type Seen = { readonly next: number; readonly events: readonly Event[] }

/** The first four bytes of keccak256("latest(bytes32)"). */
const LATEST = '0x79feb107'
/** keccak256("CheckpointAnchored(bytes32,uint64,bytes32,uint64)"). */
const CHECKPOINT_ANCHORED = '0x81aa484e785fddfe9489a2e8366e2c01d721f83751b07765ef222e25ba0339ab'
const TIMEOUT_MS = 5_000
const MAX_ANSWER_BYTES = 1024 * 1024
/** How many of the blocks that were read the chain may have replaced. */
const REPLACED_BLOCKS = 128
/** Many endpoints return no events of more blocks than this at once. */
const FEW_BLOCKS = 1_000
const MAX_EVENTS = 4_096

/** Opens a reader of one endpoint. It asks nothing yet, and remembers the events that it reads. */
export function openAnchoredReader({ url, fetch }: { readonly url: string; readonly fetch: typeof globalThis.fetch }): AnchoredReader {
  const rpc = createRpcEndpoint({ url, fetch, timeoutMs: TIMEOUT_MS, maxAnswerBytes: MAX_ANSWER_BYTES })
  const reader = createJsonRpcReader({ url, fetch, timeoutMs: TIMEOUT_MS })
  const seen = new Map<string, Seen>()

  async function ask(method: string, param: object, ...more: readonly string[]): Promise<unknown> {
    const answer = await rpc.send(method, [param, ...more])
    if ('result' in answer) return answer.result
    throw new RpcError('RPC_REFUSED', `${rpc.host} refused ${method}: ${answer.error.message.slice(0, 200)}`)
  }

  /** Of size 0 if nothing was anchored. */
  async function readNewest({ contract, logId }: PolicyChain): Promise<Mark> {
    const answer = await ask('eth_call', { to: contract, data: LATEST + logId.slice(2) }, 'latest')
    return parseMark(answer, rpc.host)
  }

  async function readEvents({ contract, logId }: PolicyChain, from: number, to: number): Promise<Event[]> {
    const topics = [CHECKPOINT_ANCHORED, logId]
    const logs = await ask('eth_getLogs', { address: contract, topics, fromBlock: toHexNumber(from), toBlock: toHexNumber(to) })
    if (!Array.isArray(logs)) throw malformed(rpc.host)
    // An endpoint may ignore a filter that it does not know.
    const isAskedFor = (log: RpcLog) => String(log?.topics).toLowerCase() === topics.join() && log.address.toLowerCase() === contract
    return logs.filter(isAskedFor).map(({ data, blockNumber }: RpcLog) => {
      const block = Number(blockNumber)
      if (!Number.isSafeInteger(block)) throw malformed(rpc.host)
      return { ...parseMark(data, rpc.host), block }
    })
  }

  /** All events if the endpoint returns them, or else those of the newest blocks, and those seen before. */
  async function readOlder(anchor: PolicyChain): Promise<Anchored> {
    const key = `${anchor.chainId} ${anchor.contract} ${anchor.logId}`
    const known = seen.get(key) ?? { next: 0, events: [] }
    try {
      const head = await reader.blockNumber()
      const far = Math.max(0, Math.min(known.next, head + 1) - REPLACED_BLOCKS)
      const near = Math.max(far, head + 1 - FEW_BLOCKS)
      const fewer = async (missed: unknown) => {
        if (near === far) throw missed
        return { from: near, events: await readEvents(anchor, near, head), ...(near > known.next && { missed }) }
      }
      const fresh = await readEvents(anchor, far, head).then(events => ({ from: far, events, missed: undefined }), fewer)
      const events = [...known.events.filter(({ block }) => block < fresh.from), ...fresh.events].slice(-MAX_EVENTS)
      seen.set(key, { next: head + 1, events })
      return { marks: events, missed: fresh.missed }
    } catch (missed) {
      return { marks: known.events, missed }
    }
  }

  return {
    async read(anchor) {
      const { chainId, contract, codeSha256, logId } = anchor
      const [served, code] = await Promise.all([reader.chainId(), reader.codeSha256(contract)])
      if (served !== chainId) throw new RpcError('RPC_REFUSED', `${reader.name} serves chain ${served}`)
      if (code !== codeSha256) throw new RpcError('RPC_REFUSED', `${reader.name} shows other code at ${contract}`)
      const [newest, older, lastGoodSize] = await Promise.all([
        readNewest(anchor),
        readOlder(anchor),
        reader.lastGoodSize({ contract, logId, block: 'latest' }),
      ])
      const marks = [newest, ...older.marks].filter(({ size }) => size > 0 && size <= (lastGoodSize ?? size))
      return { ...older, marks }
    },
  }
}

/** Size, root and time, a word each: what `latest` returns and what an event holds. */
function parseMark(words: unknown, host: string): Mark {
  const [, size = '', root = ''] = /^0x([0-9a-f]{64})([0-9a-f]{64})[0-9a-f]{64}$/i.exec(String(words)) ?? []
  const mark = { size: Number(`0x${size}`), root: root.toLowerCase() }
  if (!Number.isSafeInteger(mark.size)) throw malformed(host)
  return { size: mark.size, root: fromHex(mark.root, 32) }
}

function toHexNumber(number: number): string {
  return `0x${number.toString(16)}`
}

function malformed(host: string): RpcError {
  return new RpcError('RPC_ANSWER_MALFORMED', `${host} does not show the checkpoints of a contract`)
}
