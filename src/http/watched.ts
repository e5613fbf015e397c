/** The parts of a running ledger whose state is told: in metrics, at /readyz and on pages. */
import type { Anchorer } from '../anchor/anchorer.ts'
import type { Scrub } from '../care/scrub.ts'
import type { Ledger } from '../ledger/ledger.ts'

/** Something that is wrong: a stable code, and a sentence for people. */
export type Alarm = { readonly code: string; readonly message: string }

/** What is watched. */
export type Watched = {
  readonly ledger: Ledger
  /** Absent where nothing anchors. */
  readonly anchorer?: Pick<Anchorer, 'state' | 'lag'> | undefined
  /** Absent where nothing reads the disk again. */
  readonly scrub?: Pick<Scrub, 'state'> | undefined
  readonly nowMs: () => number
  /** Why no submission is accepted now, as LEDGER_NOT_COMPARED; undefined when they are. */
  readonly notAccepting?: (() => string | undefined) | undefined
  /** What else is wrong, beside anchoring and what the scrub found. */
  readonly alarms?: (() => readonly Alarm[]) | undefined
}
