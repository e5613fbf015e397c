/** The time stamps of a receipt, as a policy's authorities count them. */

import { type Attempt, attempt, attemptAsync, unwrap } from '../core/attempt.ts'
import { fromBase64, toUtf8 } from '../core/bytes.ts'
import type { PolicyAuthority } from '../core/policy-anchors.ts'
import { formatTime } from '../core/time.ts'
import { type Certificate, parseCertificate } from '../core/timestamp/certificate.ts'
import { parseToken, type TimestampToken } from '../core/timestamp/token.ts'
import { formatCheckpoint } from '../core/tlog/checkpoint.ts'
import type { AnchorAnswer } from './anchor-answer.ts'
import type { ReceiptParts } from './checks.ts'
import { type Remark, type RemarkKey, remark } from './remarks.ts'
import { type VerifiedToken, verifyParsedToken } from './timestamp/verify-token.ts'

/**
 * What a token is as one authority's time stamp: its value, or its fault. Undefined if another
 * authority made it.
 */
export type TokenCheck = Attempt<VerifiedToken> | undefined

/**
 * The answer for each authority: whether a token of the receipt is its time stamp of the
 * checkpoint. A token that is missing or bad counts as a no, and never makes a receipt invalid.
 */
export async function readStamps(evidence: ReceiptParts, authorities: readonly PolicyAuthority[]): Promise<AnchorAnswer[]> {
  if (authorities.length === 0) return []
  const data = toUtf8(formatCheckpoint(unwrap(evidence.checkpoint)))
  const texts = unwrap(evidence.receipt).anchors.flatMap(anchor => (anchor.type === 'rfc3161' ? [anchor.token] : []))
  return answerStamps(await checkTokens([...new Set(texts)], data, authorities), authorities)
}

/** Checks each token (base64) for each authority: a row for each token, in the order of the authorities. */
export async function checkTokens(
  texts: readonly string[],
  data: Uint8Array,
  authorities: readonly PolicyAuthority[],
): Promise<readonly (readonly TokenCheck[])[]> {
  const pinned = authorities.map(anchor => ({
    certificates: anchor.certificates.map(text => parseCertificate(fromBase64(text))),
    policies: anchor.policies,
  }))
  const check = async (text: string): Promise<readonly TokenCheck[]> => {
    const { value: token, error } = attempt(() => parseToken(fromBase64(text)))
    if (error) return pinned.map(() => ({ error }))
    const ofEach = pinned.map(({ certificates, policies }) =>
      isOf(token, certificates) ? attemptAsync(() => verifyParsedToken(token, { data, certificates, policies })) : undefined,
    )
    return Promise.all(ofEach)
  }
  return Promise.all(texts.map(check))
}

/**
 * The answer for each authority, from the checks of all tokens. Of several of its tokens, the
 * earliest counts, and the tokens of one signer count once.
 */
export function answerStamps(checks: readonly (readonly TokenCheck[])[], authorities: readonly PolicyAuthority[]): AnchorAnswer[] {
  const stamps = authorities.map((authority, at) =>
    answerAuthority(
      authority,
      checks.flatMap(ofToken => ofToken[at] ?? []),
    ),
  )
  return refuseShared(stamps).map(({ signer: _, ...answer }) => answer)
}

/** An answer with the key that signed, by its SHA-256. */
type Stamp = AnchorAnswer & { readonly signer?: string }

function answerAuthority(anchor: PolicyAuthority, checked: readonly Attempt<VerifiedToken>[]): Stamp {
  const { name } = anchor
  const held = checked.flatMap(({ value }) => value ?? []).sort((a, b) => a.seconds - b.seconds)[0]
  if (held !== undefined) {
    const { seconds: time, signer } = held
    const answer = { anchor, state: 'holds', time, signer, remark: remark('stamped', { name, time: formatTime(time * 1000) }) } as const
    return { ...answer, askFinal: async () => ({ ...answer, remark: remark('stampFinal', { name }) }) }
  }
  const codes = checked.flatMap(({ error }) => error?.code ?? [])
  const isUnable = codes.includes('TIMESTAMP_UNABLE')
  // A token that cannot be read may be anyone's, so another fault says more.
  const code = codes.find(each => each !== 'TIMESTAMP_MALFORMED') ?? codes[0] ?? ''
  const why = isUnable ? 'stampUnable' : (REMARK_OF[code] ?? 'stampNone')
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
