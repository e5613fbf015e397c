/** The trust list: policies of many ledgers, kept by one party. Design §3.4. */

import { attempt } from './attempt.ts'
import { decodeText, isLonger, mostBytes } from './encoding.ts'
import { OpenSealError } from './errors.ts'
import { sha256Hex } from './hash.ts'
import { canonicalJson, isJsonObject, type Json, parseJson } from './json.ts'
import { MAX_POLICY_BYTES, type Policy, parsePolicy } from './policy.ts'
import { isOrigin } from './tlog/checkpoint.ts'
import { visible } from './visible.ts'

/** A list of ledgers. Names are one visible line each. */
export type TrustList = {
  readonly type: 'openseal/trust@v1'
  readonly name: string
  readonly entries: readonly TrustEntry[]
  /** The list as it was given. Its fingerprint is that of this value. */
  readonly json: JsonObject
  /** SHA-256, lower-case hex, of the list's RFC 8785 form. */
  readonly sha256: string
}

/** A ledger of a list. */
export type TrustEntry = {
  readonly name: string
  /** Where its ledger is asked about newer versions: an http(s) address without a final slash. */
  readonly ledger?: string
  readonly origin: string
  /** The policy's fingerprint. */
  readonly sha256: string
  /** Missing if it is of a kind that this version does not support. Only this ledger is affected. */
  readonly policy?: Policy
}

type JsonObject = { readonly [member: string]: Json }

const TYPE = 'openseal/trust@v1'
const MAX_LIST_BYTES = 1024 * 1024
const MAX_ENTRIES = 256
const MAX_NAME_LENGTH = 200
const MAX_URL_LENGTH = 2000

/** Whether the JSON of a policy file claims to be a list. */
function isTrustJson(value: Json): value is JsonObject {
  return isJsonObject(value) && typeof value.type === 'string' && /^openseal\/trust@/.test(value.type)
}

/** Whether this is a list, and not a single policy. */
export function isTrustList(given: Policy | TrustList): given is TrustList {
  return given.type === TYPE
}

/**
 * Parses a list strictly from JSON text, bytes or an object. Bytes may be UTF-8 or UTF-16. Throws
 * TrustError, JsonError, EncodingError, or the error of a policy that is malformed.
 */
export function parseTrustList(input: string | Uint8Array | JsonObject): TrustList {
  const value = typeof input === 'string' || input instanceof Uint8Array ? parseBounded(input) : input
  if (!isJsonObject(value)) throw malformed('it is not an object')
  if (isTrustJson(value) && value.type !== TYPE)
    throw new TrustError('TRUST_UNSUPPORTED', `lists of type ${JSON.stringify(String(value.type).slice(0, 100))} are not supported`)
  if (value.type !== TYPE) throw malformed(`type is not ${TYPE}`)
  refuseUnknown(value, 'the list', ['type', 'name', 'entries'])
  const name = readName(value.name, 'name')
  const given = value.entries
  if (!Array.isArray(given)) throw malformed('entries is not a list')
  if (given.length === 0 || given.length > MAX_ENTRIES) throw malformed(`there are ${given.length} entries instead of 1 to ${MAX_ENTRIES}`)
  const entries = (given as readonly Json[]).map((entry, at) => readEntry(entry, `entries[${at}]`))
  const origins = new Set<string>()
  for (const { origin } of entries) {
    if (origins.has(origin)) throw new TrustError('TRUST_ORIGIN_TWICE', `the list cannot be used: it has two policies for ${origin}`)
    origins.add(origin)
  }
  return { type: TYPE, name, entries, json: value, sha256: fingerprintOf(value) }
}

/**
 * Parses a policy or a list, as its type says. Throws what `parsePolicy` and `parseTrustList`
 * throw.
 */
export function parseTrust(input: string | Uint8Array): { readonly given: Policy | TrustList; readonly sha256: string } {
  const value = parseBounded(input)
  if (isTrustJson(value)) {
    const given = parseTrustList(value)
    return { given, sha256: given.sha256 }
  }
  return { given: parsePolicy(input), sha256: fingerprintOf(value) }
}

/** The fingerprint of a policy or a list: SHA-256, lower-case hex, of its RFC 8785 form. */
export function fingerprintOf(value: Json): string {
  return sha256Hex(canonicalJson(value))
}

/** The list's text, indented for people. */
export function formatTrustList({ json }: TrustList): string {
  return `${JSON.stringify(json, null, 2)}\n`
}

