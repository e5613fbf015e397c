/**
 * The pace of a stream, in both directions: a client that sends or reads almost nothing still
 * occupies a place.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'

/** The least number of bytes in a period. */
export type Pace = { readonly bytes: number; readonly everyMs: number }

/**
 * Half a kilobyte a second: less than any connection carries, and far less than any proxy sends.
 */
export const STREAM_PACE: Pace = { bytes: 10_240, everyMs: 20_000 }

/**
 * Cuts a stream that falls behind. While the request arrives it measures what is sent, and from the
 * beginning of the answer what is read. Time spent waiting for us does not count.
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
