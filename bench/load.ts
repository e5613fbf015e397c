/**
 * The load generator, in a process of its own: node:http with kept-alive connections. One message
 * asks for one measurement.
 */
import { once } from 'node:events'
import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http'
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
      readonly kind: 'read'
      readonly port: number
      readonly what: keyof typeof PATHS
      readonly size: number
      readonly connections: number
      readonly durationMs: number
    }
  | { readonly kind: 'answer'; readonly port: number; readonly key: string; readonly path: string; readonly body?: string }

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
    case 'read':
      return crowd(load.connections, load.durationMs, (_n, agent) =>
        send(agent, { port: load.port, path: PATHS[load.what](Math.floor(Math.random() * load.size)) }, 200),
      )
    case 'answer':
      return { text: await answer(load) }
  }
}

/** One stream to each port at once; per second, from the first byte sent to the last summary read. */
async function bulk({ ports, key, run, count }: Extract<Load, { kind: 'bulk' }>): Promise<object> {
  const each = Math.floor(count / ports.length)
  const streams = ports.map((port, i) => ({ port, key, chunks: chunksOf(`${run}.${i}`, each), count: each }))
  const startMs = performance.now()
  await Promise.all(streams.map(sendStream))
  return { perSecond: (each * ports.length * 1000) / (performance.now() - startMs) }
}

function chunksOf(run: string, count: number): Buffer[] {
  const chunks: Buffer[] = []
  for (let n = 0; n < count; n += 256) {
    const lines = Array.from({ length: Math.min(256, count - n) }, (_, i) => `${statementLine(run, n + i)}\n`)
    chunks.push(Buffer.from(lines.join('')))
  }
  return chunks
}

type Stream = { readonly port: number; readonly key: string; readonly chunks: readonly Buffer[]; readonly count: number }

async function sendStream({ port, key, chunks, count }: Stream): Promise<void> {
  const req = request({
    port,
    method: 'POST',
    path: '/v1/records',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' },
  })
  const answered = once(req, 'response').then(([response]) => readText(response as IncomingMessage))
  for (const chunk of chunks) if (!req.write(chunk)) await once(req, 'drain')
  req.end()
  const lines = (await answered).trimEnd().split('\n')
  const summary = JSON.parse(lines.at(-1) ?? '{}')
  const refused = lines.find(line => line.includes('"code"'))
  if (summary.accepted !== count) throw new Error(`the stream was not accepted: ${refused ?? ''} ${lines.at(-1)}`)
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
  return {
    perSecond: times.length / seconds,
    p50Ms: median(times),
    p99Ms: times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)],
  }
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

async function answer({ port, key, path, body }: Extract<Load, { kind: 'answer' }>): Promise<string> {
  const agent = new Agent()
  return body === undefined ? send(agent, { port, path }, 200) : submit(agent, port, key, body)
}

function submit(agent: Agent, port: number, key: string, body: string): Promise<string> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  return send(agent, { port, method: 'POST', path: '/v1/records', headers }, 201, body)
}

async function send(agent: Agent, options: RequestOptions, status: number, body?: string): Promise<string> {
  const req = request({ ...options, agent })
  req.end(body)
  const [response] = (await once(req, 'response')) as [IncomingMessage]
  const text = await readText(response)
  if (response.statusCode !== status) throw new Error(`${options.path} was answered ${response.statusCode}: ${text.slice(0, 300)}`)
  return text
}

async function readText(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8')
  let text = ''
  for await (const chunk of response) text += chunk
  return text
}
