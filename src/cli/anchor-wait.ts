/** Waits until the chain vouches for a record. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Expected, Received, Receiver } from './received.ts'

const POLL_MS = 1000

/**
 * The record's receipt as soon as the chain vouches for it, otherwise the last one that came in
 * time. If no endpoint of a chain was named, it waits only for a receipt with an anchor, because
 * nobody can be asked. Each receipt is checked; throws what `check` throws.
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
