/**
 * A client that sends whatever bytes a test likes, and tells what came back until the server
 * closed.
 */
import { connect } from 'node:net'

export type RawAnswer = {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
  readonly text: string
}

/**
 * Opens a connection, sends the pieces as they are, and reads to the end. `pauseMs` lies between
 * the pieces.
 */
export async function sendRaw(port: number, pieces: readonly (string | Buffer)[], pauseMs = 0): Promise<RawAnswer> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  let over = false
  const ended = new Promise<void>(resolve => {
    socket.on('data', chunk => chunks.push(chunk))
    // A server that cuts a connection off is an answer too.
    socket.on('error', () => {})
    socket.on('close', () => {
      over = true
      resolve()
    })
  })
  for (const [at, piece] of pieces.entries()) {
    if (over) break
    if (at > 0 && pauseMs > 0) await Promise.race([ended, new Promise(resolve => setTimeout(resolve, pauseMs))])
    socket.write(piece)
  }
  await ended
  return readAnswer(Buffer.concat(chunks).toString())
}

/** A request without a body, that asks for the connection to be closed. */
export function head(method: string, path: string, headers: readonly string[] = []): string {
  return [`${method} ${path} HTTP/1.1`, 'Host: ledger.example', 'Connection: close', ...headers, '', ''].join('\r\n')
}

/** Status 0 where the server said nothing. */
function readAnswer(text: string): RawAnswer {
  const end = text.indexOf('\r\n\r\n')
  const [first = '', ...lines] = text.slice(0, Math.max(0, end)).split('\r\n')
  const headers = new Map(lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]))
  return { status: Number(first.split(' ')[1] ?? 0), headers, body: text.slice(end + 4), text }
}
