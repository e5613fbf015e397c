/**
 * The JSON-RPC endpoints of one chain: which to ask, which to believe, and what their errors mean.
 */
import { ChainError } from './errors.ts'
import { createJsonRpc, type JsonRpc, type RpcFault } from './json-rpc.ts'

/**
 * Asks one endpoint. `read` decodes the answer; if it throws, the endpoint counts as not answering.
 */
export type Ask = <T>(method: string, params: readonly unknown[], read: (result: unknown) => T) => Promise<T>

/**
 * The endpoints of one chain. Every call may throw a ChainError: CHAIN_UNREACHABLE, CHAIN_WRONG,
 * and those of `chainError`.
 */
export type ChainEndpoints = {
  /** Asks one after the other until one answers. */
  readonly request: Ask
  /**
   * Asks all at once. Returns the answers in the order of the endpoints; throws if there are none.
   */
  each<T>(asking: (ask: Ask) => Promise<T>): Promise<readonly T[]>
  /** Makes each endpoint show its chain id again before it is used. */
  recheck(): void
  close(): void
}

type Endpoint = { readonly rpc: JsonRpc; checked: boolean; failedMs: number }

/**
 * How long an endpoint that failed is asked last, so that one that hangs does not slow every call.
 */
const COOL_MS = 30_000

/**
 * Opens endpoints without asking them anything. Each one's chain id is compared at its first use.
 */
export function openEndpoints(urls: readonly string[], chainId: number, timeoutMs: number): ChainEndpoints {
  const endpoints: readonly Endpoint[] = urls.map(url => ({
    rpc: createJsonRpc(url, timeoutMs, "The chain's endpoint"),
    checked: false,
    failedMs: Number.NEGATIVE_INFINITY,
  }))

  async function send<T>({ rpc }: Endpoint, method: string, params: readonly unknown[], read: (result: unknown) => T): Promise<T> {
    const answer = await rpc.send(method, params)
    if ('error' in answer) throw chainError(answer.error, rpc.host)
    try {
      return read(answer.result)
    } catch (cause) {
      if (cause instanceof ChainError) throw cause
      throw new ChainError('CHAIN_UNREACHABLE', `The chain's endpoint ${rpc.host} gave an unusable answer to ${method}.`, {
        cause,
      })
    }
  }

  const asking =
    (endpoint: Endpoint): Ask =>
    async (method, params, read) => {
      try {
        if (!endpoint.checked) {
          const served = await send(endpoint, 'eth_chainId', [], readQuantity)
          if (served !== chainId) throw new ChainError('CHAIN_WRONG', `${endpoint.rpc.host} serves chain ${served}, not ${chainId}.`)
          endpoint.checked = true
        }
        const result = await send(endpoint, method, params, read)
        endpoint.failedMs = Number.NEGATIVE_INFINITY
        return result
      } catch (cause) {
        if (isTrouble(cause)) {
          endpoint.checked = false
          endpoint.failedMs = performance.now()
        }
        throw cause
      }
    }

  const isWell = ({ failedMs }: Endpoint) => performance.now() - failedMs > COOL_MS
  const wellFirst = () => [...endpoints.filter(isWell), ...endpoints.filter(endpoint => !isWell(endpoint))]

  async function each<T>(ask: (ask: Ask) => Promise<T>): Promise<readonly T[]> {
    const well = endpoints.filter(isWell)
    for (const asked of well.length > 0 && well.length < endpoints.length ? [well, endpoints] : [endpoints]) {
      const settled = await Promise.allSettled(asked.map(endpoint => ask(asking(endpoint))))
      const answers = settled.filter(({ status }) => status === 'fulfilled') as PromiseFulfilledResult<T>[]
      if (answers.length > 0) return answers.map(({ value }) => value)
      const reasons = settled.map(outcome => (outcome as PromiseRejectedResult).reason)
      // A refusal by the chain says more than an endpoint's failure.
      const refusal = reasons.find(reason => !isTrouble(reason))
      if (refusal !== undefined || asked === endpoints) throw refusal ?? reasons[0] ?? noEndpoint()
    }
    throw noEndpoint()
  }

  return {
    async request(method, params, read) {
      let first: unknown
      for (const endpoint of wellFirst()) {
        try {
          return await asking(endpoint)(method, params, read)
        } catch (cause) {
          // The chain's own answer would be the same elsewhere; an endpoint's failure would not.
          if (!isTrouble(cause)) throw cause
          first ??= cause
        }
      }
      throw first ?? noEndpoint()
    },
    each,
    recheck() {
      for (const endpoint of endpoints) endpoint.checked = false
    },
    close() {
      for (const { rpc } of endpoints) rpc.close()
    },
  }
}

