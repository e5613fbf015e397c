/**
 * Agencies and their API keys, which decide who may submit for whom. Keys are random, shown once
 * and stored hashed.
 */
import { hash as digest, timingSafeEqual } from 'node:crypto'
import { toBase64Url, toHex } from '../core/bytes.ts'
import { OpenSealError } from '../core/errors.ts'
import { isAgencyId } from '../core/statements/statement.ts'
import { formatTime } from '../core/time.ts'
import type { Host } from '../host.ts'
import { isDocumentChanged, type Store } from '../store/port/port.ts'
import { breathe } from '../turns.ts'

export type Agency = { readonly id: string; readonly name: string; readonly created: string }
/** What a key may do: submit, or also make and revoke the keys of its agency. */
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

export type Agencies = {
  /** @throws AgencyError AGENCY_ID_MALFORMED, AGENCY_EXISTS */
  add(agency: { id: string; name: string }): Promise<Agency>
  /** @throws AgencyError AGENCY_NOT_FOUND */
  get(id: string): Promise<Agency>
  list(): Promise<Agency[]>
  /**
   * Returns the key, which is never shown again. `expires` is a time as in statements.
   * @throws AgencyError AGENCY_NOT_FOUND
   */
  addKey(id: string, options: { label?: string; expires?: string; role?: KeyRole }): Promise<{ keyId: string; key: string }>
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
  readonly store: Pick<Store, 'readDocument' | 'writeDocuments' | 'listDocuments'>
  readonly host: Pick<Host, 'nowMs' | 'steadyMs' | 'randomBytes'>
}

/** A stored key: its agency, and the SHA-256 of the whole key. */
type StoredKey = AgencyKey & { readonly agency: string; readonly sha256: string }

const AGENCIES = 'agencies'
const KEYS = 'agency-keys'
/** How long another node may take to notice that a key was revoked. */
const REREAD_KEY_MS = 1000
const RECENT_KEYS = 1000
/** How long another node may take to list a new agency. */
const RELIST_MS = 1000
/** `osk_<keyId>_<secret>`: the prefix lets secret scanners find a leaked one. */
const KEY_FORMAT = /^osk_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/

