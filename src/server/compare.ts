/** Compares the ledger with its chain. Nothing is accepted before that. */

import type { Anchorer } from '../anchor/anchorer.ts'
import type { AnchorChain } from '../anchor/chain.ts'
import type { Config } from '../config.ts'
import { OpenSealError } from '../core/errors.ts'
import type { Log } from '../logger.ts'

const COMPARE_AGAIN_MS = 2_000

/**
 * Compares the ledger with its chain, and repeats while no endpoint answers. `first` resolves after
 * the first try. The anchorer starts once the comparison is made.
 */
export function compare(anchorer: Anchorer, chain: Pick<AnchorChain, 'close'>, { startWithoutChain }: Config, log: Log) {
  let reason: string | undefined = 'The ledger has not compared itself with its chain yet. Try again in a moment.'
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()

  const attempt = async (): Promise<void> => {
    try {
      await anchorer.compareWithChain()
      if (stopped) return
      reason = undefined
      anchorer.start()
    } catch (error) {
      if (stopped) return
      // The anchorer logs each change of the cause.
      const why = error instanceof OpenSealError ? error.message : 'See the log.'
      if (reason !== undefined) reason = `The ledger has not compared itself with its chain yet: ${why} Try again later.`
      if (startWithoutChain && reason !== undefined) {
        log.warn('accepting without chain', { advice: 'The ledger accepts records although it could not be compared with its chain.' })
        reason = undefined
      }
      timer = setTimeout(() => {
        running = attempt()
      }, COMPARE_AGAIN_MS)
    }
  }
  running = attempt()
  return {
    first: running,
    notAccepting: () => reason,
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      const ended = anchorer.stop()
      // Ends waits for an endpoint or a signer. Everything that was sent is stored, and the next
      // start looks for it.
      chain.close()
      await running
      await ended
    },
  }
}
