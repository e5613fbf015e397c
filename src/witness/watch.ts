/**
 * Compares a log's checkpoints with its contracts: what `openseal witness --watch-chain` adds. A
 * contract that holds another root at a size that was cosigned, or is about to be, shows a fork.
 */
import { equalBytes, fromHex, toHex } from '../core/bytes.ts'
import type { Policy } from '../core/policy.ts'
import type { PolicyChain } from '../core/policy-anchors.ts'
import type { Checkpoint } from '../core/tlog/checkpoint.ts'
import type { Log } from '../logger.ts'
import type { Mark } from '../mark.ts'
import { createRpcEndpoint, RpcError } from '../rpc/endpoint.ts'
import { type ChainReader, createJsonRpcReader } from '../verifier/index.ts'

export type ChainWatch = {
  /**
   * The contradiction between these checkpoints of a log and the newest one in a contract of its
   * policy, in a sentence. Undefined if there is none, also if no endpoint could be asked: then the
   * log says so.
   */
  contradiction(policy: Policy, checkpoints: readonly Checkpoint[]): Promise<string | undefined>
}

type Options = { readonly urls: readonly string[]; readonly fetch: typeof fetch; readonly steadyMs: () => number; readonly log: Log }
type Endpoint = { readonly reader: ChainReader; latest(anchor: PolicyChain): Promise<Mark> }
type Look = { readonly atMs: number; readonly found: Promise<readonly Mark[]> }

/** The first four bytes of keccak256("latest(bytes32)"). */
const LATEST = '0x79feb107'
const TIMEOUT_MS = 5_000
const MAX_ANSWER_BYTES = 64 * 1024
/** Requests are not authenticated, and must not make us ask an endpoint each time. */
const AGAIN_MS = 10_000

/** Watches by these endpoints, whichever chains they serve. */
export function createChainWatch({ urls, fetch, steadyMs, log }: Options): ChainWatch {
  const endpoints = urls.map(url => openEndpoint(url, fetch))
  const looks = new Map<string, Look>()

  /** What the endpoints that serve this chain and contract say. Others say nothing of it. */
  async function look(anchor: PolicyChain, origin: string): Promise<readonly Mark[]> {
    const { chainId, contract } = anchor
    const answers = await Promise.allSettled(endpoints.map(endpoint => read(endpoint, anchor)))
    const found = answers.flatMap(answer => (answer.status === 'fulfilled' ? [answer.value] : []))
    if (found.length === 0) {
      const reasons = answers.flatMap(answer => (answer.status === 'rejected' ? [answer.reason] : []))
      log.warn('chain not compared', { origin, chainId, contract, reasons })
    }
    return found.filter(mark => mark !== undefined)
  }

  function lookAgain(anchor: PolicyChain, origin: string): Promise<readonly Mark[]> {
    const key = `${origin} ${anchor.chainId} ${anchor.contract} ${anchor.logId}`
    const last = looks.get(key)
    if (last !== undefined && steadyMs() - last.atMs < AGAIN_MS) return last.found
    const found = look(anchor, origin)
    looks.set(key, { atMs: steadyMs(), found })
    return found
  }

  return {
    async contradiction({ origin, anchors }, checkpoints) {
      const chains = anchors.filter(anchor => anchor.type === 'evm')
      const seen = await Promise.all(chains.map(async anchor => ({ anchor, marks: await lookAgain(anchor, origin) })))
      for (const { anchor, marks } of seen) {
        const other = marks.find(mark => checkpoints.some(({ size, root }) => size === mark.size && !equalBytes(root, mark.root)))
        if (other === undefined) continue
        const { chainId, contract } = anchor
        log.error('chain holds another root', { origin, chainId, contract, size: other.size, root: toHex(other.root) })
        return `The contract ${contract} on chain ${chainId} holds another root of this log at ${other.size} entries: compare this store with the chain.`
      }
      return undefined
    },
  }
}

function openEndpoint(url: string, fetch: typeof globalThis.fetch): Endpoint {
  const rpc = createRpcEndpoint({ url, fetch, timeoutMs: TIMEOUT_MS, maxAnswerBytes: MAX_ANSWER_BYTES })
  return {
    reader: createJsonRpcReader({ url, fetch, timeoutMs: TIMEOUT_MS }),
    async latest({ contract, logId }) {
      const answer = await rpc.send('eth_call', [{ to: contract, data: LATEST + logId.slice(2) }, 'latest'])
      const words = 'result' in answer ? /^0x([0-9a-f]{64})([0-9a-f]{64})[0-9a-f]{64}$/i.exec(String(answer.result)) : null
      const size = Number(`0x${words?.[1] ?? ''}`)
      if (words === null || !Number.isSafeInteger(size))
        throw new RpcError('RPC_ANSWER_MALFORMED', `${rpc.host} does not show the newest checkpoint of a contract`)
      return { size, root: fromHex(words[2]!.toLowerCase(), 32) }
    },
  }
}

/**
 * The newest checkpoint in the contract. Undefined if it says nothing: nothing was anchored, or the
 * log's owner has disowned it. Rejects if the endpoint serves something else.
 */
async function read({ reader, latest }: Endpoint, anchor: PolicyChain): Promise<Mark | undefined> {
  const { chainId, contract, codeSha256, logId } = anchor
  const [served, code] = await Promise.all([reader.chainId(), reader.codeSha256(contract)])
  if (served !== chainId) throw new RpcError('RPC_REFUSED', `${reader.name} serves chain ${served}`)
  if (code !== codeSha256) throw new RpcError('RPC_REFUSED', `${reader.name} shows other code at ${contract}`)
  const [mark, lastGoodSize] = await Promise.all([latest(anchor), reader.lastGoodSize({ contract, logId, block: 'latest' })])
  return mark.size === 0 || mark.size > (lastGoodSize ?? mark.size) ? undefined : mark
}
