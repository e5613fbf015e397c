/**
 * Looking a file up without telling which: a reader sends the first digits of its SHA-256 and
 * compares the answers on their own machine.
 *
 * GET /v1/digests/abc  →  { "prefix": "abc", "digests": [{ "digest": "<64 hex>", "indexes": [4, 9]
 * }, …] }
 *
 * Digests and indexes ascend. `"more": true` beside a digest's indexes: it has others between its
 * oldest and its newest 16. `"truncated": true`: more digests follow. The answer is complete for
 * every digest up to the last one listed. For a later one, ask with a longer prefix, or with
 * `?after=` that last digest.
 */
import type Router from '@koa/router'
import type { Context } from 'koa'
import type { RouteDeps } from '../deps.ts'
import { RequestError } from '../problem.ts'
import { digestPrefix, digestQuery } from '../schemas/records.ts'
import { readAs } from '../schemas/values.ts'

/**
 * The most digests in one answer. A ledger with sixteen million digests has this many under three
 * digits.
 */
const MAX_DIGESTS = 4096
const MAX_INDEXES = 32

/** Adds the route of /v1/digests. */
export function digestRoutes(router: Router, { ledger }: RouteDeps): void {
  router.get('/v1/digests/:prefix', async (ctx: Context) => {
    const prefix = String(ctx.params.prefix)
    // The refusal does not repeat the prefix, which may be a whole digest.
    if (!digestPrefix.safeParse(prefix).success)
      throw new RequestError(
        'DIGEST_PREFIX',
        'Send the first 3 to 8 hex digits of the SHA-256, in lower case, and compare the answers yourself.',
      )
    const { after } = readAs(digestQuery, { ...ctx.query }, 'QUERY_MALFORMED')
    const { digests, more } = await ledger.digestsWithPrefix(prefix, { after, limit: MAX_DIGESTS, each: MAX_INDEXES })
    ctx.body = { prefix, digests, ...(more && { truncated: true }) }
  })
}
