/**
 * A small proxy before the nodes of a cluster: each request goes to the next node that answers. A
 * request that only reads is tried again at another node.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'

const ANSWER_MS = 10_000
/** How long a node is left out after it has failed. */
const REST_MS = 2_000

export type ClusterProxy = { readonly url: string; stop(): Promise<void> }

/** Starts a proxy on a port, in front of nodes at these addresses. */
export async function startClusterProxy(port: number, nodes: readonly string[]): Promise<ClusterProxy> {
  const restUntil = new Map<string, number>()
  let turn = 0
  /** The next node; one that has failed lately only if all have. */
  const next = (tried: ReadonlySet<string>): string | undefined => {
    const order = nodes.map((_, i) => nodes[(turn + i) % nodes.length]!).filter(node => !tried.has(node))
    turn++
    return order.find(node => (restUntil.get(node) ?? 0) < Date.now()) ?? order[0]
  }

  function pass(incoming: IncomingMessage, answer: ServerResponse, tried: Set<string>): void {
    const node = next(tried)
    if (node === undefined) {
      refuse(answer)
      return
    }
    tried.add(node)
    const { hostname, port: to } = new URL(node)
    const headers = { ...incoming.headers, 'x-forwarded-for': incoming.socket.remoteAddress ?? '' }
    const isRead = incoming.method === 'GET' || incoming.method === 'HEAD'
    const outgoing = request({ hostname, port: to, path: incoming.url, method: incoming.method, headers, timeout: ANSWER_MS }, response => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(answer)
      response.on('error', () => answer.destroy())
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer')))
    outgoing.on('error', () => {
      restUntil.set(node, Date.now() + REST_MS)
      if (answer.headersSent) answer.destroy()
      else if (isRead) pass(incoming, answer, tried)
      else refuse(answer)
    })
    answer.on('close', () => outgoing.destroy())
    if (isRead) outgoing.end()
    else incoming.pipe(outgoing)
  }

  const server = createServer((incoming, answer) => pass(incoming, answer, new Set()))
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    async stop() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** As other proxies do. What was sent may have arrived: sending it again is safe. */
function refuse(answer: ServerResponse): void {
  if (!answer.headersSent) answer.writeHead(502, { 'content-type': 'text/plain', 'retry-after': '1' }).end('Bad Gateway\n')
}
