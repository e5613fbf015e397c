/** Time-stamp authorities as vouchers: each stamps the checkpoints of rounds. */
import { toBase64 } from '../core/bytes.ts'
import { formatTime } from '../core/time.ts'
import { parseNote } from '../core/tlog/note.ts'
import type { Host } from '../host.ts'
import type { Documents } from '../store/port/documents.ts'
import type { AnchoredLedger } from './anchored.ts'
import { type AskedVoucher, createAskedVoucher } from './asked-voucher.ts'
import type { Round } from './rounds.ts'
import { type StoredToken, TOKENS } from './stored.ts'
import type { TimestampClient } from './timestamp.ts'
import type { Trouble } from './trouble.ts'

type Deps = {
  readonly client: TimestampClient
  readonly ledger: Pick<AnchoredLedger, 'stopped' | 'addToken' | 'logTimestamp'>
  readonly store: Pick<Documents, 'readDocument'>
  readonly host: Pick<Host, 'nowMs' | 'steadyMs'>
} & Pick<Parameters<typeof createAskedVoucher>[0], 'nextRound' | 'tenure' | 'log'>

/** The alarm begins this long before the newest token can no longer be checked. */
const RENEWAL_MS = 90 * 86_400_000

/**
 * An authority of this ledger. Each of its tokens becomes an entry of the log, so that later stamps,
 * by any authority, cover it.
 */
export function createAuthorityVoucher({ client, ledger, store, nextRound, host, log, ...others }: Deps): AskedVoucher {
  const { name } = client
  let newest: StoredToken | undefined
  let logged: string | undefined

  /**
   * After a crash between the two writes, the next start finds the token and logs it. What is logged
   * already is known, because the entry is the same.
   */
  async function logNewest(): Promise<void> {
    if (newest === undefined || newest.sha256 === logged) return
    const { size, sha256, created } = newest
    await ledger.logTimestamp({ size, sha256, created })
    logged = sha256
  }

  async function stamp({ size, checkpoint }: Round, signal: AbortSignal): Promise<void> {
    const { token, sha256, signer, time, renewBy, revocation } = await client.stamp(parseNote(checkpoint).text, signal)
    if (revocation !== 'good') log.warn('revocation of a time stamp was not checked', { voucher: name, size, revocation })
    newest = { size, name, token: toBase64(token), sha256, signer, time, renewBy, revocation, created: formatTime(host.nowMs()) }
    await ledger.addToken(newest)
    await logNewest()
  }

  return createAskedVoucher({
    kind: 'timestamp',
    name,
    ledger,
    host,
    log,
    ...others,
    async newest() {
      newest = await TOKENS.newest(store, name)
      return newest?.size ?? 0
    },
    async nextRound(previous) {
      await logNewest()
      return nextRound(previous)
    },
    ask: (round, _previous, signal) => stamp(round, signal),
    warning: () => endingOf(newest, host.nowMs()),
    about: () => (newest?.revocation === undefined ? {} : { revocation: newest.revocation }),
  })
}

function endingOf(newest: StoredToken | undefined, nowMs: number): Trouble | undefined {
  if (newest === undefined || Date.parse(newest.renewBy) - nowMs > RENEWAL_MS) return undefined
  return {
    code: 'TIMESTAMP_ENDING',
    message: `A certificate or an algorithm behind its newest time stamp ends on ${newest.renewBy.slice(0, 10)}. Ask the authority for its next certificate.`,
  }
}
