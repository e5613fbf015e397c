/**
 * The load generator, in a process of its own: node:http with kept-alive connections. One message
 * asks for one measurement.
 */
import { once } from 'node:events'
import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { formatTilePath, TILE_WIDTH } from '../src/core/tlog/tile.ts'
import { median } from './rows.ts'
import { statementLine } from './statements.ts'

/**
 * The measurements that can be asked for. Several `ports` share the work evenly. `size` is how many
 * there are to read from at random.
 */
export type Load =
  | { readonly kind: 'bulk'; readonly ports: readonly number[]; readonly key: string; readonly run: string; readonly count: number }
  | {
      readonly kind: 'submit'
      readonly ports: readonly number[]
      readonly key: string
      readonly run: string
      readonly connections: number
      readonly durationMs: number
    }
  | { readonly kind: 'lone'; readonly port: number; readonly key: string; readonly run: string; readonly count: number }
  | {
      readonly kind: 'steady'
      readonly port: number
      readonly key: string
      readonly run: string
      readonly count: number
      readonly everyMs: number
    }
  | {
      readonly kind: 'read'
      readonly port: number
      readonly what: keyof typeof PATHS
      readonly size: number
      readonly connections: number
      readonly durationMs: number
    }
  | { readonly kind: 'answer'; readonly port: number; readonly key: string; readonly path: string; readonly body?: string }

/** As for `openseal submit`, which sends again what is answered 503. */
const BUSY = 503
const ATTEMPTS = 5
const RETRY_MS = 1000

/** The things that can be read, by number. */
const PATHS = {
  receipt: (index: number) => `/v1/records/${index}/receipt`,
  page: (index: number) => `/records/${index}`,
  tile: (index: number) => `/${formatTilePath({ level: 0, index, width: TILE_WIDTH })}`,
}

process.on('message', (load: Load) => {
  measure(load).then(
    result => process.send?.(result),
    error => process.send?.({ error: String(error) }),
  )
})
process.once('SIGTERM', () => process.exit(0))
process.send?.({})

async function measure(load: Load): Promise<object> {
  switch (load.kind) {
    case 'bulk':
      return bulk(load)
    case 'submit':
      return crowd(load.connections, load.durationMs, (n, agent, connection) =>
        submit(agent, load.ports[connection % load.ports.length]!, load.key, statementLine(load.run, n)),
      )
    case 'lone':
      return lone(load)
    case 'steady':
      return steady(load)
    case 'read':
      return crowd(load.connections, load.durationMs, (_n, agent) =>
        send(agent, { port: load.port, path: PATHS[load.what](Math.floor(Math.random() * load.size)) }, 200),
      )
    case 'answer':
      return { text: await answer(load) }
  }
}

/**
 * One stream to each port at once; per second, from the first byte sent to the last record accepted.
 */
async function bulk({ ports, key, run, count }: Extract<Load, { kind: 'bulk' }>): Promise<object> {
  const each = Math.floor(count / ports.length)
  const streams = ports.map((port, i) => {
    const lines = Array.from({ length: each }, (_, n) => statementLine(`${run}.${i}`, n))
    return { port, key, lines, chunks: chunksOf(lines) }
  })
  const startMs = performance.now()
  await Promise.all(streams.map(sendAll))
  return { perSecond: (each * ports.length * 1000) / (performance.now() - startMs) }
}

function chunksOf(lines: readonly string[]): Buffer[] {
  const chunks: Buffer[] = []
  for (let n = 0; n < lines.length; n += 256) chunks.push(Buffer.from(`${lines.slice(n, n + 256).join('\n')}\n`))
  return chunks
}

type Stream = { readonly port: number; readonly key: string; readonly lines: readonly string[]; readonly chunks: readonly Buffer[] }

/** Sends lines, and sends again those that were answered 503, as `openseal submit` does. */
async function sendAll({ port, key, lines, chunks }: Stream): Promise<void> {
  for (let [left, next, attempt] = [lines, chunks, 1]; ; attempt++) {
    const { refused, waitMs } = await sendStream({ port, key, lines: left, chunks: next }, attempt > 1)
    if (refused.length === 0) return
    if (attempt === ATTEMPTS) throw new Error(`${refused.length} records were refused ${ATTEMPTS} times`)
    ;[left, next] = [refused, chunksOf(refused)]
    await sleep(Math.max(RETRY_MS * attempt, waitMs))
  }
}

