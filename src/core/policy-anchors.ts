/**
 * The anchors of a policy: logs on chains, and authorities that stamp times by RFC 3161. Design
 * §3.4.
 */

import { attempt } from './attempt.ts'
import { readBase64 } from './bytes.ts'
import { isJsonObject, type Json } from './json.ts'
import { count, hex, list, malformed, members, PolicyError, type PolicyMembers } from './policy-members.ts'
import { parseCertificate } from './timestamp/certificate.ts'

/** A chain or a time-stamp authority whose word about a checkpoint counts. */
export type PolicyAnchor = PolicyChain | PolicyAuthority

/**
 * A log on a chain, the hash of its contract's code, and the tree sizes for which it counts. Hex is
 * lower-case.
 */
export type PolicyChain = {
  readonly type: 'evm'
  readonly chainId: number
  readonly contract: string
  /** SHA-256 over the bytes of the runtime code, without 0x. */
  readonly codeSha256: string
  readonly logId: string
  /** False for a test network. Its anchors are not evidence. */
  readonly production: boolean
  readonly finality: 'finalized' | { readonly confirmations: number }
  /** Prefix of links to a block explorer. No check reads it. */
  readonly explorer?: string
} & SizeRange

/**
 * A time-stamp authority, and the tree sizes for which its tokens count. A token counts if its
 * signer's certificate chains to one of the certificates.
 */
export type PolicyAuthority = {
  readonly type: 'rfc3161'
  /** For people. */
  readonly name: string
  /** X.509 certificates in base64 of their DER: the root, or the CA that issues to the authority. */
  readonly certificates: readonly string[]
  /** The object identifiers of the time-stamp policies that count; any if left out. */
  readonly policies?: readonly string[]
  /** False for a test authority. Its tokens are not evidence. */
  readonly production: boolean
} & SizeRange

/** A range of tree sizes, both ends included. */
export type SizeRange = { readonly fromSize: number; readonly toSize?: number }

const MAX_EXPLORER_LENGTH = 2000
const MAX_NAME_LENGTH = 200
const MAX_CERTIFICATES = 8
const MAX_OID_LENGTH = 128
/** An object identifier. The second arc is below 40 unless the first is 2. */
const OID = /^(?:[01]\.[1-3]?\d|2\.(?:0|[1-9]\d*))(?:\.(?:0|[1-9]\d*))+$/

/** The anchors of a policy. Throws PolicyError. */
export function readAnchors(value: Json | undefined): readonly PolicyAnchor[] {
  const anchors = list(value, 'anchors').map((item, at) => readAnchor(item, `anchors[${at}]`))
  refuseLogTwice(anchors.filter(isChain))
  refuseCertificateTwice(anchors.filter(isAuthority))
  return anchors
}

/**
 * A time stamp dates a checkpoint but does not prevent forks. Without witnesses, `requireAnchors`
 * must therefore exceed the number of time stamps that count at any size. That number is largest
 * where the range of some time stamp begins. Throws PolicyError.
 */
export function refuseWithoutForkGuard(anchors: readonly PolicyAnchor[], requireAnchors: number): void {
  const stamps = anchors.filter(isAuthority)
  const most = Math.max(0, ...stamps.map(({ fromSize }) => stamps.filter(stamp => coversSize(stamp, fromSize)).length))
  if (most >= requireAnchors) throw new PolicyError('POLICY_NO_FORK_GUARD', 'the policy cannot be used: time stamps alone would satisfy it')
}

/**
 * The anchors that count at a size. If enough of them are for production, only those count;
 * otherwise all do, and nothing is evidence. Each chain and each authority counts once. Design §7.6.
 */
export function countingAnchors(
  { anchors, requireAnchors }: { readonly anchors: readonly PolicyAnchor[]; readonly requireAnchors: number },
  size: number,
): { readonly anchors: readonly PolicyAnchor[]; readonly isTest: boolean } {
  const covering = anchors.filter(anchor => coversSize(anchor, size))
  const production = covering.filter(anchor => anchor.production)
  const isTest = new Set(production.map(voucherOf)).size < requireAnchors
  return { anchors: isTest ? covering : production, isTest }
}

/** Whether one chain alone counts at a size, besides witnesses. */
export function countsOneChain(policy: Parameters<typeof countingAnchors>[0], size: number): boolean {
  const { anchors } = countingAnchors(policy, size)
  return anchors.every(isChain) && new Set(anchors.map(voucherOf)).size <= 1
}

/** The name of the voucher behind an anchor: anchors of one chain id are one voucher. */
export function voucherOf(anchor: PolicyAnchor): string {
  return isChain(anchor) ? `chain ${anchor.chainId}` : `authority ${anchor.certificates[0]}`
}

/** Whether the anchor is a log on a chain. */
export function isChain(anchor: PolicyAnchor): anchor is PolicyChain {
  return anchor.type === 'evm'
}

/** Whether the anchor is a time-stamp authority. */
export function isAuthority(anchor: PolicyAnchor): anchor is PolicyAuthority {
  return anchor.type === 'rfc3161'
}

/** True when the range covers a tree size. */
export function coversSize({ fromSize, toSize }: SizeRange, size: number): boolean {
  return size >= fromSize && (toSize === undefined || size <= toSize)
}

/** The range of tree sizes that an item of a policy states. Throws PolicyError. */
export function readRange({ fromSize, toSize }: PolicyMembers, path: string): SizeRange {
  const from = count(fromSize ?? 0, `${path}.fromSize`, 0)
  return toSize === undefined ? { fromSize: from } : { fromSize: from, toSize: count(toSize, `${path}.toSize`, from) }
}

