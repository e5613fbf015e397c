/**
 * A chain reader over `fetch`: the few JSON-RPC calls that reading an anchor takes, for one
 * endpoint.
 */

import { fromHex, toHex } from '../core/bytes.ts'
import { sha256 } from '../core/hash.ts'
import { createRpcEndpoint, RpcError } from '../rpc/endpoint.ts'
import type { BlockTag, ChainReader } from './chain-reader.ts'

/** The first four bytes of keccak256("anchoredAt(bytes32,uint64,bytes32)"). */
const ANCHORED_AT = '0xd05aafd3'
/** The first four bytes of keccak256("logOf(bytes32)"). */
const LOG_OF = '0x5e5d1643'
/** The answer to a call if there is no code at that block. */
const NO_CODE = '0x'
const MAX_ANSWER_BYTES = 256 * 1024

/** The endpoint, and how to reach it. */
export type JsonRpcOptions = {
  readonly url: string
  readonly fetch: typeof fetch
  readonly timeoutMs: number
  /** The only chain that it is for, if that is known. */
  readonly serves?: number | undefined
}

/** An endpoint's address, and the only chain that it is for, if that was said. */
export type NamedEndpoint = { readonly url: string; readonly serves?: number }

/**
 * Reads an endpoint as people name it: an http(s) address, or one behind the id of its chain, such
 * as `1=https://rpc.example`. Undefined if it is neither.
 */
export function readEndpoint(text: string): NamedEndpoint | undefined {
  const [, chainId, url = ''] = /^(?:([1-9]\d{0,14})=)?(https?:\/\/\S+)$/.exec(text) ?? []
  if (!URL.canParse(url)) return undefined
  return chainId === undefined ? { url } : { url, serves: Number(chainId) }
}

/**
 * Reads anchors from one JSON-RPC endpoint. Every function rejects with RpcError if the endpoint
 * gives no usable answer.
 */
export function createJsonRpcReader({ url, fetch, timeoutMs, serves }: JsonRpcOptions): ChainReader {
  const endpoint = createRpcEndpoint({ url, fetch, timeoutMs, maxAnswerBytes: MAX_ANSWER_BYTES })
  const ask = async (method: string, params: readonly unknown[]): Promise<unknown> => {
    const answer = await endpoint.send(method, params)
    if ('result' in answer) return answer.result
    throw new RpcError('RPC_REFUSED', `${endpoint.host} refused ${method}: ${answer.error.message.slice(0, 200)}`)
  }
  return {
    name: new URL(url).origin,
    serves,
    async chainId() {
      return readQuantity(await ask('eth_chainId', []))
    },
    async codeSha256(contract) {
      return toHex(sha256(readBytes(await ask('eth_getCode', [contract, 'latest']))))
    },
    async anchoredAt({ contract, logId, size, root, block }) {
      const data = `${ANCHORED_AT}${logId.slice(2)}${size.toString(16).padStart(64, '0')}${toHex(root)}`
      const answer = await ask('eth_call', [{ to: contract, data }, formatBlock(block)])
      // A contract that did not exist at an earlier block had anchored nothing.
      return answer === NO_CODE && block !== 'latest' ? 0 : readUint(answer)
    },
    async lastGoodSize({ contract, logId, block }) {
      const answer = await ask('eth_call', [{ to: contract, data: `${LOG_OF}${logId.slice(2)}` }, formatBlock(block)])
      return answer === NO_CODE && block !== 'latest' ? undefined : readLastGoodSize(answer)
    },
    async blockNumber() {
      return readQuantity(await ask('eth_blockNumber', []))
    },
  }
}

/** A fetch that aborts with the signal. Each request also keeps its own deadline. */
export function fetchUntil(signal: AbortSignal, ask: typeof fetch): typeof fetch {
  return async (input, init) => {
    signal.throwIfAborted()
    return ask(input, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, signal]) : signal })
  }
}

function formatBlock(block: BlockTag): string {
  return typeof block === 'number' ? `0x${block.toString(16)}` : block
}

function readQuantity(value: unknown): number {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{1,14}$/i.test(value)) throw malformed('a quantity is not a small hex number')
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw malformed('a quantity is too large')
  return number
}

function readBytes(value: unknown): Uint8Array {
  if (typeof value !== 'string' || !/^0x(?:[0-9a-f]{2})*$/i.test(value)) throw malformed('bytes are not hex')
  return fromHex(value.slice(2).toLowerCase())
}

/**
 * `logOf` returns six words: the fourth says whether the log is closed, the fifth is the last good
 * size.
 */
function readLastGoodSize(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{384}$/i.test(value)) throw malformed('a log is not six words')
  const word = (at: number) => readUint(`0x${value.slice(2 + 64 * at, 2 + 64 * (at + 1))}`)
  return word(3) === 0 ? undefined : word(4)
}

function readUint(value: unknown): number {
  if (typeof value !== 'string' || !/^0x0{48}[0-9a-f]{16}$/i.test(value)) throw malformed('a time is not one word')
  return readQuantity(`0x${value.slice(-16).replace(/^0{1,15}/, '')}`)
}

function malformed(what: string): RpcError {
  return new RpcError('RPC_ANSWER_MALFORMED', `unexpected answer from the endpoint: ${what}`)
}