/**
 * The list with a policy for one more ledger, named by its origin; the same list if it has one. For
 * a report that was made by a list and by a ledger's own policy.
 */
function withPolicy(list: TrustList, policy: Policy): TrustList {
  if (list.entries.some(({ origin }) => origin === policy.origin)) return list
  const entry = { name: cutName(policy.origin), policy: JSON.parse(JSON.stringify(policy)) as JsonObject }
  const { name, entries } = list.json as { readonly name: string; readonly entries: readonly Json[] }
  return parseTrustList({ ...list.json, name: cutName(`${name} + ${policy.origin}`), entries: [...entries, entry] })
}

/** A name that is short enough for a list, and still a name: no half of a character, no space at its end. */
function cutName(name: string): string {
  return name
    .slice(0, MAX_NAME_LENGTH)
    .replace(/[\ud800-\udbff]$/, '')
    .trimEnd()
}

/**
 * The JSON of everything that judged: the policy, or the list. Of a policy and a list for other
 * ledgers, a list with both.
 */
export function jsonOf(given: Policy | TrustList, others: TrustList | undefined): JsonObject {
  if (isTrustList(given)) return given.json
  return others === undefined ? (JSON.parse(JSON.stringify(given)) as JsonObject) : withPolicy(others, given).json
}

function readEntry(value: Json, path: string): TrustEntry {
  if (!isJsonObject(value)) throw malformed(`${path} is not an object`)
  refuseUnknown(value, path, ['name', 'ledger', 'policy'])
  const name = readName(value.name, `${path}.name`)
  const given = value.policy
  if (!isJsonObject(given)) throw malformed(`${path}.policy is not an object`)
  if (isLonger(canonicalJson(given), MAX_POLICY_BYTES)) throw malformed(`${path}.policy is larger than ${MAX_POLICY_BYTES} bytes`)
  const { value: policy, error } = attempt(() => parsePolicy(given))
  if (error && error.code !== 'POLICY_UNSUPPORTED')
    throw new TrustError(error.code, `${path} (${JSON.stringify(name)}): ${error.message}`, { cause: error })
  const origin = given.origin
  // Even a policy of a later version must say whose it is.
  if (typeof origin !== 'string' || !isOrigin(origin)) throw malformed(`${path}.policy.origin is not a valid log name`)
  return { name, ...readLedger(value.ledger, `${path}.ledger`), origin, sha256: fingerprintOf(given), ...(policy && { policy }) }
}

/** One line without characters that steer or reorder text: it appears in our sentences. */
function readName(value: Json | undefined, path: string): string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_NAME_LENGTH)
    throw malformed(`${path} is not a text of 1 to ${MAX_NAME_LENGTH} characters`)
  const isPlain = value.isWellFormed() && value.trim() === value && visible(value) === value && !/[\t\n\r\u2068\u2069]/.test(value)
  if (!isPlain) throw malformed(`${path} is not one line of visible text`)
  return value
}

function readLedger(value: Json | undefined, path: string): { readonly ledger?: string } {
  if (value === undefined) return {}
  if (typeof value !== 'string' || value.length > MAX_URL_LENGTH || !/^https?:\/\/[^\s/@"'<>\\?#]+(?:\/[^\s"'<>\\?#]*)?$/.test(value))
    throw malformed(`${path} is not the http(s) address of a ledger`)
  if (!URL.canParse(value)) throw malformed(`${path} is not the http(s) address of a ledger`)
  return { ledger: value.replace(/\/+$/, '') }
}

function refuseUnknown(value: JsonObject, path: string, known: readonly string[]): void {
  for (const member of Object.keys(value))
    if (!known.includes(member)) throw malformed(`${path} has an unknown member ${JSON.stringify(member)}`)
}

function parseBounded(input: string | Uint8Array): Json {
  const tooLarge = () => malformed(`it is larger than ${MAX_LIST_BYTES} bytes`)
  if (input.length > mostBytes(MAX_LIST_BYTES)) throw tooLarge()
  const text = decodeText(input)
  if (isLonger(text, MAX_LIST_BYTES)) throw tooLarge()
  return parseJson(text)
}

function malformed(what: string): TrustError {
  return new TrustError('TRUST_MALFORMED', `the list cannot be used: ${what}`)
}

/**
 * TRUST_MALFORMED, TRUST_UNSUPPORTED, TRUST_ORIGIN_TWICE, or the code of a malformed policy in the
 * list.
 */
export class TrustError extends OpenSealError {}
