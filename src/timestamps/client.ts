/** Asks one time-stamp authority for tokens, by RFC 3161 over HTTP. */

import { Integer, OctetString } from 'asn1js'
import { AlgorithmIdentifier, MessageImprint, TimeStampReq } from 'pkijs'
import type { Stamp, TimestampClient } from '../anchor/timestamp.ts'
import { attempt } from '../core/attempt.ts'
import { toHex, toUtf8 } from '../core/bytes.ts'
import { sha256 } from '../core/hash.ts'
import { formatTime } from '../core/time.ts'
import { parseCertificate } from '../core/timestamp/certificate.ts'
import { countOf, type Der, membersOf, parseDer, TAG } from '../core/timestamp/der.ts'
import { TimestampError } from '../core/timestamp/token.ts'
import { visible } from '../core/visible.ts'
import { verifyToken } from '../verifier/timestamp/verify-token.ts'
import { type Exchange, exchange } from './exchange.ts'
import { checkRevocation } from './revocation.ts'
import { checkAgain } from './second-opinion.ts'
import { renewalSeconds } from './suites.ts'

/** An authority, and the means to reach it. */
export type TimestampOptions = {
  readonly name: string
  readonly url: string
  /** DER certificates, as the ledger's policy names them. */
  readonly certificates: readonly Uint8Array[]
  readonly policies?: readonly string[]
  readonly fetch: typeof fetch
  /** For the token; for all lists of a certificate together; and for all its responders together. */
  readonly timeoutMs: number
  readonly nowMs: () => number
  /** 16 random bytes. */
  readonly newNonce: () => Uint8Array
}

const SHA256 = '2.16.840.1.101.3.4.2.1'
const QUERY = 'application/timestamp-query'
const REPLY = 'application/timestamp-reply'
const MAX_ANSWER_BYTES = 64 * 1024
const DAY_MS = 86_400_000

/** A client of one authority. Throws DerError for a certificate that cannot be read. */
export function createTimestampClient(options: TimestampOptions): TimestampClient {
  const { name, url, policies, fetch, timeoutMs, nowMs, newNonce } = options
  const certificates = options.certificates.map(parseCertificate)

  return {
    name,
    async stamp(checkpointText, signal) {
      const data = toUtf8(checkpointText)
      const { body, nonce } = makeRequest(data, newNonce())
      const by: Exchange = { fetch, timeoutMs, signal }
      const token = readResponse(await exchange(url, { body, type: QUERY, accept: [REPLY], maxBytes: MAX_ANSWER_BYTES }, by), name)
      // As a verifier will check it years later, and then by another program.
      const verified = await verifyToken(token, { data, certificates, policies, nonce })
      await checkAgain(token, data, options.certificates)
      refuseOtherClock(verified.seconds * 1000, nowMs())
      const revocation = await checkRevocation(verified.path, nowMs(), by)
      const times = { time: formatTime(verified.seconds * 1000), renewBy: formatTime(renewalSeconds(verified) * 1000) }
      return { token, ...times, sha256: toHex(sha256(token)), signer: verified.signer, revocation } satisfies Stamp
    },
  }
}

/** TimeStampReq: SHA-256, a nonce, and the certificates wanted in the token. RFC 3161 §2.4.1. */
function makeRequest(data: Uint8Array, random: Uint8Array): { body: Uint8Array; nonce: string } {
  // A positive INTEGER in its shortest form.
  const value = Uint8Array.from([0x01, ...random])
  const messageImprint = new MessageImprint({
    hashAlgorithm: new AlgorithmIdentifier({ algorithmId: SHA256 }),
    hashedMessage: new OctetString({ valueHex: Uint8Array.from(sha256(data)).buffer }),
  })
  const request = new TimeStampReq({ version: 1, messageImprint, certReq: true, nonce: new Integer({ valueHex: value.buffer }) })
  const body = new Uint8Array(request.toSchema().toBER())
  return { body, nonce: toHex(value) }
}

/** TimeStampResp: status 0 or 1 and a token. The token's own bytes are kept. RFC 3161 §2.4.2. */
function readResponse(bytes: Uint8Array, name: string): Uint8Array {
  const { value, error } = attempt(() => {
    const members = membersOf(parseDer(bytes))
    const status = membersOf(members.any())
    const code = countOf(status.any())
    const token = members.take(TAG.sequence)
    members.end()
    return { code, why: textsOf(status.take(TAG.sequence)), token }
  })
  if (error)
    throw new TimestampError('TIMESTAMP_ANSWER', `${name} gives an answer that is no time stamp: ${error.message}`, { cause: error })
  const { code, why, token } = value
  if (code > 1)
    throw new TimestampError('TIMESTAMP_REFUSED', `${name} refuses a time stamp (status ${code})${why === '' ? '' : `: ${why}`}`)
  if (token === undefined) throw new TimestampError('TIMESTAMP_ANSWER', `${name} gives an answer without a time stamp`)
  return token.whole
}

/** PKIFreeText, cut short: an authority chooses what it says. */
function textsOf(texts: Der | undefined): string {
  const decoder = new TextDecoder()
  return visible(
    (texts?.children ?? [])
      .map(({ content }) => decoder.decode(content))
      .join(' ')
      .slice(0, 200)
      .toWellFormed(),
  )
}

/** A token of another day would date every record below it wrongly, forever. */
function refuseOtherClock(stampedMs: number, ownMs: number): void {
  if (Math.abs(stampedMs - ownMs) <= DAY_MS) return
  throw new TimestampError(
    'TIMESTAMP_CLOCK',
    `the time stamp is of ${formatTime(stampedMs)}, more than a day from this machine's clock. Compare both clocks`,
  )
}
