/**
 * One endpoint as an audit asks it: alone, because endpoints' answers must not be mixed, and again
 * if it is busy.
 */
import { RpcError } from '../rpc/endpoint.ts'
import { ChainError } from './errors.ts'
import { createJsonRpc } from './json-rpc.ts'

/**
 * Asks one endpoint.
 * @throws ChainError CHAIN_UNREACHABLE, CHAIN_WRONG (it serves another chain), CHAIN_REFUSED (it
 * refuses to answer this), CHAIN_LATE (the time for the audit has ended)
 */
export type Rpc = (method: string, params: readonly unknown[]) => Promise<unknown>

type Options = {
  readonly url: string
  readonly chainId: number
  readonly timeoutMs: number
  readonly retries: number
  /** Aborts when the time for the whole audit has ended. Then nothing more is asked. */
  readonly ended?: AbortSignal | undefined
}

const FIRST_WAIT_MS = 500
/** Too many requests: JSON-RPC errors borrow the number from HTTP. */
const BUSY = 429

/** Opens an endpoint. Compares its chain id before the first question. */
export function createRpc({ url, chainId, timeoutMs, retries, ended }: Options): Rpc {
  const endpoint = createJsonRpc(url, timeoutMs, 'The endpoint')
  let checked: Promise<void> | undefined

  async function askOnce(method: string, params: readonly unknown[]): Promise<unknown> {
    const answer = await endpoint.send(method, params)
    if ('result' in answer) return answer.result
    const { code, message } = answer.error
    if (code === BUSY) throw new ChainError('CHAIN_UNREACHABLE', `${endpoint.host} gets too many requests.`)
    throw new ChainError('CHAIN_REFUSED', `${endpoint.host} refused ${method}: ${message.slice(0, 200)}`)
  }

  async function ask(method: string, params: readonly unknown[]): Promise<unknown> {
    for (let left = retries; ; left--) {
      if (ended?.aborted) throw new ChainError('CHAIN_LATE', `The time for the audit ended before ${endpoint.host} had answered all.`)
      try {
        return await askOnce(method, params)
      } catch (error) {
        // An answer that is too large will be too large again.
        const isPassing = error instanceof ChainError && error.code === 'CHAIN_UNREACHABLE' && !isTooLarge(error.cause)
        if (!isPassing || left === 0) throw error
        await new Promise(resolve => setTimeout(resolve, FIRST_WAIT_MS * 2 ** (retries - left)))
      }
    }
  }

  async function checkChain(): Promise<void> {
    const served = Number(await ask('eth_chainId', []))
    if (served !== chainId) throw new ChainError('CHAIN_WRONG', `${endpoint.host} serves chain ${served}, not ${chainId}.`)
  }

  return async (method, params) => {
    checked ??= checkChain()
    await checked
    return ask(method, params)
  }
}

function isTooLarge(cause: unknown): boolean {
  return cause instanceof RpcError && cause.code === 'RPC_ANSWER_TOO_LARGE'
}
