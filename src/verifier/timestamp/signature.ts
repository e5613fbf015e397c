/**
 * Signatures of certificates and time stamps, checked by WebCrypto: RSA (PKCS#1 v1.5 and PSS) and
 * ECDSA, and Ed25519 by the equation that the whole verifier uses.
 */

import { toBase64Url } from '../../core/bytes.ts'
import type { AlgorithmId, PublicKeyInfo } from '../../core/timestamp/certificate.ts'
import { contextTag, countOf, inner, integerOf, membersOf, oidOf, parseDer, TAG } from '../../core/timestamp/der.ts'
import { TimestampError } from '../../core/timestamp/token.ts'
import { verifyEd25519 } from '../../core/tlog/ed25519.ts'

/** A hash that counts, by WebCrypto's name. */
export type HashName = 'SHA-256' | 'SHA-384' | 'SHA-512'

/** A family of signatures, as tables of their strength name it. */
export type SignatureFamily = 'RSA' | 'ECDSA' | 'Ed25519'

/** How something was signed: what its strength depends on. */
export type SignatureSuite = { readonly family: SignatureFamily; readonly bits: number; readonly hash: HashName }

const HASHES: { readonly [oid: string]: HashName } = {
  '2.16.840.1.101.3.4.2.1': 'SHA-256',
  '2.16.840.1.101.3.4.2.2': 'SHA-384',
  '2.16.840.1.101.3.4.2.3': 'SHA-512',
}
const RSA = '1.2.840.113549.1.1.1'
const RSA_PSS = '1.2.840.113549.1.1.10'
const MGF1 = '1.2.840.113549.1.1.8'
const EC = '1.2.840.10045.2.1'
const ED25519 = '1.3.101.112'
/** RSA with PKCS#1 v1.5, or ECDSA, with the hash in the name. RFC 4055 §5, RFC 5758 §3.2. */
const SIGNATURES: { readonly [oid: string]: { readonly scheme: 'RSA' | 'EC'; readonly hash: HashName } } = {
  '1.2.840.113549.1.1.11': { scheme: 'RSA', hash: 'SHA-256' },
  '1.2.840.113549.1.1.12': { scheme: 'RSA', hash: 'SHA-384' },
  '1.2.840.113549.1.1.13': { scheme: 'RSA', hash: 'SHA-512' },
  '1.2.840.10045.4.3.2': { scheme: 'EC', hash: 'SHA-256' },
  '1.2.840.10045.4.3.3': { scheme: 'EC', hash: 'SHA-384' },
  '1.2.840.10045.4.3.4': { scheme: 'EC', hash: 'SHA-512' },
}
const CURVES: { readonly [oid: string]: { readonly name: string; readonly bits: number } } = {
  '1.2.840.10045.3.1.7': { name: 'P-256', bits: 256 },
  '1.3.132.0.34': { name: 'P-384', bits: 384 },
  '1.3.132.0.35': { name: 'P-521', bits: 521 },
}
/** Shorter keys are broken too soon, and longer ones only take time. */
const RSA_BITS = { least: 2048, most: 8192 }
const MAX_EXPONENT_BYTES = 4

/** The hash of an algorithm identifier. Throws TimestampError TIMESTAMP_UNSUPPORTED. */
export function hashName({ oid }: AlgorithmId): HashName {
  const name = HASHES[oid]
  if (name === undefined) throw unsupported(`the hash ${oid}`)
  return name
}

/** The hash of some bytes. */
export async function digest(name: HashName, bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await web(subtle => subtle.digest(name, Uint8Array.from(bytes))))
}

/** What was signed, by whom, and how. `hash` is the hash that the signer names beside the algorithm. */
export type SignedBytes = {
  readonly algorithm: AlgorithmId
  readonly key: PublicKeyInfo
  readonly signature: Uint8Array
  readonly signed: Uint8Array
  readonly hash?: HashName
}

