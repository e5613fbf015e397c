/**
 * CMS (RFC 5652): signed files, `.p7m`. Signatures are not checked; the document inside is taken
 * out.
 */
import { Constructed, fromBER, ObjectIdentifier, OctetString, Sequence } from 'asn1js'
import { DocumentError, MAX_READ_BYTES } from './reading.ts'

/** The document in a signed file. It is missing from a detached signature and an encrypted file. */
export type CmsContent = { readonly content: Uint8Array } | { readonly missing: 'detached' | 'encrypted' }

const SIGNED_DATA = '1.2.840.113549.1.7.2'
const ENVELOPED_DATA = '1.2.840.113549.1.7.3'
/** An OCTET STRING may come in as many parts as a file has kilobytes. */
const LIMITS = { maxDepth: 32, maxNodes: 200_000, maxContentLength: MAX_READ_BYTES, parseEmbedded: false }

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
  if (!(content instanceof OctetString)) throw malformed('its content is not a string of bytes')
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

function malformed(why: string, cause?: unknown): DocumentError {
  return new DocumentError('CMS_MALFORMED', `the signed file (CMS) is damaged: ${why.slice(0, 200)}`, { cause })
}
