/**
 * One table of time stamps, good and damaged. Each case says what our verifier answers; beside it
 * are the answers of pkijs (with our checks that it leaves out) and of OpenSSL.
 */

import {
  type CertificateOptions,
  CODE_SIGNING,
  extension,
  FROM,
  type Issued,
  issue,
  issuedBy,
  type KeyKind,
  POLICY,
  STAMPED_AT,
  type StampOptions,
  stamp,
  TIME_STAMPING,
} from './authority.ts'
import { boolean, element, integer, octets, oid, sequence, set, tagged, text } from './der-writer.ts'

/** What the tokens stamp. */
export const DATA = Buffer.from('log.example/one\n3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n')

/** A case before it is written: the token, the certificate that is pinned, and our answer. */
export type MadeCase = { readonly name: string; readonly token: Buffer; readonly root: Issued; readonly ours: string; readonly at?: number }

const [ROOT, TSA] = chainOf('p256')

/** Makes all cases, with new keys. */
export function makeCases(): MadeCase[] {
  return [...goodCases(), ...certificateCases(), ...chainCases(), ...contentCases(), ...shapeCases()]
}

function chainOf(kind: KeyKind, change: Partial<CertificateOptions> = {}): [Issued, Issued] {
  const root = issue({ name: `Root ${kind}`, ca: true, kind, usage: 0x06 })
  return [root, issuedBy(root, { name: `TSA ${kind}`, serial: 2, kind, purposes: [TIME_STAMPING], usage: 0xc0, ...change })]
}

function caseOf(name: string, ours: string, change: Partial<StampOptions> = {}, root = ROOT, signer = TSA): MadeCase {
  return { name, ours, root, token: stamp({ data: DATA, signer, certificates: [signer], ...change }) }
}

function goodCases(): MadeCase[] {
  const kinds: readonly KeyKind[] = ['rsa', 'p256', 'p384', 'p521', 'pss', 'ed25519']
  const [mid, below] = middle({})
  return [
    ...kinds.map(kind => {
      const [root, tsa] = chainOf(kind)
      return caseOf(`a good one, ${kind}`, 'OK', {}, root, tsa)
    }),
    ...(['sha384', 'sha512'] as const).map(hash => caseOf(`a good one with ${hash}`, 'OK', { hash, imprintHash: hash, essHash: hash })),
    caseOf('a good one with an intermediate CA', 'OK', { certificates: [below, mid] }, ROOT, below),
    caseOf('its certificates in another order', 'OK', { certificates: [mid, below] }, ROOT, below),
    caseOf('a good one with the root inside', 'OK', { certificates: [TSA, ROOT] }),
    caseOf('a good one with accuracy, nonce and fraction', 'OK', {
      accuracy: sequence(integer(1), element(0x80, Uint8Array.of(5))),
      nonce: Uint8Array.of(200),
      fraction: '.25',
    }),
    caseOf('an attribute that nobody signed', 'OK', { unsigned: sequence(oid('1.2.3'), set(text('x'))) }),
    caseOf('signed attributes in another order', 'OK', { unsorted: true }),
  ]
}

function middle(change: Partial<CertificateOptions>, below: Partial<CertificateOptions> = {}): [Issued, Issued] {
  const mid = issuedBy(ROOT, { name: 'Middle', ca: true, serial: 5, usage: 0x06, ...change })
  return [mid, issuedBy(mid, { name: 'Below', serial: 6, purposes: [TIME_STAMPING], usage: 0xc0, ...below })]
}

