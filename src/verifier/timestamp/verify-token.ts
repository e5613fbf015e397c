/**
 * Verifies an RFC 3161 token without pkijs or Node, in the order of the time-stamp authority's own
 * verifier (sigstore) and of RFC 3161 §2.4.2 and RFC 5816. Each check ends in a code of its own.
 * Revocation is not checked: a verifier years later has nobody to ask. The ledger checks it when it
 * stores a token.
 */

import { attemptAsync } from '../../core/attempt.ts'
import { equalBytes, toHex } from '../../core/bytes.ts'
import { sha256 } from '../../core/hash.ts'
import {
  basicConstraintsOf,
  type Certificate,
  extendedKeyUsageOf,
  keyUsageOf,
  readAlgorithm,
  subjectKeyIdOf,
} from '../../core/timestamp/certificate.ts'
import { contextTag, type Der, DerError, expect, inner, integerOf, membersOf, oidOf, TAG } from '../../core/timestamp/der.ts'
import { parseToken, TimestampError, type TimestampToken, type TokenSigner } from '../../core/timestamp/token.ts'
import { findChain, TIME_STAMPING } from './chain.ts'
import { checkSignature, digest, type HashName, hashName, type SignatureSuite } from './signature.ts'

/** What a token must fit. */
export type TokenExpectation = {
  /** The stamped bytes: the checkpoint's three lines with the last newline. */
  readonly data: Uint8Array
  /** The certificates of the policy's authority, one of which ends the chain. */
  readonly certificates: readonly Certificate[]
  /** The time-stamp policies that count; any if missing. */
  readonly policies?: readonly string[] | undefined
  /** Of the request, lower-case hex, where there was one. On later verification it is unknowable. */
  readonly nonce?: string | undefined
}

/** What a token shows. */
export type VerifiedToken = {
  /** The data existed not later than this: the time plus its accuracy, rounded up. Unix seconds. */
  readonly seconds: number
  /** SHA-256 of the signer's public key, lower-case hex: two certificates for one key share it. */
  readonly signer: string
  /** The signer first, the certificate of the policy last. */
  readonly path: readonly Certificate[]
  /** How the token, and each certificate of the path but the last, was signed. */
  readonly suites: readonly SignatureSuite[]
}

const CONTENT_TYPE = '1.2.840.113549.1.9.3'
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4'
const SIGNING_CERTIFICATE_V2 = '1.2.840.113549.1.9.16.2.47'
const TST_INFO = '1.2.840.113549.1.9.16.1.4'
const DIGITAL_SIGNATURE = 0
const NON_REPUDIATION = 1

/** Verifies a token in DER. Throws TimestampError. */
export async function verifyToken(bytes: Uint8Array, expected: TokenExpectation): Promise<VerifiedToken> {
  // 1. ContentInfo is signedData, eContentType is id-ct-TSTInfo, and there is exactly one SignerInfo.
  return verifyParsedToken(parseToken(bytes), expected)
}

/** Verifies a token that was read. Throws TimestampError. */
export async function verifyParsedToken(token: TimestampToken, expected: TokenExpectation): Promise<VerifiedToken> {
  const { value, error } = await attemptAsync(() => runChecks(token, expected))
  if (!error) return value
  // Keys, parameters and attributes are read where they are used.
  if (error instanceof DerError)
    throw new TimestampError('TIMESTAMP_MALFORMED', `the time stamp cannot be read: ${error.message}`, { cause: error })
  throw error
}

async function runChecks(token: TimestampToken, expected: TokenExpectation): Promise<VerifiedToken> {
  const { info, signer } = token
  // 2. messageImprint: SHA-256, SHA-384 or SHA-512 only, and equal to our own hash of the data. The
  // nonce equals that of the request, when we asked.
  const imprint = await digest(hashName(info.imprint.algorithm), expected.data)
  if (!equalBytes(imprint, info.imprint.hash)) throw fault('TIMESTAMP_OTHER_DATA', 'it is of something else')
  if (expected.nonce !== undefined && info.nonce !== expected.nonce) throw fault('TIMESTAMP_OTHER_DATA', 'it does not answer this request')
  // 3. The time-stamp policy is one of those that count.
  if (expected.policies?.includes(info.policy) === false) throw fault('TIMESTAMP_POLICY', `its policy ${info.policy} does not count`)
  // 4. The signer's certificate is found by the signer's id, is not a CA's, and is for time stamps only.
  const certificate = findSigner(token)
  checkPurpose(certificate)
  // 5. ESSCertIDv2: the hash of the signer's certificate, its issuer and its serial number are signed.
  const isListed = await readSigningCertificates(signer, certificate)
  // 6. The chain to a certificate of the policy, its path lengths, valid at the token's time.
  const chain = await findChain(certificate, { given: token.certificates, pinned: expected.certificates, time: info.time })
  // 7. The messageDigest attribute is the hash of the content, and the signature is over the DER of
  // the SET OF signed attributes.
  const suite = await checkSigner(token, certificate)
  // Only now is it known that the authority wrote the list, which may be long.
  if (!(await isListed(chain.path))) throw fault('TIMESTAMP_CERTIFICATE', 'it names another chain of certificates')
  // 8. The time plus its accuracy, rounded up to the second: "not later than".
  return { seconds: info.latest, signer: toHex(sha256(certificate.key.bits)), path: chain.path, suites: [suite, ...chain.suites] }
}

