/**
 * Whether one certificate was revoked, asked of a responder of its issuer (OCSP, RFC 6960). The
 * question has no nonce, because the responders of large authorities answer with what they signed
 * before.
 */
import { createHash } from 'node:crypto'
import { Integer, Null, OctetString } from 'asn1js'
import { AlgorithmIdentifier, CertID, OCSPRequest, Request, TBSRequest } from 'pkijs'
import { attemptAsync } from '../core/attempt.ts'
import { equalBytes, fromHex, toHex } from '../core/bytes.ts'
import { type Certificate, extendedKeyUsageOf, readAlgorithm, readCertificate, readExtensions } from '../core/timestamp/certificate.ts'
import {
  contextTag,
  type Der,
  expect,
  inner,
  integerOf,
  latin,
  malformed,
  membersOf,
  oidOf,
  parseDer,
  TAG,
  timeOf,
  wholeBits,
} from '../core/timestamp/der.ts'
import { checkSignature, type SignedBytes } from '../verifier/timestamp/signature.ts'

const SHA1 = '1.3.14.3.2.26'
const BASIC_RESPONSE = '1.3.6.1.5.5.7.48.1.1'
const RESPONDER_PLACES = '1.3.6.1.5.5.7.1.1'
const BY_OCSP = '1.3.6.1.5.5.7.48.1'
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9'
/** Says that the responder's own certificate is not to be asked about. RFC 6960 §4.2.2.2.1. */
const NO_CHECK = '1.3.6.1.5.5.7.48.1.5'
const KNOWN_CRITICAL = ['2.5.29.15', '2.5.29.19', '2.5.29.37', NO_CHECK]
const ENUMERATED = 0x0a
const [GOOD, REVOKED] = [contextTag(0, false), contextTag(1)]
/** A responder chooses how much it answers, and each certificate costs a check of a signature. */
const MAX_CERTIFICATES = 4
const MAX_ANSWERS = 16
const DAY_SECONDS = 86_400

/** The web addresses of the responders that a certificate names. RFC 5280 §4.2.2.1. Throws DerError. */
export function respondersOf({ extensions }: Certificate): string[] {
  const extension = extensions.get(RESPONDER_PLACES)
  if (extension === undefined) return []
  return parseDer(extension.value).children.flatMap(({ children: [method, place] }) =>
    method?.tag === TAG.oid && oidOf(method) === BY_OCSP && place?.tag === contextTag(6, false) ? [latin(place.content)] : [],
  )
}

/** The question about a certificate: an OCSPRequest in DER. */
export function makeStatusRequest(certificate: Certificate, issuer: Certificate): Uint8Array {
  const { nameHash, keyHash, serial } = idOf(certificate, issuer)
  const reqCert = new CertID({
    hashAlgorithm: new AlgorithmIdentifier({ algorithmId: SHA1, algorithmParams: new Null() }),
    issuerNameHash: new OctetString({ valueHex: Uint8Array.from(fromHex(nameHash)).buffer }),
    issuerKeyHash: new OctetString({ valueHex: Uint8Array.from(fromHex(keyHash)).buffer }),
    serialNumber: new Integer({ valueHex: Uint8Array.from(fromHex(serial)).buffer }),
  })
  const request = new OCSPRequest({ tbsRequest: new TBSRequest({ requestList: [new Request({ reqCert })] }) })
  return new Uint8Array(request.toSchema(true).toBER())
}

/**
 * Whether an answer says that the certificate was revoked; undefined if it does not know the
 * certificate, is not current, or is not signed by the issuer or a responder that the issuer named.
 * @throws DerError
 */
export async function readStatus(
  bytes: Uint8Array,
  certificate: Certificate,
  issuer: Certificate,
  nowMs: number,
): Promise<boolean | undefined> {
  const answer = readAnswer(bytes)
  if (answer === undefined) return undefined
  const nowSeconds = nowMs / 1000
  const found = answer.singles.filter(each => isAbout(each, idOf(certificate, issuer)) && isCurrent(each, nowSeconds))
  const known = found.filter(({ status }) => status === GOOD || status === REVOKED)
  if (known.length === 0 || !(await isSigned(answer, issuer, nowSeconds))) return undefined
  return known.some(({ status }) => status === REVOKED)
}

