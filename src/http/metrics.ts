/** Prometheus metrics of one service, in their own registry. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Watched } from './watched.ts'

export type Metrics = {
  readonly contentType: string
  /** The current metrics in the Prometheus text format. */
  text(): Promise<string>
  /** Counts one answered request by its route pattern, never by its path. */
  countRequest(method: string, route: string, status: number, seconds: number): void
  /** Counts one problem document by its code. */
  countProblem(code: string): void
  /** Counts one answer to a submission. */
  countSubmission(outcome: 'accepted' | 'known' | 'rejected'): void
  /** Counts one request to erase, or one that was taken back. */
  countErasure(step: 'requested' | 'taken-back'): void
  /** Counts one sealed batch. */
  countSeal(batch: { readonly records: number; readonly durationMs: number }): void
}

/**
 * Creates the metrics of a ledger. Their names begin with `openseal_`; the process metrics are
 * prom-client's own.
 */
export function createMetrics({
  ledger,
  anchorer,
  scrub,
  host,
  notAccepting,
  alarms,
  freeBytes,
}: Watched & {
  /** The free space on the data disk; missing if it is unknown. */
  readonly freeBytes?: () => number
}): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const requests = new Counter({
    name: 'openseal_http_requests_total',
    help: 'Requests answered, by route pattern.',
    labelNames: ['method', 'route', 'status'],
    registers,
  })
  const durations = new Histogram({
    name: 'openseal_http_request_seconds',
    help: 'Time to the end of the answer, by route pattern.',
    labelNames: ['method', 'route'],
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 60],
    registers,
  })
  const problems = new Counter({
    name: 'openseal_problems_total',
    help: 'Requests answered with a problem, by its code.',
    labelNames: ['code'],
    registers,
  })
  const submissions = new Counter({
    name: 'openseal_submissions_total',
    help: 'Submissions by outcome.',
    labelNames: ['outcome'],
    registers,
  })
  const erasures = new Counter({
    name: 'openseal_erasures_total',
    help: 'Requests to erase a statement, and those that were taken back.',
    labelNames: ['step'],
    registers,
  })
  const seals = new Histogram({
    name: 'openseal_seal_seconds',
    help: 'Time to seal a batch: sequence, extend, commit, sign, read back.',
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
    registers,
  })
  const sealed = new Counter({ name: 'openseal_sealed_submissions_total', help: 'Submissions that were sealed.', registers })
  gauge(registers, 'openseal_tree_size', 'Entries in the log.', () => ledger.head().size)
  gauge(registers, 'openseal_stopped', '1 when the ledger has stopped sealing.', () => (ledger.stopped() === undefined ? 0 : 1))
  gauge(registers, 'openseal_accepting', '1 while submissions are accepted.', () =>
    (ledger.stopped() ?? ledger.unsettled() ?? notAccepting?.()) === undefined ? 1 : 0,
  )
  gauge(registers, 'openseal_waiting', 'Statements that wait to be sealed.', () => ledger.waiting())
  gauge(registers, 'openseal_mark_alarm', '1 while the mark of what was signed is missing or cannot be written.', () =>
    alarms?.().some(({ code }) => code.startsWith('MARK_')) ? 1 : 0,
  )
  gauge(registers, 'openseal_old_key_missing', '1 while the old log key should sign beside the new one, and this node lacks it.', () =>
    alarms?.().some(({ code }) => code === 'OLD_KEY_MISSING') ? 1 : 0,
  )
  gauge(registers, 'openseal_chains_outdated', '1 once the chains of the log were changed since this node started.', () =>
    alarms?.().some(({ code }) => code === 'CHAINS_OUTDATED') ? 1 : 0,
  )
  if (freeBytes) gauge(registers, 'openseal_disk_free_bytes', 'Free bytes on the disk of the data folder.', freeBytes)
  gauge(registers, 'openseal_anchor_unanchored_entries', 'Entries that no final round covers.', () => behind(ledger))
  gauge(registers, 'openseal_anchor_age_seconds', 'Age of the newest final round; -1 before the first.', () => {
    const newest = ledger.latestRound()
    return newest === undefined ? -1 : host.nowMs() / 1000 - Date.parse(newest.time) / 1000
  })
  if (anchorer) anchorGauges(registers, anchorer)
  if (anchorer) voucherGauges(registers, anchorer)
  if (scrub) scrubGauges(registers, scrub)

  // Looking up a counter by its labels takes as long as counting. The number of labels is bounded
  // by the number of routes.
  const counted = new Map<string, { requests: Counter.Internal; durations: Histogram.Internal<string> }>()
  const outcomes = {
    accepted: submissions.labels('accepted'),
    known: submissions.labels('known'),
    rejected: submissions.labels('rejected'),
  }

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    countRequest: (method, route, status, seconds) => {
      const name = `${method} ${status} ${route}`
      const counters = counted.get(name) ?? {
        requests: requests.labels({ method, route, status }),
        durations: durations.labels({ method, route }),
      }
      counted.set(name, counters)
      counters.requests.inc()
      counters.durations.observe(seconds)
    },
    countProblem: code => problems.inc({ code }),
    countSubmission: outcome => outcomes[outcome].inc(),
    countErasure: step => erasures.inc({ step }),
    countSeal: ({ records, durationMs }) => {
      seals.observe(durationMs / 1000)
      sealed.inc(records)
    },
  }
}

