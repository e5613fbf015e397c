/** The parts of a running service, and the order in which they are shut down. */

import type { Scrub } from '../care/scrub.ts'
import type { Config } from '../config.ts'
import type { Finder } from '../finder/finder.ts'
import type { Host } from '../host.ts'
import type { Log } from '../logger.ts'

/** The parts started so far, in the order in which they are shut down. */
export type Parts = {
  http?: { close(): Promise<void> }
  operatorHttp?: { close(): Promise<void> }
  admission?: { stop(): void }
  comparison?: { stop(): Promise<void> }
  finder?: Finder
  scrub?: Scrub
  ledger?: { close(): Promise<void> }
  mark?: { close(): Promise<void> }
  /** Only until the ledger has it, which then closes it. */
  store?: { close(): Promise<void> } | undefined
  anchorChain?: { close(): void }
  embedded?: { stop(): Promise<void> }
}

/** The input of a start. */
export type Start = { readonly config: Config; readonly dataDir: string; readonly host: Host; readonly log: Log; readonly parts: Parts }

/**
 * Stops accepting and finishes current requests; then closes the anchorer, the ledger with its
 * store, and the chain. Continues if one of them fails.
 */
export async function takeDown(
  { http, operatorHttp, admission, comparison, finder, scrub, ledger, mark, store, anchorChain, embedded }: Parts,
  log: Log,
): Promise<void> {
  const steps = [
    () => http?.close(),
    () => operatorHttp?.close(),
    () => admission?.stop(),
    () => comparison?.stop(),
    () => finder?.stop(),
    () => scrub?.stop(),
    () => ledger?.close(),
    // after the last seal
    () => mark?.close(),
    () => store?.close(),
    () => anchorChain?.close(),
    () => embedded?.stop(),
  ]
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      log.error('close failed', { error })
    }
  }
}
