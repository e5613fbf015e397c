/** The parts of a running ledger whose state is reported: in metrics, at /readyz and on pages. */
import type { Anchoring } from '../anchor/anchoring.ts'
import type { Scrub } from '../care/scrub.ts'
import type { Host } from '../host.ts'
import type { Ledger } from '../ledger/ledger.ts'

/** A problem: a stable code, and a sentence for people. */
export type Alarm = { readonly code: string; readonly message: string }

/** The watched parts. */
export type Watched = {
  readonly ledger: Ledger
  /** Missing if nothing is anchored. */
  readonly anchorer?: Pick<Anchoring, 'state' | 'lag' | 'troubles' | 'vouchers'> | undefined
  /** Missing if no scrub runs. */
  readonly scrub?: Pick<Scrub, 'state'> | undefined
  readonly host: Pick<Host, 'nowMs'>
  /**
   * Why no submission is accepted now, such as LEDGER_NOT_COMPARED; undefined if they are accepted.
   */
  readonly notAccepting?: (() => string | undefined) | undefined
  /** Other problems, besides anchoring and the scrub's findings. */
  readonly alarms?: (() => readonly Alarm[]) | undefined
}
