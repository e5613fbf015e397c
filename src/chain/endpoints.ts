/** JSON-RPC endpoints of one chain, asked in order, and what their errors mean. */
import { FetchRequest, JsonRpcProvider, Network } from 'ethers'
import { OpenSealError } from '../core/errors.ts'

/** Some endpoints of one chain. */
export type Endpoints = {
  /** Asks one after the other until one answers. @throws ChainError CHAIN_UNREACHABLE, CHAIN_WRONG, and what `chainError` gives. */
  request(method: string, params: readonly unknown[]): Promise<unknown>
  close(): void
}

type Endpoint = { readonly url: string; readonly provider: JsonRpcProvider; checked: boolean }

/** Opens endpoints without asking them anything: the chain id of each is compared at its first use. */
export function openEndpoints(urls: readonly string[], chainId: number, timeoutMs: number): Endpoints {
  const network = Network.from(chainId)
  const endpoints: Endpoint[] = urls.map(url => {
    const request = new FetchRequest(url)
    request.timeout = timeoutMs
    request.setThrottleParams({ maxAttempts: 2 })
    // No network detection, no batching, no cache: each request stands for itself and nothing is polled behind our back.
    const provider = new JsonRpcProvider(request, network, { staticNetwork: network, batchMaxCount: 1, cacheTimeout: -1 })
    return { url, provider, checked: false }
  })

  async function ask(endpoint: Endpoint, method: string, params: readonly unknown[]): Promise<unknown> {
    if (!endpoint.checked) {
      const served = Number(await endpoint.provider.send('eth_chainId', []))
      if (served !== chainId) throw new ChainError('CHAIN_WRONG', `${hostOf(endpoint.url)} serves chain ${served}, not ${chainId}.`)
      endpoint.checked = true
    }
    return endpoint.provider.send(method, [...params])
  }

  return {
    async request(method, params) {
      let first: ChainError | undefined
      for (const endpoint of endpoints) {
        try {
          return await ask(endpoint, method, params)
        } catch (cause) {
          const error = chainError(cause, hostOf(endpoint.url))
          // The chain's own answer would be the same elsewhere; an endpoint's trouble would not.
          if (error.code !== 'CHAIN_UNREACHABLE' && error.code !== 'CHAIN_WRONG') throw error
          first ??= error
        }
      }
      throw first ?? new ChainError('CHAIN_UNREACHABLE', 'No endpoint of the chain is configured.')
    },
    close() {
      for (const { provider } of endpoints) provider.destroy()
    },
  }
}

const MEANINGS: readonly (readonly [RegExp, string, string])[] = [
  [
    /already known|known transaction|already imported|already in mempool|ALREADY_EXISTS/i,
    'CHAIN_ALREADY_KNOWN',
    'The chain knows this transaction.',
  ],
  [
    /nonce.{0,12}too low|nonce has already been used|old nonce|NONCE_EXPIRED/i,
    'CHAIN_NONCE_TOO_LOW',
    'Another transaction with this nonce was executed.',
  ],
  [
    /underpriced|replacement fee too low|less than block base fee|fee.{0,20}too low|max fee per gas/i,
    'CHAIN_UNDERPRICED',
    'The transaction pays too little.',
  ],
  [/insufficient funds|INSUFFICIENT_FUNDS|out of gas funds/i, 'CHAIN_FUNDS', 'The signing address cannot pay for the transaction.'],
  [/revert/i, 'CHAIN_REJECTED', 'The contract refuses the call.'],
]

/** What an error of ethers, or of an endpoint behind it, means to us. */
export function chainError(cause: unknown, host: string): ChainError {
  if (cause instanceof ChainError) return cause
  const answered = answerOf(cause)
  if (answered === undefined) return new ChainError('CHAIN_UNREACHABLE', `The chain's endpoint ${host} does not answer.`, { cause })
  const text = `${answered.message} ${cause instanceof Error && 'code' in cause ? cause.code : ''}`
  for (const [pattern, code, message] of MEANINGS) if (pattern.test(text)) return new ChainError(code, message, { cause })
  // -32005 limit exceeded, -32603 internal, -32601 method missing: the endpoint's trouble, so the next one is asked.
  const trouble = [-32005, -32603, -32601, -32016, 429].includes(answered.code)
  if (trouble) return new ChainError('CHAIN_UNREACHABLE', `The chain's endpoint ${host} cannot answer just now.`, { cause })
  return new ChainError('CHAIN_REJECTED', `The chain refused: ${answered.message.slice(0, 200)}`, { cause })
}

/** The JSON-RPC error that an endpoint answered with, out of the places where ethers puts it; undefined when it did not answer. */
function answerOf(cause: unknown): { code: number; message: string; data?: unknown } | undefined {
  const of = cause as { error?: unknown; info?: { error?: unknown; payload?: unknown } } | undefined
  for (const found of [of?.error, of?.info?.error] as { code?: unknown; message?: unknown; data?: unknown }[])
    if (typeof found?.message === 'string') return { code: Number(found.code), message: found.message, data: found.data }
  return undefined
}

/** The ABI-encoded error that a contract reverted with, if that is what happened. */
export function revertData(cause: unknown): string | undefined {
  const data = answerOf(cause instanceof ChainError ? cause.cause : cause)?.data
  return typeof data === 'string' && data.startsWith('0x') && data.length >= 10 ? data : undefined
}

/** Host and port of an endpoint: the rest of its URL may hold a key. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'of a malformed URL'
}

/** Chain id of the first endpoint that answers. @throws ChainError CHAIN_UNREACHABLE */
export async function readChainId(urls: readonly string[], timeoutMs: number): Promise<number> {
  for (const url of urls) {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] })
    const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body, signal: AbortSignal.timeout(timeoutMs) }
    const answer = (await fetch(url, request)
      .then(response => response.json())
      .catch(() => undefined)) as { result?: unknown } | undefined
    if (/^0x[0-9a-f]+$/.test(String(answer?.result))) return Number(answer?.result)
  }
  throw new ChainError('CHAIN_UNREACHABLE', `No endpoint of the chain answers: ${urls.map(hostOf).join(', ')}.`)
}

/**
 * CHAIN_UNREACHABLE (nobody answered), CHAIN_WRONG (another chain), CHAIN_ALREADY_KNOWN, CHAIN_NONCE_TOO_LOW, CHAIN_UNDERPRICED,
 * CHAIN_FUNDS, CHAIN_REJECTED; CHAIN_NO_CONTRACT and CHAIN_OTHER_CODE when a contract is looked for.
 */
export class ChainError extends OpenSealError {}
