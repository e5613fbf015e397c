/** Waiting until a final anchor covers a record. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from './client.ts'

const POLL_MS = 1000

/** True as soon as the ledger says that the record is anchored; false when it did not within the time. */
export async function waitForAnchor(client: Client, index: number, seconds: number): Promise<boolean> {
  const endMs = performance.now() + seconds * 1000
  for (;;) {
    const { state } = (await client.readJson(`/v1/records/${index}`)) as { state: string }
    if (state === 'anchored') return true
    if (performance.now() + POLL_MS > endMs) return false
    await sleep(POLL_MS)
  }
}
