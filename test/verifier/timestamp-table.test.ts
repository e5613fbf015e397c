/**
 * Our verifier of time stamps, pkijs and OpenSSL on one table of good and damaged tokens.
 * `test/timestamp/openssl.ts` writes the table.
 */

import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { fromBase64, toHex } from '../../src/core/bytes.ts'
import { parseCertificate } from '../../src/core/timestamp/certificate.ts'
import { DerError } from '../../src/core/timestamp/der.ts'
import { TimestampError } from '../../src/core/timestamp/token.ts'
import { checkAgain } from '../../src/timestamps/second-opinion.ts'
import { verifyToken } from '../../src/verifier/timestamp/verify-token.ts'
import { DATA } from '../timestamp/cases.ts'

type Case = { readonly name: string; readonly ours: string; readonly openssl: string; readonly root: string; readonly token: string }
const { cases }: { cases: readonly Case[] } = JSON.parse(readFileSync(new URL('../timestamp/cases.json', import.meta.url), 'utf8'))

const verifyCase = ({ token, root }: Case) =>
  verifyToken(fromBase64(token), { data: DATA, certificates: [parseCertificate(fromBase64(root))] })
const codeOf = (each: Case) =>
  verifyCase(each).then(
    () => 'OK',
    error => (error instanceof TimestampError ? error.code : `bug: ${error}`),
  )
const answerOf = ({ token, root }: Case) =>
  checkAgain(fromBase64(token), DATA, [fromBase64(root)]).then(
    () => 'OK',
    error => (error instanceof TimestampError ? 'refused' : `bug: ${error}`),
  )

/** What OpenSSL 3.0 refuses and we accept. Its `ts` knows neither algorithm, and ends a second early. */
const OPENSSL_REFUSES = ['a good one, pss', 'a good one, ed25519', 'a signer that expires at that second']

/** What OpenSSL accepts and we refuse. */
const OPENSSL_ACCEPTS = [
  // RFC 3161 §2.3 wants a key for time stamps alone. A CA's is for certificates.
  'a signer that is a CA',
  // SHA-1 and short keys no longer count.
  'its certificate named by SHA-1 alone',
  'a certificate signed with SHA-1',
  'an RSA key of 1024 bits',
  'an imprint by SHA-1',
  'a signature by SHA-1',
  // We do not compare names with limits, and so refuse them. A CA's purposes limit those below it.
  'a CA that limits names',
  'a CA for web servers only',
  // RFC 5652 §5.3 and RFC 3161 §2.4.2.
  'another type of content among the attributes',
  'a critical extension',
  'a fraction with a zero at its end',
  // Our bounds, and DER alone.
  'nine certificates',
  'more than 16 KiB',
  'bytes behind it',
  'an indefinite length, which BER allows',
  'a length with a zero in front',
]

/** What pkijs refuses and we accept: it knows no Ed25519. */
const PKIJS_REFUSES: readonly string[] = ['a good one, ed25519']

/** What pkijs accepts and we refuse. So pkijs alone is not enough for a ledger. */
const PKIJS_ACCEPTS: readonly string[] = [
  // The purpose of the signer's certificate.
  'a signer for code, not for time',
  'a signer for code and for time',
  'a signer for everything',
  'a purpose that is not critical',
  'a signer that is a CA',
  'a key that encrypts too',
  // The certificate that the token names.
  'a certificate swapped for one of the same key, issuer and number',
  'the name of another certificate',
  'another number beside the right hash',
  'no name of its certificate',
  'its certificate named by SHA-1 alone',
  'a second certificate named that is in no chain',
  // What limits the chain.
  'a CA too many below one',
  'a CA that limits names',
  'a CA for web servers only',
  'something critical in a certificate that nobody knows',
  // SHA-1 and short keys.
  'a certificate signed with SHA-1',
  'an RSA key of 1024 bits',
  'an imprint by SHA-1',
  'a signature by SHA-1',
  // The shape.
  'another type of content among the attributes',
  'a critical extension',
  'a fraction with a zero at its end',
  'two signers',
  'nine certificates',
  'more than 16 KiB',
  'bytes behind it',
  'an indefinite length, which BER allows',
  'a length with a zero in front',
]

