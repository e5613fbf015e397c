/**
 * RFC 3161 time-stamp tokens: a TSTInfo inside CMS SignedData (RFC 5652 §5), as bytes. Nothing is
 * checked here but the shape.
 */

import { attempt } from '../attempt.ts'
import { toHex } from '../bytes.ts'
import { OpenSealError } from '../errors.ts'
import { type AlgorithmId, type Certificate, readAlgorithm, readCertificate } from './certificate.ts'
import {
  booleanOf,
  contextTag,
  countIn,
  countOf,
  type Der,
  expect,
  inner,
  integerOf,
  latin,
  malformed,
  membersOf,
  oidOf,
  parseDer,
  secondsOf,
  TAG,
} from './der.ts'

/** A token, as it is written. */
export type TimestampToken = {
  readonly certificates: readonly Certificate[]
  readonly info: TimestampInfo
  /** The bytes of the TSTInfo, whose hash is signed. */
  readonly content: Uint8Array
  readonly signer: TokenSigner
}

/** What the authority states. RFC 3161 §2.4.2. */
export type TimestampInfo = {
  readonly policy: string
  readonly imprint: { readonly algorithm: AlgorithmId; readonly hash: Uint8Array }
  /** The whole seconds around the time, which may have a fraction. Unix seconds. */
  readonly time: SecondSpan
  /** The time plus its accuracy, rounded up. Unix seconds. */
  readonly latest: number
  /** Lower-case hex of the INTEGER's bytes. */
  readonly nonce?: string
}

/** Two times in Unix seconds, both included. */
export type SecondSpan = { readonly from: number; readonly until: number }

/** The signer, and the exact bytes that were signed. */
export type TokenSigner = {
  readonly id: { readonly issuer: string; readonly serial: string } | { readonly subjectKeyId: string }
  readonly digest: AlgorithmId
  readonly algorithm: AlgorithmId
  readonly signature: Uint8Array
  /** The DER of the SET OF signed attributes. */
  readonly signed: Uint8Array
  /** The signed attributes by their types, each with its one value. */
  readonly attributes: ReadonlyMap<string, Der>
}

const SIGNED_DATA = '1.2.840.113549.1.7.2'
const TST_INFO = '1.2.840.113549.1.9.16.1.4'
const MAX_CERTIFICATES = 8
/** Bounds the DER of a token. */
export const MAX_TOKEN_BYTES = 16 * 1024
const MAX_NANO_DIGITS = 9

/** Reads a token in DER. Throws TimestampError TIMESTAMP_MALFORMED. */
export function parseToken(bytes: Uint8Array): TimestampToken {
  if (bytes.length > MAX_TOKEN_BYTES)
    throw new TimestampError('TIMESTAMP_MALFORMED', `the time stamp is larger than ${MAX_TOKEN_BYTES} bytes`)
  const { value, error } = attempt(() => readToken(parseDer(bytes)))
  if (error) throw new TimestampError('TIMESTAMP_MALFORMED', `the time stamp cannot be read: ${error.message}`, { cause: error })
  return value
}

function readToken(whole: Der): TimestampToken {
  const outer = membersOf(whole)
  if (oidOf(outer.any()) !== SIGNED_DATA) throw malformed('it is not signed data')
  const data = membersOf(inner(outer.need(contextTag(0))))
  outer.end()
  countOf(data.any())
  data.need(TAG.set)
  const encapsulated = membersOf(data.any())
  if (oidOf(encapsulated.any()) !== TST_INFO) throw malformed('it signs something else than a time')
  const content = expect(inner(encapsulated.need(contextTag(0))), TAG.octetString).content
  encapsulated.end()
  const certificates = data.take(contextTag(0))?.children ?? []
  if (certificates.length > MAX_CERTIFICATES) throw malformed(`it has more than ${MAX_CERTIFICATES} certificates`)
  data.take(contextTag(1))
  const signers = data.need(TAG.set).children
  data.end()
  const [signer, ...others] = signers
  if (signer === undefined || others.length > 0) throw malformed(`it has ${signers.length} signers instead of one`)
  return { certificates: certificates.map(readCertificate), info: readInfo(parseDer(content)), content, signer: readSigner(signer) }
}