/**
 * How the bytes were signed; undefined if the signature is wrong. Throws DerError for a key or
 * parameters that are malformed; TimestampError TIMESTAMP_UNSUPPORTED or TIMESTAMP_UNABLE.
 */
export async function checkSignature(given: SignedBytes): Promise<SignatureSuite | undefined> {
  const { algorithm, key, signature, signed, hash } = given
  if (algorithm.oid === ED25519) {
    if (key.algorithm.oid !== ED25519 || key.bits.length !== 32) throw unsupported('a key that is not of Ed25519')
    // RFC 8419 §3.1: beside Ed25519 the hash of a message is SHA-512.
    if (hash !== undefined && hash !== 'SHA-512') throw unsupported(`Ed25519 beside ${hash}`)
    return verifyEd25519(signature, signed, key.bits) ? { family: 'Ed25519', bits: 256, hash: 'SHA-512' } : undefined
  }
  const scheme = schemeOf(algorithm, hash)
  if (hash !== undefined && scheme.hash !== hash) throw unsupported('two different hashes')
  return scheme.name === 'EC' ? checkEcdsa(given, scheme.hash) : checkRsa(given, scheme)
}

type Scheme = { readonly name: 'RSA' | 'PSS' | 'EC'; readonly hash: HashName; readonly saltLength?: number }

function schemeOf(algorithm: AlgorithmId, hash: HashName | undefined): Scheme {
  // RFC 8017 A.1: in CMS, RSA's own identifier means PKCS#1 v1.5 with the hash beside it.
  if (algorithm.oid === RSA && hash !== undefined) return { name: 'RSA', hash }
  if (algorithm.oid === RSA_PSS) return readPss(algorithm)
  const known = SIGNATURES[algorithm.oid]
  if (known === undefined) throw unsupported(`the signature ${algorithm.oid}`)
  return { name: known.scheme, hash: known.hash }
}

/** RSASSA-PSS-params. RFC 4055 §3.1: everything left out means SHA-1, which does not count. */
function readPss({ parameters }: AlgorithmId): Scheme {
  if (parameters === undefined) throw unsupported('RSA-PSS without parameters')
  const members = membersOf(parameters)
  const [hashId, maskId, salt, trailer] = [0, 1, 2, 3].map(number => members.take(contextTag(number)))
  members.end()
  if (hashId === undefined || maskId === undefined) throw unsupported('RSA-PSS with SHA-1')
  const hash = hashName({ oid: oidOf(membersOf(inner(hashId)).any()) })
  const mask = membersOf(inner(maskId))
  if (oidOf(mask.any()) !== MGF1) throw unsupported('a mask that is not MGF1')
  if (hashName({ oid: oidOf(membersOf(mask.any()).any()) }) !== hash) throw unsupported('RSA-PSS with two hashes')
  if (trailer !== undefined && countOf(inner(trailer)) !== 1) throw unsupported('RSA-PSS with another trailer')
  return { name: 'PSS', hash, saltLength: salt === undefined ? 20 : countOf(inner(salt)) }
}

async function checkRsa(
  { key, signature, signed }: SignedBytes,
  { name, hash, saltLength = 0 }: Scheme,
): Promise<SignatureSuite | undefined> {
  // A key of RSA-PSS alone may limit its hash. No authority that we know of has one.
  if (key.algorithm.oid !== RSA) throw unsupported('a key that is not of RSA')
  const { n, e, bits } = readRsaKey(key.bits)
  const algorithm = name === 'PSS' ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5'
  const jwk = { kty: 'RSA', n: toBase64Url(n), e: toBase64Url(e) }
  const isRight = await verifyWith(jwk, { name: algorithm, hash }, { name: algorithm, saltLength }, signature, signed)
  return isRight ? { family: 'RSA', bits, hash } : undefined
}

