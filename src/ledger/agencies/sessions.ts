/**
 * Sessions of the desk and of the operator's page: a random token in place of a key that was shown
 * once. Only the token's hash is stored, so a copy of the store opens nothing.
 */
import { hash as digest } from 'node:crypto'
import { toBase64Url } from '../../core/bytes.ts'
import { OpenSealError } from '../../core/errors.ts'
import type { Host } from '../../host.ts'
import type { Documents } from '../../store/port/documents.ts'
import type { AgencyKeys, KeyHolder } from './keys.ts'

/** The signed-in person: of an agency, by one of its keys, or the operator. */
export type SessionHolder = ({ readonly kind: 'agency' } & KeyHolder) | { readonly kind: 'operator' }

export type Sessions = {
  /** Begins a session, and returns its token. */
  open(holder: SessionHolder): Promise<string>
  /**
   * The holder of a session, read from the store each time; undefined if the session has ended, or
   * its key is revoked, expired or replaced.
   */
  read(token: string): Promise<SessionHolder | undefined>
  /** Ends a session. Does nothing if there is none. */
  close(token: string): Promise<void>
}

export type SessionDeps = {
  readonly store: Documents
  readonly agencies: Pick<AgencyKeys, 'holderOf'>
  /** A session of the operator ends when this key is another. */
  readonly operatorKey: string
  readonly host: Pick<Host, 'nowMs' | 'randomBytes' | 'breathe'>
}

/** A stored session. `key` is a key id, or the hash of the operator key. */
type StoredSession = { readonly kind: SessionHolder['kind']; readonly key: string; readonly openedMs: number }

const SESSIONS = 'sessions'
const HOURS_8_MS = 8 * 60 * 60 * 1000
/** How far the clocks of two nodes may differ. */
const SKEW_MS = 60_000
/** The most sessions of one key. Beyond that, its oldest ones end. */
const SESSIONS_OF_A_KEY = 16

/** Opens the sessions of a store. */
export function createSessions({ store, agencies, operatorKey, host }: SessionDeps): Sessions {
  const operatorHash = hashOf(operatorKey)
  const isOver = ({ openedMs }: StoredSession) => {
    const ageMs = host.nowMs() - openedMs
    return ageMs >= HOURS_8_MS || ageMs < -SKEW_MS
  }
  const remove = (keys: readonly string[]) => store.writeDocuments(keys.map(key => ({ collection: SESSIONS, key, value: null })))

  /** Removes ended sessions, and the oldest of a key that has too many. */
  const clear = async (of: string): Promise<void> => {
    const rows: { readonly key: string; readonly session: StoredSession }[] = []
    for (const { key, value } of await store.listDocuments(SESSIONS)) {
      await host.breathe()
      rows.push({ key, session: JSON.parse(value) })
    }
    const own = rows.filter(({ session }) => session.key === of && !isOver(session))
    const oldest = own.sort((a, b) => b.session.openedMs - a.session.openedMs).slice(SESSIONS_OF_A_KEY - 1)
    const gone = [...rows.filter(({ session }) => isOver(session)), ...oldest]
    if (gone.length > 0) await remove(gone.map(({ key }) => key))
  }

  return {
    async open(holder) {
      const key = holder.kind === 'agency' ? holder.keyId : operatorHash
      await clear(key)
      const token = toBase64Url(host.randomBytes(32))
      const session: StoredSession = { kind: holder.kind, key, openedMs: host.nowMs() }
      await store.writeDocuments([{ collection: SESSIONS, key: hashOf(token), value: JSON.stringify(session) }])
      return token
    },
    async read(token) {
      const row = await store.readDocument(SESSIONS, hashOf(token))
      if (row === undefined) return undefined
      const session: StoredSession = JSON.parse(row)
      if (isOver(session)) return undefined
      if (session.kind === 'operator') return session.key === operatorHash ? { kind: 'operator' } : undefined
      const holder = await agencies.holderOf(session.key).catch(undefinedIfInvalid)
      return holder && { kind: 'agency', ...holder }
    },
    close: token => remove([hashOf(token)]),
  }
}

function undefinedIfInvalid(error: unknown): undefined {
  if (error instanceof OpenSealError && /^KEY_(UNKNOWN|REVOKED|EXPIRED)$/.test(error.code)) return undefined
  throw error
}

function hashOf(text: string): string {
  return digest('sha256', text, 'hex')
}