describe('verifier: the table of time stamps', () => {
  it('answers each as the table says', async () => {
    ok(cases.length > 60)
    for (const each of cases) equal(await codeOf(each), each.ours, each.name)
  })

  it('agrees with OpenSSL on all but what the lists name', async () => {
    const differ = (accepts: (each: Case) => boolean) => cases.filter(accepts).map(({ name }) => name)
    deepEqual(differ(({ ours, openssl }) => ours === 'OK' && openssl !== 'OK').sort(), OPENSSL_REFUSES.toSorted())
    deepEqual(differ(({ ours, openssl }) => ours !== 'OK' && openssl === 'OK').sort(), OPENSSL_ACCEPTS.toSorted())
  })

  it('agrees with pkijs on all but what the lists name', async () => {
    const answers = new Map<string, string>()
    for (const each of cases) answers.set(each.name, await answerOf(each))
    const differ = (accepts: (ours: string, theirs: string | undefined) => boolean) =>
      cases.filter(({ name, ours }) => accepts(ours, answers.get(name))).map(({ name }) => name)
    deepEqual(differ((ours, theirs) => ours === 'OK' && theirs !== 'OK').sort(), PKIJS_REFUSES.toSorted())
    deepEqual(differ((ours, theirs) => ours !== 'OK' && theirs === 'OK').sort(), PKIJS_ACCEPTS.toSorted())
  })

  it('ends in one of our codes, or in the same answer, for every byte of a good token changed', async () => {
    for (const name of ['a good one with an intermediate CA', 'a good one, rsa']) {
      const good = cases.find(each => each.name === name)!
      const essence = ({ seconds, signer, path, suites }: Awaited<ReturnType<typeof verifyCase>>) =>
        JSON.stringify({ seconds, signer, path: path.map(({ der }) => toHex(der)), suites })
      const wanted = essence(await verifyCase(good))
      const [bytes, root] = [fromBase64(good.token), parseCertificate(fromBase64(good.root))]
      let same = 0
      for (const [at, byte] of bytes.entries()) {
        const damaged = Uint8Array.from(bytes)
        damaged[at] = byte ^ (1 << (at % 8))
        const answer = await verifyToken(damaged, { data: DATA, certificates: [root] }).then(essence, error => {
          ok(error instanceof TimestampError && /^TIMESTAMP_(?!UNABLE)/.test(error.code), `byte ${at}: ${error?.stack}`)
          return undefined
        })
        if (answer === undefined) continue
        equal(answer, wanted, `byte ${at}`)
        same++
      }
      // Only what nobody signs: versions, the list of digests, and how the algorithms are named.
      ok(same < 40, `${same} bytes of ${bytes.length} change nothing`)
    }
  })

  it('answers any bytes with one of our codes, at once, however deep or many they are', async () => {
    const root = parseCertificate(fromBase64(cases[0]!.root))
    const expected = { data: DATA, certificates: [root] }
    const deep = Buffer.concat([...Array(5000).fill(Buffer.of(0x30, 0x80))])
    const many = Buffer.concat([Buffer.of(0x30, 0x82, 0x3f, 0xf0), Buffer.alloc(0x3ff0).fill(Buffer.of(0x05, 0x00))])
    let nested = Buffer.alloc(0)
    for (let depth = 0; depth < 1000; depth++) {
      const { length } = nested
      nested = Buffer.concat([
        length < 0x80
          ? Buffer.of(0x30, length)
          : length < 0x100
            ? Buffer.of(0x30, 0x81, length)
            : Buffer.of(0x30, 0x82, length >> 8, length & 255),
        nested,
      ])
    }
    for (const bytes of [deep, many, nested]) await rejects(verifyToken(bytes, expected), { code: 'TIMESTAMP_MALFORMED' })
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), bytes => rejects(verifyToken(bytes, expected), { code: 'TIMESTAMP_MALFORMED' })),
    )
    const good = fromBase64(cases.find(({ name }) => name === 'a good one with an intermediate CA')!.token)
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.nat(40), fc.uint8Array({ maxLength: 40 }), async (at, cut, more) => {
        const damaged = Buffer.concat([good.subarray(0, at), more, good.subarray(at + cut)])
        await verifyToken(damaged, expected).catch(error => ok(error instanceof TimestampError, error?.stack))
      }),
      { numRuns: 2000 },
    )
  })

  it('reads a certificate, whatever byte of it is changed, or says why not', () => {
    const der = fromBase64(cases[0]!.root)
    for (const at of der.keys()) {
      const damaged = Uint8Array.from(der)
      damaged[at]! ^= 0x55
      try {
        parseCertificate(damaged)
      } catch (error) {
        ok(error instanceof DerError, `byte ${at}: ${error}`)
      }
    }
  })
})
