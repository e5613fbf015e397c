/** The comparison of the ledger with its chain, before which nothing is accepted. */

import type { Anchorer } from '../anchor/anchorer.ts'
import type { AnchorChain } from '../anchor/chain.ts'
import type { Config } from '../config.ts'
import { OpenSealError } from '../core/errors.ts'
import type { Log } from '../logger.ts'

const COMPARE_AGAIN_MS = 2_000

/**
 * Compares the ledger with its chain before submissions are accepted, again and again while no endpoint answers. `first` is the first try;
 * the anchorer is started once the comparison is made.
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
      // The anchorer has told the log, once for each change of the cause.
      const why = error instanceof OpenSealError ? error.message : 'See the log.'
      if (reason !== undefined) reason = `The ledger has not compared itself with its chain yet: ${why} Try again later.`
      if (startWithoutChain && reason !== undefined) {
        log.warn('accepting without chain', { advice: 'The ledger accepts records though it could not be compared with its chain.' })
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
      // Breaks off what an endpoint or a signer keeps waiting: whatever was sent is stored, and the next start looks for it.
      chain.close()
      await running
      await ended
    },
  }
}