function findSigner({ certificates, signer }: TimestampToken): Certificate {
  const { id } = signer
  const found = certificates.find(each =>
    'serial' in id ? each.serial === id.serial && each.issuer === id.issuer : subjectKeyIdOf(each) === id.subjectKeyId,
  )
  if (found === undefined) throw fault('TIMESTAMP_CERTIFICATE', 'the certificate of its signer is missing')
  return found
}

/** pkijs does not check this: it accepts the certificate of a web server. RFC 3161 §2.3. */
function checkPurpose(certificate: Certificate): void {
  if (basicConstraintsOf(certificate).isCa) throw fault('TIMESTAMP_CERTIFICATE', 'its signer is a CA')
  const usage = extendedKeyUsageOf(certificate)
  if (usage?.purposes.length !== 1 || usage.purposes[0] !== TIME_STAMPING || !usage.isCritical)
    throw fault('TIMESTAMP_CERTIFICATE', "its signer's certificate is not for time stamps alone")
  // As OpenSSL does: a key that may also encrypt or issue is not for time stamps alone.
  const uses = keyUsageOf(certificate)
  if (uses !== undefined && (uses.length === 0 || uses.some(use => use !== DIGITAL_SIGNATURE && use !== NON_REPUDIATION)))
    throw fault('TIMESTAMP_CERTIFICATE', "its signer's key is not for signatures alone")
}

/**
 * Compares the signed attribute with the signer's certificate; returns a check of the others that
 * it lists, each of which is in the chain. This alone stops a swap of the certificate for another
 * one of the same key. ESSCertID (RFC 2634) names a certificate by SHA-1, for which two
 * certificates with one hash can be made, so it counts for nothing here: RFC 5816 replaced it.
 */
async function readSigningCertificates({ attributes }: TokenSigner, certificate: Certificate) {
  const attribute = attributes.get(SIGNING_CERTIFICATE_V2)
  if (attribute === undefined) throw fault('TIMESTAMP_CERTIFICATE', 'it does not name its certificate by a hash that counts')
  const members = membersOf(attribute)
  const [first, ...others] = members.need(TAG.sequence).children.map(readCertificateId)
  members.take(TAG.sequence)
  members.end()
  if (first === undefined || !(await isNamed(certificate, first)))
    throw fault('TIMESTAMP_CERTIFICATE', 'it names another certificate of its signer')
  return async (path: readonly Certificate[]) => {
    for (const other of others) {
      const named = await Promise.all(path.map(each => isNamed(each, other)))
      if (!named.includes(true)) return false
    }
    return true
  }
}

type CertificateId = { readonly hash: HashName; readonly value: Uint8Array; readonly issuer?: string; readonly serial?: string }

/** ESSCertIDv2. RFC 5035 §4. */
function readCertificateId(der: Der): CertificateId {
  const members = membersOf(der)
  const algorithm = members.take(TAG.sequence)
  const value = members.need(TAG.octetString).content
  const place = members.take(TAG.sequence)
  members.end()
  const hash = algorithm === undefined ? 'SHA-256' : hashName(readAlgorithm(algorithm))
  if (place === undefined) return { hash, value }
  const parts = membersOf(place)
  // GeneralNames with the one directoryName, which is tagged explicitly.
  const name = inner(expect(inner(parts.need(TAG.sequence)), contextTag(4)))
  const serial = toHex(integerOf(parts.any()))
  parts.end()
  return { hash, value, issuer: toHex(name.whole), serial }
}

async function isNamed(certificate: Certificate, { hash, value, issuer, serial }: CertificateId): Promise<boolean> {
  if (issuer !== undefined && (issuer !== certificate.issuer || serial !== certificate.serial)) return false
  return equalBytes(await digest(hash, certificate.der), value)
}

async function checkSigner({ signer, content }: TimestampToken, certificate: Certificate): Promise<SignatureSuite> {
  const { attributes, digest: algorithm, signature, signed } = signer
  const hash = hashName(algorithm)
  const [type, messageDigest] = [attributes.get(CONTENT_TYPE), attributes.get(MESSAGE_DIGEST)]
  if (type === undefined || oidOf(type) !== TST_INFO) throw fault('TIMESTAMP_SIGNATURE', 'it signs another kind of content')
  if (messageDigest === undefined || !equalBytes(expect(messageDigest, TAG.octetString).content, await digest(hash, content)))
    throw fault('TIMESTAMP_SIGNATURE', 'what it signs is not its content')
  const suite = await checkSignature({ algorithm: signer.algorithm, key: certificate.key, signature, signed, hash })
  if (suite === undefined) throw fault('TIMESTAMP_SIGNATURE', 'its signature is wrong')
  return suite
}

function fault(code: string, why: string): TimestampError {
  return new TimestampError(code, `the time stamp does not count: ${why}`)
}
