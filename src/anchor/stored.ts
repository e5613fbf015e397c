/** What witnesses and time-stamp authorities gave for a round's checkpoint, as documents of the store. */

import { toHex } from '../core/bytes.ts'
import { sha256Text } from '../core/hash.ts'
import { type DocumentChange, type Documents, sizeKey } from '../store/port/documents.ts'
import type { Stamp } from './timestamp.ts'

/** A witness's signature on the checkpoint of a round. */
export type StoredCosignature = {
  readonly size: number
  /** The witness's key. */
  readonly vkey: string
  /** A line of the signed note, without its newline. */
  readonly line: string
  /** When the witness signed, by its own clock. Not evidence. */
  readonly time: string
}

/** An authority's time stamp on the checkpoint of a round, checked as a verifier will check it. */
export type StoredToken = {
  readonly size: number
  /** The authority's name in the policy. */
  readonly name: string
  /** Base64 of the DER TimeStampToken, and the SHA-256 of the DER. */
  readonly token: string
  readonly sha256: string
  /** SHA-256 of the public key that signed it, lower-case hex. */
  readonly signer: string
  /** The time that it shows: genTime plus accuracy, rounded up to a second. */
  readonly time: string
  /** When the certificate behind it ends. */
  readonly renewBy: string
  /** Whether the certificates behind it were asked about; missing in what older versions stored. */
  readonly revocation?: Stamp['revocation']
  /** When it was stored, by our clock. The entry that logs it has the same time. */
  readonly created: string
}

/** Things of one kind, one for each size and voucher. */
export type Stored<T extends { readonly size: number }> = {
  /** Those of a size. */
  read(store: Pick<Documents, 'listDocuments'>, size: number): Promise<readonly T[]>
  /** The one of a voucher that was stored last. */
  newest(store: Pick<Documents, 'readDocument'>, voucher: string): Promise<T | undefined>
  /** The changes that store one, replacing that of the same size and voucher. */
  changes(one: T): readonly DocumentChange[]
}

/** As many witnesses, or authorities, as a policy may name. */
const MOST = 64

export const COSIGNATURES = storedBy<StoredCosignature>('cosignatures', ({ vkey }) => vkey)
export const TOKENS = storedBy<StoredToken>('time-stamps', ({ name }) => name)

function storedBy<T extends { readonly size: number }>(collection: string, voucherOf: (one: T) => string): Stored<T> {
  // Two keys may have one name, and a name may have any length, so all of it is hashed.
  const idOf = (voucher: string) => toHex(sha256Text(voucher)).slice(0, 16)
  return {
    async read(store, size) {
      const prefix = `${sizeKey(size)}-`
      const rows = await store.listDocuments(collection, { after: prefix, limit: MOST })
      return rows.filter(({ key }) => key.startsWith(prefix)).map(({ value }) => JSON.parse(value))
    },
    async newest(store, voucher) {
      const value = await store.readDocument(`newest-${collection}`, idOf(voucher))
      return value === undefined ? undefined : JSON.parse(value)
    },
    changes(one) {
      const [id, value] = [idOf(voucherOf(one)), JSON.stringify(one)]
      return [
        { collection, key: `${sizeKey(one.size)}-${id}`, value },
        { collection: `newest-${collection}`, key: id, value },
      ]
    },
  }
}
