/** X.509 certificates, as far as the chain of a time stamp needs them. RFC 5280 §4.1. */

import { equalBytes, toHex } from '../bytes.ts'
import {
  booleanOf,
  contextTag,
  countOf,
  type Der,
  expect,
  inner,
  integerOf,
  malformed,
  membersOf,
  oidOf,
  parseDer,
  TAG,
  timeOf,
  wholeBits,
} from './der.ts'

/** A certificate. Names are kept as their DER, and compared so. */
export type Certificate = {
  readonly der: Uint8Array
  /** The part that its issuer signed. */
  readonly signed: Uint8Array
  readonly serial: string
  readonly issuer: string
  readonly subject: string
  /** Unix seconds, both included. */
  readonly notBefore: number
  readonly notAfter: number
  readonly key: PublicKeyInfo
  readonly algorithm: AlgorithmId
  readonly signature: Uint8Array
  readonly extensions: ReadonlyMap<string, { readonly isCritical: boolean; readonly value: Uint8Array }>
}

/** An algorithm and its parameters. */
export type AlgorithmId = { readonly oid: string; readonly parameters?: Der }

/** A public key: its algorithm, and the bits that the algorithm defines. */
export type PublicKeyInfo = { readonly algorithm: AlgorithmId; readonly bits: Uint8Array }

/** Object identifiers of extensions. */
export const EXTENSION = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  certificatePolicies: '2.5.29.32',
  extendedKeyUsage: '2.5.29.37',
} as const

/** Reads a certificate in DER. Throws DerError. */
export function parseCertificate(der: Uint8Array): Certificate {
  return readCertificate(parseDer(der))
}

/** Reads a certificate that is part of something else. Throws DerError. */
export function readCertificate(whole: Der): Certificate {
  const outer = membersOf(whole)
  const signed = outer.need(TAG.sequence)
  const algorithmDer = outer.need(TAG.sequence)
  const signature = wholeBits(outer.need(TAG.bitString))
  outer.end()
  const body = membersOf(signed)
  const version = body.take(contextTag(0))
  if (version !== undefined && countOf(inner(version)) > 2) throw malformed('a certificate has an unknown version')
  const serial = toHex(integerOf(body.any()))
  // RFC 5280 §4.1.1.2: the algorithm is named twice, and the one inside is signed.
  if (!equalBytes(body.need(TAG.sequence).whole, algorithmDer.whole)) throw malformed('a certificate names two algorithms')
  const issuer = toHex(body.need(TAG.sequence).whole)
  const validity = membersOf(body.any())
  const [notBefore, notAfter] = [timeOf(validity.any()), timeOf(validity.any())]
  validity.end()
  const subject = toHex(body.need(TAG.sequence).whole)
  const key = readKey(body.any())
  body.take(contextTag(1, false))
  body.take(contextTag(2, false))
  const extensions = readExtensions(body.take(contextTag(3)))
  body.end()
  const names = { serial, issuer, subject, notBefore, notAfter, key, signature, extensions }
  return { der: whole.whole, signed: signed.whole, algorithm: readAlgorithm(algorithmDer), ...names }
}

/** Reads an AlgorithmIdentifier. Throws DerError. */
export function readAlgorithm(der: Der): AlgorithmId {
  const members = membersOf(der)
  const oid = oidOf(members.any())
  const parameters = der.children[1]
  if (der.children.length > 2) throw malformed('an algorithm has an unknown member')
  return parameters === undefined ? { oid } : { oid, parameters }
}

function readKey(der: Der): PublicKeyInfo {
  const members = membersOf(der)
  const algorithm = readAlgorithm(members.any())
  const bits = wholeBits(members.any())
  members.end()
  return { algorithm, bits }
}

/** The extensions of a certificate or a list, inside their tag. Throws DerError. */
export function readExtensions(tagged: Der | undefined): Certificate['extensions'] {
  const extensions = new Map<string, { isCritical: boolean; value: Uint8Array }>()
  if (tagged === undefined) return extensions
  for (const each of expect(inner(tagged), TAG.sequence).children) {
    const members = membersOf(each)
    const oid = oidOf(members.any())
    const critical = members.take(TAG.boolean)
    const value = members.need(TAG.octetString).content
    members.end()
    if (extensions.has(oid)) throw malformed('a certificate has an extension twice')
    extensions.set(oid, { isCritical: critical !== undefined && booleanOf(critical), value })
  }
  return extensions
}

/** Whether the certificate is a CA's, and how many CAs may follow below it. Throws DerError. */
export function basicConstraintsOf({ extensions }: Certificate): { readonly isCa: boolean; readonly pathLength?: number } {
  const extension = extensions.get(EXTENSION.basicConstraints)
  if (extension === undefined) return { isCa: false }
  const members = membersOf(parseDer(extension.value))
  const ca = members.take(TAG.boolean)
  const length = members.take(TAG.integer)
  members.end()
  const isCa = ca !== undefined && booleanOf(ca)
  return length === undefined ? { isCa } : { isCa, pathLength: countOf(length) }
}

/** The purposes of the key; undefined if the certificate does not limit them. Throws DerError. */
export function extendedKeyUsageOf({ extensions }: Certificate): { readonly isCritical: boolean; readonly purposes: string[] } | undefined {
  const extension = extensions.get(EXTENSION.extendedKeyUsage)
  if (extension === undefined) return undefined
  return { isCritical: extension.isCritical, purposes: expect(parseDer(extension.value), TAG.sequence).children.map(oidOf) }
}

/** The uses of the key by their numbers; undefined if the certificate does not limit them. */
export function keyUsageOf({ extensions }: Certificate): readonly number[] | undefined {
  const extension = extensions.get(EXTENSION.keyUsage)
  if (extension === undefined) return undefined
  const bits = expect(parseDer(extension.value), TAG.bitString).content.subarray(1)
  return Array.from(bits).flatMap((byte, at) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter(bit => (byte & (0x80 >> bit)) !== 0).map(bit => 8 * at + bit),
  )
}

/** The identifier of the key, if the certificate has one. Throws DerError. */
export function subjectKeyIdOf({ extensions }: Certificate): string | undefined {
  const extension = extensions.get(EXTENSION.subjectKeyId)
  return extension && toHex(expect(parseDer(extension.value), TAG.octetString).content)
}
