/** One JSON-RPC endpoint on the ledger's side. Its errors name the endpoint by its role. */
import { createRpcEndpoint, type RpcAnswer, type RpcEndpoint, RpcError, type RpcFault } from '../rpc/endpoint.ts'
import { ChainError } from './errors.ts'

export { hostOf } from '../rpc/endpoint.ts'
export type { RpcAnswer, RpcFault }

/**
 * An endpoint.
 * @throws ChainError CHAIN_UNREACHABLE if no usable answer came in time; its cause is an RpcError
 */
export type JsonRpc = RpcEndpoint

/** Larger than any answer we ask for: a page of events takes a few hundred kilobytes. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024

const TROUBLES: { readonly [code: string]: string } = {
  RPC_UNREACHABLE: 'does not answer',
  RPC_ANSWER_TOO_LARGE: 'sends an answer that is too large',
  RPC_ANSWER_MALFORMED: 'does not answer as a JSON-RPC endpoint',
}

/**
 * Creates a client of one endpoint. `role` is its name in messages, as in "the chain's endpoint".
 */
export function createJsonRpc(url: string, timeoutMs: number, role: string): JsonRpc {
  const endpoint = createRpcEndpoint({ url, fetch, timeoutMs, maxAnswerBytes: MAX_ANSWER_BYTES })
  return {
    ...endpoint,
    send: (method, params) =>
      endpoint.send(method, params).catch(cause => {
        if (!(cause instanceof RpcError)) throw cause
        throw new ChainError('CHAIN_UNREACHABLE', `${role} ${endpoint.host} ${TROUBLES[cause.code]}.`, { cause })
      }),
  }
}
