/**
 * A witness over HTTP: C2SP tlog-witness with one prefix for submission and monitoring, and what its
 * operator watches. Anyone may send anything, so each request is bounded in size and time.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fromUtf8 } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { formatSizeAnswer, SIZE_TYPE } from '../core/tlog/add-checkpoint.ts'
import type { Log } from '../logger.ts'
import { WitnessRefusal, WitnessStop } from './errors.ts'
import type { Witness } from './witness.ts'

export type WitnessServer = {
  readonly url: string
  /** Accepts no new connections, and waits for the current requests. */
  close(): Promise<void>
}

export type WitnessServerTimes = { readonly request: number; readonly idle: number; readonly check: number; readonly drain: number }

type Options = {
  readonly witness: Witness
  readonly host: string
  readonly port: number
  readonly log: Log
  readonly times?: WitnessServerTimes
}
type Reply = { readonly status: number; readonly type: string; readonly body: string; readonly outcome?: string }

/** In milliseconds: a whole request; a connection without traffic; between checks; before closing. */
const TIMES: WitnessServerTimes = { request: 30_000, idle: 60_000, check: 2_000, drain: 5_000 }
/** 63 hashes, and a note with more than 16 signatures of any kind. */
const MAX_BODY_BYTES = 128 * 1024
const MAX_HEADER_BYTES = 8 * 1024
const MAX_CONNECTIONS = 1024
/** Whole requests that are checked or wait for their turn. */
const MAX_WAITING = 64
const PLAIN = 'text/plain; charset=utf-8'
const CHECKPOINT_PATH = /^\/([0-9a-f]{64})\/checkpoint$/