/** Whether the endpoint failed, rather than the chain refused. */
function isTrouble(cause: unknown): boolean {
  return cause instanceof ChainError && (cause.code === 'CHAIN_UNREACHABLE' || cause.code === 'CHAIN_WRONG')
}

function noEndpoint(): ChainError {
  return new ChainError('CHAIN_UNREACHABLE', 'No endpoint of the chain is configured.')
}

const MEANINGS: readonly (readonly [RegExp, string, string])[] = [
  [
    /already known|known transaction|already imported|already in mempool|ALREADY_EXISTS/i,
    'CHAIN_ALREADY_KNOWN',
    'The chain knows this transaction.',
  ],
  [
    /nonce.{0,12}too low|nonce has already been used|old nonce|NONCE_EXPIRED|Expected nonce to be \d+ but got/i,
    'CHAIN_NONCE_TOO_LOW',
    'Another transaction with this nonce was executed.',
  ],
  [
    /underpriced|replacement fee too low|less than block base fee|fee.{0,20}too low|max fee per gas|maxFeePerGas \(\d+\) is too low/i,
    'CHAIN_UNDERPRICED',
    'The transaction pays too little.',
  ],
  [
    /insufficient funds|INSUFFICIENT_FUNDS|out of gas funds|doesn't have enough funds/i,
    'CHAIN_FUNDS',
    'The signing address cannot pay for the transaction.',
  ],
  [/revert/i, 'CHAIN_REJECTED', 'The contract refuses the call.'],
]

/**
 * -32005 limit exceeded, -32603 internal, -32601 method missing: failures of the endpoint, so the
 * next one is asked.
 */
const TROUBLE = [-32005, -32603, -32601, -32016, 429]

/** Our error for an error that an endpoint returned. The fault is its cause. */
function chainError(fault: RpcFault, host: string): ChainError {
  for (const [pattern, code, message] of MEANINGS) if (pattern.test(fault.message)) return new ChainError(code, message, { cause: fault })
  if (TROUBLE.includes(fault.code))
    return new ChainError('CHAIN_UNREACHABLE', `The chain's endpoint ${host} cannot answer at the moment.`, { cause: fault })
  return new ChainError('CHAIN_REJECTED', `The chain refused: ${fault.message.slice(0, 200)}`, { cause: fault })
}

/**
 * The ABI-encoded error that a contract reverted with, if it did. Endpoints put it in one of two
 * places.
 */
export function revertData(cause: unknown): string | undefined {
  const data = cause instanceof ChainError ? (cause.cause as Partial<RpcFault> | undefined)?.data : undefined
  const found = typeof data === 'object' && data !== null && 'data' in data ? data.data : data
  return typeof found === 'string' && /^0x[0-9a-f]{8,}$/i.test(found) ? found : undefined
}

/**
 * Parses a JSON-RPC quantity.
 * @throws RangeError
 */
export function readQuantity(value: unknown): number {
  const number = Number(readBig(value))
  if (!Number.isSafeInteger(number)) throw new RangeError('a quantity is too large')
  return number
}

/**
 * Parses a JSON-RPC quantity that may be large, such as wei.
 * @throws RangeError
 */
export function readBig(value: unknown): bigint {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{1,64}$/i.test(value)) throw new RangeError('a quantity is not hex')
  return BigInt(value)
}

/**
 * Parses hex bytes.
 * @throws RangeError
 */
export function readHex(value: unknown): string {
  if (typeof value !== 'string' || !/^0x(?:[0-9a-f]{2})*$/i.test(value)) throw new RangeError('bytes are not hex')
  return value.toLowerCase()
}

/** Formats a JSON-RPC quantity. */
export function quantity(number: number): string {
  return `0x${number.toString(16)}`
}

/**
 * The chain id of the first endpoint that answers.
 * @throws ChainError CHAIN_UNREACHABLE
 */
export async function readChainId(urls: readonly string[], timeoutMs: number): Promise<number> {
  const clients = urls.map(url => createJsonRpc(url, timeoutMs, "The chain's endpoint"))
  for (const { send } of clients) {
    const answer = await send('eth_chainId', []).catch(() => undefined)
    if (answer !== undefined && 'result' in answer && /^0x[0-9a-f]{1,13}$/i.test(String(answer.result))) return Number(answer.result)
  }
  throw new ChainError('CHAIN_UNREACHABLE', `No endpoint of the chain answers: ${clients.map(({ host }) => host).join(', ')}.`)
}
