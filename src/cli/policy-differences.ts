/**
 * How the policy that a ledger serves differs from a reader's copy, in what only the reader can
 * decide: no log vouches for witnesses, quorum, authorities or the number of anchors.
 */
import { attemptAsync } from '../core/attempt.ts'
import { fromBase64, toHex } from '../core/bytes.ts'
import { sha256 } from '../core/hash.ts'
import type { Policy } from '../core/policy.ts'
import { isAuthority, isChain, type PolicyAuthority, type PolicyChain, type SizeRange } from '../core/policy-anchors.ts'
import type { Client } from './client.ts'
import { print, remark } from './output.ts'
import { readServedPolicy } from './policy-file.ts'

/** What only one of the two policies has, by name. */
type Lists = { readonly ledgerOnly: readonly string[]; readonly yoursOnly: readonly string[] }
/** A number that differs. */
type Numbers = { readonly ledger: number; readonly yours: number }

/** What differs; members without a difference are missing. */
export type PolicyDifferences = {
  /** Keys that the ledger names although no logged change introduces them. */
  readonly logKeys?: Lists
  readonly witnesses?: Lists
  readonly quorum?: Numbers
  readonly chains?: Lists
  readonly authorities?: Lists
  readonly requireAnchors?: Numbers
}

/**
 * Compares the ledger's policy with a copy that has all logged changes. Undefined if the ledger
 * serves no policy of this origin that could be read.
 */
export async function readDifferences(client: Client, followed: Policy): Promise<PolicyDifferences | undefined> {
  const { value: served } = await attemptAsync(() => readServedPolicy(client))
  if (served === undefined || served.policy.origin !== followed.origin) return undefined
  const pair = [served.policy, followed] as const
  return {
    ...lists('logKeys', pair),
    ...lists('witnesses', pair),
    ...numbers('quorum', pair),
    ...lists('chains', pair),
    ...lists('authorities', pair),
    ...numbers('requireAnchors', pair),
  }
}

/** A line for each key, contract and certificate that a reader of this policy trusts. */
export function describePolicy(policy: Policy): string[] {
  const parts = Object.entries(LISTED) as [keyof typeof LISTED, (typeof LISTED)[keyof typeof LISTED]][]
  return parts.flatMap(([member, read]) => read(policy).map(each => `  ${NAMES[member]}: ${each}`))
}

/** Whether there is a difference that somebody has to look at. */
export function isDifferent(differences: PolicyDifferences | undefined): differences is PolicyDifferences {
  return differences !== undefined && Object.keys(differences).length > 0
}

/** Prints what the reader has to decide. None of it is ever adopted. */
export function tellDifferences(url: string, file: string, differences: PolicyDifferences | undefined): void {
  if (differences === undefined) remark(`${url} serves no policy that could be compared with ${file}.`)
  if (!isDifferent(differences)) return
  print(
    `The policy at ${url} differs from ${file}. None of this was adopted, because no entry of the log vouches for it:`,
    ...Object.entries(differences).flatMap(([member, difference]) => tellOne(NAMES[member as keyof PolicyDifferences], difference)),
  )
  if (differences.logKeys?.ledgerOnly.length)
    remark('A key that no logged change introduces may be a thief’s. Ask the operator before you trust anything under it.')
  remark(`You decide. To follow the ledger, ask each witness or authority for its key or certificate, and write it into ${file}.`)
}

const NAMES: { readonly [member in keyof PolicyDifferences]-?: string } = {
  logKeys: 'keys of the log',
  witnesses: 'witnesses',
  quorum: 'witnesses that must sign (quorum)',
  chains: 'chains',
  authorities: 'time-stamp authorities',
  requireAnchors: 'anchors that are required (requireAnchors)',
}

/** What counts now, part by part. */
const LISTED = {
  logKeys: ({ logKeys }: Policy) => logKeys.filter(isOpen).map(({ vkey }) => vkey),
  witnesses: ({ witnesses }: Policy) => witnesses,
  chains: ({ anchors }: Policy) => anchors.filter(isChain).filter(isOpen).map(describeChain),
  authorities: ({ anchors }: Policy) => anchors.filter(isAuthority).filter(isOpen).map(describeAuthority),
}

function tellOne(name: string, difference: Lists | Numbers): string[] {
  if ('ledger' in difference) return [`  ${name}: ${difference.ledger} there, ${difference.yours} in your copy`]
  return [
    ...difference.ledgerOnly.map(each => `  ${name}, only there: ${each}`),
    ...difference.yoursOnly.map(each => `  ${name}, only in your copy: ${each}`),
  ]
}

/** The policy of the ledger, and the reader's. */
type Pair = readonly [Policy, Policy]

function lists(member: keyof typeof LISTED, pair: Pair) {
  const [ledger, yours] = pair.map(policy => new Set(LISTED[member](policy))) as [Set<string>, Set<string>]
  const ledgerOnly = [...ledger].filter(each => !yours.has(each))
  const yoursOnly = [...yours].filter(each => !ledger.has(each))
  return ledgerOnly.length + yoursOnly.length === 0 ? {} : { [member]: { ledgerOnly, yoursOnly } }
}

function numbers(member: 'quorum' | 'requireAnchors', [served, own]: Pair) {
  return served[member] === own[member] ? {} : { [member]: { ledger: served[member], yours: own[member] } }
}

/** A range that has ended says nothing about the trees to come. */
function isOpen({ toSize }: SizeRange): boolean {
  return toSize === undefined
}

function describeChain({ chainId, contract, codeSha256, logId }: PolicyChain): string {
  return `chain ${chainId}, contract ${contract} (code ${codeSha256}), log ${logId}`
}

/** With its first certificate, because another authority could have the same name. */
function describeAuthority({ name, certificates: [first] }: PolicyAuthority): string {
  return `${name} (certificate ${fingerprint(first!)})`
}

function fingerprint(certificate: string): string {
  return toHex(sha256(fromBase64(certificate)))
}
