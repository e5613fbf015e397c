/**
 * Whether a node has the chains that the log lists: its settings may lack one, and on one node of
 * many, the log may change them while it runs.
 */
import type { BackgroundTask, Host } from '../host.ts'
import type { Alarm } from '../http/watched.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Log } from '../logger.ts'

export type ChainList = {
  /** Set once the log lists other chains than this node has. Only a start reads them. */
  alarm(): Alarm | undefined
  stop(): Promise<void>
}

type Deps = {
  readonly ledger: Pick<Ledger, 'unknownAnchorsChange'>
  readonly host: Pick<Host, 'sleep' | 'spawn'>
  readonly log: Log
}

const LOOK_MS = 5_000

/** The alarm about chains of the log that the settings of this node do not name. */
export function alarmOfUnnamed(chainIds: readonly number[]): Alarm | undefined {
  if (chainIds.length === 0) return undefined
  const chains = `${chainIds.length === 1 ? 'chain' : 'chains'} ${chainIds.join(', ')}`
  return {
    code: 'CHAINS_OUTDATED',
    message: `The log is anchored on ${chains}, which this node's settings do not name: it does not anchor there, and its policy lacks it. Name the same chains in OPENSEAL_VOUCHERS as the other nodes do, and restart this node.`,
  }
}

/** Starts to watch. While the store cannot be read, other alarms say so. */
export function watchChainList({ ledger, host, log }: Deps): ChainList {
  let index: number | undefined
  const task: BackgroundTask = host.spawn('list of chains', async signal => {
    while (index === undefined) {
      await host.sleep(LOOK_MS, signal)
      index = await ledger.unknownAnchorsChange().catch(() => undefined)
    }
    log.error('chains were changed', { index, advice: 'restart this node: it still has the chains from before' })
  })
  return {
    alarm: () =>
      index === undefined
        ? undefined
        : {
            code: 'CHAINS_OUTDATED',
            message: `Entry ${index} changes the chains of the log, and this node still has those from before. Name the same chains in its OPENSEAL_VOUCHERS as the other nodes do, and restart it.`,
          },
    stop: () => task.stop(),
  }
}
