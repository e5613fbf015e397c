/**
 * The API keys of agencies. A key lets its holder submit for one agency. Keys are random, shown
 * once and stored hashed.
 */
import { hash as digest, timingSafeEqual } from 'node:crypto'
import { toBase64Url, toHex } from '../../core/bytes.ts'
import { formatTime } from '../../core/time.ts'
import type { Host } from '../../host.ts'
import type { Documents } from '../../store/port/documents.ts'
import { AgencyError, type Registry } from './registry.ts'

/** The rights of a key: to submit, or also to make and revoke the keys of its agency. */
export type KeyRole = 'submit' | 'admin'
/** Whose key it is, and what it may do. */
export type KeyHolder = { readonly agency: string; readonly keyId: string; readonly role: KeyRole }
/** The public facts of a key; never the key itself. */
export type AgencyKey = {
  readonly keyId: string
  readonly role: KeyRole
  readonly label?: string
  readonly created: string
  readonly expires?: string
  readonly revoked?: string
}

export type AgencyKeys = {
  /**
   * Returns the key, which is never shown again. `expires` is a time as in statements.
   * @throws AgencyError AGENCY_NOT_FOUND
   */
  addKey(id: string, options: { label?: string; expires?: string; role?: KeyRole }): Promise<{ keyId: string; key: string }>
  /** @throws AgencyError AGENCY_NOT_FOUND */
  keys(id: string): Promise<AgencyKey[]>
  /**
   * Revoking twice is not an error.
   * @throws AgencyError AGENCY_NOT_FOUND, KEY_NOT_FOUND
   */
  revokeKey(id: string, keyId: string): Promise<void>
  /**
   * The holder of a key.
   * @throws AgencyError KEY_UNKNOWN, KEY_REVOKED, KEY_EXPIRED
   */
  authenticate(key: string): Promise<KeyHolder>
  /**
   * The holder of a key that was authenticated before, as long as the key is valid. Always reads
   * the store.
   * @throws AgencyError KEY_UNKNOWN, KEY_REVOKED, KEY_EXPIRED
   */
  holderOf(keyId: string): Promise<KeyHolder>
}

type Deps = {
  readonly store: Documents
  readonly registry: Pick<Registry, 'get'>
  readonly host: Pick<Host, 'nowMs' | 'steadyMs' | 'randomBytes'>
}

/** A stored key: its agency, and the SHA-256 of the whole key. */
type StoredKey = AgencyKey & { readonly agency: string; readonly sha256: string }

const KEYS = 'agency-keys'
/** How long another node may take to notice that a key was revoked. */
const REREAD_KEY_MS = 1000
const RECENT_KEYS = 1000
/** `osk_<keyId>_<secret>`: the prefix lets secret scanners find a leaked one. */
const KEY_FORMAT = /^osk_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/

/** Opens the keys of a store's agencies. */
export function createKeys({ store, registry, host }: Deps): AgencyKeys {
  const rows = keyRows(store)
  const recent = createRecent(host)

  return {
    async addKey(id, { label, expires, role = 'submit' }) {
      await registry.get(id)
      const keyId = toHex(host.randomBytes(8))
      const key = `osk_${keyId}_${toBase64Url(host.randomBytes(32))}`
      const dates = { created: formatTime(host.nowMs()), ...(expires === undefined ? {} : { expires }) }
      const named = label === undefined ? {} : { label }
      await rows.write({ keyId, agency: id, role, sha256: keyHash(key).toString('hex'), ...named, ...dates })
      return { keyId, key }
    },
    async keys(id) {
      await registry.get(id)
      const stored = (await rows.list()).filter(key => key.agency === id)
      return stored.map(({ agency: _agency, sha256: _sha256, ...shown }) => shown)
    },
    async revokeKey(id, keyId) {
      await registry.get(id)
      const key = await rows.read(keyId)
      if (key?.agency !== id) throw new AgencyError('KEY_NOT_FOUND', `The agency ${id} has no key ${JSON.stringify(keyId)}.`)
      if (key.revoked === undefined) await rows.write({ ...key, revoked: formatTime(host.nowMs()) })
      recent.clear()
    },
    async authenticate(key) {
      const hash = keyHash(key)
      let stored = recent.get(hash)
      if (stored === undefined) {
        const readMs = host.steadyMs()
        stored = await readValid(rows, key, hash)
        recent.add(hash, { stored, readMs })
      }
      return holderAt(stored, host.nowMs())
    },
    async holderOf(keyId) {
      const stored = await rows.read(keyId)
      if (stored === undefined) throw new AgencyError('KEY_UNKNOWN', 'This API key is not known here: ask the operator for a new one.')
      refuseRevoked(stored)
      return holderAt(stored, host.nowMs())
    },
  }
}

type Rows = ReturnType<typeof keyRows>

/** A key, and when this node began to read it: from then on, another may have revoked it. */
type RecentKey = { readonly stored: StoredKey; readonly readMs: number }

function keyRows(store: Documents) {
  return {
    async read(keyId: string): Promise<StoredKey | undefined> {
      const row = await store.readDocument(KEYS, keyId)
      return row === undefined ? undefined : JSON.parse(row)
    },
    list: async (): Promise<StoredKey[]> => (await store.listDocuments(KEYS)).map(({ value }) => JSON.parse(value)),
    write: (key: StoredKey) => store.writeDocuments([{ collection: KEYS, key: key.keyId, value: JSON.stringify(key) }]),
  }
}

/**
 * Keys found valid a moment ago, so that many requests under one key read it once. By the key's
 * hash, so that no timing depends on the key itself. Revoking on this node removes them at once.
 */
function createRecent({ steadyMs }: Pick<Host, 'steadyMs'>) {
  const found = new Map<string, RecentKey>()
  return {
    get(hash: Buffer): StoredKey | undefined {
      const known = found.get(hash.toString('latin1'))
      return known !== undefined && steadyMs() - known.readMs < REREAD_KEY_MS ? known.stored : undefined
    },
    add(hash: Buffer, key: RecentKey): void {
      if (found.size >= RECENT_KEYS) found.clear()
      found.set(hash.toString('latin1'), key)
    },
    clear: () => found.clear(),
  }
}

async function readValid(rows: Rows, key: string, hash: Buffer): Promise<StoredKey> {
  const keyId = KEY_FORMAT.exec(key)?.[1]
  const stored = keyId === undefined ? undefined : await rows.read(keyId)
  if (stored === undefined || !timingSafeEqual(hash, Buffer.from(stored.sha256, 'hex')))
    throw new AgencyError(
      'KEY_UNKNOWN',
      'This API key is not known here: check that it was copied completely, or ask the operator for a new one.',
    )
  refuseRevoked(stored)
  return stored
}

function refuseRevoked({ revoked }: StoredKey): void {
  if (revoked !== undefined) throw new AgencyError('KEY_REVOKED', 'This API key was revoked: ask the operator for a new one.')
}

function holderAt({ agency, keyId, role, expires }: StoredKey, nowMs: number): KeyHolder {
  // Times of one format compare as text.
  if (expires !== undefined && expires <= formatTime(nowMs))
    throw new AgencyError('KEY_EXPIRED', `This API key expired on ${expires}: ask the operator for a new one.`)
  return { agency, keyId, role }
}

function keyHash(key: string): Buffer {
  return Buffer.from(digest('sha256', key, 'binary'), 'latin1')
}
