/** The checks before the desk submits anything. */
import type { KeyHolder } from '../../ledger/agencies/keys.ts'
import { BusyError, RequestError } from '../problem.ts'
import { closingError } from '../submissions.ts'
import type { DeskDeps } from './pages.ts'

/** The parts that a submission needs. */
type Admitting = Pick<DeskDeps, 'limits' | 'notAccepting' | 'isClosing' | 'admission'>

/**
 * Admits one submission of a key, and returns the function that ends it. Throws LEDGER_CLOSED,
 * LEDGER_OVERLOADED, RATE_KEY, LEDGER_NOT_COMPARED.
 */
export function admitSubmission({ keyId }: KeyHolder, deps: Admitting): () => void {
  const { limits, notAccepting, isClosing, admission } = deps
  if (isClosing?.()) throw closingError()
  refuseBusy(deps)
  limits?.admitKey(keyId)
  const reason = notAccepting?.()
  if (reason !== undefined) throw new RequestError('LEDGER_NOT_COMPARED', reason)
  return admission?.enter() ?? (() => {})
}

/** Refuses before anything is done if more is submitted than can be sealed. */
export function refuseBusy({ admission }: Pick<Admitting, 'admission'>): void {
  const seconds = admission?.busySeconds() ?? 0
  if (seconds > 0) throw new BusyError('LEDGER_OVERLOADED', 'More is submitted than can be sealed.', seconds)
}
