/** Waits until enough others vouch for a record. */
import { setTimeout as sleep } from 'node:timers/promises'
import { remark } from './output.ts'
import type { Expected, Received, Receiver } from './received.ts'

const POLL_MS = 1000

/**
 * The record's receipt as soon as enough others vouch for it, otherwise the last one that came in
 * time. If no endpoint of a chain was named, it waits only for a receipt with an anchor, because
 * nobody can be asked. Says on stderr what it waits for, and when nobody answers. Each receipt is
 * checked; throws what `check` throws.
 */
export async function waitForAnchor(receiver: Receiver, expected: Expected, seconds: number): Promise<Received> {
  const endMs = performance.now() + seconds * 1000
  let said = ''
  const say = (sentence: string) => {
    if (sentence !== said) remark(sentence)
    said = sentence
  }
  for (;;) {
    const received = await receiver.read(expected)
    const isEnough = received.state === 'anchored' || (received.claimed && receiver.chain.length === 0)
    if (isEnough || performance.now() + POLL_MS > endMs) return received
    say(
      received.state === 'unchecked'
        ? 'The receipt names an anchor, but no endpoint of the chain answers. Still waiting. Ctrl-C stops that; name an endpoint with --rpc URL.'
        : `Entry ${received.index} is sealed. Waiting until enough others vouch for it, ${seconds} seconds at most. Ctrl-C stops that, and the entry stays.`,
    )
    await sleep(POLL_MS)
  }
}
