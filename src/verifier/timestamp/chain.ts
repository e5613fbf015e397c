/** The chain from a time stamp's signer to a certificate of the policy. RFC 5280 §6.1. */

import { type Attempt, attemptAsync } from '../../core/attempt.ts'
import { equalBytes } from '../../core/bytes.ts'
import type { OpenSealError } from '../../core/errors.ts'
import { basicConstraintsOf, type Certificate, EXTENSION, extendedKeyUsageOf, keyUsageOf } from '../../core/timestamp/certificate.ts'
import { type SecondSpan, TimestampError } from '../../core/timestamp/token.ts'
import { checkSignature, type SignatureSuite } from './signature.ts'

/** The purpose of a time stamp's signer. RFC 3161 §2.3. */
export const TIME_STAMPING = '1.3.6.1.5.5.7.3.8'
const ANY_PURPOSE = '2.5.29.37.0'
const KEY_CERT_SIGN = 5
const MAX_PATH = 10
/** Certificates under one name could be put in many orders. */
const MAX_STEPS = 200

/** A chain: the signer first, a certificate of the policy last, and how each but the last was signed. */
export type Chain = { readonly path: readonly Certificate[]; readonly suites: readonly SignatureSuite[] }

/**
 * The extensions that this verifier understands, or whose meaning cannot change its answer: a
 * policy of certificates limits nothing unless policyConstraints says so, which is not in the list.
 */
const UNDERSTOOD: readonly string[] = [
  EXTENSION.basicConstraints,
  EXTENSION.keyUsage,
  EXTENSION.extendedKeyUsage,
  EXTENSION.subjectKeyId,
  EXTENSION.subjectAltName,
  EXTENSION.certificatePolicies,
]

/**
 * Finds the chain. Names, constraints and dates come first, and no signature is tried before they
 * lead to a certificate of the policy. Signatures are then tried from that certificate down, each
 * once: a stranger can add many orders of own certificates to a token, but sign none for the policy.
 * Throws TimestampError TIMESTAMP_CHAIN and what `checkSignature` throws.
 */
export async function findChain(
  signer: Certificate,
  { given, pinned, time }: { readonly given: readonly Certificate[]; readonly pinned: readonly Certificate[]; readonly time: SecondSpan },
): Promise<Chain> {
  const paths = findPaths(signer, given, pinned, certificate => isUsable(certificate, time))
  if (paths.length === 0) throw new TimestampError('TIMESTAMP_CHAIN', 'its certificate does not lead to one of the policy at that time')
  const check = checkOnce()
  let refused: OpenSealError | undefined
  for (const path of paths) {
    const suites: SignatureSuite[] = []
    for (let at = path.length - 2; at >= 0; at--) {
      const { value, error } = await check(path[at]!, path[at + 1]!)
      refused ??= error
      if (value === undefined) break
      suites.unshift(value)
    }
    if (suites.length === path.length - 1) return { path, suites }
  }
  throw refused ?? new TimestampError('TIMESTAMP_CHAIN', 'a certificate of its chain is not signed by the next')
}

/** Checks a certificate's signature by another one, once for each two. */
function checkOnce(): (certificate: Certificate, issuer: Certificate) => Promise<Attempt<SignatureSuite | undefined>> {
  const known = new Map<Certificate, Map<Certificate, Promise<Attempt<SignatureSuite | undefined>>>>()
  return (certificate, issuer) => {
    const byIssuer = known.get(certificate) ?? new Map()
    known.set(certificate, byIssuer)
    const { algorithm, signature, signed } = certificate
    const checked = byIssuer.get(issuer) ?? attemptAsync(() => checkSignature({ algorithm, signature, signed, key: issuer.key }))
    byIssuer.set(issuer, checked)
    return checked
  }
}

/** All orders of certificates that lead by name from the signer to a pinned one, shortest first. */
function findPaths(
  signer: Certificate,
  given: readonly Certificate[],
  pinned: readonly Certificate[],
  isUsable: (certificate: Certificate) => boolean,
): Certificate[][] {
  const found: Certificate[][] = []
  let open: Certificate[][] = isUsable(signer) ? [[signer]] : []
  for (let steps = 0; open.length > 0 && steps < MAX_STEPS; steps++) {
    const [path, ...others] = open as [Certificate[], ...Certificate[][]]
    const last = path.at(-1)!
    const fits = (issuer: Certificate) => issuer.subject === last.issuer && isUsable(issuer) && mayIssue(issuer, path)
    found.push(...pinned.filter(fits).map(issuer => [...path, issuer]))
    const longer = path.length < MAX_PATH ? given.filter(fits).filter(each => !path.some(seen => equalBytes(seen.der, each.der))) : []
    open = [...others, ...longer.map(issuer => [...path, issuer])]
  }
  return found
}

/** Valid at the time, and nothing critical in it that this verifier does not understand. */
function isUsable({ notBefore, notAfter, extensions }: Certificate, { from, until }: SecondSpan): boolean {
  if (from < notBefore || until > notAfter || extensions.has(EXTENSION.nameConstraints)) return false
  return [...extensions].every(([oid, { isCritical }]) => !isCritical || UNDERSTOOD.includes(oid))
}

/**
 * Whether a certificate is of a CA that may issue the last of a path. pkijs accepts more CAs below
 * one than its path length allows. An intermediate allows time stamping, or limits no purpose.
 */
function mayIssue(issuer: Certificate, path: readonly Certificate[]): boolean {
  const { isCa, pathLength = Number.POSITIVE_INFINITY } = basicConstraintsOf(issuer)
  const usage = keyUsageOf(issuer)
  const purposes = extendedKeyUsageOf(issuer)?.purposes
  // RFC 5280 §4.2.1.9: certificates that a CA issued to itself do not count, nor does the last one.
  const below = path.slice(1).filter(({ subject, issuer }) => subject !== issuer).length
  const isForTime = purposes === undefined || purposes.includes(TIME_STAMPING) || purposes.includes(ANY_PURPOSE)
  return isCa && below <= pathLength && (usage === undefined || usage.includes(KEY_CERT_SIGN)) && isForTime
}
