/** The pace of a stream, in both directions: a client that sends or reads almost nothing still occupies a place. */
import type { IncomingMessage, ServerResponse } from 'node:http'

/** So many bytes are to move in so many milliseconds. */
export type Pace = { readonly bytes: number; readonly everyMs: number }

/** Half a kilobyte a second: less than any line of today carries, and far less than any proxy sends. */
export const STREAM_PACE: Pace = { bytes: 10_240, everyMs: 20_000 }

/**
 * Cuts a stream that falls behind: while the request comes in by what is sent, and from the
 * beginning of the answer by what is read of it. What waits for us is not held against it.
 */
export function watchPace(request: IncomingMessage, response: ServerResponse, { bytes, everyMs }: Pace): void {
  const { socket } = request
  let received = socket.bytesRead
  let taken = socket.bytesWritten - socket.writableLength
  const timer = setInterval(() => {
    const sent = { received: socket.bytesRead, taken: socket.bytesWritten - socket.writableLength }
    const waitsForMore = !request.complete && request.readableLength === 0
    const waitsForReader = response.headersSent && socket.writableLength > 0
    if ((waitsForMore && sent.received - received < bytes) || (waitsForReader && sent.taken - taken < bytes)) socket.destroy()
    ;({ received, taken } = sent)
  }, everyMs).unref()
  response.once('close', () => clearInterval(timer))
}
