/** The look-ups in the database. */
import { toHex } from '../../core/bytes.ts'
import { HASH_BYTES } from '../../core/hash.ts'
import type { DigestIndexes, Lookups } from '../port/lookups.ts'
import type { DatabaseStatement } from './connection.ts'
import type { PostgresDatabase } from './database.ts'
import { AGENCY, agencyKey, DIGEST, digestKey, RECORD, recordKey } from './packed.ts'

const OLDEST: DatabaseStatement = {
  name: 'oldest',
  text: 'SELECT idx FROM openseal.lookup WHERE kind = $1 AND key = $2 ORDER BY idx LIMIT $3',
}
const NEWEST: DatabaseStatement = {
  name: 'newest',
  text: 'SELECT idx FROM openseal.lookup WHERE kind = $1 AND key = $2 AND idx < $3 ORDER BY idx DESC LIMIT $4',
}
/**
 * Steps from one digest to the next by the index, because one digest can have as many rows as the
 * log has entries.
 */
const digestsFrom = (first: '>' | '>='): DatabaseStatement => ({
  name: first === '>' ? 'digests-after' : 'digests-from',
  text: `WITH RECURSIVE found(key) AS (
    (SELECT key FROM openseal.lookup WHERE kind = ${DIGEST} AND key ${first} $1 AND key <= $2 ORDER BY key LIMIT 1)
    UNION ALL
    SELECT (SELECT l.key FROM openseal.lookup l WHERE l.kind = ${DIGEST} AND l.key > found.key AND l.key <= $2 ORDER BY l.key LIMIT 1)
      FROM found WHERE found.key IS NOT NULL)
  SELECT key,
    ARRAY(SELECT idx FROM openseal.lookup l WHERE l.kind = ${DIGEST} AND l.key = found.key ORDER BY idx LIMIT $3),
    ARRAY(SELECT idx FROM openseal.lookup l WHERE l.kind = ${DIGEST} AND l.key = found.key ORDER BY idx DESC LIMIT $4)
  FROM found WHERE key IS NOT NULL LIMIT $5`,
})
const DIGESTS_FROM = digestsFrom('>=')
const DIGESTS_AFTER = digestsFrom('>')

/** The look-ups of a database. */
export function createLookups({ read }: PostgresDatabase): Lookups {
  const newest = async (kind: number, key: Uint8Array, before: number, limit: number) =>
    indexes(await read(NEWEST, kind, key, before, limit))
  return {
    findByDigest: async (digest, limit) => indexes(await read(OLDEST, DIGEST, digestKey(digest), limit)),
    listByDigest: (digest, before, limit) => newest(DIGEST, digestKey(digest), before, limit),
    async digestsWithPrefix(prefix, { after, limit, each }) {
      const end = digestKey(prefix.padEnd(2 * HASH_BYTES, 'f'))
      const [statement, start] =
        after === undefined ? [DIGESTS_FROM, digestKey(prefix.padEnd(2 * HASH_BYTES, '0'))] : [DIGESTS_AFTER, digestKey(after)]
      const rows = await read(statement, start, end, each + 1, each / 2, limit + 1)
      const digests = rows.slice(0, limit).map(([key, oldest, newestFirst]): DigestIndexes => {
        const [digest, found] = [toHex(key as Uint8Array), oldest as number[]]
        if (found.length <= each) return { digest, indexes: found }
        return { digest, indexes: [...found.slice(0, each / 2), ...(newestFirst as number[]).reverse()], more: true }
      })
      return { digests, ...(rows.length > limit && { more: true as const }) }
    },
    listByRecord: (agency, record, before, limit) => newest(RECORD, recordKey({ agency, record }), before, limit),
    listByAgency: (agency, before, limit) => newest(AGENCY, agencyKey(agency), before, limit),
  }
}

function indexes(rows: readonly (readonly unknown[])[]): number[] {
  return rows.map(([index]) => index as number)
}