/** Serves a witness. Port 0 is any free one. Throws WITNESS_LISTEN. */
export async function serveWitness({ witness, host, port, log, times = TIMES }: Options): Promise<WitnessServer> {
  const counts = new Map<string, number>()
  let waiting = 0

  async function add(request: IncomingMessage): Promise<Reply> {
    let isWaiting = false
    try {
      const body = await readBody(request)
      if (body === undefined) return problem(413, 'BODY_TOO_LARGE', `A request has at most ${MAX_BODY_BYTES} bytes.`)
      // Not before the body is here: strangers that send slowly would otherwise take all the room.
      if (waiting >= MAX_WAITING) return problem(503, 'WITNESS_BUSY', 'Too many requests are waiting: try again in a moment.')
      waiting++
      isWaiting = true
      return { status: 200, type: PLAIN, body: await witness.addCheckpoint(body) }
    } catch (error) {
      return replyTo(error, log)
    } finally {
      if (isWaiting) waiting--
    }
  }

  async function reply(request: IncomingMessage): Promise<Reply> {
    const { method, url: path = '' } = request
    if (path === '/add-checkpoint') {
      if (method !== 'POST') return problem(405, 'METHOD_NOT_ALLOWED', 'Send a POST.')
      const answer = await add(request)
      const outcome = answer.outcome ?? 'COSIGNED'
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
      return answer
    }
    if (method !== 'GET' && method !== 'HEAD') return problem(405, 'METHOD_NOT_ALLOWED', 'Send a GET.')
    const stopped = witness.stopped()
    if (path === '/healthz') return stopped === undefined ? { status: 200, type: PLAIN, body: 'ok\n' } : replyTo(stopped, log)
    if (path === '/metrics') return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: metrics(witness, counts) }
    const [, hash] = CHECKPOINT_PATH.exec(path) ?? []
    const latest = hash === undefined ? undefined : witness.latest(hash)
    if (latest !== undefined) return { status: 200, type: PLAIN, body: latest.note }
    return problem(404, 'NOT_FOUND', 'This witness has nothing under this path.')
  }

  const server = createServer(
    {
      requestTimeout: times.request,
      headersTimeout: times.request,
      connectionsCheckingInterval: times.check,
      keepAliveTimeout: times.idle,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    (request, response) => {
      // The body of a request that is answered early is not read to its end.
      request.on('error', () => {})
      reply(request)
        .catch((error): Reply => replyTo(error, log))
        .then(answer => send(request, response, answer))
        .catch(error => log.error('answer not sent', { error }))
    },
  )
  server.maxConnections = MAX_CONNECTIONS
  server.setTimeout(times.idle)
  await listen(server, host, port)
  const at = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${at.port}`,
    close: () => close(server, times.drain),
  }
}

/** The whole body as text; undefined if it is too long. Throws WitnessRefusal. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  if (Number(request.headers['content-length']) > MAX_BODY_BYTES) return undefined
  const malformed = (cause: unknown) => new WitnessRefusal(400, 'REQUEST_MALFORMED', 'The body is not whole, or not UTF-8.', { cause })
  const parts: Buffer[] = []
  let bytes = 0
  try {
    for await (const part of request) {
      bytes += part.length
      if (bytes > MAX_BODY_BYTES) return undefined
      parts.push(part)
    }
    return fromUtf8(Buffer.concat(parts))
  } catch (cause) {
    throw malformed(cause)
  }
}

function replyTo(error: unknown, log: Log): Reply {
  if (error instanceof WitnessRefusal) {
    const { status, code, message, latest } = error
    if (latest !== undefined) return { status, type: SIZE_TYPE, body: formatSizeAnswer(latest), outcome: code }
    return problem(status, code, message)
  }
  // The reason names files, and is in the log.
  if (error instanceof WitnessStop) return problem(503, error.code, 'This witness has stopped: its operator has to act.')
  log.error('request failed', { error })
  return problem(503, 'WITNESS_FAILED', 'This witness cannot answer just now: try again later.')
}

function problem(status: number, code: string, detail: string): Reply {
  return { status, type: 'application/problem+json', body: `${JSON.stringify({ status, code, detail })}\n`, outcome: code }
}

function send(request: IncomingMessage, response: ServerResponse, { status, type, body }: Reply): void {
  // What is left of the body would be taken for the next request.
  const isWhole = request.complete
  const headers = { 'Content-Type': type, 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' }
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body), ...(!isWhole && { Connection: 'close' }) })
  response.end(request.method === 'HEAD' ? undefined : body, () => {
    if (!isWhole) request.destroy()
  })
}

/** In the Prometheus text format. */
function metrics(witness: Witness, counts: ReadonlyMap<string, number>): string {
  const label = (text: string) => text.replace(/[\\"]/g, '\\$&')
  const lines = [
    '# HELP openseal_witness_stopped Whether it cosigns nothing until its operator has acted.',
    '# TYPE openseal_witness_stopped gauge',
    `openseal_witness_stopped ${witness.stopped() === undefined ? 0 : 1}`,
    '# HELP openseal_witness_requests_total Requests to add-checkpoint, by outcome.',
    '# TYPE openseal_witness_requests_total counter',
    ...[...counts].map(([outcome, count]) => `openseal_witness_requests_total{outcome="${label(outcome)}"} ${count}`),
    '# HELP openseal_witness_size Entries of the checkpoint cosigned last, by log.',
    '# TYPE openseal_witness_size gauge',
    ...witness.origins.map(origin => `openseal_witness_size{log="${label(origin)}"} ${witness.sizeOf(origin)}`),
  ]
  return `${lines.join('\n')}\n`
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((listening, failed) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const fact = cause.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${cause.code})`
      failed(new OpenSealError('WITNESS_LISTEN', `Port ${port} on ${host} ${fact}: choose another one with --port.`, { cause }))
    })
    server.listen(port, host, listening)
  })
}

async function close(server: Server, drainMs: number): Promise<void> {
  const closed = new Promise<void>(done => server.close(() => done()))
  const idle = setInterval(() => server.closeIdleConnections(), 50)
  const cut = setTimeout(() => server.closeAllConnections(), drainMs)
  await closed
  clearInterval(idle)
  clearTimeout(cut)
}
