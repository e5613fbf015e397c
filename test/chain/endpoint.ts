/**
 * A JSON-RPC endpoint in front of a real chain that answers as the test wants it to: truly, late,
 * never, wrongly, or of another time.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Call = { readonly method: string; readonly params: unknown[] }
/**
 * The reaction to a call: return a result, `undefined` to ask the chain (with the call's params as
 * they are then), or write the answer itself.
 */
export type Behaviour = (call: Call, response: ServerResponse) => unknown | Promise<unknown>

export type Endpoint = {
  readonly url: string
  /** Calls that came in, by method, since `reset`. */
  readonly seen: string[]
  behave(behaviour: Behaviour | undefined): void
  close(): Promise<void>
}

/** The answer is written by the behaviour, or never. */
export const ANSWERED = Symbol('answered')

/**
 * Opens one in front of the chain at `target`. It answers truthfully until the test asks for
 * something else.
 */
export async function openEndpoint(target: string): Promise<Endpoint> {
  const seen: string[] = []
  let behaviour: Behaviour | undefined
  const server = createServer(async (request, response) => {
    const body = await readBody(request)
    const { id, method, params } = JSON.parse(body)
    const call = { method, params: [...params] }
    seen.push(method)
    try {
      const own = await behaviour?.(call, response)
      if (own === ANSWERED) return
      const text = own === undefined ? await forward(target, id, call) : JSON.stringify({ jsonrpc: '2.0', id, result: own })
      response.setHeader('content-type', 'application/json').end(text)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32000, message } }))
    }
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    behave(next) {
      behaviour = next
      seen.length = 0
    },
    async close() {
      server.closeAllConnections()
      await new Promise(done => server.close(done))
    },
  }
}

/** An endpoint that never answers. */
export const silent: Behaviour = () => ANSWERED

/**
 * An endpoint that stopped taking blocks at `number`: true for what was, and blind for what came
 * after. It still passes transactions on.
 */
export function frozenAt(target: string, number: number): Behaviour {
  const tag = `0x${number.toString(16)}`
  return async call => {
    const { method, params } = call
    if (method === 'eth_blockNumber') return tag
    if (method === 'eth_getBlockByNumber' && Number(params[0]) > number) return null
    if (method === 'eth_getTransactionReceipt') {
      const receipt = JSON.parse(await forward(target, 1, call)).result as { blockNumber: string } | null
      return receipt === null || Number(receipt.blockNumber) > number ? null : receipt
    }
    call.params.splice(0, params.length, ...params.map(param => (param === 'latest' || param === 'finalized' ? tag : param)))
    return undefined
  }
}

async function forward(target: string, id: unknown, { method, params }: Call): Promise<string> {
  const body = JSON.stringify({ jsonrpc: '2.0', id, method, params })
  const response = await fetch(target, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  return response.text()
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of request) text += part
  return text
}
