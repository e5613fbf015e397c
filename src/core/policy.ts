/** The policy: what a verifier trusts. Design §3.4. */

import { readBase64 } from './bytes.ts'
import { decodeText, isLonger, mostBytes } from './encoding.ts'
import { OpenSealError } from './errors.ts'
import { isJsonObject, type Json, parseJson } from './json.ts'
import { isOrigin } from './tlog/checkpoint.ts'
import { ED25519, ED25519_COSIGNATURE, parseVkey, type Vkey } from './tlog/note.ts'

/**
 * A policy with all defaults filled in. Tree sizes are inclusive; a range without `toSize` is open.
 */
export type Policy = {
  readonly type: 'openseal/policy@v1'
  readonly origin: string
  readonly logKeys: readonly PolicyKey[]
  readonly witnesses: readonly string[]
  readonly quorum: number
  readonly anchors: readonly PolicyAnchor[]
  readonly requireAnchors: number
}

/** A key of the log and the tree sizes for which its signature counts. */
export type PolicyKey = { readonly vkey: string } & SizeRange

/**
 * A log on a chain, the hash of its contract's code, and the tree sizes for which it counts. Hex is
 * lower-case.
 */
export type PolicyAnchor = {
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

/** A range of tree sizes, both ends included. */
export type SizeRange = { readonly fromSize: number; readonly toSize?: number }

const TYPE = 'openseal/policy@v1'
const MAX_POLICY_BYTES = 64 * 1024
/** Bounds each of the lists of keys, witnesses and anchors. */
const MAX_ITEMS = 64
const MAX_EXPLORER_LENGTH = 2000
const VKEY = /^[^+]+\+[0-9a-f]{8}\+([A-Za-z0-9+/=]+)$/

/**
 * Parses a policy strictly from JSON text, bytes or an object. Bytes may be UTF-8 or UTF-16. Throws
 * PolicyError, JsonError, NoteError or EncodingError.
 */
export function parsePolicy(input: string | Uint8Array | { readonly [member: string]: Json }): Policy {
  const value = typeof input === 'string' || input instanceof Uint8Array ? parseBounded(input) : input
  if (isJsonObject(value) && typeof value.type === 'string' && value.type !== TYPE) {
    throw new PolicyError('POLICY_UNSUPPORTED', `policies of type ${JSON.stringify(value.type.slice(0, 100))} are not supported`)
  }
  const p = members(value, 'the policy', ['type', 'origin', 'logKeys', 'anchors'], ['witnesses', 'quorum', 'requireAnchors'])
  if (p.type !== TYPE) throw malformed(`type is not ${TYPE}`)
  const origin = p.origin
  if (typeof origin !== 'string' || !isOrigin(origin)) throw malformed('origin is not a valid log name')
  const witnesses = list(p.witnesses ?? [], 'witnesses').map((item, at) => readVkey(item, `witnesses[${at}]`, ED25519_COSIGNATURE))
  if (new Set(witnesses.map(vkey => vkey.slice(vkey.lastIndexOf('+')))).size < witnesses.length)
    throw malformed('witnesses contains a key twice')
  const quorum = count(p.quorum ?? 0, 'quorum', 0)
  if (quorum > witnesses.length) throw malformed(`quorum is ${quorum}, but there are only ${witnesses.length} witnesses`)
  const logKeys = list(p.logKeys, 'logKeys').map((item, at) => readKey(item, `logKeys[${at}]`, origin))
  if (logKeys.length === 0) throw malformed('logKeys is empty')
  const requireAnchors = count(p.requireAnchors ?? 1, 'requireAnchors', 1)
  const given = list(p.anchors, 'anchors')
  if (quorum === 0) refuseWithoutForkGuard(given, requireAnchors)
  const anchors = given.map((item, at) => readAnchor(item, `anchors[${at}]`))
  refuseTwice(anchors)
  return { type: TYPE, origin, logKeys, witnesses, quorum, anchors, requireAnchors }
}

/** The parsed keys of a policy, cached: many receipts are checked by one policy. */
export function keysOf(policy: Policy): PolicyKeys {
  const known = KEYS.get(policy)
  if (known !== undefined) return known
  const keys = {
    log: policy.logKeys.map(key => ({ ...key, key: parseVkey(key.vkey) })),
    witnesses: policy.witnesses.map(parseVkey),
  }
  KEYS.set(policy, keys)
  return keys
}

/** The parsed keys of a policy. Log keys keep the sizes for which they count. */
export type PolicyKeys = { readonly log: readonly (PolicyKey & { readonly key: Vkey })[]; readonly witnesses: readonly Vkey[] }

/** Lives as long as the policy itself. */
const KEYS = new WeakMap<Policy, PolicyKeys>()

/** The policy's text, indented for people. */
export function formatPolicy(policy: Policy): string {
  return `${JSON.stringify(policy, null, 2)}\n`
}

/** True when the range covers a tree size. */
export function coversSize({ fromSize, toSize }: SizeRange, size: number): boolean {
  return size >= fromSize && (toSize === undefined || size <= toSize)
}

function parseBounded(input: string | Uint8Array): Json {
  const tooLarge = () => malformed(`it is larger than ${MAX_POLICY_BYTES} bytes`)
  if (input.length > mostBytes(MAX_POLICY_BYTES)) throw tooLarge()
  const text = decodeText(input)
  if (isLonger(text, MAX_POLICY_BYTES)) throw tooLarge()
  return parseJson(text)
}

function readKey(value: Json, path: string, origin: string): PolicyKey {
  const key = members(value, path, ['vkey'], ['fromSize', 'toSize'])
  const vkey = readVkey(key.vkey, `${path}.vkey`, ED25519)
  if (parseVkey(vkey).name !== origin) throw malformed(`${path}.vkey is not named after the origin`)
  return { vkey, ...readRange(key, path) }
}

function readVkey(value: Json | undefined, path: string, type: number): string {
  if (typeof value !== 'string') throw malformed(`${path} is not a string`)
  const ofAnyType = readBase64(VKEY.exec(value)?.[1] ?? '')?.[0]
  if (ofAnyType !== undefined && ofAnyType !== ED25519 && ofAnyType !== ED25519_COSIGNATURE)
    throw new PolicyError('POLICY_UNSUPPORTED', `${path} is a key of an unsupported type: ${ofAnyType}`)
  if (parseVkey(value).type !== type) throw malformed(`${path} is not a key of type ${type}`)
  return value
}

function readAnchor(value: Json, path: string): PolicyAnchor {
  if (isJsonObject(value) && typeof value.type === 'string' && value.type !== 'evm') {
    throw new PolicyError('POLICY_UNSUPPORTED', `${path} has an unsupported type: ${JSON.stringify(value.type.slice(0, 100))}`)
  }
  const a = members(
    value,
    path,
    ['type', 'chainId', 'contract', 'codeSha256', 'logId', 'finality'],
    ['production', 'explorer', 'fromSize', 'toSize'],
  )
  if (a.type !== 'evm') throw malformed(`${path}.type is not evm`)
  if (a.production !== undefined && typeof a.production !== 'boolean') throw malformed(`${path}.production is not true or false`)
  return {
    type: 'evm',
    chainId: count(a.chainId, `${path}.chainId`, 1),
    contract: hex(a.contract, `${path}.contract`, /^0x[0-9a-f]{40}$/i),
    codeSha256: hex(a.codeSha256, `${path}.codeSha256`, /^[0-9a-f]{64}$/i),
    logId: hex(a.logId, `${path}.logId`, /^0x[0-9a-f]{64}$/i),
    production: a.production ?? false,
    finality: readFinality(a.finality, `${path}.finality`),
    ...readExplorer(a.explorer, `${path}.explorer`),
    ...readRange(a, path),
  }
}

function readFinality(value: Json | undefined, path: string): PolicyAnchor['finality'] {
  if (value === 'finalized') return value
  if (!isJsonObject(value)) throw malformed(`${path} is neither "finalized" nor a number of confirmations`)
  return { confirmations: count(members(value, path, ['confirmations'], []).confirmations, `${path}.confirmations`, 0) }
}

function readRange({ fromSize, toSize }: Members, path: string): SizeRange {
  const from = count(fromSize ?? 0, `${path}.fromSize`, 0)
  return toSize === undefined ? { fromSize: from } : { fromSize: from, toSize: count(toSize, `${path}.toSize`, from) }
}

/** Accepts web addresses only, because a link could otherwise run a script. */
function readExplorer(value: Json | undefined, path: string): { explorer?: string } {
  if (value === undefined) return {}
  if (typeof value !== 'string' || value.length > MAX_EXPLORER_LENGTH || !/^https?:\/\/[^\s/"'<>\\]+\/?[^\s"'<>\\]*$/.test(value))
    throw malformed(`${path} is not the beginning of a web address`)
  return { explorer: value }
}

/**
 * A time stamp dates a checkpoint but does not prevent forks. Without witnesses, `requireAnchors`
 * must therefore exceed the number of time stamps that count at any size. That number is largest
 * where the range of some time stamp begins.
 */
function refuseWithoutForkGuard(anchors: readonly Json[], requireAnchors: number): void {
  const stamps = anchors.filter(isJsonObject).filter(({ type }) => type === 'rfc3161')
  const ranges = stamps.map((stamp, at) => readRange(stamp, `anchors: the time stamp ${at + 1}`))
  const most = Math.max(0, ...ranges.map(({ fromSize }) => ranges.filter(range => coversSize(range, fromSize)).length))
  if (most >= requireAnchors) throw new PolicyError('POLICY_NO_FORK_GUARD', 'the policy cannot be used: time stamps alone would satisfy it')
}

/** Refuses overlapping ranges of one log on one chain, which would count its anchor twice. */
function refuseTwice(anchors: readonly PolicyAnchor[]): void {
  const ordered = [...anchors].sort((a, b) => a.fromSize - b.fromSize)
  const ends = new Map<string, number>()
  for (const { chainId, contract, logId, fromSize, toSize = Number.POSITIVE_INFINITY } of ordered) {
    const log = `${chainId} ${contract} ${logId}`
    if ((ends.get(log) ?? -1) >= fromSize)
      throw malformed(`anchors contains one log twice for the same sizes: ${contract} on chain ${chainId}`)
    ends.set(log, toSize)
  }
}

type Members = { readonly [member: string]: Json | undefined }

function members(value: Json | undefined, path: string, required: readonly string[], optional: readonly string[]): Members {
  if (!isJsonObject(value)) throw malformed(`${path} is not an object`)
  for (const member of Object.keys(value)) {
    if (!required.includes(member) && !optional.includes(member)) throw malformed(`${path} has an unknown member ${JSON.stringify(member)}`)
  }
  for (const member of required) if (!Object.hasOwn(value, member)) throw malformed(`${path} lacks ${member}`)
  return value
}

function list(value: Json | undefined, path: string): readonly Json[] {
  if (!Array.isArray(value)) throw malformed(`${path} is not a list`)
  if (value.length > MAX_ITEMS) throw malformed(`${path} has more than ${MAX_ITEMS} items`)
  return value
}

function count(value: Json | undefined, path: string, min: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min) throw malformed(`${path} is not a whole number from ${min}`)
  return value
}

function hex(value: Json | undefined, path: string, shape: RegExp): string {
  if (typeof value !== 'string' || !shape.test(value)) throw malformed(`${path} is not hex of the right length`)
  return value.toLowerCase()
}

function malformed(what: string): PolicyError {
  return new PolicyError('POLICY_MALFORMED', `the policy cannot be used: ${what}`)
}

/** POLICY_MALFORMED, POLICY_UNSUPPORTED or POLICY_NO_FORK_GUARD. */
export class PolicyError extends OpenSealError {}
