/** Notices, on one node of many, that the chains of the log were changed while it runs. */
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

/** Starts to look. While the store cannot be read, other alarms say so. */
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
            message: `Entry ${index} changes the chains of the log, and this node still has those from before. Restart it.`,
          },
    stop: () => task.stop(),
  }
}
