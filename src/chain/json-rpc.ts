/** One JSON-RPC endpoint as the ledger's own side asks it: what fails is said of the endpoint by its role. */
import { createRpcEndpoint, type RpcAnswer, type RpcEndpoint, RpcError, type RpcFault } from '../rpc/endpoint.ts'
import { ChainError } from './errors.ts'

export { hostOf } from '../rpc/endpoint.ts'
export type { RpcAnswer, RpcFault }

/** An endpoint. @throws ChainError CHAIN_UNREACHABLE when no usable answer came in time; its cause is an RpcError. */
export type JsonRpc = RpcEndpoint

/** Larger than any answer we ask for: a page of events takes some hundred kilobytes. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024

const TROUBLES: { readonly [code: string]: string } = {
  RPC_UNREACHABLE: 'does not answer',
  RPC_ANSWER_TOO_LARGE: 'answers with more than we can take',
  RPC_ANSWER_MALFORMED: 'does not answer as a JSON-RPC endpoint does',
}

/** Makes a client of one endpoint. `role` is what it is called in messages, as in "the chain's endpoint". */
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
