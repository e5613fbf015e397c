/**
 * Watches the running ledger: the load, the comparison with its chain, the scrub of its disk, and
 * the metrics of all of them.
 */
import { statfsSync } from 'node:fs'
import { openScrub } from '../care/scrub.ts'
import { createAdmission } from '../http/guard/admission.ts'
import { createMetrics } from '../http/metrics.ts'
import type { LedgerDeps } from '../ledger/ledger.ts'
import type { EmbeddedStore } from '../store/port/port.ts'
import { compare } from './compare.ts'
import type { OpenLog } from './open-log.ts'
import type { Start } from './parts.ts'

type OnSeal = NonNullable<LedgerDeps['onSeal']>

/** Passes on each sealed batch: the ledger is opened before its listeners exist. */
export function createSealBell() {
  const listeners: OnSeal[] = []
  const ring: OnSeal = batch => {
    for (const listener of listeners) listener(batch)
  }
  return { ring, listen: (listener: OnSeal) => listeners.push(listener) }
}

export type Watch = Awaited<ReturnType<typeof openWatch>>

/**
 * Starts all of it. Resolves after the first try to compare the ledger with its chain. Nothing is
 * accepted before the comparison is made.
 */
export async function openWatch(
  { config, dataDir, host, log, parts }: Start,
  store: EmbeddedStore,
  { ledger, anchorer, anchorChain, mark }: OpenLog,
  bell: ReturnType<typeof createSealBell>,
) {
  const admission = createAdmission({ waiting: () => ledger.waiting(), nowMs: host.steadyMs })
  parts.admission = admission
  bell.listen(({ records }) => admission.noteSeal(records))

  const comparison = compare({ anchorer, chain: anchorChain, config, host, log })
  parts.comparison = comparison
  await comparison.first
  const { notAccepting } = comparison

  const scrub = await openScrub({ store, entriesPerSecond: config.scrubRate, host, log })
  parts.scrub = scrub
  scrub.start()

  const metrics = createMetrics({
    ledger,
    anchorer,
    scrub,
    nowMs: host.nowMs,
    notAccepting,
    alarms: () => [mark.alarm()].filter(alarm => alarm !== undefined),
    freeBytes: () => freeBytes(dataDir),
  })
  bell.listen(metrics.countSeal)
  return { admission, notAccepting, scrub, metrics }
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}