function readInfo(der: Der): TimestampInfo {
  const members = membersOf(der)
  if (countOf(members.any()) !== 1) throw malformed('its version is not 1')
  const policy = oidOf(members.any())
  const imprint = membersOf(members.any())
  const algorithm = readAlgorithm(imprint.any())
  const hash = imprint.need(TAG.octetString).content
  imprint.end()
  integerOf(members.any())
  const time = latin(members.need(TAG.generalizedTime).content)
  const accuracy = members.take(TAG.sequence)
  const ordering = members.take(TAG.boolean)
  if (ordering !== undefined) booleanOf(ordering)
  const nonce = members.take(TAG.integer)
  members.take(contextTag(0))
  // An extension could change what the rest means. No authority that we know of has a critical one.
  for (const extension of members.take(contextTag(1))?.children ?? []) {
    if (extension.children.some(member => member.tag === TAG.boolean && booleanOf(member))) throw malformed('it has a critical extension')
  }
  members.end()
  return { policy, imprint: { algorithm, hash }, ...readTime(time, accuracy), ...(nonce && { nonce: toHex(integerOf(nonce)) }) }
}

/**
 * The time, and the time plus its accuracy rounded up to the second: the token shows "not later
 * than". GeneralizedTime in DER has no zeros at the end of its fraction.
 */
function readTime(text: string, accuracy: Der | undefined): Pick<TimestampInfo, 'time' | 'latest'> {
  const [, whole, fraction = ''] = /^(\d{14})(?:\.(\d*[1-9]))?Z$/.exec(text) ?? []
  if (whole === undefined || fraction.length > MAX_NANO_DIGITS) throw malformed('its time is not one')
  const from = secondsOf(`${whole}Z`)
  const { seconds, nanos } = readAccuracy(accuracy)
  const latest = from + seconds + Math.ceil((Number(fraction.padEnd(MAX_NANO_DIGITS, '0')) + nanos) / 1e9)
  if (latest > LATEST) throw malformed('its time is after the year 9999')
  return { time: { from, until: fraction === '' ? from : from + 1 }, latest }
}

/** The last second of the year 9999. */
const LATEST = 253_402_300_799

function readAccuracy(der: Der | undefined): { seconds: number; nanos: number } {
  if (der === undefined) return { seconds: 0, nanos: 0 }
  const members = membersOf(der)
  const seconds = members.take(TAG.integer)
  const [millis, micros] = [0, 1].map(number => members.take(contextTag(number, false)))
  members.end()
  const part = (part: Der | undefined) => {
    const value = part === undefined ? 0 : countIn(part.content)
    if (value > 999) throw malformed('its accuracy is not one')
    return value
  }
  return { seconds: seconds === undefined ? 0 : countOf(seconds), nanos: part(millis) * 1e6 + part(micros) * 1e3 }
}

function readSigner(der: Der): TokenSigner {
  const members = membersOf(der)
  countOf(members.any())
  const id = readSignerId(members.any())
  const digest = readAlgorithm(members.any())
  const attributes = members.need(contextTag(0))
  const algorithm = readAlgorithm(members.any())
  const signature = members.need(TAG.octetString).content
  members.take(contextTag(1))
  members.end()
  // RFC 5652 §5.4: the tag of a SET OF is signed, not the tag in its place. OpenSSL and pkijs sign
  // and verify the attributes in the order in which they are written, and so does this.
  const signed = Uint8Array.from(attributes.whole)
  signed[0] = TAG.set
  return { id, digest, algorithm, signature, signed, attributes: readAttributes(attributes) }
}

function readSignerId(der: Der): TokenSigner['id'] {
  if (der.tag === contextTag(0, false)) return { subjectKeyId: toHex(der.content) }
  const members = membersOf(der)
  const id = { issuer: toHex(members.need(TAG.sequence).whole), serial: toHex(integerOf(members.any())) }
  members.end()
  return id
}

/** RFC 5652 §5.3: each attribute occurs once. Those of a time stamp have one value each. */
function readAttributes(der: Der): ReadonlyMap<string, Der> {
  const attributes = new Map<string, Der>()
  for (const each of der.children) {
    const members = membersOf(each)
    const type = oidOf(members.any())
    const [value, ...more] = members.need(TAG.set).children
    members.end()
    if (value === undefined || more.length > 0 || attributes.has(type)) throw malformed('a signed attribute has no single value')
    attributes.set(type, value)
  }
  return attributes
}

/**
 * TIMESTAMP_MALFORMED, TIMESTAMP_OTHER_DATA, TIMESTAMP_POLICY, TIMESTAMP_CERTIFICATE,
 * TIMESTAMP_CHAIN, TIMESTAMP_SIGNATURE, TIMESTAMP_UNSUPPORTED (a hash or an algorithm that is not
 * known or too weak) or TIMESTAMP_UNABLE (this program cannot check signatures here). A ledger that
 * asks for a token has more: TIMESTAMP_UNREACHABLE, TIMESTAMP_ANSWER, TIMESTAMP_REFUSED,
 * TIMESTAMP_CLOCK and TIMESTAMP_REVOKED.
 */
export class TimestampError extends OpenSealError {}
