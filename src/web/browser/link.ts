/**
 * Links to a result. The fingerprint and the entry are behind the # of the address, which a browser
 * sends to nobody.
 */

/** A file by its SHA-256 in hex, and the entry whose receipt lists it. */
export type ResultLink = { readonly sha256: string; readonly index: number }

/** Reads the part of an address from its #. undefined if it is no link, `bad` if it is a damaged one. */
export function readLink(hash: string): ResultLink | 'bad' | undefined {
  const values = new URLSearchParams(hash.slice(1, MAX_LENGTH))
  const sha256 = values.get('sha256')?.toLowerCase()
  const entry = values.get('entry')
  if (sha256 === undefined && entry === null) return undefined
  const isWhole = /^[0-9a-f]{64}$/.test(sha256 ?? '') && /^(?:0|[1-9]\d{0,14})$/.test(entry ?? '')
  return isWhole ? { sha256: sha256!, index: Number(entry) } : 'bad'
}

const MAX_LENGTH = 1000
