/**
 * A time-stamp authority for tests: real keys, real certificates, real tokens (RFC 3161), right or
 * wrong as told.
 */

import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { bits, boolean, element, generalizedTime, integer, none, octets, oid, sequence, set, tagged, text } from './der-writer.ts'

export type KeyKind = 'rsa' | 'pss' | 'p256' | 'p384' | 'p521' | 'ed25519' | 'rsa1024'
export type HashKind = 'sha1' | 'sha256' | 'sha384' | 'sha512'

/** A certificate with its key. */
export type Issued = {
  readonly name: string
  readonly der: Buffer
  readonly serial: number
  readonly key: KeyObject
  readonly kind: KeyKind
}

export type CertificateOptions = {
  readonly kind?: KeyKind
  readonly key?: KeyObject
  readonly name: string
  readonly serial?: number
  readonly issuer?: Issued
  readonly ca?: boolean
  readonly pathLength?: number
  readonly purposes?: readonly string[]
  readonly purposesCritical?: boolean
  readonly usage?: number
  readonly from?: number
  readonly until?: number
  readonly hash?: HashKind
  readonly extensions?: readonly Buffer[]
  readonly subjectKeyId?: Uint8Array
}

export const TIME_STAMPING = '1.3.6.1.5.5.7.3.8'
export const CODE_SIGNING = '1.3.6.1.5.5.7.3.3'
/** 2026-01-01 and 2036-01-01. */
export const [FROM, UNTIL] = [1_767_225_600, 2_082_758_400]

const HASHES = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
}
const hashId = (hash: HashKind, withNull = false) => sequence(oid(HASHES[hash]), ...(withNull ? [none()] : []))
const nameOf = (name: string) => sequence(set(sequence(oid('2.5.4.3'), text(name))))
const digestOf = (hash: HashKind, bytes: Uint8Array) => createHash(hash).update(bytes).digest()

/** A new private key. */
export function newKey(kind: KeyKind): KeyObject {
  if (kind === 'ed25519') return generateKeyPairSync('ed25519').privateKey
  if (kind === 'rsa' || kind === 'pss' || kind === 'rsa1024')
    return generateKeyPairSync('rsa', { modulusLength: kind === 'rsa1024' ? 1024 : 2048 }).privateKey
  const namedCurve = { p256: 'prime256v1', p384: 'secp384r1', p521: 'secp521r1' }[kind]
  return generateKeyPairSync('ec', { namedCurve }).privateKey
}

/** The identifier of a signature. In CMS, RSA is named without its hash. */
function algorithmId(kind: KeyKind, hash: HashKind, inCms: boolean): Buffer {
  const last = { sha1: 5, sha256: 11, sha384: 12, sha512: 13 }[hash]
  if (kind === 'ed25519') return sequence(oid('1.3.101.112'))
  if (kind === 'pss') {
    const mask = sequence(oid('1.2.840.113549.1.1.8'), hashId(hash, true))
    return sequence(oid('1.2.840.113549.1.1.10'), sequence(tagged(0, hashId(hash, true)), tagged(1, mask), tagged(2, integer(32))))
  }
  if (kind === 'rsa' || kind === 'rsa1024') return sequence(oid(inCms ? '1.2.840.113549.1.1.1' : `1.2.840.113549.1.1.${last}`), none())
  if (hash === 'sha1') return sequence(oid('1.2.840.10045.4.1'))
  return sequence(oid(`1.2.840.10045.4.3.${{ sha256: 2, sha384: 3, sha512: 4 }[hash]}`))
}

function signWith(key: KeyObject, kind: KeyKind, hash: HashKind, bytes: Uint8Array): Buffer {
  if (kind === 'ed25519') return sign(null, bytes, key)
  return sign(hash, bytes, kind === 'pss' ? { key, padding: 6, saltLength: 32 } : key)
}

export const extension = (id: string, value: Uint8Array, critical = false) =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value))

/** A certificate, signed by its issuer, or by itself. */
export function issue(options: CertificateOptions): Issued {
  const {
    kind = 'p256',
    name,
    serial = 1,
    issuer,
    ca = false,
    pathLength,
    purposes,
    purposesCritical = true,
    usage,
    from = FROM,
    until = UNTIL,
  } = options
  const key = options.key ?? newKey(kind)
  const [by, byKind] = [issuer?.key ?? key, issuer?.kind ?? kind]
  const hash = options.hash ?? 'sha256'
  const extensions = [
    ...(ca ? [extension('2.5.29.19', sequence(boolean(true), ...(pathLength === undefined ? [] : [integer(pathLength)])), true)] : []),
    ...(usage === undefined ? [] : [extension('2.5.29.15', bits(Uint8Array.of(usage)), true)]),
    ...(purposes === undefined ? [] : [extension('2.5.29.37', sequence(...purposes.map(oid)), purposesCritical)]),
    ...(options.subjectKeyId === undefined ? [] : [extension('2.5.29.14', octets(options.subjectKeyId))]),
    ...(options.extensions ?? []),
  ]
  // `pss` signs with an ordinary RSA key.
  const publicKey = generatePublic(key)
  const body = sequence(
    tagged(0, integer(2)),
    integer(serial),
    algorithmId(byKind, hash, false),
    nameOf(issuer?.name ?? name),
    sequence(generalizedTime(from), generalizedTime(until)),
    nameOf(name),
    publicKey,
    ...(extensions.length === 0 ? [] : [tagged(3, sequence(...extensions))]),
  )
  const der = sequence(body, algorithmId(byKind, hash, false), bits(signWith(by, byKind, hash, body)))
  return { name, der, serial, key, kind }
}

