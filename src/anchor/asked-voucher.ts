/**
 * A voucher that is asked once for each round: a witness for its cosignature, an authority for its
 * time stamp. It is asked for the newest round only, tried again with longer pauses, and has an
 * alarm of its own.
 */
import { OpenSealError } from '../core/errors.ts'
import type { Host } from '../host.ts'
import type { Log } from '../logger.ts'
import { isDocumentChanged } from '../store/port/documents.ts'
import type { AnchoredLedger } from './anchored.ts'
import type { Round } from './rounds.ts'
import type { Tenure } from './tenure.ts'
import type { Trouble } from './trouble.ts'
import type { VoucherState } from './voucher.ts'

export type AskedVoucher = {
  /** Asks for the next round, if there is one. Never two at once. Its state has what went wrong. */
  tick(): Promise<void>
  state(): VoucherState
  /** Gives up a request that is under way. Resolves when nothing runs. */
  stop(): Promise<void>
}

type Deps = {
  readonly kind: 'witness' | 'timestamp'
  readonly name: string
  readonly ledger: Pick<AnchoredLedger, 'stopped'>
  /** The size for which it vouched last; 0 before the first. */
  readonly newest: () => Promise<number>
  readonly nextRound: (previous: number) => Promise<Round | undefined>
  /** Asks, and stores the answer. Throws what the client throws. */
  readonly ask: (round: Round, previous: number, signal: AbortSignal) => Promise<void>
  /** A problem with what it has given, which no new answer has mended yet. */
  readonly warning?: () => Trouble | undefined
  /** What else its state has. */
  readonly about?: () => Pick<VoucherState, 'revocation'>
  readonly tenure: Tenure
  readonly host: Pick<Host, 'steadyMs'>
  readonly log: Log
}

/** Pauses after a failure: the first, doubled each time up to the longest. */
const PAUSE_MS = { first: 1_000, longest: 60_000 }
/** A request that takes longer is told. With pauses and polls, a silent voucher shows in a minute. */
const SLOW_MS = 30_000
/** One failure can be a moment's. */
const TOLD_AFTER = 2

/** Creates one. It asks nothing before the first `tick`. */
export function createAskedVoucher({ kind, name, ledger, newest, nextRound, ask, warning, about, tenure, host, log }: Deps): AskedVoucher {
  const stopping = new AbortController()
  let size = 0
  let running: Promise<void> | undefined
  let askedMs: number | undefined
  let failures = 0
  let againMs = 0
  let failure: Trouble | undefined
  let told: string | undefined

  async function askNext(): Promise<void> {
    size = await newest()
    if (ledger.stopped() !== undefined || !(await tenure.holds())) return clear()
    const round = await nextRound(size)
    if (round === undefined) return clear()
    if (host.steadyMs() < againMs) return
    askedMs = host.steadyMs()
    await ask(round, size, stopping.signal)
    size = round.size
    log.info('round vouched for', { kind, voucher: name, size })
    clear()
  }

  function clear(): void {
    if (told !== undefined) log.info('voucher answers again', { kind, voucher: name, after: told })
    failures = 0
    againMs = 0
    failure = told = undefined
  }

  function fail(cause: unknown): void {
    // Another node has the lease now. Nothing was written over its work.
    if (stopping.signal.aborted || isDocumentChanged(cause)) return
    failures++
    againMs = host.steadyMs() + Math.min(PAUSE_MS.first * 2 ** (failures - 1), PAUSE_MS.longest)
    failure =
      cause instanceof OpenSealError
        ? { code: cause.code, message: cause.message }
        : { code: 'VOUCHER_FAILED', message: 'Asking for a signature or a time stamp fails: see the log.' }
    if (failures < TOLD_AFTER || failure.code === told) return
    told = failure.code
    log.error('voucher is in trouble', { kind, voucher: name, ...failure, cause })
  }

  function trouble(): Trouble | undefined {
    if (failures >= TOLD_AFTER) return failure
    if (askedMs !== undefined && host.steadyMs() - askedMs > SLOW_MS)
      return { code: 'VOUCHER_SILENT', message: `It has not answered for ${Math.round((host.steadyMs() - askedMs) / 1000)} seconds.` }
    return warning?.()
  }

  return {
    tick() {
      running ??= askNext()
        .catch(fail)
        .finally(() => {
          askedMs = running = undefined
        })
      return running
    },
    state() {
      const found = trouble()
      return { kind, name, size, ...about?.(), ...(found && { trouble: found }) }
    },
    async stop() {
      stopping.abort()
      await running
    },
  }
}
