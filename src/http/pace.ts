/** The pace of a request that comes in for as long as its sender likes: whoever sends next to nothing holds a place for nothing. */
import type { IncomingMessage } from 'node:http'

/** So many bytes are to come in so many milliseconds. */
export type Pace = { readonly bytes: number; readonly everyMs: number }

/** A short line a minute, as a submitter that waits for its own source sends it. */
export const STREAM_PACE: Pace = { bytes: 128, everyMs: 60_000 }

/** Cuts a request that falls behind. What waits to be read by us is not held against it. */
export function watchPace(request: IncomingMessage, { bytes, everyMs }: Pace): void {
  let before = request.socket.bytesRead
  const timer = setInterval(() => {
    if (request.complete) return clearInterval(timer)
    const now = request.socket.bytesRead
    if (now - before < bytes && request.readableLength === 0) request.destroy()
    before = now
  }, everyMs).unref()
  request.once('close', () => clearInterval(timer))
}
