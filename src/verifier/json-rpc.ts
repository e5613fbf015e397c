/** A chain reader on `fetch`: the few JSON-RPC calls that an anchor needs, of one endpoint. */

import { readBounded } from '../core/bounded.ts'
import { fromHex, toHex } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { sha256 } from '../core/hash.ts'
import { isJsonObject, type Json, parseJson } from '../core/json.ts'
import type { BlockTag, ChainReader } from './anchors.ts'

/** The first four bytes of keccak256("anchoredAt(bytes32,uint64,bytes32)"). */
const ANCHORED_AT = '0xd05aafd3'
const MAX_ANSWER_BYTES = 256 * 1024

/** Where to ask, and with what. */
export type JsonRpcOptions = { readonly url: string; readonly fetch: typeof fetch; readonly timeoutMs: number }

/** Reads anchors from one JSON-RPC endpoint. Every function rejects with RpcError when the endpoint gives no usable answer. */
export function createJsonRpcReader({ url, fetch, timeoutMs }: JsonRpcOptions): ChainReader {
  const ask = (method: string, params: readonly Json[]) => call({ url, fetch, timeoutMs }, method, params)
  return {
    name: new URL(url).host,
    async chainId() {
      return readQuantity(await ask('eth_chainId', []))
    },
    async codeSha256(contract) {
      return toHex(sha256(readBytes(await ask('eth_getCode', [contract, 'latest']))))
    },
    async anchoredAt({ contract, logId, size, root, block }) {
      const data = `${ANCHORED_AT}${logId.slice(2)}${size.toString(16).padStart(64, '0')}${toHex(root)}`
      return readUint(await ask('eth_call', [{ to: contract, data }, formatBlock(block)]))
    },
    async blockNumber() {
      return readQuantity(await ask('eth_blockNumber', []))
    },
  }
}

async function call({ url, fetch, timeoutMs }: JsonRpcOptions, method: string, params: readonly Json[]): Promise<Json> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const signal = AbortSignal.timeout(timeoutMs)
  const unreachable = (cause: unknown): never => {
    if (cause instanceof OpenSealError) throw cause
    throw new RpcError('RPC_UNREACHABLE', `${new URL(url).host} did not answer ${method}`, { cause })
  }
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body, signal }).catch(unreachable)
  const bytes = await readBounded(response.body, MAX_ANSWER_BYTES).catch(unreachable)
  if (bytes === undefined) throw malformed(`an answer is larger than ${MAX_ANSWER_BYTES} bytes`)
  const answer = parseJson(bytes, { allowNull: true })
  if (!isJsonObject(answer)) throw malformed('an answer is not an object')
  if (answer.error !== undefined && answer.error !== null) {
    const message = isJsonObject(answer.error) ? String(answer.error.message) : 'an error without words'
    throw new RpcError('RPC_REFUSED', `${new URL(url).host} refused ${method}: ${message.slice(0, 200)}`)
  }
  if (answer.result === undefined) throw malformed('an answer has no result')
  return answer.result
}

function formatBlock(block: BlockTag): string {
  return typeof block === 'number' ? `0x${block.toString(16)}` : block
}

function readQuantity(value: Json): number {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{1,14}$/i.test(value)) throw malformed('a quantity is not a small hex number')
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw malformed('a quantity is too large')
  return number
}

function readBytes(value: Json): Uint8Array {
  if (typeof value !== 'string' || !/^0x(?:[0-9a-f]{2})*$/i.test(value)) throw malformed('bytes are not hex')
  return fromHex(value.slice(2).toLowerCase())
}

function readUint(value: Json): number {
  if (typeof value !== 'string' || !/^0x0{48}[0-9a-f]{16}$/i.test(value)) throw malformed('a time is not one word')
  return readQuantity(`0x${value.slice(-16).replace(/^0{1,15}/, '')}`)
}

function malformed(what: string): RpcError {
  return new RpcError('RPC_ANSWER_MALFORMED', `the endpoint does not speak as expected: ${what}`)
}

/** RPC_UNREACHABLE, RPC_REFUSED or RPC_ANSWER_MALFORMED. */
export class RpcError extends OpenSealError {}
