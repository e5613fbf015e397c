/** Compares the ledger with its chain. Nothing is accepted before that. */

import type { Anchoring } from '../anchor/anchoring.ts'
import type { AnchorChain } from '../anchor/chain.ts'
import type { Config } from '../config.ts'
import { OpenSealError } from '../core/errors.ts'
import type { Host } from '../host.ts'
import type { Log } from '../logger.ts'

const COMPARE_AGAIN_MS = 2_000

type Deps = {
  readonly anchorer: Pick<Anchoring, 'compareWithChain' | 'start' | 'stop'>
  readonly chains: readonly Pick<AnchorChain, 'close'>[]
  readonly config: Pick<Config, 'startWithoutChain'>
  readonly host: Pick<Host, 'sleep' | 'spawn'>
  readonly log: Log
}

/**
 * Compares the ledger with its chain, and repeats while no endpoint answers. `first` resolves after
 * the first try. The anchorer starts once the comparison is made.
 */
export function compare({ anchorer, chains, config: { startWithoutChain }, host, log }: Deps) {
  let reason: string | undefined = 'The ledger has not compared itself with its chain yet. Try again in a moment.'

  /** Whether it was made. */
  async function attempt(signal: AbortSignal): Promise<boolean> {
    try {
      await anchorer.compareWithChain()
      return true
    } catch (error) {
      if (signal.aborted) return false
      // The anchorer logs each change of the cause.
      const why = error instanceof OpenSealError ? error.message : 'See the log.'
      if (reason !== undefined) reason = `The ledger has not compared itself with its chain yet: ${why} Try again later.`
      if (startWithoutChain && reason !== undefined) {
        log.warn('accepting without chain', { advice: 'The ledger accepts records although it could not be compared with its chain.' })
        reason = undefined
      }
      return false
    }
  }

  // Node 20, which the npm package runs on, has no Promise.withResolvers.
  let hasTried = () => {}
  const first = new Promise<void>(resolve => {
    hasTried = resolve
  })
  const task = host.spawn('comparison', async signal => {
    for (;;) {
      const isMade = await attempt(signal)
      if (isMade && !signal.aborted) {
        reason = undefined
        anchorer.start()
      }
      hasTried()
      if (isMade) return
      await host.sleep(COMPARE_AGAIN_MS, signal)
    }
  })

  return {
    first,
    notAccepting: () => reason,
    async stop() {
      const stopping = task.stop()
      const ended = anchorer.stop()
      // Ends waits for an endpoint or a signer. Everything that was sent is stored, and the next
      // start looks for it.
      for (const chain of chains) chain.close()
      await stopping
      await ended
    },
  }
}
