/**
 * A store that is behind what its key has signed may hold statements that were erased since, and
 * nothing in it says so. Until it is filled up, or its operator has accepted the loss, it shows no
 * record to anybody. Design §16.
 */
import type { Context } from 'koa'
import type { Ledger } from '../ledger/ledger.ts'
import { placeOf } from '../web/places.ts'
import { RequestError } from './problem.ts'

/** Paths that show no statement: hashes of the log, the service itself, pages without records. */
const OPEN = [
  /^\/(healthz|readyz|metrics|checkpoint|openapi\.json|policy\.json|openseal-verifier\.html|about|for-agencies|removal|legal|privacy|verify)$/,
  /^\/(tile|assets|operator|v1\/agencies)(\/|$)/,
  /^\/v1\/(status|key|keys|backup|anchors|proofs)(\/|$)/,
]

/** @throws RequestError STORE_BEHIND if the request asks for records */
export function refuseIfBehind({ method, path: whole }: Context, ledger: Pick<Ledger, 'isBehind'>): void {
  if (!ledger.isBehind()) return
  const { path } = placeOf(whole)
  const isRead = method === 'GET' || method === 'HEAD'
  // The ledger itself refuses submissions to the interface for programs.
  if (!isRead && path.startsWith('/v1/')) return
  // The form of the page answers with records.
  const isForm = !isRead && path === '/verify'
  if (!isForm && OPEN.some(pattern => pattern.test(path))) return
  throw new RequestError(
    'STORE_BEHIND',
    'This store is older than what this ledger has signed, so it may hold statements that were erased since. No record is shown until its operator has filled it up or accepted the loss.',
  )
}
