/**
 * The load, in a separate process: single submissions over kept-alive connections, at a fixed rate
 * whatever the answers are. It ignores `Retry-After`, as clients in an overload do.
 */
import { connect, type Socket } from 'node:net'
import { statementLine } from '../../bench/statements.ts'

export type Order = {
  readonly port: number
  readonly key: string
  /** Names the statements. */
  readonly run: string
  readonly connections: number
  /** Submissions a second; absent: as fast as the answers come. */
  readonly perSecond?: number
  readonly durationMs: number
}

export type Report = {
  readonly sent: number
  /** Not sent, because every connection waited for an answer. */
  readonly unsent: number
  /** Answers by status and code. */
  readonly answers: { readonly [name: string]: number }
  /**
   * Milliseconds from the last byte sent to the first one back: median, 99th of a hundred, longest.
   */
  readonly accepted: readonly [number, number, number]
  readonly refused: readonly [number, number, number]
  /** Refusals that did not say when to come again. */
  readonly withoutRetry: number
  /** The number of each acknowledged statement, and its index. */
  readonly acknowledged: readonly (readonly [number, number])[]
}

process.on('message', (order: Order) => {
  submit(order).then(report => process.send?.(report))
})
process.once('SIGTERM', () => process.exit(0))
process.send?.({})

async function submit({ port, key, run, connections, perSecond, durationMs }: Order): Promise<Report> {
  const idle: Client[] = Array.from({ length: connections }, () => openClient(port))
  const answers: { [name: string]: number } = {}
  const accepted: number[] = []
  const refused: number[] = []
  const acknowledged: [number, number][] = []
  let n = 0
  let unsent = 0
  let withoutRetry = 0
  const sendOne = async () => {
    const client = idle.pop()!
    const mine = n++
    const startMs = performance.now()
    const { status, head, body } = await client.ask(requestOf(statementLine(run, mine), key))
    const ms = performance.now() - startMs
    const code = status === 201 || status === 200 ? '' : ` ${/"code":"(\w+)"/.exec(body)?.[1] ?? 'cut off'}`
    answers[`${status}${code}`] = (answers[`${status}${code}`] ?? 0) + 1
    if (code === '') {
      accepted.push(ms)
      acknowledged.push([mine, Number(/^\{"index":(\d+)/.exec(body)?.[1])])
    } else {
      refused.push(ms)
      if (!/\r\nretry-after: \d/i.test(head)) withoutRetry++
    }
    idle.push(client)
  }
  const startMs = performance.now()
  const under = new Set<Promise<void>>()
  for (let due = 0; performance.now() - startMs < durationMs; ) {
    const owed = perSecond === undefined ? idle.length : Math.floor(((performance.now() - startMs) / 1000) * perSecond) - due
    for (let i = 0; i < owed; i++) {
      due++
      if (idle.length === 0) {
        unsent++
        continue
      }
      const one: Promise<void> = sendOne().finally(() => under.delete(one))
      under.add(one)
    }
    await new Promise(resolve => setTimeout(resolve, 2))
  }
  await Promise.all(under)
  for (const client of idle) client.close()
  return { sent: n, unsent, answers, accepted: spread(accepted), refused: spread(refused), withoutRetry, acknowledged }
}

function requestOf(body: string, key: string): string {
  const head = ['POST /v1/records HTTP/1.1', 'Host: ledger', `Authorization: Bearer ${key}`, 'Content-Type: application/json']
  return `${head.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

type Answer = { readonly status: number; readonly head: string; readonly body: string }
type Client = { ask(request: string): Promise<Answer>; close(): void }

/**
 * One connection, one question at a time; opened again where it was closed. Cheaper than node:http,
 * so that the load is not what is measured.
 */
function openClient(port: number): Client {
  let socket: Socket | undefined
  let text = ''
  let tell: ((answer: Answer) => void) | undefined
  const finish = (answer: Answer) => {
    text = ''
    const told = tell
    tell = undefined
    told?.(answer)
  }
  const open = () => {
    const opened = connect(port, '127.0.0.1').setNoDelay(true)
    opened.on('data', chunk => {
      text += chunk.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = text.slice(0, end)
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
      if (text.length >= end + 4 + length) finish({ status: Number(head.slice(9, 12)), head, body: text.slice(end + 4) })
    })
    opened.on('error', () => {})
    opened.on('close', () => {
      if (socket === opened) socket = undefined
      finish({ status: 0, head: '', body: '' })
    })
    return opened
  }
  return {
    ask: request =>
      new Promise(resolve => {
        tell = resolve
        socket ??= open()
        socket.write(request)
      }),
    close: () => socket?.destroy(),
  }
}

function spread(values: number[]): [number, number, number] {
  const sorted = values.sort((a, b) => a - b)
  const at = (part: number) => Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0) * 10) / 10
  return [at(0.5), at(0.99), at(1)]
}