/** Opens the agencies of a store. */
export function createAgencies({ store, host }: Deps): Agencies {
  /**
   * Keys found valid a moment ago, so that many requests under one key read it once. By the key's
   * hash, so that no timing depends on the key itself. Revoking here removes them at once.
   */
  const recentKeys = new Map<string, { readonly stored: StoredKey; readonly readMs: number }>()

  /** All agencies as read a moment ago, shared by requests: every search looks through them. */
  let listed: { readonly agencies: Promise<Agency[]>; readonly readMs: number } | undefined
  const listNow = async (): Promise<Agency[]> => {
    const rows = await store.listDocuments(AGENCIES)
    const agencies: Agency[] = []
    for (const { value } of rows) {
      await breathe()
      agencies.push(JSON.parse(value))
    }
    return agencies
  }

  const get = async (id: string): Promise<Agency> => {
    const row = await store.readDocument(AGENCIES, id)
    if (row === undefined) throw new AgencyError('AGENCY_NOT_FOUND', `There is no agency ${JSON.stringify(id)} here.`)
    return JSON.parse(row)
  }
  const readKey = async (keyId: string): Promise<StoredKey | undefined> => {
    const row = await store.readDocument(KEYS, keyId)
    return row === undefined ? undefined : JSON.parse(row)
  }
  const writeKey = (key: StoredKey) => store.writeDocuments([{ collection: KEYS, key: key.keyId, value: JSON.stringify(key) }])

  const readValid = async (key: string, hash: Buffer): Promise<StoredKey> => {
    const keyId = KEY_FORMAT.exec(key)?.[1]
    const stored = keyId === undefined ? undefined : await readKey(keyId)
    if (stored === undefined || !timingSafeEqual(hash, Buffer.from(stored.sha256, 'hex')))
      throw new AgencyError(
        'KEY_UNKNOWN',
        'This API key is not known here: check that it was copied completely, or ask the operator for a new one.',
      )
    refuseRevoked(stored)
    if (recentKeys.size >= RECENT_KEYS) recentKeys.clear()
    recentKeys.set(hash.toString('latin1'), { stored, readMs: host.steadyMs() })
    return stored
  }

  const unexpired = ({ agency, keyId, role, expires }: StoredKey): KeyHolder => {
    // Times of one format compare as text.
    if (expires !== undefined && expires <= formatTime(host.nowMs()))
      throw new AgencyError('KEY_EXPIRED', `This API key expired on ${expires}: ask the operator for a new one.`)
    return { agency, keyId, role }
  }

  const add = async ({ id, name }: { id: string; name: string }): Promise<Agency> => {
    if (!isAgencyId(id))
      throw new AgencyError(
        'AGENCY_ID_MALFORMED',
        `An agency's id is a lower-case DNS name such as transport.gov.example, not ${JSON.stringify(id)}.`,
      )
    const agency = { id, name, created: formatTime(host.nowMs()) }
    const row = { collection: AGENCIES, key: id, value: JSON.stringify(agency) }
    await store.writeDocuments([row], { unless: [{ ...row, value: null }] }).catch(cause => {
      throw isDocumentChanged(cause) ? new AgencyError('AGENCY_EXISTS', `The agency ${id} is registered already.`, { cause }) : cause
    })
    listed = undefined
    return agency
  }

  return {
    add,
    get,
    list() {
      if (listed !== undefined && host.steadyMs() - listed.readMs < RELIST_MS) return listed.agencies
      const agencies = listNow()
      const fresh = { agencies, readMs: host.steadyMs() }
      listed = fresh
      // Other requests do not share a failure.
      agencies.catch(() => {
        if (listed === fresh) listed = undefined
      })
      return agencies
    },
    async addKey(id, { label, expires, role = 'submit' }) {
      await get(id)
      const keyId = toHex(host.randomBytes(8))
      const key = `osk_${keyId}_${toBase64Url(host.randomBytes(32))}`
      const dates = { created: formatTime(host.nowMs()), ...(expires === undefined ? {} : { expires }) }
      const named = label === undefined ? {} : { label }
      await writeKey({ keyId, agency: id, role, sha256: keyHash(key).toString('hex'), ...named, ...dates })
      return { keyId, key }
    },
    async keys(id) {
      await get(id)
      const rows = await store.listDocuments(KEYS)
      const stored = rows.map(({ value }) => JSON.parse(value) as StoredKey).filter(key => key.agency === id)
      return stored.map(({ agency: _agency, sha256: _sha256, ...shown }) => shown)
    },
    async revokeKey(id, keyId) {
      await get(id)
      const key = await readKey(keyId)
      if (key?.agency !== id) throw new AgencyError('KEY_NOT_FOUND', `The agency ${id} has no key ${JSON.stringify(keyId)}.`)
      if (key.revoked === undefined) await writeKey({ ...key, revoked: formatTime(host.nowMs()) })
      recentKeys.clear()
    },
    async authenticate(key) {
      const hash = keyHash(key)
      const recent = recentKeys.get(hash.toString('latin1'))
      const stored = recent !== undefined && host.steadyMs() - recent.readMs < REREAD_KEY_MS ? recent.stored : await readValid(key, hash)
      return unexpired(stored)
    },
    async holderOf(keyId) {
      const stored = await readKey(keyId)
      if (stored === undefined) throw new AgencyError('KEY_UNKNOWN', 'This API key is not known here: ask the operator for a new one.')
      refuseRevoked(stored)
      return unexpired(stored)
    },
  }
}

function refuseRevoked({ revoked }: StoredKey): void {
  if (revoked !== undefined) throw new AgencyError('KEY_REVOKED', 'This API key was revoked: ask the operator for a new one.')
}

function keyHash(key: string): Buffer {
  return Buffer.from(digest('sha256', key, 'binary'), 'latin1')
}

/**
 * AGENCY_EXISTS, AGENCY_NOT_FOUND, AGENCY_ID_MALFORMED, KEY_NOT_FOUND, KEY_UNKNOWN, KEY_REVOKED,
 * KEY_EXPIRED.
 */
export class AgencyError extends OpenSealError {}
