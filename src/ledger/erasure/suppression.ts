/**
 * The list of erased statements that may not come back: an HMAC of each one's identity, which is
 * useless without the key. It is pseudonymous personal data with this one purpose, and is deleted
 * after a period, or at once if the key is lost. Design §16.
 */
import { createHmac } from 'node:crypto'
import { inTurns } from '../../at-once.ts'
import { toHex } from '../../core/bytes.ts'
import type { Host } from '../../host.ts'
import { type DocumentChange, type Documents, LOCAL } from '../../store/port/documents.ts'

export type Suppression = {
  /** How long an identity stays on the list; 0 if nothing is put on it. */
  readonly periodMs: number
  /** Whether statements with these identities were erased within the period. */
  wereErased(identities: readonly string[]): Promise<readonly boolean[]>
  /** The changes that put an identity on the list, for the commit that erases it. */
  changesFor(identity: string): DocumentChange[]
  /**
   * Deletes what is older than the period, and everything that was made with another key. Looks at
   * its first call, and once an hour.
   */
  tend(): Promise<void>
}

/** `key` is 32 random bytes; missing, nothing is put on the list. */
export type SuppressionDeps = {
  readonly store: Documents
  readonly host: Pick<Host, 'nowMs' | 'steadyMs' | 'breathe'>
  readonly key: Uint8Array | undefined
  readonly periodMs: number
}

/**
 * How often the list is read whole. It holds years of erasures, so that it is too long to be read
 * every second.
 */
const TEND_MS = 3_600_000
/** How many identities are looked up at the same time. No other node seals meanwhile. */
const AT_ONCE = 256
/** The collection of the list. No backup has it, so that no backup holds it beside its key. */
const SUPPRESSED = `${LOCAL}suppressed`

type Row = { readonly untilMs: number; readonly keyName: string }

/** Opens the list of a store. */
export function createSuppression({ store, host, key, periodMs: configuredMs }: SuppressionDeps): Suppression {
  const periodMs = key === undefined ? 0 : configuredMs
  const nameOf = (identity: string) => createHmac('sha256', key!).update(identity, 'hex').digest('hex')
  /** Tells the key from another one, without telling anything of it. */
  const keyName = key === undefined ? '' : toHex(createHmac('sha256', key).update('openseal/erasure').digest().subarray(0, 8))
  let tendedMs = Number.NEGATIVE_INFINITY

  return {
    periodMs,
    async wereErased(identities) {
      if (key === undefined || (await store.listDocuments(SUPPRESSED, { limit: 1 })).length === 0) return []
      return inTurns(identities, AT_ONCE, async identity => {
        await host.breathe()
        return (await store.readDocument(SUPPRESSED, nameOf(identity))) !== undefined
      })
    },
    changesFor(identity) {
      if (periodMs === 0) return []
      const row: Row = { untilMs: host.nowMs() + periodMs, keyName }
      return [{ collection: SUPPRESSED, key: nameOf(identity), value: JSON.stringify(row) }]
    },
    async tend() {
      const startMs = host.steadyMs()
      if (startMs - tendedMs < TEND_MS) return
      const rows = await store.listDocuments(SUPPRESSED)
      const ended = rows.filter(({ value }) => {
        const row: Row = JSON.parse(value)
        return row.untilMs <= host.nowMs() || row.keyName !== keyName
      })
      if (ended.length > 0) await store.writeDocuments(ended.map(({ key }) => ({ collection: SUPPRESSED, key, value: null })))
      tendedMs = startMs
    },
  }
}
