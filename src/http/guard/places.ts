/**
 * Places: how much one owner (an address, a key), and all owners together, have in progress at
 * once. A client that sends or reads almost nothing still holds its place, so long requests are
 * watched.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'

export type PlaceOptions = {
  /** The most places of one owner. */
  readonly each: number
  /** The most places of all owners together; missing: any number. */
  readonly all?: number
  /** The failure if the owner has its most already, or all places are taken. */
  readonly refuse: (full: 'each' | 'all') => Error
}

/**
 * Takes a place, and returns the function that frees it. If all are taken, an owner with fewer
 * takes the oldest place of the owner with the most, whose `cut` is then called. Throws what
 * `refuse` makes.
 */
export type TakePlace = (owner: string, cut?: () => void) => () => void

/** The least number of bytes in a period. */
export type Pace = { readonly bytes: number; readonly everyMs: number }

/**
 * Half a kilobyte a second: less than any connection carries, and far less than any proxy sends.
 */
export const STREAM_PACE: Pace = { bytes: 10_240, everyMs: 20_000 }

/** Creates places for one kind of work. */
export function createPlaces({ each, all = Number.POSITIVE_INFINITY, refuse }: PlaceOptions): TakePlace {
  /** The functions that end what is in progress, oldest first, by owner. */
  const owners = new Map<string, Set<() => void>>()
  let count = 0
  const makeRoom = (fewer: number) => {
    const most = [...owners.values()].reduce((a, b) => (b.size > a.size ? b : a))
    // If it had only one more, both would take the same place from each other forever.
    const oldest = most.size > fewer + 1 ? [...most][0] : undefined
    if (oldest === undefined) throw refuse('all')
    oldest()
  }
  return (owner, cut) => {
    const own = owners.get(owner) ?? new Set()
    if (own.size >= each) throw refuse('each')
    if (count >= all) makeRoom(own.size)
    const leave = () => {
      if (!own.delete(end)) return
      count--
      if (own.size === 0) owners.delete(owner)
    }
    const end = () => {
      leave()
      cut?.()
    }
    own.add(end)
    owners.set(owner, own)
    count++
    return leave
  }
}

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
