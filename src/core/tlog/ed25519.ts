/**
 * Ed25519 verification with one equation and one spelling of each point, so that all verifiers
 * agree on every signature. Design §7.
 */
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { concatBytes, equalBytes, toHex } from '../bytes.ts'

/** Bytes of a public key and of a secret seed. */
export const ED25519_KEY_BYTES = 32

/** Bytes of a signature: R, then S. */
export const ED25519_SIGNATURE_BYTES = 64

const { Point } = ed25519
const ORDER = Point.Fn.ORDER

type CurvePoint = InstanceType<typeof Point>

/**
 * Whether the key is a point in canonical spelling and not of small order. A key of small order
 * accepts a signature for many messages.
 */
export function isEd25519Key(publicKey: Uint8Array): boolean {
  return readKey(publicKey) !== undefined
}

/**
 * Verifies a signature by the cofactorless equation [S]B = R + [k]A of RFC 8032 §5.1.7, with S
 * below the group's order. Refuses an R of small order, as OpenSSL (Node) and the Web Cryptography
 * API do, and a key that `isEd25519Key` refuses.
 */
export function verifyEd25519(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== ED25519_SIGNATURE_BYTES) return false
  const key = readKey(publicKey)
  if (key === undefined) return false
  const r = signature.subarray(0, ED25519_KEY_BYTES)
  const s = readLittleEndian(signature.subarray(ED25519_KEY_BYTES))
  if (s >= ORDER) return false
  const k = readLittleEndian(sha512(concatBytes(r, publicKey, message))) % ORDER
  const expected = Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(k))
  // Comparing bytes refuses non-canonical spellings of R, without multiplying by the cofactor.
  return !expected.isSmallOrder() && equalBytes(expected.toBytes(), r)
}

/** The public key of a 32-byte secret seed. RFC 8032 §5.1.5. */
export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(seed)
}

/** Signs a message with a secret seed. RFC 8032 §5.1.6. */
export function signEd25519(message: Uint8Array, seed: Uint8Array): Uint8Array {
  return ed25519.sign(message, seed)
}

function readKey(publicKey: Uint8Array): CurvePoint | undefined {
  if (publicKey.length !== ED25519_KEY_BYTES) return undefined
  const point = readPoint(publicKey)
  return point?.isSmallOrder() ? undefined : point
}

function readPoint(bytes: Uint8Array): CurvePoint | undefined {
  try {
    return Point.fromBytes(bytes)
  } catch {
    return undefined // not a point of the curve, or not in canonical spelling
  }
}

function readLittleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.toReversed())}`)
}
