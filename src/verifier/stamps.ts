/** The time stamps of a receipt, as a policy's authorities count them. */

import { attempt, attemptAsync, unwrap } from '../core/attempt.ts'
import { fromBase64, toUtf8 } from '../core/bytes.ts'
import type { PolicyAuthority } from '../core/policy-anchors.ts'
import { formatTime } from '../core/time.ts'
import { type Certificate, parseCertificate } from '../core/timestamp/certificate.ts'
import { parseToken, type TimestampToken } from '../core/timestamp/token.ts'
import { formatCheckpoint } from '../core/tlog/checkpoint.ts'
import type { AnchorAnswer } from './anchor-answer.ts'
import type { ReceiptParts } from './checks.ts'
import { type Remark, type RemarkKey, remark } from './remarks.ts'
import { verifyParsedToken } from './timestamp/verify-token.ts'

/**
 * The answer for each authority: whether a token of the receipt is its time stamp of the
 * checkpoint. Of several, the earliest counts. A token that is missing or bad is a no, and never
 * makes a receipt invalid.
 */
export async function readStamps(evidence: ReceiptParts, authorities: readonly PolicyAuthority[]): Promise<AnchorAnswer[]> {
  if (authorities.length === 0) return []
  const data = toUtf8(formatCheckpoint(unwrap(evidence.checkpoint)))
  const texts = unwrap(evidence.receipt).anchors.flatMap(anchor => (anchor.type === 'rfc3161' ? [anchor.token] : []))
  const tokens = [...new Set(texts)].map(text => attempt(() => parseToken(fromBase64(text))).value)
  const stamps = await Promise.all(authorities.map(authority => askAuthority(authority, tokens, data)))
  return refuseShared(stamps).map(({ signer: _, ...answer }) => answer)
}

/** An answer with the key that signed, by its SHA-256. */
type Stamp = AnchorAnswer & { readonly signer?: string }

async function askAuthority(anchor: PolicyAuthority, tokens: readonly (TimestampToken | undefined)[], data: Uint8Array): Promise<Stamp> {
  const { name, policies } = anchor
  const certificates = anchor.certificates.map(text => parseCertificate(fromBase64(text)))
  const own = tokens.filter(token => token !== undefined).filter(token => isOf(token, certificates))
  const checked = await Promise.all(own.map(token => attemptAsync(() => verifyParsedToken(token, { data, certificates, policies }))))
  const held = checked.flatMap(({ value }) => value ?? []).sort((a, b) => a.seconds - b.seconds)[0]
  if (held !== undefined) {
    const { seconds: time, signer } = held
    const answer = { anchor, state: 'holds', time, signer, remark: remark('stamped', { name, time: formatTime(time * 1000) }) } as const
    return { ...answer, askFinal: async () => ({ ...answer, remark: remark('stampFinal', { name }) }) }
  }
  const codes = checked.flatMap(({ error }) => error?.code ?? [])
  const isUnable = codes.includes('TIMESTAMP_UNABLE')
  const why = isUnable ? 'stampUnable' : (REMARK_OF[codes[0] ?? ''] ?? (tokens.includes(undefined) ? 'stampMalformed' : 'stampNone'))
  return { anchor, state: isUnable ? 'unable' : 'missing', time: 0, remark: remark(why, { name }) }
}

const REMARK_OF: { readonly [code: string]: RemarkKey } = {
  TIMESTAMP_MALFORMED: 'stampMalformed',
  TIMESTAMP_OTHER_DATA: 'stampOtherData',
  TIMESTAMP_POLICY: 'stampPolicy',
  TIMESTAMP_CERTIFICATE: 'stampCertificate',
  TIMESTAMP_CHAIN: 'stampChain',
  TIMESTAMP_SIGNATURE: 'stampSignature',
  TIMESTAMP_UNSUPPORTED: 'stampUnsupported',
}

/** Whether a certificate of the token names one of these as its issuer. Without that, there is no chain. */
function isOf({ certificates }: TimestampToken, pinned: readonly Certificate[]): boolean {
  return certificates.some(({ issuer }) => pinned.some(({ subject }) => subject === issuer))
}

/** The tokens of one signer count once, however many authorities of the policy it belongs to. */
function refuseShared(stamps: readonly Stamp[]): Stamp[] {
  const earliest = (signer: string) => stamps.filter(stamp => stamp.signer === signer).reduce((a, b) => (b.time < a.time ? b : a))
  return stamps.map(stamp => {
    if (stamp.signer === undefined || earliest(stamp.signer) === stamp) return stamp
    return { anchor: stamp.anchor, state: 'missing', time: 0, remark: shared(stamp) }
  })
}

function shared({ anchor }: Stamp): Remark {
  return remark('stampShared', { name: anchor.type === 'rfc3161' ? anchor.name : '' })
}
