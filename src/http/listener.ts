/** The listening side of the service: the port, its time limits, and its orderly end. */
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { OpenSealError } from '../core/errors.ts'

export type Listener = {
  readonly url: string
  /** From now on requests go to this application. */
  serve(listener: RequestListener): void
  /** Takes no more connections and waits for the requests under way, for DRAIN_MS at most. */
  close(): Promise<void>
}

const DRAIN_MS = 10_000
const IDLE_MS = 120_000

/** Listens on a port, 0 for any free one. Every request gets 503 until `serve`, so that a busy port is told before anything else is started. Throws SERVER_LISTEN. */
export async function openListener({ host, port }: { host: string; port: number }): Promise<Listener> {
  let listener: RequestListener = (_request, response) => {
    const problem = {
      type: 'about:blank',
      title: 'Service Unavailable',
      status: 503,
      code: 'LEDGER_STARTING',
      detail: 'The ledger is starting.',
    }
    response.writeHead(503, { 'content-type': 'application/problem+json', 'cache-control': 'no-store', 'retry-after': '1' })
    response.end(JSON.stringify(problem))
  }
  // A stream of a million records takes longer than Node's five minutes for a request; bodies have bounds of their own.
  const server = createServer({ requestTimeout: 0, headersTimeout: 30_000, keepAliveTimeout: 65_000 }, (request, response) =>
    listener(request, response),
  )
  server.setTimeout(IDLE_MS)
  await new Promise<void>((listening, failed) => {
    server.once('error', cause => failed(listenError(cause, host, port)))
    server.listen(port, host, listening)
  })
  const at = server.address() as AddressInfo
  const name = host.includes(':') ? `[${host}]` : host === '127.0.0.1' || host === '0.0.0.0' ? 'localhost' : host
  return {
    url: `http://${name}:${at.port}`,
    serve: (next: RequestListener) => {
      listener = next
    },
    close: () => closeHttp(server),
  }
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): ListenError {
  const fact =
    cause.code === 'EADDRINUSE'
      ? `Port ${port} on ${host} is in use: stop what uses it, or set OPENSEAL_PORT to another.`
      : `The service cannot listen on ${host} port ${port} (${cause.code}): set OPENSEAL_HOST and OPENSEAL_PORT.`
  return new ListenError('SERVER_LISTEN', fact, { cause })
}

async function closeHttp(server: Server): Promise<void> {
  const closed = new Promise<void>(done => {
    server.close(() => done())
  })
  server.closeIdleConnections()
  const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
  await closed
  clearTimeout(cut)
}

/** SERVER_LISTEN. */
export class ListenError extends OpenSealError {}
