/**
 * Watches the running ledger: the load, the comparison with its chain, the scrub of its disk, and
 * the metrics of all of them.
 */
import { statfsSync } from 'node:fs'
import { openScrub } from '../care/scrub.ts'
import { createAdmission } from '../http/guard/admission.ts'
import { createMetrics } from '../http/metrics.ts'
import type { EmbeddedStore } from '../store/port/port.ts'
import { alarmOfUnnamed, watchChainList } from './chain-list.ts'
import { compare } from './compare.ts'
import { startErasing } from './erasing.ts'
import type { OpenLog } from './open-log.ts'
import type { Start } from './parts.ts'

export type ServiceWatch = Awaited<ReturnType<typeof openWatch>>

/**
 * Starts all of it. Resolves after the first try to compare the ledger with its chain. Nothing is
 * accepted before the comparison is made.
 */
export async function openWatch(
  { config, dataDir, host, log, parts, bells }: Start,
  embedded: EmbeddedStore | undefined,
  { ledger, anchorer, anchorChains, mark, endedKey, unnamed }: OpenLog,
) {
  const admission = createAdmission({ waiting: () => ledger.waiting(), nowMs: host.steadyMs })
  parts.admission = admission
  bells.sealed.listen(({ records }) => admission.noteSeal(records))

  const comparison = compare({ anchorer, chains: anchorChains, config, host, log })
  parts.comparison = comparison
  await comparison.first
  const { notAccepting } = comparison

  // A database is cared for with its own tools.
  const scrub = embedded && (await openScrub({ store: embedded, entriesPerSecond: config.scrubRate, host, log }))
  if (scrub) parts.scrub = scrub
  scrub?.start()

  const erasing = await startErasing({ ledger, isFinderClean: async () => (await parts.finder?.isClean()) ?? true, host, log })
  parts.erasing = erasing
  bells.erased.listen(erasing.note)
  // Nobody else can change a log in the data folder of a running service.
  const chainList = embedded === undefined ? watchChainList({ ledger, host, log }) : undefined
  if (chainList) parts.chainList = chainList
  const alarms = () =>
    [mark.alarm(), endedKey.alarm(), erasing.alarm(), chainList?.alarm() ?? alarmOfUnnamed(unnamed)].filter(alarm => alarm !== undefined)

  const metrics = createMetrics({
    ledger,
    anchorer,
    scrub,
    host,
    notAccepting,
    alarms,
    freeBytes: () => freeBytes(dataDir),
  })
  bells.sealed.listen(metrics.countSeal)
  return { admission, notAccepting, scrub, alarms, metrics }
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}