/** How many entries no final round covers. */
export function behind(ledger: Pick<Watched['ledger'], 'head' | 'latestRound'>): number {
  return ledger.head().size - (ledger.latestRound()?.size ?? 0)
}

function anchorGauges(registers: Registry[], anchorer: NonNullable<Watched['anchorer']>): void {
  gauge(
    registers,
    'openseal_anchor_lag_seconds',
    'How long the oldest entry without a final round has waited.',
    () => anchorer.lag().oldestUnanchoredMs / 1000,
  )
  gauge(registers, 'openseal_anchor_balance_wei', 'Balance of the signing address; -1 while it is not known.', () =>
    Number(anchorer.lag().balanceWei ?? -1),
  )
  gauge(
    registers,
    'openseal_anchor_affordable',
    'How many more anchors the balance pays for at current fees; -1 while it is not known.',
    () => anchorer.lag().affordableAnchors ?? -1,
  )
  gauge(registers, 'openseal_anchor_alarm', '1 while something is wrong with anchoring.', () =>
    anchorer.lag().alarm === undefined ? 0 : 1,
  )
  gauge(
    registers,
    'openseal_anchor_pending',
    'Anchors that are not final yet.',
    () => anchorer.state().filter(a => a.state !== 'final').length,
  )
}

/** For each voucher: how far it is, and whether it is behind. */
function voucherGauges(registers: Registry[], { vouchers }: NonNullable<Watched['anchorer']>): void {
  const each = (name: string, help: string, read: (voucher: ReturnType<typeof vouchers>[number]) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['kind', 'voucher'],
      registers,
      collect() {
        for (const voucher of vouchers()) this.set({ kind: voucher.kind, voucher: voucher.name }, read(voucher))
      },
    })
  each('openseal_voucher_size', 'The newest tree size that a voucher vouches for; 0 before the first.', ({ size }) => size)
  each('openseal_voucher_behind', '1 while something is wrong with a voucher.', ({ trouble }) => (trouble === undefined ? 0 : 1))
}

function scrubGauges(registers: Registry[], scrub: NonNullable<Watched['scrub']>): void {
  gauge(registers, 'openseal_scrub_findings', 'Parts of the store that do not match the tree.', () => scrub.state().findings.length)
  gauge(registers, 'openseal_scrub_entry', 'The entry that the scrub reads next.', () => scrub.state().at)
  gauge(registers, 'openseal_scrub_passes', 'How often the scrub has read the whole ledger.', () => scrub.state().passes)
  gauge(
    registers,
    'openseal_scrub_last_pass_seconds',
    'When the scrub last reached the end, in seconds since 1970; 0 before the first time.',
    () => {
      const { lastPass } = scrub.state()
      return lastPass === undefined ? 0 : Date.parse(lastPass) / 1000
    },
  )
}

function gauge(registers: Registry[], name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers,
    collect() {
      this.set(read())
    },
  })
}