function readRsaKey(bytes: Uint8Array): { n: Uint8Array; e: Uint8Array; bits: number } {
  const members = membersOf(parseDer(bytes))
  const [n, e] = [integerOf(members.any()), integerOf(members.any())].map(value => (value[0] === 0 ? value.subarray(1) : value))
  members.end()
  const bits = n!.length * 8 - Math.clz32(n![0] ?? 0) + 24
  if (bits < RSA_BITS.least || bits > RSA_BITS.most || e!.length > MAX_EXPONENT_BYTES) throw unsupported(`an RSA key of ${bits} bits`)
  return { n: n!, e: e!, bits }
}

async function checkEcdsa({ key, signature, signed }: SignedBytes, hash: HashName): Promise<SignatureSuite | undefined> {
  const { parameters } = key.algorithm
  const curve = key.algorithm.oid === EC && parameters?.tag === TAG.oid ? CURVES[oidOf(parameters)] : undefined
  if (curve === undefined) throw unsupported('a curve that is not P-256, P-384 or P-521')
  const length = Math.ceil(curve.bits / 8)
  const { bits } = key
  if (bits[0] !== 4 || bits.length !== 1 + 2 * length) throw unsupported('a point that is not written in full')
  const [x, y] = [bits.subarray(1, 1 + length), bits.subarray(1 + length)]
  const jwk = { kty: 'EC', crv: curve.name, x: toBase64Url(x), y: toBase64Url(y) }
  const raw = readEcdsa(signature, length)
  if (raw === undefined) return undefined
  const isRight = await verifyWith(jwk, { name: 'ECDSA', namedCurve: curve.name }, { name: 'ECDSA', hash }, raw, signed)
  return isRight ? { family: 'ECDSA', bits: curve.bits, hash } : undefined
}

/** ECDSA-Sig-Value to the two numbers that WebCrypto takes. RFC 3279 §2.2.3. */
function readEcdsa(signature: Uint8Array, length: number): Uint8Array | undefined {
  const members = membersOf(parseDer(signature))
  const numbers = [integerOf(members.any()), integerOf(members.any())]
  members.end()
  const raw = new Uint8Array(2 * length)
  for (const [at, number] of numbers.entries()) {
    const value = number[0] === 0 ? number.subarray(1) : number
    if (number[0]! >= 0x80 || value.length > length) return undefined
    raw.set(value, (at + 1) * length - value.length)
  }
  return raw
}

type Jwk = { readonly kty: string; readonly [member: string]: string }
type Import = { readonly name: string; readonly hash?: HashName; readonly namedCurve?: string }
type Verify = { readonly name: string; readonly hash?: HashName; readonly saltLength?: number }

async function verifyWith(jwk: Jwk, kind: Import, how: Verify, signature: Uint8Array, signed: Uint8Array): Promise<boolean> {
  return web(async subtle => {
    const key = await subtle.importKey('jwk', jwk, kind as EcKeyImportParams, false, ['verify'])
    return subtle.verify(how as EcdsaParams, key, Uint8Array.from(signature), Uint8Array.from(signed))
  })
}

/**
 * Asks WebCrypto. A page that was not loaded over https has none, and some browsers lack a curve:
 * that says nothing about the time stamp.
 */
async function web<T>(ask: (subtle: SubtleCrypto) => Promise<T>): Promise<T> {
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined
  if (subtle === undefined) throw new TimestampError('TIMESTAMP_UNABLE', 'this program has no cryptography here: open the page over https')
  try {
    return await ask(subtle)
  } catch (cause) {
    const name = cause instanceof Error ? cause.name : ''
    if (name === 'NotSupportedError') throw new TimestampError('TIMESTAMP_UNABLE', 'this program does not know the algorithm', { cause })
    // A point that is not on its curve, or a key that WebCrypto refuses.
    if (name === 'DataError' || name === 'OperationError') throw new TimestampError('TIMESTAMP_MALFORMED', 'a key is not valid', { cause })
    throw cause
  }
}

function unsupported(what: string): TimestampError {
  return new TimestampError('TIMESTAMP_UNSUPPORTED', `the time stamp uses ${what}, which does not count`)
}