function certificateCases(): MadeCase[] {
  const signer = (change: Partial<CertificateOptions>) => issuedBy(ROOT, { name: 'Odd', serial: 3, purposes: [TIME_STAMPING], ...change })
  const odd = (name: string, change: Partial<CertificateOptions>) => caseOf(name, 'TIMESTAMP_CERTIFICATE', {}, ROOT, signer(change))
  const swapped = issuedBy(ROOT, { name: TSA.name, serial: TSA.serial, key: TSA.key, purposes: [TIME_STAMPING], usage: 0x80 })
  const other = signer({ name: 'Another' })
  return [
    odd('a signer for code, not for time', { purposes: [CODE_SIGNING] }),
    odd('a signer for code and for time', { purposes: [TIME_STAMPING, CODE_SIGNING] }),
    odd('a signer for everything', { purposes: undefined as never }),
    odd('a purpose that is not critical', { purposesCritical: false }),
    odd('a signer that is a CA', { ca: true }),
    odd('a key that encrypts too', { usage: 0xa0 }),
    caseOf('a certificate swapped for one of the same key, issuer and number', 'TIMESTAMP_CERTIFICATE', { certificates: [swapped] }),
    caseOf('the name of another certificate', 'TIMESTAMP_CERTIFICATE', { essOf: other }),
    caseOf('another number beside the right hash', 'TIMESTAMP_CERTIFICATE', { essSerial: 9 }),
    caseOf('no name of its certificate', 'TIMESTAMP_CERTIFICATE', { essVersion: 0 }),
    caseOf('its certificate named by SHA-1 alone', 'TIMESTAMP_CERTIFICATE', { essVersion: 1 }),
    caseOf('a second certificate named that is in no chain', 'TIMESTAMP_CERTIFICATE', { essMore: [other] }),
    caseOf('no certificates', 'TIMESTAMP_CERTIFICATE', { certificates: [] }),
    caseOf('another certificate only', 'TIMESTAMP_CERTIFICATE', { certificates: [other] }),
  ]
}

function chainCases(): MadeCase[] {
  const through = (
    name: string,
    change: Partial<CertificateOptions>,
    below: Partial<CertificateOptions> = {},
    ours = 'TIMESTAMP_CHAIN',
  ) => {
    const [mid, last] = middle(change, below)
    return caseOf(name, ours, { certificates: [last, mid] }, ROOT, last)
  }
  const stranger = issue({ name: ROOT.name, ca: true, usage: 0x06 })
  const [, foreign] = chainOf('p384')
  const [zero, second] = [issuedBy(ROOT, { name: 'Zero', ca: true, pathLength: 0, serial: 7 }), 'Second']
  const deep = issuedBy(zero, { name: second, ca: true, serial: 8 })
  const last = issuedBy(deep, { name: 'Last', serial: 9, purposes: [TIME_STAMPING] })
  const critical = extension('2.5.29.99', sequence(), true)
  const limited = extension('2.5.29.30', sequence(tagged(0)), true)
  const odd = (change: Partial<CertificateOptions>) => issuedBy(ROOT, { name: 'Odd', serial: 3, purposes: [TIME_STAMPING], ...change })
  return [
    caseOf('a chain to another root', 'TIMESTAMP_CHAIN', {}, ROOT, foreign),
    caseOf('another root of the same name', 'TIMESTAMP_CHAIN', {}, stranger),
    through('an issuer that is not a CA', { ca: false }),
    through('an issuer whose key signs no certificates', { usage: 0x80 }),
    through('an intermediate CA that had expired', { until: STAMPED_AT - 1 }),
    caseOf('a CA too many below one', 'TIMESTAMP_CHAIN', { certificates: [last, deep, zero] }, ROOT, last),
    caseOf('a signer that had expired', 'TIMESTAMP_CHAIN', {}, ROOT, odd({ until: STAMPED_AT - 1 })),
    caseOf('a signer that expires at that second', 'OK', {}, ROOT, odd({ until: STAMPED_AT })),
    caseOf('a signer that was not valid yet', 'TIMESTAMP_CHAIN', {}, ROOT, odd({ from: STAMPED_AT + 1 })),
    { ...caseOf('a time before the root', 'TIMESTAMP_CHAIN', { seconds: FROM - 1 }), at: FROM - 1 },
    caseOf('something critical in a certificate that nobody knows', 'TIMESTAMP_CHAIN', {}, ROOT, odd({ extensions: [critical] })),
    through('a CA that limits names', { extensions: [limited] }),
    through('a CA for web servers only', { purposes: ['1.3.6.1.5.5.7.3.1'] }),
    caseOf('a certificate signed with SHA-1', 'TIMESTAMP_UNSUPPORTED', {}, ROOT, odd({ hash: 'sha1' })),
    caseOf('an RSA key of 1024 bits', 'TIMESTAMP_UNSUPPORTED', {}, ROOT, odd({ kind: 'rsa1024' })),
  ]
}

