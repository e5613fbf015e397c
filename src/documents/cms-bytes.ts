/** Recognises CMS by its first bytes, before the reader of CMS is loaded. */
import { readBase64 } from '../core/bytes.ts'

/** The beginning of both object identifiers, encoded. */
const PKCS7_PREFIX = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07]
const PREFIX_WITHIN_BYTES = 32
const PEM = /^\s*-----BEGIN (?:PKCS7|CMS)-----([\s\S]*?)-----END (?:PKCS7|CMS)-----\s*$/
const BASE64_START = /^MI[A-P][A-Za-z0-9+/\s]/

/**
 * The DER or BER of a file that looks like CMS, even where it is PEM or base64; undefined for any
 * other.
 */
export function readCmsBytes(bytes: Uint8Array): Uint8Array | undefined {
  if (isCms(bytes)) return bytes
  const head = String.fromCharCode(...bytes.subarray(0, 100))
  if (!BASE64_START.test(head) && !/^\s*-----BEGIN (?:PKCS7|CMS)-----/.test(head)) return undefined
  const text = new TextDecoder('latin1').decode(bytes)
  const decoded = readBase64((PEM.exec(text)?.[1] ?? text).replace(/\s+/g, ''))
  return decoded !== undefined && isCms(decoded) ? decoded : undefined
}

function isCms(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x30) return false
  const at = bytes.subarray(0, PREFIX_WITHIN_BYTES).indexOf(PKCS7_PREFIX[0]!)
  return at > 0 && PKCS7_PREFIX.every((byte, offset) => bytes[at + offset] === byte)
}
