/**
 * The listening side of the service: the port, its limits before a request is parsed, and its
 * orderly shutdown.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { OpenSealError } from '../core/errors.ts'
import { GUARDS } from './headers.ts'
import { DISCARD_MS, discardRest, formatProblem, formOf, type HttpProblem } from './problem.ts'

export type Listener = {
  readonly url: string
  /** Passes requests to this application from now on. */
  serve(listener: RequestListener): void
  /** True from `close` on. */
  isClosing(): boolean
  /** Accepts no new connections, and waits for the current requests, for at most DRAIN_MS. */
  close(): Promise<void>
}

/** Time limits for connections without a complete request. In milliseconds: */
export type ListenerTimes = {
  /**
   * For the whole head of a request, so that a client cannot hold a connection by sending one
   * header at a time.
   */
  readonly headers: number
  /** For a connection without traffic. */
  readonly idle: number
  /** For the rest of a body, once its request was answered. */
  readonly rest: number
  /** How often these limits are checked. */
  readonly check: number
}

const TIMES: ListenerTimes = { headers: 15_000, idle: 120_000, rest: DISCARD_MS, check: 5_000 }
const DRAIN_MS = 10_000
const IDLE_CHECK_MS = 50
const MAX_HEADER_BYTES = 16 * 1024
const MAX_HEADERS = 100
const MAX_CONNECTIONS = 4096

const STARTING: HttpProblem = { status: 503, code: 'LEDGER_STARTING', detail: 'The ledger is starting.' }
const EXPECTATION: HttpProblem = { status: 417, code: 'EXPECT_UNKNOWN', detail: 'The only Expect that is supported is 100-continue.' }
/** Refusals by the codes of Node's parser. Any other code means that the bytes are not HTTP. */
const NO_REQUEST: { readonly [code: string]: HttpProblem } = {
  HPE_HEADER_OVERFLOW: { status: 431, code: 'HEADERS_TOO_LARGE', detail: `The head of a request has at most ${MAX_HEADER_BYTES} bytes.` },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, code: 'HEADERS_TIMEOUT', detail: 'The head of the request did not arrive in time.' },
}
const NO_HTTP: HttpProblem = { status: 400, code: 'HTTP_MALFORMED', detail: 'This is not a request of HTTP/1.1.' }

/**
 * Listens on a port; 0 means any free one. Until `serve`, every request gets 503, so that a busy
 * port is reported before anything else starts. Throws SERVER_LISTEN.
 */
export async function openListener({
  host,
  port,
  times = TIMES,
}: {
  host: string
  port: number
  times?: ListenerTimes
}): Promise<Listener> {
  let listener: RequestListener = (request, response) => answerEarly(request, response, STARTING, { 'Retry-After': '1' })
  let closing = false
  const answering = new WeakMap<Duplex, ServerResponse>()
  const server = createServer(
    {
      // A stream of a million records takes longer than any limit for a whole request. Bodies have
      // limits of their own.
      requestTimeout: 0,
      headersTimeout: times.headers,
      connectionsCheckingInterval: times.check,
      keepAliveTimeout: 65_000,
      maxHeaderSize: MAX_HEADER_BYTES,
      requireHostHeader: true,
    },
    (request, response) => {
      answering.set(request.socket, response)
      closeAfterBody(request, response)
      // Node reads the rest of a body for as long as it arrives, and a byte a minute would hold the
      // connection forever.
      response.once('finish', () => discardRest(request, times.rest))
      if (request.httpVersionMajor === 1) listener(request, response)
      else answerEarly(request, response, NO_HTTP, { Connection: 'close' })
    },
  )
  server.maxHeadersCount = MAX_HEADERS
  server.maxConnections = MAX_CONNECTIONS
  server.setTimeout(times.idle)
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) =>
    answerEarly(request, response, EXPECTATION, { Connection: 'close' }),
  )
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // In the middle of an answer, no problem can be sent.
    const response = answering.get(socket)
    const isBegun = response?.headersSent === true && !response.writableFinished
    if (isBegun || !socket.writable) socket.destroy()
    else refuse(socket, NO_REQUEST[error.code ?? ''] ?? NO_HTTP)
  })
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
    isClosing: () => closing,
    close: () => {
      closing = true
      return closeHttp(server)
    },
  }
}

/**
 * If a client wants its connection closed, Node closes it once the answer is sent. A client that is
 * still sending then sees its connection break, and not the answer. So we close the connection
 * ourselves, once the body has arrived as well.
 */
function closeAfterBody(request: IncomingMessage, response: ServerResponse): void {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers
  if (response.shouldKeepAlive || (length === '0' && encoding === undefined)) return
  response.shouldKeepAlive = true
  response.removeHeader('Connection')
  const close = () => request.socket.destroySoon()
  response.once('finish', () => (request.complete ? close() : request.once('end', close)))
}

/** Answers before there is an application. */
export function answerEarly(
  { method = '', url = '', headers: sent }: IncomingMessage,
  response: ServerResponse,
  problem: HttpProblem,
  headers: { readonly [name: string]: string } = {},
): void {
  const [path = '', query] = url.split('?', 2)
  const search = query === undefined ? '' : `?${query}`
  const form = formOf({ method, path, search, accept: sent.accept ?? '', languages: sent['accept-language'] ?? '' }, problem)
  response.writeHead(problem.status, { ...GUARDS, ...form.headers, 'Content-Length': Buffer.byteLength(form.body), ...headers })
  response.end(form.body)
}

/**
 * Answers a connection whose bytes are not a request, and closes it, because the start of the next
 * request is unknown.
 */
function refuse(socket: Duplex, problem: HttpProblem): void {
  const body = formatProblem(problem)
  const headers = { ...GUARDS, 'Content-Type': 'application/problem+json', 'Content-Length': Buffer.byteLength(body), Connection: 'close' }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  socket.end(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): ListenError {
  const fact =
    cause.code === 'EADDRINUSE'
      ? `Port ${port} on ${host} is in use: stop the program that uses it, or set OPENSEAL_PORT to another port.`
      : `The service cannot listen on ${host} port ${port} (${cause.code}): set OPENSEAL_HOST and OPENSEAL_PORT.`
  return new ListenError('SERVER_LISTEN', fact, { cause })
}

async function closeHttp(server: Server): Promise<void> {
  const closed = new Promise<void>(done => {
    server.close(() => done())
  })
  // A connection is idle from the end of its answer on.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS)
  const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
  await closed
  clearInterval(idle)
  clearTimeout(cut)
}

/** SERVER_LISTEN. */
export class ListenError extends OpenSealError {}