/** Sends lines once. Returns those that were answered 503, and how long to wait. */
async function sendStream(
  { port, key, lines, chunks }: Stream,
  isAgain: boolean,
): Promise<{ readonly refused: readonly string[]; readonly waitMs: number }> {
  const req = request({
    port,
    method: 'POST',
    path: '/v1/records',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' },
  })
  const answered = once(req, 'response').then(async ([response]) => ({ response, text: await readText(response as IncomingMessage) }))
  for (const chunk of chunks) if (!req.write(chunk)) await once(req, 'drain')
  req.end()
  const { response, text } = await answered
  const waitMs = waitOf(response)
  if (response.statusCode === BUSY) return { refused: lines, waitMs }
  const answers = text.trimEnd().split('\n')
  const { accepted = 0, known = 0 } = JSON.parse(answers.at(-1) ?? '{}') as { accepted?: number; known?: number }
  // A record that is sent again may have been logged the first time.
  const logged = isAgain ? accepted + known : accepted
  if (logged === lines.length) return { refused: [], waitMs }
  const found = answers.slice(0, -1).map(answer => JSON.parse(answer) as { line: number; status: number })
  const refused = found.filter(({ status }) => status === BUSY).map(({ line }) => lines[line - 1]!)
  if (logged !== lines.length - refused.length)
    throw new Error(`the stream was not accepted: ${answers.find(answer => answer.includes('"code"'))} ${answers.at(-1)}`)
  return { refused, waitMs }
}

/** Sends requests as fast as this number of connections allows. */
async function crowd(
  connections: number,
  durationMs: number,
  act: (n: number, agent: Agent, connection: number) => Promise<string>,
): Promise<object> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  let next = 0
  const times: number[] = []
  const startMs = performance.now()
  const runOne = async (_: unknown, connection: number) => {
    while (performance.now() - startMs < durationMs) {
      const sinceMs = performance.now()
      await act(next++, agent, connection)
      times.push(performance.now() - sinceMs)
    }
  }
  await Promise.all(Array.from({ length: connections }).map(runOne))
  const seconds = (performance.now() - startMs) / 1000
  agent.destroy()
  return { perSecond: times.length / seconds, p50Ms: median(times), p99Ms: hundredth(times) }
}

/** The time within which 99 of 100 end. */
function hundredth(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN
}

/** One after the other on one connection: the middle time of an answer. */
async function lone({ port, key, run, count }: Extract<Load, { kind: 'lone' }>): Promise<object> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const times: number[] = []
  for (let n = 0; n < count; n++) {
    const startMs = performance.now()
    await submit(agent, port, key, statementLine(run, n))
    times.push(performance.now() - startMs)
  }
  agent.destroy()
  return { p50Ms: median(times) }
}

/**
 * Sends each at its own moment, whether or not the one before it was answered. Its time counts from
 * that moment, so a server that holds up one submission is charged for all that waited behind it.
 */
async function steady({ port, key, run, count, everyMs }: Extract<Load, { kind: 'steady' }>): Promise<object> {
  const agent = new Agent({ keepAlive: true })
  const startMs = performance.now()
  const times = await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const dueMs = startMs + n * everyMs
      await sleep(Math.max(0, dueMs - performance.now()))
      await submit(agent, port, key, statementLine(run, n))
      return performance.now() - dueMs
    }),
  )
  agent.destroy()
  return { p50Ms: median(times), p99Ms: hundredth(times) }
}

async function answer({ port, key, path, body }: Extract<Load, { kind: 'answer' }>): Promise<string> {
  const agent = new Agent()
  return body === undefined ? send(agent, { port, path }, 200) : submit(agent, port, key, body)
}

/** Submits one record, and again while it is answered 503. All of it counts as its time. */
async function submit(agent: Agent, port: number, key: string, body: string): Promise<string> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  for (let attempt = 1; ; attempt++) {
    const { response, text } = await exchange(agent, { port, method: 'POST', path: '/v1/records', headers }, body)
    if (response.statusCode !== BUSY || attempt === ATTEMPTS) return textOf(response, text, attempt > 1 ? [200, 201] : [201])
    await sleep(Math.max(RETRY_MS * attempt, waitOf(response)))
  }
}

async function send(agent: Agent, options: RequestOptions, status: number): Promise<string> {
  const { response, text } = await exchange(agent, options)
  return textOf(response, text, [status])
}

async function exchange(agent: Agent, options: RequestOptions, body?: string) {
  const req = request({ ...options, agent })
  req.end(body)
  const [response] = (await once(req, 'response')) as [IncomingMessage]
  return { response, text: await readText(response) }
}

function textOf({ statusCode = 0 }: IncomingMessage, text: string, wanted: readonly number[]): string {
  if (!wanted.includes(statusCode)) throw new Error(`a request was answered ${statusCode}: ${text.slice(0, 300)}`)
  return text
}

/** How long a response asks to wait. */
function waitOf({ headers }: IncomingMessage): number {
  return Number(headers['retry-after'] ?? 0) * 1000
}

async function readText(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8')
  let text = ''
  for await (const chunk of response) text += chunk
  return text
}
