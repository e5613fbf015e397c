/**
 * A reverse proxy that behaves as nginx does with its defaults: it reads a request whole before it
 * passes it on, takes a megabyte of body, stops sending the request once the answer has begun, and
 * gives up where nothing moves. Its times are shorter.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type ProxyOptions = {
  /** Where the requests go. */
  readonly port: number
  /** nginx: `client_max_body_size`. */
  readonly maxBodyBytes?: number
  /** nginx: `proxy_read_timeout` and `proxy_send_timeout`. */
  readonly timeoutMs?: number
  /** Answers in place of the server behind it, if it returns a status. */
  readonly intercept?: (request: IncomingMessage) => number | undefined
}

const PIECE_BYTES = 16 * 1024
const PAGES: { readonly [status: number]: string } = {
  413: '413 Request Entity Too Large',
  502: '502 Bad Gateway',
  503: '503 Service Temporarily Unavailable',
  504: '504 Gateway Time-out',
}

/** Starts a proxy on a free port. `bodies` are those of the requests that it has passed on. */
export async function openProxy({ port, maxBodyBytes = 1024 * 1024, timeoutMs = 1000, intercept }: ProxyOptions) {
  const bodies: Buffer[] = []
  const server = createServer(async (incoming, outgoing) => {
    const status = intercept?.(incoming)
    const body = await readBody(incoming, maxBodyBytes).catch(() => undefined)
    if (status !== undefined) return answerPage(outgoing, status)
    if (body === undefined) return answerPage(outgoing, 413)
    bodies.push(body)
    passOn(incoming, outgoing, body, { port, timeoutMs })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const own = (server.address() as AddressInfo).port
  return {
    port: own,
    url: `http://127.0.0.1:${own}`,
    bodies,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

function passOn(incoming: IncomingMessage, outgoing: ServerResponse, body: Buffer, to: { port: number; timeoutMs: number }): void {
  const { 'transfer-encoding': _, connection: __, ...headers } = incoming.headers
  const forwarded = { 'x-forwarded-for': '192.0.2.7', 'x-forwarded-proto': 'https', 'content-length': body.length, connection: 'close' }
  const { method, url: path } = incoming
  const upstream = request({ host: '127.0.0.1', port: to.port, method, path, headers: { ...headers, ...forwarded } })
  let hasBegun = false
  upstream.setTimeout(to.timeoutMs, () => upstream.destroy(new Error('timeout')))
  upstream.on('response', answer => {
    hasBegun = true
    outgoing.writeHead(answer.statusCode!, answer.headers)
    answer.on('error', () => outgoing.destroy()).pipe(outgoing)
  })
  upstream.on('error', error => {
    if (hasBegun) outgoing.destroy()
    else answerPage(outgoing, error.message === 'timeout' ? 504 : 502)
  })
  sendPieces(upstream, body, () => hasBegun).catch(() => {})
}

async function sendPieces(upstream: ReturnType<typeof request>, body: Buffer, hasBegun: () => boolean): Promise<void> {
  upstream.flushHeaders()
  for (let from = 0; from < body.length; from += PIECE_BYTES) {
    await new Promise(resolve => setImmediate(resolve))
    if (hasBegun()) return
    if (!upstream.write(body.subarray(from, from + PIECE_BYTES))) await Promise.race([once(upstream, 'drain'), once(upstream, 'response')])
  }
  upstream.end()
}

/** Undefined where it is larger; the rest is read and thrown away, as nginx does for a while. */
async function readBody(incoming: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming) {
    bytes += chunk.length
    if (bytes <= maxBytes) chunks.push(chunk)
  }
  return bytes <= maxBytes ? Buffer.concat(chunks) : undefined
}

function answerPage(outgoing: ServerResponse, status: number): void {
  const said = PAGES[status] ?? String(status)
  outgoing.writeHead(status, { 'content-type': 'text/html', server: 'nginx' })
  outgoing.end(`<html>\r\n<head><title>${said}</title></head>\r\n<body><center><h1>${said}</h1></center></body></html>\r\n`)
}
