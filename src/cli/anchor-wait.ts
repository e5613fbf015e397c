/** Waiting until the chain vouches for a record. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Expected, Received, Receiver } from './received.ts'

const POLL_MS = 1000

/**
 * The record's receipt as soon as the chain vouches for it, and else the last one that came within the time. Where no endpoint of a chain was named, one that
 * speaks of an anchor is all there is to wait for: nobody can be asked. Each one is checked; throws what `check` throws.
 */
export async function waitForAnchor(receiver: Receiver, expected: Expected, seconds: number): Promise<Received> {
  const endMs = performance.now() + seconds * 1000
  for (;;) {
    const received = await receiver.read(expected)
    const isEnough = received.state === 'anchored' || (received.claimed && receiver.chain.length === 0)
    if (isEnough || performance.now() + POLL_MS > endMs) return received
    await sleep(POLL_MS)
  }
}