function contentCases(): MadeCase[] {
  return [
    caseOf('another imprint', 'TIMESTAMP_OTHER_DATA', { imprint: new Uint8Array(32) }),
    caseOf('an imprint of another length', 'TIMESTAMP_OTHER_DATA', { imprint: new Uint8Array(31) }),
    caseOf('an imprint by SHA-1', 'TIMESTAMP_UNSUPPORTED', { imprintHash: 'sha1' }),
    caseOf('a signature by SHA-1', 'TIMESTAMP_UNSUPPORTED', { hash: 'sha1' }),
    caseOf('another digest than that of its content', 'TIMESTAMP_SIGNATURE', { messageDigest: new Uint8Array(32) }),
    caseOf('another type of content among the attributes', 'TIMESTAMP_SIGNATURE', { contentType: '1.2.840.113549.1.7.1' }),
    caseOf('a critical extension', 'TIMESTAMP_MALFORMED', { infoExtension: sequence(oid('1.2.3'), boolean(true), octets(text('x'))) }),
    caseOf('a fraction with a zero at its end', 'TIMESTAMP_MALFORMED', { fraction: '.50' }),
    caseOf('an attribute twice', 'TIMESTAMP_MALFORMED', {
      attributes: [sequence(oid('1.2.840.113549.1.9.4'), set(octets(new Uint8Array(32))))],
    }),
    {
      ...caseOf('a signature changed by a bit', 'TIMESTAMP_SIGNATURE'),
      token: flip(stamp({ data: DATA, signer: rsaChain()[1], certificates: [rsaChain()[1]] })),
      root: rsaChain()[0],
    },
  ]
}

let rsa: [Issued, Issued] | undefined
function rsaChain(): [Issued, Issued] {
  rsa ??= chainOf('rsa')
  return rsa
}

/** The last byte of a token is the last byte of its signature. */
function flip(token: Buffer): Buffer {
  const changed = Buffer.from(token)
  changed[changed.length - 1]! ^= 1
  return changed
}

function shapeCases(): MadeCase[] {
  const good = stamp({ data: DATA, signer: TSA, certificates: [TSA] })
  const [outer, inside] = [good.subarray(0, 4), good.subarray(4)]
  const shape = (name: string, token: Buffer) => ({ name, token, root: ROOT, ours: 'TIMESTAMP_MALFORMED' })
  const many = Array.from({ length: 8 }, (_, at) => issue({ name: `Spare ${at}`, ca: true }))
  return [
    caseOf('two signers', 'TIMESTAMP_MALFORMED', { signers: 2 }),
    caseOf('no signer', 'TIMESTAMP_MALFORMED', { signers: 0 }),
    caseOf('nine certificates', 'TIMESTAMP_MALFORMED', { certificates: [TSA, ...many] }),
    caseOf('eight certificates', 'OK', { certificates: [TSA, ...many.slice(1)] }),
    caseOf('more than 16 KiB', 'TIMESTAMP_MALFORMED', { unsigned: sequence(oid('1.2.3'), set(text('x'.repeat(17_000)))) }),
    shape('bytes behind it', Buffer.concat([good, Buffer.of(0)])),
    shape('an indefinite length, which BER allows', Buffer.concat([Buffer.of(0x30, 0x80), inside, Buffer.of(0, 0)])),
    shape('a length with a zero in front', Buffer.concat([Buffer.of(0x30, 0x83, 0), outer.subarray(2), inside])),
    shape('half of it', good.subarray(0, good.length / 2)),
    shape('nothing', Buffer.alloc(0)),
  ]
}

/** The policy under which the tokens were made. */
export { POLICY }