function readAnchor(value: Json, path: string): PolicyAnchor {
  const type = isJsonObject(value) ? value.type : undefined
  if (type === 'rfc3161') return readAuthority(value, path)
  if (typeof type === 'string' && type !== 'evm')
    throw new PolicyError('POLICY_UNSUPPORTED', `${path} has an unsupported type: ${JSON.stringify(type.slice(0, 100))}`)
  return readChain(value, path)
}

function readChain(value: Json, path: string): PolicyChain {
  const a = members(
    value,
    path,
    ['type', 'chainId', 'contract', 'codeSha256', 'logId', 'finality'],
    ['production', 'explorer', 'fromSize', 'toSize'],
  )
  if (a.type !== 'evm') throw malformed(`${path}.type is not evm`)
  return {
    type: 'evm',
    chainId: count(a.chainId, `${path}.chainId`, 1),
    contract: hex(a.contract, `${path}.contract`, /^0x[0-9a-f]{40}$/i),
    codeSha256: hex(a.codeSha256, `${path}.codeSha256`, /^[0-9a-f]{64}$/i),
    logId: hex(a.logId, `${path}.logId`, /^0x[0-9a-f]{64}$/i),
    production: readProduction(a.production, path),
    finality: readFinality(a.finality, `${path}.finality`),
    ...readExplorer(a.explorer, `${path}.explorer`),
    ...readRange(a, path),
  }
}

function readAuthority(value: Json, path: string): PolicyAuthority {
  const a = members(value, path, ['type', 'name', 'certificates'], ['policies', 'production', 'fromSize', 'toSize'])
  return {
    type: 'rfc3161',
    name: readName(a.name, `${path}.name`),
    certificates: readCertificates(a.certificates, `${path}.certificates`),
    ...readPolicies(a.policies, `${path}.policies`),
    production: readProduction(a.production, path),
    ...readRange(a, path),
  }
}

function readProduction(value: Json | undefined, path: string): boolean {
  if (value !== undefined && typeof value !== 'boolean') throw malformed(`${path}.production is not true or false`)
  return value ?? false
}

function readName(value: Json | undefined, path: string): string {
  const isName =
    typeof value === 'string' && value.trim() !== '' && value.length <= MAX_NAME_LENGTH && !/[\p{Cc}\p{Bidi_Control}]/u.test(value)
  if (!isName) throw malformed(`${path} is not a name of 1 to ${MAX_NAME_LENGTH} visible characters`)
  return value
}

function readCertificates(value: Json | undefined, path: string): readonly string[] {
  const certificates = list(value, path)
  if (certificates.length < 1 || certificates.length > MAX_CERTIFICATES)
    throw malformed(`${path} has ${certificates.length} items instead of 1 to ${MAX_CERTIFICATES}`)
  return certificates.map((certificate, at) => {
    const bytes = typeof certificate === 'string' ? readBase64(certificate) : undefined
    if (bytes === undefined) throw malformed(`${path}[${at}] is not base64`)
    const { error } = attempt(() => parseCertificate(bytes))
    if (error) throw malformed(`${path}[${at}] is not a certificate in DER: ${error.message}`)
    return certificate as string
  })
}

function readPolicies(value: Json | undefined, path: string): { policies?: readonly string[] } {
  if (value === undefined) return {}
  const policies = list(value, path)
  if (policies.length === 0) throw malformed(`${path} is empty: leave it out to accept any`)
  const wrong = policies.findIndex(policy => typeof policy !== 'string' || policy.length > MAX_OID_LENGTH || !OID.test(policy))
  if (wrong >= 0) throw malformed(`${path}[${wrong}] is not an object identifier such as 1.2.3.4`)
  return { policies: policies as readonly string[] }
}

function readFinality(value: Json | undefined, path: string): PolicyChain['finality'] {
  if (value === 'finalized') return value
  if (!isJsonObject(value)) throw malformed(`${path} is neither "finalized" nor a number of confirmations`)
  return { confirmations: count(members(value, path, ['confirmations'], []).confirmations, `${path}.confirmations`, 0) }
}

/** Accepts web addresses only, because a link could otherwise run a script. */
function readExplorer(value: Json | undefined, path: string): { explorer?: string } {
  if (value === undefined) return {}
  if (typeof value !== 'string' || value.length > MAX_EXPLORER_LENGTH || !/^https?:\/\/[^\s/"'<>\\]+\/?[^\s"'<>\\]*$/.test(value))
    throw malformed(`${path} is not the beginning of a web address`)
  return { explorer: value }
}

/** Refuses overlapping ranges of one log on one chain, which would count its anchor twice. */
function refuseLogTwice(anchors: readonly PolicyChain[]): void {
  const ordered = [...anchors].sort((a, b) => a.fromSize - b.fromSize)
  const ends = new Map<string, number>()
  for (const { chainId, contract, logId, fromSize, toSize = Number.POSITIVE_INFINITY } of ordered) {
    const log = `${chainId} ${contract} ${logId}`
    if ((ends.get(log) ?? -1) >= fromSize)
      throw malformed(`anchors contains one log twice for the same sizes: ${contract} on chain ${chainId}`)
    ends.set(log, toSize)
  }
}

/** A token of a shared certificate would count for both authorities. */
function refuseCertificateTwice(anchors: readonly PolicyAuthority[]): void {
  const certificates = anchors.flatMap(anchor => anchor.certificates)
  if (new Set(certificates).size < certificates.length) throw malformed('anchors contains one certificate twice')
}
