/** CMS (RFC 5652): signed files, `.p7m`. Signatures are not checked; the document inside is taken out. */
import { Constructed, fromBER, ObjectIdentifier, OctetString, Sequence } from 'asn1js'
import { readBase64 } from '../core/bytes.ts'
import { DocumentError, MAX_READ_BYTES } from './reading.ts'

/** The document in a signed file. It is missing from a detached signature and an encrypted file. */
export type CmsContent = { readonly content: Uint8Array } | { readonly missing: 'detached' | 'encrypted' }

const SIGNED_DATA = '1.2.840.113549.1.7.2'
const ENVELOPED_DATA = '1.2.840.113549.1.7.3'
/** The beginning of both object identifiers, encoded. */
const PKCS7_PREFIX = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07]
const PREFIX_WITHIN_BYTES = 32
/** An OCTET STRING may come in as many parts as a file has kilobytes. */
const LIMITS = { maxDepth: 32, maxNodes: 200_000, maxContentLength: MAX_READ_BYTES, parseEmbedded: false }
const PEM = /^\s*-----BEGIN (?:PKCS7|CMS)-----([\s\S]*?)-----END (?:PKCS7|CMS)-----\s*$/
const BASE64_START = /^MI[A-P][A-Za-z0-9+/\s]/

/** The DER or BER of a file that looks like CMS, also where it is PEM or base64; undefined for any other. */
export function readCmsBytes(bytes: Uint8Array): Uint8Array | undefined {
  if (isCms(bytes)) return bytes
  const head = String.fromCharCode(...bytes.subarray(0, 100))
  if (!BASE64_START.test(head) && !/^\s*-----BEGIN (?:PKCS7|CMS)-----/.test(head)) return undefined
  const text = new TextDecoder('latin1').decode(bytes)
  const decoded = readBase64((PEM.exec(text)?.[1] ?? text).replace(/\s+/g, ''))
  return decoded !== undefined && isCms(decoded) ? decoded : undefined
}

/** Takes the document out. Throws DocumentError CMS_MALFORMED. */
export function readCms(bytes: Uint8Array): CmsContent {
  const [type, wrapped] = childrenOf(parse(bytes))
  const oid = type instanceof ObjectIdentifier ? type.getValue() : undefined
  if (oid === ENVELOPED_DATA) return { missing: 'encrypted' }
  if (oid !== SIGNED_DATA) throw malformed('it is neither signed nor encrypted data')
  // SignedData: version, digest algorithms, then the content with its type.
  const inner = childrenOf(childrenOf(childrenOf(wrapped)[0])[2])
  if (!(inner[0] instanceof ObjectIdentifier)) throw malformed('its content has no type')
  if (inner[1] === undefined) return { missing: 'detached' }
  const content = childrenOf(inner[1])[0]
  if (!(content instanceof OctetString)) throw malformed('its content is no string of bytes')
  return { content: new Uint8Array(content.getValue()) }
}

function parse(bytes: Uint8Array): unknown {
  try {
    const { offset, result } = fromBER(bytes, LIMITS)
    if (offset === -1) throw malformed(result.error)
    return result
  } catch (cause) {
    throw cause instanceof DocumentError ? cause : malformed('it cannot be decoded', cause)
  }
}

function childrenOf(value: unknown): readonly unknown[] {
  return value instanceof Sequence || value instanceof Constructed ? value.valueBlock.value : []
}

function isCms(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x30) return false
  const at = bytes.subarray(0, PREFIX_WITHIN_BYTES).indexOf(PKCS7_PREFIX[0]!)
  return at > 0 && PKCS7_PREFIX.every((byte, offset) => bytes[at + offset] === byte)
}

function malformed(why: string, cause?: unknown): DocumentError {
  return new DocumentError('CMS_MALFORMED', `the signed file (CMS) is damaged: ${why.slice(0, 200)}`, { cause })
}
