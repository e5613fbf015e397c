/** The policy: what a verifier trusts. Design §3.4. */

import { isOrigin } from './checkpoint.ts'
import { OpenSealError } from './errors.ts'
import { isJsonObject, type Json, parseJson } from './json.ts'
import { parseVkey } from './note.ts'

/** What a verifier trusts, all defaults filled in. Tree sizes are inclusive; without `toSize` a range is open. */
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

/** A log on a chain, the code that must answer for it, and the tree sizes for which it counts. Hex is lower-case. */
export type PolicyAnchor = {
  readonly type: 'evm'
  readonly chainId: number
  readonly contract: string
  /** SHA-256 over the bytes of the runtime code, without 0x. */
  readonly codeSha256: string
  readonly logId: string
  /** False for a test network, whose anchors are no evidence. */
  readonly production: boolean
  readonly finality: 'finalized' | { readonly confirmations: number }
} & SizeRange

/** Tree sizes from one to another, both included. */
export type SizeRange = { readonly fromSize: number; readonly toSize?: number }

const TYPE = 'openseal/policy@v1'
const ED25519 = 1
const COSIGNATURE = 4

/** Reads a policy strictly, from its text, its bytes or a JSON object. Throws PolicyError, JsonError or NoteError. */
export function parsePolicy(input: string | Uint8Array | { readonly [member: string]: Json }): Policy {
  const value = typeof input === 'string' || input instanceof Uint8Array ? parseJson(input) : input
  if (isJsonObject(value) && typeof value.type === 'string' && value.type !== TYPE) {
    throw new PolicyError('POLICY_UNSUPPORTED', `a policy of type ${JSON.stringify(value.type.slice(0, 100))} is not known here`)
  }
  const p = members(value, 'the policy', ['type', 'origin', 'logKeys', 'anchors'], ['witnesses', 'quorum', 'requireAnchors'])
  if (p.type !== TYPE) throw malformed(`type is not ${TYPE}`)
  const origin = p.origin
  if (typeof origin !== 'string' || !isOrigin(origin)) throw malformed('origin is not the name of a log')
  const witnesses = list(p.witnesses ?? [], 'witnesses').map((item, at) => readVkey(item, `witnesses[${at}]`, COSIGNATURE))
  if (new Set(witnesses.map(vkey => vkey.slice(vkey.lastIndexOf('+')))).size < witnesses.length)
    throw malformed('witnesses holds a key twice')
  const quorum = count(p.quorum ?? 0, 'quorum', 0)
  if (quorum > witnesses.length) throw malformed(`quorum is ${quorum} of only ${witnesses.length} witnesses`)
  const logKeys = list(p.logKeys, 'logKeys').map((item, at) => readKey(item, `logKeys[${at}]`, origin))
  if (logKeys.length === 0) throw malformed('logKeys is empty')
  const anchors = list(p.anchors, 'anchors').map((item, at) => readAnchor(item, `anchors[${at}]`))
  refuseTwice(anchors)
  return { type: TYPE, origin, logKeys, witnesses, quorum, anchors, requireAnchors: count(p.requireAnchors ?? 1, 'requireAnchors', 1) }
}

/** The policy's text, indented for people. */
export function formatPolicy(policy: Policy): string {
  return `${JSON.stringify(policy, null, 2)}\n`
}

/** True when the range covers a tree size. */
export function coversSize({ fromSize, toSize }: SizeRange, size: number): boolean {
  return size >= fromSize && (toSize === undefined || size <= toSize)
}

function readKey(value: Json, path: string, origin: string): PolicyKey {
  const key = members(value, path, ['vkey'], ['fromSize', 'toSize'])
  const vkey = readVkey(key.vkey, `${path}.vkey`, ED25519)
  if (parseVkey(vkey).name !== origin) throw malformed(`${path}.vkey is not named after the origin`)
  return { vkey, ...readRange(key, path) }
}

function readVkey(value: Json | undefined, path: string, type: number): string {
  if (typeof value !== 'string') throw malformed(`${path} is not a string`)
  if (parseVkey(value).type !== type) throw malformed(`${path} is a key of another type than ${type}`)
  return value
}

function readAnchor(value: Json, path: string): PolicyAnchor {
  if (isJsonObject(value) && typeof value.type === 'string' && value.type !== 'evm') {
    throw new PolicyError('POLICY_UNSUPPORTED', `${path} is of a type that is not known here: ${JSON.stringify(value.type.slice(0, 100))}`)
  }
  const a = members(value, path, ['type', 'chainId', 'contract', 'codeSha256', 'logId', 'finality'], ['production', 'fromSize', 'toSize'])
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

/** One log on one chain must not count twice towards `requireAnchors`. */
function refuseTwice(anchors: readonly PolicyAnchor[]): void {
  for (const [at, a] of anchors.entries()) {
    for (const b of anchors.slice(at + 1)) {
      const sameLog = a.chainId === b.chainId && a.contract === b.contract && a.logId === b.logId
      const overlap = coversSize(a, b.fromSize) || coversSize(b, a.fromSize)
      if (sameLog && overlap) throw malformed(`anchors holds one log twice for the same sizes: ${a.contract} on chain ${a.chainId}`)
    }
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

/** POLICY_MALFORMED or POLICY_UNSUPPORTED. */
export class PolicyError extends OpenSealError {}
