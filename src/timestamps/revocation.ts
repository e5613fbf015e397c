/**
 * Whether a certificate of a time stamp's path was revoked, by the lists (CRL) that the
 * certificates name, or else by a responder (OCSP). A ledger asks once, before it keeps the token:
 * later nobody may be there to answer.
 */

import type { Stamp } from '../anchor/timestamp.ts'
import { attempt, attemptAsync } from '../core/attempt.ts'
import { basicConstraintsOf, type Certificate } from '../core/timestamp/certificate.ts'
import { contextTag, type Der, latin, parseDer } from '../core/timestamp/der.ts'
import { TimestampError } from '../core/timestamp/token.ts'
import { checkSignature } from '../verifier/timestamp/signature.ts'
import { makeStatusRequest, readStatus, respondersOf } from './certificate-status.ts'
import { type Exchange, exchange } from './exchange.ts'
import { parseRevocationList } from './revocation-list.ts'

const LIST_TYPES = ['application/pkix-crl', 'application/x-pkcs7-crl', 'application/octet-stream'] as const
const MAX_LIST_BYTES = 4 * 1024 * 1024
const STATUS_TYPES = { request: 'application/ocsp-request', answer: 'application/ocsp-response' }
const MAX_STATUS_BYTES = 64 * 1024
const MAX_PLACES = 4
const DISTRIBUTION_POINTS = '2.5.29.31'

/**
 * Asks about each certificate of the path but the last, which the policy pins, within two time-outs:
 * one for all lists of a certificate, and one for all its responders. A list or a responder
 * that does not answer does not stop a round: an authority whose list is down would otherwise stop
 * all stamps, and the verdict of a reader never depends on it.
 * @throws TimestampError TIMESTAMP_REVOKED
 */
export async function checkRevocation(path: readonly Certificate[], nowMs: number, by: Exchange): Promise<Stamp['revocation']> {
  const answers = await Promise.all(path.slice(0, -1).map((certificate, at) => askAbout(certificate, path[at + 1]!, nowMs, by)))
  return answers.find(answer => answer === 'unreachable') ?? answers.find(answer => answer === 'unnamed') ?? 'good'
}

async function askAbout(certificate: Certificate, issuer: Certificate, nowMs: number, by: Exchange): Promise<Stamp['revocation']> {
  const { value: named } = attempt(() => respondersOf(certificate))
  const [lists, responders] = [placesOf(certificate), usable(named ?? [])]
  if (lists.length + responders.length === 0) return 'unnamed'
  const list = () => ({ accept: LIST_TYPES, maxBytes: MAX_LIST_BYTES })
  const status = () => {
    const body = makeStatusRequest(certificate, issuer)
    return { body, type: STATUS_TYPES.request, accept: [STATUS_TYPES.answer], maxBytes: MAX_STATUS_BYTES }
  }
  const questions = [
    ...lists.map(url => ({ url, request: list, read: readList, timeoutMs: Math.ceil(by.timeoutMs / lists.length) })),
    ...responders.map(url => ({ url, request: status, read: readStatus, timeoutMs: Math.ceil(by.timeoutMs / responders.length) })),
  ]
  for (const { url, request, read, timeoutMs } of questions) {
    const asked = await attemptAsync(async () => read(await exchange(url, request(), { ...by, timeoutMs }), certificate, issuer, nowMs))
    if (asked.value === undefined) continue
    if (asked.value) throw new TimestampError('TIMESTAMP_REVOKED', 'the time stamp does not count: a certificate of its chain was revoked')
    return 'good'
  }
  return 'unreachable'
}

/**
 * Whether the list names the certificate; undefined if it is not a current list of the issuer, or
 * not one that would name this certificate. Throws DerError, and what `checkSignature` throws.
 */
async function readList(bytes: Uint8Array, certificate: Certificate, issuer: Certificate, nowMs: number): Promise<boolean | undefined> {
  const list = parseRevocationList(bytes)
  const isCurrent = list.nextUpdate === undefined || list.nextUpdate * 1000 >= nowMs
  if (!isCurrent || list.issuer !== issuer.subject) return undefined
  const suite = await checkSignature({ ...list, key: issuer.key })
  if (suite === undefined) return undefined
  return list.names(certificate.serial) || (isFor(list.scope, certificate) ? false : undefined)
}

/**
 * Whether a list of this scope names every certificate like this one that was revoked: an issuer may
 * spread them over several lists. RFC 5280 §5.2.5. Throws DerError.
 */
function isFor(scope: Uint8Array | undefined, certificate: Certificate): boolean {
  if (scope === undefined) return true
  const point = parseDer(scope)
  const { isCa } = basicConstraintsOf(certificate)
  const places = placesOf(certificate)
  return point.children.every(({ tag }) => {
    if (tag === contextTag(0)) return urlsIn(point).some(url => places.includes(url))
    if (tag === ONLY_USERS) return !isCa
    // Beside its own certificates, an indirect list has those of others.
    return tag === ONLY_CAS ? isCa : tag === INDIRECT
  })
}

/** Members of a scope. A list for some reasons only, or for attribute certificates, says too little. */
const [ONLY_USERS, ONLY_CAS, INDIRECT] = [contextTag(1, false), contextTag(2, false), contextTag(4, false)]

/** The web addresses of the lists. RFC 5280 §4.2.1.13. */
function placesOf({ extensions }: Certificate): string[] {
  const extension = extensions.get(DISTRIBUTION_POINTS)
  if (extension === undefined) return []
  const { value: points } = attempt(() => parseDer(extension.value).children)
  return usable((points ?? []).flatMap(urlsIn))
}

function usable(urls: readonly string[]): string[] {
  return urls.filter(url => /^https?:\/\//.test(url) && URL.canParse(url)).slice(0, MAX_PLACES)
}

/** The addresses in the full name of a distribution point. */
function urlsIn(point: Der): string[] {
  const inside = (elements: readonly Der[], wanted: number) => elements.filter(({ tag }) => tag === wanted)
  const names = inside(point.children, contextTag(0)).flatMap(({ children }) => inside(children, contextTag(0)))
  return names.flatMap(({ children }) => inside(children, contextTag(6, false))).map(({ content }) => latin(content))
}