function generatePublic(key: KeyObject): Buffer {
  return Buffer.from(createPublicKey(key).export({ type: 'spki', format: 'der' }))
}

/** What a token says, and what is wrong with it. */
export type StampOptions = {
  readonly data: Uint8Array
  readonly signer: Issued
  readonly certificates: readonly Issued[]
  readonly hash?: HashKind
  readonly imprintHash?: HashKind
  readonly imprint?: Uint8Array
  readonly policy?: string
  readonly seconds?: number
  readonly fraction?: string
  readonly accuracy?: Buffer
  readonly nonce?: Uint8Array
  readonly essHash?: HashKind
  readonly essOf?: Issued
  readonly essMore?: readonly Issued[]
  readonly essVersion?: 1 | 2 | 0
  readonly essSerial?: number
  readonly infoExtension?: Buffer
  readonly contentType?: string
  readonly messageDigest?: Uint8Array
  readonly bySubjectKeyId?: Uint8Array
  readonly signers?: number
  readonly unsigned?: Buffer
  readonly unsorted?: boolean
  readonly attributes?: readonly Buffer[]
}

export const POLICY = '1.2.3.4.1'
/** 2026-11-24T12:00:00Z. */
export const STAMPED_AT = 1_795_521_600
const TST_INFO = '1.2.840.113549.1.9.16.1.4'
const attribute = (type: string, value: Uint8Array) => sequence(oid(type), set(value))

/** A token: the DER of a TimeStampToken. */
export function stamp(options: StampOptions): Buffer {
  const { signer, hash = signer.kind === 'ed25519' ? 'sha512' : 'sha256', certificates, signers = 1 } = options
  const content = infoOf(options)
  const attributes = [
    attribute('1.2.840.113549.1.9.3', oid(options.contentType ?? TST_INFO)),
    attribute('1.2.840.113549.1.9.4', octets(options.messageDigest ?? digestOf(hash, content))),
    ...essOf(options),
    ...(options.attributes ?? []),
  ]
  const signed = options.unsorted ? element(0x31, ...attributes.toSorted(Buffer.compare).toReversed()) : set(...attributes)
  const id =
    options.bySubjectKeyId === undefined
      ? sequence(nameOf(issuerName(signer)), integer(signer.serial))
      : element(0x80, options.bySubjectKeyId)
  const info = sequence(
    integer(options.bySubjectKeyId === undefined ? 1 : 3),
    id,
    hashId(hash, true),
    Buffer.concat([Uint8Array.of(0xa0), signed.subarray(1)]),
    algorithmId(signer.kind, hash, true),
    octets(signWith(signer.key, signer.kind, hash, signed)),
    ...(options.unsigned === undefined ? [] : [tagged(1, options.unsigned)]),
  )
  const data = sequence(
    integer(3),
    set(hashId(hash, true)),
    sequence(oid(TST_INFO), tagged(0, octets(content))),
    ...(certificates.length === 0 ? [] : [tagged(0, ...certificates.map(({ der }) => der))]),
    element(0x31, ...Array<Buffer>(signers).fill(info)),
  )
  return sequence(oid('1.2.840.113549.1.7.2'), tagged(0, data))
}

const ISSUERS = new WeakMap<Issued, string>()

/** Remembers who issued a certificate whose issuer is not itself. */
export function issuedBy(issuer: Issued, options: Omit<CertificateOptions, 'issuer'>): Issued {
  const issued = issue({ ...options, issuer })
  ISSUERS.set(issued, issuer.name)
  return issued
}

function issuerName(issued: Issued): string {
  return ISSUERS.get(issued) ?? issued.name
}

function infoOf({
  data,
  imprintHash = 'sha256',
  imprint,
  policy = POLICY,
  seconds = STAMPED_AT,
  fraction,
  accuracy,
  nonce,
  infoExtension,
}: StampOptions): Buffer {
  return sequence(
    integer(1),
    oid(policy),
    sequence(hashId(imprintHash, true), octets(imprint ?? digestOf(imprintHash, data))),
    integer(77),
    generalizedTime(seconds, fraction),
    ...(accuracy === undefined ? [] : [accuracy]),
    ...(nonce === undefined ? [] : [integer(nonce)]),
    ...(infoExtension === undefined ? [] : [tagged(1, infoExtension)]),
  )
}

function essOf({ signer, essOf = signer, essMore = [], essHash = 'sha256', essVersion = 2, essSerial }: StampOptions): Buffer[] {
  const idOf = (of: Issued) => {
    const place = sequence(sequence(tagged(4, nameOf(issuerName(of)))), integer(essSerial ?? of.serial))
    const named = essVersion === 1 || essHash === 'sha256' ? [] : [hashId(essHash)]
    return sequence(...named, octets(digestOf(essVersion === 1 ? 'sha1' : essHash, of.der)), place)
  }
  if (essVersion === 0) return []
  const type = essVersion === 1 ? '1.2.840.113549.1.9.16.2.12' : '1.2.840.113549.1.9.16.2.47'
  return [attribute(type, sequence(sequence(...[essOf, ...essMore].map(idOf))))]
}
