/**
 * Authentication: agencies by their API keys, the operator by the operator key, both as Bearer (RFC
 * 6750).
 */

import { createHash, timingSafeEqual } from 'node:crypto'
import type { Context } from 'koa'
import type { KeyHolder } from '../ledger/agencies/keys.ts'
import type { RouteDeps } from './deps.ts'
import { requireOperatorPlace } from './place.ts'
import { problemOf, RequestError } from './problem.ts'

/**
 * Throws OPERATOR_ELSEWHERE if the operator is not answered here, and OPERATOR_KEY_MISSING or
 * OPERATOR_KEY_WRONG unless the request carries the operator key.
 */
export function requireOperator(ctx: Context, deps: Pick<RouteDeps, 'operatorKey' | 'operatorPlace' | 'limits'>): void {
  const { operatorKey, limits } = deps
  requireOperatorPlace(ctx, deps)
  const sent = bearerOf(ctx)
  if (sent === undefined) throw new RequestError('OPERATOR_KEY_MISSING', 'Send the operator key: Authorization: Bearer <key>.')
  if (timingSafeEqual(digest(sent), digest(operatorKey))) return
  limits?.noteWrongKey(ctx)
  throw new RequestError('OPERATOR_KEY_WRONG', 'This is not the operator key of this ledger.')
}

/**
 * The holder of the request's API key. Throws KEY_MISSING, KEY_UNKNOWN, KEY_REVOKED,
 * KEY_EXPIRED, KEY_ATTEMPTS.
 */
export async function requireAgency(ctx: Context, { agencies, limits }: Pick<RouteDeps, 'agencies' | 'limits'>): Promise<KeyHolder> {
  const sent = bearerOf(ctx)
  if (sent === undefined) throw new RequestError('KEY_MISSING', "Send your agency's API key: Authorization: Bearer <key>.")
  return agencies.authenticate(sent).catch(error => {
    if (problemOf(error).status === 401) limits?.noteWrongKey(ctx)
    throw error
  })
}

/** Throws KEY_OTHER_AGENCY if a statement does not name the agency of its key. */
export function requireSameAgency(key: { agency: string }, agency: unknown): void {
  if (agency !== key.agency) throw new RequestError('KEY_OTHER_AGENCY', `This key speaks for ${key.agency} only.`)
}

/**
 * Lets the operator through, and an agency's own key with the role `admin`. Throws KEY_OTHER_AGENCY
 * and KEY_ROLE besides what `requireOperator` and `requireAgency` throw.
 */
export async function requireKeeper(
  ctx: Context,
  agency: string,
  deps: Parameters<typeof requireOperator>[1] & Pick<RouteDeps, 'agencies'>,
) {
  if (!bearerOf(ctx)?.startsWith('osk_')) return requireOperator(ctx, deps)
  requireSameAgency(await requireAgency(ctx, deps), agency)
  await requireAdmin(ctx, deps)
}

/** The holder of an agency's key with the role `admin`. Throws KEY_ROLE for any other. */
export async function requireAdmin(ctx: Context, deps: Pick<RouteDeps, 'agencies' | 'limits'>): Promise<KeyHolder> {
  const holder = await requireAgency(ctx, deps)
  if (holder.role !== 'admin')
    throw new RequestError('KEY_ROLE', 'This key may only submit. Its agency needs a key with the role admin, or the operator.')
  return holder
}

/** The key that a request carries. */
export function bearerOf(ctx: Context): string | undefined {
  return /^Bearer +([\x21-\x7e]{1,512})$/i.exec(ctx.get('Authorization'))?.[1]
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
