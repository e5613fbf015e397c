/** The look-ups in the embedded store. */
import { equalBytes, toHex } from '../../core/bytes.ts'
import { HASH_BYTES } from '../../core/hash.ts'
import { breathe } from '../../turns.ts'
import type { DigestIndexes, Lookups } from '../port/lookups.ts'
import type { LevelDatabase } from './database.ts'
import { hexKey, readIndex, textKey, withIndex } from './rows.ts'

type Database = Pick<LevelDatabase, 'db' | 'reading'>

const ROWS_AT_ONCE = 1000
/** Above every index. */
const LAST = Number.MAX_SAFE_INTEGER
/** Most digests have only a few rows. Beyond this many, the rest is skipped. */
const MANY_ROWS = 512
/** How many rows are read for each digest that is returned. */
const ROWS_OF_DIGEST = 4

/** The look-ups of a database. */
export function createLookups(database: Database): Lookups {
  const { db, reading } = database
  const indexes = (prefix: Uint8Array, limit: number, before?: number) => reading(() => indexesUnder(database, prefix, limit, before))
  return {
    findByDigest: (digest, limit) => indexes(hexKey('d', digest), limit),
    listByDigest: (digest, before, limit) => indexes(hexKey('d', digest), limit, before),
    digestsWithPrefix: (prefix, range) => reading(() => digestsWithPrefix(database, prefix, range)),
    listByRecord: (agency, record, before, limit) => indexes(textKey('r', `${agency}\0${record}\0`), limit, before),
    async listByAgency(agency, before, limit) {
      const prefix = textKey('a', `${agency}\0`)
      const found: number[] = []
      const range = { gte: withIndex(prefix, 0), lt: withIndex(prefix, before), reverse: true, limit }
      for (const [row, count] of await reading(() => db.iterator(range).all())) {
        const first = readIndex(row, prefix.length)
        const end = Math.min(before, first + readIndex(count, 0))
        for (let index = end - 1; index >= first && found.length < limit; index--) found.push(index)
      }
      return found
    },
  }
}

/** The indexes under a prefix: oldest first, or newest first below `before`. */
async function indexesUnder({ db }: Database, prefix: Uint8Array, limit: number, before?: number): Promise<number[]> {
  const found: number[] = []
  const range = { gte: withIndex(prefix, 0), lt: withIndex(prefix, before ?? LAST), reverse: before !== undefined }
  for await (const row of db.keys(range)) {
    // A longer key belongs to another record, whose id contains a zero byte and sorts into this
    // range.
    if (row.length === prefix.length + 8) found.push(readIndex(row, prefix.length))
    if (found.length >= limit) break
  }
  return found
}

async function digestsWithPrefix(
  database: Database,
  prefix: string,
  { after, limit, each }: Parameters<Lookups['digestsWithPrefix']>[1],
): ReturnType<Lookups['digestsWithPrefix']> {
  const rows = digestRows(database, prefix, after)
  const digests: DigestIndexes[] = []
  let looked = 0
  try {
    for (let row = await rows.next(); row !== undefined; ) {
      if (digests.length >= limit || looked > limit * ROWS_OF_DIGEST) return { digests, more: true }
      const digestKey = row.slice(0, 1 + HASH_BYTES)
      const indexes: number[] = []
      for (; row !== undefined && equalBytes(row.subarray(0, digestKey.length), digestKey); row = await rows.next()) {
        if (indexes.push(readIndex(row, digestKey.length)) > MANY_ROWS) break
      }
      looked += indexes.length
      const isCut = indexes.length > MANY_ROWS
      const newest = isCut ? (await indexesUnder(database, digestKey, each / 2, LAST)).reverse() : indexes.slice(-each / 2)
      const digest = toHex(digestKey.subarray(1))
      digests.push(
        indexes.length <= each ? { digest, indexes } : { digest, indexes: [...indexes.slice(0, each / 2), ...newest], more: true },
      )
      // A digest can have as many rows as the log has entries, so the rest is skipped, not read.
      if (isCut) row = await rows.nextAfter(digestKey)
    }
  } finally {
    await rows.close()
  }
  return { digests }
}

/** The keys of digests' rows from a prefix on, in their order, read many at a time. */
function digestRows({ db }: Database, prefix: string, after: string | undefined) {
  const end = withIndex(hexKey('d', prefix.padEnd(2 * HASH_BYTES, 'f')), LAST)
  const first = withIndex(hexKey('d', prefix.padEnd(2 * HASH_BYTES, '0')), 0)
  const rows = db.keys({ ...(after === undefined ? { gte: first } : { gt: withIndex(hexKey('d', after), LAST) }), lt: end })
  let read: Uint8Array[] = []
  const next = async () => {
    if (read.length === 0) {
      await breathe()
      read = (await rows.nextv(ROWS_AT_ONCE)).reverse()
    }
    return read.pop()
  }
  return {
    next,
    /** The first row after all those of a digest. */
    nextAfter(digestKey: Uint8Array) {
      rows.seek(withIndex(digestKey, LAST))
      read = []
      return next()
    },
    close: () => rows.close(),
  }
}
