/** Opens rounds, on the clock. */
import { toHex } from '../core/bytes.ts'
import type { Host } from '../host.ts'
import type { Log } from '../logger.ts'
import { type Ages, createAges } from './ages.ts'
import type { AnchoredLedger } from './anchored.ts'
import type { Round } from './rounds.ts'
import type { Tenure } from './tenure.ts'

export type RoundClock = {
  /** Opens a round if one is due. Resolves with it. */
  tick(): Promise<Round | undefined>
}

type Deps = {
  readonly ledger: Pick<AnchoredLedger, 'rounds' | 'nextCheckpoint' | 'firstNews' | 'stopped' | 'judgeAgain'>
  readonly tenure: Tenure
  /** The least time between two rounds. */
  readonly intervalMs: number
  /** With fewer new entries than this, a round waits for up to `PATIENCE` intervals. */
  readonly minBatch: number
  readonly host: Pick<Host, 'nowMs' | 'steadyMs'>
  readonly log: Log
}

/** How many intervals a round of few entries waits. */
export const PATIENCE = 6

/** Creates the clock. */
export function createRoundClock({ ledger, tenure, intervalMs, minBatch, host, log }: Deps): RoundClock {
  const ages = createAges(host)
  const isDue = createDue({ intervalMs, minBatch, host }, ages)

  return {
    async tick() {
      if (ledger.stopped() !== undefined || !(await tenure.holds())) return undefined
      await ledger.judgeAgain(tenure.fence())
      const last = await ledger.rounds.newest()
      const from = last?.size ?? 0
      const { size, root, checkpoint } = await ledger.nextCheckpoint(from)
      if (size <= from || !isDue(last, size - from) || (await ledger.firstNews(from, size)) === undefined) return undefined
      const round = await ledger.rounds.open({ size, root: toHex(root), checkpoint, openedMs: ages.stamp() }, tenure.fence())
      log.info('round opened', { ordinal: round.ordinal, size })
      return round
    },
  }
}

/** Whether it is time for the next round: one interval after the last, later for few entries. */
function createDue({ intervalMs, minBatch, host }: Pick<Deps, 'intervalMs' | 'minBatch' | 'host'>, ages: Ages) {
  const createdMs = host.steadyMs()
  return (last: Round | undefined, fresh: number): boolean => {
    const waitedMs = last === undefined ? host.steadyMs() - createdMs : ages.ageMs(last.openedMs)
    if (fresh < minBatch) return waitedMs >= intervalMs * PATIENCE
    return last === undefined || waitedMs >= intervalMs
  }
}
