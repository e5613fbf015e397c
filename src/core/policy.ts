/** The policy: what a verifier trusts. Design §3.4. */

import { readBase64, toHex } from './bytes.ts'
import { decodeText, isLonger, mostBytes } from './encoding.ts'
import { isJsonObject, type Json, parseJson } from './json.ts'
import { type PolicyAnchor, readAnchors, readRange, refuseWithoutForkGuard, type SizeRange } from './policy-anchors.ts'
import { count, list, malformed, members, PolicyError } from './policy-members.ts'
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

const TYPE = 'openseal/policy@v1'
/** The most bytes of a policy in UTF-8. */
export const MAX_POLICY_BYTES = 64 * 1024
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
  const witnessKeys = witnesses.map(publicKeyOf)
  if (new Set(witnessKeys).size < witnesses.length) throw malformed('witnesses contains a key twice')
  const quorum = count(p.quorum ?? 0, 'quorum', 0)
  if (quorum > witnesses.length) throw malformed(`quorum is ${quorum}, but there are only ${witnesses.length} witnesses`)
  const logKeys = list(p.logKeys, 'logKeys').map((item, at) => readKey(item, `logKeys[${at}]`, origin))
  if (logKeys.length === 0) throw malformed('logKeys is empty')
  // A key that signs two histories of the log would cosign both.
  if (logKeys.some(({ vkey }) => witnessKeys.includes(publicKeyOf(vkey)))) throw malformed('witnesses contains a key of the log')
  const requireAnchors = count(p.requireAnchors ?? 1, 'requireAnchors', 1)
  const anchors = readAnchors(p.anchors)
  if (quorum === 0) refuseWithoutForkGuard(anchors, requireAnchors)
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
  // Reading a key a second time takes milliseconds, and a trust list may hold thousands.
  if (vkey.slice(0, vkey.indexOf('+')) !== origin) throw malformed(`${path}.vkey is not named after the origin`)
  return { vkey, ...readRange(key, path) }
}

/** The public key in a verifier key that was read, in hex, whatever its name and its type. */
function publicKeyOf(vkey: string): string {
  const [, encoded = ''] = VKEY.exec(vkey) ?? []
  return toHex(readBase64(encoded)!.subarray(1))
}

function readVkey(value: Json | undefined, path: string, type: number): string {
  if (typeof value !== 'string') throw malformed(`${path} is not a string`)
  const ofAnyType = readBase64(VKEY.exec(value)?.[1] ?? '')?.[0]
  if (ofAnyType !== undefined && ofAnyType !== ED25519 && ofAnyType !== ED25519_COSIGNATURE)
    throw new PolicyError('POLICY_UNSUPPORTED', `${path} is a key of an unsupported type: ${ofAnyType}`)
  if (parseVkey(value).type !== type) throw malformed(`${path} is not a key of type ${type}`)
  return value
}