/** SHA-1 only names the issuer, because every responder knows it. The signature has another hash. */
function idOf({ serial }: Certificate, { subject, key }: Certificate) {
  const hash = (part: Uint8Array) => createHash('sha1').update(part).digest('hex')
  return { nameHash: hash(fromHex(subject)), keyHash: hash(key.bits), serial }
}

type Answer = NonNullable<ReturnType<typeof readAnswer>>
type Single = ReturnType<typeof readSingle>

/** OCSPResponse; undefined if the responder refuses. RFC 6960 §4.2.1. */
function readAnswer(bytes: Uint8Array) {
  const outer = membersOf(parseDer(bytes))
  if (!equalBytes(outer.need(ENUMERATED).content, Uint8Array.of(0))) return undefined
  const body = membersOf(inner(outer.need(contextTag(0))))
  outer.end()
  if (oidOf(body.any()) !== BASIC_RESPONSE) return undefined
  const basic = membersOf(parseDer(body.need(TAG.octetString).content))
  body.end()
  const signed = basic.need(TAG.sequence)
  const algorithm = readAlgorithm(basic.need(TAG.sequence))
  const signature = wholeBits(basic.need(TAG.bitString))
  const given = basic.take(contextTag(0))
  basic.end()
  const certificates = given === undefined ? [] : expect(inner(given), TAG.sequence).children
  const data = membersOf(signed)
  data.take(contextTag(0))
  // The responder's name is not read: the keys that may sign are tried instead.
  data.any()
  data.need(TAG.generalizedTime)
  const singles = data.need(TAG.sequence).children
  refuseCritical(data.take(contextTag(1)))
  data.end()
  if (certificates.length > MAX_CERTIFICATES || singles.length > MAX_ANSWERS) throw malformed('it says too much')
  return { signed: signed.whole, algorithm, signature, certificates: certificates.map(readCertificate), singles: singles.map(readSingle) }
}

function readSingle(der: Der) {
  const members = membersOf(der)
  const id = membersOf(members.any())
  const hash = readAlgorithm(id.any()).oid
  const [nameHash, keyHash] = [id.need(TAG.octetString), id.need(TAG.octetString)].map(({ content }) => toHex(content))
  const serial = toHex(integerOf(id.any()))
  const status = members.any().tag
  const from = timeOf(members.any())
  const next = members.take(contextTag(0))
  refuseCritical(members.take(contextTag(1)))
  members.end()
  return { hash, nameHash, keyHash, serial, status, from, until: next === undefined ? from + DAY_SECONDS : timeOf(inner(next)) }
}

function refuseCritical(tagged: Der | undefined): void {
  if ([...readExtensions(tagged).values()].some(({ isCritical }) => isCritical))
    throw malformed('it has a critical extension that is not known')
}

function isAbout(single: Single, { nameHash, keyHash, serial }: ReturnType<typeof idOf>): boolean {
  return single.hash === SHA1 && single.nameHash === nameHash && single.keyHash === keyHash && single.serial === serial
}

/** Whether an answer counts now. If it is dated more than a day ahead, its clock is wrong. */
function isCurrent({ from, until }: Single, nowSeconds: number): boolean {
  return from <= nowSeconds + DAY_SECONDS && until >= nowSeconds
}

/** RFC 6960 §4.2.2.2: the issuer signs, or a certificate for this purpose that it issued itself. */
async function isSigned({ certificates, ...answer }: Answer, issuer: Certificate, nowSeconds: number): Promise<boolean> {
  if (await hasSigned(issuer, answer)) return true
  for (const each of certificates)
    if (mayAnswer(each, issuer, nowSeconds) && (await hasSigned(issuer, each)) && (await hasSigned(each, answer))) return true
  return false
}

/** A key of another kind has not signed: the next one may have. */
async function hasSigned({ key }: Certificate, given: Omit<SignedBytes, 'key'>): Promise<boolean> {
  const { value } = await attemptAsync(() => checkSignature({ ...given, key }))
  return value !== undefined
}

function mayAnswer(certificate: Certificate, issuer: Certificate, nowSeconds: number): boolean {
  const { notBefore, notAfter, extensions } = certificate
  const isUsable = notBefore <= nowSeconds && nowSeconds <= notAfter && certificate.issuer === issuer.subject
  const isKnown = [...extensions].every(([oid, { isCritical }]) => !isCritical || KNOWN_CRITICAL.includes(oid))
  return isUsable && isKnown && (extendedKeyUsageOf(certificate)?.purposes.includes(OCSP_SIGNING) ?? false)
}
